//! What new partitions have in common, of a new topic or of one that grows: the checks on assigned replicas, and the first registration.

use std::collections::BTreeSet;

use super::placement::DirectoryLoad;
use super::{Reason, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::records::{LeaderRecoveryState, Partition};
use crate::types::{LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

/// Most records that one request may cause, so that its batch stays well below the quorum's limit. Kafka's MAX_RECORDS_PER_USER_OP.
pub(super) const MOST_RECORDS: usize = 10_000;

pub(super) fn check_size(records: usize) -> Result<(), Refusal> {
    if records <= MOST_RECORDS {
        return Ok(());
    }
    let message = format!("The request asks for too many partitions and settings: one request may cause {MOST_RECORDS} records.");
    Err(Refusal::new(Reason::PolicyViolation, message))
}

pub(super) fn check_replicas(image: &MetadataImage, partition: PartitionIndex, replicas: &[NodeId]) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::new(Reason::InvalidReplicaAssignment, message));
    if replicas.is_empty() {
        return refused(format!("Partition {partition} is assigned to no broker."));
    }
    let mut seen = BTreeSet::new();
    for replica in replicas {
        if image.broker(*replica).is_none() {
            return refused(format!("Partition {partition} is assigned to broker {replica}, which is not registered."));
        }
        if !seen.insert(*replica) {
            return refused(format!("Partition {partition} is assigned to broker {replica} more than once."));
        }
    }
    Ok(())
}

pub(super) fn is_active(image: &MetadataImage, broker: NodeId) -> bool {
    image.broker(broker).is_some_and(|broker| broker.is_active())
}

/// Whoever is active is in step with an empty log; the first of them leads.
pub(super) fn first_registration(
    image: &MetadataImage,
    load: &mut DirectoryLoad,
    topic_id: TopicId,
    partition_id: PartitionIndex,
    replicas: Vec<NodeId>,
) -> Partition {
    let isr: Vec<NodeId> = replicas.iter().copied().filter(|replica| is_active(image, *replica)).collect();
    Partition {
        partition_id,
        topic_id,
        directories: replicas.iter().map(|replica| load.choose(image, *replica)).collect(),
        replicas,
        leader: isr.first().copied(),
        isr,
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        leader_recovery_state: LeaderRecoveryState::Recovered,
        eligible_leader_replicas: None,
        last_known_elr: None,
    }
}
