//! The search for a timestamp (ListOffsets), planned under the partition's lock and carried out outside it.

use std::io;
use std::sync::Arc;

use super::files::{FileKind, SegmentFiles};
use super::index::{Entry, OffsetEntry, TimeEntry, floor};
use super::scan::{Access, Located, Scanner};
use super::{Log, segment::Segment};
use crate::record::{BatchHeader, OutputBudget, Records};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// Bytes that a batch may unpack to while its records are looked at.
const BUDGET: OutputBudget = OutputBudget(1 << 30);

/// What ListOffsets looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampTarget {
    /// The first record at or after this time.
    AtOrAfter(Timestamp),
    /// The record with the largest timestamp.
    Maximum,
}

/// A search that was planned; carried out outside the lock, as a blocking job.
#[derive(Debug)]
pub struct TimestampPlan {
    target: TimestampTarget,
    log_start_offset: Offset,
    limit: Offset,
    segments: Vec<SegmentView>,
}

/// What a search needs of a segment.
#[derive(Debug)]
struct SegmentView {
    files: Arc<SegmentFiles>,
    size: u64,
    /// Offset of the segment after it, or the log end.
    end_offset: Offset,
    /// Its time index ends with its largest timestamp.
    is_finished: bool,
    offsets: IndexView<OffsetEntry>,
    times: IndexView<TimeEntry>,
}

/// The entries in an index file, and those not yet written to it.
#[derive(Debug)]
struct IndexView<E> {
    kind: FileKind,
    written: u64,
    gathered: Vec<E>,
}

impl<E: Entry> IndexView<E> {
    /// The last entry for which `below` holds.
    fn floor(&self, files: &SegmentFiles, below: impl Fn(&E) -> bool) -> io::Result<Option<E>> {
        if let Some(last) = self.gathered.partition_point(&below).checked_sub(1) {
            return Ok(self.gathered.get(last).copied());
        }
        if self.written == 0 {
            return Ok(None);
        }
        match files.open(self.kind) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => floor(&*opened?, self.written, Access::MayWait, below),
        }
    }
}

impl SegmentView {
    fn new(segment: &Segment, end_offset: Offset, is_finished: bool) -> Self {
        let (offsets, times) = (segment.offset_index(), segment.time_index());
        Self {
            files: segment.files().clone(),
            size: segment.size(),
            end_offset,
            is_finished,
            offsets: IndexView { kind: FileKind::OffsetIndex, written: offsets.written(), gathered: offsets.gathered().to_vec() },
            times: IndexView { kind: FileKind::TimeIndex, written: times.written(), gathered: times.gathered().to_vec() },
        }
    }

    fn relative(&self, offset: Offset) -> i64 {
        offset.0.saturating_sub(self.files.base_offset().0)
    }

    /// Walks from a batch at or before the one that holds `offset`.
    fn scanner(&self, offset: Offset) -> io::Result<Scanner> {
        let target = self.relative(offset);
        let entry = self.offsets.floor(&self.files, |entry| i64::from(entry.relative_offset) <= target)?;
        let position = entry.map_or(0, |entry| u64::from(entry.position)).min(self.size);
        Ok(Scanner::new(self.files.open(FileKind::Log)?, position, self.size, Access::MayWait))
    }

    /// The last time entry for which `below` holds: its time, and the offset it leads to (the base offset if there is none).
    fn time_floor(&self, below: impl Fn(&TimeEntry) -> bool) -> io::Result<(Option<Timestamp>, Offset)> {
        let base = self.files.base_offset();
        let entry = self.times.floor(&self.files, below)?;
        Ok(entry.map_or((None, base), |entry| (Some(entry.timestamp), base.plus(i64::from(entry.relative_offset)))))
    }

    /// The first batch, from `from` on, with a record at or after `timestamp`.
    fn first_at_or_after(&self, timestamp: Timestamp, from: Offset) -> io::Result<Option<Vec<u8>>> {
        let (largest, _) = self.time_floor(|_| true)?;
        if self.is_finished && largest.is_some_and(|largest| largest < timestamp) {
            return Ok(None);
        }
        let (_, known) = self.time_floor(|entry| entry.timestamp <= timestamp)?;
        // The entry's own batch may be the one, and it is the first of its time; those before it are older.
        let mut scanner = self.scanner(known.max(from))?;
        while let Some(batch) = scanner.next()? {
            let located = batch.map_err(|error| self.damaged(&error.to_string()))?;
            if located.header.max_timestamp >= timestamp && located.header.last_offset() >= from {
                return scanner.batch(&located).map(|bytes| Some(bytes.to_vec()));
            }
        }
        Ok(None)
    }

