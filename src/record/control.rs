//! Control batches: markers inside the log that clients skip.

use super::BatchOptions;
use crate::types::Timestamp;

/// Type of a control record (ControlRecordType.java). Unknown types must be skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlType {
    Abort,
    Commit,
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    KraftVersion,
    KraftVoters,
    Unknown(i16),
}

/// One control batch of the given records (type, value), its control bit set whatever `options` says.
#[must_use]
pub fn control_batch(options: BatchOptions, timestamp: Timestamp, records: &[(ControlType, &[u8])]) -> Vec<u8> {
    let _ = (options, timestamp, records);
    todo!()
}

/// The type that a control record's key names; `None` when the key is too short.
#[must_use]
pub fn control_type(key: &[u8]) -> Option<ControlType> {
    let _ = key;
    todo!()
}
