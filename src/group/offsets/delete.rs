//! OffsetDelete, and the offsets of a group that is deleted.

use super::{Place, is_of_consumers};
use crate::coordinator::Context;
use crate::group::record::Room;
use crate::group::{DeleteOffsets, GroupCoordinator, GroupRecord, GroupState, Refusal};
use crate::types::GroupId;

impl GroupCoordinator {
    /// Deletes offsets: for each partition in order why not, or `None`, there having been an offset or not.
    ///
    /// # Errors
    /// Nothing is deleted: there is no such group, its members are not consumers (so nobody knows what they read), or the tombstones do not
    /// fit into one batch.
    pub fn delete_offsets(
        &mut self,
        context: &mut Context<'_, Self>,
        request: &DeleteOffsets,
    ) -> Result<Vec<Option<Refusal>>, Refusal> {
        let group = self.groups.get(&request.group).ok_or(Refusal::GroupIdNotFound)?;
        match group.state() {
            GroupState::Dead => return Err(Refusal::GroupIdNotFound),
            GroupState::Empty => {}
            GroupState::PreparingRebalance | GroupState::CompletingRebalance | GroupState::Stable => {
                if !is_of_consumers(group) {
                    return Err(Refusal::NonEmptyGroup);
                }
            }
        }
        let (mut refusals, mut tombstones) = (Vec::with_capacity(request.partitions.len()), Vec::new());
        for (topic, partition) in &request.partitions {
            let is_subscribed = group.is_subscribed(topic.as_str());
            refusals.push(is_subscribed.then_some(Refusal::GroupSubscribedToTopic));
            let place = Place { group: request.group.clone(), topic: topic.clone(), partition: *partition };
            if !is_subscribed && self.offsets.get(&place).is_some() {
                tombstones.push(place.tombstone());
            }
        }
        push_all(context, tombstones)?;
        Ok(refusals)
    }

    /// Tombstones for all offsets of a group.
    ///
    /// # Errors
    /// They do not fit into one batch, and none is written. The offsets can be deleted in parts.
    pub(in crate::group) fn tombstone_offsets(&self, context: &mut Context<'_, Self>, group: &GroupId) -> Result<(), Refusal> {
        push_all(context, self.offsets.of_group(group).map(|(place, _)| place.tombstone()).collect())
    }
}

/// All or none.
fn push_all(context: &mut Context<'_, GroupCoordinator>, mut records: Vec<GroupRecord>) -> Result<(), Refusal> {
    let mut room = Room::left(context);
    if !records.iter().all(|record| room.take(record)) {
        return Err(Refusal::GroupTooLarge);
    }
    context.records.append(&mut records);
    Ok(())
}
