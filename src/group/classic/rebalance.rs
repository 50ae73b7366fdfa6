//! From one generation to the next: everybody joins, a leader and a protocol are found.

use std::time::Duration;

use bytes::Bytes;

use super::group::{ClassicGroup, InitialDelay, Phase};
use super::join::NEW_MEMBER_JOIN_TIMEOUT;
use super::member::{Awaiting, Member};
use super::subscription::Contradiction;
use super::{Context, Refusal};
use crate::group::{Departure, GroupConfig, GroupEvent, JoinReply, Reply};
use crate::types::MemberId;

/// When nobody has joined and only silent static members are left, their sessions decide; until then the group looks again no more often than
/// this, even if all of them set a rebalance timeout of zero.
const MIN_POSTPONEMENT: Duration = Duration::from_secs(1);

impl ClassicGroup {
    /// A new generation is due, or all are there for the one that is being prepared.
    pub(super) fn rebalance(&mut self, context: &mut Context<'_>, config: &GroupConfig) {
        match self.phase {
            Phase::Preparing { .. } => self.complete_join_if_all_joined(context),
            Phase::Empty | Phase::Completing | Phase::Stable => self.prepare_rebalance(context, config),
        }
    }

    /// Has all members join again.
    pub(super) fn prepare_rebalance(&mut self, context: &mut Context<'_>, config: &GroupConfig) {
        if self.phase == Phase::Completing {
            self.cancel_assignment(context, Refusal::RebalanceInProgress);
        }
        self.forget_syncs();
        if !self.members.is_empty() {
            let (group, generation, members) = (self.id.clone(), self.generation, self.members.len());
            context.tell(GroupEvent::RebalanceStarted { group, generation, members });
        }
        if self.phase == Phase::Empty {
            let delay = config.initial_rebalance_delay;
            let remaining = self.rebalance_timeout().saturating_sub(delay);
            self.delay_join(context, InitialDelay { delay, remaining, has_grown: false });
        } else {
            let deadline = context.now.plus(self.rebalance_timeout());
            self.enter(Phase::Preparing { deadline, initial: None }, context.timestamp);
            self.wake.at(deadline);
            self.complete_join_if_all_joined(context);
        }
    }

    fn delay_join(&mut self, context: &Context<'_>, initial: InitialDelay) {
        let deadline = context.now.plus(initial.delay);
        self.enter(Phase::Preparing { deadline, initial: Some(initial) }, context.timestamp);
        self.wake.at(deadline);
    }

    /// Begins the generation once nobody is missing. A group that was empty waits for the end of its initial delay all the same.
    pub(super) fn complete_join_if_all_joined(&mut self, context: &mut Context<'_>) {
        if let Phase::Preparing { initial: None, .. } = self.phase
            && self.have_all_joined()
        {
            self.complete_join(context);
        }
    }

    /// The initial delay ends or is prolonged; a later rebalance goes on without those who are missing.
    pub(super) fn join_time_is_up(&mut self, context: &mut Context<'_>, config: &GroupConfig) {
        match self.phase {
            Phase::Preparing { initial: Some(InitialDelay { delay, remaining, has_grown: true }), .. }
                if !remaining.is_zero() =>
            {
                let next = config.initial_rebalance_delay.min(remaining);
                let remaining = remaining.saturating_sub(delay);
                self.delay_join(context, InitialDelay { delay: next, remaining, has_grown: false });
            }
            Phase::Preparing { .. } => self.complete_join(context),
            Phase::Empty | Phase::Completing | Phase::Stable => {}
        }
    }

    /// Begins the next generation with those who have joined and the static members, who may be restarting.
    pub(super) fn complete_join(&mut self, context: &mut Context<'_>) {
        let is_missing = |(_, member): &(&MemberId, &Member)| !member.is_awaiting_join() && !member.is_static();
        let missing: Vec<MemberId> = self.members.iter().filter(is_missing).map(|(id, _)| id.clone()).collect();
        for id in &missing {
            self.remove(context, id, Departure::DidNotJoin);
        }
        if self.members.is_empty() {
            self.fall_empty(context);
        } else if self.elect_joined_leader() {
            self.begin_generation(context);
        } else {
            let initial = match self.phase {
                Phase::Preparing { initial, .. } => initial,
                Phase::Empty | Phase::Completing | Phase::Stable => None,
            };
            let deadline = context.now.plus(self.rebalance_timeout().max(MIN_POSTPONEMENT));
            self.phase = Phase::Preparing { deadline, initial };
            self.wake.at(deadline);
        }
    }

