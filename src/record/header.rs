//! The 61-byte header of a record batch (DefaultRecordBatch.java).

use std::ops::Range;

use bytes::Buf;

use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TimestampType};

/// Bytes before the first record.
pub const HEADER_LENGTH: usize = 61;

/// The only batch format that is written and read here.
pub(super) const MAGIC: i8 = 2;

/// Base offset and batch length: what the wire's batchLength does not count.
const LOG_OVERHEAD: usize = 12;
/// The shortest prefix that tells a batch's length and magic.
const MAGIC_END: usize = 17;

const BASE_OFFSET: Range<usize> = 0..8;
const BATCH_LENGTH: Range<usize> = 8..12;
const LEADER_EPOCH: Range<usize> = 12..16;
const CRC: Range<usize> = 17..21;
const ATTRIBUTES: Range<usize> = 21..23;
const MAX_TIMESTAMP: Range<usize> = 35..43;

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// Attribute bits of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub i16);

/// A batch header, parsed. `producer_id` is `None` for -1, and then epoch and sequence have no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    pub base_offset: Offset,
    /// Bytes of the whole batch, header included (the wire's batchLength plus 12).
    pub length: usize,
    pub leader_epoch: LeaderEpoch,
    pub crc: u32,
    pub attributes: Attributes,
    /// Never negative.
    pub last_offset_delta: i32,
    pub base_timestamp: Timestamp,
    pub max_timestamp: Timestamp,
    pub producer_id: Option<ProducerId>,
    pub producer_epoch: ProducerEpoch,
    pub base_sequence: Sequence,
    /// As the header says: a reader of the records checks it.
    pub record_count: i32,
}

/// Why bytes are not a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    #[error("{0} bytes are too few for a record batch header")]
    Short(usize),
    #[error("batch length {0} is out of range")]
    Length(i32),
    #[error("batch of {length} bytes is cut off after {available}")]
    Cut { length: usize, available: usize },
    #[error("magic {0} is not supported")]
    Magic(i8),
    #[error("last offset delta {0} is negative")]
    LastOffsetDelta(i32),
    #[error("CRC is {computed:#010x}, the header says {stored:#010x}")]
    Crc { stored: u32, computed: u32 },
}

impl Attributes {
    /// The bits that a client may set: codec, timestamp type (refused with an error of its own), transactional.
    pub(super) const FROM_CLIENTS: i16 = COMPRESSION_MASK | LOG_APPEND_TIME | TRANSACTIONAL;

    /// The bits of a batch with these properties and CreateTime timestamps.
    pub(super) fn new(compression: Compression, transactional: bool, control: bool) -> Self {
        let transactional = if transactional { TRANSACTIONAL } else { 0 };
        let control = if control { CONTROL } else { 0 };
        Self(transactional | control).with_compression(compression)
    }

    /// `None` for the unassigned codec numbers 5 to 7.
    #[must_use]
    pub fn compression(self) -> Option<Compression> {
        match self.0 & COMPRESSION_MASK {
            0 => Some(Compression::None),
            1 => Some(Compression::Gzip),
            2 => Some(Compression::Snappy),
            3 => Some(Compression::Lz4),
            4 => Some(Compression::Zstd),
            _ => None,
        }
    }

    pub(super) fn with_compression(self, compression: Compression) -> Self {
        let number = match compression {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Snappy => 2,
            Compression::Lz4 => 3,
            Compression::Zstd => 4,
        };
        Self(self.0 & !COMPRESSION_MASK | number)
    }

    #[must_use]
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & LOG_APPEND_TIME == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    pub(super) fn with_create_time(self) -> Self {
        Self(self.0 & !LOG_APPEND_TIME)
    }

    pub(super) fn with_log_append_time(self) -> Self {
        Self(self.0 | LOG_APPEND_TIME)
    }

    #[must_use]
    pub fn is_transactional(self) -> bool {
        self.0 & TRANSACTIONAL != 0
    }

    #[must_use]
    pub fn is_control(self) -> bool {
        self.0 & CONTROL != 0
    }
}

impl BatchHeader {
    /// Parses the header at the start of `bytes`. Does not look at the CRC nor whether the whole batch is there.
    ///
    /// # Errors
    /// `Short`, `Length` (below the header's own size), `Magic` (anything but 2), `LastOffsetDelta`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let mut fields = bytes.get(..MAGIC_END).ok_or(BatchError::Short(bytes.len()))?;
        let base_offset = Offset(fields.get_i64());
        let batch_length = fields.get_i32();
        let leader_epoch = LeaderEpoch(fields.get_i32());
        let magic = fields.get_i8();
        // The magic comes first: a message of an older format is shorter than this header and must still be named for what it is.
        if magic != MAGIC {
            return Err(BatchError::Magic(magic));
        }
        let length = usize::try_from(batch_length)
            .ok()
            .and_then(|length| length.checked_add(LOG_OVERHEAD))
            .filter(|length| *length >= HEADER_LENGTH)
            .ok_or(BatchError::Length(batch_length))?;
        let mut fields = bytes.get(MAGIC_END..HEADER_LENGTH).ok_or(BatchError::Short(bytes.len()))?;
        let header = Self {
            base_offset,
            length,
            leader_epoch,
            crc: fields.get_u32(),
            attributes: Attributes(fields.get_i16()),
            last_offset_delta: fields.get_i32(),
            base_timestamp: Timestamp(fields.get_i64()),
            max_timestamp: Timestamp(fields.get_i64()),
            producer_id: Some(fields.get_i64()).filter(|id| *id >= 0).map(ProducerId),
            producer_epoch: ProducerEpoch(fields.get_i16()),
            base_sequence: Sequence(fields.get_i32()),
            record_count: fields.get_i32(),
        };
        if header.last_offset_delta < 0 { Err(BatchError::LastOffsetDelta(header.last_offset_delta)) } else { Ok(header) }
    }

    /// Saturates: a damaged base offset must not end the process that looks at it.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        self.base_sequence.plus(self.last_offset_delta)
    }
}

