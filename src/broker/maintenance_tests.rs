#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicUsize;

use tokio::sync::watch;

use super::*;
use crate::broker::clock::SystemClock;
use crate::broker::{Found, PartitionsOptions, SyncQueue};
use crate::config::{RawConfig, ServerConfig};
use crate::disk::SimulatedDisk;
use crate::log::checkpoint::read_offsets;
use crate::metadata::MetadataImage;
use crate::metadata::records::{self, LeaderRecoveryState};
use crate::types::{DirectoryId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId, TopicName};

const DATA: &str = "/data";

fn partitions(disk: &SimulatedDisk) -> Arc<Partitions> {
    let mut raw = RawConfig::default();
    raw.set(&format!("log.dirs={DATA}")).unwrap();
    disk.create_directory(DATA.as_ref()).unwrap();
    let syncs = SyncQueue::new(|cycle| cycle());
    let (alive, fatal) = (Arc::new(AtomicUsize::new(1)), watch::Sender::new(None));
    Partitions::new(PartitionsOptions {
        config: Arc::new(ServerConfig::load(raw).unwrap().config),
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SystemClock::new()),
        directories: vec![LogDirectory::new(DATA.into(), directory_id(), syncs, true, alive, fatal)],
        found: vec![Found::default()],
    })
}

fn directory_id() -> DirectoryId {
    DirectoryId(uuid::Uuid::from_u128(1 << 100))
}

/// The image with one topic more.
fn with_topic(image: &MetadataImage, name: &str, directory: DirectoryId) -> MetadataImage {
    let topic_id = TopicId(uuid::Uuid::from_u128(u128::from(name.as_bytes()[0])));
    let partition = records::Partition {
        partition_id: PartitionIndex(0),
        topic_id,
        replicas: vec![NodeId(1)],
        isr: vec![NodeId(1)],
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: Some(NodeId(1)),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        leader_recovery_state: LeaderRecoveryState::Recovered,
        directories: vec![directory],
        eligible_leader_replicas: None,
        last_known_elr: None,
    };
    let mut image = image.clone();
    let batch = [records::Topic { name: TopicName::new(name), topic_id }.into(), partition.into()];
    image.apply_batch(&batch, image.end()).unwrap();
    image
}

#[test]
fn nothing_changes_behind_the_back_of_a_stop() {
    let disk = SimulatedDisk::new(1);
    let partitions = partitions(&disk);
    let image = with_topic(&MetadataImage::default(), "t", directory_id());
    partitions.update(&MetadataImage::default(), &image);
    assert_eq!(partitions.count(), 1);
    partitions.begin_close();
    partitions.close(&partitions.directories()[0], Timestamp(1), Some(BrokerEpoch(1))).unwrap();
    // Chores that were due, and a topic that was made, when the stop began.
    for chore in [Chore::RecoveryPoints, Chore::LogStarts, Chore::HighWatermarks, Chore::Retention, Chore::RemoveDeleted] {
        partitions.chore(chore, Timestamp(1));
    }
    partitions.update(&image, &with_topic(&image, "u", directory_id()));
    for file in [RECOVERY_POINT, LOG_START_OFFSET, REPLICATION_OFFSET] {
        assert_eq!(read_offsets(&disk, DATA.as_ref(), file).unwrap().len(), 1, "{file}");
    }
    assert!(!disk.exists("/data/u-0".as_ref()).unwrap());
}
