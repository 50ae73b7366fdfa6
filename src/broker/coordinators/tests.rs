//! Replays, and hosts, over a partition on a disk in memory.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use tokio::sync::watch;

use super::*;
use crate::broker::partition::PartitionOptions;
use crate::broker::{LogDirectory, SyncQueue};
use crate::config::{ConfigMap, DynamicConfigs, FlushMode, ServerConfig, TopicSettings};
use crate::coordinator::{EncodedRecord, Journal as _, Origin, UnreadableRecord};
use crate::disk::SimulatedDisk;
use crate::log::{Log, LogConfig, OpenFiles, OpenOptions, Validated};
use crate::record::{BatchBuilder, BatchHeader, BatchOptions, ControlType, NewRecord, control_batch};
use crate::seams::Disk as _;
use crate::types::{Acks, Compression, DirectoryId, Now, ProducerEpoch, ProducerId, Sequence, Timestamp};

const EPOCH: LeaderEpoch = LeaderEpoch(3);
const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Lists what is applied. "?" is a key of an unknown kind, "!" one that cannot be read.
#[derive(Debug, Default)]
struct Keys(Vec<(i64, String)>);

impl Coordinator for Keys {
    type Record = String;
    type Reply = ();
    type Event = ();

    fn encode(&self, _: &String) -> EncodedRecord {
        unreachable!("a replay writes nothing")
    }

    fn decode(key: &[u8], _: Option<&[u8]>) -> Result<Option<String>, UnreadableRecord> {
        match key {
            b"?" => Ok(None),
            b"!" => Err(UnreadableRecord("!".to_owned())),
            key => Ok(Some(String::from_utf8(key.to_vec()).unwrap())),
        }
    }

    fn apply(&mut self, record: String, offset: Offset, origin: Origin) {
        assert_eq!(origin, Origin::Replay { now: Now::default() });
        self.0.push((offset.0, record));
    }

