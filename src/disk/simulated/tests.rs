#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Cache, Operation, Reaction, SimulatedDisk};
use crate::disk::conformance;
use crate::seams::{Disk, OpenMode, replace_file};

const SEEDS: u64 = 200;

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn write_file(disk: &dyn Disk, name: &str, bytes: &[u8]) {
    let file = disk.open(path(name), OpenMode::CreateOrOpen).unwrap();
    file.set_length(0).unwrap();
    file.write_at(0, bytes).unwrap();
    file.sync().unwrap();
}

/// A file's bytes; `None` if there is none.
fn read_file(disk: &dyn Disk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(path(name), OpenMode::Read).ok()?;
    let mut bytes = Vec::new();
    file.read_at(0, 1 << 20, &mut bytes).unwrap();
    Some(bytes)
}

/// What `look` sees after a crash that follows `prepare`, over many seeds.
fn after_crash<T: Ord>(prepare: impl Fn(&SimulatedDisk), look: impl Fn(&SimulatedDisk) -> T) -> BTreeSet<T> {
    (0..SEEDS)
        .map(|seed| {
            let disk = SimulatedDisk::new(seed);
            prepare(&disk);
            disk.crash();
            look(&disk.mount())
        })
        .collect()
}

#[test]
fn the_simulated_disk_conforms() {
    conformance::conformance(&SimulatedDisk::new(1), path("/data"));
}

#[test]
fn a_name_is_durable_only_after_its_directory_was_synced() {
    let create = |disk: &SimulatedDisk| write_file(disk, "a", b"a");
    let look = |disk: &SimulatedDisk| read_file(disk, "a");
    assert_eq!(after_crash(create, look), BTreeSet::from([None, Some(b"a".to_vec())]));
    let create_and_sync = |disk: &SimulatedDisk| {
        create(disk);
        disk.sync_directory(path("")).unwrap();
    };
    assert_eq!(after_crash(create_and_sync, look), BTreeSet::from([Some(b"a".to_vec())]));
    let remove = |disk: &SimulatedDisk| {
        create_and_sync(disk);
        disk.remove_file(path("a")).unwrap();
    };
    assert_eq!(after_crash(remove, look), BTreeSet::from([None, Some(b"a".to_vec())]));
}

#[test]
fn a_lost_directory_takes_its_synced_files_with_it() {
    let prepare = |disk: &SimulatedDisk| {
        disk.create_directory(path("topic-0")).unwrap();
        write_file(disk, "topic-0/log", b"records");
        disk.sync_directory(path("topic-0")).unwrap();
    };
    let seen = after_crash(prepare, |disk| (disk.exists(path("topic-0")).unwrap(), read_file(disk, "topic-0/log")));
    assert_eq!(seen, BTreeSet::from([(false, None), (true, Some(b"records".to_vec()))]));
}

#[test]
fn after_a_rename_there_is_the_old_or_the_new_file_and_never_both_names() {
    let prepare = |disk: &SimulatedDisk| {
        write_file(disk, "x", b"old");
        disk.sync_directory(path("")).unwrap();
        write_file(disk, "x.tmp", b"new");
        disk.rename(path("x.tmp"), path("x")).unwrap();
    };
    let seen = after_crash(prepare, |disk| (read_file(disk, "x").unwrap(), read_file(disk, "x.tmp")));
    let (old, new) = (b"old".to_vec(), b"new".to_vec());
    assert_eq!(seen, BTreeSet::from([(old.clone(), None), (old, Some(new.clone())), (new, None)]));
}

#[test]
fn unrelated_names_survive_in_any_combination_and_related_ones_in_order() {
    let prepare = |disk: &SimulatedDisk| {
        ["a", "b", "c"].into_iter().for_each(|name| write_file(disk, name, b""));
        disk.rename(path("c"), path("d")).unwrap();
        write_file(disk, "c", b"second");
    };
    let seen = after_crash(prepare, |disk| ["a", "b", "c", "d"].map(|name| read_file(disk, name)));
    // a and b each there or not; of c: nothing, the first c, d, d and the second c.
    assert_eq!(seen.len(), 16);
    assert!(seen.iter().all(|[_, _, c, d]| d.is_some() || c.as_deref() != Some(b"second")));
}

