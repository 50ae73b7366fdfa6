//! A classic group: its members, what protocols they have in common, who leads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::member::{Awaiting, Member, milliseconds};
use super::timers::Wake;
use super::{Context, Refusal};
use crate::coordinator::Token;
use crate::group::{Departure, GroupEvent, GroupState, JoinGroup, Protocol};
use crate::types::{GroupId, MemberId, Now, Timestamp};

/// Ids that were given out and have not come back, per group. Kafka has no bound. Beyond this one the oldest is forgotten: its client is told
/// that it is unknown and asks for another.
pub(super) const MAX_PENDING_MEMBERS: usize = 1_000;

#[derive(Debug)]
pub(in crate::group) struct ClassicGroup {
    pub(super) id: GroupId,
    pub(super) phase: Phase,
    pub(super) since: Option<Timestamp>,
    /// `None` for a group that nobody ever joined: its offsets were committed without membership.
    pub(super) protocol_type: Option<Arc<str>>,
    pub(super) generation: i32,
    /// The protocol that the members chose for the generation.
    pub(super) protocol: Option<Arc<str>>,
    pub(super) leader: Option<MemberId>,
    pub(super) members: IndexMap<MemberId, Member>,
    /// The members with a `group.instance.id`.
    pub(super) instances: BTreeMap<Arc<str>, MemberId>,
    /// Ids that were given out and have not joined yet, oldest first, and when they expire.
    pub(super) pending: IndexMap<MemberId, Now>,
    /// How many members know a protocol.
    supporters: BTreeMap<Arc<str>, usize>,
    /// How many members' JoinGroup is parked.
    awaiting_join: usize,
    /// Members that were told of the generation have to send SyncGroup until then.
    pub(super) sync_deadline: Option<Now>,
    /// Members contradict themselves, so that no generation begins with them: when they have to go.
    pub(super) stuck_until: Option<Now>,
    /// The topics that the members of the generation consume; `None` if they cannot be told.
    pub(super) subscribed: Option<BTreeSet<Box<str>>>,
    pub(super) wake: Wake,
}

/// Where the group is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Empty,
    /// Members join until all are there, at the longest until `deadline`.
    Preparing {
        deadline: Now,
        /// For a group that was empty.
        initial: Option<InitialDelay>,
    },
    /// All have joined; the leader's assignment is awaited.
    Completing,
    Stable,
}

/// The first members of a group are given time, so that their companions come into the same generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct InitialDelay {
    /// The delay that runs.
    pub(super) delay: Duration,
    /// What is left for more of them.
    pub(super) remaining: Duration,
    /// Somebody joined since the delay began.
    pub(super) has_grown: bool,
}

