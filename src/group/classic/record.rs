//! A group as its record has it: written, applied, read again.

use std::sync::Arc;

use super::group::{ClassicGroup, Phase};
use super::member::Member;
use super::{Context, GroupCoordinator, Refusal};
use crate::coordinator::Origin;
use crate::group::record::Room;
use crate::group::{GroupRecord, GroupValue, MemberValue, Protocol};
use crate::types::{GroupId, MemberId, Now};

impl GroupCoordinator {
    pub(in crate::group) fn apply_group(&mut self, group: GroupId, value: Option<GroupValue>, origin: Origin) {
        match (value, origin) {
            (None, _) => {
                if let Some(gone) = self.groups.swap_remove(&group) {
                    self.timers.forget(&gone);
                }
            }
            (Some(value), Origin::Append) => {
                let is_what_it_says = |group: &ClassicGroup| !group.is_settled() || group.value() == value;
                debug_assert!(self.groups.get(&group).is_some_and(is_what_it_says), "{group} is not what its record says");
            }
            (Some(value), Origin::Replay { now }) => {
                let replayed = ClassicGroup::from_value(group.clone(), value, now);
                if let Some(before) = self.groups.insert(group, replayed) {
                    self.timers.forget(&before);
                }
            }
        }
    }
}

impl ClassicGroup {
    /// Whether the group is as its record says. Between generations, and while the first member joins, it is ahead.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Empty | Phase::Stable)
    }

    /// What the group's record says, or would say if it were written now.
    pub(in crate::group) fn value(&self) -> GroupValue {
        let protocol = self.protocol.as_deref().unwrap_or("");
        let member = |(id, member): (&MemberId, &Member)| MemberValue {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: Arc::clone(&member.client_id),
            client_host: Arc::clone(&member.client_host),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(protocol),
            assignment: member.assignment.clone(),
        };
        GroupValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.since,
            members: self.members.iter().map(member).collect(),
        }
    }

    /// The record of this group without its members.
    pub(super) fn emptied(&self) -> GroupRecord {
        let protocol_type = self.protocol_type.clone().unwrap_or_default();
        let (generation, since) = (self.generation, self.since);
        let value = GroupValue { protocol_type, generation, protocol: None, leader: None, since, members: Vec::new() };
        GroupRecord::Group { group: self.id.clone(), value: Some(value) }
    }

    /// The group that a record tells of. Its members know only the protocol that was chosen, until they join again.
    pub(in crate::group) fn from_value(id: GroupId, value: GroupValue, now: Now) -> Self {
        let GroupValue { protocol_type, generation, protocol, leader, since, members } = value;
        let mut group = Self::new(id);
        group.phase = if members.is_empty() { Phase::Empty } else { Phase::Stable };
        group.since = since;
        group.protocol_type = Some(protocol_type).filter(|protocol_type| !protocol_type.is_empty());
        group.generation = generation;
        group.leader = leader;
        let name = protocol.clone().unwrap_or_default();
        group.protocol = protocol;
        for value in members {
            let (id, member) = replayed(value, &name, now);
            group.insert(id, member);
        }
        group.subscribed = group.read_subscriptions().unwrap_or_default();
        group
    }

    /// Has the group written down as it is.
    ///
    /// # Errors
    /// The record does not fit into a batch, and was not written.
    pub(super) fn record(&self, context: &mut Context<'_>) -> Result<(), Refusal> {
        let record = GroupRecord::Group { group: self.id.clone(), value: Some(self.value()) };
        if !Room::left(context).take(&record) {
            return Err(Refusal::GroupTooLarge);
        }
        context.record(record);
        Ok(())
    }
}

fn replayed(value: MemberValue, protocol: &Arc<str>, now: Now) -> (MemberId, Member) {
    // Records of before Kafka 0.10.1 have no rebalance timeout: -1.
    let rebalance_timeout_ms = if value.rebalance_timeout_ms < 0 { value.session_timeout_ms } else { value.rebalance_timeout_ms };
    let mut member = Member {
        instance: value.instance,
        client_id: value.client_id,
        client_host: value.client_host,
        rebalance_timeout_ms,
        session_timeout_ms: value.session_timeout_ms,
        protocols: vec![Protocol { name: Arc::clone(protocol), metadata: value.subscription }],
        assignment: value.assignment,
        awaiting: None,
        deadline: now,
        is_new: false,
        owes_sync: false,
    };
    member.deadline = now.plus(member.session_timeout());
    (value.member, member)
}
