//! Settings of one log, already resolved from topic and broker.

/// Kafka's topic settings that the log acts on; times in milliseconds, sizes in bytes. -1 in Kafka is `None` here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub segment_bytes: u64,
    pub segment_ms: i64,
    pub segment_jitter_ms: i64,
    pub segment_index_bytes: u64,
    pub index_interval_bytes: u64,
    pub retention_ms: Option<i64>,
    pub retention_bytes: Option<u64>,
    pub file_delete_delay_ms: i64,
    /// `flush.messages`; `None` for Kafka's default (never).
    pub flush_messages: Option<i64>,
    /// `flush.ms`; `None` for Kafka's default (never).
    pub flush_ms: Option<i64>,
    pub preallocate: bool,
    pub cleanup_policy: CleanupPolicy,
    pub producer_id_expiration_ms: i64,
}

/// `cleanup.policy`; both false means keep forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    pub delete: bool,
    pub compact: bool,
}

impl Default for LogConfig {
    /// Kafka 4.3's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3600 * 1000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: Some(7 * 24 * 3600 * 1000),
            retention_bytes: None,
            file_delete_delay_ms: 60_000,
            flush_messages: None,
            flush_ms: None,
            preallocate: false,
            cleanup_policy: CleanupPolicy { delete: true, compact: false },
            producer_id_expiration_ms: 86_400_000,
        }
    }
}
