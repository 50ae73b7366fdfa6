//! What a replica knows beside its log: leadership, the high watermark, who waits for it, fetch sessions.
//!
//! Owns: the rules by which the high watermark moves, the list of waiting requests, the fetch sessions of KIP-227.
//! Never does: input or output, sleep, spawn. A waker is handed back to be woken after the lock is let go.
//! Invariants: the high watermark never falls while a leader epoch lasts and never passes what is flushed in durable mode; a
//! waiter is woken once.

mod fetch_session;
mod leader;
mod pending;
#[cfg(test)]
mod pending_tests;

/// The primitives `pending.rs` is built on; its interleaving test builds the same file on checked ones.
mod sync {
    pub(super) use std::sync::{Arc, Mutex, Weak};
}

pub use fetch_session::{
    FetchSessions, FetchTarget, PartitionAnswer, PartitionRequest, SessionRefusal, SessionRequest, SessionView, TopicKey,
};
pub use leader::Leader;
pub use pending::{Keep, PendingList, Slot};
