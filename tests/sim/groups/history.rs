//! What the members of a group did and were told, in the world's order.

use std::collections::BTreeMap;
use std::time::Duration;

/// A moment: the simulation has one thread, so moments are in one order.
pub(crate) type Moment = u64;

/// A member's answer to SyncGroup.
#[derive(Clone, Debug)]
pub(crate) struct Synced {
    pub(crate) at: Moment,
    pub(crate) member: String,
    pub(crate) generation: i32,
    pub(crate) partitions: Vec<i32>,
}

/// A heartbeat or commit that the coordinator accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) sent: Moment,
    pub(crate) generation: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) begun: Moment,
    /// `None`: no answer, or not yet; whether it took effect is not known.
    pub(crate) acknowledged: Option<Moment>,
    pub(crate) partition: i32,
    /// Unique in the run.
    pub(crate) offset: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) begun: Moment,
    pub(crate) ended: Moment,
    pub(crate) partition: i32,
    /// -1 for none.
    pub(crate) offset: i64,
}

/// What a tool sees of the group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) state: String,
    pub(crate) protocol: String,
    /// Assignment by member.
    pub(crate) members: BTreeMap<String, Vec<u8>>,
    pub(crate) offsets: BTreeMap<i32, i64>,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) now: Moment,
    pub(crate) next_offset: i64,
    /// Members that still make trouble.
    pub(crate) churning: usize,
    /// The world's time at which all members stop, once nobody makes trouble any more.
    pub(crate) rest_until: Option<Duration>,
    pub(crate) synced: Vec<Synced>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) fetched: Vec<Fetched>,
    /// Generation and partitions that each member ended with after the churn.
    pub(crate) settled: Vec<Option<(i32, Vec<i32>)>>,
    /// Partitions that the group shares.
    pub(crate) partitions: Vec<i32>,
    pub(crate) before_restart: Option<Seen>,
    pub(crate) after_restart: Option<Seen>,
    /// Leader epochs of the batches in the group's log, in its order.
    pub(crate) leader_epochs: Vec<i32>,
}

impl History {
    pub(crate) fn now(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    /// Notes that a commit goes out; returns where it stands and its offset.
    pub(crate) fn begin_commit(&mut self, partition: i32) -> (usize, i64) {
        self.next_offset += 1;
        let (begun, offset) = (self.now(), self.next_offset);
        self.commits.push(Commit { begun, acknowledged: None, partition, offset });
        (self.commits.len() - 1, offset)
    }
}
