//! Committed offsets: what a group has read of each partition.
//!
//! One store of registers, changed by records alone: a commit or a tombstone. [`commit`](super::GroupCoordinator::commit_offsets) and its
//! neighbours decide these records; expiry.rs does so by the clock.

mod commit;
mod delete;
mod expiry;
mod fetch;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::classic::ClassicGroup;
use crate::types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

pub(super) use store::{Offsets, Place};

/// A group's offset in one partition, as its record says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    pub offset: Offset,
    /// Of the last record read, if the client told.
    pub leader_epoch: Option<LeaderEpoch>,
    pub metadata: Arc<str>,
    pub commit_timestamp: Timestamp,
    /// Only of commits that said how long to keep the offset; their records have no room for a leader epoch or a topic id.
    pub expire_timestamp: Option<Timestamp>,
    /// Which life of the topic is meant; records from before Kafka 4.2 do not say.
    pub topic_id: Option<TopicId>,
}

/// What OffsetFetch tells of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchedOffset {
    Nothing,
    /// A transaction may still change it (KIP-447).
    Unstable,
    Committed(CommittedOffset),
}

/// Topics in the order asked, or by name when all of a group's offsets were asked for.
pub type OffsetsOfGroup = Vec<(TopicName, Vec<(PartitionIndex, FetchedOffset)>)>;

/// Groups of other protocol types do not say what they read.
fn is_of_consumers(group: &ClassicGroup) -> bool {
    group.protocol_type() == Some("consumer")
}
