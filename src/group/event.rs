//! What happens to groups, for those who tell people of it.

use std::sync::Arc;

use crate::types::{GroupId, MemberId};

/// Why a member is no longer in its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    Left,
    /// Nothing was heard of it for its session timeout.
    Silent,
    /// A rebalance went on without it: it did not join again in time.
    DidNotJoin,
    /// It was told of the generation and did not ask for its share in time.
    DidNotSync,
    /// What it says contradicts what the others say, or itself.
    Contradictory,
    /// `group.max.size` was lowered.
    NoRoom,
}

impl Departure {
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Left => "it left",
            Self::Silent => "nothing was heard of it for its session timeout",
            Self::DidNotJoin => "it did not join again in time",
            Self::DidNotSync => "it did not ask for its assignment in time",
            Self::Contradictory => "its subscription contradicts itself or the others",
            Self::NoRoom => "the group is at group.max.size",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupEvent {
    /// All members are asked to join again. The generation is the one that ends.
    RebalanceStarted {
        group: GroupId,
        generation: i32,
        members: usize,
    },
    /// Members have their assignments.
    RebalanceFinished {
        group: GroupId,
        generation: i32,
        members: usize,
        protocol: Option<Arc<str>>,
    },
    /// Nobody is left.
    Emptied {
        group: GroupId,
        generation: i32,
    },
    MemberGone {
        group: GroupId,
        member: MemberId,
        why: Departure,
    },
}
