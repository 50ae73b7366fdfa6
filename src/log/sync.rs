//! Making a log durable without holding its lock.

use std::io;

use crate::types::Offset;

/// Files and directories to sync, and the offset that is durable afterwards.
#[derive(Debug)]
pub struct SyncWork {
    _todo: (),
}

impl SyncWork {
    /// Syncs. Blocks; run it on the sync thread, without the partition's lock.
    ///
    /// # Errors
    /// What the disk reports: then the directory goes offline, the sync is never tried again.
    pub fn run(&self) -> io::Result<()> {
        todo!()
    }

    /// Exclusive.
    #[must_use]
    pub fn up_to(&self) -> Offset {
        todo!()
    }
}
