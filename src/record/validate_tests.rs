//! Crafted batches, each with the refusal that Kafka gives it (reliability rows A9 to A11), and what validation changes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use proptest::prelude::*;

use super::header::{self, Attributes};
use super::tests::CODECS;
use super::*;
use crate::protocol::codec::varint::{write_varint, write_varlong};
use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TimestampType};

const NOW: Timestamp = Timestamp(1_000_000);

fn rules() -> ProduceRules {
    ProduceRules {
        now: NOW,
        max_message_bytes: 1 << 20,
        segment_bytes: 1 << 30,
        timestamps: TimestampRules {
            timestamp_type: TimestampType::CreateTime,
            before_max_ms: i64::MAX,
            after_max_ms: 3_600_000,
        },
        compacted: false,
        target_compression: None,
        zstd_allowed: true,
        decompression_budget: OutputBudget(1 << 20),
    }
}

fn append_time() -> ProduceRules {
    let timestamps = TimestampRules { timestamp_type: TimestampType::LogAppendTime, ..rules().timestamps };
    ProduceRules { timestamps, ..rules() }
}

fn options(compression: Compression) -> BatchOptions {
    let producer = Some((ProducerId(9), ProducerEpoch(1), Sequence(40)));
    BatchOptions { compression, producer, ..BatchOptions::default() }
}

/// Three records at NOW-2, NOW, NOW-1; the second has no key.
fn batch(compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options(compression));
    for (age, key) in [(2, Some(&b"key"[..])), (0, None), (1, Some(b""))] {
        let headers = vec![(&b"h"[..], None), (&b"h"[..], Some(&b"v"[..]))];
        builder.push(&NewRecord { timestamp: Timestamp(NOW.0 - age), key, value: Some(&[b'v'; 100]), headers });
    }
    builder.finish()
}

fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

/// The three-record batch with `bytes` at `position`, under a CRC that fits.
fn with(position: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = batch(Compression::None);
    batch[position..position + bytes.len()].copy_from_slice(bytes);
    seal(&mut batch);
    batch
}

/// A batch that says it holds `count` records and holds `records`.
fn batch_of(codec: Compression, count: i32, records: &[u8]) -> Vec<u8> {
    let compressed = compress(codec, None, records).unwrap();
    raw_batch(codec, count, &compressed)
}

/// As `batch_of`, of bytes that are compressed already, or pretend to be.
fn raw_batch(codec: Compression, count: i32, compressed: &[u8]) -> Vec<u8> {
    let mut batch = vec![0; HEADER_LENGTH];
    batch.extend_from_slice(compressed);
    let header = BatchHeader {
        base_offset: Offset(0),
        length: 0,
        leader_epoch: LeaderEpoch(-1),
        crc: 0,
        attributes: Attributes::new(codec, false, false),
        last_offset_delta: count - 1,
        base_timestamp: NOW,
        max_timestamp: NOW,
        producer_id: None,
        producer_epoch: ProducerEpoch(-1),
        base_sequence: Sequence(-1),
        record_count: count,
    };
    header::write_header(&mut batch, &header);
    batch
}

/// A record whose parts are given as the numbers on the wire: lengths need not be true.
fn record(offset_delta: i32, timestamp_delta: i64, numbers: &[i32]) -> Vec<u8> {
    let mut body = vec![0];
    write_varlong(&mut body, timestamp_delta);
    write_varint(&mut body, offset_delta);
    for number in numbers {
        write_varint(&mut body, *number);
    }
    let mut record = Vec::new();
    write_varint(&mut record, body.len() as i32);
    record.extend_from_slice(&body);
    record
}

/// A record without key, value and headers.
fn empty_record(offset_delta: i32) -> Vec<u8> {
    record(offset_delta, 0, &[-1, -1, 0])
}

#[track_caller]
fn refused(mut batch: Vec<u8>, rules: &ProduceRules) -> Refusal {
    validate_produce(&mut batch, rules).unwrap_err()
}

