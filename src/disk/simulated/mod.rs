//! A disk in memory that forgets, as a real one may when the power goes, whatever was not synced.
//!
//! Owns: durable and volatile sectors, directory entries with a durability of their own, faults on demand.
//! Never does: touch a real file; read a clock; draw a number that its seed does not determine.
//! Invariants: what a sync (and for names a directory sync) returned for survives every crash, unless a fault was asked for;
//! nothing that was opened before a crash changes the disk after it.

mod content;
mod faults;
mod file;
mod tree;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

pub use faults::{Cache, Call, Faults, Hook, Operation, Reaction, Trace};

use crate::seams::{DirectoryEntry, DirectoryLock, Disk, File, OpenMode, Random, lock};
use content::SECTOR;
use faults::Observers;
use file::SimulatedFile;
use tree::{InodeId, Tree};

/// Free bytes of a disk without a limit.
const PLENTY: u64 = 1 << 40;

/// One computer's disk, mounted. Clones share it.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    shared: Arc<Mutex<Shared>>,
    /// Which start of the computer this mount belongs to.
    generation: u64,
}

#[derive(Debug)]
struct Shared {
    tree: Tree,
    random: Random,
    faults: Faults,
    unreadable: BTreeSet<(InodeId, usize)>,
    locked: BTreeSet<InodeId>,
    observers: Observers,
    calls: u64,
    /// Counts the crashes.
    generation: u64,
}

/// A call as its maker describes it.
#[derive(Clone, Copy)]
struct Sketch<'a> {
    operation: Operation,
    path: &'a Path,
    position: u64,
    length: u64,
    bytes: &'a [u8],
}

impl SimulatedDisk {
    /// An empty disk; all chance comes from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let shared = Shared {
            tree: Tree::new(),
            random: Random::new(seed),
            faults: Faults::default(),
            unreadable: BTreeSet::new(),
            locked: BTreeSet::new(),
            observers: Observers::default(),
            calls: 0,
            generation: 0,
        };
        Self { shared: Arc::new(Mutex::new(shared)), generation: 0 }
    }

    /// Cuts the power. Any subset of unsynced sectors is lost, files end anywhere between their lengths since the last sync,
    /// any subset of unsynced directory changes is lost that respects their order per name. All mounts, handles and locks from
    /// before fail from now on; go on with [`SimulatedDisk::mount`].
    pub fn crash(&self) {
        self.lock_shared().crash();
    }

    /// The disk as the computer finds it when it is started again.
    #[must_use]
    pub fn mount(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), generation: self.lock_shared().generation }
    }

    /// A copy with a future of its own, to ask of one moment what would become of it under several fates. Handles, locks, faults
    /// and observers stay with the original.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        {
            let (original, mut copied) = (self.lock_shared(), copy.lock_shared());
            copied.tree = original.tree.fork();
            copied.unreadable.clone_from(&original.unreadable);
        }
        copy
    }

    /// How many files are open, each handle counted.
    #[must_use]
    pub fn open_handles(&self) -> usize {
        self.lock_shared().tree.open_handles()
    }

    /// Whether the power has been cut since this was mounted.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.lock_shared().generation != self.generation
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock_shared().calls
    }

    /// Sets standing faults.
    pub fn configure(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock_shared().faults);
    }

    /// Reads of the sector at `position` of a file fail with EIO from now on.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn make_unreadable(&self, path: &Path, position: u64) -> io::Result<()> {
        let mut shared = self.lock_shared();
        let inode = shared.tree.resolve(path)?;
        shared.unreadable.insert((inode, to_index(position)? / SECTOR));
        Ok(())
    }

    /// Asks `hook` before each call from now on.
    pub fn on_call(&self, hook: Hook) {
        self.lock_shared().observers.hook = Some(hook);
    }

    /// Tells `trace` of each call from now on.
    pub fn on_done(&self, trace: Trace) {
        self.lock_shared().observers.trace = Some(trace);
    }

    fn lock_shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// The one way of every call: count it, ask the hook, work, tell the trace.
    fn call<T>(&self, sketch: Sketch<'_>, work: impl FnOnce(&mut Shared) -> io::Result<T>) -> io::Result<T> {
        let shared = &mut *self.lock_shared();
        if shared.generation != self.generation {
            return Err(power_is_gone());
        }
        shared.calls += 1;
        let Sketch { operation, path, position, length, bytes } = sketch;
        let call = Call { number: shared.calls, operation, path, position, length, bytes };
        let result = match shared.observers.hook.as_mut().map_or(Reaction::Proceed, |hook| hook(&call)) {
            Reaction::Proceed => work(shared),
            Reaction::Fail(kind) => Err(kind.into()),
            Reaction::CutPower => {
                shared.crash();
                Err(power_is_gone())
            }
        };
        if let Some(trace) = &mut shared.observers.trace {
            trace(&call, result.as_ref().err().map(io::Error::kind));
        }
        result
    }

    fn call_path<T>(&self, operation: Operation, path: &Path, work: impl FnOnce(&mut Shared) -> io::Result<T>) -> io::Result<T> {
        self.call(Sketch { operation, path, position: 0, length: 0, bytes: &[] }, work)
    }
}

