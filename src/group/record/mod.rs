//! What stands in a partition of `__consumer_offsets`: the records, their formats in Kafka's bytes, and how many fit into a batch.

mod format;
mod room;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use super::offsets::CommittedOffset;
use crate::types::{GroupId, MemberId, PartitionIndex, Timestamp, TopicName};

pub(super) use format::{decode, encode};
pub(super) use room::Room;

/// One record; `None` is a tombstone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupRecord {
    Offset { group: GroupId, topic: TopicName, partition: PartitionIndex, value: Option<CommittedOffset> },
    Group { group: GroupId, value: Option<GroupValue> },
}

/// A classic group as it stands in the partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupValue {
    pub protocol_type: Arc<str>,
    pub generation: i32,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<MemberId>,
    /// Since when the group is in its state.
    pub since: Option<Timestamp>,
    pub members: Vec<MemberValue>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberValue {
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub subscription: Bytes,
    pub assignment: Bytes,
}
