//! The log of one partition: appending and rolling.

use std::path::PathBuf;
use std::sync::Arc;

use super::epochs::LeaderEpochs;
use super::files::{FileKind, OpenFiles, Place, SegmentFiles};
use super::producers::{ActiveProducer, Producers};
use super::recent::RecentBatches;
use super::scan::Located;
use super::segment::Segment;
use super::sync::Dirty;
use super::{AppendError, AppendRefusal, LogConfig, LogFault, snapshot, transaction_index};
use crate::record::{BatchHeader, Batches, check_crc, stamp};
use crate::seams::{Disk, File, OpenMode};
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
    /// One for all logs of the process.
    pub open_files: Arc<OpenFiles>,
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

/// How large a log is, and where it begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogShape {
    /// Bytes in all segments.
    pub size: u64,
    pub segments: usize,
    pub log_start_offset: Offset,
    pub log_end_offset: Offset,
}

/// The log of one partition. All methods are quick but for `open`, `truncate` and `close`; reads are planned here and done outside
/// the lock.
#[derive(Debug)]
pub struct Log {
    pub(super) place: Arc<Place>,
    pub(super) config: LogConfig,
    /// Rising by base offset; the last is the active one. Never empty.
    pub(super) segments: Vec<Segment>,
    pub(super) log_start_offset: Offset,
    pub(super) next_offset: Offset,
    pub(super) flushed_offset: Offset,
    /// Counts the times the log was cut, so that a sync begun before does not count after.
    pub(super) generation: u64,
    pub(super) dirty: Dirty,
    pub(super) epochs: LeaderEpochs,
    pub(super) producers: Producers,
    /// Offset of the newest producer snapshot on disk.
    pub(super) snapshot_offset: Option<Offset>,
    pub(super) recent: RecentBatches,
    /// Files that bear `.deleted`, and when each may go.
    pub(super) deleted: Vec<(Timestamp, PathBuf)>,
    /// Segments renamed to `.deleted` so far, and how many of the renames are known to be durable.
    pub(super) deletions: u64,
    pub(super) deletions_synced: u64,
    /// Once the disk has failed, no append is taken any more.
    pub(super) fault: Option<LogFault>,
}

impl Log {
    /// Appends as leader: checks the producer's sequence, stamps offset and epoch, writes to the page cache. Rolls first if due.
    ///
    /// # Errors
    /// A refusal leaves the log as it was; so does `NoSpace`, which cuts back to the last whole batch.
    pub fn append(&mut self, batch: Validated<'_>, leader_epoch: LeaderEpoch, now: Timestamp) -> Result<Appended, AppendError> {
        self.check_usable()?;
        let Validated { bytes, mut header, max_timestamp_delta: _ } = batch;
        let log_start_offset = self.log_start_offset;
        if let Some(first) = self.producers.check(&header).map_err(AppendError::Refused)? {
            return Ok(Appended {
                base_offset: first.first_offset(),
                last_offset: first.last_offset,
                log_start_offset,
                duplicate: true,
                timestamp: first.timestamp,
            });
        }
        (header.base_offset, header.leader_epoch) = (self.next_offset, leader_epoch);
        self.check_continues(&header, self.next_offset, self.latest_epoch())?;
        stamp(bytes, header.base_offset, leader_epoch);
        let result = self.write_batch(bytes, &header, now);
        self.keep_fault(result)?;
        let (base_offset, last_offset) = (header.base_offset, header.last_offset());
        Ok(Appended { base_offset, last_offset, log_start_offset, duplicate: false, timestamp: header.max_timestamp })
    }

    /// Appends batches whose offsets and epochs are already set (followers, the metadata log): they must continue the log, gaps
    /// allowed (a compacted leader has them), and be whole. Their CRCs are checked here. When a fault ends it early, whole batches
    /// of a first part may have been appended.
    ///
    /// # Errors
    /// `OffsetOutOfOrder`, `LeaderEpochOutOfOrder`, `DamagedBatch`, each before anything is written; or a fault.
    pub fn append_as_is(&mut self, batches: &[u8], now: Timestamp) -> Result<Appended, AppendError> {
        self.check_usable()?;
        let (mut next_offset, mut latest_epoch) = (self.next_offset, self.latest_epoch());
        let (mut base_offset, mut timestamp) = (None, Timestamp(-1));
        for batch in Batches::new(batches) {
            let (header, range) = batch.map_err(|error| AppendError::Refused(AppendRefusal::DamagedBatch(error)))?;
            let bytes = batches.get(range).expect("the range lies in the bytes");
            check_crc(bytes).map_err(|error| AppendError::Refused(AppendRefusal::DamagedBatch(error)))?;
            self.check_continues(&header, next_offset, latest_epoch)?;
            base_offset = base_offset.or(Some(header.base_offset));
            timestamp = timestamp.max(header.max_timestamp);
            next_offset = header.last_offset().next();
            latest_epoch = latest_epoch.max(Some(header.leader_epoch));
        }
        let result = self.write_batches(batches, now);
        self.keep_fault(result)?;
        Ok(Appended {
            base_offset: base_offset.unwrap_or(next_offset),
            last_offset: next_offset.plus(-1),
            log_start_offset: self.log_start_offset,
            duplicate: false,
            timestamp,
        })
    }

