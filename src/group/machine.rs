//! The state machine of one partition of `__consumer_offsets`: its table of contents.

use std::sync::Arc;

use indexmap::IndexMap;

use super::classic::{ClassicGroup, Timers};
use super::offsets::Offsets;
use super::record::GroupRecord;
use super::{JoinReply, SyncReply};
use crate::config::GroupConfig;
use crate::types::GroupId;

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