/// Compares the stored CRC-32C with that of the bytes from the attributes to the end. `batch` is exactly one batch.
///
/// # Errors
/// `Crc`; `Short` when not even a header is there.
pub fn check_crc(batch: &[u8]) -> Result<(), BatchError> {
    if batch.len() < HEADER_LENGTH {
        return Err(BatchError::Short(batch.len()));
    }
    let stored = batch.get(CRC).expect("a header is there").get_u32();
    let computed = crc(batch);
    if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
}

/// Writes base offset and leader epoch of the batch that starts at `batch[0]`; both lie outside the CRC.
///
/// # Panics
/// When `batch` is shorter than a header.
pub fn stamp(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    put(batch, BASE_OFFSET, &base_offset.0.to_be_bytes());
    put(batch, LEADER_EPOCH, &leader_epoch.0.to_be_bytes());
}

/// Marks the batch as timed by the broker: attribute bit and max timestamp, then the CRC over the result.
pub(super) fn stamp_log_append_time(batch: &mut [u8], now: Timestamp) {
    let attributes = attributes(batch).with_log_append_time();
    put(batch, ATTRIBUTES, &attributes.0.to_be_bytes());
    stamp_max_timestamp(batch, now);
}

/// Takes the LogAppendTime bit away and writes the max timestamp, then the CRC over the result.
pub(super) fn stamp_create_time(batch: &mut [u8], max_timestamp: Timestamp) {
    let attributes = attributes(batch).with_create_time();
    put(batch, ATTRIBUTES, &attributes.0.to_be_bytes());
    stamp_max_timestamp(batch, max_timestamp);
}

/// Writes the max timestamp, then the CRC over the result.
pub(super) fn stamp_max_timestamp(batch: &mut [u8], timestamp: Timestamp) {
    put(batch, MAX_TIMESTAMP, &timestamp.0.to_be_bytes());
    seal(batch);
}

/// Writes the codec, then the length and the CRC of `batch` as it is now.
pub(super) fn stamp_compression(batch: &mut [u8], compression: Compression) {
    let attributes = attributes(batch).with_compression(compression);
    put(batch, ATTRIBUTES, &attributes.0.to_be_bytes());
    seal(batch);
}

/// Writes a header whose length and CRC fit the records behind it; `header.length` and `header.crc` are not looked at.
pub(super) fn write_header(batch: &mut [u8], header: &BatchHeader) {
    let bytes = batch.first_chunk_mut::<HEADER_LENGTH>().expect("room for a header");
    let mut fields = bytes.as_mut_slice();
    let mut write = |field: &[u8]| {
        let (head, tail) = std::mem::take(&mut fields).split_at_mut(field.len());
        head.copy_from_slice(field);
        fields = tail;
    };
    write(&header.base_offset.0.to_be_bytes());
    write(&[0; 4]);
    write(&header.leader_epoch.0.to_be_bytes());
    write(&MAGIC.to_be_bytes());
    write(&[0; 4]);
    write(&header.attributes.0.to_be_bytes());
    write(&header.last_offset_delta.to_be_bytes());
    write(&header.base_timestamp.0.to_be_bytes());
    write(&header.max_timestamp.0.to_be_bytes());
    write(&header.producer_id.map_or(-1, |id| id.0).to_be_bytes());
    write(&header.producer_epoch.0.to_be_bytes());
    write(&header.base_sequence.0.to_be_bytes());
    write(&header.record_count.to_be_bytes());
    seal(batch);
}

/// Writes the length and the CRC of `batch` as it is now.
fn seal(batch: &mut [u8]) {
    let length = i32::try_from(batch.len() - LOG_OVERHEAD).expect("a batch is shorter than 2 GiB");
    put(batch, BATCH_LENGTH, &length.to_be_bytes());
    let crc = crc(batch);
    put(batch, CRC, &crc.to_be_bytes());
}

fn attributes(batch: &[u8]) -> Attributes {
    Attributes(batch.get(ATTRIBUTES).expect("a header is there").get_i16())
}

fn crc(batch: &[u8]) -> u32 {
    crc32c::crc32c(batch.get(ATTRIBUTES.start..).expect("a header is there"))
}

fn put(batch: &mut [u8], field: Range<usize>, value: &[u8]) {
    batch.get_mut(field).expect("a header is there").copy_from_slice(value);
}

/// Walks batches that lie back to back: header and byte range of each. Ends after the first error.
#[derive(Debug)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Batches<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(BatchHeader, Range<usize>), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.position..).filter(|rest| !rest.is_empty())?;
        let batch = BatchHeader::parse(rest).and_then(|header| {
            if header.length > rest.len() {
                return Err(BatchError::Cut { length: header.length, available: rest.len() });
            }
            Ok((header, self.position..self.position + header.length))
        });
        self.position = batch.as_ref().map_or(self.bytes.len(), |(_, range)| range.end);
        Some(batch)
    }
}
