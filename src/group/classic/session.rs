//! Who may speak for a member, heartbeats, and what happens when they stop.

use super::group::{ClassicGroup, Phase};
use super::member::Member;
use super::timers::Timers;
use super::{Context, GroupCoordinator, Refusal};
use crate::group::{Departure, GroupConfig, Heartbeat};
use crate::types::{MemberId, Now};

impl GroupCoordinator {
    /// # Errors
    /// A refusal that makes the member join again: it is unknown, fenced, of another generation, or the group is about to begin a new one.
    pub fn heartbeat(&mut self, context: &mut Context<'_>, request: &Heartbeat) -> Result<(), Refusal> {
        let Self { groups, timers, .. } = self;
        let group = groups.get_mut(&request.group).ok_or(Refusal::UnknownMemberId)?;
        group.validate_generation(&request.member, request.instance.as_deref(), request.generation)?;
        group.touch(&request.member, context.now, timers);
        match group.phase {
            Phase::Preparing { .. } => Err(Refusal::RebalanceInProgress),
            Phase::Empty | Phase::Completing | Phase::Stable => Ok(()),
        }
    }
}

impl ClassicGroup {
    /// Whether the member is who it says. An instance's newest member id fences the older ones (KIP-345).
    pub(super) fn validate(&self, member: &MemberId, instance: Option<&str>) -> Result<(), Refusal> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(Refusal::UnknownMemberId),
                Some(holder) if holder != member => return Err(Refusal::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(Refusal::UnknownMemberId) }
    }

    pub(super) fn validate_generation(&self, member: &MemberId, instance: Option<&str>, generation: i32) -> Result<(), Refusal> {
        self.validate(member, instance)?;
        if generation == self.generation { Ok(()) } else { Err(Refusal::IllegalGeneration) }
    }

    /// Whether offsets may be committed.
    ///
    /// # Errors
    /// A member that is not the group's or whose generation is over; a commit without membership while the group has members; a member that
    /// has not got its assignment yet.
    pub(in crate::group) fn validate_commit(
        &self,
        member: &MemberId,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), Refusal> {
        if generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        if generation < 0 && member.as_str().is_empty() && instance.is_none() {
            return Err(Refusal::UnknownMemberId);
        }
        self.validate_generation(member, instance, generation)?;
        if self.phase == Phase::Completing { Err(Refusal::RebalanceInProgress) } else { Ok(()) }
    }

    /// The member was heard of: its session begins anew. Nothing for one who is unknown. The group's timer is touched only when the end comes
    /// closer, as for a new member, who has longer until it is first heard of.
    pub(in crate::group) fn touch(&mut self, member: &MemberId, now: Now, timers: &mut Timers) {
        let Some(member) = self.members.get_mut(member) else { return };
        let before = member.deadline;
        member.deadline = now.plus(member.session_timeout());
        if member.deadline < before {
            self.wake.at(member.deadline);
            timers.follow(self);
        }
    }

    /// A member's session begins, closer than the last one may have ended.
    pub(super) fn begin_session(&mut self, id: &MemberId, now: Now) {
        if let Some(member) = self.members.get_mut(id) {
            member.deadline = now.plus(member.session_timeout());
            self.wake.at(member.deadline);
        }
    }

    /// The first moment at which [`Self::expire`] has something to do.
    pub(super) fn first_deadline(&self) -> Option<Now> {
        let rebalance = match self.phase {
            Phase::Preparing { deadline, .. } => Some(deadline),
            Phase::Empty | Phase::Completing | Phase::Stable => None,
        };
        let members = self.members.values().filter_map(Member::expires);
        members.chain(self.pending.values().copied()).chain(rebalance).chain(self.sync_deadline).min()
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, context: &mut Context<'_>, config: &GroupConfig) {
        let is_due = |deadline: &Now| *deadline <= context.now;
        let pending = self.pending.iter().filter(|(_, deadline)| is_due(deadline)).map(|(id, _)| id.clone());
        let silent =
            self.members.iter().filter(|(_, member)| member.expires().as_ref().is_some_and(is_due)).map(|(id, _)| id.clone());
        for id in pending.chain(silent).collect::<Vec<_>>() {
            self.expire_member(context, config, &id);
        }
        if let Phase::Preparing { deadline, .. } = self.phase
            && deadline <= context.now
        {
            self.join_time_is_up(context, config);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= context.now) {
            self.sync_time_is_up(context, config);
        }
    }

    fn expire_member(&mut self, context: &mut Context<'_>, config: &GroupConfig, id: &MemberId) {
        // Another's expiry may have answered or removed it meanwhile.
        let is_member = match self.members.get(id) {
            Some(member) if member.expires().is_none_or(|deadline| deadline > context.now) => return,
            member => member.is_some(),
        };
        self.remove(context, id, Departure::Silent);
        match self.phase {
            Phase::Stable | Phase::Completing if is_member => self.prepare_rebalance(context, config),
            Phase::Preparing { .. } if self.have_all_joined() => self.complete_join(context),
            Phase::Empty | Phase::Preparing { .. } | Phase::Completing | Phase::Stable => {}
        }
    }
}