impl ClassicGroup {
    /// A group that nobody has joined.
    pub(in crate::group) fn new(id: GroupId) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            since: None,
            protocol_type: None,
            generation: 0,
            protocol: None,
            leader: None,
            members: IndexMap::new(),
            instances: BTreeMap::new(),
            pending: IndexMap::new(),
            supporters: BTreeMap::new(),
            awaiting_join: 0,
            sync_deadline: None,
            stuck_until: None,
            subscribed: None,
            wake: Wake::default(),
        }
    }

    pub(in crate::group) fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing { .. } => GroupState::PreparingRebalance,
            Phase::Completing => GroupState::CompletingRebalance,
            Phase::Stable => GroupState::Stable,
        }
    }

    pub(in crate::group) fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    /// Since when the group is in its state, if that is known.
    pub(in crate::group) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    pub(super) fn enter(&mut self, phase: Phase, timestamp: Timestamp) {
        self.phase = phase;
        self.since = Some(timestamp);
    }

    pub(super) fn is_leader(&self, member: &MemberId) -> bool {
        self.leader.as_ref() == Some(member)
    }

    /// The longest time that a member wants to have to join again.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        milliseconds(self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0))
    }

    /// Whether a group member with these protocols can work with the others.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.phase == Phase::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let supporters = |protocol: &Protocol| self.supporters.get(&protocol.name).copied().unwrap_or(0);
        self.protocol_type() == Some(protocol_type) && protocols.iter().any(|protocol| supporters(protocol) == self.members.len())
    }

    /// The protocol that most members prefer among those that all know; of equals the one first voted for.
    pub(super) fn elect_protocol(&self) -> Option<Arc<str>> {
        let is_common = |protocol: &&Protocol| self.supporters.get(&protocol.name) == Some(&self.members.len());
        let mut votes: IndexMap<&Arc<str>, usize> = IndexMap::new();
        for protocol in self.members.values().filter_map(|member| member.protocols.iter().find(is_common)) {
            *votes.entry(&protocol.name).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| Arc::clone(name))
    }

    pub(super) fn insert(&mut self, id: MemberId, member: Member) {
        self.pending.shift_remove(&id);
        if let Some(instance) = &member.instance {
            self.instances.insert(Arc::clone(instance), id.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        self.count_protocols(&member.protocols);
        self.awaiting_join += usize::from(member.is_awaiting_join());
        self.members.insert(id, member);
    }

    /// Takes a member out. Its parked request is the caller's to answer; the lead passes to the first who is left.
    pub(super) fn take(&mut self, id: &MemberId) -> Option<Member> {
        let member = self.members.swap_remove(id)?;
        self.uncount_protocols(&member.protocols);
        self.awaiting_join -= usize::from(member.is_awaiting_join());
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Removes whoever has this id, member or pending. What it has parked is refused so that its client joins as a new member.
    pub(super) fn remove(&mut self, context: &mut Context<'_>, id: &MemberId, why: Departure) {
        self.pending.shift_remove(id);
        let Some(member) = self.take(id) else { return };
        context.tell(GroupEvent::MemberGone { group: self.id.clone(), member: id.clone(), why });
        if let Some(awaiting) = member.awaiting {
            awaiting.refuse(context, MemberId::new(""), Refusal::UnknownMemberId);
        }
    }

    /// Takes over what a member says of itself when it joins again.
    pub(super) fn update(&mut self, id: &MemberId, request: &JoinGroup) {
        let Some(member) = self.members.get_mut(id) else { return };
        let before = std::mem::replace(&mut member.protocols, request.protocols.clone());
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        member.session_timeout_ms = request.session_timeout_ms;
        self.uncount_protocols(&before);
        self.count_protocols(&request.protocols);
    }

    /// Parks a member's request. An older one, which its client has given up, is answered: the client would have to join again.
    pub(super) fn park(&mut self, context: &mut Context<'_>, id: &MemberId, awaiting: Awaiting) {
        let Some(member) = self.members.get_mut(id) else { return };
        self.awaiting_join -= usize::from(member.is_awaiting_join());
        if let Some(older) = member.awaiting.replace(awaiting) {
            older.refuse(context, id.clone(), Refusal::RebalanceInProgress);
        }
        self.awaiting_join += usize::from(member.is_awaiting_join());
    }

    /// The parked JoinGroups, to be answered; who waited for its first answer is new no more.
    pub(super) fn take_joins(&mut self) -> Vec<(MemberId, Token)> {
        self.awaiting_join = 0;
        let mut joins = Vec::with_capacity(self.members.len());
        for (id, member) in &mut self.members {
            if let Some(Awaiting::Join(token)) = member.awaiting {
                member.awaiting = None;
                joins.push((id.clone(), token));
            }
            member.is_new = false;
        }
        joins
    }

    pub(super) fn awaiting_join(&self) -> usize {
        self.awaiting_join
    }

    pub(super) fn have_all_joined(&self) -> bool {
        self.awaiting_join == self.members.len() && self.pending.is_empty()
    }

    fn count_protocols(&mut self, protocols: &[Protocol]) {
        for protocol in protocols {
            *self.supporters.entry(Arc::clone(&protocol.name)).or_default() += 1;
        }
    }

    fn uncount_protocols(&mut self, protocols: &[Protocol]) {
        for protocol in protocols {
            if let Some(count) = self.supporters.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.supporters.remove(&protocol.name);
                }
            }
        }
    }
}