    /// The first batch with the largest timestamp of those between `from` and `limit`.
    fn largest(&self, from: Offset, limit: Offset) -> io::Result<Option<Located>> {
        let below = self.relative(limit);
        let (timestamp, known) = self.time_floor(|entry| i64::from(entry.relative_offset) < below)?;
        // All before the entry's batch are below it in time; those after it may be above, unless the index is finished.
        let settled = self.is_finished && self.end_offset <= limit && known >= from && timestamp.is_some();
        let mut scanner = self.scanner(known.max(from))?;
        let mut largest: Option<Located> = None;
        while let Some(batch) = scanner.next()? {
            let located = batch.map_err(|error| self.damaged(&error.to_string()))?;
            if located.header.last_offset() >= limit {
                break;
            }
            let larger = largest.is_none_or(|largest| located.header.max_timestamp > largest.header.max_timestamp);
            if located.header.last_offset() >= from && located.header.max_timestamp.0 >= 0 && larger {
                largest = Some(located);
            }
            if settled && located.header.last_offset() >= known {
                break;
            }
        }
        Ok(largest)
    }

    fn batch(&self, located: &Located) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.files.open(FileKind::Log)?.read_at(located.position, located.header.length, &mut bytes)?;
        Ok(bytes)
    }

    fn damaged(&self, problem: &str) -> io::Error {
        let path = self.files.path(FileKind::Log);
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {problem}", path.display()))
    }
}

impl TimestampPlan {
    /// Offset, timestamp and leader epoch of the record found below the limit; `None` if there is none.
    ///
    /// # Errors
    /// What the disk reports; a batch that is damaged.
    pub fn search(&self) -> io::Result<Option<(Offset, Timestamp, Option<LeaderEpoch>)>> {
        match self.target {
            TimestampTarget::AtOrAfter(timestamp) => self.search_at_or_after(timestamp),
            TimestampTarget::Maximum => self.search_maximum(),
        }
    }

    fn search_at_or_after(&self, timestamp: Timestamp) -> io::Result<Option<(Offset, Timestamp, Option<LeaderEpoch>)>> {
        for view in &self.segments {
            let mut from = self.log_start_offset;
            while let Some(batch) = skip_gone(view, view.first_at_or_after(timestamp, from))? {
                let found = find_record(view, &batch, |offset, at| offset >= from && at >= timestamp)?;
                if let Some(found) = found {
                    return Ok(Some(found).filter(|(offset, _, _)| *offset < self.limit));
                }
                // The record that gave the batch its time lies below the log start, or the cleaner has taken it.
                from = last_offset(view, &batch)?.next();
            }
        }
        Ok(None)
    }

    fn search_maximum(&self) -> io::Result<Option<(Offset, Timestamp, Option<LeaderEpoch>)>> {
        let mut largest: Option<(&SegmentView, Located)> = None;
        for view in &self.segments {
            let found = skip_gone(view, view.largest(self.log_start_offset, self.limit))?;
            if let Some(found) = found
                && largest.is_none_or(|(_, largest)| found.header.max_timestamp > largest.header.max_timestamp)
            {
                largest = Some((view, found));
            }
        }
        let Some((view, located)) = largest else { return Ok(None) };
        let Some(batch) = skip_gone(view, view.batch(&located).map(Some))? else { return Ok(None) };
        let from = self.log_start_offset;
        find_record(view, &batch, |offset, at| offset >= from && at == located.header.max_timestamp)
    }
}

/// A segment that retention took away since the plan was made, or that was cut, holds nothing.
fn skip_gone<T>(view: &SegmentView, found: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match found {
        _ if view.files.is_retired() => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !view.files.is_live() => Ok(None),
        found => found,
    }
}

fn last_offset(view: &SegmentView, batch: &[u8]) -> io::Result<Offset> {
    let header = BatchHeader::parse(batch).map_err(|error| view.damaged(&error.to_string()))?;
    Ok(header.last_offset())
}

/// The first record of a batch that fits, with the batch's epoch.
fn find_record(
    view: &SegmentView,
    batch: &[u8],
    fits: impl Fn(Offset, Timestamp) -> bool,
) -> io::Result<Option<(Offset, Timestamp, Option<LeaderEpoch>)>> {
    let header = BatchHeader::parse(batch).map_err(|error| view.damaged(&error.to_string()))?;
    let records = Records::read(batch, BUDGET).map_err(|error| view.damaged(&error.to_string()))?;
    let epoch = Some(header.leader_epoch).filter(|epoch| epoch.0 >= 0);
    Ok(records.iter().find(|record| fits(record.offset, record.timestamp)).map(|record| (record.offset, record.timestamp, epoch)))
}

impl Log {
    /// Plans the search for a timestamp (ListOffsets).
    #[must_use]
    pub fn plan_timestamp(&self, target: TimestampTarget, limit: Offset) -> TimestampPlan {
        let limit = limit.min(self.next_offset);
        let ends = self.segments.iter().skip(1).map(Segment::base_offset).chain([self.next_offset]);
        let segments = self
            .segments
            .iter()
            .zip(ends)
            .filter(|(segment, end)| *end > self.log_start_offset && segment.base_offset() < limit && segment.size() > 0)
            .map(|(segment, end)| SegmentView::new(segment, end, segment.base_offset() != self.active().base_offset()))
            .collect();
        TimestampPlan { target, log_start_offset: self.log_start_offset, limit, segments }
    }
}
