//! The group coordinator: consumers that share the partitions of topics, and the offsets they commit.
//!
//! Owns: the state machine of one partition of `__consumer_offsets`: classic groups (join, sync, heartbeat, leave), committed offsets with
//! their expiry, and Kafka's record formats for both.
//! Never does: know a wire format, a topic's log or the metadata image; wait, read a clock. What it needs of the world comes with the request.
//! Invariants: (G1 to G6 of the reliability study) a partition has at most one owner in a generation; a request of another generation or member is
//! refused by name; a committed offset stays until a later commit, a deletion or its expiry; the state is a function of the records.
//!
//! Reading order: request.rs and reply types say what is asked; machine.rs is the state machine's table of contents; classic/ holds the life of a
//! classic group, offsets/ the commits, record/ what stands in the partition.

mod census;
mod classic;
mod event;
mod machine;
mod offsets;
mod record;
mod refusal;
mod request;
#[cfg(test)]
mod test_support;

pub use crate::config::GroupConfig;
pub use census::GroupCensus;
pub use event::{Departure, GroupEvent};
pub use machine::{GroupCoordinator, Reply};
pub use offsets::{CommittedOffset, FetchedOffset, OffsetsOfGroup};
pub use record::{GroupRecord, GroupValue, MemberValue};
pub use refusal::Refusal;
pub use request::*;
