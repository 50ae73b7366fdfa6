//! The metadata quorum: a Raft engine behind a trait of ours.
//!
//! Owns: `__cluster_metadata-0` (through `log/`), its snapshots and quorum-state; the engine and its settings.
//! Never does: know what the records mean. No engine type leaves this room.
//! Invariants: one proposal is one record batch, committed whole or not at all; leader restore is off.

mod options;
mod port;

pub use options::{QuorumFault, QuorumOptions, QuorumSettings, VoterEndpoint};
pub use port::{
    CommittedBatch, MetadataQuorum, MetadataStateMachine, ProposeError, Proposed, QuorumLeader, Snapshot, SnapshotRecords,
    UnreadableRecord,
};
