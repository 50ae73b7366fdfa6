//! The table of partitions over a disk in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{ErrorKind, Write};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::watch;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::broker::SyncQueue;
use crate::broker::clock::SystemClock;
use crate::broker::execution::{ExecutionSizes, ThreadedExecution};
use crate::broker::maintenance::Chore;
use crate::disk::{Operation, Reaction, SimulatedDisk};
use crate::log::checkpoint::{REPLICATION_OFFSET, read_offsets};
use crate::metadata::records::{self, ConfigResourceType, LeaderRecoveryState, MetadataRecord};
use crate::seams::{Blocking, BoxFuture, Lane};
use crate::types::{BrokerEpoch, DirectoryId, LeaderEpoch, PartitionEpoch, Timestamp, TopicName};

/// Collects the program's own log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn about(&self, text: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().filter(|line| line.contains(text)).count()
    }
}

fn table() -> Arc<Partitions> {
    table_over(SimulatedDisk::new(1), Found::default())
}

fn table_over(disk: SimulatedDisk, found: Found) -> Arc<Partitions> {
    let disk = Arc::new(disk);
    let config = Arc::new(ServerConfig::default());
    let directory = PathBuf::from("/data");
    disk.create_directory(&directory).unwrap();
    let syncs = SyncQueue::new(|cycle| cycle());
    let directory = LogDirectory::new(
        directory,
        DirectoryId::default(),
        syncs,
        true,
        Arc::new(AtomicUsize::new(1)),
        watch::Sender::new(None),
    );
    Partitions::new(PartitionsOptions {
        metrics: Arc::new(Metrics::new(&config)),
        config,
        disk,
        clock: Arc::new(SystemClock::new()),
        directories: vec![directory],
        found: vec![found],
    })
}

fn topic_id(number: u128) -> TopicId {
    TopicId(uuid::Uuid::from_u128(number))
}

/// A topic of three partitions.
fn topic(name: &str, id: u128) -> Vec<MetadataRecord> {
    let mut all = vec![records::Topic { name: TopicName::new(name), topic_id: topic_id(id) }.into()];
    all.extend((0..3).map(|index| {
        MetadataRecord::from(records::Partition {
            partition_id: PartitionIndex(index),
            topic_id: topic_id(id),
            replicas: vec![NodeId(1)],
            isr: vec![NodeId(1)],
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            leader: Some(NodeId(1)),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            directories: vec![DirectoryId::default()],
            leader_recovery_state: LeaderRecoveryState::Recovered,
            eligible_leader_replicas: None,
            last_known_elr: None,
        })
    }));
    all
}

fn setting(topic: &str, name: &str, value: &str) -> MetadataRecord {
    let (resource_name, name, value) = (topic.to_owned(), name.to_owned(), Some(value.to_owned()));
    records::Config { resource_type: ConfigResourceType::Topic, resource_name, name, value }.into()
}

/// What becomes of the jobs that help to open partitions.
#[derive(Debug)]
enum Helpers {
    /// They find no thread before all is done.
    TooLate,
    /// They run before anybody else does anything.
    First,
}

impl Execution for Helpers {
    fn workers(&self) -> usize {
        1
    }

    fn spawn(&self, _: Lane, _: BoxFuture<'static, ()>) {
        unreachable!("nothing here makes tasks")
    }

    fn block(&self, _: Blocking, job: Box<dyn FnOnce() + Send>) {
        match self {
            Self::TooLate => drop(job),
            Self::First => job(),
        }
    }
}

/// The next image, in the table.
fn fold(table: &Arc<Partitions>, image: &mut MetadataImage, records: &[MetadataRecord]) {
    image.apply_batch(records, image.end()).unwrap();
    table.update(image, &Helpers::TooLate);
}

#[test]
fn partitions_are_all_opened_whoever_helps() {
    let threads =
        ThreadedExecution::start(ExecutionSizes { workers: 1, readers: 4, log_directories: 1, queued_jobs: 4 }).unwrap();
    for helpers in [&Helpers::TooLate as &dyn Execution, &Helpers::First, &threads] {
        let (table, mut image) = (table(), MetadataImage::default());
        let records: Vec<_> = (1..=50).flat_map(|number| topic(&format!("t{number}"), number)).collect();
        image.apply_batch(&records, image.end()).unwrap();
        table.update(&image, helpers);
        assert_eq!(table.all().len(), 150);
        assert!(table.all().iter().all(|partition| partition.offsets().is_ok()));
    }
    threads.shut_down(Duration::from_secs(30)).unwrap();
}

