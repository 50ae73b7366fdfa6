//! What the record room allocates: nothing for a good uncompressed batch, and never by the word of a hostile one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use klamm::record::{
    BatchBuilder, BatchOptions, NewRecord, OutputBudget, ProduceRules, Records, TimestampRules, decompress, validate_produce,
};
use klamm::types::{Compression, Timestamp, TimestampType};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[expect(unsafe_code, reason = "the trait demands it; every call goes on to the system's allocator as it came")]
// SAFETY: see above.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `action`; what it returned, how often it allocated, and its largest allocation in bytes.
fn counted<T>(action: impl FnOnce() -> T) -> (T, usize, usize) {
    ALLOCATIONS.set(0);
    LARGEST.set(0);
    let result = action();
    (result, ALLOCATIONS.get(), LARGEST.get())
}

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
    let (vector, allocations, largest) = counted(|| vec![1_u8; 12_345]);
    assert_eq!((vector.len(), allocations, largest), (12_345, 1, 12_345));
}

#[test]
fn a_good_uncompressed_batch_costs_no_allocation() {
    for timestamp_type in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
        let mut bytes = batch(Compression::None);
        let (valid, allocations, _) = counted(|| validate_produce(&mut bytes, &rules(timestamp_type)));
        assert_eq!((valid.unwrap().header.record_count, allocations), (1000, 0));
    }
    let bytes = batch(Compression::None);
    let (records, allocations, _) = counted(|| Records::read(&bytes, OutputBudget(0)));
    assert_eq!((records.unwrap().iter().count(), allocations), (1000, 0));
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
        let (valid, _, largest) = counted(|| validate_produce(&mut bytes, &rules(TimestampType::CreateTime)));
        valid.unwrap();
        assert!(largest <= 128 * 1024, "{codec:?} allocated {largest} bytes at once");
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
            let (_, _, largest) = counted::<Result<usize, _>>(read);
            assert!(largest <= 4096, "reading allocated {largest} bytes with {hostile:x?} at {position}");
            let (_, _, largest) = counted(|| validate_produce(&mut bytes, &rules(TimestampType::CreateTime)).is_ok());
            // An unlucky codec number brings that codec's own state.
            assert!(largest <= 128 * 1024, "validation allocated {largest} bytes with {hostile:x?} at {position}");
        }
    }
}

#[test]
fn announced_sizes_of_compressed_blocks_are_not_believed() {
    // 4 GiB - 1, bare and framed, in a block of 32 bytes that could hold 704 at most.
    let lie = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 27]].concat();
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x20"[..], &lie].concat();
    for payload in [lie, framed] {
        let (result, _, largest) = counted(|| decompress(Compression::Snappy, &payload, OutputBudget(usize::MAX)));
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
        assert!(largest <= 4096, "snappy allocated {largest} bytes");
    }
}
