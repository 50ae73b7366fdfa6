//! One segment: a file of batches and its two sparse indexes (LogSegment.java).

use std::io;
use std::sync::Arc;

use super::LogConfig;
use super::files::{FileKind, SegmentFiles};
use super::index::{OffsetEntry, SparseIndex, TimeEntry, floor};
use super::scan::{Access, Located, Scanner};
use crate::record::{BatchError, BatchHeader};
use crate::types::{Offset, Timestamp};

/// A timestamp and the last offset of the batch that carries it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TimestampOffset {
    pub(super) timestamp: Timestamp,
    pub(super) offset: Offset,
}

/// The state of a segment, under the log's lock.
#[derive(Debug)]
pub(super) struct Segment {
    files: Arc<SegmentFiles>,
    /// Bytes of whole batches.
    size: u64,
    offset_index: SparseIndex<OffsetEntry>,
    time_index: SparseIndex<TimeEntry>,
    /// Largest timestamp so far. `None` until looked up, or if no batch has one.
    largest: Option<TimestampOffset>,
    bytes_since_index_entry: u64,
    /// Max timestamp of the first batch: time-based rolling starts there. `None` until looked up.
    first_timestamp: Option<Timestamp>,
    /// When the segment was made or opened: stands in where the records have no time.
    created: Timestamp,
    /// It was made or changed, and not all its files are known to be durable.
    has_changed: bool,
}

impl Segment {
    /// A new, empty segment.
    pub(super) fn empty(files: Arc<SegmentFiles>, now: Timestamp) -> Self {
        Self {
            files,
            size: 0,
            offset_index: SparseIndex::empty(),
            time_index: SparseIndex::empty(),
            largest: None,
            bytes_since_index_entry: 0,
            first_timestamp: None,
            created: now,
            has_changed: false,
        }
    }

    /// A segment found on disk, with the lengths of its files. An index of an impossible length counts as empty: see `index_is_sane`.
    pub(super) fn found(files: Arc<SegmentFiles>, size: u64, offset_index: u64, time_index: u64, now: Timestamp) -> Self {
        Self {
            size,
            offset_index: SparseIndex::of_length(offset_index).unwrap_or(SparseIndex::empty()),
            time_index: SparseIndex::of_length(time_index).unwrap_or(SparseIndex::empty()),
            ..Self::empty(files, now)
        }
    }

    pub(super) fn files(&self) -> &Arc<SegmentFiles> {
        &self.files
    }

