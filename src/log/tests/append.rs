use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::disk::Operation;

#[test]
fn a_new_directory_bears_its_topic_id_before_any_data() {
    let fixture = Fixture::default();
    let log = fixture.open();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.flushed_offset()), (Offset(0), Offset(0), Offset(0)));
    // No epoch has begun: a file that says so would only cost two syncs.
    let expected =
        ["00000000000000000000.index", "00000000000000000000.log", "00000000000000000000.timeindex", "partition.metadata"];
    assert_eq!(fixture.disk.names(Path::new(DIRECTORY)), expected);
    assert_eq!(fixture.disk.contents(&path("partition.metadata")), b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");

    let other = OpenOptions { topic_id: Some("AAAAAAAAAAAAAAAAAAAAAg".parse().unwrap()), ..fixture.options() };
    assert!(Log::open(other).unwrap_err().to_string().contains("AAAAAAAAAAAAAAAAAAAAAQ, expected AAAAAAAAAAAAAAAAAAAAAg"));
}

/// A topic has many partitions, and is told of when they are all there.
#[test]
fn a_new_log_waits_for_the_disk_three_times_and_its_first_epoch_for_nothing() {
    let fixture = Fixture::default();
    let syncs = Arc::new(AtomicU64::new(0));
    let count = syncs.clone();
    fixture.disk.on_done(Box::new(move |call, _| {
        let waits = matches!(call.operation, Operation::Sync | Operation::SyncDirectory);
        count.fetch_add(u64::from(waits), Ordering::SeqCst);
    }));
    let mut log = fixture.open();
    log.assign_epoch(LeaderEpoch(7)).unwrap();
    assert_eq!(syncs.load(Ordering::SeqCst), 3, "its entry, its topic id, its own entries");
    assert_eq!(fixture.disk.contents(&path("leader-epoch-checkpoint")), b"0\n1\n7 0\n");
    append_at(&mut log, batch(1), 7, NOW).unwrap();
    sync(&mut log);
    // Whatever a crash left of the file, the batches know the epoch.
    for seed in 0..20 {
        let recovered = Fixture { disk: fixture.disk.crashed(seed), ..Fixture::default() }.open();
        assert_eq!((recovered.latest_epoch(), recovered.log_end_offset()), (Some(LeaderEpoch(7)), Offset(1)), "seed {seed}");
    }
    log.assign_epoch(LeaderEpoch(8)).unwrap();
    let crashed = fixture.disk.crashed(1);
    assert_eq!(crashed.contents(&path("leader-epoch-checkpoint")), b"0\n2\n7 0\n8 1\n", "later ones are durable at once");
}

#[test]
fn appends_are_stamped_and_read_back() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    let first = append_at(&mut log, batch(3), 7, NOW).unwrap();
    assert_eq!((first.base_offset, first.last_offset, first.duplicate), (Offset(0), Offset(2), false));
    assert_eq!(append_at(&mut log, batch(2), 7, NOW).unwrap().base_offset, Offset(3));
    assert_eq!(all(&log), [(0, 2), (3, 4)]);
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(7)));
    assert_eq!(fixture.disk.contents(&path("leader-epoch-checkpoint")), b"0\n1\n7 0\n");
    let records = read(&log, 4, 1000);
    assert_eq!(BatchHeader::parse(&records).unwrap().leader_epoch, LeaderEpoch(7));
    assert_eq!(fixture.disk.contents(&path("00000000000000000000.log")).len() as u64, log.size());
}

#[test]
fn a_segment_ends_by_size() {
    let length = batch(1).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 3 * length;
    let mut log = fixture.open();
    for _ in 0..7 {
        append(&mut log, batch(1)).unwrap();
    }
    let logs = |disk: &SimulatedDisk, suffix: &str| -> Vec<String> {
        disk.names(Path::new(DIRECTORY)).into_iter().filter(|name| name.ends_with(suffix)).collect()
    };
    assert_eq!(logs(&fixture.disk, ".log"), ["00000000000000000000.log", "00000000000000000003.log", "00000000000000000006.log"]);
    assert_eq!(logs(&fixture.disk, ".snapshot"), ["00000000000000000003.snapshot", "00000000000000000006.snapshot"]);
    assert_eq!(all(&log).len(), 7);
    // The first batch of a segment has no entry; the time index grows only with time.
    let index = fixture.disk.contents(&path("00000000000000000003.index"));
    assert_eq!(index, [0, 0, 0, 1, 0, 0, 0, length as u8, 0, 0, 0, 2, 0, 0, 0, 2 * length as u8]);
    assert_eq!(fixture.disk.contents(&path("00000000000000000003.timeindex")).len(), 12);
}

