//! The checks on a batch that a client produced (ProduceRequest.java, UnifiedLog.java, LogValidator.java).
//!
//! Kafka's order of the rules is kept, because the first broken one names the error. Stricter than Kafka, which lets these into the
//! log or mends them without a word: offset deltas other than 0, 1, 2 …, bytes behind the batch that are no whole batch, unassigned
//! attribute bits, a transactional batch without a producer id, a producer id with a negative epoch. As in Kafka, a LogAppendTime bit is
//! taken away on a topic with CreateTime, and a base sequence without a producer id is let through: clients send 0 there.

use super::header::{self, Attributes};
use super::walk::{self, RecordsError, Scanned};
use super::{BatchError, BatchHeader, HEADER_LENGTH, OutputBudget, check_crc, compression};
use crate::types::{Compression, Timestamp, TimestampType};

/// RecordBatch.NO_TIMESTAMP: no client time was set; exempt from the range check.
const NO_TIMESTAMP: Timestamp = Timestamp(-1);
/// Records at fault that are named one by one. Kafka names all of them, so that a small compressed batch could ask for an answer
/// of any size; clients treat records that are not named as failed with their batch.
const NAMED_RECORDS_MAX: usize = 100;

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

/// A batch that passed. The bytes may have been changed in place (timestamp type, max timestamp, CRC).
#[derive(Clone, Debug)]
pub struct ValidBatch {
    /// The header of the batch to be written, after all changes.
    pub header: BatchHeader,
    /// Offset delta of the first record that carries `max_timestamp`; 0 under LogAppendTime, where every record carries it.
    pub max_timestamp_delta: i32,
    /// The batch, when it had to be written anew (recompression); else the bytes handed in are the batch.
    pub rewritten: Option<Vec<u8>>,
}

/// Why a produced batch is refused; each has one Kafka error code. Kafka sends a message to the client only with refusals that name
/// records; the other messages are for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// CORRUPT_MESSAGE.
    Corrupt(String),
    /// INVALID_RECORD: the bytes are not exactly one batch. Kafka finds that in the request, before it looks at the log.
    NotOneBatch(String),
    /// INVALID_RECORD, with the records at fault (at most 100 of them).
    InvalidRecord { message: String, records: Vec<RecordRefusal> },
    /// MESSAGE_TOO_LARGE.
    TooLarge { length: usize, limit: usize },
    /// RECORD_LIST_TOO_LARGE.
    LargerThanSegment { length: usize, limit: usize },
    /// INVALID_TIMESTAMP, with the records at fault (at most 100 of them).
    InvalidTimestamp { message: String, records: Vec<RecordRefusal> },
    /// UNSUPPORTED_COMPRESSION_TYPE.
    UnsupportedCompression(String),
}

/// One record at fault: its index in the batch and, if it has one of its own, a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordRefusal {
    pub batch_index: i32,
    pub message: Option<String>,
}

/// Walks the single batch that a Produce request carries for a partition. Copies and allocates nothing for an uncompressed batch that
/// passes; a compressed one is decompressed as a stream, unless its codec changes.
///
/// # Errors
/// The first rule that it breaks, in Kafka's order.
pub fn validate_produce(bytes: &mut [u8], rules: &ProduceRules) -> Result<ValidBatch, Refusal> {
    let header = the_one_batch(bytes)?;
    let codec = header.attributes.compression();
    check_zstd(codec, rules.zstd_allowed)?;
    if header.base_offset.0 != 0 {
        return Err(invalid(format!("a produced batch starts at offset 0, this one at {}", header.base_offset)));
    }
    check_length(header.length, rules.max_message_bytes)?;
    check_crc(bytes).map_err(corrupt)?;
    let codec =
        codec.ok_or_else(|| Refusal::UnsupportedCompression(format!("codec number {} is unknown", header.attributes.0 & 7)))?;
    check_header(&header)?;

    let mut check = RecordCheck::new(&header, rules);
    let mut rewritten = match rules.target_compression {
        Some((target, level)) if target != codec => Some(recompress(bytes, &mut check, codec, target, level)?),
        _ => {
            check.walk(bytes, codec)?;
            None
        }
    };
    let (max_timestamp, max_timestamp_delta) = check.finish()?;

    let batch = rewritten.as_deref_mut().unwrap_or(bytes);
    match rules.timestamps.timestamp_type {
        TimestampType::LogAppendTime => header::stamp_log_append_time(batch, rules.now),
        TimestampType::CreateTime if header.attributes.timestamp_type() == TimestampType::LogAppendTime => {
            header::stamp_create_time(batch, max_timestamp);
        }
        TimestampType::CreateTime if max_timestamp != header.max_timestamp => header::stamp_max_timestamp(batch, max_timestamp),
        TimestampType::CreateTime => {}
    }
    let header = BatchHeader::parse(batch).expect("the header was parsed before and stays one");
    check_length(header.length, rules.max_message_bytes)?;
    if header.length > rules.segment_bytes {
        return Err(Refusal::LargerThanSegment { length: header.length, limit: rules.segment_bytes });
    }
    Ok(ValidBatch { header, max_timestamp_delta, rewritten })
}