#[test]
fn syncing_one_directory_takes_along_the_changes_it_builds_on_and_no_others() {
    let prepare = |disk: &SimulatedDisk| {
        ["from", "to"].into_iter().for_each(|name| disk.create_directory(path(name)).unwrap());
        disk.sync_directory(path("")).unwrap();
        write_file(disk, "from/moved", b"1");
        write_file(disk, "from/other", b"2");
        disk.rename(path("from/moved"), path("to/moved")).unwrap();
        disk.sync_directory(path("to")).unwrap();
    };
    let names = ["from/moved", "from/other", "to/moved"];
    let seen = after_crash(prepare, |disk| names.map(|name| disk.exists(path(name)).unwrap()));
    assert_eq!(seen, BTreeSet::from([[false, false, true], [false, true, true]]));
}

#[test]
fn a_half_removed_directory_may_be_left() {
    let prepare = |disk: &SimulatedDisk| {
        disk.create_directory(path("d")).unwrap();
        ["d/a", "d/b"].into_iter().for_each(|name| write_file(disk, name, b""));
        disk.sync_directory(path("d")).unwrap();
        disk.sync_directory(path("")).unwrap();
        disk.remove_directory(path("d")).unwrap();
    };
    let seen = after_crash(prepare, |disk| disk.read_directory(path("d")).map(|entries| entries.len()).ok());
    assert_eq!(seen, BTreeSet::from([None, Some(0), Some(1), Some(2)]));
}

#[test]
fn nothing_opened_before_a_crash_works_after_it() {
    let disk = SimulatedDisk::new(1);
    let file = disk.open(path("a"), OpenMode::CreateNew).unwrap();
    disk.sync_directory(path("")).unwrap();
    let lock = disk.lock(path("lock")).unwrap();
    disk.crash();
    let mounted = disk.mount();
    assert!(disk.has_crashed() && !mounted.has_crashed());
    assert!(file.write_at(0, b"zombie").is_err());
    assert!(file.sync().is_err());
    assert!(disk.open(path("b"), OpenMode::CreateNew).is_err());
    assert!(disk.remove_file(path("a")).is_err());
    assert_eq!(read_file(&mounted, "a").unwrap(), b"");
    let held = mounted.lock(path("lock")).unwrap();
    drop(lock);
    assert_eq!(mounted.lock(path("lock")).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(held);
}

#[test]
fn replacing_a_file_is_atomic_whenever_the_power_goes() {
    let mut interrupted = 0;
    for seed in 0..SEEDS {
        for call in 1.. {
            let disk = SimulatedDisk::new(seed);
            replace_file(&disk, path("checkpoint"), &[1; 700]).unwrap();
            let last = disk.calls() + call;
            disk.on_call(Box::new(move |now| if now.number == last { Reaction::CutPower } else { Reaction::Proceed }));
            let result = replace_file(&disk, path("checkpoint"), &[2; 1_300]);
            let finished = disk.calls() < last;
            disk.on_call(Box::new(|_| Reaction::Proceed));
            disk.crash();
            let bytes = read_file(&disk.mount(), "checkpoint").unwrap();
            assert!(bytes == [2; 1_300] || (result.is_err() && bytes == [1; 700]), "seed {seed}, call {call}: {bytes:?}");
            if finished {
                break;
            }
            interrupted += 1;
        }
    }
    assert_eq!(interrupted, SEEDS * 6);
}

#[test]
fn syncs_that_are_taken_out_say_yes_and_do_nothing() {
    let checkpoint = |disk: &SimulatedDisk| replace_file(disk, path("checkpoint"), &[1; 700]).unwrap();
    let look = |disk: &SimulatedDisk| read_file(disk, "checkpoint") == Some(vec![1; 700]);
    assert_eq!(after_crash(checkpoint, look), BTreeSet::from([true]));
    let without_file_sync = |disk: &SimulatedDisk| {
        disk.configure(|faults| faults.ignore_file_sync = true);
        checkpoint(disk);
    };
    assert_eq!(after_crash(without_file_sync, look), BTreeSet::from([false, true]));
    let without_directory_sync = |disk: &SimulatedDisk| {
        disk.configure(|faults| faults.ignore_directory_sync = true);
        checkpoint(disk);
    };
    assert_eq!(after_crash(without_directory_sync, look), BTreeSet::from([false, true]));
}

#[test]
fn the_nth_sync_fails_and_what_it_lost_stays_lost() {
    let disk = SimulatedDisk::new(1);
    let file = disk.open(path("a"), OpenMode::CreateNew).unwrap();
    disk.configure(|faults| faults.fail_sync = Some(3));
    file.sync().unwrap();
    disk.sync_directory(path("")).unwrap();
    file.write_at(0, &[1; 100_000]).unwrap();
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
    file.sync().unwrap();
    disk.crash();
    assert!(read_file(&disk.mount(), "a").unwrap() != [1; 100_000]);
}

#[test]
fn a_full_disk_takes_a_prefix_and_goes_on_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    disk.configure(|faults| faults.capacity = Some(1_000));
    write_file(&disk, "a", &[1; 600]);
    let file = disk.open(path("b"), OpenMode::CreateNew).unwrap();
    assert_eq!((disk.available_bytes(path("")).unwrap(), disk.total_bytes(path("")).unwrap()), (400, 1_000));
    let error = file.write_at(100, &[2; 500]).unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::StorageFull, Some(28)));
    assert_eq!(file.length().unwrap(), 400);
    assert_eq!(file.set_length(500).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_at(0, &[3; 400]).unwrap();
    disk.remove_file(path("a")).unwrap();
    file.write_at(400, &[2; 600]).unwrap();
    assert_eq!(disk.available_bytes(path("")).unwrap(), 0);
}