    fn check_usable(&self) -> Result<(), LogFault> {
        self.fault.as_ref().map_or(Ok(()), |fault| Err(fault.again()))
    }

    /// Offsets rise and stay in range, epochs do not fall.
    fn check_continues(&self, header: &BatchHeader, next: Offset, latest: Option<LeaderEpoch>) -> Result<(), AppendError> {
        let got = header.base_offset;
        // The last offset saturates, and the log end must be one more.
        if got < next || header.last_offset().0 == i64::MAX {
            return Err(AppendError::Refused(AppendRefusal::OffsetOutOfOrder { expected: next, got }));
        }
        match latest {
            Some(latest) if header.leader_epoch.0 >= 0 && header.leader_epoch < latest => {
                Err(AppendError::Refused(AppendRefusal::LeaderEpochOutOfOrder { latest, got: header.leader_epoch }))
            }
            _ => Ok(()),
        }
    }

    /// A fault that is not `NoSpace` ends all appending.
    pub(super) fn keep_fault<T>(&mut self, result: Result<T, LogFault>) -> Result<T, LogFault> {
        if let Err(fault @ (LogFault::Io { .. } | LogFault::Corrupt { .. })) = &result {
            self.fault.get_or_insert_with(|| fault.again());
        }
        result
    }

    /// The disk failed in a sync of this log: nothing is appended any more.
    pub fn mark_failed(&mut self, fault: &LogFault) {
        self.fault.get_or_insert_with(|| fault.again());
    }

    fn write_batch(&mut self, bytes: &[u8], header: &BatchHeader, now: Timestamp) -> Result<(), LogFault> {
        self.assign_epoch_at(header.leader_epoch, header.base_offset)?;
        self.roll_if_due(header, now)?;
        let position = self.write(bytes, now)?;
        self.note(Located { header: *header, position }, bytes)?;
        self.write_due_indexes()
    }

    /// Writes runs of batches that go into one segment with one call each.
    fn write_batches(&mut self, batches: &[u8], now: Timestamp) -> Result<(), LogFault> {
        let mut rest = batches;
        while let Some(Ok((first, _))) = Batches::new(rest).next() {
            self.assign_epoch_at(first.leader_epoch, first.base_offset)?;
            self.roll_if_due(&first, now)?;
            let run = self.run_length(rest, &first);
            let (run, behind) = rest.split_at(run);
            let position = self.write(run, now)?;
            for (header, range) in Batches::new(run).map_while(Result::ok) {
                let bytes = run.get(range.clone()).expect("the range lies in the run");
                self.note(Located { header, position: position + range.start as u64 }, bytes)?;
            }
            self.write_due_indexes()?;
            rest = behind;
        }
        Ok(())
    }

    /// Bytes of the batches at the start of `batches` that may be written together: of one epoch, surely not calling for a roll
    /// in between. The first is always among them.
    fn run_length(&self, batches: &[u8], first: &BatchHeader) -> usize {
        let active = self.active();
        let room = self.config.segment_bytes.min(i32::MAX as u64).saturating_sub(active.size());
        let fits = |(header, range): &(BatchHeader, std::ops::Range<usize>)| {
            header.leader_epoch == first.leader_epoch
                && range.end as u64 <= room
                && active.relative(header.last_offset()).is_some()
                && header.max_timestamp <= first.max_timestamp
        };
        let fitting = Batches::new(batches).map_while(Result::ok).take_while(fits).last().map_or(0, |(_, range)| range.end);
        fitting.max(first.length)
    }