    pub(super) fn base_offset(&self) -> Offset {
        self.files.base_offset()
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn created(&self) -> Timestamp {
        self.created
    }

    pub(super) fn mark_synced(&mut self) {
        self.has_changed = false;
    }

    pub(super) fn has_changed(&self) -> bool {
        self.has_changed
    }

    pub(super) fn offset_index(&self) -> &SparseIndex<OffsetEntry> {
        &self.offset_index
    }

    pub(super) fn time_index(&self) -> &SparseIndex<TimeEntry> {
        &self.time_index
    }

    /// The offset as the indexes keep it; `None` if it is too far from the base (2^31 - 1).
    pub(super) fn relative(&self, offset: Offset) -> Option<u32> {
        let relative = offset.0.checked_sub(self.base_offset().0)?;
        i32::try_from(relative).ok().and_then(|relative| u32::try_from(relative).ok())
    }

    pub(super) fn absolute(&self, relative_offset: u32) -> Offset {
        self.base_offset().plus(i64::from(relative_offset))
    }

    /// Whether a batch of `length` bytes has to go into a new segment (LogSegment.shouldRoll).
    pub(super) fn must_roll(&mut self, header: &BatchHeader, config: &LogConfig, now: Timestamp) -> io::Result<bool> {
        if self.relative(header.last_offset()).is_none() {
            return Ok(true);
        }
        if self.size == 0 {
            return Ok(false);
        }
        // File positions are kept in 31 bits.
        let limit = config.segment_bytes.min(i32::MAX as u64);
        let entries = config.segment_index_bytes / 8;
        let time_entries = (config.segment_index_bytes / 12).saturating_sub(1);
        if self.size + header.length as u64 > limit
            || self.offset_index.len() >= entries.max(1)
            || self.time_index.len() >= time_entries.max(1)
        {
            return Ok(true);
        }
        let waited = match self.first_timestamp()? {
            Some(first) if first.0 >= 0 => header.max_timestamp.0.saturating_sub(first.0),
            _ => now.0.saturating_sub(self.created.0),
        };
        Ok(waited > config.segment_ms.saturating_sub(self.jitter(config)))
    }

    /// `segment.jitter.ms` spreads the rolls of segments that began at one time. Kafka draws a number; here the name gives it.
    fn jitter(&self, config: &LogConfig) -> i64 {
        let range = config.segment_jitter_ms.min(config.segment_ms);
        if range <= 0 {
            return 0;
        }
        let name = self.files.path(FileKind::Log);
        i64::from(crc32c::crc32c(name.as_os_str().as_encoded_bytes())) % range
    }

    fn first_timestamp(&mut self) -> io::Result<Option<Timestamp>> {
        if self.first_timestamp.is_none() && self.size > 0 {
            let mut scanner = self.scanner(0, self.size)?;
            self.first_timestamp = scanner.next()?.and_then(Result::ok).map(|first| first.header.max_timestamp);
        }
        Ok(self.first_timestamp)
    }

    /// Takes note of a batch whose bytes stand at `position`, the end of the segment so far. The index entries are only gathered.
    pub(super) fn note(&mut self, located: &Located, index_interval_bytes: u64) {
        let Located { header, position } = located;
        let last_offset = header.last_offset();
        if *position == 0 {
            self.first_timestamp = Some(header.max_timestamp);
        }
        if self.largest.map_or(header.max_timestamp.0 >= 0, |largest| header.max_timestamp > largest.timestamp) {
            self.largest = Some(TimestampOffset { timestamp: header.max_timestamp, offset: last_offset });
        }
        if self.bytes_since_index_entry > index_interval_bytes {
            if let (Some(relative_offset), Ok(position)) = (self.relative(last_offset), u32::try_from(*position)) {
                self.offset_index.push(OffsetEntry { relative_offset, position });
                self.note_largest();
            }
            self.bytes_since_index_entry = 0;
        }
        self.bytes_since_index_entry += header.length as u64;
        self.size = located.end();
        self.has_changed = true;
    }

    /// Adds the largest timestamp to the time index if it is not there yet.
    fn note_largest(&mut self) {
        let Some(largest) = self.largest else { return };
        let Some(relative_offset) = self.relative(largest.offset) else { return };
        if self.time_index.known_last().is_none_or(|last| last.timestamp < largest.timestamp) {
            self.time_index.push(TimeEntry { timestamp: largest.timestamp, relative_offset });
        }
    }

    /// Whether enough index entries have been gathered to be worth a write.
    pub(super) fn index_write_is_due(&self) -> bool {
        self.offset_index.is_due() || self.time_index.is_due()
    }

    /// Writes the gathered index entries. After an error they are still gathered.
    pub(super) fn write_indexes(&mut self) -> io::Result<()> {
        if self.offset_index.has_unwritten() {
            self.offset_index.write(&*self.files.open(FileKind::OffsetIndex)?)?;
        }
        if self.time_index.has_unwritten() {
            self.time_index.write(&*self.files.open(FileKind::TimeIndex)?)?;
        }
        Ok(())
    }

    /// Finishes the indexes of a segment that ends here: its largest timestamp becomes the last entry of the time index.
    pub(super) fn finish_indexes(&mut self) -> io::Result<()> {
        self.largest_timestamp()?;
        self.note_largest();
        self.has_changed = true;
        self.write_indexes()
    }

    /// The largest timestamp of the segment; a finished segment has it as the last entry of its time index.
    pub(super) fn largest_timestamp(&mut self) -> io::Result<Option<TimestampOffset>> {
        if self.largest.is_none() && self.size > 0 {
            self.largest = self.read_largest(self.size)?;
        }
        Ok(self.largest)
    }

    /// The largest timestamp of the batches that end at or below `end`: the last entry of the time index, and what follows it.
    fn read_largest(&mut self, end: u64) -> io::Result<Option<TimestampOffset>> {
        let files = self.files.clone();
        let last = self.time_index.last(|| files.open(FileKind::TimeIndex))?;
        let mut largest =
            last.map(|entry| TimestampOffset { timestamp: entry.timestamp, offset: self.absolute(entry.relative_offset) });
        let position = largest.map_or(Ok(0), |largest| self.floor_position(largest.offset))?;
        let mut scanner = self.scanner(position, end)?;
        while let Some(Ok(Located { header, .. })) = scanner.next()? {
            if largest.map_or(header.max_timestamp.0 >= 0, |largest| header.max_timestamp > largest.timestamp) {
                largest = Some(TimestampOffset { timestamp: header.max_timestamp, offset: header.last_offset() });
            }
        }
        Ok(largest)
    }

    /// The start of some batch at or before the one that holds `offset`, as near as the offset index knows.
    pub(super) fn floor_position(&self, offset: Offset) -> io::Result<u64> {
        let Some(target) = self.relative(offset) else { return Ok(0) };
        let below = |entry: &OffsetEntry| entry.relative_offset <= target;
        if let Some(entry) = self.offset_index.floor_gathered(below) {
            return Ok(u64::from(entry.position));
        }
        if self.offset_index.written() == 0 {
            return Ok(0);
        }
        let found = floor(&*self.files.open(FileKind::OffsetIndex)?, self.offset_index.written(), Access::MayWait, below)?;
        Ok(found.map_or(0, |entry| u64::from(entry.position)).min(self.size))
    }

    pub(super) fn scanner(&self, position: u64, end: u64) -> io::Result<Scanner> {
        Ok(Scanner::new(self.files.open(FileKind::Log)?, position, end, Access::MayWait))
    }

    /// The first batch whose last offset is at or above `offset`. The index is believed only as far as the batches confirm it.
    pub(super) fn find(&self, offset: Offset) -> io::Result<Option<Located>> {
        let position = self.floor_position(offset)?;
        if let Some(Ok(found)) = self.walk_to(position, offset)?
            && (position == 0 || found.position > position || found.header.base_offset <= offset)
        {
            return Ok(Some(found));
        }
        if position == 0 { Ok(None) } else { Ok(self.walk_to(0, offset)?.and_then(Result::ok)) }
    }

    fn walk_to(&self, position: u64, offset: Offset) -> io::Result<Option<Result<Located, BatchError>>> {
        let mut scanner = self.scanner(position, self.size)?;
        loop {
            match scanner.next()? {
                Some(Ok(located)) if located.header.last_offset() < offset => {}
                found => return Ok(found),
            }
        }
    }

    /// The last whole batch, and whether all bytes up to the size are whole batches.
    pub(super) fn last_batch(&mut self) -> io::Result<(Option<Located>, bool)> {
        let files = self.files.clone();
        let last_entry = self.offset_index.last(|| files.open(FileKind::OffsetIndex))?;
        let start = last_entry.map_or(0, |entry| u64::from(entry.position));
        let (found, whole) = self.walk_to_end(start)?;
        if start > 0 && (found.is_none() || !whole) { self.walk_to_end(0) } else { Ok((found, whole)) }
    }

    fn walk_to_end(&self, position: u64) -> io::Result<(Option<Located>, bool)> {
        let mut scanner = self.scanner(position.min(self.size), self.size)?;
        let mut last = None;
        loop {
            match scanner.next()? {
                Some(Ok(located)) => last = Some(located),
                Some(Err(_)) => return Ok((last, false)),
                None => return Ok((last, true)),
            }
        }
    }

    /// Whether the last entries of both indexes can be true (OffsetIndex.sanityCheck, TimeIndex.sanityCheck).
    pub(super) fn indexes_are_sane(&mut self) -> io::Result<bool> {
        let files = self.files.clone();
        let offset = self.offset_index.last(|| files.open(FileKind::OffsetIndex))?;
        let time = self.time_index.last(|| files.open(FileKind::TimeIndex))?;
        let in_range = |relative: u32| i32::try_from(relative).is_ok();
        Ok(offset.is_none_or(|entry| {
            entry.relative_offset > 0 && in_range(entry.relative_offset) && u64::from(entry.position) < self.size
        }) && time.is_none_or(|entry| entry.timestamp.0 >= 0 && in_range(entry.relative_offset)))
    }

    /// The length of the file, of which not all need be whole batches until it is scanned.
    pub(super) fn set_size(&mut self, size: u64) {
        self.size = size;
    }

    /// Forgets all that the indexes say and empties their files; `note` makes them anew.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        self.files.create(FileKind::OffsetIndex)?;
        self.files.create(FileKind::TimeIndex)?;
        *self = Self::empty(self.files.clone(), self.created);
        Ok(())
    }

