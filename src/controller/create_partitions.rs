//! Adding partitions to topics: the rules of ReplicationControlManager.createPartitions. All topics of a request are one batch.

use super::partition_registration::{check_replicas, check_size, first_registration, is_active};
use super::placement::{DirectoryLoad, Placer};
use super::{Context, Decide, Decision, Reason, Refusal};
use crate::metadata::records::MetadataRecord;
use crate::metadata::{MetadataImage, TopicImage};
use crate::types::{NodeId, PartitionIndex, TopicName};

/// Adds partitions. The edge has checked rights; each topic is named once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatePartitions {
    pub topics: Vec<MorePartitions>,
    /// Judge only: the reply is as it would be, there are no records.
    pub validate_only: bool,
}

/// How many partitions a topic is to have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MorePartitions {
    pub name: TopicName,
    /// Those that it has included.
    pub count: i32,
    /// The replicas of each new partition, the preferred leader first, if the request says.
    pub assignments: Option<Vec<Vec<NodeId>>>,
}

impl Decide for CreatePartitions {
    type Reply = Vec<(TopicName, Result<(), Refusal>)>;

    /// One result for each topic, in the order of the request.
    fn decide(&self, context: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Self::Reply>, Refusal> {
        let added = |topic: &MorePartitions| usize::try_from(topic.count).unwrap_or(0);
        check_size(self.topics.iter().map(added).fold(0, usize::saturating_add).saturating_sub(self.existing(image)))?;
        let (mut records, mut reply) = (Vec::new(), Vec::new());
        let mut load = DirectoryLoad::of(image);
        for topic in &self.topics {
            let result = add(context, image, &mut load, topic).map(|mut added| records.append(&mut added));
            reply.push((topic.name.clone(), result));
        }
        if self.validate_only {
            records.clear();
        }
        Ok(Decision { records, reply })
    }
}

impl CreatePartitions {
    /// Partitions that the topics have, as far as they are counted in what is asked for.
    fn existing(&self, image: &MetadataImage) -> usize {
        let existing = |topic: &MorePartitions| {
            let known = image.topics().by_name(topic.name.as_str()).map_or(0, |topic| topic.partitions.len());
            known.min(usize::try_from(topic.count).unwrap_or(0))
        };
        self.topics.iter().map(existing).sum()
    }
}

fn add(
    context: &mut Context<'_>,
    image: &MetadataImage,
    load: &mut DirectoryLoad,
    asked: &MorePartitions,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let topic = image
        .topics()
        .by_name(asked.name.as_str())
        .ok_or_else(|| Refusal::new(Reason::UnknownTopicOrPartition, format!("There is no topic '{}'.", asked.name)))?;
    let existing = i32::try_from(topic.partitions.len()).expect("partitions are numbered by 32 bits");
    let added = asked.count.checked_sub(existing).filter(|added| *added > 0).ok_or_else(|| {
        let message = format!("Topic '{}' has {existing} partition(s); {} is not more.", asked.name, asked.count);
        Refusal::new(Reason::InvalidPartitions, message)
    })?;
    let layout = match &asked.assignments {
        Some(assignments) => assigned(image, topic, existing, added, assignments)?,
        None => placed(context, image, topic, added)?,
    };
    let indexes = (existing..).map(PartitionIndex);
    let register = |(index, replicas)| first_registration(image, load, topic.id, index, replicas).into();
    Ok(indexes.zip(layout).map(register).collect())
}

/// New partitions have as many replicas as the first.
fn replication_factor(topic: &TopicImage) -> usize {
    topic.partitions.values().next().map_or(0, |first| first.replicas.len())
}

fn assigned(
    image: &MetadataImage,
    topic: &TopicImage,
    existing: i32,
    added: i32,
    assignments: &[Vec<NodeId>],
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let refused = |message: String| Err(Refusal::new(Reason::InvalidReplicaAssignment, message));
    if usize::try_from(added) != Ok(assignments.len()) {
        return refused(format!("{added} partition(s) are to be added and {} are assigned.", assignments.len()));
    }
    let factor = replication_factor(topic);
    for (index, replicas) in (existing..).map(PartitionIndex).zip(assignments) {
        check_replicas(image, index, replicas)?;
        if replicas.len() != factor {
            return refused(format!("Partition {index} has {} replica(s), the topic's others have {factor}.", replicas.len()));
        }
        if !replicas.iter().any(|replica| is_active(image, *replica)) {
            return refused(format!("All brokers of partition {index} are fenced or shutting down."));
        }
    }
    Ok(assignments.to_vec())
}

fn placed(context: &mut Context<'_>, image: &MetadataImage, topic: &TopicImage, added: i32) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let factor = replication_factor(topic);
    let mut placer = Placer::new(image, &mut *context.random, factor)?;
    Ok((0..added).map(|_| placer.next_partition(factor)).collect())
}

#[cfg(test)]
#[path = "create_partitions_tests.rs"]
mod tests;
