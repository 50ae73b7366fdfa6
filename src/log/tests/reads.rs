use super::*;
use crate::disk::Cache;
use crate::types::Compression;

/// Ten batches of three records each, in segments of four batches; the index has an entry every two or three batches.
fn thirty() -> (Fixture, Log) {
    let length = batch(3).bytes().len() as u64;
    let mut fixture = Fixture::default();
    (fixture.config.segment_bytes, fixture.config.index_interval_bytes) = (4 * length, length + 1);
    let mut log = fixture.open();
    for number in 0..10 {
        append(&mut log, batch(3).at(1000 + number * 10)).unwrap();
    }
    (fixture, log)
}

fn planned(log: &Log, offset: i64, limit: i64, max_bytes: usize, at_least_one: bool) -> Vec<(i64, i64)> {
    match log.plan_read(Offset(offset), Offset(limit), max_bytes, at_least_one).unwrap().read(false).unwrap() {
        ReadResult::Records(records) => spans(&records),
        ReadResult::NotCached => panic!("the read could wait"),
    }
}

#[test]
fn a_read_starts_with_the_batch_that_holds_the_offset_and_ends_with_the_segment() {
    let (fixture, log) = thirty();
    let reopened = Fixture { disk: fixture.disk.killed(), config: fixture.config.clone(), ..Fixture::default() }.open();
    for log in [&log, &reopened] {
        for offset in 0..30 {
            let found = planned(log, offset, 30, 1 << 20, false);
            let start = offset / 3 * 3;
            let end = ((start / 12 + 1) * 12).min(30);
            let expected: Vec<_> = (start..end).step_by(3).map(|base| (base, base + 2)).collect();
            assert_eq!(found, expected, "offset {offset}");
        }
        assert!(log.plan_read(Offset(30), Offset(30), 1000, true).unwrap().is_empty());
        let refused = log.plan_read(Offset(31), Offset(31), 1000, true).unwrap_err();
        assert_eq!(refused, ReadRefusal::OutOfRange { log_start_offset: Offset(0), log_end_offset: Offset(30) });
        assert!(log.plan_read(Offset(-1), Offset(30), 1000, true).is_err());
    }
}

#[test]
fn a_read_ends_at_the_limit_and_at_the_bytes_asked_for() {
    let (_fixture, log) = thirty();
    let length = batch(3).bytes().len();
    assert_eq!(planned(&log, 4, 9, 1 << 20, true), [(3, 5), (6, 8)]);
    assert_eq!(planned(&log, 4, 8, 1 << 20, true), [(3, 5)], "a batch that crosses the limit is not whole below it");
    assert_eq!(planned(&log, 4, 5, 1 << 20, true), []);
    assert!(log.plan_read(Offset(4), Offset(4), 1 << 20, true).unwrap().is_empty());
    assert_eq!(planned(&log, 0, 30, 2 * length, false), [(0, 2), (3, 5)]);
    assert_eq!(planned(&log, 0, 30, 3 * length - 1, false), [(0, 2), (3, 5)]);
    assert_eq!(planned(&log, 0, 30, 1, true), [(0, 2)]);
    assert_eq!(planned(&log, 0, 30, 1, false), []);
    assert_eq!(planned(&log, 0, 30, 0, true), [(0, 2)]);
}

#[test]
fn a_large_batch_is_read_whole_however_far_the_index_leads_before_it() {
    let fixture = Fixture { config: LogConfig { index_interval_bytes: 1 << 20, ..LogConfig::default() }, ..Fixture::default() };
    let mut log = fixture.open();
    for _ in 0..100 {
        append(&mut log, batch(1).value_bytes(3000)).unwrap();
    }
    append(&mut log, batch(1).value_bytes(700_000)).unwrap();
    append(&mut log, batch(1)).unwrap();
    let log = Fixture { disk: fixture.disk.killed(), config: fixture.config.clone(), ..Fixture::default() }.open();
    assert_eq!(planned(&log, 100, 102, 10, true), [(100, 100)]);
    assert_eq!(planned(&log, 99, 102, 701_000, true), [(99, 99)]);
    assert_eq!(planned(&log, 101, 102, 10, true), [(101, 101)]);
}

