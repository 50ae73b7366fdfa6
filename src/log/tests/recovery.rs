use super::*;
use crate::seams::Disk;

/// Three segments of two batches of two records, an epoch a batch from number 2 on; all synced.
fn closed_or_not(close: bool) -> Fixture {
    let length = batch(2).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 2 * length;
    let mut log = fixture.open();
    for number in 0..6 {
        append_at(&mut log, batch(2).at(NOW.0 + i64::from(number)), (number - 1).max(0), NOW).unwrap();
    }
    sync(&mut log);
    if close {
        log.close(NOW).unwrap();
        fixture.clean_shutdown = true;
    }
    fixture
}

fn every_batch() -> Vec<(i64, i64)> {
    (0..12).step_by(2).map(|base| (base, base + 1)).collect()
}

const FIRST: &str = "00000000000000000000";
const SECOND: &str = "00000000000000000004";
const LAST: &str = "00000000000000000008";

fn name(segment: &str, suffix: &str) -> PathBuf {
    path(&format!("{segment}{suffix}"))
}

#[test]
fn whatever_follows_the_last_whole_batch_is_cut_off() {
    let length = batch(2).bytes().len();
    let whole = |bytes: &[u8], tail: &[u8]| [bytes, tail].concat();
    let next = stamped(batch(2), 12, 4);
    let mut wrong_crc = next.clone();
    *wrong_crc.last_mut().unwrap() ^= 1;
    let tails: [(&str, Vec<u8>); 8] = [
        ("zeros", vec![0; 4096]),
        ("a header cut short", next[..40].to_vec()),
        ("a batch cut short", next[..length - 1].to_vec()),
        ("a wrong CRC", wrong_crc),
        ("an offset again", stamped(batch(2), 11, 4)),
        ("an older epoch", stamped(batch(2), 12, 3)),
        ("a length beyond the file", [&12_i64.to_be_bytes()[..], &i32::MAX.to_be_bytes(), &[0; 60]].concat()),
        ("noise", vec![0xa5; 700]),
    ];
    for (what, tail) in tails {
        let fixture = Fixture { recovery_point: Offset(12), ..closed_or_not(false) };
        let bytes = fixture.disk.contents(&name(LAST, ".log"));
        fixture.disk.put(&name(LAST, ".log"), &whole(&bytes, &tail));
        let mut log = fixture.open();
        assert_eq!((all(&log), log.log_end_offset(), log.flushed_offset()), (every_batch(), Offset(12), Offset(12)), "{what}");
        assert_eq!(fixture.disk.contents(&name(LAST, ".log")), bytes, "{what}");
        append_at(&mut log, batch(2), 9, NOW).unwrap();
        assert_eq!(all(&log).len(), 7, "{what}");
    }
}

#[test]
fn damage_above_the_recovery_point_ends_the_log_there() {
    let length = batch(2).bytes().len();
    for (segment, position, end, segments) in [(FIRST, length, 2, 1), (SECOND, 0, 4, 2), (SECOND, length, 6, 2), (LAST, 0, 8, 3)]
    {
        let fixture = closed_or_not(false);
        let mut bytes = fixture.disk.contents(&name(segment, ".log"));
        bytes[position + 65] ^= 0xff;
        fixture.disk.put(&name(segment, ".log"), &bytes);
        let log = fixture.open();
        assert_eq!(log.log_end_offset(), Offset(end), "{segment} {position}");
        assert_eq!(all(&log), every_batch()[..end as usize / 2]);
        let logs = fixture.disk.names(Path::new(DIRECTORY)).into_iter().filter(|name| name.ends_with(".log")).count();
        assert_eq!(logs, segments, "{segment} {position}");
    }
}

#[test]
fn damage_below_the_recovery_point_is_reported_and_nothing_is_cut() {
    let fixture = Fixture { recovery_point: Offset(10), ..closed_or_not(false) };
    let mut bytes = fixture.disk.contents(&name(LAST, ".log"));
    bytes[70] ^= 1;
    fixture.disk.put(&name(LAST, ".log"), &bytes);
    let error = Log::open(fixture.options()).unwrap_err().to_string();
    assert!(
        error.contains("00000000000000000008.log: at byte 0: CRC is") && error.contains("below the recovery point 10"),
        "{error}"
    );
    assert_eq!(fixture.disk.contents(&name(LAST, ".log")), bytes);
}

