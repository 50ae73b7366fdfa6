//! The quorum as a whole, on a directory of a real disk or on the simulated one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use super::testing::{NODE, Node, UNREADABLE, directory_id, eager, live, options};
use super::{ProposeError, Quorum, QuorumFault, QuorumSettings};
use crate::disk::{Operation, Reaction, RealDisk, SimulatedDisk};
use crate::seams::{Disk, OpenMode};
use crate::types::{DirectoryId, LeaderEpoch, NodeId, Offset};

fn real() -> (tempfile::TempDir, Arc<dyn Disk>) {
    (tempfile::tempdir().unwrap(), Arc::new(RealDisk))
}

fn log_directory(root: &Path) -> std::path::PathBuf {
    root.join("__cluster_metadata-0")
}

fn names(root: &Path, suffix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(log_directory(root)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(suffix));
    names.sort();
    names
}

async fn start(disk: &Arc<dyn Disk>, root: &Path, settings: QuorumSettings) -> Node {
    Node::start(Arc::clone(disk), root, 1, settings).await.unwrap()
}

#[test]
fn proposals_are_applied_in_order_and_outlive_a_restart() {
    let (root, disk) = real();
    let image = live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let active = node.active().await.unwrap();
        assert_eq!((active.leader, active.epoch), (Some(NODE), LeaderEpoch(1)));
        // Kraft version and voters at 0 and 1, the leader change of epoch 1 at 2.
        assert_eq!(active.next_offset, Offset(3));
        assert_eq!(node.quorum.voters(), [NODE]);
        let mut next = active.next_offset;
        for number in 0..50 {
            node.propose(&mut next, &[&format!("a{number}"), &format!("b{number}")]).await;
            assert_eq!(node.image.get().next_offset, next, "applied before the proposal resolves");
        }
        node.quorum.read_barrier().await.unwrap();
        node.quorum.shut_down().await;
        assert_eq!(*node.quorum.failure().borrow(), None);
        node.image.get()
    });
    assert_eq!(image.records.len(), 100);
    assert_eq!(image.records[3], "b1");
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let active = node.active().await.unwrap();
        // A restarted leader is elected anew, in a higher epoch.
        assert_eq!((active.epoch, active.next_offset), (LeaderEpoch(2), image.next_offset.next()));
        assert_eq!(node.image.get().records, image.records);
        let mut next = active.next_offset;
        node.propose(&mut next, &["later"]).await;
        let last = node.image.get().batches.pop().unwrap();
        assert_eq!((last.leader_epoch, last.records), (LeaderEpoch(2), vec![Bytes::from_static(b"later")]));
    });
}

#[test]
fn proposals_keep_the_order_of_their_calls_and_share_syncs() {
    let (root, disk) = real();
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let first = node.active().await.unwrap().next_offset;
        let began = tokio::time::Instant::now();
        let waiting: Vec<_> =
            (0..100_i64).map(|number| node.quorum.propose(first.plus(number), vec![Bytes::from(number.to_string())])).collect();
        // Polled in another order.
        for (number, proposed) in waiting.into_iter().enumerate().rev() {
            assert_eq!(proposed.await.unwrap().base_offset, first.plus(i64::try_from(number).unwrap()));
        }
        let records: Vec<Bytes> = (0..100).map(|number: i32| Bytes::from(number.to_string())).collect();
        assert_eq!(node.image.get().records, records);
        assert!(began.elapsed() < Duration::from_millis(20), "100 syncs of 2 ms each would be 200 ms");
    });
}

#[test]
fn a_wrong_prediction_is_refused_and_changes_nothing() {
    let (root, disk) = real();
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let next = node.active().await.unwrap().next_offset;
        let predicted = next.next();
        let refused = node.quorum.propose(predicted, vec![Bytes::from_static(b"x")]).await;
        assert_eq!(refused, Err(ProposeError::OffsetMismatch { predicted, expected: next }));
        let large = node.quorum.propose(next, vec![Bytes::from(vec![0; 8 << 20])]).await;
        assert!(matches!(large, Err(ProposeError::TooLarge(_))), "{large:?}");
        let mut next = next;
        node.propose(&mut next, &["x"]).await;
        assert_eq!(node.image.get().records, ["x"]);
    });
}

#[test]
fn a_full_queue_refuses_and_the_count_stays_right() {
    let (root, disk) = real();
    live(async {
        let settings = QuorumSettings { max_queued_proposals: 4, ..QuorumSettings::default() };
        let node = start(&disk, root.path(), settings).await;
        let mut next = node.active().await.unwrap().next_offset;
        let mut taken = Vec::new();
        loop {
            let mut proposed = node.quorum.propose(next, vec![Bytes::from_static(b"x")]);
            if let Some(refused) = (&mut proposed).now_or_never() {
                assert_eq!(refused, Err(ProposeError::Busy));
                break;
            }
            taken.push(proposed);
            next = next.next();
        }
        assert!((1..=5).contains(&taken.len()), "{}", taken.len());
        for proposed in taken {
            proposed.await.unwrap();
        }
        node.propose(&mut next, &["y"]).await;
    });
}

