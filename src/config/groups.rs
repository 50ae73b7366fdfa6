//! What the group coordinator goes by.

use std::time::Duration;

use super::Settings;
use crate::types::Compression;

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

/// How a coordinator uses its topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoordinatorLogConfig {
    /// `offsets.topic.compression.codec`.
    pub compression: Compression,
    /// `offsets.load.buffer.size`: bytes that are read at once when a partition is loaded.
    pub load_buffer: usize,
    /// `offsets.commit.timeout.ms`: how long an answer waits for its records to be committed.
    pub commit_timeout: Duration,
}

pub(super) fn groups(settings: &Settings) -> GroupConfig {
    GroupConfig {
        min_session_timeout_ms: number(settings, "group.min.session.timeout.ms"),
        max_session_timeout_ms: number(settings, "group.max.session.timeout.ms"),
        max_size: number(settings, "group.max.size"),
        initial_rebalance_delay: Duration::from_millis(number(settings, "group.initial.rebalance.delay.ms")),
        max_offset_metadata: number(settings, "offset.metadata.max.bytes"),
        offsets_retention: Duration::from_secs(60 * number::<u64>(settings, "offsets.retention.minutes")),
        offsets_retention_check_interval: Duration::from_millis(number(settings, "offsets.retention.check.interval.ms")),
    }
}

pub(super) fn coordinator_log(settings: &Settings) -> CoordinatorLogConfig {
    CoordinatorLogConfig {
        compression: match settings.integer("offsets.topic.compression.codec") {
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            _ => Compression::None,
        },
        load_buffer: number(settings, "offsets.load.buffer.size"),
        commit_timeout: Duration::from_millis(number(settings, "offsets.commit.timeout.ms")),
    }
}

/// A setting; where Kafka's key allows a number below the type's smallest, that smallest.
fn number<N: TryFrom<i64> + Default>(settings: &Settings, key: &str) -> N {
    N::try_from(settings.integer(key)).unwrap_or_default()
}