    /// Writes at the end of the active segment. A write that fails for lack of space is undone.
    fn write(&mut self, bytes: &[u8], now: Timestamp) -> Result<u64, LogFault> {
        let active = self.segments.last().expect("a log has a segment");
        let (files, position) = (active.files(), active.size());
        let failed = |action, error| LogFault::io(&files.path(FileKind::Log), action, error);
        if self.dirty.active.is_none() {
            self.dirty.active = Some(files.open(FileKind::Log).map_err(|error| failed("open", error))?);
        }
        let file = self.dirty.active.as_ref().expect("opened above");
        self.dirty.since.get_or_insert(now);
        match file.write_at(position, bytes).map_err(|error| failed("append", error)) {
            Err(fault @ LogFault::NoSpace { .. }) => {
                file.set_length(position).map_err(|source| LogFault::Io {
                    path: files.path(FileKind::Log),
                    action: "cut back a write that found no space",
                    source,
                })?;
                Err(fault)
            }
            result => result.map(|()| position),
        }
    }

    /// Takes note of a batch that stands in the active segment's file.
    pub(super) fn note(&mut self, located: Located, bytes: &[u8]) -> Result<(), LogFault> {
        let interval = self.config.index_interval_bytes;
        let active = self.segments.last_mut().expect("a log has a segment");
        active.note(&located, interval);
        self.recent.push(&located);
        self.next_offset = located.header.last_offset().next();
        if let Some(aborted) = self.producers.apply(&located.header, bytes) {
            let files = active.files();
            let file = transaction_index::append(files, &aborted)
                .map_err(|error| LogFault::io(&files.path(FileKind::TransactionIndex), "append", error))?;
            self.dirty.others.push(file);
            self.dirty.directory = true;
        }
        Ok(())
    }

    /// Writes index entries when enough are gathered. For lack of space they stay gathered: nothing depends on them.
    fn write_due_indexes(&mut self) -> Result<(), LogFault> {
        let active = self.segments.last_mut().expect("a log has a segment");
        if !active.index_write_is_due() {
            return Ok(());
        }
        let written = active.write_indexes();
        match written.map_err(|error| LogFault::io(&active.files().path(FileKind::OffsetIndex), "write index", error)) {
            Err(LogFault::NoSpace { .. }) => Ok(()),
            result => result,
        }
    }

    fn roll_if_due(&mut self, header: &BatchHeader, now: Timestamp) -> Result<(), LogFault> {
        let config = &self.config;
        let active = self.segments.last_mut().expect("a log has a segment");
        let due = active.must_roll(header, config, now);
        if !due.map_err(|error| LogFault::io(&active.files().path(FileKind::Log), "read", error))? {
            return Ok(());
        }
        // Segments join without a gap, so that recovery can tell one that has lost its tail; only a gap that no segment can span
        // stays open.
        let spans = header.last_offset().0.saturating_sub(self.next_offset.0) <= i64::from(i32::MAX);
        self.roll_to(if spans { self.next_offset } else { header.base_offset }, now)
    }

    /// Starts a new segment now if the active one is not empty (snapshots of the metadata log, tests).
    ///
    /// # Errors
    /// A fault.
    pub fn roll(&mut self, now: Timestamp) -> Result<(), LogFault> {
        self.check_usable()?;
        if self.active().size() == 0 {
            return Ok(());
        }
        let result = self.roll_to(self.next_offset, now);
        self.keep_fault(result)
    }

    /// After `NoSpace` the active segment is the one it was.
    fn roll_to(&mut self, base_offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let files = SegmentFiles::new(self.place.clone(), base_offset);
        let made = self.make_segment(&files);
        let finished = made.and_then(|()| {
            let active = self.segments.last_mut().expect("a log has a segment");
            let result = active.finish_indexes();
            result.map_err(|error| LogFault::io(&active.files().path(FileKind::OffsetIndex), "write index", error))
        });
        if let Err(fault) = finished {
            for kind in [FileKind::Log, FileKind::OffsetIndex, FileKind::TimeIndex] {
                // What cannot be removed now, the next attempt empties.
                drop(self.place.disk.remove_file(&files.path(kind)));
            }
            return Err(fault);
        }
        let closed = self.active().files().clone();
        self.dirty.others.extend(self.dirty.active.take());
        for kind in [FileKind::OffsetIndex, FileKind::TimeIndex] {
            let file = closed.open(kind).map_err(|error| LogFault::io(&closed.path(kind), "open", error))?;
            self.dirty.others.push(file);
        }
        self.segments.push(Segment::empty(files, now));
        self.recent.clear();
        Ok(())
    }

