//! The state machine of one partition of `__consumer_offsets`: its table of contents.

use std::sync::Arc;

use indexmap::IndexMap;

use super::classic::{ClassicGroup, Timers};
use super::offsets::{Offsets, Place};
use super::record::{self, GroupRecord};
use super::{GroupEvent, JoinReply, SyncReply};
use crate::config::GroupConfig;
use crate::coordinator::{Context, Coordinator, EncodedRecord, Origin, UnreadableRecord};
use crate::types::{GroupId, Now, Offset};

/// An answer to a request that was parked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Join(JoinReply),
    Sync(SyncReply),
}

/// The groups of one partition.
#[derive(Debug)]
pub struct GroupCoordinator {
    pub(super) config: Arc<GroupConfig>,
    pub(super) groups: IndexMap<GroupId, ClassicGroup>,
    pub(super) offsets: Offsets,
    pub(super) timers: Timers,
}

impl GroupCoordinator {
    /// A partition without records.
    #[must_use]
    pub fn new(config: Arc<GroupConfig>) -> Self {
        Self { config, groups: IndexMap::new(), offsets: Offsets::default(), timers: Timers::default() }
    }

    /// Everything that a replay brings back, as records in one order: by group, then the offsets by group, topic and partition.
    #[must_use]
    pub fn durable_records(&self) -> Vec<GroupRecord> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(id, _)| *id);
        let groups = groups.into_iter().map(|(id, group)| GroupRecord::Group { group: id.clone(), value: Some(group.value()) });
        let offsets = self.offsets.iter().map(|(place, offset)| {
            let Place { group, topic, partition } = place.clone();
            GroupRecord::Offset { group, topic, partition, value: Some(offset.clone()) }
        });
        groups.chain(offsets).collect()
    }
}

impl Coordinator for GroupCoordinator {
    type Record = GroupRecord;
    type Reply = Reply;
    type Event = GroupEvent;

    fn encode(&self, record: &GroupRecord) -> EncodedRecord {
        record::encode(record)
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<GroupRecord>, UnreadableRecord> {
        record::decode(key, value)
    }

    fn apply(&mut self, record: GroupRecord, _: Offset, origin: Origin) {
        match record {
            GroupRecord::Offset { group, topic, partition, value: Some(offset) } => {
                // An offset brings its group with it: that of a consumer without group management has no record of its own.
                let entry = self.groups.entry(group);
                let group = entry.key().clone();
                entry.or_insert_with_key(|group| ClassicGroup::new(group.clone()));
                self.offsets.put(Place { group, topic, partition }, offset);
            }
            GroupRecord::Offset { group, topic, partition, value: None } => {
                self.offsets.remove(&Place { group, topic, partition });
            }
            GroupRecord::Group { group, value } => self.apply_group(group, value, origin),
        }
    }

    fn loaded(&mut self, context: &mut Context<'_, Self>) {
        self.members_loaded(context);
        self.offsets_loaded(context.now);
    }

    fn expire(&mut self, context: &mut Context<'_, Self>) {
        self.expire_members(context);
        self.expire_offsets(context);
    }

    fn next_deadline(&self) -> Option<Now> {
        [self.members_deadline(), self.offsets_deadline()].into_iter().flatten().min()
    }
}
