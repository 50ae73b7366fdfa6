//! Tests of a whole log over a disk in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "tests"
)]

mod append;
mod model;
mod producers;
mod reads;
mod recovery;
mod retention;
pub(crate) mod test_disk;
mod truncation;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::disk::SimulatedDisk;
use crate::record::{BatchBuilder, BatchHeader, BatchOptions, Batches, NewRecord};
use crate::seams::Disk as _;
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use test_disk::TestDisk;

pub(super) const DIRECTORY: &str = "/data/topic-0";
pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A log, the disk below it, and how it is opened.
pub(super) struct Fixture {
    pub(super) disk: SimulatedDisk,
    pub(super) config: LogConfig,
    pub(super) recovery_point: Offset,
    pub(super) log_start_offset: Offset,
    pub(super) clean_shutdown: bool,
    pub(super) open_files: Arc<OpenFiles>,
    pub(super) now: Timestamp,
}

impl Default for Fixture {
    fn default() -> Self {
        Self {
            disk: new_disk(0),
            // An entry for every batch but the first.
            config: LogConfig { index_interval_bytes: 1, ..LogConfig::default() },
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            clean_shutdown: false,
            open_files: OpenFiles::new(100),
            now: NOW,
        }
    }
}

impl Fixture {
    pub(super) fn options(&self) -> OpenOptions {
        OpenOptions {
            disk: Arc::new(self.disk.clone()),
            directory: PathBuf::from(DIRECTORY),
            topic_id: Some("AAAAAAAAAAAAAAAAAAAAAQ".parse().unwrap()),
            config: self.config.clone(),
            recovery_point: self.recovery_point,
            log_start_offset: self.log_start_offset,
            clean_shutdown: self.clean_shutdown,
            now: self.now,
            open_files: self.open_files.clone(),
        }
    }

    pub(super) fn open(&self) -> Log {
        Log::open(self.options()).unwrap()
    }
}

/// A disk with a log directory on it.
pub(super) fn new_disk(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    disk.create_directory(Path::new("/data")).unwrap();
    disk.sync_directory(Path::new("/")).unwrap();
    disk
}

pub(super) fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// What a test batch is like; its records' values say how many bytes they have.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    pub(super) records: usize,
    pub(super) value_bytes: usize,
    pub(super) timestamp: Timestamp,
    pub(super) producer: Option<(i64, i16, i32)>,
    pub(super) options: BatchOptions,
}

pub(super) fn batch(records: usize) -> Batch {
    Batch { records, value_bytes: 20, timestamp: NOW, producer: None, options: BatchOptions::default() }
}

impl Batch {
    pub(super) fn value_bytes(self, value_bytes: usize) -> Self {
        Self { value_bytes, ..self }
    }

    /// The first record's; each further one is a millisecond later.
    pub(super) fn at(self, timestamp: i64) -> Self {
        Self { timestamp: Timestamp(timestamp), ..self }
    }

    pub(super) fn by(self, id: i64, epoch: i16, sequence: i32) -> Self {
        Self { producer: Some((id, epoch, sequence)), ..self }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let value = vec![b'v'; self.value_bytes];
        let producer = self.producer.map(|(id, epoch, sequence)| (ProducerId(id), ProducerEpoch(epoch), Sequence(sequence)));
        let mut builder = BatchBuilder::new(BatchOptions { producer, ..self.options });
        for number in 0..self.records {
            let timestamp = Timestamp(self.timestamp.0 + number as i64);
            builder.push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() });
        }
        builder.finish()
    }
}

pub(super) fn append_at(log: &mut Log, batch: Batch, epoch: i32, now: Timestamp) -> Result<Appended, AppendError> {
    let mut bytes = batch.bytes();
    let header = BatchHeader::parse(&bytes).unwrap();
    log.append(Validated { bytes: &mut bytes, header, max_timestamp_delta: 0 }, LeaderEpoch(epoch), now)
}

pub(super) fn append(log: &mut Log, batch: Batch) -> Result<Appended, AppendError> {
    append_at(log, batch, 0, NOW)
}

/// A batch as a follower gets it.
pub(super) fn stamped(batch: Batch, base_offset: i64, epoch: i32) -> Vec<u8> {
    let mut bytes = batch.bytes();
    crate::record::stamp(&mut bytes, Offset(base_offset), LeaderEpoch(epoch));
    bytes
}

pub(super) fn refusal(result: Result<Appended, AppendError>) -> AppendRefusal {
    match result {
        Err(AppendError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) fn sync(log: &mut Log) {
    if let Some(work) = log.begin_sync() {
        work.run().unwrap();
        log.finish_sync(&work);
    }
}

pub(super) fn read(log: &Log, offset: i64, max_bytes: usize) -> bytes::Bytes {
    let plan = log.plan_read(Offset(offset), Offset(i64::MAX), max_bytes, true).unwrap();
    match plan.read(false).unwrap() {
        ReadResult::Records(records) => records,
        ReadResult::NotCached => panic!("the read could wait"),
    }
}

/// Base and last offset of each batch.
pub(super) fn spans(records: &[u8]) -> Vec<(i64, i64)> {
    Batches::new(records).map(|batch| batch.unwrap().0).map(|header| (header.base_offset.0, header.last_offset().0)).collect()
}

/// Every batch from the log start to the end, read with the usual plan.
pub(super) fn all(log: &Log) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let mut offset = log.log_start_offset().0;
    while offset < log.log_end_offset().0 {
        let batches = spans(&read(log, offset, 1 << 20));
        let Some(last) = batches.last() else { break };
        offset = last.1 + 1;
        found.extend(batches);
    }
    found
}
