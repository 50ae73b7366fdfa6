//! What a test can see of the simulated disk's calls, and what it can make go wrong.

use std::fmt;
use std::io;
use std::path::Path;

/// Which method of [`Disk`](crate::seams::Disk) or [`File`](crate::seams::File) is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    Open,
    ReadDirectory,
    CreateDirectory,
    Rename,
    RemoveFile,
    RemoveDirectory,
    SyncDirectory,
    Exists,
    Lock,
    AvailableBytes,
    ReadAt,
    ReadIfCached,
    WriteAt,
    Sync,
    Length,
    SetLength,
    Preallocate,
}

/// One call, before it takes effect.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Counts from 1 and never starts anew.
    pub number: u64,
    pub operation: Operation,
    /// A file's path is the one it was opened by.
    pub path: &'a Path,
    pub position: u64,
    pub length: u64,
    /// What is written; of a rename the new path.
    pub bytes: &'a [u8],
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    Proceed,
    /// It fails without effect.
    Fail(io::ErrorKind),
    /// The power goes just before it: see [`SimulatedDisk::crash`](super::SimulatedDisk::crash).
    CutPower,
}

/// Asked before each call; must not use the disk itself.
pub type Hook = Box<dyn FnMut(&Call<'_>) -> Reaction + Send>;

/// Told of each call after it, with the kind of its error; must not use the disk itself.
pub type Trace = Box<dyn FnMut(&Call<'_>, Option<io::ErrorKind>) + Send>;

/// What `read_if_cached` finds in memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Cache {
    #[default]
    Warm,
    Cold,
    /// Warm or cold by chance.
    Mixed,
}

/// Standing faults; the default is a disk that works.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Faults {
    /// Sum of all files' lengths beyond which writes fail with ENOSPC; `None` for no limit.
    pub capacity: Option<u64>,
    /// The how-manieth sync from now (1 for the next one), of a file or of a directory, fails with EIO.
    pub fail_sync: Option<u64>,
    /// `File::sync` says yes and does nothing.
    pub ignore_file_sync: bool,
    /// `Disk::sync_directory` says yes and does nothing.
    pub ignore_directory_sync: bool,
    pub cache: Cache,
}

impl Faults {
    /// Counts one sync; true if it is the one to fail.
    pub(super) fn sync_fails(&mut self) -> bool {
        self.fail_sync = self.fail_sync.map(|left| left.saturating_sub(1));
        self.fail_sync.take_if(|left| *left == 0).is_some()
    }
}

/// The two callbacks of a test.
#[derive(Default)]
pub(super) struct Observers {
    pub(super) hook: Option<Hook>,
    pub(super) trace: Option<Trace>,
}

impl fmt::Debug for Observers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook, trace } = self;
        formatter.debug_struct("Observers").field("hook", &hook.is_some()).field("trace", &trace.is_some()).finish()
    }
}