/// The second segment without its last batch.
fn with_a_gap(recovery_point: i64) -> Fixture {
    let fixture = Fixture { recovery_point: Offset(recovery_point), ..closed_or_not(false) };
    let bytes = fixture.disk.contents(&name(SECOND, ".log"));
    fixture.disk.put(&name(SECOND, ".log"), &bytes[..batch(2).bytes().len()]);
    fixture
}

#[test]
fn a_gap_below_the_recovery_point_is_what_compaction_left() {
    let log = with_a_gap(8).open();
    let kept = [&every_batch()[..3], &every_batch()[4..]].concat();
    assert_eq!((all(&log), log.log_end_offset()), (kept, Offset(12)));
}

#[test]
fn a_gap_across_the_recovery_point_is_reported_and_nothing_goes() {
    let fixture = with_a_gap(7);
    let fault = Log::open(fixture.options()).unwrap_err();
    assert!(matches!(&fault, LogFault::Corrupt { path, .. } if *path == name(LAST, ".log")), "{fault}");
    assert!(!fixture.disk.contents(&name(LAST, ".log")).is_empty());
}

#[test]
fn a_segment_that_does_not_join_the_one_before_goes() {
    let log = with_a_gap(0).open();
    assert_eq!((all(&log), log.log_end_offset()), (every_batch()[..3].to_vec(), Offset(6)));
}

#[test]
fn indexes_are_the_same_when_they_are_made_anew() {
    let fixture = closed_or_not(true);
    let kept = |disk: &SimulatedDisk| {
        [FIRST, SECOND, LAST]
            .map(|segment| (disk.contents(&name(segment, ".index")), disk.contents(&name(segment, ".timeindex"))))
    };
    let before = kept(&fixture.disk);
    // Missing, torn, too long, or not in order: of the clean stop and of the crash.
    type Spoil = fn(&SimulatedDisk, &Path);
    let spoils: [Spoil; 4] = [
        |disk, path| disk.remove_file(path).unwrap(),
        |disk, path| disk.put(path, &disk.contents(path)[1..]),
        |disk, path| disk.put(path, &[0; 5]),
        |disk, path| disk.put(path, &[0xff; 24]),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        for suffix in [".index", ".timeindex"] {
            let clean_shutdown = number < 3;
            let disk = fixture.disk.killed();
            for segment in [FIRST, SECOND, LAST] {
                spoil(&disk, &name(segment, suffix));
            }
            let recovery_point = Offset(12);
            let spoiled = Fixture { disk, clean_shutdown, recovery_point, config: fixture.config.clone(), ..Fixture::default() };
            let log = spoiled.open();
            assert_eq!(kept(&spoiled.disk), before, "{number} {suffix}");
            assert_eq!(all(&log), every_batch());
        }
    }
}

#[test]
fn an_index_without_a_log_goes() {
    let fixture = closed_or_not(true);
    fixture.disk.put(&path("00000000000000000099.index"), &[0; 8]);
    fixture.disk.put(&path("00000000000000000099.timeindex"), &[0; 12]);
    fixture.open();
    assert!(!fixture.disk.names(Path::new(DIRECTORY)).iter().any(|name| name.starts_with("00000000000000000099")));
}

#[test]
fn epochs_are_made_anew_when_their_file_is_torn_stale_or_gone() {
    let fixture = closed_or_not(true);
    let file = path("leader-epoch-checkpoint");
    let right = fixture.disk.contents(&file);
    assert_eq!(right, b"0\n5\n0 0\n1 4\n2 6\n3 8\n4 10\n");
    let wrong: [Option<&[u8]>; 7] = [
        None,
        Some(b""),
        Some(b"0\n5\n0 0\n1 4\n2 6\n3 8\n4 1"),
        Some(b"0\n1\n0 0\n"),
        Some(b"0\n0\n"),
        Some(b"0\n6\n0 0\n1 4\n2 6\n3 8\n4 10\n5 20\n"),
        Some(b"0\n3\n2 6\n3 8\n4 10\n"),
    ];
    for clean_shutdown in [true, false] {
        for text in wrong {
            let disk = fixture.disk.killed();
            match text {
                Some(text) => disk.put(&file, text),
                None => disk.remove_file(&file).unwrap(),
            }
            let log = Fixture { disk: disk.clone(), clean_shutdown, recovery_point: Offset(12), ..Fixture::default() }.open();
            assert_eq!(disk.contents(&file), right, "{text:?}");
            assert_eq!(log.epoch_at(Offset(7)), Some(LeaderEpoch(2)));
        }
    }
    // What contradicts the batches above the recovery point is found out, too.
    let disk = fixture.disk.killed();
    disk.put(&file, b"0\n5\n0 0\n1 3\n2 5\n3 7\n4 9\n");
    Fixture { disk: disk.clone(), ..Fixture::default() }.open();
    assert_eq!(disk.contents(&file), right);
}