#[test]
fn an_unreadable_sector_fails_the_reads_that_touch_it() {
    let disk = SimulatedDisk::new(1);
    write_file(&disk, "a", &[1; 2_000]);
    disk.make_unreadable(path("a"), 600).unwrap();
    let file = disk.open(path("a"), OpenMode::Read).unwrap();
    let mut bytes = Vec::new();
    for (position, length, readable) in [(0, 512, true), (0, 513, false), (1_023, 1, false), (1_024, 976, true), (600, 0, true)] {
        let result = file.read_at(position, length, &mut bytes);
        assert_eq!(result.is_ok(), readable, "{length} bytes from {position}");
        assert_eq!(file.read_if_cached(position, length, &mut bytes).is_ok(), readable);
    }
    assert_eq!(bytes.len(), 2 * (512 + 976));
}

#[test]
fn the_cache_can_be_cold() {
    let disk = SimulatedDisk::new(1);
    write_file(&disk, "a", b"text");
    let file = disk.open(path("a"), OpenMode::Read).unwrap();
    let mut bytes = Vec::new();
    disk.configure(|faults| faults.cache = Cache::Cold);
    assert_eq!(file.read_if_cached(0, 4, &mut bytes).unwrap(), None);
    disk.configure(|faults| faults.cache = Cache::Mixed);
    let warm = (0..100).filter(|_| file.read_if_cached(0, 4, &mut bytes).unwrap().is_some()).count();
    assert!((30..70).contains(&warm));
    assert_eq!(bytes.len(), warm * 4);
}

#[test]
fn the_hook_can_fail_a_call_and_the_trace_sees_all() {
    let disk = SimulatedDisk::new(1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let trace = Arc::clone(&seen);
    disk.on_done(Box::new(move |call, error| {
        trace.lock().unwrap().push((call.number, call.operation, call.path.to_owned(), call.bytes.to_vec(), error));
    }));
    disk.on_call(Box::new(|call| {
        let fails = call.operation == Operation::SyncDirectory;
        if fails { Reaction::Fail(ErrorKind::Interrupted) } else { Reaction::Proceed }
    }));
    let file = disk.open(path("a"), OpenMode::CreateNew).unwrap();
    file.write_at(3, b"text").unwrap();
    disk.sync_directory(path("/")).unwrap_err();
    let expected = [
        (1, Operation::Open, path("a").to_owned(), Vec::new(), None),
        (2, Operation::WriteAt, path("a").to_owned(), b"text".to_vec(), None),
        (3, Operation::SyncDirectory, path("/").to_owned(), Vec::new(), Some(ErrorKind::Interrupted)),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn the_same_seed_gives_the_same_disk() {
    let run = |seed| {
        let disk = SimulatedDisk::new(seed);
        for round in 0..20u8 {
            write_file(&disk.mount(), &format!("synced-{round}"), &[round; 1_000]);
            let file = disk.mount().open(path(&format!("file-{round}")), OpenMode::CreateNew);
            file.unwrap().write_at(0, &[round; 3_000]).unwrap();
            disk.crash();
        }
        let mounted = disk.mount();
        let names: Vec<String> = mounted.read_directory(path("")).unwrap().into_iter().map(|entry| entry.name).collect();
        names.into_iter().map(|name| (read_file(&mounted, &name), name)).collect::<Vec<_>>()
    };
    assert!((0..20).all(|seed| run(seed) == run(seed)));
    assert_ne!(run(1), run(2));
}
