//! The one place where a partition's leader and ISR change because a broker came or went.
//!
//! Follows Kafka's PartitionChangeBuilder as far as clean elections go: a leader comes from the ISR, the preferred replica first;
//! the last member never leaves the ISR, so what was acknowledged keeps a holder even while nobody leads.

use crate::metadata::records::{MetadataRecord, PartitionChange};
use crate::metadata::{MetadataImage, PartitionImage};
use crate::types::{NodeId, PartitionIndex, TopicId};

/// Takes the broker out of every ISR and every leadership: it is fenced, shutting down or starting anew.
pub(super) fn leave(image: &MetadataImage, broker: NodeId) -> Vec<MetadataRecord> {
    let may_lead = |node: NodeId| node != broker && image.broker(node).is_some_and(|broker| broker.is_active());
    every_partition(image, |partition, change| {
        if partition.isr.contains(&broker) {
            let others: Vec<NodeId> = partition.isr.iter().copied().filter(|member| *member != broker).collect();
            change.isr = (!others.is_empty()).then_some(others);
        }
        if partition.leader == Some(broker) {
            change.leader = Some(elect(partition, may_lead));
        }
    })
}

/// Gives a leader to the partitions that have none and in whose ISR the broker is: it is active now.
pub(super) fn join(image: &MetadataImage, broker: NodeId) -> Vec<MetadataRecord> {
    let may_lead = |node: NodeId| node == broker || image.broker(node).is_some_and(|broker| broker.is_active());
    every_partition(image, |partition, change| {
        if partition.leader.is_none() && partition.isr.contains(&broker) {
            change.leader = Some(elect(partition, may_lead));
        }
    })
}

/// Whether the broker leads any partition.
pub(super) fn leads_any(image: &MetadataImage, broker: NodeId) -> bool {
    image.topics().iter().flat_map(|topic| topic.partitions.values()).any(|partition| partition.leader == Some(broker))
}

/// Of those in sync, the preferred replica first.
pub(super) fn elect(partition: &PartitionImage, may_lead: impl Fn(NodeId) -> bool) -> Option<NodeId> {
    partition.replicas.iter().copied().find(|replica| partition.isr.contains(replica) && may_lead(*replica))
}

/// One record for each partition of which `fill_in` changes anything.
fn every_partition(image: &MetadataImage, fill_in: impl Fn(&PartitionImage, &mut PartitionChange)) -> Vec<MetadataRecord> {
    let of_partition = |topic_id: TopicId, index: PartitionIndex, partition: &PartitionImage| {
        let nothing = PartitionChange::nothing(topic_id, index);
        let mut change = nothing.clone();
        fill_in(partition, &mut change);
        (change != nothing).then(|| change.into())
    };
    let topics = image.topics().iter();
    topics
        .flat_map(|topic| topic.partitions.iter().filter_map(|(index, partition)| of_partition(topic.id, *index, partition)))
        .collect()
}