#[test]
fn a_topic_that_is_to_be_compacted_is_named_once() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (table, mut image) = (table(), MetadataImage::default());
    let mut records = topic("compacted", 1);
    records.push(setting("compacted", "cleanup.policy", "compact"));
    records.extend(topic("other", 2));
    fold(&table, &mut image, &records);
    assert_eq!(table.all().len(), 6);
    assert_eq!(lines.about("there is no compaction yet"), 1, "once for three partitions");
    fold(&table, &mut image, &[setting("compacted", "retention.ms", "7"), setting("other", "retention.ms", "7")]);
    assert_eq!(lines.about("there is no compaction yet"), 1, "not again when something else of it changes");
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "compact,delete")]);
    assert_eq!(lines.about("there is no compaction yet"), 2);
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "delete")]);
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "compact")]);
    assert_eq!(lines.about("is deleted topic=other"), 2, "it was not to be compacted meanwhile");
}

#[test]
fn people_are_told_what_becomes_of_topics() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (table, mut image) = (table(), MetadataImage::default());
    fold(&table, &mut image, &topic("found", 1));
    assert_eq!(lines.about("topic created"), 0, "what a start finds is nothing new");
    fold(&table, &mut image, &topic("new", 2));
    fold(&table, &mut image, &[setting("new", "retention.ms", "7")]);
    fold(&table, &mut image, &[records::RemoveTopic { topic_id: topic_id(2) }.into()]);
    for line in
        ["topic created topic=new", "topic config changed topic=new changes=\"retention.ms=7\"", "topic deleted topic=new"]
    {
        assert_eq!(lines.about(line), 1, "{line}");
    }
    assert_eq!(lines.about("topic config changed"), 1, "the settings of a topic go with it");
}

#[test]
fn what_is_deleted_leaves_the_table_at_once_and_its_directory_is_renamed() {
    let (table, mut image) = (table(), MetadataImage::default());
    fold(&table, &mut image, &topic("t", 1));
    let id = TopicIdPartition { topic_id: topic_id(1), partition: PartitionIndex(2) };
    let partition = table.get(id).unwrap();
    let mut both = vec![records::RemoveTopic { topic_id: topic_id(1) }.into()];
    both.extend(topic("t", 2));
    // Deleted and made again between two images.
    fold(&table, &mut image, &both);
    assert!(table.get(id).is_none() && partition.offsets().is_err(), "who still holds it is served nothing");
    assert!(table.get(TopicIdPartition { topic_id: topic_id(2), ..id }).unwrap().offsets().is_ok());
    let names: Vec<String> = table.disk.read_directory("/data".as_ref()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("-delete")).count(), 3, "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("t-")).count(), 6);
    // The delay (a minute) has not passed.
    table.remove_deleted();
    assert_eq!(table.disk.read_directory("/data".as_ref()).unwrap().len(), names.len());
}

#[test]
fn nothing_changes_behind_the_back_of_a_stop() {
    let (table, mut image) = (table(), MetadataImage::default());
    fold(&table, &mut image, &topic("t", 1));
    table.begin_close();
    table.close(&table.directories()[0], Timestamp(1), Some(BrokerEpoch(1))).unwrap();
    // Chores that were due, and a topic that was made, when the stop began.
    for chore in [Chore::RecoveryPoints, Chore::LogStarts, Chore::HighWatermarks, Chore::Retention, Chore::RemoveDeleted] {
        table.chore(chore, Timestamp(1));
    }
    fold(&table, &mut image, &topic("u", 2));
    for file in [RECOVERY_POINT, LOG_START_OFFSET, REPLICATION_OFFSET] {
        assert_eq!(read_offsets(table.disk(), "/data".as_ref(), file).unwrap().len(), 3, "{file}");
    }
    assert!(!table.disk().exists("/data/u-0".as_ref()).unwrap());
}

