//! Topics and their partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::metadata::records::{LeaderRecoveryState, MetadataRecord, Partition, PartitionChange, Topic};
use crate::types::{DirectoryId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId, TopicIdPartition, TopicName};

/// All topics, by id and by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TopicsImage {
    by_id: BTreeMap<TopicId, Arc<TopicImage>>,
    by_name: BTreeMap<TopicName, TopicId>,
    /// Names with '.' or '_' by what they become in metric names, where both characters are one.
    colliding: BTreeMap<String, BTreeSet<TopicName>>,
}

/// The name with every '.' made '_', if it has either: two topics with the same one cannot exist side by side.
fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

impl TopicsImage {
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    #[must_use]
    pub fn by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.by_id.get(&id)
    }

    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.by_name.get(name).and_then(|id| self.by_id.get(id))
    }

    #[must_use]
    pub fn partition(&self, partition: TopicIdPartition) -> Option<&Arc<PartitionImage>> {
        self.by_id(partition.topic_id)?.partitions.get(&partition.partition)
    }

    /// All topics in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.by_name.values().filter_map(|id| self.by_id.get(id))
    }

    /// A topic whose name differs from this one only in '.' and '_', or is the same.
    #[must_use]
    pub fn colliding_with(&self, name: &str) -> Option<&TopicName> {
        self.colliding.get(&collision_key(name)?)?.first()
    }

    pub(super) fn insert(&mut self, record: &Topic) {
        let topic = TopicImage { id: record.topic_id, name: record.name.clone(), partitions: BTreeMap::new() };
        self.by_id.insert(record.topic_id, Arc::new(topic));
        self.by_name.insert(record.name.clone(), record.topic_id);
        if let Some(key) = collision_key(record.name.as_str()) {
            self.colliding.entry(key).or_default().insert(record.name.clone());
        }
    }

    pub(super) fn remove(&mut self, id: TopicId) -> Option<Arc<TopicImage>> {
        let topic = self.by_id.remove(&id)?;
        self.by_name.remove(&topic.name);
        if let Some(key) = collision_key(topic.name.as_str())
            && let Some(names) = self.colliding.get_mut(&key)
        {
            names.remove(&topic.name);
            if names.is_empty() {
                self.colliding.remove(&key);
            }
        }
        Some(topic)
    }

    pub(super) fn get_mut(&mut self, id: TopicId) -> Option<&mut TopicImage> {
        self.by_id.get_mut(&id).map(Arc::make_mut)
    }

    pub(super) fn write_records(&self, records: &mut Vec<MetadataRecord>) {
        for topic in self.iter() {
            records.push(Topic { name: topic.name.clone(), topic_id: topic.id }.into());
            records.extend(topic.partitions.iter().map(|(index, partition)| partition.to_record(topic.id, *index).into()));
        }
    }
}

/// One life of a topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicImage {
    pub id: TopicId,
    pub name: TopicName,
    pub partitions: BTreeMap<PartitionIndex, Arc<PartitionImage>>,
}

impl TopicImage {
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<PartitionImage>> {
        self.partitions.get(&index)
    }
}

/// Who holds a partition, who leads it and in which epochs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionImage {
    /// In order of preference.
    pub replicas: Vec<NodeId>,
    /// One for each of `replicas`, in their order. May be one of Kafka's reserved ids: not yet told, or lost.
    pub directories: Vec<DirectoryId>,
    pub isr: Vec<NodeId>,
    /// Eligible leader replicas: left the ISR while it was below the minimum, still safe to elect (KIP-966).
    pub elr: Vec<NodeId>,
    pub last_known_elr: Vec<NodeId>,
    pub adding_replicas: Vec<NodeId>,
    pub removing_replicas: Vec<NodeId>,
    pub leader: Option<NodeId>,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub leader_recovery_state: LeaderRecoveryState,
}

impl PartitionImage {
    /// The directory of a node's replica.
    #[must_use]
    pub fn directory_of(&self, node: NodeId) -> Option<DirectoryId> {
        self.replicas.iter().zip(&self.directories).find(|(replica, _)| **replica == node).map(|(_, directory)| *directory)
    }

    pub(super) fn from_record(record: &Partition) -> Self {
        Self {
            replicas: record.replicas.clone(),
            directories: or_migrating(&record.directories, record.replicas.len()),
            isr: record.isr.clone(),
            elr: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
            adding_replicas: record.adding_replicas.clone(),
            removing_replicas: record.removing_replicas.clone(),
            leader: record.leader,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
            leader_recovery_state: record.leader_recovery_state,
        }
    }

    pub(super) fn to_record(&self, topic_id: TopicId, partition_id: PartitionIndex) -> Partition {
        let unless_empty = |nodes: &Vec<NodeId>| (!nodes.is_empty()).then(|| nodes.clone());
        Partition {
            partition_id,
            topic_id,
            replicas: self.replicas.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing_replicas.clone(),
            adding_replicas: self.adding_replicas.clone(),
            leader: self.leader,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            leader_recovery_state: self.leader_recovery_state,
            eligible_leader_replicas: unless_empty(&self.elr),
            last_known_elr: unless_empty(&self.last_known_elr),
        }
    }

    /// Takes over what the record names; the partition epoch rises with every change, the leader epoch with a named leader.
    pub(super) fn change(&mut self, record: &PartitionChange) {
        replace(&mut self.replicas, record.replicas.as_ref());
        replace(&mut self.isr, record.isr.as_ref());
        replace(&mut self.elr, record.eligible_leader_replicas.as_ref());
        replace(&mut self.last_known_elr, record.last_known_elr.as_ref());
        replace(&mut self.adding_replicas, record.adding_replicas.as_ref());
        replace(&mut self.removing_replicas, record.removing_replicas.as_ref());
        self.directories = or_migrating(record.directories.as_ref().unwrap_or(&self.directories), self.replicas.len());
        if let Some(leader) = record.leader {
            self.leader = leader;
            self.leader_epoch.0 += 1;
        }
        if let Some(state) = record.leader_recovery_state {
            self.leader_recovery_state = state;
        }
        self.partition_epoch.0 += 1;
    }
}

fn replace(field: &mut Vec<NodeId>, by: Option<&Vec<NodeId>>) {
    if let Some(by) = by {
        field.clone_from(by);
    }
}

/// Records from before directories had ids name none, or the reserved id of a replica that still has to be told its directory.
fn or_migrating(directories: &[DirectoryId], replicas: usize) -> Vec<DirectoryId> {
    if directories.iter().all(|directory| *directory == DirectoryId::MIGRATING) {
        vec![DirectoryId::MIGRATING; replicas]
    } else {
        directories.to_vec()
    }
}
