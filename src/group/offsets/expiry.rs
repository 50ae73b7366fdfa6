//! Offsets that go without being asked to: expired ones, and those of deleted topics.
//!
//! Both look at everything from the start and write tombstones until the batch is full; what got its tombstone is gone when the next tick
//! looks again.

use super::{CommittedOffset, is_of_consumers};
use crate::coordinator::Context;
use crate::group::classic::ClassicGroup;
use crate::group::record::Room;
use crate::group::{GroupCoordinator, GroupRecord, GroupState};
use crate::types::{Now, Timestamp, TopicId, TopicName};

/// Whether all that was due got its tombstone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Done,
    BatchFull,
}

impl GroupCoordinator {
    /// Offsets in deleted topics go too. Those committed in a later life of the topic stay.
    pub fn forget_topics(&mut self, context: &mut Context<'_, Self>, topics: &[(TopicName, TopicId)]) {
        for (topic, id) in topics {
            self.offsets.doomed.entry(topic.clone()).or_default().push(*id);
        }
        self.tombstone_doomed(context);
    }

    /// The first look comes one interval after the partition was loaded.
    pub(in crate::group) fn offsets_loaded(&mut self, now: Now) {
        self.offsets.next_check = Some(now.plus(self.config.offsets_retention_check_interval));
    }

    pub(in crate::group) fn offsets_deadline(&self) -> Option<Now> {
        if self.offsets.doomed.is_empty() { self.offsets.next_check } else { Some(Now::default()) }
    }

    /// Goes on where the batch was full, and looks for expired offsets every `offsets.retention.check.interval.ms`.
    pub(in crate::group) fn expire_offsets(&mut self, context: &mut Context<'_, Self>) {
        if !self.offsets.doomed.is_empty() {
            self.tombstone_doomed(context);
        } else if self.offsets.next_check.is_some_and(|due| due <= context.now)
            && self.tombstone_expired(context) == Progress::Done
        {
            self.offsets_loaded(context.now);
        }
    }

    fn tombstone_doomed(&mut self, context: &mut Context<'_, Self>) {
        let doomed = |topic: &TopicName, offset: &CommittedOffset| {
            let lives = self.offsets.doomed.get(topic);
            lives.is_some_and(|lives| offset.topic_id.is_none_or(|id| lives.contains(&id)))
        };
        let due = self.offsets.iter().filter(|(place, offset)| doomed(&place.topic, offset));
        if push_while_room(context, due.map(|(place, _)| place.tombstone())) == Progress::Done {
            self.offsets.doomed.clear();
        }
    }

    /// Also groups go: empty ones that have no offset left.
    fn tombstone_expired(&self, context: &mut Context<'_, Self>) -> Progress {
        let now = context.timestamp;
        let due = self.groups.iter().flat_map(|(id, group)| {
            let is_expired = move |topic: &TopicName, offset| self.is_expired(group, topic, offset, now);
            let expired = self.offsets.of_group(id).filter(move |(place, offset)| is_expired(&place.topic, offset));
            let is_over = group.state() == GroupState::Empty
                && self.offsets.of_group(id).all(|(place, offset)| is_expired(&place.topic, offset));
            let group = is_over.then(|| GroupRecord::Group { group: id.clone(), value: None });
            expired.map(|(place, _)| place.tombstone()).chain(group)
        });
        push_while_room(context, due)
    }

    fn is_expired(&self, group: &ClassicGroup, topic: &TopicName, offset: &CommittedOffset, now: Timestamp) -> bool {
        let Some(since) = kept_since(group, offset).filter(|_| !group.is_subscribed(topic.as_str())) else { return false };
        match offset.expire_timestamp {
            Some(expires) => now >= expires,
            None => {
                u128::try_from(now.0.saturating_sub(since.0)).is_ok_and(|age| age >= self.config.offsets_retention.as_millis())
            }
        }
    }
}

/// From when `offsets.retention.minutes` counts; `None` while the group may need the offset, subscribed or not.
fn kept_since(group: &ClassicGroup, offset: &CommittedOffset) -> Option<Timestamp> {
    if group.protocol_type().is_none() {
        return Some(offset.commit_timestamp);
    }
    match group.state() {
        GroupState::Empty => Some(group.since().unwrap_or(offset.commit_timestamp)),
        GroupState::Stable if is_of_consumers(group) => Some(offset.commit_timestamp),
        GroupState::Stable | GroupState::PreparingRebalance | GroupState::CompletingRebalance | GroupState::Dead => None,
    }
}

fn push_while_room(context: &mut Context<'_, GroupCoordinator>, records: impl Iterator<Item = GroupRecord>) -> Progress {
    let mut room = Room::left(context);
    for record in records {
        if !room.take(&record) {
            // Where not even one fits, trying again leads nowhere.
            return if context.records.is_empty() { Progress::Done } else { Progress::BatchFull };
        }
        context.record(record);
    }
    Progress::Done
}
