//! Creating topics: all of Kafka's rules of ReplicationControlManager.createTopics. All topics of a request are one batch.

use std::collections::{BTreeMap, BTreeSet};

use super::partition_registration::{check_replicas, check_size, first_registration, is_active};
use super::placement::{DirectoryLoad, Placer};
use super::{Context, Decide, Decision, Reason, Refusal, check_topic_name};
use crate::config::validate_topic_configs;
use crate::metadata::MetadataImage;
use crate::metadata::records::{Config, ConfigResourceType, MetadataRecord, Topic};
use crate::types::{NodeId, PartitionIndex, TopicId, TopicName};

/// The log that holds the metadata itself: no topic.
const CLUSTER_METADATA_TOPIC: &str = "__cluster_metadata";

/// Creates topics. The edge has checked rights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateTopics {
    pub topics: Vec<NewTopic>,
    /// Judge only: the reply is as it would be, there are no records.
    pub validate_only: bool,
}

/// A topic to be created. What is `None` (-1 on the wire) is left to the defaults or to `assignments`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTopic {
    pub name: String,
    pub partitions: Option<i32>,
    pub replication_factor: Option<i16>,
    /// Where each partition goes, if the request says; then the two above must be `None`.
    pub assignments: Vec<ReplicaAssignment>,
    /// A null value is refused.
    pub configs: Vec<(String, Option<String>)>,
}

/// The replicas of one partition, the preferred leader first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaAssignment {
    pub partition: PartitionIndex,
    pub replicas: Vec<NodeId>,
}

/// What became of one topic of the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicResult {
    pub name: String,
    pub result: Result<CreatedTopic, Refusal>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedTopic {
    pub id: TopicId,
    pub partitions: i32,
    pub replication_factor: i16,
    /// The topic's own settings.
    pub configs: BTreeMap<String, String>,
}

/// The replicas of partitions 0, 1, 2 and so on.
type Layout = Vec<Vec<NodeId>>;

impl Decide for CreateTopics {
    type Reply = Vec<TopicResult>;

