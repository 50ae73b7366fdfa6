//! The metadata quorum: a Raft engine behind a trait of ours.
//!
//! Owns: `__cluster_metadata-0` (through `log/`), its snapshots and quorum-state; the engine and its settings.
//! Never does: know what the records mean. No engine type leaves this room.
//! Invariants: one proposal is one record batch, committed whole or not at all; leader restore is off; vote and log are one
//! stream of writes; under its name a snapshot is whole.
//!
//! Where to read: port.rs is what others see, handle.rs implements it, start.rs puts the parts together. The engine calls
//! store.rs (log, with entry.rs, index.rs and quorum_state.rs) and state_machine.rs (image, with snapshot.rs).

mod attendant;
mod control_records;
mod engine;
mod entry;
mod failure;
mod handle;
mod index;
mod network;
mod options;
mod port;
mod quorum_state;
mod runtime;
mod snapshot;
mod start;
mod state_machine;
mod store;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod suite_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use handle::Quorum;
pub use options::{QuorumFault, QuorumOptions, QuorumSettings, VoterEndpoint};
pub use port::{
    CommittedBatch, MetadataQuorum, MetadataStateMachine, ProposeError, Proposed, QuorumDescription, QuorumLeader, Snapshot,
    SnapshotRecords, UnreadableRecord, VoterDescription,
};
