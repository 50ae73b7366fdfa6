//! The files of a segment: their names, and handles that are opened when needed and closed when too many are open.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::seams::{Disk, File, OpenMode, lock};
use crate::types::Offset;

/// The kinds of file that a partition's directory holds per segment (LogFileUtils.java).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum FileKind {
    Log,
    OffsetIndex,
    TimeIndex,
    TransactionIndex,
    ProducerSnapshot,
}

impl FileKind {
    pub(super) const ALL: [Self; 5] =
        [Self::Log, Self::OffsetIndex, Self::TimeIndex, Self::TransactionIndex, Self::ProducerSnapshot];
    /// What can be made anew from the log.
    pub(super) const INDEXES: [Self; 3] = [Self::OffsetIndex, Self::TimeIndex, Self::TransactionIndex];

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::OffsetIndex => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TransactionIndex => ".txnindex",
            Self::ProducerSnapshot => ".snapshot",
        }
    }
}

/// A file that waits for its removal.
pub(super) const DELETED: &str = ".deleted";
/// A file that the cleaner had half made.
pub(super) const CLEANED: &str = ".cleaned";
/// A file that the cleaner had finished, to take the place of others.
pub(super) const SWAP: &str = ".swap";

/// The name of a file by the first offset of its segment: 20 digits and the kind.
pub(super) fn file_name(base_offset: Offset, kind: FileKind) -> String {
    format!("{:020}{}", base_offset.0, kind.suffix())
}

/// Takes a name such as `00000000000000000042.index` apart; `None` for any other.
pub(super) fn parse_file_name(name: &str) -> Option<(Offset, FileKind)> {
    let (digits, suffix) = name.split_at_checked(20)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kind = FileKind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
    Some((Offset(digits.parse().ok()?), kind))
}

/// Bounds how many segment files all logs of a process keep open. A file is closed when it has not been used since the bound was
/// last met (second chance); whoever still holds its handle, a planned read or a sync that is due, keeps it open longer.
#[derive(Debug)]
pub struct OpenFiles {
    limit: usize,
    open: Mutex<VecDeque<Weak<Slot>>>,
}

impl OpenFiles {
    /// At most about `limit` files (`klamm.log.max.open.segment.files`), at least 8.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(8), open: Mutex::default() })
    }

    /// Files open now, as far as the budget knows.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.open).len()
    }

    /// Takes a newly opened file into the count and closes as many others as are too many.
    fn admit(&self, slot: &Arc<Slot>) {
        let mut open = lock(&self.open);
        open.push_back(Arc::downgrade(slot));
        // Every file gets at most one more chance, so two rounds always suffice.
        let mut looks = open.len() * 2;
        while open.len() > self.limit && looks > 0 {
            looks -= 1;
            let Some(oldest) = open.pop_front() else { break };
            let Some(found) = oldest.upgrade() else { continue };
            if found.used.swap(false, Ordering::Relaxed) {
                open.push_back(oldest);
            } else {
                found.close();
            }
        }
    }
}

/// One file that may be open.
#[derive(Debug, Default)]
struct Slot {
    file: Mutex<Option<Arc<dyn File>>>,
    used: AtomicBool,
}

impl Slot {
    fn get(&self) -> Option<Arc<dyn File>> {
        let file = lock(&self.file).clone();
        self.used.store(true, Ordering::Relaxed);
        file
    }

    /// Keeps the file that is there already if two opened it at once; true if `file` is the one now kept.
    fn put(&self, file: &Arc<dyn File>) -> bool {
        let mut place = lock(&self.file);
        self.used.store(true, Ordering::Relaxed);
        let vacant = place.is_none();
        if vacant {
            *place = Some(file.clone());
        }
        vacant
    }

    fn close(&self) {
        lock(&self.file).take();
    }
}

/// What has become of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Life {
    Live,
    /// Its files bear `.deleted`; reads that were planned before may go on.
    Deleted,
    /// Cut or gone: what a read finds there may be bytes of another time.
    Retired,
}

