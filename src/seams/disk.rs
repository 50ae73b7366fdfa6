//! Files and directories.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Must exist; reading only.
    Read,
    /// Must exist; reading and writing.
    ReadWrite,
    /// Made anew, `AlreadyExists` if there is one; reading and writing.
    CreateNew,
    /// Made if missing, else opened as it is; reading and writing.
    CreateOrOpen,
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryEntry {
    pub name: String,
    pub is_directory: bool,
    /// Length in bytes; 0 for a directory.
    pub length: u64,
}

/// Directories of one machine's disks. A made, renamed or removed entry survives a power cut only after
/// [`Disk::sync_directory`] of the directory that holds it.
pub trait Disk: Send + Sync + Debug {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Entries sorted by name; `NotFound` if there is no such directory.
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;

    /// Makes the directory and its missing parents; no error if it is there.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Replaces `to` if it is a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Takes the advisory lock of a file, made if missing; `WouldBlock` if another process holds it. Released on drop.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>>;

    /// Bytes an ordinary user may still write below `path`.
    fn available_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Bytes of the whole file system that `path` lies on, used or not.
    fn total_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// A held lock; dropping it lets go.
pub trait DirectoryLock: Send + Sync + Debug {}

/// An open file. All calls take a position, so one handle serves many readers and one writer without a lock.
pub trait File: Send + Sync + Debug {
    /// Appends up to `length` bytes from `position` to `into`; returns how many, fewer only at the end of the file.
    /// Blocks while the disk works.
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize>;

    /// As [`File::read_at`], but only from memory: `None` (and `into` unchanged) when the disk would have to work.
    fn read_if_cached(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<Option<usize>>;

    /// Writes all of `bytes` at `position`, growing the file. On an error a prefix may have been written.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns once content and length are on the device. After an error the state on the device is unknown: never retry.
    fn sync(&self) -> io::Result<()>;

    fn length(&self) -> io::Result<u64>;

    /// Cuts or zero-extends the file.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Reserves space up to `length` without changing the file's length. Doing nothing is allowed.
    fn preallocate(&self, length: u64) -> io::Result<()>;
}

/// Whether an error says that there is no space left.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero)
}

/// Replaces a small file as one atomic, durable fact: write beside it, sync, rename, sync the directory.
///
/// # Errors
/// Whatever the disk reports; then the old file stands, or the new one whole.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    put_file(disk, path, bytes)?;
    path.parent().map_or(Ok(()), |directory| disk.sync_directory(directory))
}

/// As [`replace_file`], but for the sync of the directory, which the caller owes: until then the old file may come back.
///
/// # Errors
/// Whatever the disk reports; then the old file stands.
pub fn put_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = disk.open(&temporary, OpenMode::CreateOrOpen)?;
    file.set_length(0)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    disk.rename(&temporary, path)
}
