//! The state machine of one partition of `__consumer_offsets`: its table of contents.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::classic::{ClassicGroup, Timers};
use super::offsets::Offsets;
use super::record::GroupRecord;
use super::{JoinReply, SyncReply};
use crate::types::GroupId;

/// The broker's settings for groups, under Kafka's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    pub max_session_timeout_ms: i32,
    /// `group.max.size`.
    pub max_size: usize,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Duration,
    /// `offset.metadata.max.bytes`.
    pub max_offset_metadata: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
}

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
