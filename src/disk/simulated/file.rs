//! An open file of the simulated disk.

use std::io;
use std::path::PathBuf;

use super::content::SECTOR;
use super::faults::{Cache, Operation};
use super::tree::InodeId;
use super::{Shared, SimulatedDisk, Sketch, input_output_error, to_index};
use crate::seams::File;

#[derive(Debug)]
pub(super) struct SimulatedFile {
    pub(super) disk: SimulatedDisk,
    pub(super) inode: InodeId,
    pub(super) path: PathBuf,
    pub(super) writable: bool,
}

impl SimulatedFile {
    fn call<T>(
        &self,
        operation: Operation,
        position: u64,
        length: u64,
        bytes: &[u8],
        work: impl FnOnce(&mut Shared) -> io::Result<T>,
    ) -> io::Result<T> {
        self.disk.call(Sketch { operation, path: &self.path, position, length, bytes }, work)
    }

    fn read(&self, shared: &mut Shared, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        let position = to_index(position)?;
        let found = shared.tree.content(self.inode)?.read(position, length);
        let sectors = position / SECTOR..(position + found.len()).div_ceil(SECTOR);
        if !found.is_empty() && shared.unreadable.range((self.inode, sectors.start)..(self.inode, sectors.end)).next().is_some() {
            return Err(input_output_error());
        }
        into.extend_from_slice(found);
        Ok(found.len())
    }

    fn require_writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(rustix::io::Errno::BADF.into()) }
    }

    /// How far the file may grow towards `end`, at least its present length.
    fn allowed_end(&self, shared: &mut Shared, end: usize) -> io::Result<usize> {
        let length = shared.tree.content(self.inode)?.length();
        let Some(capacity) = shared.faults.capacity else { return Ok(end) };
        let free = to_index(capacity.saturating_sub(shared.tree.used()))?;
        Ok(end.min(length.saturating_add(free)))
    }
}

impl File for SimulatedFile {
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        let work = |shared: &mut Shared| self.read(shared, position, length, into);
        self.call(Operation::ReadAt, position, length as u64, &[], work)
    }

    fn read_if_cached(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
        self.call(Operation::ReadIfCached, position, length as u64, &[], |shared| {
            let cold = match shared.faults.cache {
                Cache::Warm => false,
                Cache::Cold => true,
                Cache::Mixed => shared.random.chance(50),
            };
            if cold { Ok(None) } else { self.read(shared, position, length, into).map(Some) }
        })
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.call(Operation::WriteAt, position, bytes.len() as u64, bytes, |shared| {
            self.require_writable()?;
            let position = to_index(position)?;
            let end = position.checked_add(bytes.len()).ok_or(rustix::io::Errno::FBIG)?;
            let allowed = self.allowed_end(shared, end)?;
            let fits = bytes.get(..allowed.saturating_sub(position).min(bytes.len())).unwrap_or_default();
            shared.tree.content(self.inode)?.write(position, fits, &mut shared.random);
            if fits.len() < bytes.len() { Err(rustix::io::Errno::NOSPC.into()) } else { Ok(()) }
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.call(Operation::Sync, 0, 0, &[], |shared| {
            let fails = shared.faults.sync_fails();
            let ignored = shared.faults.ignore_file_sync;
            let content = shared.tree.content(self.inode)?;
            if fails {
                content.fail_sync(&mut shared.random);
                return Err(input_output_error());
            }
            if !ignored {
                content.sync();
            }
            Ok(())
        })
    }

    fn length(&self) -> io::Result<u64> {
        self.call(Operation::Length, 0, 0, &[], |shared| Ok(shared.tree.content(self.inode)?.length() as u64))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.call(Operation::SetLength, 0, length, &[], |shared| {
            self.require_writable()?;
            let length = to_index(length)?;
            if self.allowed_end(shared, length)? < length {
                return Err(rustix::io::Errno::NOSPC.into());
            }
            shared.tree.content(self.inode)?.set_length(length, &mut shared.random);
            Ok(())
        })
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.call(Operation::Preallocate, 0, length, &[], |_| self.require_writable())
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let mut shared = self.disk.lock_shared();
        if shared.generation == self.disk.generation {
            shared.tree.closed(self.inode);
        }
    }
}
