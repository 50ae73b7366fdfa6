//! The trait that the rest of the tree sees, free of engine types.

use std::fmt::Debug;

use bytes::Bytes;
use tokio::sync::watch;

use crate::seams::BoxFuture;
use crate::types::{LeaderEpoch, NodeId, Offset, OffsetAndEpoch, Timestamp};

/// A batch of metadata records that is committed. Each record is a framed value as it stands in the log.
#[derive(Clone, Debug)]
pub struct CommittedBatch {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub timestamp: Timestamp,
    /// Empty for the engine's own control batches; `last_offset` counts them all the same.
    pub records: Vec<Bytes>,
    pub last_offset: Offset,
}

/// A whole state as records, up to and including `last` (offset inclusive).
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Offset exclusive: the first offset that is not covered.
    pub end: OffsetAndEpoch,
    pub last_timestamp: Timestamp,
    pub records: Vec<Bytes>,
}

/// What the committed records are folded into: the metadata image. Called on the control thread, in order, once each.
pub trait MetadataStateMachine: Send + Sync {
    fn apply(&self, batch: CommittedBatch);
    /// The state as records (without control records), for a snapshot file.
    fn snapshot(&self) -> Vec<Bytes>;
    /// Replaces the state.
    fn load(&self, snapshot: Snapshot);
}

/// Who leads, as far as this node knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumLeader {
    pub leader: Option<NodeId>,
    pub epoch: LeaderEpoch,
    /// This node leads and has committed a record of its epoch: it may decide.
    pub is_active: bool,
    /// The offset that the next proposal will get, known when `is_active` turned true.
    pub next_offset: Offset,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proposed {
    pub base_offset: Offset,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProposeError {
    #[error("this node does not lead the metadata quorum")]
    NotLeader { leader: Option<NodeId> },
    #[error("the batch would start at {expected}, not at the predicted {predicted}")]
    OffsetMismatch { predicted: Offset, expected: Offset },
    #[error("a batch of {0} bytes is over the limit of 8 MiB")]
    TooLarge(usize),
    #[error("the metadata log failed: {0}")]
    Fault(String),
}

/// Kafka's metadata log with its Raft engine.
pub trait MetadataQuorum: Send + Sync + Debug {
    /// Appends the records as one batch at `predicted` and resolves when it is committed and applied on this node.
    /// Proposals are ordered as they are called.
    fn propose(&self, predicted: Offset, records: Vec<Bytes>) -> BoxFuture<'static, Result<Proposed, ProposeError>>;

    /// Resolves once everything committed before the call is applied on this node.
    fn read_barrier(&self) -> BoxFuture<'static, Result<(), ProposeError>>;

    fn leader(&self) -> watch::Receiver<QuorumLeader>;

    /// Writes a snapshot now and lets the log be cut below it.
    fn snapshot(&self) -> BoxFuture<'static, Result<(), ProposeError>>;

    /// Voters, for DescribeCluster and the like.
    fn voters(&self) -> Vec<NodeId>;

    /// Stops the engine and syncs its log.
    fn shut_down(&self) -> BoxFuture<'static, ()>;
}