#[test]
fn a_segment_written_to_after_a_clean_stop_is_scanned() {
    let fixture = closed_or_not(true);
    let bytes = fixture.disk.contents(&name(LAST, ".log"));
    fixture.disk.put(&name(LAST, ".log"), &[&bytes[..], &[0; 100]].concat());
    assert_eq!(all(&fixture.open()), every_batch());
    assert_eq!(fixture.disk.contents(&name(LAST, ".log")), bytes);
}

#[test]
fn the_log_start_beyond_the_end_starts_an_empty_log() {
    let fixture = Fixture { log_start_offset: Offset(50), ..closed_or_not(true) };
    let log = fixture.open();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.size()), (Offset(50), Offset(50), 0));
    assert_eq!(log.latest_epoch(), None);
}

#[test]
fn leftovers_are_settled_as_kafka_does() {
    let fixture = closed_or_not(true);
    let all_names = |disk: &SimulatedDisk| disk.names(Path::new(DIRECTORY));
    let before = all_names(&fixture.disk);
    let contents = |segment| fixture.disk.contents(&name(segment, ".log"));
    // Half made, to be removed, not renamed yet: all go. What belongs to the metadata log stays.
    let disk = fixture.disk.killed();
    for leftover in ["00000000000000000000.log.cleaned", "00000000000000000004.log.swap", "00000000000000000000.log.deleted"] {
        disk.put(&path(leftover), b"x");
    }
    disk.put(&path("00000000000000000004.snapshot.deleted"), b"x");
    disk.put(&path("leader-epoch-checkpoint.tmp"), b"x");
    let owned = "00000000000000000003-0000000001.checkpoint.deleted";
    disk.put(&path(owned), b"x");
    let log = Fixture { disk: disk.clone(), ..Fixture { clean_shutdown: true, ..Fixture::default() } }.open();
    assert_eq!(all(&log), every_batch());
    let mut expected = before.clone();
    expected.push(owned.to_owned());
    expected.sort();
    assert_eq!(all_names(&disk), expected);

    // A cleaned segment that was whole takes the place of the two that it was made from.
    let disk = fixture.disk.killed();
    let kept = batch(2).bytes().len();
    let cleaned = [&contents(FIRST)[..kept], &contents(SECOND)[kept..]].concat();
    disk.put(&path("00000000000000000000.log.swap"), &cleaned);
    let log = Fixture { disk: disk.clone(), clean_shutdown: true, ..Fixture::default() }.open();
    assert_eq!(all(&log), [(0, 1), (6, 7), (8, 9), (10, 11)]);
    assert!(!all_names(&disk).iter().any(|name| name.contains("swap") || name.starts_with(SECOND)));
}

#[test]
fn a_directory_made_before_a_power_cut_is_there_or_not_but_never_half() {
    for seed in 0..40 {
        for calls in 0..30 {
            let fixture = Fixture { disk: new_disk(seed), ..Fixture::default() };
            fixture.disk.cut_power_after(calls);
            let opened = Log::open(fixture.options()).is_ok();
            let disk = if fixture.disk.has_crashed() { fixture.disk.mount().killed() } else { fixture.disk.crashed(seed) };
            let mut log = Fixture { disk, ..Fixture::default() }.open();
            append(&mut log, batch(1)).unwrap();
            assert_eq!(all(&log), [(0, 0)]);
            if opened {
                break;
            }
        }
    }
}

#[test]
fn after_a_clean_stop_only_the_end_of_the_log_is_read() {
    let mut fixture = Fixture::default();
    let mut log = fixture.open();
    for number in 0..100 {
        append(&mut log, batch(1).value_bytes(10_000).at(NOW.0 + number)).unwrap();
    }
    log.close(NOW).unwrap();
    fixture.clean_shutdown = true;
    let read = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&read);
    fixture.disk.on_done(Box::new(move |call, _| {
        use crate::disk::Operation;
        if matches!(call.operation, Operation::ReadAt | Operation::ReadIfCached) {
            eprintln!("READ {:?} {} {}", call.path, call.position, call.length);
            counted.fetch_add(call.length, std::sync::atomic::Ordering::Relaxed);
        }
    }));
    assert_eq!(fixture.open().log_end_offset(), Offset(100));
    let read = read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(read < 100_000, "of 1,000,000 bytes {read} were read");
}
