//! The trait that the rest of the tree sees, free of engine types.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::VoterEndpoint;
use crate::seams::BoxFuture;
use crate::types::{DirectoryId, LeaderEpoch, NodeId, Offset, OffsetAndEpoch, Timestamp};

/// A batch of metadata records that is committed. Each record is a framed value as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedBatch {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    /// When the batch was proposed; for the quorum's own control batches that of the batch before.
    pub timestamp: Timestamp,
    /// Empty for the quorum's own control batches; `last_offset` counts them all the same.
    pub records: Vec<Bytes>,
    pub last_offset: Offset,
}

/// A whole state as records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Offset exclusive: the first offset that is not covered. Epoch: that of the last offset that is.
    pub end: OffsetAndEpoch,
    pub last_timestamp: Timestamp,
    pub records: Vec<Bytes>,
}

/// Makes the records of a state that was captured, off the control thread; again if the snapshot has to be written again.
pub type SnapshotRecords = Arc<dyn Fn() -> Vec<Bytes> + Send + Sync>;

/// What the committed records are folded into: the metadata image. Called on the control lane, in order, once each.
pub trait MetadataStateMachine: Send + Sync {
    /// Folds a batch in.
    ///
    /// # Errors
    /// A record that cannot be read: this node cannot go on, the quorum fails with it.
    fn apply(&self, batch: CommittedBatch) -> Result<(), UnreadableRecord>;

    /// Captures the state as it is now (quick: an immutable image is one reference); the records (without control
    /// records) are made later, on another thread.
    fn snapshot(&self) -> SnapshotRecords;

    /// Replaces the state.
    ///
    /// # Errors
    /// A record that cannot be read.
    fn load(&self, snapshot: Snapshot) -> Result<(), UnreadableRecord>;
}

/// A committed metadata record that this version cannot read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the metadata record at offset {offset} cannot be read: {problem}")]
pub struct UnreadableRecord {
    pub offset: Offset,
    pub problem: String,
}

/// Who leads, as far as this node knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumLeader {
    pub leader: Option<NodeId>,
    pub epoch: LeaderEpoch,
    /// This node leads, has committed a record of its epoch and has applied all before it: it may decide.
    pub is_active: bool,
    /// When active: the offset of the first proposal of this epoch. Later ones follow without gaps as they are proposed.
    pub next_offset: Offset,
}

/// The quorum as its leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumDescription {
    pub leader: NodeId,
    pub epoch: LeaderEpoch,
    /// Exclusive: what lies below is committed and applied here.
    pub high_watermark: Offset,
    /// Ordered by id.
    pub voters: Vec<VoterDescription>,
}

/// A voter as the leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoterDescription {
    pub id: NodeId,
    pub directory_id: DirectoryId,
    pub endpoints: Vec<VoterEndpoint>,
    /// Where its log ends, exclusive; known of the leader itself, `None` of others.
    pub log_end_offset: Option<Offset>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proposed {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProposeError {
    /// Nothing was written.
    #[error("this node does not lead the metadata quorum")]
    NotLeader { leader: Option<NodeId> },
    /// The batch was written, then leadership was lost: it may or may not become part of the log.
    #[error("leadership of the metadata quorum was lost before the batch was committed")]
    LeadershipLost { leader: Option<NodeId> },
    /// Nothing was written: the proposer has lost count and must start again from the state.
    #[error("the batch would start at {expected}, not at the predicted {predicted}")]
    OffsetMismatch { predicted: Offset, expected: Offset },
    /// Nothing was written.
    #[error("a batch of {0} bytes is over the limit of 8 MiB")]
    TooLarge(usize),
    /// Nothing was written: too many proposals wait (`QuorumSettings::max_queued_proposals`).
    #[error("too many proposals are waiting")]
    Busy,
    /// The quorum has failed for good or is shut down; see [`MetadataQuorum::failure`].
    #[error("the metadata log failed: {0}")]
    Fault(String),
}

/// Kafka's metadata log with its Raft engine.
pub trait MetadataQuorum: Send + Sync + Debug {
    /// Appends the records (at least one) as one batch at `predicted` and resolves when it is committed and applied on this
    /// node. Proposals are ordered as this is called, whether or not the futures are polled. May be called on any runtime.
    fn propose(&self, predicted: Offset, records: Vec<Bytes>) -> BoxFuture<'static, Result<Proposed, ProposeError>>;

    /// Resolves once everything committed before the call is applied on this node, and this node still led meanwhile.
    fn read_barrier(&self) -> BoxFuture<'static, Result<(), ProposeError>>;

    fn leader(&self) -> watch::Receiver<QuorumLeader>;

    /// Becomes `Some` when the quorum has failed for good (a fault of the metadata log, an unreadable record): the process
    /// must end with that text. Stays `None` on a shutdown.
    fn failure(&self) -> watch::Receiver<Option<String>>;

    /// Writes a snapshot of what is applied now, unless there is one, and lets the log be cut below it.
    fn snapshot(&self) -> BoxFuture<'static, Result<(), ProposeError>>;

    /// The quorum as this node sees it; `None` unless it leads.
    fn describe(&self) -> Option<QuorumDescription>;

    /// Voters, for DescribeCluster and the like; ordered.
    fn voters(&self) -> Vec<NodeId>;

    /// Stops the engine, then syncs and closes its log.
    fn shut_down(&self) -> BoxFuture<'static, ()>;
}
