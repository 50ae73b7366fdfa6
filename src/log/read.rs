//! Reads are planned under the partition's lock and carried out outside it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::files::{FileKind, SegmentFiles};
use super::index::{OffsetEntry, floor};
use super::scan::Access;
use super::segment::Segment;
use super::{Log, ReadRefusal};
use crate::record::{BatchHeader, Batches, HEADER_LENGTH};
use crate::seams::File;
use crate::types::Offset;

/// Most bytes that a read takes from one segment, whatever it asks for.
const MOST_BYTES: usize = i32::MAX as usize;

/// A read that was planned: holds what it needs of the segment, so retention cannot pull the file away.
#[derive(Debug)]
pub struct ReadPlan {
    offset: Offset,
    limit: Offset,
    max_bytes: usize,
    at_least_one: bool,
    /// Read beyond `max_bytes` at first, because the index leads to a batch somewhat before the one wanted.
    slack: usize,
    /// The segment that should hold the offset. Where compaction left a gap at its end, the one after it does.
    sources: [Option<Source>; 2],
}

/// One segment to read from.
#[derive(Debug)]
struct Source {
    files: Arc<SegmentFiles>,
    start: Start,
    /// Whole batches end here.
    end: u64,
}

/// Where in a segment to begin.
#[derive(Clone, Copy, Debug)]
enum Start {
    At(u64),
    /// Where this many entries of the index file lead to.
    Indexed {
        entries: u64,
        relative_offset: u32,
    },
}

/// What a planned read found.
#[derive(Debug)]
pub enum ReadResult {
    /// Whole batches, back to back; empty if there was nothing to read.
    Records(Bytes),
    /// The disk would have to work: carry the plan out again as a blocking job.
    NotCached,
}

impl ReadPlan {
    /// Nothing lies between the offset and the limit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.iter().all(Option::is_none)
    }

    /// Carries the plan out; with `cached_only` it never waits for the disk. If the log was cut below what was planned, nothing is
    /// found.
    ///
    /// # Errors
    /// What the disk reports; a batch that is damaged on disk.
    pub fn read(&self, cached_only: bool) -> io::Result<ReadResult> {
        let access = if cached_only { Access::CachedOnly } else { Access::MayWait };
        match self.read_sources(access) {
            Err(error) if cached_only && error.kind() == io::ErrorKind::WouldBlock => Ok(ReadResult::NotCached),
            found => Ok(ReadResult::Records(found?)),
        }
    }

    fn read_sources(&self, access: Access) -> io::Result<Bytes> {
        for source in self.sources.iter().flatten() {
            let found = self.read_source(source, access);
            if source.files.is_retired() {
                return Ok(Bytes::new());
            }
            match found {
                // Removed for good since the plan was made: the next fetch learns the new log start.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !source.files.is_live() => return Ok(Bytes::new()),
                Err(error) => return Err(error),
                Ok(None) => {}
                Ok(Some(records)) => return Ok(records),
            }
        }
        Ok(Bytes::new())
    }

    /// `None` when the segment has no batch at or above the offset.
    fn read_source(&self, source: &Source, access: Access) -> io::Result<Option<Bytes>> {
        let file = source.files.open(FileKind::Log)?;
        let start = source.start(access)?;
        match self.read_from(source, &*file, start, access)? {
            // An index that led nowhere: the batches themselves know.
            Found::Astray if start > 0 => match self.read_from(source, &*file, 0, access)? {
                Found::Records(records) => Ok(Some(records)),
                Found::End => Ok(None),
                Found::Astray => Err(source.damaged()),
            },
            Found::Astray => Err(source.damaged()),
            Found::Records(records) => Ok(Some(records)),
            Found::End => Ok(None),
        }
    }

    fn read_from(&self, source: &Source, file: &dyn File, start: u64, access: Access) -> io::Result<Found> {
        let mut position = start;
        let mut buffer = Vec::new();
        let first = loop {
            let left = usize::try_from(source.end.saturating_sub(position)).unwrap_or(usize::MAX);
            if left == 0 {
                return Ok(Found::End);
            }
            buffer.clear();
            let wanted = self.max_bytes.saturating_add(self.slack).clamp(HEADER_LENGTH, MOST_BYTES).min(left);
            access.read(file, position, wanted, &mut buffer)?;
            match find_first(&buffer, self.offset) {
                First::At { header, at } => {
                    let led_too_far = position == start && at == 0 && start > 0 && header.base_offset > self.offset;
                    if led_too_far {
                        return Ok(Found::Astray);
                    }
                    break (header, at);
                }
                First::Beyond(skip) if (skip as u64) <= left as u64 => position += skip as u64,
                First::Beyond(_) | First::Damaged => return Ok(Found::Astray),
            }
        };
        let (header, at) = first;
        if header.last_offset() >= self.limit || (header.length > self.max_bytes && !self.at_least_one) {
            return Ok(Found::Records(Bytes::new()));
        }
        // The rest of what may be returned, if skipping what comes before the first batch has used up the slack.
        let left = usize::try_from(source.end - position).unwrap_or(usize::MAX);
        let wanted = at.saturating_add(self.max_bytes.max(header.length)).min(left);
        if let Some(missing) = wanted.checked_sub(buffer.len()).filter(|missing| *missing > 0) {
            access.read(file, position + buffer.len() as u64, missing, &mut buffer)?;
        }
        buffer.truncate(wanted);
        let end = at + whole_batches(buffer.get(at..).unwrap_or_default(), self.limit);
        if end == at {
            return Ok(Found::Astray);
        }
        Ok(Found::Records(Bytes::from(buffer).slice(at..end)))
    }
}