    /// One result for each name, in the order of the request; a name that stands twice is refused once and comes last.
    fn decide(&self, context: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Vec<TopicResult>>, Refusal> {
        check_size(self.partitions(context))?;
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for topic in &self.topics {
            *times.entry(&topic.name).or_default() += 1;
        }
        let (mut records, mut reply) = (Vec::new(), Vec::new());
        let mut load = DirectoryLoad::of(image);
        for topic in self.topics.iter().filter(|topic| times.get(topic.name.as_str()) == Some(&1)) {
            let result = create(context, image, &mut load, topic).map(|(created, mut topic_records)| {
                records.append(&mut topic_records);
                created
            });
            reply.push(TopicResult { name: topic.name.clone(), result });
        }
        let twice = self.topics.iter().map(|topic| topic.name.as_str()).filter(|name| times.get(name) > Some(&1));
        for name in twice.collect::<BTreeSet<_>>() {
            let message = format!("Topic '{name}' stands more than once in the request.");
            reply.push(TopicResult { name: name.to_owned(), result: Err(Refusal::new(Reason::InvalidRequest, message)) });
        }
        check_size(records.len())?;
        if self.validate_only {
            records.clear();
        }
        Ok(Decision { records, reply })
    }
}

impl CreateTopics {
    /// How many partitions are asked for, whether or not they will be granted.
    fn partitions(&self, context: &Context<'_>) -> usize {
        let asked = |topic: &NewTopic| match topic.assignments.len() {
            0 => usize::try_from(topic.partitions.unwrap_or(context.defaults.partitions)).unwrap_or(0),
            assigned => assigned,
        };
        self.topics.iter().map(asked).fold(0, usize::saturating_add)
    }
}

/// The order of the checks is Kafka's, so that a topic that breaks several rules gets the same code.
fn create(
    context: &mut Context<'_>,
    image: &MetadataImage,
    load: &mut DirectoryLoad,
    topic: &NewTopic,
) -> Result<(CreatedTopic, Vec<MetadataRecord>), Refusal> {
    check_name(image, &topic.name)?;
    let configs = checked_configs(topic)?;
    let layout = if topic.assignments.is_empty() { placed(context, image, topic)? } else { assigned(image, topic)? };
    let id = TopicId::from_random(&mut *context.random);
    let created = CreatedTopic {
        id,
        partitions: i32::try_from(layout.len()).expect("at most MOST_RECORDS"),
        replication_factor: layout.first().map_or(0, |replicas| i16::try_from(replicas.len()).unwrap_or(i16::MAX)),
        configs,
    };
    let name = TopicName::new(&topic.name);
    let mut records = vec![Topic { name: name.clone(), topic_id: id }.into()];
    records.extend(created.configs.iter().map(|(key, value)| setting(&name, key, value)));
    for (index, replicas) in (0..).map(PartitionIndex).zip(layout) {
        records.push(first_registration(image, load, id, index, replicas).into());
    }
    Ok((created, records))
}

fn check_name(image: &MetadataImage, name: &str) -> Result<(), Refusal> {
    if name == CLUSTER_METADATA_TOPIC {
        return Err(Refusal::new(Reason::InvalidRequest, format!("'{name}' is the log of the metadata and cannot be created.")));
    }
    if image.topics().by_name(name).is_some() {
        return Err(Refusal::new(Reason::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
    }
    check_topic_name(name)?;
    image.topics().colliding_with(name).map_or(Ok(()), |other| {
        let message = format!("Topic '{name}' collides with topic '{other}': names must differ in more than '.' and '_'.");
        Err(Refusal::new(Reason::InvalidTopic, message))
    })
}

fn checked_configs(topic: &NewTopic) -> Result<BTreeMap<String, String>, Refusal> {
    let given = topic.configs.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
    validate_topic_configs(given).map_err(|message| Refusal::new(Reason::InvalidConfig, message))?;
    Ok(topic.configs.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect())
}

/// The layout that the request gives.
fn assigned(image: &MetadataImage, topic: &NewTopic) -> Result<Layout, Refusal> {
    if topic.replication_factor.is_some() || topic.partitions.is_some() {
        let message = "With an assignment of replicas, the number of partitions and the replication factor must be -1.";
        return Err(Refusal::new(Reason::InvalidRequest, message));
    }
    let refused = |message: String| Err(Refusal::new(Reason::InvalidReplicaAssignment, message));
    let mut layout = BTreeMap::new();
    let mut replication_factor = None;
    for ReplicaAssignment { partition, replicas } in &topic.assignments {
        if layout.contains_key(partition) {
            return refused(format!("Partition {partition} is assigned more than once."));
        }
        check_replicas(image, *partition, replicas)?;
        let expected = *replication_factor.get_or_insert(replicas.len());
        if replicas.len() != expected {
            return refused(format!("Partition {partition} has {} replica(s), others have {expected}.", replicas.len()));
        }
        if !replicas.iter().any(|replica| is_active(image, *replica)) {
            return refused(format!("All brokers of partition {partition} are fenced or shutting down."));
        }
        layout.insert(*partition, replicas.clone());
    }
    if !layout.keys().copied().eq((0..).map(PartitionIndex).take(layout.len())) {
        return refused("The assigned partitions must be numbered from 0 without a gap.".to_owned());
    }
    Ok(layout.into_values().collect())
}

/// A layout of our own.
fn placed(context: &mut Context<'_>, image: &MetadataImage, topic: &NewTopic) -> Result<Layout, Refusal> {
    let replication_factor = topic.replication_factor.unwrap_or(context.defaults.replication_factor);
    let Some(replication_factor) = usize::try_from(replication_factor).ok().filter(|factor| *factor > 0) else {
        let message = format!("The replication factor is {replication_factor}; it must be at least 1, or -1 for the default.");
        return Err(Refusal::new(Reason::InvalidReplicationFactor, message));
    };
    let partitions = topic.partitions.unwrap_or(context.defaults.partitions);
    if partitions <= 0 {
        let message = format!("The number of partitions is {partitions}; it must be at least 1, or -1 for the default.");
        return Err(Refusal::new(Reason::InvalidPartitions, message));
    }
    let mut placer = Placer::new(image, &mut *context.random, replication_factor)?;
    Ok((0..partitions).map(|_| placer.next_partition(replication_factor)).collect())
}

fn setting(topic: &TopicName, name: &str, value: &str) -> MetadataRecord {
    Config {
        resource_type: ConfigResourceType::Topic,
        resource_name: topic.as_str().to_owned(),
        name: name.to_owned(),
        value: Some(value.to_owned()),
    }
    .into()
}

#[cfg(test)]
#[path = "create_topics_tests.rs"]
mod tests;
