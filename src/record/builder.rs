//! Builds batches of our own: metadata records, coordinator records, tests.

use super::header::{self, Attributes, HEADER_LENGTH};
use super::{BatchHeader, compression};
use crate::protocol::codec::varint::{write_varint, write_varlong};
use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// What a batch's header says beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub compression: Compression,
    pub producer: Option<(ProducerId, ProducerEpoch, Sequence)>,
    pub transactional: bool,
    pub control: bool,
}

/// A record to be written. Offsets are consecutive.
#[derive(Clone, Debug, Default)]
pub struct NewRecord<'a> {
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// Gathers records and makes one batch of them.
#[derive(Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records as they lie in an uncompressed batch.
    batch: Vec<u8>,
    /// One record's body, kept for its capacity: the length stands before it.
    body: Vec<u8>,
    record_count: i32,
    base_timestamp: Timestamp,
    max_timestamp: Timestamp,
}

impl BatchBuilder {
    #[must_use]
    pub fn new(options: BatchOptions) -> Self {
        Self {
            options,
            batch: vec![0; HEADER_LENGTH],
            body: Vec::new(),
            record_count: 0,
            base_timestamp: Timestamp(0),
            max_timestamp: Timestamp(0),
        }
    }

    /// Adds a record at the next offset.
    ///
    /// # Panics
    /// When a key, a value or the batch reaches 2 GiB: callers bound what they write.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        if self.record_count == 0 {
            self.base_timestamp = record.timestamp;
            self.max_timestamp = record.timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        self.body.clear();
        self.body.push(0); // attributes: none are assigned
        write_varlong(&mut self.body, record.timestamp.0.wrapping_sub(self.base_timestamp.0));
        write_varint(&mut self.body, self.record_count);
        write_bytes(&mut self.body, record.key);
        write_bytes(&mut self.body, record.value);
        write_varint(&mut self.body, wire_length(record.headers.len()));
        for (key, value) in &record.headers {
            write_bytes(&mut self.body, Some(key));
            write_bytes(&mut self.body, *value);
        }
        write_varint(&mut self.batch, wire_length(self.body.len()));
        self.batch.extend_from_slice(&self.body);
        self.record_count += 1;
    }

    /// Bytes of the batch so far, before compression.
    #[must_use]
    pub fn length(&self) -> usize {
        self.batch.len()
    }

    /// The finished batch, CRC set.
    ///
    /// # Panics
    /// When no record was pushed.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        assert!(self.record_count > 0, "a batch holds at least one record");
        let options = self.options;
        let mut batch = if options.compression == Compression::None {
            self.batch
        } else {
            let records = self.batch.get(HEADER_LENGTH..).expect("the header's room is there");
            compression::compress_after(vec![0; HEADER_LENGTH], options.compression, None, records)
                .expect("compression at the default level into memory does not fail")
        };
        let (producer_id, producer_epoch, base_sequence) = match options.producer {
            Some((id, epoch, sequence)) => (Some(id), epoch, sequence),
            None => (None, ProducerEpoch(-1), Sequence(-1)),
        };
        let header = BatchHeader {
            base_offset: options.base_offset,
            length: batch.len(),
            leader_epoch: options.leader_epoch,
            crc: 0,
            attributes: Attributes::new(options.compression, options.transactional, options.control),
            last_offset_delta: self.record_count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count: self.record_count,
        };
        header::write_header(&mut batch, &header);
        batch
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => write_varint(out, -1),
        Some(bytes) => {
            write_varint(out, wire_length(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
}

fn wire_length(length: usize) -> i32 {
    i32::try_from(length).expect("a record's parts are shorter than 2 GiB")
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch(0),
            compression: Compression::None,
            producer: None,
            transactional: false,
            control: false,
        }
    }
}
