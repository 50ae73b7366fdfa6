//! Batches that librdkafka, kafka-python and the Java client wrote: read, validated, and written again.
//! How the files were made stands in tests/golden/batches/README.md.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use klamm::record::{
    BatchBuilder, BatchHeader, BatchOptions, NewRecord, OutputBudget, ProduceRules, Records, TimestampRules, check_crc,
    validate_produce,
};
use klamm::types::{Compression, LeaderEpoch, Offset, TimestampType};

const BUDGET: OutputBudget = OutputBudget(1 << 20);

type Header = (&'static str, Option<&'static str>);
type Expected = (Option<&'static str>, Option<&'static str>, &'static [Header]);

const VALUE: &str = "value-0 value-0 value-0 value-0 value-0 value-0 value-0 value-0 ";
const TRACES: [Header; 4] = [("trace", Some("one")), ("trace", Some("two")), ("empty", Some("")), ("null", None)];
const RECORDS: [Expected; 4] = [
    (Some("key-0"), Some(VALUE), &TRACES),
    (None, Some("no key"), &[]),
    (Some("tombstone"), None, &[]),
    (Some(""), Some(""), &[]),
];

struct Golden {
    name: &'static str,
    codec: Compression,
    idempotent: bool,
    /// How many of `RECORDS` it holds, and of the first one's headers.
    records: usize,
    headers: usize,
}

const fn golden(name: &'static str, codec: Compression, idempotent: bool, records: usize, headers: usize) -> Golden {
    Golden { name, codec, idempotent, records, headers }
}

const GOLDEN: [Golden; 12] = [
    golden("java-none", Compression::None, true, 3, 3),
    golden("java-gzip", Compression::Gzip, true, 3, 3),
    golden("java-snappy", Compression::Snappy, true, 3, 3),
    golden("java-lz4", Compression::Lz4, true, 3, 3),
    golden("java-zstd", Compression::Zstd, true, 3, 3),
    golden("python-gzip", Compression::Gzip, true, 4, 3),
    golden("rdkafka-none", Compression::None, false, 4, 4),
    golden("rdkafka-idempotent", Compression::None, true, 4, 4),
    golden("rdkafka-gzip", Compression::Gzip, false, 4, 4),
    golden("rdkafka-snappy", Compression::Snappy, false, 4, 4),
    golden("rdkafka-lz4", Compression::Lz4, false, 4, 4),
    golden("rdkafka-zstd", Compression::Zstd, false, 4, 4),
];

impl Golden {
    fn bytes(&self) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/batches").join(self.name).with_extension("batch");
        std::fs::read(path).unwrap()
    }

    fn expected(&self) -> Vec<Expected> {
        let mut records = RECORDS[..self.records].to_vec();
        records[0].2 = &TRACES[..self.headers];
        records
    }
}

#[track_caller]
fn assert_records(golden: &Golden, batch: &[u8]) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let records = Records::read(batch, BUDGET).unwrap();
    assert_eq!(
        records.iter().map(|record| record.offset).collect::<Vec<_>>(),
        (0..).take(golden.records).map(Offset).collect::<Vec<_>>()
    );
    for (record, (key, value, headers)) in records.iter().zip(golden.expected()) {
        assert_eq!(record.key.map(text).as_deref(), key, "{}", golden.name);
        assert_eq!(record.value.map(text).as_deref(), value, "{}", golden.name);
        let read = record.headers.iter().map(|header| (text(header.key), header.value.map(text))).collect::<Vec<_>>();
        let expected = headers.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect::<Vec<_>>();
        assert_eq!(read, expected, "{}", golden.name);
    }
    if golden.records == 4 {
        let timestamps = records.iter().map(|record| record.timestamp.0 - 1_700_000_000_000).collect::<Vec<_>>();
        assert_eq!(timestamps, [0, 5, 3, 2], "{}", golden.name);
    }
}

fn rules(header: &BatchHeader) -> ProduceRules {
    ProduceRules {
        now: header.max_timestamp,
        max_message_bytes: 1_048_588,
        segment_bytes: 1 << 30,
        timestamps: TimestampRules {
            timestamp_type: TimestampType::CreateTime,
            before_max_ms: i64::MAX,
            after_max_ms: 3_600_000,
        },
        compacted: false,
        target_compression: None,
        zstd_allowed: true,
        decompression_budget: BUDGET,
    }
}

#[test]
fn they_are_read() {
    for golden in &GOLDEN {
        let batch = golden.bytes();
        check_crc(&batch).unwrap();
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.length, batch.len());
        assert_eq!(header.attributes.compression(), Some(golden.codec), "{}", golden.name);
        assert_eq!(header.producer_id.is_some(), golden.idempotent, "{}", golden.name);
        assert_records(golden, &batch);
    }
}

#[test]
fn they_pass_validation_unchanged() {
    for golden in &GOLDEN {
        let original = golden.bytes();
        let header = BatchHeader::parse(&original).unwrap();
        let mut batch = original.clone();
        let valid = validate_produce(&mut batch, &rules(&header)).unwrap();
        assert_eq!(batch, original, "{}", golden.name);
        assert!(valid.rewritten.is_none());
        assert_eq!(valid.header, header);
    }
}

#[test]
fn they_can_be_given_any_other_codec() {
    for golden in &GOLDEN {
        for target in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
            let mut batch = golden.bytes();
            let header = BatchHeader::parse(&batch).unwrap();
            let rules = ProduceRules { target_compression: Some((target, None)), ..rules(&header) };
            let valid = validate_produce(&mut batch, &rules).unwrap();
            assert_eq!(valid.header.attributes.compression(), Some(target));
            assert_records(golden, &valid.rewritten.unwrap_or(batch));
        }
    }
}

#[test]
fn our_builder_writes_the_same_bytes() {
    let mut compared = 0;
    for golden in GOLDEN.iter().filter(|golden| golden.codec == Compression::None) {
        let original = golden.bytes();
        let records = Records::read(&original, BUDGET).unwrap();
        let header = records.header();
        let mut builder = BatchBuilder::new(BatchOptions {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch(0),
            compression: Compression::None,
            producer: header.producer_id.map(|id| (id, header.producer_epoch, header.base_sequence)),
            transactional: false,
            control: false,
        });
        for record in records.iter() {
            builder.push(&NewRecord {
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headers: record.headers.iter().map(|header| (header.key, header.value)).collect(),
            });
        }
        assert_eq!(builder.finish(), original, "{}", golden.name);
        compared += 1;
    }
    assert_eq!(compared, 3);
}
