//! A log directory that Apache Kafka 4.3.0 wrote, opened, read and recovered. How it was made stands in its README.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use klamm::disk::RealDisk;
use klamm::log::checkpoint::{RECOVERY_POINT, REPLICATION_OFFSET, read_offsets};
use klamm::log::directory::{self, PartitionState};
use klamm::log::{Log, LogConfig, OpenFiles, OpenOptions, ReadResult, TimestampTarget};
use klamm::record::{BatchHeader, Batches, OutputBudget, Records, check_crc};
use klamm::types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, Timestamp};

const END: i64 = 119;

/// A copy of one of the two directories that may be changed.
struct Copy {
    root: tempfile::TempDir,
}

impl Copy {
    fn of(which: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = golden().join(which);
        std::fs::create_dir(root.path().join("log-0")).unwrap();
        for folder in ["", "log-0"] {
            for entry in std::fs::read_dir(from.join(folder)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    std::fs::copy(entry.path(), root.path().join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        Self { root }
    }

    fn open(&self, recovery_point: i64, clean_shutdown: bool) -> Log {
        let topic_id = klamm::log::read_topic_id(&RealDisk, &self.partition()).unwrap();
        Log::open(OpenOptions {
            disk: Arc::new(RealDisk),
            directory: self.partition(),
            topic_id,
            config: LogConfig { segment_ms: 600, index_interval_bytes: 100, segment_index_bytes: 1024, ..LogConfig::default() },
            recovery_point: Offset(recovery_point),
            log_start_offset: Offset::ZERO,
            clean_shutdown,
            now: Timestamp(1_795_513_530_000),
            open_files: OpenFiles::new(16),
        })
        .unwrap()
    }

    fn partition(&self) -> PathBuf {
        self.root.path().join("log-0")
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.partition())
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kafka-log")
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

/// Every batch, read the way a consumer's fetches are.
fn batches(log: &Log) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut offset = log.log_start_offset();
    while offset < log.log_end_offset() {
        let plan = log.plan_read(offset, log.log_end_offset(), 300, true).unwrap();
        let ReadResult::Records(records) = plan.read(false).unwrap() else { panic!("the read could wait") };
        for batch in Batches::new(&records) {
            let (header, range) = batch.unwrap();
            found.push(records[range].to_vec());
            offset = header.last_offset().next();
        }
    }
    found
}

/// A batch as kafka-dump-log describes it, without the position.
fn describe(batch: &[u8]) -> Vec<String> {
    check_crc(batch).unwrap();
    let header = BatchHeader::parse(batch).unwrap();
    let records = Records::read(batch, OutputBudget(1 << 20)).unwrap();
    assert_eq!(records.iter().map(|record| record.timestamp).max(), Some(header.max_timestamp));
    assert_eq!(records.iter().last().unwrap().offset, header.last_offset());
    let last_sequence = if header.base_sequence.0 < 0 { -1 } else { header.last_sequence().0 };
    let codec = format!("{:?}", header.attributes.compression().unwrap()).to_lowercase();
    [
        header.base_offset.to_string(),
        header.last_offset().to_string(),
        records.iter().count().to_string(),
        header.base_sequence.to_string(),
        last_sequence.to_string(),
        header.producer_id.map_or(-1, |id| id.0).to_string(),
        header.producer_epoch.to_string(),
        header.leader_epoch.to_string(),
        header.attributes.is_transactional().to_string(),
        header.attributes.is_control().to_string(),
        header.max_timestamp.to_string(),
        header.length.to_string(),
        "2".to_owned(),
        codec,
        header.crc.to_string(),
    ]
    .into()
}

fn described_by_kafka() -> Vec<Vec<String>> {
    const POSITION: usize = 10;
    let text = std::fs::read_to_string(golden().join("batches.txt")).unwrap();
    let words = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        words.remove(POSITION);
        words
    };
    text.lines().map(words).collect()
}

#[test]
fn every_batch_is_read_as_kafka_wrote_it() {
    for (which, recovery_point, clean_shutdown) in [("clean", END, true), ("clean", END, false), ("killed", 0, false)] {
        let copy = Copy::of(which);
        let log = copy.open(recovery_point, clean_shutdown);
        assert_eq!((log.log_start_offset(), log.log_end_offset(), log.flushed_offset()), (Offset(0), Offset(END), Offset(END)));
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)), "epoch 2 was assigned, no batch is of it");
        let found: Vec<_> = batches(&log).iter().map(|batch| describe(batch)).collect();
        assert_eq!(found, described_by_kafka(), "{which}");
    }
}

