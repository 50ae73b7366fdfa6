//! The producer snapshot file, version 1 (ProducerSnapshot.json in storage/): what the producers were when the log ended at the
//! offset in the file's name.
//!
//! Big-endian: i16 version, u32 CRC-32C of all that follows, i32 count, then per producer i64 id, i16 epoch, i32 last sequence,
//! i64 last offset, i32 offset delta, i64 timestamp, i32 coordinator epoch, i64 start of the open transaction (-1: none).

use std::collections::{BTreeMap, VecDeque};

use bytes::Buf;

use super::producers::{ProducedBatch, Producer};
use crate::types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

const VERSION: i16 = 1;
const HEADER: usize = 6;
const ENTRY: usize = 46;

pub(super) fn encode(producers: &BTreeMap<ProducerId, Producer>) -> Vec<u8> {
    let count = i32::try_from(producers.len()).expect("a log has fewer than 2^31 producers");
    let mut body = Vec::with_capacity(4 + producers.len() * ENTRY);
    body.extend_from_slice(&count.to_be_bytes());
    for (id, producer) in producers {
        let newest = producer.batches.back();
        body.extend_from_slice(&id.0.to_be_bytes());
        body.extend_from_slice(&producer.epoch.0.to_be_bytes());
        body.extend_from_slice(&newest.map_or(-1, |batch| batch.last_sequence.0).to_be_bytes());
        body.extend_from_slice(&newest.map_or(-1, |batch| batch.last_offset.0).to_be_bytes());
        body.extend_from_slice(&newest.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        body.extend_from_slice(&producer.timestamp.0.to_be_bytes());
        body.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
        body.extend_from_slice(&producer.transaction_start.map_or(-1, |offset| offset.0).to_be_bytes());
    }
    let mut file = Vec::with_capacity(HEADER + body.len());
    file.extend_from_slice(&VERSION.to_be_bytes());
    file.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
    file.extend_from_slice(&body);
    file
}

/// `None` when the file is torn or of another version: an older snapshot and the batches after it say the same.
pub(super) fn decode(mut file: &[u8]) -> Option<BTreeMap<ProducerId, Producer>> {
    if file.len() < HEADER + 4 || file.get_i16() != VERSION || file.get_u32() != crc32c::crc32c(file) {
        return None;
    }
    let count = usize::try_from(file.get_i32()).ok()?;
    if count.checked_mul(ENTRY) != Some(file.len()) {
        return None;
    }
    Some((0..count).map(|_| decode_producer(&mut file)).collect())
}

fn decode_producer(entry: &mut &[u8]) -> (ProducerId, Producer) {
    let id = ProducerId(entry.get_i64());
    let epoch = ProducerEpoch(entry.get_i16());
    let last_sequence = Sequence(entry.get_i32());
    let last_offset = Offset(entry.get_i64());
    let offset_delta = entry.get_i32();
    let timestamp = Timestamp(entry.get_i64());
    let coordinator_epoch = entry.get_i32();
    let transaction_start = Some(Offset(entry.get_i64())).filter(|offset| offset.0 >= 0);
    let mut batches = VecDeque::new();
    if last_offset.0 >= 0 {
        batches.push_back(ProducedBatch { last_sequence, last_offset, offset_delta, timestamp });
    }
    (id, Producer { epoch, batches, timestamp, coordinator_epoch, transaction_start })
}
