//! DescribeGroups, ListGroups, DeleteGroups.

use std::sync::Arc;

use bytes::Bytes;

use super::group::{ClassicGroup, Phase};
use super::member::Member;
use super::{Context, GroupCoordinator, Refusal};
use crate::group::record::Room;
use crate::group::{DescribedGroup, DescribedMember, GroupRecord, ListedGroup};
use crate::types::{GroupId, MemberId};

impl GroupCoordinator {
    /// `None` if there is no such group.
    #[must_use]
    pub fn describe(&self, group: &GroupId) -> Option<DescribedGroup> {
        self.groups.get(group).map(ClassicGroup::describe)
    }

    /// All groups of the partition, in no order that means anything.
    #[must_use]
    pub fn list(&self) -> Vec<ListedGroup> {
        let listed = |group: &ClassicGroup| ListedGroup {
            group: group.id.clone(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            state: group.state(),
        };
        self.groups.values().map(listed).collect()
    }

    /// Deletes a group without members, and its offsets.
    ///
    /// # Errors
    /// There is no such group, it has members, or its offsets are too many for one batch.
    pub fn delete_group(&mut self, context: &mut Context<'_>, group: &GroupId) -> Result<(), Refusal> {
        let phase = self.groups.get(group).ok_or(Refusal::GroupIdNotFound)?.phase;
        if phase != Phase::Empty {
            return Err(Refusal::NonEmptyGroup);
        }
        self.tombstone_offsets(context, group)?;
        let tombstone = GroupRecord::Group { group: group.clone(), value: None };
        if !Room::left(context).take(&tombstone) {
            context.records.clear();
            return Err(Refusal::GroupTooLarge);
        }
        context.record(tombstone);
        Ok(())
    }
}

impl ClassicGroup {
    fn describe(&self) -> DescribedGroup {
        let protocol = if self.phase == Phase::Stable { self.protocol.clone() } else { None };
        let described = |(id, member): (&MemberId, &Member)| DescribedMember {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: Arc::clone(&member.client_id),
            client_host: Arc::clone(&member.client_host),
            metadata: protocol.as_ref().map_or_else(Bytes::new, |protocol| member.metadata(protocol)),
            assignment: member.assignment.clone(),
        };
        DescribedGroup {
            group: self.id.clone(),
            state: self.state(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: self.members.iter().map(described).collect(),
            protocol: protocol.unwrap_or_default(),
        }
    }
}
