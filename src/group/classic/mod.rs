//! The life of classic groups: members join, get their shares from the leader, heartbeat, leave, come back.
//!
//! ```text
//!            first join                 all have joined, or time is up
//!   Empty ──────────────▶ Preparing ──────────────────────────────────▶ Completing
//!     ▲                    │  ▲  ▲                                       │   │
//!     └────────────────────┘  │  └── a member joins, leaves or falls ────┘   │ the leader's assignment,
//!       nobody is left        │      silent, or does not sync in time        ▼ in the partition
//!                             └─────────────────────────────────────────── Stable
//! ```
//!
//! A generation begins when Preparing ends; the group's record is written when it is complete (Stable), when nobody is left (Empty), when a
//! static member's id changes, and when a group comes into being. Between generations the group in memory is ahead of its record: what a
//! restart takes from there are joins and heartbeats, and clients repeat those.
//!
//! Reading order: group.rs (the group and its members), join.rs, rebalance.rs, sync.rs, session.rs (heartbeats, fencing, expiry), leave.rs,
//! then record.rs and timers.rs. The behaviour is that of Kafka's GroupMetadataManager and ClassicGroup.

mod describe;
mod group;
mod join;
mod leave;
mod member;
mod rebalance;
mod record;
mod session;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;
mod timers;

pub(super) use self::group::ClassicGroup;
pub(super) use self::timers::Timers;
use super::{GroupCoordinator, Refusal};

/// What a decision about groups may use.
type Context<'a> = crate::coordinator::Context<'a, GroupCoordinator>;
