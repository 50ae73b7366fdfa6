//! The checks on a batch that a client produced (LogValidator.java, kafka-surface 2.2, reliability A9 to A11).

use super::{BatchHeader, OutputBudget};
use crate::types::{Compression, Timestamp, TimestampType};

/// What a produced batch is judged by.
#[derive(Clone, Copy, Debug)]
pub struct ProduceRules {
    pub now: Timestamp,
    /// `max.message.bytes`, over the whole batch.
    pub max_message_bytes: usize,
    /// `segment.bytes`.
    pub segment_bytes: usize,
    pub timestamps: TimestampRules,
    /// The topic is compacted: every record needs a key.
    pub compacted: bool,
    /// `compression.type` other than `producer`, with its level.
    pub target_compression: Option<(Compression, Option<i32>)>,
    /// zstd is refused in requests below version 7.
    pub zstd_allowed: bool,
    pub decompression_budget: OutputBudget,
}

#[derive(Clone, Copy, Debug)]
pub struct TimestampRules {
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub after_max_ms: i64,
}

/// A batch that passed. The bytes may have been changed in place (timestamp type, CRC).
#[derive(Clone, Debug)]
pub struct ValidBatch {
    pub header: BatchHeader,
    /// Offset delta of the first record that carries `max_timestamp`; None when LogAppendTime.
    pub max_timestamp_delta: i32,
    /// The batch, when it had to be written anew (recompression); else the bytes handed in are the batch.
    pub rewritten: Option<Vec<u8>>,
}

/// Why a produced batch is refused; each has one Kafka error code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// CORRUPT_MESSAGE.
    Corrupt(String),
    /// INVALID_RECORD, with the records at fault.
    InvalidRecord { message: String, records: Vec<RecordRefusal> },
    /// MESSAGE_TOO_LARGE.
    TooLarge { length: usize, limit: usize },
    /// RECORD_LIST_TOO_LARGE.
    LargerThanSegment { length: usize, limit: usize },
    /// INVALID_TIMESTAMP, with the records at fault.
    InvalidTimestamp { message: String, records: Vec<RecordRefusal> },
    /// UNSUPPORTED_COMPRESSION_TYPE.
    UnsupportedCompression(String),
    /// UNSUPPORTED_FOR_MESSAGE_FORMAT (magic below 2 that Kafka refuses with that code); see the validator's notes.
    UnsupportedFormat(String),
}

/// One record at fault: its index in the batch and, if it has one of its own, a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordRefusal {
    pub batch_index: i32,
    pub message: Option<String>,
}

/// Walks the single batch that a Produce request carries for a partition.
///
/// # Errors
/// The first rule that it breaks, in Kafka's order.
pub fn validate_produce(bytes: &mut [u8], rules: &ProduceRules) -> Result<ValidBatch, Refusal> {
    let _ = (bytes, rules);
    todo!()
}
