//! What the clients were promised, and what they found in the end.

use std::collections::BTreeMap;

use bytes::Bytes;
use uuid::Uuid;

/// A batch that was acknowledged with acks=all.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) partition: i32,
    pub(crate) base_offset: i64,
    pub(crate) values: Vec<Bytes>,
}

/// What is promised of a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TopicPromise {
    /// Created with this id; `None` when an answer was lost and the next try said that it exists.
    Exists {
        id: Option<Uuid>,
        partitions: usize,
    },
    Deleted,
}

/// Records that were deleted from the start of a partition.
#[derive(Clone, Debug)]
pub(crate) struct Deletion {
    /// Where the log starts, as the answer told.
    pub(crate) below: i64,
    /// What was acknowledged from there on.
    pub(crate) kept: BTreeMap<i64, Bytes>,
    /// Where it started in the end, and what was read from there.
    pub(crate) found_start: Option<i64>,
    pub(crate) found: BTreeMap<i64, Bytes>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Everything that producers sent, acknowledged or not, in their order: producer, values.
    pub(crate) sent: BTreeMap<usize, Vec<Bytes>>,
    pub(crate) topics: BTreeMap<String, TopicPromise>,
    /// Value by offset, of each partition, read in the end.
    pub(crate) read: BTreeMap<i32, BTreeMap<i64, Bytes>>,
    /// `None` until it was acknowledged.
    pub(crate) deletion: Option<Deletion>,
    /// Topics as the metadata told them in the end: id and number of partitions.
    pub(crate) described: BTreeMap<String, (Uuid, usize)>,
    /// Hash of the running node's metadata in the end, and of what its disk alone says after one more power cut.
    pub(crate) image_hash: u64,
    pub(crate) recovered_hash: u64,
}
