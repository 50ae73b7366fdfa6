//! The machine's own disks, by rustix and `std::fs`.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, IoSliceMut};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::{Errno, ReadWriteFlags};

use crate::seams::{DirectoryEntry, DirectoryLock, Disk, File, OpenMode};

/// How far a reused buffer may be larger than a read before the read is confined by zeroing first: one page.
const SURPLUS: usize = 4096;

/// The file systems of this machine.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => &mut options,
            OpenMode::ReadWrite => options.write(true),
            OpenMode::CreateNew => options.write(true).create_new(true),
            OpenMode::CreateOrOpen => options.write(true).create(true).truncate(false),
        };
        let file = options.open(path)?;
        if mode == OpenMode::Read && file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Ok(Arc::new(RealFile { descriptor: file.into() }))
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Follows links, as every later use of the entry does. One that is gone by now was never here.
            let metadata = match fs::metadata(entry.path()) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let is_directory = metadata.is_dir();
            let length = if is_directory { 0 } else { metadata.len() };
            entries.push(DirectoryEntry { name: entry.file_name().to_string_lossy().into_owned(), is_directory, length });
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    /// Takes both kinds of lock: `flock` against another Klamm (and another use in this process), and the POSIX record lock
    /// that Java's `FileChannel.tryLock` takes, so that a running Apache Kafka and Klamm keep out of each other's directory.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let descriptor = OwnedFd::from(file);
        rustix::fs::flock(&descriptor, FlockOperation::NonBlockingLockExclusive)?;
        match rustix::fs::fcntl_lock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(RealLock { _descriptor: descriptor })),
            // POSIX lets a held record lock show as either.
            Err(Errno::ACCESS | Errno::AGAIN) => Err(ErrorKind::WouldBlock.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn available_bytes(&self, path: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn total_bytes(&self, path: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_blocks.saturating_mul(space.f_frsize))
    }
}

/// Closing the descriptor lets both locks go.
#[derive(Debug)]
struct RealLock {
    _descriptor: OwnedFd,
}

impl DirectoryLock for RealLock {}

#[derive(Debug)]
struct RealFile {
    descriptor: OwnedFd,
}

impl File for RealFile {
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        let start = into.len();
        let result = self.fill(position, length, into);
        if result.is_err() {
            into.truncate(start);
        }
        result
    }

    /// Safe code can hand `preadv2` only initialised memory, so this read zeroes first (a tenth of what the copy costs).
    fn read_if_cached(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
        let start = into.len();
        into.resize(start + length, 0);
        let result = self.fill_from_cache(position, into.get_mut(start..).unwrap_or_default());
        into.truncate(start + result.as_ref().ok().copied().flatten().unwrap_or(0));
        result
    }

    fn write_at(&self, mut position: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(&self.descriptor, bytes, position))?;
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            position += written as u64;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// `fdatasync`: flushes the length too, since it is needed to read the content back; only times of access and change are
    /// left out (fdatasync(2)).
    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.descriptor)?)
    }

    fn length(&self) -> io::Result<u64> {
        let status = rustix::fs::fstat(&self.descriptor)?;
        u64::try_from(status.st_size).map_err(io::Error::other)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| rustix::fs::ftruncate(&self.descriptor, length))?)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let reserve = || rustix::fs::fallocate(&self.descriptor, FallocateFlags::KEEP_SIZE, 0, length);
        match rustix::io::retry_on_intr(reserve) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl RealFile {
    /// Reads until `length` bytes or the end of the file. A partial result stays in `into` on an error.
    fn fill(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        let start = into.len();
        let end = start + length;
        into.reserve_exact(length);
        while into.len() < end {
            let done = into.len();
            let wanted = end - done;
            let from = position + (done - start) as u64;
            let read = if into.capacity() - done <= wanted + SURPLUS {
                rustix::io::retry_on_intr(|| rustix::io::pread(&self.descriptor, spare_capacity(into), from))
            } else {
                into.resize(end, 0);
                let piece = into.get_mut(done..).unwrap_or_default();
                let read = rustix::io::retry_on_intr(|| rustix::io::pread(&self.descriptor, &mut *piece, from));
                into.truncate(done + read.unwrap_or(0));
                read
            }?;
            into.truncate(end);
            if read == 0 {
                break;
            }
        }
        Ok(into.len() - start)
    }

    /// `None` when some of it is not in memory, or the file system cannot tell.
    fn fill_from_cache(&self, position: u64, into: &mut [u8]) -> io::Result<Option<usize>> {
        let mut done = 0;
        while done < into.len() {
            let piece = into.get_mut(done..).unwrap_or_default();
            let from = position + done as u64;
            match rustix::io::preadv2(&self.descriptor, &mut [IoSliceMut::new(piece)], from, ReadWriteFlags::NOWAIT) {
                // Linux 5.9 and 5.10 say 0 also for pages that are not in memory (readv(2), BUGS): only the length tells.
                Ok(0) => return Ok((from >= self.length()?).then_some(done)),
                Ok(read) => done += read,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(done))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::disk::conformance;

    #[test]
    fn the_real_disk_conforms() {
        let folder = tempfile::tempdir().unwrap();
        conformance::conformance(&RealDisk, folder.path());
    }

    #[test]
    fn a_reused_buffer_is_filled_only_as_far_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&folder.path().join("file"), OpenMode::CreateNew).unwrap();
        file.write_at(0, &[7; 100_000]).unwrap();
        for capacity in [0, 10, 100, SURPLUS + 20, 200_000] {
            let mut buffer = Vec::with_capacity(capacity);
            buffer.push(1);
            assert_eq!(file.read_at(5, 10, &mut buffer).unwrap(), 10);
            assert_eq!(buffer, [1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
        }
    }

    #[test]
    fn a_lock_keeps_out_those_who_lock_as_java_does() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let lock = RealDisk.lock(&path).unwrap();
        let inode = format!(":{} ", fs::metadata(&path).unwrap().ino());
        let kinds = || {
            let locks = fs::read_to_string("/proc/locks").unwrap();
            let ours = locks.lines().filter(|line| line.contains(&inode));
            ours.filter_map(|line| Some(line.split_whitespace().nth(1)?.to_owned())).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(kinds().into_iter().collect::<Vec<_>>(), ["FLOCK", "POSIX"]);
        drop(lock);
        assert!(kinds().is_empty());
    }

    #[test]
    fn what_was_just_written_is_cached_where_the_file_system_can_tell() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&folder.path().join("file"), OpenMode::CreateNew).unwrap();
        file.write_at(0, &[7; 10_000]).unwrap();
        let mut buffer = vec![1];
        match file.read_if_cached(9_000, 5_000, &mut buffer).unwrap() {
            Some(read) => assert_eq!((read, buffer.len()), (1_000, 1_001)),
            None => assert_eq!(buffer, [1]),
        }
    }
}