#[test]
fn gaps_that_compaction_leaves_are_read_over() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    log.append_as_is(&stamped(batch(1), 5, 0), NOW).unwrap();
    log.append_as_is(&stamped(batch(1), 9, 0), NOW).unwrap();
    log.roll(NOW).unwrap();
    log.append_as_is(&stamped(batch(1), 20, 0), NOW).unwrap();
    assert_eq!(planned(&log, 0, 21, 1 << 20, true), [(5, 5), (9, 9)]);
    assert_eq!(planned(&log, 6, 21, 1 << 20, true), [(9, 9)]);
    assert_eq!(planned(&log, 15, 21, 1 << 20, true), [(20, 20)]);
    log.close(NOW).unwrap();
    // As the cleaner leaves it: the first segment's end is gone, offsets 7 to 9 are nowhere.
    let first = stamped(batch(1), 5, 0);
    let cleaned = fixture.disk.killed();
    cleaned.put(&path("00000000000000000000.log"), &first);
    cleaned.put(&path("00000000000000000000.index"), &[]);
    let log = Fixture { disk: cleaned, clean_shutdown: true, ..Fixture::default() }.open();
    assert_eq!(planned(&log, 6, 21, 1 << 20, true), [(20, 20)]);
    assert_eq!(all(&log), [(5, 5), (20, 20)]);
}

#[test]
fn an_index_that_lies_costs_time_and_nothing_else() {
    let (fixture, mut log) = thirty();
    log.close(NOW).unwrap();
    let disk = fixture.disk.killed();
    for (name, entry) in
        [("00000000000000000000.index", [0, 0, 0, 1, 0, 0, 0, 77]), ("00000000000000000012.index", [0, 0, 0, 0, 0, 0, 1, 0])]
    {
        let length = disk.contents(&path(name)).len();
        disk.put(&path(name), &entry.repeat(length / 8));
    }
    let log = Fixture { disk, clean_shutdown: true, ..Fixture::default() }.open();
    assert_eq!(all(&log).len(), 10);
    for offset in 0..30 {
        assert_eq!(planned(&log, offset, 30, 1, true)[0].0, offset / 3 * 3);
    }
}

#[test]
fn a_damaged_batch_is_an_error_and_not_the_end() {
    let (fixture, mut log) = thirty();
    log.close(NOW).unwrap();
    let mut bytes = fixture.disk.contents(&path("00000000000000000000.log"));
    let second = bytes.len() / 4;
    bytes[second + 16] = 9;
    fixture.disk.put(&path("00000000000000000000.log"), &bytes);
    let log = Fixture { clean_shutdown: true, disk: fixture.disk.killed(), ..Fixture::default() }.open();
    assert_eq!(planned(&log, 0, 30, 1 << 20, true), [(0, 2)]);
    let plan = log.plan_read(Offset(4), Offset(30), 1 << 20, true).unwrap();
    assert_eq!(plan.read(false).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}

#[test]
fn without_waiting_only_what_is_cached_is_read() {
    let (fixture, log) = thirty();
    let plan = log.plan_read(Offset(3), Offset(30), 1 << 20, true).unwrap();
    assert!(matches!(plan.read(true).unwrap(), ReadResult::Records(records) if spans(&records).len() == 3));
    fixture.disk.set_cache(Cache::Cold);
    assert!(matches!(plan.read(true).unwrap(), ReadResult::NotCached));
    assert!(matches!(plan.read(false).unwrap(), ReadResult::Records(_)));
}

#[test]
fn bytes_between_offsets_are_exact_at_the_tail_and_never_too_few() {
    let (fixture, log) = thirty();
    let length = batch(3).bytes().len() as u64;
    let exact = |from: i64, to: i64| (to as u64).div_ceil(3) * length - from as u64 / 3 * length;
    for from in 0..=30 {
        for to in from..=30 {
            let found = log.bytes_between(Offset(from), Offset(to));
            let true_number = if from == to { 0 } else { exact(from, to) };
            // The active segment begins at 24.
            if from >= 24 || from == to {
                assert_eq!(found, true_number, "{from} to {to}");
            }
            assert!(found >= true_number, "{from} to {to}");
            assert!(found <= true_number + 2 * 4 * length, "{from} to {to}");
        }
    }
    assert_eq!(log.bytes_between(Offset(40), Offset(50)), 0);
    fixture.disk.set_cache(Cache::Cold);
    assert!(log.bytes_between(Offset(11), Offset(30)) >= exact(11, 30));
}

fn search(log: &Log, target: TimestampTarget, limit: i64) -> Option<(i64, i64)> {
    let found = log.plan_timestamp(target, Offset(limit)).search().unwrap();
    found.map(|(offset, timestamp, epoch)| {
        assert_eq!(epoch, Some(LeaderEpoch(0)));
        (offset.0, timestamp.0)
    })
}

#[test]
fn the_first_record_at_or_after_a_time_is_found_in_any_codec() {
    for compression in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let mut fixture = Fixture::default();
        fixture.config.segment_bytes = 400;
        let mut log = fixture.open();
        let options = BatchOptions { compression, ..BatchOptions::default() };
        for number in 0..20 {
            append(&mut log, Batch { options, ..batch(3).at(1000 + number * 10) }).unwrap();
        }
        assert!(log.segments.len() > 3);
        let reopened = Fixture { disk: fixture.disk.killed(), config: fixture.config.clone(), ..Fixture::default() }.open();
        for log in [&log, &reopened] {
            for time in 990..1200_i64 {
                // Records are at 1000, 1001, 1002, 1010, ...
                let (number, rest) = ((time - 1000).div_euclid(10), (time - 1000).rem_euclid(10));
                let (number, rest) = if time < 1000 {
                    (0, 0)
                } else if rest > 2 {
                    (number + 1, 0)
                } else {
                    (number, rest)
                };
                let expected = (number < 20).then_some((number * 3 + rest, 1000 + number * 10 + rest));
                assert_eq!(search(log, TimestampTarget::AtOrAfter(Timestamp(time)), 60), expected, "{compression:?} {time}");
            }
        }
        assert_eq!(search(&log, TimestampTarget::AtOrAfter(Timestamp(1101)), 31), None, "31 lies beyond the limit");
        log.advance_log_start(Offset(31), NOW).unwrap();
        assert_eq!(search(&log, TimestampTarget::AtOrAfter(Timestamp(0)), 60), Some((31, 1101)));
        assert_eq!(search(&log, TimestampTarget::AtOrAfter(Timestamp(1100)), 60), Some((31, 1101)));
    }
}

