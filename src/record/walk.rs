//! The records inside a batch, after decompression.

use super::BatchError;
use crate::types::{Offset, Timestamp};

/// One record; slices of the (decompressed) batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    pub offset: Offset,
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<Header<'a>>,
}

/// One record header. Keys may repeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// All records of one batch, decompressed if need be.
#[derive(Debug)]
pub struct Records {
    _todo: (),
}

impl Records {
    /// Decompresses and checks the records of one whole batch; `budget` bounds the bytes that decompression may make.
    ///
    /// # Errors
    /// Text that says what is wrong with the batch.
    pub fn read(batch: &[u8], budget: super::OutputBudget) -> Result<Self, RecordsError> {
        let _ = (batch, budget);
        todo!()
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        std::iter::empty()
    }
}

/// Why the records of a batch cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordsError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("{0}")]
    Malformed(String),
}
