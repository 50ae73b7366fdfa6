//! Elections that an operator asks for: Kafka's rules of ReplicationControlManager.electLeaders.

use std::collections::{BTreeMap, BTreeSet};

use super::partition_change::elect;
use super::partition_registration::check_size;
use super::{Context, Decide, Decision, Reason, Refusal};
use crate::metadata::records::{MetadataRecord, PartitionChange};
use crate::metadata::{MetadataImage, PartitionImage, TopicImage};
use crate::types::{NodeId, PartitionIndex, TopicIdPartition, TopicName};

/// ElectionType.java.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElectionType {
    /// The first replica is to lead.
    Preferred,
    /// Somebody is to lead where nobody does. Only who is in sync may: a leader that lacks acknowledged records needs a recovery that
    /// comes with replication.
    Unclean,
}

/// Elects leaders. The edge has checked the right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ElectLeaders {
    pub election: ElectionType,
    /// `None` for all; then those that need no election are left out of the reply (trap 46).
    pub partitions: Option<Vec<(TopicName, Vec<PartitionIndex>)>>,
}

/// What became of each partition.
pub type Elections = Vec<(TopicName, Vec<(PartitionIndex, Result<(), Refusal>)>)>;

impl Decide for ElectLeaders {
    type Reply = Elections;

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Elections>, Refusal> {
        let mut elected = Elected { image, election: self.election, changes: BTreeMap::new(), seen: BTreeSet::new() };
        let reply = match &self.partitions {
            Some(named) => named.iter().map(|(topic, indexes)| (topic.clone(), elected.named(topic, indexes))).collect(),
            None => image.topics().iter().map(|topic| (topic.name.clone(), elected.all_of(topic))).collect(),
        };
        check_size(elected.changes.len())?;
        Ok(Decision { records: elected.changes.into_values().collect(), reply })
    }
}

/// The elections so far.
struct Elected<'a> {
    image: &'a MetadataImage,
    election: ElectionType,
    changes: BTreeMap<TopicIdPartition, MetadataRecord>,
    seen: BTreeSet<TopicIdPartition>,
}

impl Elected<'_> {
    fn named(&mut self, name: &TopicName, indexes: &[PartitionIndex]) -> Vec<(PartitionIndex, Result<(), Refusal>)> {
        let topic = self.image.topics().by_name(name.as_str());
        let unknown = |what: &str| Refusal::new(Reason::UnknownTopicOrPartition, format!("There is no such {what}."));
        let mut one = |index: PartitionIndex| {
            let topic = topic.ok_or_else(|| unknown("topic"))?;
            let partition = topic.partition(index).ok_or_else(|| unknown("partition"))?;
            self.elect(topic, index, partition)
        };
        indexes.iter().map(|index| (*index, one(*index))).collect()
    }

    fn all_of(&mut self, topic: &TopicImage) -> Vec<(PartitionIndex, Result<(), Refusal>)> {
        let elections = topic.partitions.iter().map(|(index, partition)| (*index, self.elect(topic, *index, partition)));
        let is_news = |result: &Result<(), Refusal>| {
            result.as_ref().err().is_none_or(|refusal| refusal.reason != Reason::ElectionNotNeeded)
        };
        elections.filter(|(_, result)| is_news(result)).collect()
    }

    /// A partition that is named again has what was asked for.
    fn elect(&mut self, topic: &TopicImage, index: PartitionIndex, partition: &PartitionImage) -> Result<(), Refusal> {
        let not_needed = || Err(Refusal::new(Reason::ElectionNotNeeded, "The partition has the leader that is wanted."));
        let may_lead = |node: NodeId| self.image.broker(node).is_some_and(|broker| broker.is_active());
        let in_sync = || elect(partition, may_lead);
        let preferred = partition.replicas.first().copied();
        let found = match self.election {
            ElectionType::Preferred if partition.leader.is_some() && partition.leader == preferred => return not_needed(),
            ElectionType::Unclean if partition.leader.is_some() => return not_needed(),
            // A leader stays until the preferred one may take over; where nobody leads, anybody in sync is better.
            ElectionType::Preferred if partition.leader.is_some() => in_sync().filter(|leader| Some(*leader) == preferred),
            ElectionType::Preferred | ElectionType::Unclean => in_sync(),
        };
        let place = TopicIdPartition { topic_id: topic.id, partition: index };
        let Some(leader) = found else {
            let (reason, who) = match self.election {
                ElectionType::Preferred => (Reason::PreferredLeaderNotAvailable, "The preferred leader"),
                ElectionType::Unclean => (Reason::EligibleLeadersNotAvailable, "A replica that may lead"),
            };
            return Err(Refusal::new(reason, format!("{who} is not there and in sync.")));
        };
        if !self.seen.insert(place) {
            return not_needed();
        }
        let change = PartitionChange { leader: Some(Some(leader)), ..PartitionChange::nothing(topic.id, index) };
        self.changes.insert(place, change.into());
        Ok(())
    }
}

#[cfg(test)]
#[path = "elect_leaders_tests.rs"]
mod tests;
