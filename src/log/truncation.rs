//! Cutting a log, starting it anew, closing it.

use super::files::{FileKind, SegmentFiles};
use super::segment::Segment;
use super::{Log, LogFault, transaction_index};
use crate::types::{Offset, Timestamp};

impl Log {
    /// Cuts the log to end at `offset` (a batch boundary at or below it); synced on return. Everything that is left counts as
    /// flushed, and a sync begun before does not.
    ///
    /// A recovery point in the checkpoint file that is above `offset` must have been lowered before, to `offset` if that is a batch
    /// boundary, else further (to 0 if nothing is left above the log start): bytes appended after the cut would be trusted in its name.
    ///
    /// # Errors
    /// A fault.
    pub fn truncate(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        if offset >= self.next_offset {
            return Ok(());
        }
        let first = self.segments.first().map_or(Offset::ZERO, Segment::base_offset);
        if offset < first || offset < self.log_start_offset {
            return self.restart_at(offset, now);
        }
        self.forget_positions();
        let result = self.cut(offset, now);
        self.keep_fault(result)
    }

    /// What was handed out or is remembered of file positions and unsynced files holds no longer.
    fn forget_positions(&mut self) {
        self.generation += 1;
        self.recent.clear();
        self.dirty = super::sync::Dirty::default();
    }

    fn cut(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let number = self.segment_of(offset);
        self.remove_segments_from(number + 1)?;
        let segment = self.segments.get_mut(number).expect("the segment of an offset in the log");
        let path = segment.files().path(FileKind::Log);
        let failed = |error| LogFault::io(&path, "truncate", error);
        if let Some(batch) = segment.find(offset).map_err(failed)? {
            let end = batch.header.base_offset.min(offset);
            segment.files().retire();
            let files = SegmentFiles::new(self.place.clone(), segment.base_offset());
            transaction_index::truncate(&files, end).map_err(failed)?;
            segment.truncate(files, batch.position, end).map_err(failed)?;
        }
        // Where compaction has left a gap below the offset, the log ends with the last batch: so it does when it is opened anew.
        let (last, _) = segment.last_batch().map_err(failed)?;
        let end = last.map_or(segment.base_offset(), |last| last.header.last_offset().next());
        if end < self.log_start_offset {
            // The log start lies within the batch that had to go.
            return self.restart(offset, now);
        }
        // Whatever a sync begun before had taken up, too.
        for segment in self.segments.iter_mut().filter(|segment| segment.has_changed()) {
            segment.sync().map_err(failed)?;
            segment.mark_synced();
        }
        self.sync_directory()?;
        self.next_offset = end;
        self.flushed_offset = end;
        let mut epochs = self.epochs.clone();
        if epochs.truncate_from_end(end) {
            self.replace_epochs(epochs)?;
        }
        self.reload_producers(now)
    }

    /// Producers as they were at the new end. Snapshots above it go.
    fn reload_producers(&mut self, now: Timestamp) -> Result<(), LogFault> {
        self.remove_snapshots(|offset, end| offset > end)?;
        if self.producers.known().is_empty() {
            // Nobody was known at a later time, so nobody was at an earlier one, but for those who had expired.
            self.snapshot_offset = self.snapshot_offsets()?.last().copied();
            return Ok(());
        }
        self.load_producers(None, now)
    }

    fn remove_snapshots(&mut self, goes: impl Fn(Offset, Offset) -> bool) -> Result<(), LogFault> {
        for offset in self.snapshot_offsets()? {
            if goes(offset, self.next_offset) {
                let path = self.place.path(offset, FileKind::ProducerSnapshot);
                self.place.disk.remove_file(&path).map_err(|error| LogFault::io(&path, "remove producer snapshot", error))?;
            }
        }
        Ok(())
    }

    /// Drops everything and starts an empty log at `offset` (an installed snapshot, a follower below the leader's start).
    ///
    /// The recovery point in the checkpoint file must have been set to 0 before: an interrupted start leaves any beginning of the log.
    ///
    /// # Errors
    /// A fault.
    pub fn restart_at(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        self.forget_positions();
        let result = self.restart(offset, now);
        self.keep_fault(result)
    }

    fn restart(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        self.remove_segments_from(0)?;
        self.remove_snapshots(|_, _| true)?;
        let mut epochs = self.epochs.clone();
        if epochs.clear() {
            self.replace_epochs(epochs)?;
        }
        self.log_start_offset = offset;
        self.start_empty(offset, now)?;
        self.producers = super::producers::Producers::default();
        self.snapshot_offset = None;
        self.sync_directory()
    }

    /// Makes the only segment of an empty log. The directory is to be synced then.
    pub(super) fn start_empty(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let files = SegmentFiles::new(self.place.clone(), offset);
        self.make_files(&files)?;
        self.segments.push(Segment::empty(files, now));
        self.next_offset = offset;
        self.flushed_offset = offset;
        Ok(())
    }

    /// Removes the segments from number `first` on, the newest first, each removal durable before the next: whenever it is
    /// interrupted, what is left is the beginning of the log.
    pub(super) fn remove_segments_from(&mut self, first: usize) -> Result<(), LogFault> {
        while self.segments.len() > first {
            let Some(segment) = self.segments.pop() else { break };
            self.remove_files(&segment)?;
        }
        Ok(())
    }

    fn remove_files(&mut self, segment: &Segment) -> Result<(), LogFault> {
        segment.files().retire();
        for kind in FileKind::ALL {
            let path = segment.files().path(kind);
            match self.place.disk.remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(LogFault::io(&path, "remove", error)),
                _ => {}
            }
        }
        self.sync_directory()
    }

    pub(super) fn sync_directory(&mut self) -> Result<(), LogFault> {
        let synced = self.place.disk.sync_directory(&self.place.directory);
        synced.map_err(|error| LogFault::io(&self.place.directory, "sync", error))?;
        self.deletions_synced = self.deletions;
        Ok(())
    }

    /// Syncs all, writes the producer snapshot at the end, finishes the active indexes. For a clean stop.
    ///
    /// # Errors
    /// A fault; then the stop is not clean.
    pub fn close(&mut self, now: Timestamp) -> Result<(), LogFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.again());
        }
        self.producers.expire(now, self.config.producer_id_expiration_ms);
        let result = self.finish();
        self.keep_fault(result)
    }

    fn finish(&mut self) -> Result<(), LogFault> {
        let snapshot = self.write_snapshot(self.next_offset)?;
        self.dirty.others.extend(snapshot);
        let active = self.segments.last_mut().expect("a log has a segment");
        let path = active.files().path(FileKind::OffsetIndex);
        let failed = |error| LogFault::io(&path, "close", error);
        if active.has_changed() {
            active.finish_indexes().map_err(failed)?;
        }
        // Also what a sync that was begun and did not end has taken up.
        let changed: Vec<&Segment> = self.segments.iter().filter(|segment| segment.has_changed()).collect();
        if changed.is_empty() && self.dirty.is_clean() {
            return Ok(());
        }
        changed.into_iter().try_for_each(Segment::sync).map_err(failed)?;
        if let Some(work) = self.begin_sync() {
            work.run().map_err(failed)?;
        }
        self.sync_directory()?;
        self.flushed_offset = self.next_offset;
        Ok(())
    }
}
