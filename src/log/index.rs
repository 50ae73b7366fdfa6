//! The sparse indexes of a segment (OffsetIndex.java, TimeIndex.java): from offset to file position, from timestamp to offset.
//!
//! Kafka sizes the file of an active segment to its maximum and trims it later; ours only ever holds what is in it, so that it reads
//! the same before and after a crash. Entries are gathered in memory and written many at a time. Nothing depends on them being
//! durable while the segment is active, because recovery makes them anew.

use std::io;
use std::sync::Arc;

use super::scan::Access;
use crate::seams::File;
use crate::types::Timestamp;

/// Entries gathered before they are written with one call.
const GATHERED: usize = 64;
/// A search reads this many entries at once when so few are left.
const SEARCH_BLOCK: u64 = 256;

/// One entry of an index.
pub(super) trait Entry: Copy + Eq + std::fmt::Debug {
    const SIZE: usize;
    fn encode(&self, into: &mut Vec<u8>);
    /// `None` when there are fewer than `SIZE` bytes.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// `position` is where the batch starts whose last offset is base offset plus `relative_offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OffsetEntry {
    pub(super) relative_offset: u32,
    pub(super) position: u32,
}

impl Entry for OffsetEntry {
    const SIZE: usize = 8;

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.relative_offset.to_be_bytes());
        into.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (relative_offset, rest) = bytes.split_first_chunk()?;
        let (position, _) = rest.split_first_chunk()?;
        Some(Self { relative_offset: u32::from_be_bytes(*relative_offset), position: u32::from_be_bytes(*position) })
    }
}

/// The largest timestamp so far, and the last offset of the first batch that has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TimeEntry {
    pub(super) timestamp: Timestamp,
    pub(super) relative_offset: u32,
}

impl Entry for TimeEntry {
    const SIZE: usize = 12;

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.timestamp.0.to_be_bytes());
        into.extend_from_slice(&self.relative_offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (timestamp, rest) = bytes.split_first_chunk()?;
        let (relative_offset, _) = rest.split_first_chunk()?;
        Some(Self { timestamp: Timestamp(i64::from_be_bytes(*timestamp)), relative_offset: u32::from_be_bytes(*relative_offset) })
    }
}

/// The entries of one index: those in the file and, behind them, those not yet written.
#[derive(Debug)]
pub(super) struct SparseIndex<E> {
    written: u64,
    gathered: Vec<E>,
    /// Known once it was looked up or appended.
    last: Option<E>,
}

impl<E: Entry> SparseIndex<E> {
    pub(super) const fn empty() -> Self {
        Self { written: 0, gathered: Vec::new(), last: None }
    }

    /// An index whose file has `length` bytes; `None` if that is no whole number of entries.
    pub(super) fn of_length(length: u64) -> Option<Self> {
        let size = E::SIZE as u64;
        length.is_multiple_of(size).then(|| Self { written: length / size, gathered: Vec::new(), last: None })
    }

    pub(super) fn len(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn push(&mut self, entry: E) {
        self.gathered.push(entry);
        self.last = Some(entry);
    }

    /// Enough has been gathered to be worth a write.
    pub(super) fn is_due(&self) -> bool {
        self.gathered.len() >= GATHERED
    }

    pub(super) fn has_unwritten(&self) -> bool {
        !self.gathered.is_empty()
    }

    /// Writes what was gathered. After an error it is still gathered.
    pub(super) fn write(&mut self, file: &dyn File) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.gathered.len() * E::SIZE);
        self.gathered.iter().for_each(|entry| entry.encode(&mut bytes));
        file.write_at(self.written * E::SIZE as u64, &bytes)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// The last entry; read from the file the first time.
    pub(super) fn last(&mut self, file: impl FnOnce() -> io::Result<Arc<dyn File>>) -> io::Result<Option<E>> {
        if self.last.is_none() && self.written > 0 {
            self.last = read_entry(&*file()?, self.written - 1, Access::MayWait)?;
        }
        Ok(self.last)
    }

    /// The last entry, if it was looked up or appended since the index was opened.
    pub(super) fn known_last(&self) -> Option<E> {
        self.last
    }

    /// The last of the unwritten entries for which `below` holds.
    pub(super) fn floor_gathered(&self, below: impl Fn(&E) -> bool) -> Option<E> {
        self.gathered.get(self.gathered.partition_point(below).checked_sub(1)?).copied()
    }

    /// A copy of the unwritten entries, for a search outside the lock.
    pub(super) fn gathered(&self) -> &[E] {
        &self.gathered
    }

    /// Drops all entries but those for which `keep` holds; the kept ones come first.
    pub(super) fn truncate(&mut self, file: &dyn File, keep: impl Fn(&E) -> bool) -> io::Result<()> {
        let kept = partition_point(file, self.written, Access::MayWait, &keep)?;
        self.gathered.truncate(if kept < self.written { 0 } else { self.gathered.partition_point(&keep) });
        self.written = kept;
        file.set_length(kept * E::SIZE as u64)?;
        self.last = self.gathered.last().copied();
        Ok(())
    }
}

/// The last of the first `count` entries of the file for which `below` holds; it must hold for a first part of them and for no other.
pub(super) fn floor<E: Entry>(file: &dyn File, count: u64, access: Access, below: impl Fn(&E) -> bool) -> io::Result<Option<E>> {
    match partition_point(file, count, access, &below)?.checked_sub(1) {
        Some(number) => read_entry(file, number, access),
        None => Ok(None),
    }
}

fn read_entry<E: Entry>(file: &dyn File, number: u64, access: Access) -> io::Result<Option<E>> {
    let mut bytes = Vec::with_capacity(E::SIZE);
    access.read(file, number * E::SIZE as u64, E::SIZE, &mut bytes)?;
    Ok(E::decode(&bytes))
}

/// How many of the first `count` entries fulfil `below`. Should the file have become shorter, what is missing does not.
fn partition_point<E: Entry>(file: &dyn File, count: u64, access: Access, below: impl Fn(&E) -> bool) -> io::Result<u64> {
    let (mut low, mut high) = (0, count);
    while high - low > SEARCH_BLOCK {
        let middle = low + (high - low) / 2;
        if read_entry(file, middle, access)?.is_some_and(|entry| below(&entry)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let block = usize::try_from(high - low).expect("at most SEARCH_BLOCK entries") * E::SIZE;
    let mut bytes = Vec::with_capacity(block);
    access.read(file, low * E::SIZE as u64, block, &mut bytes)?;
    let fulfilling = bytes.chunks_exact(E::SIZE).map_while(E::decode).take_while(|entry| below(entry)).count();
    Ok(low + fulfilling as u64)
}
