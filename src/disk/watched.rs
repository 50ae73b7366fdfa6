//! A disk that tells how long its work takes: what may have to wait for the device, not what only looks.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::seams::{Clock, DirectoryEntry, DirectoryLock, Disk, File, OpenMode};
use crate::types::Now;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Work {
    /// Of what memory may not hold.
    Read,
    /// To the page cache, which makes writers wait when the device cannot keep up.
    Write,
    /// Of a file or a directory.
    Sync,
}

impl Work {
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Sync];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
        }
    }
}

/// Is told of each piece of work, on the thread that did it.
pub trait DiskWatcher: Send + Sync + Debug {
    /// `end` is the moment at which the work, begun at `start`, was done or had failed.
    fn took(&self, work: Work, path: &Path, start: Now, end: Now);
}

/// Another disk, watched.
#[derive(Debug)]
pub struct WatchedDisk {
    inner: Arc<dyn Disk>,
    watch: Watch,
}

#[derive(Clone, Debug)]
struct Watch {
    clock: Arc<dyn Clock>,
    watcher: Arc<dyn DiskWatcher>,
}

impl Watch {
    fn over<T>(&self, work: Work, path: &Path, run: impl FnOnce() -> T) -> T {
        let start = self.clock.now();
        let result = run();
        self.watcher.took(work, path, start, self.clock.now());
        result
    }
}

impl WatchedDisk {
    #[must_use]
    pub fn new(inner: Arc<dyn Disk>, clock: Arc<dyn Clock>, watcher: Arc<dyn DiskWatcher>) -> Self {
        Self { inner, watch: Watch { clock, watcher } }
    }
}

impl Disk for WatchedDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(WatchedFile { inner, path: path.into(), watch: self.watch.clone() }))
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.inner.read_directory(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.create_directory(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.watch.over(Work::Sync, path, || self.inner.sync_directory(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        self.inner.lock(path)
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        self.inner.available_bytes(path)
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        self.inner.total_bytes(path)
    }
}

#[derive(Debug)]
struct WatchedFile {
    inner: Arc<dyn File>,
    path: Box<Path>,
    watch: Watch,
}

impl File for WatchedFile {
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        self.watch.over(Work::Read, &self.path, || self.inner.read_at(position, length, into))
    }

    fn read_if_cached(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
        self.inner.read_if_cached(position, length, into)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.watch.over(Work::Write, &self.path, || self.inner.write_at(position, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.watch.over(Work::Sync, &self.path, || self.inner.sync())
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.inner.set_length(length)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.inner.preallocate(length)
    }
}