#[test]
fn a_clean_directory_is_opened_and_closed_without_a_change() {
    let copy = Copy::of("clean");
    let mut before = copy.files();
    copy.open(END, true).close(Timestamp(1_795_513_530_000)).unwrap();
    // The epoch that no batch is of goes, as it does when Kafka opens the directory.
    before.insert("leader-epoch-checkpoint".to_owned(), b"0\n1\n0 0\n".to_vec());
    assert_eq!(names_and_lengths(&copy.files()), names_and_lengths(&before));
    assert!(copy.files() == before, "a file has changed");
}

/// Opens what a kill has left, and closes it; the one difference to Kafka is that the epoch without a batch is not there yet.
fn assert_recovered_as_by_kafka(copy: &Copy) {
    copy.open(0, false).close(Timestamp(1_795_513_530_000)).unwrap();
    let mut expected = files(&golden().join("clean/log-0"));
    expected.insert("leader-epoch-checkpoint".to_owned(), b"0\n1\n0 0\n".to_vec());
    let found = copy.files();
    assert_eq!(names_and_lengths(&found), names_and_lengths(&expected));
    for (name, bytes) in &found {
        assert_eq!(bytes, &expected[name], "{name}");
    }
}

#[test]
fn recovery_makes_the_files_that_kafkas_recovery_made() {
    let copy = Copy::of("killed");
    assert_recovered_as_by_kafka(&copy);
}

#[test]
fn everything_that_can_be_made_anew_is() {
    let copy = Copy::of("killed");
    for entry in std::fs::read_dir(copy.partition()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !(Path::new(&name).extension().is_some_and(|extension| extension == "log") || name == "partition.metadata") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    assert_recovered_as_by_kafka(&copy);
}

fn names_and_lengths(files: &BTreeMap<String, Vec<u8>>) -> Vec<(&str, usize)> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect()
}

#[test]
fn times_are_found_in_what_kafka_wrote() {
    let copy = Copy::of("clean");
    let log = copy.open(END, true);
    let records: Vec<(Offset, Timestamp)> = batches(&log)
        .iter()
        .flat_map(|batch| {
            let records = Records::read(batch, OutputBudget(1 << 20)).unwrap();
            records.iter().map(|record| (record.offset, record.timestamp)).collect::<Vec<_>>()
        })
        .collect();
    let search = |target| log.plan_timestamp(target, Offset(END)).search().unwrap().map(|(offset, at, _)| (offset, at));
    for (_, timestamp) in &records {
        for asked in [timestamp.0 - 1, timestamp.0, timestamp.0 + 1] {
            let expected = records.iter().find(|(_, at)| at.0 >= asked).copied();
            assert_eq!(search(TimestampTarget::AtOrAfter(Timestamp(asked))), expected, "{asked}");
        }
    }
    let largest = records.iter().map(|(_, at)| *at).max().unwrap();
    assert_eq!(search(TimestampTarget::Maximum), records.iter().find(|(_, at)| *at == largest).copied());
}

#[test]
fn the_files_of_the_log_directory_are_read() {
    let root = golden().join("clean");
    let meta = directory::read_meta_properties(&RealDisk, &root).unwrap().unwrap();
    assert_eq!((meta.node_id, &*meta.cluster_id.0), (NodeId(1), "rKD-pdbHsZRbFNXwPOXtrA"));
    assert_eq!(meta.directory_id.unwrap().to_string(), "cl2s3nbV6nTJMN_KUM6Bqw");
    let mark = directory::read_clean_shutdown(&RealDisk, &root).unwrap().unwrap();
    assert_eq!(mark.broker_epoch, Some(BrokerEpoch(315)));
    assert_eq!(directory::read_clean_shutdown(&RealDisk, &golden().join("killed")).unwrap(), None);
    let partitions = directory::list_partitions(&RealDisk, &root).unwrap();
    assert_eq!((partitions.len(), partitions[0].state), (1, PartitionState::Live));
    for name in [RECOVERY_POINT, REPLICATION_OFFSET] {
        let offsets = read_offsets(&RealDisk, &root, name).unwrap();
        assert_eq!(offsets.len(), 51);
        let found = offsets.iter().find(|(partition, _)| *partition == partitions[0].partition);
        assert_eq!(found.unwrap().1, Offset(END), "{name}");
    }
}