/// There is no space for what is written below `/data/t-1`.
fn fill(disk: &SimulatedDisk) {
    disk.on_call(Box::new(|call| {
        let grows = matches!(call.operation, Operation::WriteAt | Operation::SetLength);
        let is_full = grows && call.path.starts_with("/data/t-1");
        if is_full { Reaction::Fail(ErrorKind::StorageFull) } else { Reaction::Proceed }
    }));
}

fn empty(disk: &SimulatedDisk) {
    disk.on_call(Box::new(|_| Reaction::Proceed));
}

#[test]
fn a_partition_that_finds_no_space_is_opened_once_there_is_some() {
    let disk = SimulatedDisk::new(1);
    let (table, mut image) = (table_over(disk.clone(), Found::default()), MetadataImage::default());
    let id = |index| TopicIdPartition { topic_id: topic_id(1), partition: PartitionIndex(index) };
    fill(&disk);
    fold(&table, &mut image, &topic("t", 1));
    for _ in 0..2 {
        assert_eq!(table.all().len(), 2, "the others are there");
        assert_eq!(table.unopened().ids(), [id(1)]);
        assert!(!table.directories()[0].is_offline());
        table.chore(Chore::RemoveDeleted, Timestamp(1));
        // It is no stray.
        table.finish_start();
    }
    empty(&disk);
    table.chore(Chore::RemoveDeleted, Timestamp(1));
    assert_eq!((table.all().len(), table.unopened().ids()), (3, Vec::new()));
    assert!(table.get(id(1)).unwrap().offsets().is_ok());
    assert!(disk.exists("/data/t-1".as_ref()).unwrap());
}

#[test]
fn the_deletion_of_a_topic_ends_the_wait_for_space() {
    let disk = SimulatedDisk::new(1);
    let (table, mut image) = (table_over(disk.clone(), Found::default()), MetadataImage::default());
    fill(&disk);
    fold(&table, &mut image, &topic("t", 1));
    fold(&table, &mut image, &[records::RemoveTopic { topic_id: topic_id(1) }.into()]);
    empty(&disk);
    table.chore(Chore::RemoveDeleted, Timestamp(1));
    assert_eq!((table.all().len(), table.unopened().ids()), (0, Vec::new()));
    assert!(!disk.exists("/data/t-1".as_ref()).unwrap());
    fold(&table, &mut image, &topic("t", 2));
    assert_eq!(table.all().len(), 3, "what the first topic left is not in the way of the second");
}

#[test]
fn what_is_known_of_a_log_outlives_the_wait_for_space() {
    let disk = SimulatedDisk::new(1);
    disk.create_directory("/data/t-1".as_ref()).unwrap();
    let name = TopicPartition { topic: TopicName::new("t"), partition: PartitionIndex(1) };
    let start = HashMap::from([(name.clone(), Offset(7))]);
    let found = Found { clean_shutdown: true, recovery_points: start.clone(), log_starts: start };
    let (table, mut image) = (table_over(disk.clone(), found), MetadataImage::default());
    fill(&disk);
    fold(&table, &mut image, &topic("t", 1));
    table.finish_start();
    table.chore(Chore::LogStarts, Timestamp(1));
    let log_starts = || HashMap::<_, _>::from_iter(read_offsets(&disk, "/data".as_ref(), LOG_START_OFFSET).unwrap());
    assert_eq!(log_starts().get(&name), Some(&Offset(7)));
    let id = TopicIdPartition { topic_id: topic_id(1), partition: PartitionIndex(1) };
    let reopened = {
        let table = table_over(disk.clone(), Found { log_starts: log_starts(), ..Found::default() });
        empty(&disk);
        table.update(&image, &Helpers::TooLate);
        table.get(id).unwrap().offsets().unwrap()
    };
    assert_eq!(reopened.0, Offset(7), "a restart knows it");
    fill(&disk);
    table.begin_close();
    table.close(&table.directories()[0], Timestamp(1), Some(BrokerEpoch(1))).unwrap();
    assert!(!disk.exists("/data/.kafka_cleanshutdown".as_ref()).unwrap(), "it has yet to be recovered");
}