#[test]
fn times_out_of_order_are_found_too() {
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 400;
    let mut log = fixture.open();
    let times = [500, 300, 900, 100, 901, 200, 901, 50, 40, 950, 10, 949, 30];
    for time in times {
        append(&mut log, batch(1).at(time)).unwrap();
    }
    assert!(log.segments.len() > 2);
    let reopened = Fixture { disk: fixture.disk.killed(), config: fixture.config.clone(), ..Fixture::default() }.open();
    for log in [&log, &reopened] {
        for target in 0..1000 {
            let expected = times.iter().position(|time| *time >= target).map(|offset| (offset as i64, times[offset]));
            assert_eq!(search(log, TimestampTarget::AtOrAfter(Timestamp(target)), 13), expected, "{target}");
        }
        for limit in 0..=13 {
            let below = &times[..limit];
            let largest = below.iter().max().copied();
            let expected = largest.map(|largest| (below.iter().position(|time| *time == largest).unwrap() as i64, largest));
            assert_eq!(search(log, TimestampTarget::Maximum, limit as i64), expected, "below {limit}");
        }
    }
    log.advance_log_start(Offset(10), NOW).unwrap();
    assert_eq!(search(&log, TimestampTarget::Maximum, 13), Some((11, 949)));
}

#[test]
fn a_log_without_times_has_no_largest() {
    let mut log = Fixture::default().open();
    assert_eq!(search(&log, TimestampTarget::Maximum, 0), None);
    append(&mut log, batch(1).at(-1)).unwrap();
    assert_eq!(search(&log, TimestampTarget::Maximum, 1), None);
    assert_eq!(search(&log, TimestampTarget::AtOrAfter(Timestamp(0)), 1), None);
}

#[test]
fn a_plan_outlives_deletion_and_finds_nothing_after_a_cut() {
    let (mut fixture, mut log) = thirty();
    fixture.config.file_delete_delay_ms = 10;
    log.configure(fixture.config.clone());
    let closed = log.plan_read(Offset(3), Offset(30), 1 << 20, true).unwrap();
    let never_opened = log.plan_read(Offset(14), Offset(30), 1 << 20, true).unwrap();
    let records = |plan: &ReadPlan| match plan.read(false).unwrap() {
        ReadResult::Records(records) => spans(&records),
        ReadResult::NotCached => panic!("the read could wait"),
    };
    log.advance_log_start(Offset(24), NOW).unwrap();
    assert_eq!(records(&closed).len(), 3, "renamed to .deleted, still readable");
    log.remove_deleted(Timestamp(NOW.0 + 10)).unwrap();
    // An open file can be read after its removal; one that has to be opened is not there any more.
    drop((records(&closed), records(&never_opened)));

    let tail = log.plan_read(Offset(24), Offset(30), 1 << 20, true).unwrap();
    assert_eq!(records(&tail).len(), 2);
    log.truncate(Offset(27), NOW).unwrap();
    append_at(&mut log, batch(3).at(1090), 1, NOW).unwrap();
    assert_eq!(records(&tail), [], "bytes of another time must not be served");
    assert_eq!(planned(&log, 24, 30, 1 << 20, true), [(24, 26), (27, 29)]);
}
