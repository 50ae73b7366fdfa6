//! Reads are planned under the partition's lock and carried out outside it.

use std::io;

use bytes::Bytes;

use crate::types::{LeaderEpoch, Offset, Timestamp};

/// A read that was planned: holds what it needs of the segment, so retention cannot pull the file away.
#[derive(Debug)]
pub struct ReadPlan {
    _todo: (),
}

/// What a planned read found.
#[derive(Debug)]
pub enum ReadResult {
    /// Whole batches, back to back; empty if there was nothing to read.
    Records(Bytes),
    /// The disk would have to work: carry the plan out again as a blocking job.
    NotCached,
}

impl ReadPlan {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// Carries the plan out; with `cached_only` it never waits for the disk.
    ///
    /// # Errors
    /// What the disk reports; a batch that is damaged on disk.
    pub fn read(&self, cached_only: bool) -> io::Result<ReadResult> {
        let _ = cached_only;
        todo!()
    }
}

/// What ListOffsets looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampTarget {
    /// The first record at or after this time.
    AtOrAfter(Timestamp),
    /// The record with the largest timestamp.
    Maximum,
}

/// A search that was planned; carried out outside the lock, as a blocking job.
#[derive(Debug)]
pub struct TimestampPlan {
    _todo: (),
}

impl TimestampPlan {
    /// Offset, timestamp and leader epoch of the record found below the limit; `None` if there is none.
    ///
    /// # Errors
    /// What the disk reports.
    pub fn search(&self) -> io::Result<Option<(Offset, Timestamp, Option<LeaderEpoch>)>> {
        todo!()
    }
}
