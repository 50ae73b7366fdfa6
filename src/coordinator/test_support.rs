//! A journal in memory, for tests of coordinators.

use std::sync::{Arc, Mutex};

use super::{EncodedRecord, Journal, Unavailable};
use crate::record::{BatchBuilder, BatchOptions, NewRecord};
use crate::seams::lock;
use crate::types::{Offset, Timestamp};

/// Keeps what is appended; clones share it. Asserts that a batch is no larger than the coordinator was told.
#[derive(Clone, Debug)]
pub(crate) struct MemoryJournal {
    pub(crate) records: Arc<Mutex<Vec<EncodedRecord>>>,
    /// Appends fail.
    pub(crate) fails: Arc<Mutex<bool>>,
    pub(crate) max_batch_bytes: Arc<Mutex<usize>>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self { records: Arc::default(), fails: Arc::default(), max_batch_bytes: Arc::new(Mutex::new(1 << 20)) }
    }
}

impl Journal for MemoryJournal {
    fn max_batch_bytes(&self) -> usize {
        *lock(&self.max_batch_bytes)
    }

    fn append(&self, records: &[EncodedRecord], timestamp: Timestamp) -> Result<Offset, Unavailable> {
        if *lock(&self.fails) {
            return Err(Unavailable);
        }
        let mut batch = BatchBuilder::new(BatchOptions::default());
        for EncodedRecord { key, value } in records {
            batch.push(&NewRecord { timestamp, key: Some(key), value: value.as_deref(), headers: Vec::new() });
        }
        assert!(batch.length() <= self.max_batch_bytes(), "{} records make a batch of {} bytes", records.len(), batch.length());
        let mut kept = lock(&self.records);
        let first = Offset(i64::try_from(kept.len()).expect("a test's journal is short"));
        kept.extend_from_slice(records);
        Ok(first)
    }
}
