//! OffsetCommit.

use std::sync::Arc;

use super::CommittedOffset;
use crate::coordinator::Context;
use crate::group::record::Room;
use crate::group::{CommitOffsets, GroupCoordinator, GroupRecord, GroupState, NewOffset, Refusal};
use crate::types::{Now, Timestamp};

impl GroupCoordinator {
    /// Commits the offsets that can be committed: for each in order why not, or `None`.
    ///
    /// # Errors
    /// Nothing is committed: the group or its member has no right to it, or the records do not fit into one batch.
    pub fn commit_offsets(
        &mut self,
        context: &mut Context<'_, Self>,
        request: &CommitOffsets,
    ) -> Result<Vec<Option<Refusal>>, Refusal> {
        self.admit_commit(context.now, request)?;
        let mut room = Room::left(context);
        let mut refusals = Vec::with_capacity(request.offsets.len());
        let mut records = Vec::with_capacity(request.offsets.len());
        for offset in &request.offsets {
            if self.is_too_long(&offset.metadata) {
                refusals.push(Some(Refusal::OffsetMetadataTooLarge));
                continue;
            }
            let record = commit_record(request, offset, context.timestamp);
            if !room.take(&record) {
                // Kafka 4.3 lost the code on the way and says UNKNOWN_SERVER_ERROR.
                return Err(Refusal::InvalidCommitOffsetSize);
            }
            records.push(record);
            refusals.push(None);
        }
        context.records.append(&mut records);
        Ok(refusals)
    }

    /// Whether the group takes a commit of this member. A group that does not exist takes one from whoever uses no group management, and
    /// comes into being with the first offset.
    fn admit_commit(&mut self, now: Now, request: &CommitOffsets) -> Result<(), Refusal> {
        let Some(group) = self.groups.get_mut(&request.group) else {
            return match (request.generation < 0, request.knows_group_id_not_found) {
                (true, _) => Ok(()),
                (false, true) => Err(Refusal::GroupIdNotFound),
                (false, false) => Err(Refusal::IllegalGeneration),
            };
        };
        group.validate_commit(&request.member, request.instance.as_deref(), request.generation)?;
        if matches!(group.state(), GroupState::Stable | GroupState::PreparingRebalance) {
            group.touch(&request.member, now, &mut self.timers);
        }
        Ok(())
    }

    /// `offset.metadata.max.bytes` counts UTF-16 units, in spite of its name.
    fn is_too_long(&self, metadata: &str) -> bool {
        let limit = self.config.max_offset_metadata;
        metadata.len() > limit && metadata.encode_utf16().count() > limit
    }
}

fn commit_record(request: &CommitOffsets, new: &NewOffset, commit_timestamp: Timestamp) -> GroupRecord {
    // A negative time would read as none; so it has passed.
    let expire_timestamp = request.retention_ms.map(|retention| Timestamp(commit_timestamp.0.saturating_add(retention).max(0)));
    // The record of an expiring offset has no room for these two. What is applied is what will be read.
    let (leader_epoch, topic_id) = if expire_timestamp.is_none() { (new.leader_epoch, new.topic_id) } else { (None, None) };
    let metadata = if new.metadata.is_empty() { Arc::default() } else { Arc::clone(&new.metadata) };
    GroupRecord::Offset {
        group: request.group.clone(),
        topic: new.topic.clone(),
        partition: new.partition,
        value: Some(CommittedOffset { offset: new.offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id }),
    }
}
