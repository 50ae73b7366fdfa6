//! Making a log durable without holding its lock.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Log;
use super::files::Place;
use crate::seams::File;
use crate::types::{Offset, Timestamp};

/// Files and directories to sync, and the offset that is durable afterwards.
#[derive(Debug)]
pub struct SyncWork {
    files: Vec<Arc<dyn File>>,
    /// The partition's directory, when files were made in it or renamed.
    directory: Option<Arc<Place>>,
    up_to: Offset,
    generation: u64,
    deletions: u64,
}

impl SyncWork {
    /// Syncs. Blocks; run it on the sync thread, without the partition's lock.
    ///
    /// # Errors
    /// What the disk reports: then the directory goes offline, the sync is never tried again.
    pub fn run(&self) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.sync())?;
        self.directory.as_ref().map_or(Ok(()), |place| place.disk.sync_directory(&place.directory))
    }

    /// Exclusive.
    #[must_use]
    pub fn up_to(&self) -> Offset {
        self.up_to
    }

    /// The partition's directory: what a fault is reported for.
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|place| place.directory.clone())
    }
}

/// What has been written and not yet handed to a sync. The open files stand in here until then: a file that is closed and opened
/// again may have lost the report that its writing failed.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// The active segment's log.
    pub(super) active: Option<Arc<dyn File>>,
    /// Files of segments that are closed, snapshots, transaction indexes.
    pub(super) others: Vec<Arc<dyn File>>,
    /// Entries of the partition's directory have changed.
    pub(super) directory: bool,
    /// Time of the oldest append.
    pub(super) since: Option<Timestamp>,
}

impl Dirty {
    pub(super) fn is_clean(&self) -> bool {
        self.active.is_none() && self.others.is_empty() && !self.directory
    }
}

impl Log {
    /// What has to be synced to make the log durable up to its end; `None` when it is. One at a time.
    pub fn begin_sync(&mut self) -> Option<SyncWork> {
        if self.dirty.is_clean() {
            return None;
        }
        let Dirty { active, others: mut files, directory, since: _ } = std::mem::take(&mut self.dirty);
        files.extend(active);
        Some(SyncWork {
            files,
            directory: directory.then(|| self.place.clone()),
            up_to: self.next_offset,
            generation: self.generation,
            deletions: self.deletions,
        })
    }

    /// The work ran without error: advances the flushed offset, unless the log was cut meanwhile, which syncs for itself.
    pub fn finish_sync(&mut self, work: &SyncWork) {
        if work.generation != self.generation {
            return;
        }
        self.flushed_offset = self.flushed_offset.max(work.up_to);
        if work.directory.is_some() {
            self.deletions_synced = self.deletions_synced.max(work.deletions);
        }
        // A segment that was closed before the work began is durable with all its files.
        let mut next = None;
        for segment in self.segments.iter_mut().rev() {
            if next.is_some_and(|next| next < work.up_to) {
                if !segment.has_changed() {
                    break;
                }
                segment.mark_synced();
            }
            next = Some(segment.base_offset());
        }
    }

    /// Whether `flush.messages` or `flush.ms` ask for a sync by now.
    #[must_use]
    pub fn sync_due(&self, now: Timestamp) -> bool {
        let unflushed = self.next_offset.0 - self.flushed_offset.0;
        self.dirty.since.is_some() && self.config.flush_messages.is_some_and(|limit| unflushed >= limit)
            || self.next_sync_deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When `flush.ms` asks for the next sync: that long after the oldest append that no sync has taken up.
    #[must_use]
    pub fn next_sync_deadline(&self) -> Option<Timestamp> {
        Some(Timestamp(self.dirty.since?.0.saturating_add(self.config.flush_ms?)))
    }
}
