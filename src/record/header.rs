//! The 61-byte header of a record batch (DefaultRecordBatch.java).

use std::ops::Range;

use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TimestampType};

/// Bytes before the first record.
pub const HEADER_LENGTH: usize = 61;

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
    pub last_offset_delta: i32,
    pub base_timestamp: Timestamp,
    pub max_timestamp: Timestamp,
    pub producer_id: Option<ProducerId>,
    pub producer_epoch: ProducerEpoch,
    pub base_sequence: Sequence,
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
    #[error("CRC is {computed:#010x}, the header says {stored:#010x}")]
    Crc { stored: u32, computed: u32 },
}

impl Attributes {
    /// `None` for the unassigned codec numbers 5 to 7.
    #[must_use]
    pub fn compression(self) -> Option<Compression> {
        todo!()
    }

    #[must_use]
    pub fn timestamp_type(self) -> TimestampType {
        todo!()
    }

    #[must_use]
    pub fn is_transactional(self) -> bool {
        todo!()
    }

    #[must_use]
    pub fn is_control(self) -> bool {
        todo!()
    }

    #[must_use]
    pub fn has_delete_horizon(self) -> bool {
        todo!()
    }
}

impl BatchHeader {
    /// Parses the header at the start of `bytes`. Does not look at the CRC nor whether the whole batch is there.
    ///
    /// # Errors
    /// `Short`, `Length` (below the header's own size), `Magic` (anything but 2).
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let _ = bytes;
        todo!()
    }

    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        self.base_sequence.plus(self.last_offset_delta)
    }
}

/// Compares the stored CRC-32C with that of the bytes from the attributes to the end. `batch` is exactly one batch.
///
/// # Errors
/// `Crc`.
pub fn check_crc(batch: &[u8]) -> Result<(), BatchError> {
    let _ = batch;
    todo!()
}

/// Writes base offset and leader epoch of the batch that starts at `batch[0]`; both lie outside the CRC.
pub fn stamp(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    let _ = (batch, base_offset, leader_epoch);
    todo!()
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
        let _ = (self.bytes, self.position);
        todo!()
    }
}