#[track_caller]
fn invalid(batch: Vec<u8>) -> String {
    match refused(batch, &rules()) {
        Refusal::NotOneBatch(message) => message,
        Refusal::InvalidRecord { message, records } if records.is_empty() => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_batch_passes_unchanged() {
    for codec in CODECS {
        let good = batch(codec);
        let mut bytes = good.clone();
        let valid = validate_produce(&mut bytes, &rules()).unwrap();
        assert_eq!(bytes, good);
        assert_eq!(valid.header, BatchHeader::parse(&good).unwrap());
        assert_eq!((valid.max_timestamp_delta, valid.rewritten), (1, None));
    }
}

#[test]
fn bytes_that_are_not_one_batch() {
    assert!(invalid(Vec::new()).contains("too few"));
    let good = batch(Compression::None);
    assert!(invalid(good[..60].to_vec()).contains("too few"));
    assert!(invalid(good[..good.len() - 1].to_vec()).contains("cut off"));
    assert!(invalid(good.repeat(2)).contains("follow"));
    assert!(invalid([&good[..], &[0]].concat()).contains("follow"));
    assert!(invalid(with(16, &[0])).contains("magic 0"));
    assert!(invalid(with(16, &[1])).contains("magic 1"));
    for (position, bytes) in
        [(16, &[3][..]), (16, &[0xff]), (8, &[0, 0, 0, 48]), (8, &[0xff; 4]), (17, &[1, 2, 3, 4]), (60, &[9])]
    {
        let mut bad = good.clone();
        bad[position..position + bytes.len()].copy_from_slice(bytes);
        assert!(matches!(refused(bad, &rules()), Refusal::Corrupt(_)), "{bytes:?} at {position}");
    }
}

#[test]
fn headers_that_break_a_rule() {
    assert!(invalid(with(0, &1_i64.to_be_bytes())).contains("offset 0"));
    assert!(invalid(with(0, &(-1_i64).to_be_bytes())).contains("offset 0"));
    for delta in [-1, 1, 3, i32::MAX, i32::MIN] {
        assert!(invalid(with(23, &delta.to_be_bytes())).contains("last offset delta"));
    }
    for count in [0, -1, i32::MIN] {
        assert!(invalid(with(57, &count.to_be_bytes())).contains("record count"));
    }
    for count in [2, 4, i32::MAX] {
        assert!(invalid(with(57, &count.to_be_bytes())).contains("does not fit"));
    }
    assert!(invalid(with(21, &0x20_i16.to_be_bytes())).contains("control"));
    for bit in 6..16 {
        assert!(invalid(with(21, &(1_u16 << bit).to_be_bytes())).contains("attributes"));
    }
    assert!(invalid(with(53, &(-1_i32).to_be_bytes())).contains("base sequence"));
    assert!(invalid(with(51, &(-1_i16).to_be_bytes())).contains("epoch"));
    let mut without_producer = with(43, &(-1_i64).to_be_bytes());
    without_producer[21..23].copy_from_slice(&0x10_i16.to_be_bytes());
    seal(&mut without_producer);
    assert!(invalid(without_producer).contains("transactional"));
}

#[test]
fn headers_that_are_let_through() {
    for (position, bytes) in [
        (12, &77_i32.to_be_bytes()[..]), // the leader epoch is overwritten
        (43, &(-1_i64).to_be_bytes()),   // a sequence without a producer id
        (21, &0x10_i16.to_be_bytes()),   // transactional, with a producer id
        (53, &i32::MAX.to_be_bytes()),   // sequences wrap
    ] {
        validate_produce(&mut with(position, bytes), &rules()).unwrap();
    }
}

#[test]
fn damage_comes_before_the_rules_on_content() {
    let mut bad = batch(Compression::None);
    bad[23..27].copy_from_slice(&(-1_i32).to_be_bytes());
    assert!(matches!(refused(bad, &rules()), Refusal::Corrupt(_)));
}

#[test]
fn codecs_that_are_refused() {
    let unknown = with(21, &5_i16.to_be_bytes());
    assert!(matches!(refused(unknown, &rules()), Refusal::UnsupportedCompression(_)));
    let old_request = ProduceRules { zstd_allowed: false, ..rules() };
    assert!(matches!(refused(batch(Compression::Zstd), &old_request), Refusal::UnsupportedCompression(_)));
    validate_produce(&mut batch(Compression::Lz4), &old_request).unwrap();
}

#[test]
fn sizes() {
    let length = batch(Compression::None).len();
    let rules = |max_message_bytes, segment_bytes| ProduceRules { max_message_bytes, segment_bytes, ..rules() };
    validate_produce(&mut batch(Compression::None), &rules(length, length)).unwrap();
    let limit = length - 1;
    assert_eq!(refused(batch(Compression::None), &rules(limit, length)), Refusal::TooLarge { length, limit });
    assert_eq!(refused(batch(Compression::None), &rules(length, limit)), Refusal::LargerThanSegment { length, limit });
    // Decompressed for the topic, a batch can outgrow the limit that it kept on the wire.
    let compressed = batch(Compression::Zstd);
    let unpacked = ProduceRules { target_compression: Some((Compression::None, None)), ..rules(compressed.len(), length) };
    assert_eq!(refused(compressed.clone(), &unpacked), Refusal::TooLarge { length, limit: compressed.len() });
}

#[test]
fn records_that_do_not_parse() {
    for codec in CODECS {
        let invalid = |count, records: &[u8]| invalid(batch_of(codec, count, records));
        let one = empty_record(0);
        assert!(invalid(2, &one).contains("end before"), "{codec:?}");
        assert!(invalid(1, &[&one[..], &[0]].concat()).contains("left after"), "{codec:?}");
        assert!(invalid(i32::MAX, &one).contains("end before"), "{codec:?}");
        // Offset deltas: not from 0, repeated, falling, negative.
        for deltas in [[1, 2], [0, 0], [0, 2], [1, 0], [0, -1]] {
            let records = [empty_record(deltas[0]), empty_record(deltas[1])].concat();
            assert!(invalid(2, &records).contains("offset delta"), "{codec:?} {deltas:?}");
        }
        // Lengths: of the record, key, value, headers.
        for (numbers, problem) in [
            (&[1, -1, 0][..], "beyond"),
            (&[i32::MAX, -1, 0], "beyond"),
            (&[-1, i32::MAX, 0], "beyond"),
            (&[-1, -1, -1], "header count"),
            (&[-1, -1, i32::MAX], "header count"),
            (&[-1, -1, 1, -1, -1], "no key"),
            (&[-1, -1, 1, 5, -1], "beyond"),
            (&[-1, -1, 1, 0, 9], "beyond"),
            (&[-1, -1, 0, 0], "left over"),
            (&[-1, -1], "beyond"),
        ] {
            let message = invalid(1, &record(0, 0, numbers));
            assert!(message.contains(problem), "{codec:?} {numbers:?}: {message}");
        }
        let mut negative = Vec::new();
        write_varint(&mut negative, -5);
        assert!(invalid(1, &negative).contains("negative"), "{codec:?}");
        let mut beyond = Vec::new();
        write_varint(&mut beyond, i32::MAX);
        beyond.push(0);
        assert!(invalid(1, &beyond).contains("end before"), "{codec:?}");
        assert!(invalid(1, &[0xff; 12]).contains("too many bytes"), "{codec:?}");
    }
}

#[test]
fn any_negative_length_is_null() {
    validate_produce(&mut batch_of(Compression::None, 1, &record(0, 0, &[-7, -9, 0])), &rules()).unwrap();
}

#[test]
fn payloads_that_do_not_decompress() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let whole = compress(codec, None, &empty_record(0)).unwrap();
        validate_produce(&mut raw_batch(codec, 1, &whole), &rules()).unwrap();
        invalid(raw_batch(codec, 1, &whole[..whole.len() - 1]));
        invalid(raw_batch(codec, 1, &[]));
        invalid(raw_batch(codec, 1, &[0x5a; 40]));
    }
}

