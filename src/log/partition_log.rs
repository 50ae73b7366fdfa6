//! The log of one partition.

use std::path::PathBuf;
use std::sync::Arc;

use super::{AppendError, LogConfig, LogFault, ReadPlan, ReadRefusal, SyncWork, TimestampPlan, TimestampTarget};
use crate::record::BatchHeader;
use crate::seams::Disk;
use crate::types::{LeaderEpoch, Offset, OffsetAndEpoch, Timestamp, TopicId};

/// How a log is opened; its directory is made if missing.
#[derive(Debug)]
pub struct OpenOptions {
    pub disk: Arc<dyn Disk>,
    /// `<log dir>/<topic>-<partition>`.
    pub directory: PathBuf,
    /// Written to partition.metadata on creation; a different id on disk is a fault. `None` for the metadata log.
    pub topic_id: Option<TopicId>,
    pub config: LogConfig,
    /// From recovery-point-offset-checkpoint; bytes below are trusted.
    pub recovery_point: Offset,
    /// From log-start-offset-checkpoint.
    pub log_start_offset: Offset,
    /// The directory had .kafka_cleanshutdown: nothing needs to be scanned.
    pub clean_shutdown: bool,
    pub now: Timestamp,
}

/// One batch to append; `bytes` is that batch, its CRC valid, its base offset and leader epoch to be stamped.
#[derive(Debug)]
pub struct Validated<'a> {
    pub bytes: &'a mut [u8],
    pub header: BatchHeader,
    /// Offset delta of the record with the batch's max timestamp.
    pub max_timestamp_delta: i32,
}

/// What an append did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    pub base_offset: Offset,
    pub last_offset: Offset,
    pub log_start_offset: Offset,
    /// An idempotent producer sent this batch before: nothing was written, the offsets are those of the first time.
    pub duplicate: bool,
    /// The duplicate's stored timestamp (log append time answers), else the batch's max timestamp.
    pub timestamp: Timestamp,
}

/// The log of one partition. All methods are quick but for `open`; reads are planned here and done outside the lock.
#[derive(Debug)]
pub struct Log {
    _directory: PathBuf,
}

impl Log {
    /// Opens or makes the directory. Recovers what lies above the recovery point: scans, cuts at the first batch that is not whole,
    /// rebuilds indexes and producer state.
    ///
    /// # Errors
    /// A fault of the disk, or files that are not Kafka's.
    pub fn open(options: OpenOptions) -> Result<Self, LogFault> {
        Ok(Self { _directory: options.directory })
    }

    /// Appends as leader: checks the producer's sequence, stamps offset and epoch, writes to the page cache. Rolls first if due.
    ///
    /// # Errors
    /// A refusal leaves the log as it was; so does `NoSpace`, which cuts back to the last whole batch.
    pub fn append(&mut self, batch: Validated<'_>, leader_epoch: LeaderEpoch, now: Timestamp) -> Result<Appended, AppendError> {
        let _ = (batch, leader_epoch, now);
        todo!()
    }