    /// Sees to it that the leader is one who has joined; false if nobody has.
    fn elect_joined_leader(&mut self) -> bool {
        let has_joined = |id: &MemberId| self.members.get(id).is_some_and(|member| member.is_awaiting_join());
        if !self.leader.as_ref().is_some_and(has_joined) {
            let Some((first, _)) = self.members.iter().find(|(_, member)| member.is_awaiting_join()) else { return false };
            self.leader = Some(first.clone());
        }
        true
    }

    fn begin_generation(&mut self, context: &mut Context<'_>) {
        self.generation = next_generation(self.generation);
        self.protocol = self.elect_protocol();
        match self.read_subscriptions() {
            Ok(subscribed) if self.protocol.is_some() => self.subscribed = subscribed,
            Ok(_) | Err(Contradiction) => return self.wait_for_contradictory_members(context),
        }
        self.stuck_until = None;
        self.enter(Phase::Completing, context.timestamp);
        for (id, token) in self.take_joins() {
            let members = if self.is_leader(&id) { self.joined_members() } else { Vec::new() };
            let reply = JoinReply { members, ..self.joined(id) };
            context.reply(token, Reply::Join(reply));
        }
        let deadline = context.now.plus(self.rebalance_timeout());
        self.sync_deadline = Some(deadline);
        self.wake.at(deadline);
        for member in self.members.values_mut() {
            member.owes_sync = true;
            member.deadline = context.now.plus(member.session_timeout());
            self.wake.at(member.deadline);
        }
    }

    /// No generation begins with these members. In Kafka they keep the others waiting until they go by themselves. So they do here, but not for
    /// longer than a new member waits: then they are sent away, and if nobody is to blame, all are.
    fn wait_for_contradictory_members(&mut self, context: &mut Context<'_>) {
        let until = *self.stuck_until.get_or_insert(context.now.plus(NEW_MEMBER_JOIN_TIMEOUT));
        if until > context.now {
            if let Phase::Preparing { deadline, .. } = &mut self.phase {
                *deadline = until;
            }
            return self.wake.at(until);
        }
        self.stuck_until = None;
        let contradictory = self.members.iter().filter(|(_, member)| self.is_contradictory(member));
        let mut going: Vec<MemberId> = contradictory.map(|(id, _)| id.clone()).collect();
        if going.is_empty() {
            going.extend(self.members.keys().cloned());
        }
        for id in &going {
            self.remove(context, id, Departure::Contradictory);
        }
        self.complete_join(context);
    }

    fn fall_empty(&mut self, context: &mut Context<'_>) {
        self.stuck_until = None;
        self.generation = next_generation(self.generation);
        self.protocol = None;
        self.forget_syncs();
        self.subscribed = self.read_subscriptions().unwrap_or_default();
        self.enter(Phase::Empty, context.timestamp);
        context.tell(GroupEvent::Emptied { group: self.id.clone(), generation: self.generation });
        // Too large only for a batch that holds next to nothing. After a restart the generation before would come back and expire, which is
        // safe: it has no live members.
        let _ = self.record(context);
    }

    /// Refuses the parked SyncGroups; nobody has an assignment.
    pub(super) fn cancel_assignment(&mut self, context: &mut Context<'_>, refusal: Refusal) {
        for (id, member) in &mut self.members {
            member.assignment = Bytes::new();
            if let Some(awaiting @ Awaiting::Sync(_)) = member.awaiting {
                member.awaiting = None;
                awaiting.refuse(context, id.clone(), refusal);
                member.deadline = context.now.plus(member.session_timeout());
                self.wake.at(member.deadline);
            }
        }
    }

    pub(super) fn forget_syncs(&mut self) {
        self.sync_deadline = None;
        for member in self.members.values_mut() {
            member.owes_sync = false;
        }
    }

    /// Goes on without the members that were told of the generation and have not sent their SyncGroup.
    pub(super) fn sync_time_is_up(&mut self, context: &mut Context<'_>, config: &GroupConfig) {
        self.sync_deadline = None;
        let owing: Vec<MemberId> = self.members.iter().filter(|(_, member)| member.owes_sync).map(|(id, _)| id.clone()).collect();
        if owing.is_empty() {
            return;
        }
        for id in &owing {
            self.remove(context, id, Departure::DidNotSync);
        }
        self.prepare_rebalance(context, config);
    }
}

/// Generations count up from 1. After 2^31 - 1 they begin again: a negative one would mean a client without membership.
fn next_generation(generation: i32) -> i32 {
    generation.checked_add(1).unwrap_or(1)
}
