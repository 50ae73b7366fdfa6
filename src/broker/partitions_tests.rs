//! The table of partitions over a disk in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::Write;
use std::sync::atomic::AtomicUsize;

use tokio::sync::watch;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::broker::SyncQueue;
use crate::broker::clock::SystemClock;
use crate::broker::maintenance::Chore;
use crate::disk::SimulatedDisk;
use crate::log::checkpoint::{REPLICATION_OFFSET, read_offsets};
use crate::metadata::records::{self, ConfigResourceType, LeaderRecoveryState, MetadataRecord};
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
    let disk = Arc::new(SimulatedDisk::new(1));
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
        config,
        disk,
        clock: Arc::new(SystemClock::new()),
        directories: vec![directory],
        found: vec![Found::default()],
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

/// The next image, in the table.
fn fold(table: &Partitions, image: &mut MetadataImage, records: &[MetadataRecord]) {
    let before = image.clone();
    image.apply_batch(records, image.end()).unwrap();
    table.update(&before, image);
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
    assert_eq!(table.count(), 6);
    assert_eq!(lines.about("there is no compaction yet"), 1, "once for three partitions");
    fold(&table, &mut image, &[setting("compacted", "retention.ms", "7"), setting("other", "retention.ms", "7")]);
    assert_eq!(lines.about("there is no compaction yet"), 1, "not again when something else of it changes");
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "compact,delete")]);
    assert_eq!(lines.about("there is no compaction yet"), 2);
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "delete")]);
    fold(&table, &mut image, &[setting("other", "cleanup.policy", "compact")]);
    assert_eq!(lines.about("topic=other"), 2, "it was not to be compacted meanwhile");
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