    /// Cuts the segment so that it ends before the batch at `position`, whose base offset is `offset`. The files must have been
    /// taken out of the hands of readers before (`SegmentFiles::retire`), hence the new set of them.
    pub(super) fn truncate(&mut self, files: Arc<SegmentFiles>, position: u64, offset: Offset) -> io::Result<()> {
        self.files = files;
        let keep = offset.0.saturating_sub(self.base_offset().0);
        let kept = |relative: u32| i64::from(relative) < keep;
        self.offset_index.truncate(&*self.files.open(FileKind::OffsetIndex)?, |entry| kept(entry.relative_offset))?;
        self.time_index.truncate(&*self.files.open(FileKind::TimeIndex)?, |entry| kept(entry.relative_offset))?;
        self.files.open(FileKind::Log)?.set_length(position)?;
        self.size = position;
        self.has_changed = true;
        if position == 0 {
            self.first_timestamp = None;
        }
        self.bytes_since_index_entry = 0;
        self.largest = self.read_largest(position)?;
        Ok(())
    }

    /// Syncs the log and both indexes.
    pub(super) fn sync(&self) -> io::Result<()> {
        [FileKind::Log, FileKind::OffsetIndex, FileKind::TimeIndex].into_iter().try_for_each(|kind| self.files.open(kind)?.sync())
    }
}