/// The checks that Kafka makes of a request's bytes before it looks at the log (ProduceRequest.validateRecords): one batch, and no zstd in
/// old versions. What else is wrong with them [`validate_produce`] finds.
///
/// # Errors
/// `NotOneBatch`, `UnsupportedCompression`.
pub fn check_produced_bytes(bytes: &[u8], zstd_allowed: bool) -> Result<(), Refusal> {
    match the_one_batch(bytes) {
        Ok(header) => check_zstd(header.attributes.compression(), zstd_allowed),
        Err(refusal @ Refusal::NotOneBatch(_)) => Err(refusal),
        Err(_) => Ok(()),
    }
}

fn check_zstd(codec: Option<Compression>, allowed: bool) -> Result<(), Refusal> {
    if codec == Some(Compression::Zstd) && !allowed {
        return Err(Refusal::UnsupportedCompression("zstd needs Produce version 7 or newer".to_owned()));
    }
    Ok(())
}

/// The header of the batch that `bytes` are, from the first to the last.
fn the_one_batch(bytes: &[u8]) -> Result<BatchHeader, Refusal> {
    let header = BatchHeader::parse(bytes).map_err(|error| match error {
        // Kafka does not see a batch in bytes that end too early.
        BatchError::Short(_) | BatchError::Cut { .. } | BatchError::Magic(0 | 1) => Refusal::NotOneBatch(error.to_string()),
        BatchError::Length(_) | BatchError::Magic(_) | BatchError::Crc { .. } => corrupt(error),
        // Under a CRC that does not fit, this too is damage, which a client may retry.
        BatchError::LastOffsetDelta(_) => check_crc(bytes).map_or_else(corrupt, |()| invalid(error.to_string())),
    })?;
    match bytes.len().checked_sub(header.length) {
        Some(0) => Ok(header),
        Some(excess) => Err(Refusal::NotOneBatch(format!("one batch per partition is allowed, {excess} bytes follow it"))),
        None => Err(Refusal::NotOneBatch(BatchError::Cut { length: header.length, available: bytes.len() }.to_string())),
    }
}

/// What the header of a client's batch must say (LogValidator.validateBatch), and what it must not.
fn check_header(header: &BatchHeader) -> Result<(), Refusal> {
    let attributes = header.attributes;
    if header.record_count <= 0 {
        return Err(invalid(format!("record count {} is not positive", header.record_count)));
    }
    if header.last_offset_delta != header.record_count - 1 {
        return Err(invalid(format!(
            "last offset delta {} does not fit {} records",
            header.last_offset_delta, header.record_count
        )));
    }
    if attributes.is_control() {
        return Err(invalid("clients may not write control batches"));
    }
    if let Some(producer_id) = header.producer_id {
        if header.base_sequence.0 < 0 {
            return Err(invalid(format!("base sequence {} of producer {producer_id} is negative", header.base_sequence)));
        }
        if header.producer_epoch.0 < 0 {
            return Err(invalid(format!("epoch {} of producer {producer_id} is negative", header.producer_epoch)));
        }
    } else if attributes.is_transactional() {
        return Err(invalid("a transactional batch needs a producer id"));
    }
    if attributes.0 & !Attributes::FROM_CLIENTS != 0 {
        return Err(invalid(format!("attributes {:#06x} hold bits that clients may not set", attributes.0)));
    }
    Ok(())
}

/// Checks the records and returns the batch with `target` as its codec.
fn recompress(
    batch: &[u8],
    check: &mut RecordCheck<'_>,
    codec: Compression,
    target: Compression,
    level: Option<i32>,
) -> Result<Vec<u8>, Refusal> {
    let (head, records) = batch.split_at(HEADER_LENGTH);
    let decompressed;
    let records = if codec == Compression::None {
        records
    } else {
        decompressed = compression::decompress(codec, records, check.rules.decompression_budget)
            .map_err(|error| invalid(error.to_string()))?;
        &decompressed
    };
    check.walk_records(&mut &*records)?;
    let mut batch = compression::compress_after(head.to_vec(), target, level, records)
        .map_err(|error| Refusal::UnsupportedCompression(format!("the topic's codec failed: {error}")))?;
    header::stamp_compression(&mut batch, target);
    Ok(batch)
}

/// What the walk gathers over the records of a batch.
struct RecordCheck<'a> {
    header: &'a BatchHeader,
    rules: &'a ProduceRules,
    next_offset_delta: i32,
    max_timestamp: Timestamp,
    max_timestamp_delta: i32,
    records_at_fault: usize,
    any_timestamp: bool,
    named: Vec<RecordRefusal>,
}

