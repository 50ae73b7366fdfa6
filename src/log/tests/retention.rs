use super::*;

/// Five segments of one batch of two records each, their times a second apart, and an active one of the same.
fn six(config: LogConfig) -> (Fixture, Log) {
    let length = batch(2).bytes().len() as u64;
    let fixture =
        Fixture { config: LogConfig { segment_bytes: length, index_interval_bytes: 1, ..config }, ..Fixture::default() };
    let mut log = fixture.open();
    for number in 0..6 {
        append(&mut log, batch(2).at(NOW.0 + number * 1000)).unwrap();
    }
    (fixture, log)
}

fn live(fixture: &Fixture) -> Vec<String> {
    fixture.disk.names(Path::new(DIRECTORY)).into_iter().filter(|name| name.ends_with(".log")).collect()
}

fn keep_all() -> LogConfig {
    LogConfig { retention_ms: None, retention_bytes: None, ..LogConfig::default() }
}

#[test]
fn old_segments_go_by_time() {
    let (fixture, mut log) = six(LogConfig { retention_ms: Some(1000), ..keep_all() });
    // The largest time of a segment is its second record's.
    assert!(!log.apply_retention(Timestamp(NOW.0 + 1001), Offset(12)).unwrap());
    assert!(log.apply_retention(Timestamp(NOW.0 + 3001), Offset(12)).unwrap());
    assert_eq!(log.log_start_offset(), Offset(4));
    assert_eq!(live(&fixture).len(), 4);
    let names = fixture.disk.names(Path::new(DIRECTORY));
    assert!(names.contains(&"00000000000000000000.log.deleted".to_owned()));
    assert!(names.contains(&"00000000000000000002.snapshot.deleted".to_owned()), "{names:?}");

    // The active one is rolled when it is old, and all go.
    assert!(log.apply_retention(Timestamp(NOW.0 + 60_000), Offset(12)).unwrap());
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.size()), (Offset(12), Offset(12), 0));
    assert_eq!(live(&fixture), ["00000000000000000012.log"]);
    assert!(!log.apply_retention(Timestamp(i64::MAX), Offset(12)).unwrap(), "an empty segment stays");
    assert_eq!(append(&mut log, batch(1)).unwrap().base_offset, Offset(12));
    sync(&mut log);
    let log = Fixture { disk: fixture.disk.crashed(1), ..Fixture::default() }.open();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (Offset(12), Offset(13)));
}

#[test]
fn segments_go_by_size_but_never_below_the_limit() {
    let length = batch(2).bytes().len() as u64;
    let (_fixture, mut log) = six(LogConfig { retention_bytes: Some(3 * length + 1), ..keep_all() });
    assert!(log.apply_retention(NOW, Offset(12)).unwrap());
    assert_eq!((log.size(), log.log_start_offset()), (4 * length, Offset(4)));
    assert!(!log.apply_retention(NOW, Offset(12)).unwrap());
    let (_fixture, mut log) = six(LogConfig { retention_bytes: Some(0), ..keep_all() });
    log.apply_retention(NOW, Offset(12)).unwrap();
    assert_eq!((log.size(), log.log_start_offset()), (0, Offset(12)));
}

#[test]
fn nothing_above_the_high_watermark_goes() {
    for keep_from in 0..=12 {
        let (_fixture, mut log) = six(LogConfig { retention_ms: Some(0), ..keep_all() });
        log.apply_retention(Timestamp(i64::MAX), Offset(keep_from)).unwrap();
        assert_eq!(log.log_start_offset(), Offset(keep_from / 2 * 2));
    }
}

#[test]
fn what_is_to_be_compacted_or_kept_forever_stays() {
    for cleanup_policy in [(false, true), (true, true), (false, false)].map(|(delete, compact)| CleanupPolicy { delete, compact })
    {
        let (_fixture, mut log) =
            six(LogConfig { retention_ms: Some(0), retention_bytes: Some(0), cleanup_policy, ..LogConfig::default() });
        assert!(!log.apply_retention(Timestamp(i64::MAX), Offset(12)).unwrap());
        assert_eq!(all(&log).len(), 6);
    }
}

#[test]
fn the_log_start_moves_forward_and_takes_whole_segments_with_it() {
    let (fixture, mut log) = six(keep_all());
    log.advance_log_start(Offset(5), NOW).unwrap();
    assert_eq!((log.log_start_offset(), live(&fixture).len()), (Offset(5), 4));
    log.advance_log_start(Offset(3), NOW).unwrap();
    assert_eq!(log.log_start_offset(), Offset(5));
    assert!(log.plan_read(Offset(4), Offset(12), 1000, true).is_err());
    assert_eq!(log.epoch_at(Offset(4)), None);
    log.advance_log_start(Offset(99), NOW).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), live(&fixture).len()), (Offset(12), Offset(12), 1));
    // The active segment still holds old records: they are out of reach, and go with the next retention.
    assert!(log.plan_read(Offset(11), Offset(12), 1000, true).is_err());
    log.apply_retention(NOW, Offset(12)).unwrap();
    assert_eq!(log.size(), 0);
}

#[test]
fn deleted_files_go_after_their_delay() {
    let (fixture, mut log) = six(LogConfig { file_delete_delay_ms: 60_000, ..keep_all() });
    log.advance_log_start(Offset(4), NOW).unwrap();
    let waiting = || fixture.disk.names(Path::new(DIRECTORY)).iter().filter(|name| name.ends_with(".deleted")).count();
    assert!(waiting() >= 6);
    log.remove_deleted(Timestamp(NOW.0 + 59_999)).unwrap();
    assert!(waiting() >= 6);
    log.remove_deleted(Timestamp(NOW.0 + 60_000)).unwrap();
    assert_eq!(waiting(), 0);
    // A restart does not wait.
    log.advance_log_start(Offset(6), NOW).unwrap();
    assert!(waiting() > 0);
    drop(log);
    fixture.open();
    assert_eq!(waiting(), 0);
}
