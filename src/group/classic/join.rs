//! JoinGroup: how members come into a group, and come back.

use std::sync::Arc;
use std::time::Duration;

use super::group::{ClassicGroup, MAX_PENDING_MEMBERS, Phase};
use super::member::{Awaiting, Member, milliseconds};
use super::{Context, GroupCoordinator, Refusal};
use crate::coordinator::Token;
use crate::group::{Departure, GroupConfig, GroupRecord, JoinGroup, JoinReply, JoinedMember, Reply};
use crate::types::MemberId;

/// How long a new member's first JoinGroup may be parked. Its client has no id yet, so it cannot heartbeat, and its connection is not read
/// while it waits: nothing else tells that it is gone (Kafka's group.coordinator new-member join timeout).
pub(super) const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(300);

/// Protocols that one member may name. Kafka has no bound; clients name one to three.
const MAX_PROTOCOLS: usize = 100;

/// Bytes of any name: what a record's texts can hold, with room for what makes a member id of a client's or an instance's name.
const MAX_NAME: usize = i16::MAX as usize - "-".len() - uuid::fmt::Hyphenated::LENGTH;

impl GroupCoordinator {
    /// Answers under `token`: at once if refused, told its id or told the generation that runs; else when the next generation begins.
    pub fn join(&mut self, context: &mut Context<'_>, request: JoinGroup, token: Token) {
        let Self { config, groups, timers, .. } = self;
        if let Err(refusal) = check(&request, config, context.max_batch_bytes) {
            return refuse(context, token, request.member, refusal);
        }
        if !groups.contains_key(&request.group) {
            if !request.member.as_str().is_empty() {
                return refuse(context, token, request.member, Refusal::UnknownMemberId);
            }
            let mut group = ClassicGroup::new(request.group.clone());
            group.since = Some(context.timestamp);
            // So that the group is there after a restart, as it is for those who list groups now.
            context.record(GroupRecord::Group { group: group.id.clone(), value: Some(group.value()) });
            groups.insert(request.group.clone(), group);
        }
        let group = groups.get_mut(&request.group).expect("it was put there if it was not");
        group.join(context, config, &request, token);
        timers.follow(group);
    }
}

/// A member whose metadata alone fills a batch could never be written down with its group: it is told so now, and nothing of it is kept (Kafka
/// tells it with its first assignment).
fn check(request: &JoinGroup, config: &GroupConfig, max_batch_bytes: usize) -> Result<(), Refusal> {
    let allowed = config.min_session_timeout_ms..=config.max_session_timeout_ms;
    if !allowed.contains(&request.session_timeout_ms) {
        return Err(Refusal::InvalidSessionTimeout);
    }
    let JoinGroup { group, member, instance, client_id, client_host, protocol_type, protocols, .. } = request;
    if protocols.len() > MAX_PROTOCOLS {
        return Err(Refusal::InvalidRequest);
    }
    let mut names = protocols.iter().map(|protocol| &*protocol.name).chain(instance.as_deref()).chain([
        group.as_str(),
        member.as_str(),
        client_id,
        client_host,
        protocol_type,
    ]);
    if names.any(|name| name.len() > MAX_NAME) {
        return Err(Refusal::InvalidRequest);
    }
    let metadata: usize = protocols.iter().map(|protocol| protocol.metadata.len()).sum();
    if metadata > max_batch_bytes { Err(Refusal::GroupTooLarge) } else { Ok(()) }
}

fn refuse(context: &mut Context<'_>, token: Token, member: MemberId, refusal: Refusal) {
    context.reply(token, Reply::Join(JoinReply::refused(member, refusal)));
}

/// An id for a new member: its instance's or its client's, and a random UUID.
fn new_member_id(context: &mut Context<'_>, request: &JoinGroup) -> MemberId {
    let random = (u128::from((context.random)()) << 64) | u128::from((context.random)());
    let unique = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid();
    let prefix = request.instance.as_ref().unwrap_or(&request.client_id);
    MemberId::new(&format!("{prefix}-{unique}"))
}

impl ClassicGroup {
    fn join(&mut self, context: &mut Context<'_>, config: &GroupConfig, request: &JoinGroup, token: Token) {
        if !self.has_room_for(request, config.max_size) {
            self.remove(context, &request.member, Departure::NoRoom);
            refuse(context, token, MemberId::new(""), Refusal::GroupMaxSizeReached);
            // It may have been the one that the others waited for.
            return self.complete_join_if_all_joined(context);
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            return refuse(context, token, request.member.clone(), Refusal::InconsistentGroupProtocol);
        }
        if request.member.as_str().is_empty() {
            self.join_anew(context, config, request, token);
        } else if request.instance.is_none() && self.pending.contains_key(&request.member) {
            self.add(context, config, request.member.clone(), request, token);
        } else if let Err(refusal) = self.validate(&request.member, request.instance.as_deref()) {
            refuse(context, token, request.member.clone(), refusal);
        } else {
            self.join_again(context, config, request, token);
        }
    }

    /// Whether `group.max.size` lets the member in. While a rebalance is prepared, those who wait are counted: after the limit was lowered, the
    /// last to join again are turned away. A static member that comes back without its id takes its own place (Kafka turns it away from a
    /// full group until its session ends).
    fn has_room_for(&self, request: &JoinGroup, max_size: usize) -> bool {
        let holder = request.instance.as_ref().and_then(|instance| self.instances.get(instance));
        let member = self.members.get(holder.unwrap_or(&request.member));
        match self.phase {
            Phase::Empty => true,
            Phase::Preparing { .. } => member.is_some_and(Member::is_awaiting_join) || self.awaiting_join() < max_size,
            Phase::Completing | Phase::Stable => member.is_some() || self.members.len() < max_size,
        }
    }

