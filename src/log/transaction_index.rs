//! The index of aborted transactions of a segment (TransactionIndex.java): made at the first one, one entry per abort marker.
//!
//! Entries of 34 bytes: i16 version 0, i64 producer id, i64 first offset, i64 last offset (the marker's), i64 last stable offset.

use std::io;
use std::sync::Arc;

use super::files::{FileKind, SegmentFiles};
use super::producers::AbortedTransaction;
use crate::seams::File;
use crate::types::Offset;

const ENTRY: usize = 34;
/// Where in an entry the last offset stands.
const LAST_OFFSET: usize = 18;

/// Appends an entry; the file is given back because it has to be synced.
pub(super) fn append(files: &SegmentFiles, aborted: &AbortedTransaction) -> io::Result<Arc<dyn File>> {
    let file = match files.open(FileKind::TransactionIndex) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => files.create(FileKind::TransactionIndex)?,
        opened => opened?,
    };
    let mut entry = Vec::with_capacity(ENTRY);
    entry.extend_from_slice(&0_i16.to_be_bytes());
    entry.extend_from_slice(&aborted.producer_id.0.to_be_bytes());
    for offset in [aborted.first_offset, aborted.last_offset, aborted.last_stable_offset] {
        entry.extend_from_slice(&offset.0.to_be_bytes());
    }
    file.write_at(file.length()?, &entry)?;
    Ok(file)
}

/// Drops the entries of markers at or above `offset`, and a torn last one. Synced on return.
pub(super) fn truncate(files: &SegmentFiles, offset: Offset) -> io::Result<()> {
    let file = match files.open(FileKind::TransactionIndex) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = usize::try_from(file.length()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = Vec::new();
    file.read_at(0, length, &mut bytes)?;
    let last_offset =
        |entry: &[u8]| entry.get(LAST_OFFSET..).and_then(<[u8]>::first_chunk).map(|bytes| i64::from_be_bytes(*bytes));
    let kept = bytes.chunks_exact(ENTRY).take_while(|entry| last_offset(entry).is_some_and(|last| last < offset.0)).count();
    file.set_length((kept * ENTRY) as u64)?;
    file.sync()
}