    fn loaded(&mut self, _: &mut Context<'_, Self>) {}

    fn expire(&mut self, _: &mut Context<'_, Self>) {}

    fn next_deadline(&self) -> Option<Now> {
        None
    }
}

fn id() -> TopicIdPartition {
    TopicIdPartition { topic_id: TopicId(uuid::Uuid::from_u128(1)), partition: PartitionIndex(0) }
}

/// A partition whose appends are durable at once, in segments of a few batches.
fn partition() -> Arc<Partition> {
    let disk = Arc::new(SimulatedDisk::new(1));
    disk.create_directory(Path::new("/data")).unwrap();
    let syncs = SyncQueue::new(|cycle| cycle());
    let alive = Arc::new(AtomicUsize::new(1));
    let data = PathBuf::from("/data");
    let directory = LogDirectory::new(data, DirectoryId::default(), syncs, true, alive, watch::Sender::new(None));
    let log = Log::open(OpenOptions {
        disk,
        directory: PathBuf::from("/data/__consumer_offsets-0"),
        topic_id: Some(id().topic_id),
        config: LogConfig { segment_bytes: 400, ..LogConfig::default() },
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        clean_shutdown: false,
        now: NOW,
        open_files: OpenFiles::new(100),
    });
    let settings = TopicSettings::resolve(&ServerConfig::default().settings, DynamicConfigs::none(), &ConfigMap::new());
    let options = PartitionOptions {
        topic: TopicName::new(GROUP_METADATA),
        id: id(),
        directory,
        log: log.unwrap(),
        settings: Arc::new(settings),
        leader_epoch: EPOCH,
        is_leader: true,
        flush_mode: FlushMode::Durable,
    };
    Partition::new(options).unwrap()
}

fn append(partition: &Arc<Partition>, mut bytes: Vec<u8>) {
    let header = BatchHeader::parse(&bytes).unwrap();
    let batch = Validated { bytes: &mut bytes, header, max_timestamp_delta: 0 };
    partition.append(batch, Acks::Leader, None, NOW).unwrap();
}

fn batch(options: BatchOptions, keys: &[Option<&str>]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for key in keys {
        builder.push(&NewRecord { timestamp: NOW, key: key.map(str::as_bytes), value: Some(b"value"), headers: Vec::new() });
    }
    builder.finish()
}

fn plain(keys: &[&str]) -> Vec<u8> {
    batch(BatchOptions::default(), &keys.iter().copied().map(Some).collect::<Vec<_>>())
}

fn of_transaction(producer: i64, sequence: i32) -> BatchOptions {
    let producer = Some((ProducerId(producer), ProducerEpoch(0), Sequence(sequence)));
    BatchOptions { producer, transactional: true, ..BatchOptions::default() }
}

/// In Kafka's logs a marker has no sequence. Our own log does not take one yet, so here it goes on with its producer's.
fn marker(producer: i64, sequence: i32, marker: ControlType) -> Vec<u8> {
    control_batch(of_transaction(producer, sequence), NOW, &[(marker, &[0; 6])])
}

/// What a replay in pieces of `chunk` bytes applies, and of how many pieces it was.
fn replayed(partition: &Arc<Partition>, chunk: usize) -> (Vec<(i64, String)>, usize) {
    let end = partition.log_end().unwrap();
    let mut replay = Replay::begin(Keys::default(), Arc::clone(partition), EPOCH, end, Now::default()).unwrap();
    for pieces in 0..100 {
        match replay.piece(chunk).unwrap() {
            Progress::More(rest) => replay = rest,
            Progress::Done(Keys(applied)) => return (applied, pieces),
        }
    }
    panic!("no end");
}

fn applied(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(offset, key)| (*offset, (*key).to_owned())).collect()
}

#[test]
fn a_replay_applies_every_record_once_and_in_order_however_large_its_pieces_are() {
    let partition = partition();
    assert_eq!(replayed(&partition, 1), (Vec::new(), 0), "an empty partition is loaded at once");
    let mut expected = Vec::new();
    for number in 0..20 {
        let keys = [format!("a{number}"), format!("b{number}")];
        append(&partition, plain(&[&keys[0], &keys[1]]));
        expected.extend((2 * number..).zip(keys));
    }
    for (chunk, pieces) in [(1, 20), (250, 10)] {
        assert_eq!(replayed(&partition, chunk), (expected.clone(), pieces), "{chunk} bytes at a time");
    }
    let (all, pieces) = replayed(&partition, 1 << 20);
    assert_eq!(all, expected);
    assert!((2..10).contains(&pieces), "one per segment: {pieces}");
}

#[test]
fn a_replay_steps_over_what_is_not_a_coordinators_record() {
    let partition = partition();
    append(&partition, batch(BatchOptions::default(), &[Some("a"), None, Some("?"), Some("!"), Some("b")]));
    append(&partition, control_batch(BatchOptions::default(), NOW, &[(ControlType::LeaderChange, b"c")]));
    append(&partition, batch(BatchOptions { compression: Compression::Zstd, ..BatchOptions::default() }, &[Some("d")]));
    assert_eq!(replayed(&partition, 1).0, applied(&[(0, "a"), (4, "b"), (6, "d")]));
}

/// Kafka writes the offsets of transactions as it writes records of transactions: they stand before their marker.
#[test]
fn what_a_transaction_wrote_counts_from_its_commit_marker_on_and_never_without_one() {
    let partition = partition();
    append(&partition, batch(of_transaction(1, 0), &[Some("committed")]));
    append(&partition, batch(of_transaction(2, 0), &[Some("aborted")]));
    append(&partition, plain(&["between"]));
    append(&partition, marker(1, 1, ControlType::Commit));
    append(&partition, marker(2, 1, ControlType::Abort));
    append(&partition, batch(of_transaction(2, 1), &[Some("open")]));
    append(&partition, plain(&["last"]));
    let expected = applied(&[(2, "between"), (0, "committed"), (6, "last")]);
    assert_eq!(replayed(&partition, 1).0, expected);
    assert_eq!(replayed(&partition, 1 << 20).0, expected);
}

#[test]
fn a_replay_for_an_epoch_that_is_over_fails() {
    let partition = partition();
    append(&partition, plain(&["a"]));
    let replay =
        |epoch| Replay::begin(Keys::default(), Arc::clone(&partition), epoch, Offset(1), Now::default()).unwrap().piece(1);
    assert!(matches!(replay(LeaderEpoch(2)), Err(LoadError::Partition(PartitionError::FencedLeaderEpoch))));
    assert!(matches!(replay(EPOCH), Ok(Progress::More(_))));
}

fn shard(host: &Host, partition: Arc<Partition>) -> Arc<GroupShard> {
    let journal = PartitionJournal { partition, leader_epoch: EPOCH, compression: Compression::None };
    let groups = GroupCoordinator::new(Arc::new(ServerConfig::default().groups));
    let wake = Arc::clone(&host.wake);
    Arc::new(Shard::new(groups, Offset::ZERO, journal, Box::new(move |_| wake.notify_one())))
}

fn deleted(number: u128) -> DeletedTopic {
    (TopicName::new("t"), TopicId(uuid::Uuid::from_u128(number)))
}

#[test]
fn topics_that_are_deleted_while_there_is_no_shard_are_told_to_the_next() {
    let (host, partition) = (Host::new(id(), EPOCH), partition());
    assert_eq!(host.shard().unwrap_err(), CoordinatorError::Loading);
    assert!(host.forgets(&[deleted(1)]).is_none());
    assert!(host.turn(Phase::Failed));
    assert_eq!(host.shard().unwrap_err(), CoordinatorError::NotAvailable);
    assert!(host.forgets(&[deleted(2)]).is_none());
    assert!(host.turn(Phase::Loading));
    let first = shard(&host, Arc::clone(&partition));
    assert_eq!(host.begin(&first), [deleted(1), deleted(2)]);
    assert!(host.forgets(&[deleted(3)]).is_some(), "the shard forgets them itself");
    first.give_up();
    assert!(host.forgets(&[deleted(4)]).is_none(), "it is given up");
    assert_eq!(host.begin(&shard(&host, partition)), [deleted(4)]);
}

#[test]
fn a_host_that_is_over_stays_so_and_gives_up_what_comes_too_late() {
    let (host, partition) = (Host::new(id(), EPOCH), partition());
    let first = shard(&host, Arc::clone(&partition));
    assert_eq!(host.begin(&first), []);
    host.end();
    assert!(first.is_given_up());
    let late = shard(&host, partition);
    assert_eq!(host.begin(&late), []);
    assert!(late.is_given_up());
    assert!(!host.turn(Phase::Loading));
    assert_eq!(host.shard().unwrap_err(), CoordinatorError::NotCoordinator);
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_with_its_host_and_not_with_an_alarm() {
    let host = Host::new(id(), EPOCH);
    host.wake.notify_one();
    let begun = tokio::time::Instant::now();
    host.pause(RETRY).await;
    assert_eq!(begun.elapsed(), RETRY);
    let ends = async { host.end() };
    tokio::join!(host.pause(LONGEST_RETRY), ends);
    assert_eq!(begun.elapsed(), RETRY);
}

#[test]
fn a_journal_writes_nothing_for_a_leader_that_was_replaced() {
    let partition = partition();
    let journal =
        |leader_epoch| PartitionJournal { partition: Arc::clone(&partition), leader_epoch, compression: Compression::None };
    let record = EncodedRecord { key: b"a".to_vec(), value: None };
    let append = |epoch| journal(epoch).append(std::slice::from_ref(&record), NOW);
    assert_eq!(append(EPOCH), Ok(Offset(0)));
    assert_eq!(append(LeaderEpoch(2)), Err(Unavailable));
    assert_eq!(partition.log_end().unwrap(), Offset(1));
    assert_eq!(replayed(&partition, 1).0, applied(&[(0, "a")]));
}
