//! A journal in memory, for tests of coordinators.

use std::sync::{Arc, Mutex};

use super::{EncodedRecord, Journal, Unavailable};
use crate::seams::lock;
use crate::types::{Offset, Timestamp};

/// Keeps what is appended; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryJournal {
    pub(crate) records: Arc<Mutex<Vec<EncodedRecord>>>,
    /// The next append fails.
    pub(crate) fails: Arc<Mutex<bool>>,
}

impl Journal for MemoryJournal {
    fn max_batch_bytes(&self) -> usize {
        1 << 20
    }

    fn append(&self, records: &[EncodedRecord], _: Timestamp) -> Result<Offset, Unavailable> {
        if *lock(&self.fails) {
            return Err(Unavailable);
        }
        let mut kept = lock(&self.records);
        let first = Offset(i64::try_from(kept.len()).expect("a test's journal is short"));
        kept.extend_from_slice(records);
        Ok(first)
    }
}