#[test]
fn snapshots_cut_the_log_and_a_restart_begins_with_the_newest() {
    let (root, disk) = real();
    let image = live(async {
        let node = start(&disk, root.path(), eager()).await;
        let mut next = node.active().await.unwrap().next_offset;
        for number in 0..150 {
            node.propose(&mut next, &[&format!("record {number}")]).await;
            // Time for the snapshot to be written.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        node.image.get()
    });
    let snapshots = names(root.path(), ".checkpoint");
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    let segments = names(root.path(), ".log");
    assert_ne!(segments[0], "00000000000000000000.log", "the first segment is gone");
    live(async {
        let node = start(&disk, root.path(), eager()).await;
        let active = node.active().await.unwrap();
        let recorded = node.image.get();
        assert_eq!((recorded.loads, recorded.records), (1, image.records));
        assert_eq!(active.next_offset, image.next_offset.next());
        // On demand: covers all that is applied.
        node.quorum.snapshot().await.unwrap();
        assert_eq!(names(root.path(), ".checkpoint"), [format!("{:020}-0000000002.checkpoint", active.next_offset.0)]);
        node.quorum.snapshot().await.unwrap();
    });
}

#[test]
fn a_snapshot_is_made_when_its_time_has_come_and_something_is_new() {
    let (root, disk) = real();
    live(async {
        let settings = QuorumSettings { snapshot_interval: Some(Duration::from_secs(60)), ..QuorumSettings::default() };
        let node = start(&disk, root.path(), settings).await;
        let mut next = node.active().await.unwrap().next_offset;
        assert!(names(root.path(), ".checkpoint").is_empty());
        tokio::time::sleep(Duration::from_secs(61)).await;
        let first = names(root.path(), ".checkpoint");
        assert_eq!(first.len(), 1);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(names(root.path(), ".checkpoint"), first, "nothing was new");
        node.propose(&mut next, &["new"]).await;
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_ne!(names(root.path(), ".checkpoint"), first);
    });
}

#[test]
fn a_snapshot_that_finds_no_space_is_made_once_there_is_some() {
    let disk = SimulatedDisk::new(1);
    let root = Path::new("/metadata");
    disk.create_directory(root).unwrap();
    let names = || disk.read_directory(&log_directory(root)).unwrap().into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    live(async {
        let node = Node::start(Arc::new(disk.clone()), root, 1, eager()).await.unwrap();
        let mut next = node.active().await.unwrap().next_offset;
        let tried = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tried);
        disk.on_call(Box::new(move |call| {
            let is_snapshot = call.path.extension().is_some_and(|extension| extension == "part");
            if call.operation != Operation::WriteAt || !is_snapshot {
                return Reaction::Proceed;
            }
            counted.fetch_add(1, Ordering::SeqCst);
            Reaction::Fail(ErrorKind::StorageFull)
        }));
        for number in 0..100 {
            node.propose(&mut next, &[&format!("record {number}")]).await;
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert!((2..5).contains(&tried.load(Ordering::SeqCst)), "tried from time to time: {tried:?}");
        assert_eq!(*node.quorum.failure().borrow(), None);
        assert!(!names().iter().any(|name| name.contains(".checkpoint")), "nothing of it is left: {:?}", names());
        disk.on_call(Box::new(|_| Reaction::Proceed));
        tokio::time::sleep(Duration::from_secs(100)).await;
        node.propose(&mut next, &["later"]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    assert!(names().iter().any(|name| name.ends_with(".checkpoint")), "{:?}", names());
    live(async {
        let node = Node::start(Arc::new(disk.mount()), root, 1, eager()).await.unwrap();
        node.active().await.unwrap();
        let recorded = node.image.get();
        assert_eq!((recorded.loads, recorded.records.len()), (1, 101));
    });
}

#[test]
fn a_torn_tail_is_cut_off() {
    let (root, disk) = real();
    let image = written(&disk, root.path(), 10);
    let path = log_directory(root.path()).join("00000000000000000000.log");
    let file = disk.open(&path, OpenMode::ReadWrite).unwrap();
    let length = file.length().unwrap();
    let mut torn = Vec::new();
    file.read_at(0, 100, &mut torn).unwrap();
    file.write_at(length, &torn).unwrap();
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        node.active().await.unwrap();
        assert_eq!(node.image.get().records, image);
    });
}

/// A first life with so many proposals; returns the image.
fn written(disk: &Arc<dyn Disk>, root: &Path, proposals: usize) -> Vec<Bytes> {
    live(async {
        let node = start(disk, root, QuorumSettings::default()).await;
        let mut next = node.active().await.unwrap().next_offset;
        for number in 0..proposals {
            node.propose(&mut next, &[&format!("record {number}")]).await;
        }
        node.image.get().records
    })
}

fn refusal(disk: &Arc<dyn Disk>, root: &Path) -> String {
    live(async { Node::start(Arc::clone(disk), root, 1, QuorumSettings::default()).await.err().unwrap().to_string() })
}

#[test]
fn a_log_that_has_lost_committed_batches_is_refused() {
    let (root, disk) = real();
    written(&disk, root.path(), 10);
    let file = disk.open(&log_directory(root.path()).join("00000000000000000000.log"), OpenMode::ReadWrite).unwrap();
    let length = file.length().unwrap();
    file.set_length(length - 10).unwrap();
    let problem = refusal(&disk, root.path());
    assert!(problem.contains("committed up to 1.11, the log holds 1.10"), "{problem}");
    file.set_length(0).unwrap();
    let problem = refusal(&disk, root.path());
    assert!(problem.contains("quorum-state knows epoch 1, but the metadata log is empty"), "{problem}");
}

#[test]
fn the_log_of_another_voter_is_refused() {
    let (root, disk) = real();
    written(&disk, root.path(), 1);
    live(async {
        for (node_id, directory_id) in [(NodeId(4), directory_id()), (NODE, DirectoryId(uuid::Uuid::from_u128(9)))] {
            let image = Arc::default();
            let options = super::QuorumOptions {
                node_id,
                directory_id,
                ..options(Arc::clone(&disk), root.path(), 1, QuorumSettings::default(), image)
            };
            let fault = Quorum::start(options).await.err().unwrap();
            assert!(matches!(fault, QuorumFault::Foreign { .. }), "{fault}");
        }
    });
    assert_eq!(written(&disk, root.path(), 1).len(), 2, "and was not touched");
}

#[test]
fn a_record_that_cannot_be_read_fails_the_quorum() {
    let (root, disk) = real();
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let next = node.active().await.unwrap().next_offset;
        let fault = node.quorum.propose(next, vec![Bytes::from_static(UNREADABLE)]).await.unwrap_err();
        let problem = node.quorum.failure().borrow().clone().unwrap();
        assert!(problem.contains("offset 3 cannot be read: it says so"), "{problem}");
        assert_eq!(fault, ProposeError::Fault(problem.clone()));
        let mut leader = node.quorum.leader();
        leader.wait_for(|leader| !leader.is_active).await.unwrap();
        assert_eq!(node.quorum.propose(next, vec![Bytes::new()]).await, Err(ProposeError::Fault(problem.clone())));
        assert_eq!(node.quorum.read_barrier().await, Err(ProposeError::Fault(problem.clone())));
        assert_eq!(node.quorum.snapshot().await, Err(ProposeError::Fault(problem)));
        node.quorum.shut_down().await;
    });
}