#[test]
fn a_segment_ends_by_the_time_of_its_first_batch() {
    let mut fixture = Fixture::default();
    (fixture.config.segment_ms, fixture.config.segment_jitter_ms) = (1000, 0);
    let mut log = fixture.open();
    append(&mut log, batch(1).at(5000)).unwrap();
    append(&mut log, batch(1).at(6000)).unwrap();
    assert_eq!(log.segments.len(), 1, "exactly segment.ms is not over it");
    append(&mut log, batch(1).at(6001)).unwrap();
    assert_eq!(log.segments.len(), 2);
    // Records without a time: the segment's own age counts.
    append(&mut log, batch(1).at(-1)).unwrap();
    assert_eq!(log.segments.len(), 2);
    let mut untimed = Fixture::default();
    untimed.config.segment_ms = 1000;
    let mut log = untimed.open();
    append_at(&mut log, batch(1).at(-1), 0, NOW).unwrap();
    append_at(&mut log, batch(1).at(-1), 0, Timestamp(NOW.0 + 1001)).unwrap();
    assert_eq!(log.segments.len(), 2);
}

#[test]
fn jitter_shortens_segments_and_differs_between_them() {
    let mut fixture = Fixture::default();
    (fixture.config.segment_ms, fixture.config.segment_jitter_ms) = (10_000, 9_000);
    let mut log = fixture.open();
    let mut lengths = std::collections::BTreeSet::new();
    let (mut time, mut began) = (0, 0);
    while lengths.len() < 4 {
        let segments = log.segments.len();
        append(&mut log, batch(1).at(time)).unwrap();
        if log.segments.len() > segments {
            lengths.insert(time - began);
            assert!((1000..=10_100).contains(&(time - began)), "{}", time - began);
            began = time;
        }
        time += 100;
        assert!(time < 1_000_000, "the jitter is always the same");
    }
}

#[test]
fn a_segment_ends_with_a_full_index_and_before_offsets_outgrow_it() {
    let mut fixture = Fixture::default();
    fixture.config.segment_index_bytes = 24;
    let mut log = fixture.open();
    for _ in 0..9 {
        append(&mut log, batch(1).at(-1)).unwrap();
    }
    assert_eq!(log.segments.len(), 3, "three entries of 8 bytes, so four batches a segment");
    let mut log = Fixture { disk: new_disk(0), ..fixture }.open();
    for _ in 0..9 {
        append(&mut log, batch(1)).unwrap();
    }
    assert_eq!(log.segments.len(), 5, "two entries of 12 bytes, the last kept for the roll, so two batches a segment");

    let mut log = Fixture::default().open();
    log.append_as_is(&stamped(batch(1), 0, 0), NOW).unwrap();
    log.append_as_is(&stamped(batch(1), i64::from(i32::MAX), 0), NOW).unwrap();
    assert_eq!(log.segments.len(), 1);
    log.append_as_is(&stamped(batch(1), i64::from(i32::MAX) + 1, 0), NOW).unwrap();
    assert_eq!(log.segments.len(), 2);
    log.append_as_is(&stamped(batch(1), 1 << 40, 0), NOW).unwrap();
    assert_eq!(log.segments.last().unwrap().base_offset(), Offset(1 << 40));
    assert_eq!(all(&log), [(0, 0), (2_147_483_647, 2_147_483_647), (2_147_483_648, 2_147_483_648), (1 << 40, 1 << 40)]);
}