    /// Somebody without a member id: a stranger, or a static member after its restart.
    fn join_anew(&mut self, context: &mut Context<'_>, config: &GroupConfig, request: &JoinGroup, token: Token) {
        let id = new_member_id(context, request);
        let holder = request.instance.as_ref().and_then(|instance| self.instances.get(instance)).cloned();
        if let Some(holder) = holder {
            self.replace_static_member(context, config, &holder, id, request, token);
        } else if request.instance.is_none() && request.requires_member_id {
            let deadline = context.now.plus(milliseconds(request.session_timeout_ms));
            if self.pending.len() >= MAX_PENDING_MEMBERS {
                self.pending.shift_remove_index(0);
            }
            self.pending.insert(id.clone(), deadline);
            self.wake.at(deadline);
            refuse(context, token, id, Refusal::MemberIdRequired);
        } else {
            self.add(context, config, id, request, token);
        }
    }

    fn add(&mut self, context: &mut Context<'_>, config: &GroupConfig, id: MemberId, request: &JoinGroup, token: Token) {
        if let Phase::Preparing { initial: Some(initial), .. } = &mut self.phase {
            initial.has_grown = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::clone(&request.protocol_type));
        }
        let deadline = context.now.plus(NEW_MEMBER_JOIN_TIMEOUT);
        self.insert(id.clone(), Member::joining(request, deadline));
        self.wake.at(deadline);
        self.park(context, &id, Awaiting::Join(token));
        self.rebalance(context, config);
    }

    /// A member that is known joins again. If that changes nothing, it is told of the generation that runs (it may have missed the answer);
    /// else, and whenever the leader of a stable group asks, for it may see what the group does not, there is a new one.
    fn join_again(&mut self, context: &mut Context<'_>, config: &GroupConfig, request: &JoinGroup, token: Token) {
        let id = &request.member;
        let is_same = self.members.get(id).is_some_and(|member| member.protocols == request.protocols);
        let changes_nothing = match self.phase {
            Phase::Empty | Phase::Preparing { .. } => false,
            Phase::Completing => is_same,
            Phase::Stable => is_same && !self.is_leader(id),
        };
        if changes_nothing {
            let members = if self.is_leader(id) { self.joined_members() } else { Vec::new() };
            let reply = JoinReply { members, ..self.joined(id.clone()) };
            return context.reply(token, Reply::Join(reply));
        }
        self.update(id, request);
        self.park(context, id, Awaiting::Join(token));
        self.rebalance(context, config);
    }

    /// A static member came back without its id: the new id takes the old one's place and fences it. A stable group goes on as it is if the
    /// choice of the protocol stays the same.
    fn replace_static_member(
        &mut self,
        context: &mut Context<'_>,
        config: &GroupConfig,
        old: &MemberId,
        new: MemberId,
        request: &JoinGroup,
        token: Token,
    ) {
        let leader_before = self.leader.clone();
        let Some(mut before) = self.rename(old, new.clone()) else { return };
        if let Some(awaiting) = before.awaiting.take() {
            awaiting.refuse(context, old.clone(), Refusal::FencedInstanceId);
        }
        self.update(&new, request);
        self.begin_session(&new, context.now);
        if self.phase != Phase::Stable || self.elect_protocol() != self.protocol {
            self.park(context, &new, Awaiting::Join(token));
            return match self.phase {
                Phase::Completing | Phase::Stable => self.prepare_rebalance(context, config),
                Phase::Empty | Phase::Preparing { .. } => self.complete_join_if_all_joined(context),
            };
        }
        if let Err(refusal) = self.record(context) {
            self.take(&new);
            self.insert(old.clone(), before);
            self.leader = leader_before;
            return refuse(context, token, MemberId::new(""), refusal);
        }
        self.subscribed = self.read_subscriptions().unwrap_or_default();
        let skips_assignment = self.is_leader(&new) && request.can_skip_assignment;
        let reply = if skips_assignment {
            JoinReply { members: self.joined_members(), skip_assignment: true, ..self.joined(new) }
        } else {
            // A client that may not be told to skip the assignment is told of the old leader, so that it takes itself for a follower.
            let leader = if request.can_skip_assignment { self.leader.clone() } else { leader_before };
            JoinReply { leader: leader.unwrap_or_else(|| MemberId::new("")), ..self.joined(new) }
        };
        context.reply(token, Reply::Join(reply));
    }

    /// Gives a static member another id; returns it as it was.
    fn rename(&mut self, old: &MemberId, new: MemberId) -> Option<Member> {
        let was_leader = self.is_leader(old);
        let before = self.take(old)?;
        self.insert(new.clone(), Member { awaiting: None, is_new: false, ..before.clone() });
        if was_leader {
            self.leader = Some(new);
        }
        Some(before)
    }

    /// What a member is told of the generation.
    pub(super) fn joined(&self, member: MemberId) -> JoinReply {
        JoinReply {
            refusal: None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_else(|| MemberId::new("")),
            member,
            members: Vec::new(),
            skip_assignment: false,
        }
    }

    /// What the leader is told of the members.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or("");
        let joined = |(id, member): (&MemberId, &Member)| JoinedMember {
            member: id.clone(),
            instance: member.instance.clone(),
            metadata: member.metadata(protocol),
        };
        self.members.iter().map(joined).collect()
    }
}