    /// The files of a new segment and the producer snapshot that recovery of it starts from.
    fn make_segment(&mut self, files: &SegmentFiles) -> Result<(), LogFault> {
        let snapshot = self.write_snapshot(files.base_offset())?;
        self.dirty.others.extend(snapshot);
        self.dirty.directory = true;
        self.make_files(files)
    }

    pub(super) fn make_files(&self, files: &SegmentFiles) -> Result<(), LogFault> {
        for kind in [FileKind::OffsetIndex, FileKind::TimeIndex, FileKind::Log] {
            let made = files.create(kind).and_then(|file| {
                let wanted = self.config.preallocate && kind == FileKind::Log;
                if wanted { file.preallocate(self.config.segment_bytes) } else { Ok(()) }
            });
            made.map_err(|error| LogFault::io(&files.path(kind), "make segment", error))?;
        }
        Ok(())
    }

    /// Writes the producers as they are now, unless that was done at this offset already; not synced.
    pub(super) fn write_snapshot(&mut self, offset: Offset) -> Result<Option<Arc<dyn File>>, LogFault> {
        if self.snapshot_offset.is_some_and(|newest| newest >= offset) {
            return Ok(None);
        }
        let path = self.place.path(offset, FileKind::ProducerSnapshot);
        let write = || {
            let file = self.place.disk.open(&path, OpenMode::CreateOrOpen)?;
            file.set_length(0)?;
            file.write_at(0, &snapshot::encode(self.producers.known()))?;
            Ok(file)
        };
        let file = write().map_err(|error| LogFault::io(&path, "write producer snapshot", error))?;
        self.snapshot_offset = Some(offset);
        Ok(Some(file))
    }

    /// Records that a new leader epoch starts at the log end, durably before any batch of it is (LeaderEpochFileCache); only the first of an
    /// empty log is left to its batches.
    ///
    /// # Errors
    /// A fault.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch) -> Result<(), LogFault> {
        self.check_usable()?;
        let result = self.assign_epoch_at(epoch, self.next_offset);
        self.keep_fault(result)
    }

    fn assign_epoch_at(&mut self, epoch: LeaderEpoch, offset: Offset) -> Result<(), LogFault> {
        if self.latest_epoch() == Some(epoch) {
            return Ok(());
        }
        let mut epochs = self.epochs.clone();
        if epochs.assign(epoch, offset) { self.replace_epochs(epochs) } else { Ok(()) }
    }

    /// The file first: what memory says must not be taken back by a crash, unless the batches say it too.
    pub(super) fn replace_epochs(&mut self, epochs: LeaderEpochs) -> Result<(), LogFault> {
        let (disk, directory) = (&*self.place.disk, &self.place.directory);
        let is_first = self.latest_epoch().is_none() && self.log_start_offset == self.next_offset;
        let written = if is_first { epochs.write_first(disk, directory) } else { epochs.write(disk, directory) };
        written.map_err(|error| LogFault::io(&self.place.directory, "write leader-epoch-checkpoint", error))?;
        self.epochs = epochs;
        Ok(())
    }

    pub(super) fn active(&self) -> &Segment {
        self.segments.last().expect("a log has a segment")
    }

    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        self.next_offset
    }

    /// All below is synced. Exclusive.
    #[must_use]
    pub fn flushed_offset(&self) -> Offset {
        self.flushed_offset
    }

    /// Epoch of the newest batch, as the leader-epoch-checkpoint has it.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// End offset of the largest epoch at or below `epoch` (OffsetForLeaderEpoch); `None` if there is none, or if `epoch` is above
    /// all that the log knows.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<OffsetAndEpoch> {
        self.epochs.end_offset(epoch, self.next_offset)
    }

    /// Epoch of the batch that holds `offset`.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_at(offset)
    }

    /// Whether records go by compaction alone; with no policy at all they may still be deleted by request.
    #[must_use]
    pub const fn only_compacts(&self) -> bool {
        self.config.cleanup_policy.compact && !self.config.cleanup_policy.delete
    }

    pub fn configure(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The producers that are remembered, by id.
    pub fn active_producers(&self) -> impl Iterator<Item = ActiveProducer> + '_ {
        self.producers.active()
    }

    /// Forgets producers that have been silent for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, now: Timestamp) {
        self.producers.expire(now, self.config.producer_id_expiration_ms);
    }

    /// Bytes in all segments.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.segments.iter().map(Segment::size).sum()
    }

    #[must_use]
    pub fn shape(&self) -> LogShape {
        LogShape {
            size: self.size(),
            segments: self.segments.len(),
            log_start_offset: self.log_start_offset,
            log_end_offset: self.next_offset,
        }
    }
}