#[test]
fn batches_as_they_are_must_continue_the_log() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    let both = [stamped(batch(2), 10, 3), stamped(batch(1), 12, 4)].concat();
    let appended = log.append_as_is(&both, NOW).unwrap();
    assert_eq!((appended.base_offset, appended.last_offset), (Offset(10), Offset(12)));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(4)));
    let size = log.size();

    let below = refusal(log.append_as_is(&stamped(batch(1), 12, 4), NOW));
    assert_eq!(below, AppendRefusal::OffsetOutOfOrder { expected: Offset(13), got: Offset(12) });
    let old = refusal(log.append_as_is(&stamped(batch(1), 13, 3), NOW));
    assert_eq!(old, AppendRefusal::LeaderEpochOutOfOrder { latest: LeaderEpoch(4), got: LeaderEpoch(3) });
    // Nothing of a sequence is written when its end is wrong.
    let mixed = [stamped(batch(1), 13, 4), stamped(batch(1), 13, 4)].concat();
    assert!(matches!(refusal(log.append_as_is(&mixed, NOW)), AppendRefusal::OffsetOutOfOrder { .. }));
    let mut damaged = stamped(batch(1), 13, 4);
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(refusal(log.append_as_is(&damaged, NOW)), AppendRefusal::DamagedBatch(_)));
    let cut = stamped(batch(1), 13, 4);
    assert!(matches!(refusal(log.append_as_is(&cut[..cut.len() - 1], NOW)), AppendRefusal::DamagedBatch(_)));
    let last = refusal(log.append_as_is(&stamped(batch(1), i64::MAX, 4), NOW));
    assert!(matches!(last, AppendRefusal::OffsetOutOfOrder { .. }), "the log end would be out of range");
    assert_eq!((log.size(), log.log_end_offset()), (size, Offset(13)));
}

#[test]
fn without_space_the_log_is_cut_back_and_goes_on() {
    let length = batch(1).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 3 * length;
    let mut log = fixture.open();
    append(&mut log, batch(1)).unwrap();
    let full = |log: &mut Log| matches!(append(log, batch(1)), Err(AppendError::Fault(LogFault::NoSpace { .. })));
    fixture.disk.set_free(length / 2);
    assert!(full(&mut log));
    assert_eq!(fixture.disk.contents(&path("00000000000000000000.log")).len() as u64, length, "the half batch is gone");
    assert_eq!((log.log_end_offset(), all(&log)), (Offset(1), vec![(0, 0)]));
    fixture.disk.set_free(1 << 30);
    append(&mut log, batch(1)).unwrap();
    append(&mut log, batch(1)).unwrap();
    // No space to roll either.
    fixture.disk.set_free(0);
    assert!(full(&mut log));
    assert_eq!(log.segments.len(), 1);
    fixture.disk.set_free(1 << 30);
    append(&mut log, batch(1)).unwrap();
    sync(&mut log);
    assert_eq!((log.segments.len(), all(&log).len(), log.flushed_offset()), (2, 4, Offset(4)));
    assert_eq!(all(&Fixture { disk: fixture.disk.killed(), ..Fixture::default() }.open()).len(), 4);
}

#[test]
fn once_the_disk_has_failed_nothing_is_appended() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    append(&mut log, batch(1)).unwrap();
    fixture.disk.fail(&[Operation::WriteAt]);
    let failed = |result: Result<Appended, AppendError>| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("00000000000000000000.log: append: other error"), "{text}");
    };
    failed(append(&mut log, batch(1)));
    fixture.disk.fail(&[]);
    failed(append(&mut log, batch(1)));
    failed(log.append_as_is(&stamped(batch(1), 1, 0), NOW));
    assert!(log.roll(NOW).is_err() && log.close(NOW).is_err() && log.assign_epoch(LeaderEpoch(1)).is_err());
    assert_eq!(all(&log), [(0, 0)], "what was there can still be read");
}

#[test]
fn a_sync_covers_all_that_was_written_and_a_failure_elsewhere_stops_appends() {
    let length = batch(1).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 2 * length;
    let mut log = fixture.open();
    assert!(log.begin_sync().is_none());
    for _ in 0..5 {
        append(&mut log, batch(1)).unwrap();
    }
    let work = log.begin_sync().unwrap();
    assert!(log.begin_sync().is_none(), "one at a time");
    append(&mut log, batch(1)).unwrap();
    assert_eq!((work.up_to(), log.flushed_offset()), (Offset(5), Offset(0)));
    work.run().unwrap();
    log.finish_sync(&work);
    assert_eq!(log.flushed_offset(), Offset(5));
    for seed in 0..50 {
        let disk = fixture.disk.crashed(seed);
        let recovered = Fixture { disk, ..Fixture::default() }.open();
        assert!(recovered.log_end_offset() >= Offset(5), "seed {seed}");
    }
    fixture.disk.fail(&[Operation::Sync]);
    let error = log.begin_sync().unwrap().run().unwrap_err();
    log.mark_failed(&LogFault::Io { path: DIRECTORY.into(), action: "sync", source: error });
    assert!(append(&mut log, batch(1)).unwrap_err().to_string().contains("sync: other error"));
    assert_eq!(log.flushed_offset(), Offset(5));
}

