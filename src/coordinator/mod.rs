//! What all coordinators share: decide, append, apply, reply when committed; replay; timers.
//!
//! Owns: the shape of a coordinator's state machine, and the shard that runs one for one partition of its internal topic.
//! Never does: know a group or a transaction; wait, read a clock, touch a log. The journal and the alarm are handed in.
//! Invariants: a decision sees everything decided before it; records are applied in the order in which they were appended; a reply carries the
//! position that has to be committed before it is sent; after a failed append nothing is decided on that state any more: it is loaded anew.
//!
//! The group coordinator stands in `group/`. The shell that loads, drops and wakes shards is `broker/coordinators/`.

mod machine;
mod shard;
#[cfg(test)]
mod shard_tests;
#[cfg(test)]
pub(crate) mod test_support;
mod ticket;

/// The primitives `shard.rs` and `ticket.rs` are built on; their interleaving test builds the same files on checked ones.
mod sync {
    pub(super) use std::sync::{Arc, Mutex};
}

pub use machine::{Context, Coordinator, EncodedRecord, Origin, Token, UnreadableRecord};
pub use shard::{Alarm, Decided, Journal, Listener, Moment, Shard, Unavailable};
pub use ticket::Ticket;
