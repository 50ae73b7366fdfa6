//! What is built is read back the same, and what is damaged is refused: over all codecs.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use proptest::prelude::*;

use super::*;
use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

pub(super) const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
const BUDGET: OutputBudget = OutputBudget(1 << 20);

/// A record that owns what `NewRecord` borrows.
#[derive(Clone, Debug)]
struct OwnedRecord {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl OwnedRecord {
    fn as_new(&self) -> NewRecord<'_> {
        NewRecord {
            timestamp: Timestamp(self.timestamp),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.iter().map(|(key, value)| (&**key, value.as_deref())).collect(),
        }
    }

    fn as_read(&self, offset: Offset) -> Record<'_> {
        let headers = self.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        Record { offset, timestamp: Timestamp(self.timestamp), key: self.key.as_deref(), value: self.value.as_deref(), headers }
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(Just(b'a'), 0..300)]
}

fn records() -> impl Strategy<Value = Vec<OwnedRecord>> {
    let headers =
        prop::collection::vec((prop::sample::select(vec![b"k".to_vec(), b"key".to_vec()]), prop::option::of(bytes())), 0..4);
    let timestamp = prop_oneof![4 => 0..10_000_i64, 1 => any::<i64>()];
    let record = (timestamp, prop::option::of(bytes()), prop::option::of(bytes()), headers)
        .prop_map(|(timestamp, key, value, headers)| OwnedRecord { timestamp, key, value, headers });
    prop::collection::vec(record, 1..20)
}

fn options() -> impl Strategy<Value = BatchOptions> {
    let producer = prop::option::of((0..i64::MAX, 0..i16::MAX, 0..i32::MAX))
        .prop_map(|producer| producer.map(|(id, epoch, sequence)| (ProducerId(id), ProducerEpoch(epoch), Sequence(sequence))));
    (0..1_i64 << 40, 0..i32::MAX, prop::sample::select(&CODECS), producer, any::<bool>(), any::<bool>()).prop_map(
        |(base_offset, leader_epoch, compression, producer, transactional, control)| BatchOptions {
            base_offset: Offset(base_offset),
            leader_epoch: LeaderEpoch(leader_epoch),
            compression,
            producer,
            transactional,
            control,
        },
    )
}

fn build(options: BatchOptions, records: &[OwnedRecord]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        builder.push(&record.as_new());
    }
    builder.finish()
}

proptest! {
    #[test]
    fn built_batches_are_read_back(options in options(), records in records()) {
        let batch = build(options, &records);
        let header = BatchHeader::parse(&batch).unwrap();
        prop_assert_eq!(header.length, batch.len());
        prop_assert_eq!(header.base_offset, options.base_offset);
        prop_assert_eq!(header.leader_epoch, options.leader_epoch);
        prop_assert_eq!(header.attributes.compression(), Some(options.compression));
        prop_assert_eq!(header.attributes.is_transactional(), options.transactional);
        prop_assert_eq!(header.attributes.is_control(), options.control);
        prop_assert_eq!(header.record_count as usize, records.len());
        prop_assert_eq!(header.last_offset(), Offset(options.base_offset.0 + records.len() as i64 - 1));
        prop_assert_eq!(header.max_timestamp.0, records.iter().map(|record| record.timestamp).max().unwrap());
        let producer = header.producer_id.map(|id| (id, header.producer_epoch, header.base_sequence));
        prop_assert_eq!(producer, options.producer);
        let read = Records::read(&batch, BUDGET).unwrap();
        let expected = records.iter().zip(options.base_offset.0..).map(|(record, offset)| record.as_read(Offset(offset)));
        prop_assert_eq!(read.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    /// All but base offset, leader epoch and (checked here too) the length lies under the CRC.
    #[test]
    fn one_damaged_byte_is_noticed(options in options(), records in records(), at: prop::sample::Index, flip in 1..=255_u8) {
        let good = build(options, &records);
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] ^= flip;
        match Records::read(&bad, BUDGET) {
            Err(_) => {}
            Ok(read) => {
                prop_assert!(at < 8 || (12..16).contains(&at), "byte {} of the batch is not guarded", at);
                let good = Records::read(&good, BUDGET).unwrap();
                let moved = read.header().base_offset.0 - good.header().base_offset.0;
                let good = good.iter().map(|record| Record { offset: record.offset.plus(moved), ..record });
                prop_assert!(read.iter().eq(good));
            }
        }
    }

    /// Behind a CRC that fits, damage reaches the parsers and the codecs.
    #[test]
    fn damage_under_a_good_crc_never_panics(options in options(), records in records(), at: prop::sample::Index, flip in 1..=255_u8) {
        let mut bad = build(options, &records);
        let at = 21 + at.index(bad.len() - 21);
        bad[at] ^= flip;
        let crc = crc32c::crc32c(&bad[21..]);
        bad[17..21].copy_from_slice(&crc.to_be_bytes());
        if let Ok(read) = Records::read(&bad, BUDGET) {
            prop_assert_eq!(read.iter().count(), read.header().record_count as usize);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), codec in prop::sample::select(&CODECS)) {
        let _ = Records::read(&bytes, BUDGET);
        let _ = decompress(codec, &bytes, BUDGET);
        Batches::new(&bytes).for_each(drop);
    }
}

#[test]
fn stamping_leaves_the_crc_valid() {
    let record = OwnedRecord { timestamp: 5, key: None, value: Some(b"v".to_vec()), headers: Vec::new() };
    let mut batch = build(BatchOptions::default(), &[record.clone(), record]);
    stamp(&mut batch, Offset(77), LeaderEpoch(3));
    check_crc(&batch).unwrap();
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!((header.base_offset, header.last_offset(), header.leader_epoch), (Offset(77), Offset(78), LeaderEpoch(3)));
}

#[test]
fn batches_are_walked_until_the_first_that_is_not_whole() {
    let record = OwnedRecord { timestamp: 5, key: None, value: None, headers: Vec::new() };
    let batch = build(BatchOptions::default(), &[record]);
    let mut bytes = batch.repeat(2);
    assert_eq!(
        Batches::new(&bytes).map(|batch| batch.unwrap().1).collect::<Vec<_>>(),
        [0..batch.len(), batch.len()..2 * batch.len()]
    );
    bytes.extend_from_slice(&batch[..batch.len() - 1]);
    let mut walk = Batches::new(&bytes).skip(2);
    assert_eq!(walk.next().unwrap().unwrap_err(), BatchError::Cut { length: batch.len(), available: batch.len() - 1 });
    assert!(walk.next().is_none());
}

#[test]
fn headers_that_are_none() {
    let record = OwnedRecord { timestamp: 5, key: None, value: None, headers: Vec::new() };
    let batch = build(BatchOptions::default(), &[record]);
    assert_eq!(BatchHeader::parse(&batch[..16]), Err(BatchError::Short(16)));
    assert_eq!(BatchHeader::parse(&batch[..60]), Err(BatchError::Short(60)));
    let with = |at: usize, bytes: &[u8]| {
        let mut batch = batch.clone();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        BatchHeader::parse(&batch).unwrap_err()
    };
    assert_eq!(with(8, &48_i32.to_be_bytes()), BatchError::Length(48));
    assert_eq!(with(8, &(-1_i32).to_be_bytes()), BatchError::Length(-1));
    assert_eq!(with(16, &[1]), BatchError::Magic(1));
    assert_eq!(with(23, &(-1_i32).to_be_bytes()), BatchError::LastOffsetDelta(-1));
}
