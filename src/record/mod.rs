//! Record batches (format v2): the only room that knows their bytes.
//!
//! Owns: the header view, stamping in place, the validation walk, the builder of our own batches, control records, the codecs
//! with an output budget.
//! Never does: input or output; decoding on the way of a batch from socket to disk to socket beyond validation.
//! Invariants: base offset and leader epoch lie outside the CRC and are stamped in place; nothing is reserved on a sender's word.

mod builder;
mod compression;
mod control;
mod header;
mod snappy;
mod validate;
mod walk;

pub use builder::{BatchBuilder, BatchOptions, NewRecord};
pub use compression::{OutputBudget, compress, decompress};
pub use control::{ControlType, control_batch, control_type};
pub use header::{Attributes, BatchError, BatchHeader, Batches, HEADER_LENGTH, check_crc, stamp};
pub use validate::{ProduceRules, RecordRefusal, Refusal, TimestampRules, ValidBatch, check_produced_bytes, validate_produce};
pub use walk::{Header, Record, Records, RecordsError};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod validate_tests;