#[test]
fn after_a_shutdown_nothing_is_taken() {
    let (root, disk) = real();
    live(async {
        let node = start(&disk, root.path(), QuorumSettings::default()).await;
        let next = node.active().await.unwrap().next_offset;
        node.quorum.shut_down().await;
        let refused = node.quorum.propose(next, vec![Bytes::new()]).await;
        assert!(matches!(refused, Err(ProposeError::Fault(_) | ProposeError::NotLeader { .. })), "{refused:?}");
        assert!(node.quorum.snapshot().await.is_err());
        assert_eq!(*node.quorum.failure().borrow(), None);
    });
}

#[test]
fn the_log_rolls_by_size_and_time() {
    let (root, disk) = real();
    live(async {
        let settings = QuorumSettings { segment_bytes: 400, ..QuorumSettings::default() };
        let node = start(&disk, root.path(), settings).await;
        let mut next = node.active().await.unwrap().next_offset;
        for _ in 0..10 {
            node.propose(&mut next, &[&"x".repeat(100)]).await;
        }
        assert!(names(root.path(), ".log").len() > 3, "{:?}", names(root.path(), ".log"));
    });
    let (root, disk) = real();
    live(async {
        let settings = QuorumSettings { segment_ms: 1000, ..QuorumSettings::default() };
        let node = start(&disk, root.path(), settings).await;
        let mut next = node.active().await.unwrap().next_offset;
        node.propose(&mut next, &["x"]).await;
        assert_eq!(names(root.path(), ".log").len(), 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
        node.propose(&mut next, &["y"]).await;
        assert_eq!(names(root.path(), ".log").len(), 2);
    });
}
