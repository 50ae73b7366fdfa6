//! Record batches: what a producer sends is judged, and what lies in a log is walked.
//!
//! The input is a batch. Its leader epoch, which nothing judges, chooses the rules, and whether length and checksum are made to fit
//! first: without that hardly an input would get behind them. No panic, no allocation beyond what bytes and budget are worth, and what
//! the validation lets into a log can be read back as it was judged.

#![no_main]

#[path = "../../support/allocations.rs"]
mod allocations;

use allocations::counted;
use klamm::record::{
    Attributes, BatchHeader, Batches, HEADER_LENGTH, OutputBudget, ProduceRules, Records, RecordsError, TimestampRules,
    ValidBatch, check_produced_bytes, control_type, validate_produce,
};
use klamm::types::{Compression, Timestamp, TimestampType};
use libfuzzer_sys::fuzz_target;

const BUDGET: OutputBudget = OutputBudget(1 << 20);
/// What the codecs hold beside their output: lz4's largest blocks, and the output as it grows.
const CODECS: usize = 16 << 20;

/// Most bytes that one allocation may take: a record header of two bytes is one of 32 in memory, snappy promises 22 times its input.
fn bound(batch: &[u8]) -> usize {
    let attributes = batch.get(21..23).map_or(0, |bytes| i16::from_be_bytes([bytes[0], bytes[1]]));
    let is_plain = Attributes(attributes).compression() == Some(Compression::None);
    (64 << 10) + 64 * batch.len() + if is_plain { 0 } else { CODECS }
}

fuzz_target!(|input: &[u8]| {
    let mut batch = input.to_vec();
    let choice = batch.get(12..16).map_or([0; 4], |bytes| [bytes[0], bytes[1], bytes[2], bytes[3]]);
    if choice[0] & 1 == 0 && batch.len() >= HEADER_LENGTH {
        mend(&mut batch);
    }
    walk(&batch);
    judge(&mut batch, &rules(choice));
});

/// Length, magic and checksum as the rest has them.
fn mend(batch: &mut [u8]) {
    let length = i32::try_from(batch.len() - 12).expect("inputs are small");
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[16] = 2;
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

fn rules([switches, codec, level, limit]: [u8; 4]) -> ProduceRules {
    let is_set = |bit: u8| switches & 1 << bit != 0;
    let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    let target = codecs.get(usize::from(codec)).map(|codec| (*codec, (level < 10).then_some(i32::from(level))));
    ProduceRules {
        now: Timestamp(1_700_000_000_000),
        max_message_bytes: if is_set(1) { usize::from(limit) << 4 } else { 1 << 20 },
        segment_bytes: if is_set(2) { usize::from(limit) << 4 } else { 1 << 30 },
        timestamps: TimestampRules {
            timestamp_type: if is_set(3) { TimestampType::LogAppendTime } else { TimestampType::CreateTime },
            before_max_ms: if is_set(4) { 1000 } else { i64::MAX },
            after_max_ms: if is_set(4) { 1000 } else { i64::MAX },
        },
        compacted: is_set(5),
        target_compression: target,
        zstd_allowed: !is_set(6),
        decompression_budget: BUDGET,
    }
}

/// As recovery and readers do.
fn walk(bytes: &[u8]) {
    for found in Batches::new(bytes) {
        let Ok((_, range)) = found else { break };
        let (_, allocated) = counted(|| read(&bytes[range.clone()]));
        assert!(allocated.largest <= bound(&bytes[range]), "{allocated:?}");
    }
}

/// Reads every record; how many there are, and the latest time.
fn read(batch: &[u8]) -> Result<(usize, Option<Timestamp>), RecordsError> {
    let records = Records::read(batch, BUDGET)?;
    for key in records.iter().filter_map(|record| record.key) {
        let _ = control_type(key);
    }
    Ok((records.iter().count(), records.iter().map(|record| record.timestamp).max()))
}

fn judge(batch: &mut [u8], rules: &ProduceRules) {
    let bound = bound(batch) + if rules.target_compression.is_some() { CODECS } else { 0 };
    let claims_append_time =
        BatchHeader::parse(batch).is_ok_and(|header| header.attributes.timestamp_type() == TimestampType::LogAppendTime);
    let checked = check_produced_bytes(batch, rules.zstd_allowed);
    let (judged, allocated) = counted(|| validate_produce(batch, rules));
    assert!(allocated.largest <= bound, "{allocated:?}");
    let Ok(ValidBatch { header, rewritten, .. }) = judged else { return };
    assert_eq!(checked, Ok(()), "the two checks agree");
    let batch = rewritten.as_deref().unwrap_or(batch);
    let (count, latest) = read(batch).expect("what was let in can be read");
    assert_eq!(count, usize::try_from(header.record_count).expect("judged"));
    // As in Kafka: times before 1969 do not count, and a client's claim of LogAppendTime is taken away, but its time kept.
    assert!(claims_append_time || latest.max(Some(Timestamp(-1))) == Some(header.max_timestamp), "{latest:?} {header:?}");
}