#[test]
fn bombs() {
    let zeros = vec![0; 1 << 20];
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        // One record of a megabyte of zeros.
        let mut large = Vec::new();
        let mut body = vec![0, 0, 0, 1];
        write_varint(&mut body, 1 << 20);
        body.extend_from_slice(&zeros);
        body.push(0);
        write_varint(&mut large, body.len() as i32);
        large.extend_from_slice(&body);
        let bomb = batch_of(codec, 1, &large);
        let allowed = ProduceRules { decompression_budget: OutputBudget(large.len()), ..rules() };
        validate_produce(&mut bomb.clone(), &allowed).unwrap();
        let refused = |target| {
            let rules =
                ProduceRules { decompression_budget: OutputBudget(large.len() - 1), target_compression: target, ..rules() };
            refused(bomb.clone(), &rules)
        };
        for target in [None, Some((Compression::None, None))] {
            match refused(target) {
                Refusal::InvalidRecord { message, .. } => assert!(message.contains("more than the"), "{codec:?}: {message}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_snappy_block_that_announces_too_much() {
    // The block's own header says 2 GiB, bare and framed.
    let lie = [0xff, 0xff, 0xff, 0xff, 0x07, 0, 0];
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x07"[..], &lie].concat();
    for payload in [&lie[..], &framed] {
        assert!(invalid(raw_batch(Compression::Snappy, 1, payload)).contains("announces"));
    }
    // A frame length beyond the payload.
    let framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff\0";
    assert!(invalid(raw_batch(Compression::Snappy, 1, framed)).contains("cut off"));
}

#[test]
fn snappy_without_framing_is_read() {
    let bare = snap::raw::Encoder::new().compress_vec(&empty_record(0)).unwrap();
    validate_produce(&mut raw_batch(Compression::Snappy, 1, &bare), &rules()).unwrap();
}

#[test]
fn lz4_frames_that_kafkas_clients_could_not_read() {
    let whole = compress(Compression::Lz4, None, &empty_record(0)).unwrap();
    let without_end_mark = &whole[..whole.len() - 4];
    invalid(raw_batch(Compression::Lz4, 1, without_end_mark));
    let linked = lz4_flex::frame::FrameInfo::new().block_mode(lz4_flex::frame::BlockMode::Linked);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(linked, Vec::new());
    std::io::Write::write_all(&mut encoder, &empty_record(0)).unwrap();
    invalid(raw_batch(Compression::Lz4, 1, &encoder.finish().unwrap()));
    let checked = lz4_flex::frame::FrameInfo::new().block_checksums(true).content_checksum(true).content_size(Some(7));
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(checked, Vec::new());
    std::io::Write::write_all(&mut encoder, &empty_record(0)).unwrap();
    validate_produce(&mut raw_batch(Compression::Lz4, 1, &encoder.finish().unwrap()), &rules()).unwrap();
}

#[test]
fn a_compacted_topic_names_the_records_without_key() {
    let compacted = ProduceRules { compacted: true, ..rules() };
    match refused(batch(Compression::Gzip), &compacted) {
        Refusal::InvalidRecord { records, .. } => {
            assert_eq!(records.iter().map(|record| record.batch_index).collect::<Vec<_>>(), [1]);
            assert!(records[0].message.as_deref().unwrap().contains("key"));
        }
        other => panic!("{other:?}"),
    }
    let many = (0..5000).flat_map(empty_record).collect::<Vec<_>>();
    match refused(batch_of(Compression::Zstd, 5000, &many), &compacted) {
        Refusal::InvalidRecord { message, records } => {
            assert!(message.contains("5000"));
            assert_eq!(records.len(), 100);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn timestamps_out_of_range_are_named() {
    let timestamps = TimestampRules { timestamp_type: TimestampType::CreateTime, before_max_ms: 10, after_max_ms: 20 };
    let rules = ProduceRules { timestamps, ..rules() };
    let indexes = |deltas: &[i64]| {
        let records = deltas.iter().zip(0..).flat_map(|(delta, index)| record(index, *delta, &[-1, -1, 0])).collect::<Vec<_>>();
        match validate_produce(&mut batch_of(Compression::None, deltas.len() as i32, &records), &rules) {
            Ok(_) => Vec::new(),
            Err(Refusal::InvalidTimestamp { records, .. }) => records.iter().map(|record| record.batch_index).collect(),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(indexes(&[-10, 0, 20]).is_empty());
    assert_eq!(indexes(&[-11, 0, 21]), [0, 2]);
    assert_eq!(indexes(&[i64::MAX - NOW.0, i64::MIN, 0]), [0, 1]);
    // No timestamp at all is not out of range.
    assert!(indexes(&[-1 - NOW.0]).is_empty());
}

#[test]
fn the_smallest_timestamp_is_out_of_the_default_range() {
    // Base and delta wrap around to it, as in Java.
    let records = record(0, i64::MIN.wrapping_sub(NOW.0), &[-1, -1, 0]);
    assert!(matches!(refused(batch_of(Compression::None, 1, &records), &rules()), Refusal::InvalidTimestamp { .. }));
}

#[test]
fn clients_may_not_claim_log_append_time() {
    match refused(with(21, &0x08_i16.to_be_bytes()), &append_time()) {
        Refusal::InvalidTimestamp { records, .. } => assert_eq!(records.len(), 3),
        other => panic!("{other:?}"),
    }
}

#[test]
fn on_a_topic_with_create_time_the_claim_is_taken_away() {
    let mut bytes = with(21, &0x08_i16.to_be_bytes());
    let valid = validate_produce(&mut bytes, &rules()).unwrap();
    check_crc(&bytes).unwrap();
    assert_eq!(valid.header, BatchHeader::parse(&bytes).unwrap());
    assert_eq!(valid.header.attributes.timestamp_type(), TimestampType::CreateTime);
}

#[test]
fn log_append_time_is_stamped() {
    for codec in CODECS {
        let later = ProduceRules { now: Timestamp(NOW.0 + 5), ..append_time() };
        let mut bytes = batch(codec);
        let valid = validate_produce(&mut bytes, &later).unwrap();
        check_crc(&bytes).unwrap();
        assert_eq!(valid.header, BatchHeader::parse(&bytes).unwrap());
        assert_eq!(valid.header.attributes.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(valid.header.attributes.compression(), Some(codec));
        assert_eq!((valid.header.max_timestamp, valid.max_timestamp_delta), (later.now, 0));
        let records = Records::read(&bytes, OutputBudget(1 << 20)).unwrap();
        assert!(records.iter().all(|record| record.timestamp == later.now));
    }
}

#[test]
fn a_wrong_max_timestamp_is_mended() {
    let mut bytes = with(35, &i64::MAX.to_be_bytes());
    let valid = validate_produce(&mut bytes, &rules()).unwrap();
    assert_eq!(bytes, batch(Compression::None));
    assert_eq!(valid.header.max_timestamp, NOW);
}

#[test]
fn recompression_keeps_the_records() {
    for source in CODECS {
        for target in CODECS {
            for rules in [rules(), append_time()] {
                let mut bytes = batch(source);
                let rules = ProduceRules { target_compression: Some((target, None)), ..rules };
                let valid = validate_produce(&mut bytes, &rules).unwrap();
                assert_eq!(valid.rewritten.is_none(), source == target);
                let written = valid.rewritten.unwrap_or(bytes);
                assert_eq!(valid.header, BatchHeader::parse(&written).unwrap());
                assert_eq!(valid.header.attributes.compression(), Some(target));
                assert_eq!(valid.header.producer_id, Some(ProducerId(9)));
                let read = Records::read(&written, OutputBudget(1 << 20)).unwrap();
                let original = batch(source);
                let original = Records::read(&original, OutputBudget(1 << 20)).unwrap();
                assert_eq!(read.iter().count(), 3);
                for (read, original) in read.iter().zip(original.iter()) {
                    assert_eq!((read.key, read.value, read.headers), (original.key, original.value, original.headers));
                }
            }
        }
    }
}

/// A producer may claim LogAppendTime for a topic with CreateTime: the claim is not kept, and the records' own times count.
#[test]
fn a_claimed_append_time_does_not_hide_which_record_is_the_latest() {
    let mut bytes = batch(Compression::Snappy);
    bytes[22] |= 8;
    seal(&mut bytes);
    let valid = validate_produce(&mut bytes, &rules()).unwrap();
    assert_eq!((valid.header.max_timestamp, valid.max_timestamp_delta), (NOW, 1));
}

#[test]
fn levels_change_the_size() {
    let text = (0..20_000_u32)
        .flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 20).to_string().into_bytes())
        .collect::<Vec<_>>();
    for (codec, fast, best) in [(Compression::Gzip, 1, 9), (Compression::Zstd, -20, 19)] {
        let length = |level| compress(codec, level, &text).unwrap().len();
        assert!(length(Some(best)) < length(None) && length(None) < length(Some(fast)), "{codec:?}");
    }
    assert_eq!(compress(Compression::Gzip, Some(-1), &text).unwrap(), compress(Compression::Gzip, Some(6), &text).unwrap());
}

proptest! {
    /// Whatever passes is a batch that reads back, under any damage and any codec.
    #[test]
    fn what_passes_can_be_read(
        codec in prop::sample::select(&CODECS),
        target in prop::option::of(prop::sample::select(&CODECS)),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = batch(codec);
        for (at, byte) in damage {
            let at = 21 + at.index(bytes.len() - 21);
            bytes[at] = byte;
        }
        seal(&mut bytes);
        let rules = ProduceRules { target_compression: target.map(|codec| (codec, None)), ..rules() };
        if let Ok(valid) = validate_produce(&mut bytes, &rules) {
            let written = valid.rewritten.unwrap_or(bytes);
            let read = Records::read(&written, OutputBudget(1 << 20)).unwrap();
            let max = read.iter().map(|record| record.timestamp).max().unwrap().max(Timestamp(-1));
            prop_assert_eq!(valid.header.max_timestamp, max);
            let first = read.iter().position(|record| record.timestamp == max).unwrap_or(0);
            prop_assert_eq!(valid.max_timestamp_delta as usize, first);
        }
    }
}
