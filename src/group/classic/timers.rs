//! Time: when members and rebalances fall due.
//!
//! A group has one entry in the ordered set, no later than the first of its deadlines. A heartbeat moves its member's deadline away and leaves
//! the entry; when the entry falls due, the group is looked at and set anew. So a heartbeat costs no timer operation, and a quiet group is
//! looked at about once in a session timeout.

use std::collections::BTreeSet;

use super::group::ClassicGroup;
use super::{Context, GroupCoordinator};
use crate::group::record::Room;
use crate::types::{GroupId, Now};

/// Groups that may fall empty in one decision: each looks at the batch that the others have begun.
const MAX_EMPTIED: usize = 100;

/// The groups with a deadline, first due first.
#[derive(Debug, Default)]
pub(in crate::group) struct Timers(BTreeSet<(Now, GroupId)>);

/// When a group has to be looked at.
#[derive(Debug, Default)]
pub(super) struct Wake {
    /// No later than the first of the group's deadlines.
    wanted: Option<Now>,
    /// What stands in the ordered set.
    set: Option<Now>,
}

impl Wake {
    pub(super) fn at(&mut self, deadline: Now) {
        self.wanted = Some(self.wanted.map_or(deadline, |wanted| wanted.min(deadline)));
    }
}

impl Timers {
    /// Brings the group's entry in line with what it wants.
    pub(super) fn follow(&mut self, group: &mut ClassicGroup) {
        let Wake { wanted, set } = group.wake;
        if wanted == set {
            return;
        }
        if let Some(set) = set {
            self.0.remove(&(set, group.id.clone()));
        }
        if let Some(wanted) = wanted {
            self.0.insert((wanted, group.id.clone()));
        }
        group.wake.set = wanted;
    }

    /// The group is gone.
    pub(super) fn forget(&mut self, group: &ClassicGroup) {
        if let Some(set) = group.wake.set {
            self.0.remove(&(set, group.id.clone()));
        }
    }

    fn due(&self, now: Now) -> Vec<GroupId> {
        self.0.iter().take_while(|(due, _)| *due <= now).map(|(_, group)| group.clone()).collect()
    }
}

impl GroupCoordinator {
    /// Does what is due for members. What finds no room in the batch waits for the next call, which is due at once.
    pub(in crate::group) fn expire_members(&mut self, context: &mut Context<'_>) {
        let Self { config, groups, timers, .. } = self;
        let mut room = Room::left(context);
        for id in timers.due(context.now) {
            let group = groups.get_mut(&id).expect("a group that goes takes its timer along");
            // All that expiry may have to write is that nobody is left.
            let is_full = !room.take(&group.emptied()) || context.records.len() >= MAX_EMPTIED;
            if is_full && !context.records.is_empty() {
                break;
            }
            group.expire(context, config);
            group.wake.wanted = group.first_deadline();
            timers.follow(group);
        }
    }

    /// When [`Self::expire_members`] may have something to do.
    pub(in crate::group) fn members_deadline(&self) -> Option<Now> {
        self.timers.0.first().map(|(due, _)| *due)
    }

    /// Ends a replay: sessions start anew. A group that is larger than `group.max.size`, which was lowered, rebalances: its members commit
    /// what they have done, and the last to join again are turned away.
    pub(in crate::group) fn members_loaded(&mut self, context: &mut Context<'_>) {
        let Self { config, groups, timers, .. } = self;
        for group in groups.values_mut() {
            for member in group.members.values_mut() {
                member.deadline = context.now.plus(member.session_timeout());
            }
            group.wake.wanted = group.first_deadline();
            if group.members.len() > config.max_size {
                group.prepare_rebalance(context, config);
            }
            timers.follow(group);
        }
    }
}
