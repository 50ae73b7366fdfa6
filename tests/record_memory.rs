//! What the record room allocates: nothing for a good uncompressed batch, and never by the word of a hostile one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/allocations.rs"]
mod allocations;

use allocations::counted;
use klamm::record::{
    BatchBuilder, BatchOptions, NewRecord, OutputBudget, ProduceRules, Records, TimestampRules, decompress, validate_produce,
};
use klamm::types::{Compression, Timestamp, TimestampType};

fn rules(timestamp_type: TimestampType) -> ProduceRules {
    ProduceRules {
        now: Timestamp(1000),
        max_message_bytes: 1 << 20,
        segment_bytes: 1 << 30,
        timestamps: TimestampRules { timestamp_type, before_max_ms: i64::MAX, after_max_ms: 1000 },
        compacted: true,
        target_compression: None,
        zstd_allowed: true,
        decompression_budget: OutputBudget(1 << 24),
    }
}

fn batch(compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    for _ in 0..1000 {
        let headers = vec![(&b"header"[..], Some(&b"value"[..]))];
        builder.push(&NewRecord { timestamp: Timestamp(1000), key: Some(b"key"), value: Some(&[b'v'; 100]), headers });
    }
    builder.finish()
}

/// The allocator is the counting one: without this, the tests below could not fail.
#[test]
fn allocations_are_counted() {
    let (vector, allocated) = counted(|| vec![1_u8; 12_345]);
    assert_eq!((vector.len(), allocated.times, allocated.largest), (12_345, 1, 12_345));
}

#[test]
fn a_good_uncompressed_batch_costs_no_allocation() {
    for timestamp_type in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
        let mut bytes = batch(Compression::None);
        let (valid, allocated) = counted(|| validate_produce(&mut bytes, &rules(timestamp_type)));
        assert_eq!((valid.unwrap().header.record_count, allocated.times), (1000, 0));
    }
    let bytes = batch(Compression::None);
    let (records, allocated) = counted(|| Records::read(&bytes, OutputBudget(0)));
    assert_eq!((records.unwrap().iter().count(), allocated.times), (1000, 0));
}

/// A compressed batch is walked as a stream: what is held does not grow with what it unpacks to (here 1 MiB and more).
#[test]
fn a_compressed_batch_is_never_held_unpacked() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let mut builder = BatchBuilder::new(BatchOptions { compression: codec, ..BatchOptions::default() });
        for _ in 0..100 {
            let record =
                NewRecord { timestamp: Timestamp(1000), key: Some(b"key"), value: Some(&[7; 20_000]), headers: Vec::new() };
            builder.push(&record);
        }
        let mut bytes = builder.finish();
        let (valid, allocated) = counted(|| validate_produce(&mut bytes, &rules(TimestampType::CreateTime)));
        valid.unwrap();
        assert!(allocated.largest <= 128 * 1024, "{codec:?}: {allocated:?}");
    }
}

/// Every four bytes of a batch in turn say 2^31-1, or read as the largest varint, under a CRC that fits.
#[test]
fn announced_counts_and_lengths_are_not_believed() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let headers = vec![(&b"header"[..], Some(&b"value"[..])), (b"header", None)];
    builder.push(&NewRecord { timestamp: Timestamp(1000), key: Some(b"key"), value: Some(&[b'v'; 30]), headers });
    let good = builder.finish();
    for hostile in [&[0x7f, 0xff, 0xff, 0xff][..], &[0xfe, 0xff, 0xff, 0xff, 0x0f], &[0xff, 0xff, 0xff, 0xff]] {
        for position in 21..good.len() - hostile.len() {
            let mut bytes = good.clone();
            bytes[position..position + hostile.len()].copy_from_slice(hostile);
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
            let read = || {
                Records::read(&bytes, OutputBudget(1 << 24))
                    .map(|records| records.iter().map(|record| record.headers.len()).sum())
            };
            let (_, allocated) = counted::<Result<usize, _>>(read);
            assert!(allocated.largest <= 4096, "reading: {allocated:?} with {hostile:x?} at {position}");
            let (_, allocated) = counted(|| validate_produce(&mut bytes, &rules(TimestampType::CreateTime)).is_ok());
            // An unlucky codec number brings that codec's own state.
            assert!(allocated.largest <= 128 * 1024, "validation: {allocated:?} with {hostile:x?} at {position}");
        }
    }
}

#[test]
fn announced_sizes_of_compressed_blocks_are_not_believed() {
    // 4 GiB - 1, bare and framed, in a block of 32 bytes that could hold 704 at most.
    let lie = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 27]].concat();
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x20"[..], &lie].concat();
    for payload in [lie, framed] {
        let (result, allocated) = counted(|| decompress(Compression::Snappy, &payload, OutputBudget(usize::MAX)));
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
        assert!(allocated.largest <= 4096, "{allocated:?}");
    }
}
