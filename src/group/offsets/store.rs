//! Where committed offsets lie.

use std::collections::BTreeMap;

use super::CommittedOffset;
use crate::group::GroupRecord;
use crate::types::{GroupId, Now, PartitionIndex, TopicId, TopicName};

/// Which register is meant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::group) struct Place {
    pub(in crate::group) group: GroupId,
    pub(in crate::group) topic: TopicName,
    pub(in crate::group) partition: PartitionIndex,
}

impl Place {
    pub(super) fn tombstone(&self) -> GroupRecord {
        let Self { group, topic, partition } = self.clone();
        GroupRecord::Offset { group, topic, partition, value: None }
    }
}

/// The committed offsets of all groups, in one flat map: a small group costs no map of its own, and a large one is as quick to change.
#[derive(Debug, Default)]
pub(in crate::group) struct Offsets {
    committed: BTreeMap<Place, CommittedOffset>,
    /// Deleted topics, each with the lives that ended, whose offsets have not all got their tombstones yet.
    pub(super) doomed: BTreeMap<TopicName, Vec<TopicId>>,
    /// When expired offsets are looked for next; `None` until the partition is loaded.
    pub(super) next_check: Option<Now>,
}

impl Offsets {
    pub(super) fn get(&self, place: &Place) -> Option<&CommittedOffset> {
        self.committed.get(place)
    }

    pub(in crate::group) fn len(&self) -> usize {
        self.committed.len()
    }

    /// By group, topic and partition.
    pub(in crate::group) fn iter(&self) -> impl Iterator<Item = (&Place, &CommittedOffset)> {
        self.committed.iter()
    }

    /// By topic and partition.
    pub(super) fn of_group(&self, group: &GroupId) -> impl Iterator<Item = (&Place, &CommittedOffset)> {
        let first = Place { group: group.clone(), topic: TopicName::new(""), partition: PartitionIndex(i32::MIN) };
        self.committed.range(first..).take_while(move |(place, _)| place.group == *group)
    }

    pub(in crate::group) fn put(&mut self, mut place: Place, offset: CommittedOffset) {
        if let Some(kept) = self.committed.get_mut(&place) {
            *kept = offset;
            return;
        }
        // A group's partitions of one topic lie side by side and share its name.
        let neighbours = [self.committed.range(..&place).next_back(), self.committed.range(&place..).next()];
        if let Some((neighbour, _)) = neighbours.into_iter().flatten().find(|(neighbour, _)| neighbour.topic == place.topic) {
            place.topic = neighbour.topic.clone();
        }
        self.committed.insert(place, offset);
    }

    pub(in crate::group) fn remove(&mut self, place: &Place) {
        self.committed.remove(place);
    }
}