    /// Appends batches whose offsets and epochs are already set (followers, the metadata log): they must continue the log.
    ///
    /// # Errors
    /// `OffsetOutOfOrder`, or a fault.
    pub fn append_as_is(&mut self, batches: &[u8], now: Timestamp) -> Result<Appended, AppendError> {
        let _ = (batches, now);
        todo!()
    }

    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        todo!()
    }

    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        todo!()
    }

    /// All below is synced. Exclusive.
    #[must_use]
    pub fn flushed_offset(&self) -> Offset {
        todo!()
    }

    /// Epoch of the newest batch, as the leader-epoch-checkpoint has it.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        todo!()
    }

    /// End offset of the largest epoch at or below `epoch` (OffsetForLeaderEpoch); `None` if there is none.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<OffsetAndEpoch> {
        let _ = epoch;
        todo!()
    }

    /// Epoch of the batch that holds `offset`.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let _ = offset;
        todo!()
    }

    /// Records that a new leader epoch starts at the log end, durably before any batch of it is (LeaderEpochFileCache).
    ///
    /// # Errors
    /// A fault.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch) -> Result<(), LogFault> {
        let _ = epoch;
        todo!()
    }

    /// Plans a read of whole batches from the one that holds `offset`, below `limit` (exclusive), of up to `max_bytes`;
    /// with `at_least_one` the first batch comes whole even if it is larger. Empty when `offset >= limit`.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn plan_read(
        &self,
        offset: Offset,
        limit: Offset,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<ReadPlan, ReadRefusal> {
        let _ = (offset, limit, max_bytes, at_least_one);
        todo!()
    }

    /// About how many bytes lie between two offsets (exact within a segment's index granularity is enough; never less than
    /// the true number by more than one index interval). For min_bytes of long polls.
    #[must_use]
    pub fn bytes_between(&self, from: Offset, to: Offset) -> u64 {
        let _ = (from, to);
        todo!()
    }

    /// Plans the search for a timestamp (ListOffsets).
    #[must_use]
    pub fn plan_timestamp(&self, target: TimestampTarget, limit: Offset) -> TimestampPlan {
        let _ = (target, limit);
        todo!()
    }

    /// What has to be synced to make the log durable up to its end; `None` when it is. One at a time.
    pub fn begin_sync(&mut self) -> Option<SyncWork> {
        todo!()
    }

    /// The work ran without error: advances the flushed offset (not past a truncation that happened meanwhile).
    pub fn finish_sync(&mut self, work: &SyncWork) {
        let _ = work;
        todo!()
    }

    /// Retention by time, size and log start offset; expired files are renamed to `.deleted`. Never below `keep_from`
    /// (the high watermark). Returns whether the log start moved.
    ///
    /// # Errors
    /// A fault.
    pub fn apply_retention(&mut self, now: Timestamp, keep_from: Offset) -> Result<bool, LogFault> {
        let _ = (now, keep_from);
        todo!()
    }

    /// Removes `.deleted` files whose delay has passed.
    ///
    /// # Errors
    /// A fault.
    pub fn remove_deleted(&mut self, now: Timestamp) -> Result<(), LogFault> {
        let _ = now;
        todo!()
    }

    /// Moves the log start forward (DeleteRecords, snapshots of the metadata log); whole segments below go.
    ///
    /// # Errors
    /// A fault.
    pub fn advance_log_start(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let _ = (offset, now);
        todo!()
    }

    /// Cuts the log to end at `offset` (a batch boundary at or below it); synced on return.
    ///
    /// # Errors
    /// A fault.
    pub fn truncate(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let _ = (offset, now);
        todo!()
    }

    /// Drops everything and starts an empty log at `offset` (an installed snapshot, a follower below the leader's start).
    ///
    /// # Errors
    /// A fault.
    pub fn restart_at(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let _ = (offset, now);
        todo!()
    }

    /// Starts a new segment now if the active one is not empty (snapshots of the metadata log, tests).
    ///
    /// # Errors
    /// A fault.
    pub fn roll(&mut self, now: Timestamp) -> Result<(), LogFault> {
        let _ = now;
        todo!()
    }

    pub fn configure(&mut self, config: LogConfig) {
        let _ = config;
        todo!()
    }

    /// Forgets producers that have been silent for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, now: Timestamp) {
        let _ = now;
        todo!()
    }

    /// Syncs all, writes the producer snapshot at the end, trims the active indexes. For a clean stop.
    ///
    /// # Errors
    /// A fault; then the stop is not clean.
    pub fn close(&mut self, now: Timestamp) -> Result<(), LogFault> {
        let _ = now;
        todo!()
    }

    /// Bytes in all segments.
    #[must_use]
    pub fn size(&self) -> u64 {
        todo!()
    }
}