#[test]
fn flush_settings_say_when_a_sync_is_due() {
    let mut fixture = Fixture::default();
    let mut log = fixture.open();
    append(&mut log, batch(5)).unwrap();
    assert!(!log.sync_due(Timestamp(i64::MAX)) && log.next_sync_deadline().is_none());
    (fixture.config.flush_messages, fixture.config.flush_ms) = (Some(6), Some(1000));
    log.configure(fixture.config.clone());
    assert_eq!(log.next_sync_deadline(), Some(Timestamp(NOW.0 + 1000)));
    assert!(!log.sync_due(NOW) && log.sync_due(Timestamp(NOW.0 + 1000)));
    append_at(&mut log, batch(1), 0, Timestamp(NOW.0 + 10)).unwrap();
    assert!(log.sync_due(NOW), "six messages");
    assert_eq!(log.next_sync_deadline(), Some(Timestamp(NOW.0 + 1000)), "the oldest counts");
    let work = log.begin_sync().unwrap();
    assert!(!log.sync_due(Timestamp(i64::MAX)), "it is being done");
    log.finish_sync(&work);
    append_at(&mut log, batch(1), 0, Timestamp(NOW.0 + 20)).unwrap();
    assert_eq!(log.next_sync_deadline(), Some(Timestamp(NOW.0 + 1020)));
    assert!(!log.sync_due(NOW));
}

#[test]
fn few_files_are_open_however_many_segments_there_are() {
    let length = batch(1).bytes().len() as u64;
    let mut fixture = Fixture { open_files: OpenFiles::new(8), ..Fixture::default() };
    fixture.config.segment_bytes = length;
    let mut log = fixture.open();
    for _ in 0..100 {
        append(&mut log, batch(1)).unwrap();
        sync(&mut log);
    }
    assert_eq!(all(&log).len(), 100);
    assert!(fixture.disk.open_handles() <= 8 && fixture.open_files.count() <= 8, "{}", fixture.disk.open_handles());
    // What is read often stays open.
    let opened = Arc::new(AtomicU64::new(0));
    let count = opened.clone();
    fixture.disk.on_done(Box::new(move |call, _| {
        count.fetch_add(u64::from(call.operation == Operation::Open), Ordering::SeqCst);
    }));
    for _ in 0..10 {
        read(&log, 99, 1000);
    }
    assert!(opened.load(Ordering::SeqCst) <= 1);
    drop(log);
    assert_eq!(fixture.disk.open_handles(), 0);
}

#[test]
fn an_index_has_an_entry_for_each_interval() {
    let length = batch(1).bytes().len() as u64;
    let entries = |interval: u64| {
        let mut fixture = Fixture::default();
        (fixture.config.index_interval_bytes, fixture.config.segment_bytes) = (interval, 9 * length);
        let mut log = fixture.open();
        // The tenth batch ends the first segment, and its index is written.
        for _ in 0..10 {
            append(&mut log, batch(1)).unwrap();
        }
        fixture.disk.contents(&path("00000000000000000000.index")).len() / 8
    };
    assert_eq!((entries(1), entries(2 * length), entries(100 * length)), (8, 2, 0));
}

#[test]
fn a_preallocated_segment_has_its_space_from_the_start() {
    let length = batch(1).bytes().len() as u64;
    for (preallocate, expected) in [(true, vec![length; 2]), (false, Vec::new())] {
        let mut fixture = Fixture::default();
        (fixture.config.preallocate, fixture.config.segment_bytes) = (preallocate, length);
        let reserved = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&reserved);
        fixture.disk.on_done(Box::new(move |call, _| {
            if call.operation == Operation::Preallocate {
                seen.lock().unwrap().push(call.length);
            }
        }));
        let mut log = fixture.open();
        append(&mut log, batch(1)).unwrap();
        append(&mut log, batch(1)).unwrap();
        assert_eq!((log.segments.len(), &*reserved.lock().unwrap()), (2, &expected));
    }
}
