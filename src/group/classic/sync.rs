//! SyncGroup: the leader's assignment comes, and everybody is told of their share.

use bytes::Bytes;

use super::group::{ClassicGroup, Phase};
use super::member::Awaiting;
use super::{Context, GroupCoordinator, Refusal};
use crate::coordinator::Token;
use crate::group::{GroupConfig, GroupEvent, Reply, SyncGroup, SyncReply};
use crate::types::MemberId;

impl GroupCoordinator {
    /// Answers under `token`: when the leader's assignment has come; at once if it is there, or if refused.
    pub fn sync(&mut self, context: &mut Context<'_>, request: SyncGroup, token: Token) {
        let Self { config, groups, timers, .. } = self;
        match groups.get_mut(&request.group) {
            Some(group) => {
                group.sync(context, config, request, token);
                timers.follow(group);
            }
            None => context.reply(token, Reply::Sync(SyncReply::refused(Refusal::UnknownMemberId))),
        }
    }
}

impl ClassicGroup {
    fn sync(&mut self, context: &mut Context<'_>, config: &GroupConfig, request: SyncGroup, token: Token) {
        if let Err(refusal) = self.validate_sync(&request) {
            return context.reply(token, Reply::Sync(SyncReply::refused(refusal)));
        }
        if let Some(member) = self.members.get_mut(&request.member) {
            member.owes_sync = false;
        }
        if self.phase == Phase::Completing {
            self.park(context, &request.member, Awaiting::Sync(token));
            if self.is_leader(&request.member) {
                self.assign(context, config, request.assignments);
            }
        } else {
            let assignment = self.members.get(&request.member).map(|member| member.assignment.clone()).unwrap_or_default();
            context.reply(token, Reply::Sync(self.synced(assignment)));
        }
    }

    fn validate_sync(&self, request: &SyncGroup) -> Result<(), Refusal> {
        self.validate_generation(&request.member, request.instance.as_deref(), request.generation)?;
        let differs = |given: &Option<_>, own: &Option<_>| given.is_some() && own.is_some() && given != own;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol, &self.protocol) {
            return Err(Refusal::InconsistentGroupProtocol);
        }
        match self.phase {
            Phase::Preparing { .. } => Err(Refusal::RebalanceInProgress),
            Phase::Empty | Phase::Completing | Phase::Stable => Ok(()),
        }
    }

    /// Takes the leader's assignment; a member that it does not name gets an empty share.
    fn assign(&mut self, context: &mut Context<'_>, config: &GroupConfig, assignments: Vec<(MemberId, Bytes)>) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.enter(Phase::Stable, context.timestamp);
        match self.record(context) {
            Ok(()) => self.hand_out(context),
            Err(refusal) => {
                self.cancel_assignment(context, refusal);
                self.prepare_rebalance(context, config);
            }
        }
    }

    fn hand_out(&mut self, context: &mut Context<'_>) {
        context.tell(GroupEvent::RebalanceFinished {
            group: self.id.clone(),
            generation: self.generation,
            members: self.members.len(),
            protocol: self.protocol.clone(),
        });
        let empty = self.synced(Bytes::new());
        for member in self.members.values_mut() {
            if let Some(Awaiting::Sync(token)) = member.awaiting {
                member.awaiting = None;
                member.deadline = context.now.plus(member.session_timeout());
                self.wake.at(member.deadline);
                let reply = SyncReply { assignment: member.assignment.clone(), ..empty.clone() };
                context.reply(token, Reply::Sync(reply));
            }
        }
    }

    fn synced(&self, assignment: Bytes) -> SyncReply {
        SyncReply { refusal: None, protocol_type: self.protocol_type.clone(), protocol: self.protocol.clone(), assignment }
    }
}