impl Shared {
    fn crash(&mut self) {
        self.generation += 1;
        self.locked.clear();
        self.tree.crash(&mut self.random);
    }

    fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<InodeId> {
        let inode = match (self.tree.resolve(path), mode) {
            (Err(error), OpenMode::CreateNew | OpenMode::CreateOrOpen) if error.kind() == ErrorKind::NotFound => {
                self.tree.create_file(path)?
            }
            (Ok(_), OpenMode::CreateNew) => return Err(ErrorKind::AlreadyExists.into()),
            (found, _) => found?,
        };
        self.tree.content(inode)?;
        Ok(inode)
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inode = self.call_path(Operation::Open, path, |shared| {
            let inode = shared.open(path, mode)?;
            shared.tree.opened(inode);
            Ok(inode)
        })?;
        let writable = mode != OpenMode::Read;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), inode, path: path.to_owned(), writable }))
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let entries = self.call_path(Operation::ReadDirectory, path, |shared| {
            let directory = shared.tree.resolve(path)?;
            shared.tree.list(directory)
        })?;
        let entry = |(name, is_directory, length)| DirectoryEntry { name, is_directory, length: length as u64 };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.call_path(Operation::CreateDirectory, path, |shared| shared.tree.create_directories(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let bytes = to.as_os_str().as_bytes();
        let sketch = Sketch { operation: Operation::Rename, path: from, position: 0, length: bytes.len() as u64, bytes };
        self.call(sketch, |shared| shared.tree.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call_path(Operation::RemoveFile, path, |shared| shared.tree.remove_file(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.call_path(Operation::RemoveDirectory, path, |shared| shared.tree.remove_directory(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call_path(Operation::SyncDirectory, path, |shared| {
            let directory = shared.tree.resolve(path)?;
            if shared.faults.sync_fails() {
                return Err(input_output_error());
            }
            if shared.faults.ignore_directory_sync {
                return Ok(());
            }
            shared.tree.sync_directory(directory)
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.call_path(Operation::Exists, path, |shared| match shared.tree.resolve(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        let inode = self.call_path(Operation::Lock, path, |shared| {
            let inode = shared.open(path, OpenMode::CreateOrOpen)?;
            if shared.locked.insert(inode) { Ok(inode) } else { Err(ErrorKind::WouldBlock.into()) }
        })?;
        Ok(Box::new(SimulatedLock { disk: self.clone(), inode }))
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        self.call_path(Operation::AvailableBytes, path, |shared| {
            shared.tree.resolve(path)?;
            Ok(shared.faults.capacity.map_or(PLENTY, |capacity| capacity.saturating_sub(shared.tree.used())))
        })
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        self.call_path(Operation::AvailableBytes, path, |shared| {
            shared.tree.resolve(path)?;
            Ok(shared.faults.capacity.unwrap_or(PLENTY))
        })
    }
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    inode: InodeId,
}

impl DirectoryLock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut shared = self.disk.lock_shared();
        if shared.generation == self.disk.generation {
            shared.locked.remove(&self.inode);
        }
    }
}

fn power_is_gone() -> io::Error {
    io::Error::other("the power is gone")
}

fn input_output_error() -> io::Error {
    rustix::io::Errno::IO.into()
}

fn to_index(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
