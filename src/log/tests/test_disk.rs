//! What the tests of this room do to a simulated disk.

use std::io;
use std::path::Path;

use crate::disk::{Cache, Operation, Reaction, SimulatedDisk};
use crate::seams::{Disk, OpenMode};

/// Calls after which something may be different.
fn changes(operation: Operation) -> bool {
    use Operation::*;
    match operation {
        CreateDirectory | Rename | RemoveFile | RemoveDirectory | SyncDirectory | WriteAt | Sync | SetLength => true,
        Open | ReadDirectory | Exists | Lock | AvailableBytes | ReadAt | ReadIfCached | Length | Preallocate => false,
    }
}

pub(crate) trait TestDisk {
    fn names(&self, directory: &Path) -> Vec<String>;
    fn contents(&self, path: &Path) -> Vec<u8>;
    /// Puts a file there, durably.
    fn put(&self, path: &Path, bytes: &[u8]);
    /// A copy: what a process finds that starts after another was killed.
    fn killed(&self) -> SimulatedDisk;
    /// A copy after the power was cut.
    fn crashed(&self, seed: u64) -> SimulatedDisk;
    fn set_free(&self, bytes: u64);
    fn set_cache(&self, cache: Cache);
    /// Calls of these kinds fail from now on.
    fn fail(&self, operations: &'static [Operation]);
    /// The power is cut at the changing call after this many others.
    fn cut_power_after(&self, calls: u64);
}

impl TestDisk for SimulatedDisk {
    fn names(&self, directory: &Path) -> Vec<String> {
        self.read_directory(directory).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    fn contents(&self, path: &Path) -> Vec<u8> {
        let file = self.open(path, OpenMode::Read).unwrap();
        let mut bytes = Vec::new();
        file.read_at(0, file.length().unwrap() as usize, &mut bytes).unwrap();
        bytes
    }

    fn put(&self, path: &Path, bytes: &[u8]) {
        let directory = path.parent().unwrap();
        self.create_directory(directory).unwrap();
        let file = self.open(path, OpenMode::CreateOrOpen).unwrap();
        file.set_length(0).unwrap();
        file.write_at(0, bytes).unwrap();
        file.sync().unwrap();
        directory.ancestors().for_each(|directory| self.sync_directory(directory).unwrap());
    }

    fn killed(&self) -> SimulatedDisk {
        self.fork(0)
    }

    fn crashed(&self, seed: u64) -> SimulatedDisk {
        let copy = self.fork(seed);
        copy.crash();
        copy.mount()
    }

    fn set_free(&self, bytes: u64) {
        const VAST: u64 = 1 << 50;
        self.configure(|faults| faults.capacity = Some(VAST));
        let used = VAST - self.available_bytes(Path::new("/")).unwrap();
        self.configure(|faults| faults.capacity = Some(used + bytes));
    }

    fn set_cache(&self, cache: Cache) {
        self.configure(|faults| faults.cache = cache);
    }

    fn fail(&self, operations: &'static [Operation]) {
        self.on_call(Box::new(|call| {
            if operations.contains(&call.operation) { Reaction::Fail(io::ErrorKind::Other) } else { Reaction::Proceed }
        }));
    }

    fn cut_power_after(&self, calls: u64) {
        let mut left = calls;
        self.on_call(Box::new(move |call| {
            if !changes(call.operation) {
                return Reaction::Proceed;
            }
            let Some(fewer) = left.checked_sub(1) else { return Reaction::CutPower };
            left = fewer;
            Reaction::Proceed
        }));
    }
}
