use super::*;

fn filled() -> (Fixture, Log) {
    let length = batch(2).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 3 * length;
    let mut log = fixture.open();
    for number in 0..10 {
        append_at(&mut log, batch(2).at(NOW.0 + i64::from(number)).by(9, 0, number * 2), number / 4, NOW).unwrap();
    }
    (fixture, log)
}

#[test]
fn a_log_is_cut_at_a_batch_at_or_below_the_offset() {
    for offset in 0..=25_i64 {
        let (fixture, mut log) = filled();
        log.truncate(Offset(offset), NOW).unwrap();
        let end = (offset / 2 * 2).min(20);
        assert_eq!((log.log_end_offset(), log.flushed_offset().0 >= end.min(19)), (Offset(end), offset < 20), "{offset}");
        assert_eq!(all(&log), (0..end).step_by(2).map(|base| (base, base + 1)).collect::<Vec<_>>());
        let epoch = if end == 0 { None } else { Some(LeaderEpoch((end as i32 / 2 - 1) / 4)) };
        assert_eq!(log.latest_epoch(), epoch, "{offset}");
        // The producer goes on from where the log ends, and times are those of what is left.
        let next = append_at(&mut log, batch(2).by(9, 0, end as i32).at(0), 5, NOW).unwrap();
        assert_eq!((next.base_offset, next.duplicate), (Offset(end), false), "{offset}");
        let largest = log.plan_timestamp(TimestampTarget::Maximum, log.log_end_offset()).search().unwrap().unwrap();
        assert_eq!(largest.0, Offset(if end == 0 { 1 } else { end - 1 }), "{offset}");
        // What was left is durable without any further sync.
        if offset < 20 {
            for seed in 0..5 {
                let disk = fixture.disk.crashed(seed);
                let log = Fixture { disk, config: fixture.config.clone(), ..Fixture::default() }.open();
                assert!(log.log_end_offset() >= Offset(end), "{offset} {seed}");
                assert_eq!(all(&log)[..end as usize / 2].len(), end as usize / 2);
            }
        }
    }
}

#[test]
fn a_sync_from_before_a_cut_counts_for_nothing() {
    let (_fixture, mut log) = filled();
    let work = log.begin_sync().unwrap();
    log.truncate(Offset(10), NOW).unwrap();
    append_at(&mut log, batch(2), 7, NOW).unwrap();
    append_at(&mut log, batch(2), 7, NOW).unwrap();
    work.run().unwrap();
    log.finish_sync(&work);
    assert_eq!((log.flushed_offset(), log.log_end_offset()), (Offset(10), Offset(14)));
    sync(&mut log);
    assert_eq!(log.flushed_offset(), Offset(14));
}

#[test]
fn a_log_starts_anew_elsewhere() {
    for offset in [0, 7, 20, 1000] {
        let (fixture, mut log) = filled();
        log.restart_at(Offset(offset), NOW).unwrap();
        let bounds = |log: &Log| (log.log_start_offset(), log.log_end_offset(), log.flushed_offset(), log.latest_epoch());
        assert_eq!(bounds(&log), (Offset(offset), Offset(offset), Offset(offset), None));
        let names = fixture.disk.names(Path::new(DIRECTORY));
        assert_eq!(names.iter().filter(|name| name.ends_with(".log") || name.ends_with(".snapshot")).count(), 1, "{names:?}");
        append_at(&mut log, batch(2).by(9, 0, 77), 9, NOW).unwrap();
        sync(&mut log);
        let disk = fixture.disk.crashed(offset as u64);
        let log = Fixture { disk, ..Fixture::default() }.open();
        assert_eq!(all(&log), [(offset, offset + 1)]);
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch(9)));
    }
}

#[test]
fn a_cut_below_the_log_start_starts_anew() {
    let (_fixture, mut log) = filled();
    log.advance_log_start(Offset(9), NOW).unwrap();
    log.truncate(Offset(4), NOW).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.size()), (Offset(4), Offset(4), 0));
}