impl<'a> RecordCheck<'a> {
    fn new(header: &'a BatchHeader, rules: &'a ProduceRules) -> Self {
        Self {
            header,
            rules,
            next_offset_delta: 0,
            max_timestamp: NO_TIMESTAMP,
            max_timestamp_delta: 0,
            records_at_fault: 0,
            any_timestamp: false,
            named: Vec::new(),
        }
    }

    fn walk(&mut self, batch: &[u8], codec: Compression) -> Result<(), Refusal> {
        let mut records = walk::record_bytes(batch);
        if codec == Compression::None {
            return self.walk_records(&mut records);
        }
        let mut stream =
            compression::stream(codec, records, self.rules.decompression_budget).map_err(|error| invalid(error.to_string()))?;
        self.walk_records(&mut stream)
    }

    fn walk_records(&mut self, source: &mut impl std::io::BufRead) -> Result<(), Refusal> {
        walk::scan(source, self.header.record_count, |record| self.record(record)).map_err(|error| invalid(error.to_string()))
    }

    fn record(&mut self, record: Scanned) -> Result<(), RecordsError> {
        let batch_index = self.next_offset_delta;
        if record.offset_delta != batch_index {
            return Err(RecordsError::Malformed(format!("record {batch_index} has offset delta {}", record.offset_delta)));
        }
        // Cannot overflow: there are no more records than a positive i32 counts, and only i32::MAX of them would saturate.
        self.next_offset_delta = self.next_offset_delta.saturating_add(1);
        let claims_append_time = self.header.attributes.timestamp_type() == TimestampType::LogAppendTime;
        // As the record will be read: the type that the producer claims is not kept.
        let timestamp = walk::record_timestamp(self.header, record.timestamp_delta);
        if timestamp > self.max_timestamp {
            self.max_timestamp = timestamp;
            self.max_timestamp_delta = batch_index;
        }
        if self.rules.compacted && !record.has_key {
            self.refuse(batch_index, || "a record without a key cannot go to a compacted topic".to_owned());
        } else if claims_append_time && self.rules.timestamps.timestamp_type == TimestampType::LogAppendTime {
            self.any_timestamp = true;
            self.refuse(batch_index, || "a producer may not set the timestamp type LogAppendTime".to_owned());
        } else if self.rules.timestamps.timestamp_type == TimestampType::CreateTime
            && timestamp != NO_TIMESTAMP
            && !self.in_range(timestamp)
        {
            self.any_timestamp = true;
            let TimestampRules { before_max_ms, after_max_ms, .. } = self.rules.timestamps;
            let now = self.rules.now.0;
            self.refuse(batch_index, || {
                let (first, last) = (now.saturating_sub(before_max_ms), now.saturating_add(after_max_ms));
                format!("timestamp {timestamp} of the record at offset {batch_index} is not within [{first}, {last}]")
            });
        }
        Ok(())
    }

    fn in_range(&self, timestamp: Timestamp) -> bool {
        let age = i128::from(self.rules.now.0) - i128::from(timestamp.0);
        age <= i128::from(self.rules.timestamps.before_max_ms) && -age <= i128::from(self.rules.timestamps.after_max_ms)
    }

    #[cold]
    fn refuse(&mut self, batch_index: i32, message: impl FnOnce() -> String) {
        self.records_at_fault += 1;
        if self.named.len() < NAMED_RECORDS_MAX {
            self.named.push(RecordRefusal { batch_index, message: Some(message()) });
        }
    }

    /// The largest timestamp and the offset delta of the first record that has it.
    fn finish(self) -> Result<(Timestamp, i32), Refusal> {
        if self.records_at_fault == 0 {
            let delta = match self.rules.timestamps.timestamp_type {
                TimestampType::CreateTime => self.max_timestamp_delta,
                TimestampType::LogAppendTime => 0,
            };
            return Ok((self.max_timestamp, delta));
        }
        let records = self.named;
        if self.any_timestamp {
            let message = "One or more records have been rejected due to invalid timestamp".to_owned();
            return Err(Refusal::InvalidTimestamp { message, records });
        }
        let first = records.first().and_then(|record| record.message.as_deref()).unwrap_or_default();
        let message = format!("One or more records have been rejected: {} in total, the first: {first}", self.records_at_fault);
        Err(Refusal::InvalidRecord { message, records })
    }
}

fn check_length(length: usize, limit: usize) -> Result<(), Refusal> {
    if length > limit { Err(Refusal::TooLarge { length, limit }) } else { Ok(()) }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::InvalidRecord { message: message.into(), records: Vec::new() }
}

fn corrupt(error: BatchError) -> Refusal {
    Refusal::Corrupt(error.to_string())
}