/// What all files of a partition share.
pub(super) struct Place {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory: PathBuf,
    pub(super) open_files: Arc<OpenFiles>,
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.directory, formatter)
    }
}

impl Place {
    pub(super) fn path(&self, base_offset: Offset, kind: FileKind) -> PathBuf {
        self.directory.join(file_name(base_offset, kind))
    }
}

/// The files of one segment, shared between the log and the reads that were planned on it.
#[derive(Debug)]
pub(super) struct SegmentFiles {
    place: Arc<Place>,
    base_offset: Offset,
    log: Arc<Slot>,
    offset_index: Arc<Slot>,
    time_index: Arc<Slot>,
    life: AtomicU8,
}

impl SegmentFiles {
    pub(super) fn new(place: Arc<Place>, base_offset: Offset) -> Arc<Self> {
        Arc::new(Self {
            place,
            base_offset,
            log: Arc::default(),
            offset_index: Arc::default(),
            time_index: Arc::default(),
            life: AtomicU8::new(Life::Live as u8),
        })
    }

    pub(super) fn base_offset(&self) -> Offset {
        self.base_offset
    }

    pub(super) fn path(&self, kind: FileKind) -> PathBuf {
        let mut path = self.place.path(self.base_offset, kind).into_os_string();
        if self.life.load(Ordering::Acquire) == Life::Deleted as u8 {
            path.push(DELETED);
        }
        PathBuf::from(path)
    }

    /// The open file, opened now if it was not.
    pub(super) fn open(&self, kind: FileKind) -> io::Result<Arc<dyn File>> {
        self.open_as(kind, OpenMode::ReadWrite)
    }

    /// The open file, made anew and empty; whatever a stop in the middle of an earlier attempt has left is gone.
    pub(super) fn create(&self, kind: FileKind) -> io::Result<Arc<dyn File>> {
        let file = self.open_as(kind, OpenMode::CreateOrOpen)?;
        file.set_length(0)?;
        Ok(file)
    }

    fn open_as(&self, kind: FileKind, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let Some(slot) = self.slot(kind) else { return self.place.disk.open(&self.path(kind), mode) };
        if let Some(file) = slot.get() {
            return Ok(file);
        }
        let file = self.place.disk.open(&self.path(kind), mode)?;
        if slot.put(&file) {
            self.place.open_files.admit(slot);
        }
        Ok(file)
    }

    fn slot(&self, kind: FileKind) -> Option<&Arc<Slot>> {
        match kind {
            FileKind::Log => Some(&self.log),
            FileKind::OffsetIndex => Some(&self.offset_index),
            FileKind::TimeIndex => Some(&self.time_index),
            FileKind::TransactionIndex | FileKind::ProducerSnapshot => None,
        }
    }

    /// The files have been renamed to `.deleted`.
    pub(super) fn mark_deleted(&self) {
        self.life.store(Life::Deleted as u8, Ordering::Release);
    }

    /// Must come before the first byte of the segment is cut: reads look at it after they read.
    pub(super) fn retire(&self) {
        self.life.store(Life::Retired as u8, Ordering::SeqCst);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.life.load(Ordering::SeqCst) == Life::Retired as u8
    }

    pub(super) fn is_live(&self) -> bool {
        self.life.load(Ordering::Acquire) == Life::Live as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_twenty_digits_and_a_known_suffix() {
        assert_eq!(file_name(Offset(42), FileKind::TimeIndex), "00000000000000000042.timeindex");
        for kind in FileKind::ALL {
            assert_eq!(parse_file_name(&file_name(Offset(i64::MAX), kind)), Some((Offset(i64::MAX), kind)));
        }
        for foreign in ["42.log", "0000000000000000004x.log", "00000000000000000042.log.deleted", "99999999999999999999.log", "é"]
        {
            assert_eq!(parse_file_name(foreign), None, "{foreign}");
        }
    }
}
