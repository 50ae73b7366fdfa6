//! What is counted about the groups of a partition.

use std::collections::BTreeMap;

use super::offsets::Place;
use super::{GroupCoordinator, GroupState};
use crate::types::{GroupId, Offset, PartitionIndex, TopicName};

/// Groups and committed offsets of one partition.
#[derive(Debug, Default)]
pub struct GroupCensus {
    pub by_state: BTreeMap<GroupState, usize>,
    pub offsets: usize,
    /// The first of them by group, topic and partition.
    pub committed: Vec<(GroupId, TopicName, PartitionIndex, Offset)>,
}

impl GroupCoordinator {
    /// Counts all groups, and lists so many committed offsets.
    #[must_use]
    pub fn census(&self, limit: usize) -> GroupCensus {
        let mut by_state = BTreeMap::new();
        for group in self.groups.values() {
            *by_state.entry(group.state()).or_default() += 1;
        }
        let committed = self.offsets.iter().take(limit).map(|(place, committed)| {
            let Place { group, topic, partition } = place.clone();
            (group, topic, partition, committed.offset)
        });
        GroupCensus { by_state, offsets: self.offsets.len(), committed: committed.collect() }
    }
}