/// What a walk through a segment came to.
enum Found {
    Records(Bytes),
    /// All batches lie below the offset.
    End,
    /// No batch where one should be.
    Astray,
}

impl Source {
    fn start(&self, access: Access) -> io::Result<u64> {
        let (entries, target) = match self.start {
            Start::At(position) => return Ok(position),
            Start::Indexed { entries, relative_offset } => (entries, relative_offset),
        };
        let index = match self.files.open(FileKind::OffsetIndex) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            opened => opened?,
        };
        let entry = floor(&*index, entries, access, |entry: &OffsetEntry| entry.relative_offset <= target)?;
        Ok(entry.map_or(0, |entry| u64::from(entry.position)).min(self.end))
    }

    fn damaged(&self) -> io::Error {
        let path = self.files.path(FileKind::Log);
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: a batch is damaged", path.display()))
    }
}

enum First {
    /// The first batch that reaches the offset, and where it starts.
    At {
        header: BatchHeader,
        at: usize,
    },
    /// It starts this far on or further.
    Beyond(usize),
    Damaged,
}

/// Looks for the first batch with a last offset at or above `offset`; its header must be there, the rest need not.
fn find_first(bytes: &[u8], offset: Offset) -> First {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= HEADER_LENGTH) {
        let Ok(header) = BatchHeader::parse(rest) else { return First::Damaged };
        if header.last_offset() >= offset {
            return First::At { header, at };
        }
        let Some(next) = at.checked_add(header.length) else { return First::Damaged };
        at = next;
    }
    if at == 0 { First::Damaged } else { First::Beyond(at) }
}

/// Bytes of the whole batches at the start that lie below the limit.
fn whole_batches(bytes: &[u8], limit: Offset) -> usize {
    let whole = Batches::new(bytes).map_while(Result::ok);
    whole.take_while(|(header, _)| header.last_offset() < limit).last().map_or(0, |(_, range)| range.end)
}

impl Log {
    /// Plans a read of whole batches from the one that holds `offset`, below `limit` (exclusive), of up to `max_bytes`;
    /// with `at_least_one` the first batch comes whole even if it is larger. Empty when `offset >= limit`. A read ends with its
    /// segment.
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
        let (log_start_offset, log_end_offset) = (self.log_start_offset, self.next_offset);
        if offset < log_start_offset || offset > log_end_offset {
            return Err(ReadRefusal::OutOfRange { log_start_offset, log_end_offset });
        }
        let limit = limit.min(log_end_offset);
        let mut sources = [None, None];
        if offset < limit {
            let first = self.segment_of(offset);
            let candidates = self.segments.get(first..).unwrap_or_default().iter();
            let readable = candidates.filter(|segment| segment.size() > 0 && segment.base_offset() < limit);
            for (place, segment) in sources.iter_mut().zip(readable) {
                *place = Some(self.source(segment, offset));
            }
        }
        let slack = usize::try_from(self.config.index_interval_bytes).unwrap_or(usize::MAX);
        Ok(ReadPlan { offset, limit, max_bytes, at_least_one, slack, sources })
    }

    fn source(&self, segment: &Segment, offset: Offset) -> Source {
        let recent = if segment.base_offset() == self.active().base_offset() { self.recent.floor(offset) } else { None };
        let start = recent.map_or_else(|| start_in(segment, offset), Start::At);
        Source { files: segment.files().clone(), start, end: segment.size() }
    }

    /// Number of the segment that holds the offset, if any does.
    pub(super) fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|segment| segment.base_offset() <= offset).saturating_sub(1)
    }

    /// How many bytes lie between two offsets, for min_bytes of long polls: exact among the newest batches; further back never less
    /// than the true number, and more by at most an index interval and a batch at each end (by more where the index is not in memory).
    #[must_use]
    pub fn bytes_between(&self, from: Offset, to: Offset) -> u64 {
        let (from, to) = (from.max(self.log_start_offset), to.min(self.next_offset));
        if from >= to {
            return 0;
        }
        let (first, last) = (self.segment_of(from), self.segment_of(to));
        let between = self.segments.get(first..last).unwrap_or_default().iter().map(Segment::size).sum::<u64>();
        (between + self.position_above(last, to)).saturating_sub(self.position_below(first, from))
    }

    /// Where a batch starts at or before the one that holds the offset.
    fn position_below(&self, segment: usize, offset: Offset) -> u64 {
        let Some(segment) = self.segments.get(segment) else { return 0 };
        let source = self.source(segment, offset);
        source.start(Access::CachedOnly).unwrap_or(0)
    }

    /// Where a batch ends at or after the last one below the offset.
    fn position_above(&self, segment: usize, offset: Offset) -> u64 {
        let Some(segment) = self.segments.get(segment) else { return 0 };
        if offset <= segment.base_offset() {
            return 0;
        }
        let is_active = segment.base_offset() == self.active().base_offset();
        let recent = if is_active && offset < self.next_offset { self.recent.ceiling(offset) } else { None };
        recent.unwrap_or_else(|| segment.size())
    }
}

fn start_in(segment: &Segment, offset: Offset) -> Start {
    let Some(target) = segment.relative(offset) else { return Start::At(0) };
    match segment.offset_index().floor_gathered(|entry| entry.relative_offset <= target) {
        Some(entry) => Start::At(u64::from(entry.position)),
        None if segment.offset_index().written() == 0 => Start::At(0),
        None => Start::Indexed { entries: segment.offset_index().written(), relative_offset: target },
    }
}
