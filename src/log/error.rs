//! What a log can refuse (data, has a Kafka code) and what can fail it (a fault of the disk).

use std::io;
use std::path::PathBuf;

use crate::types::{Offset, ProducerEpoch, ProducerId, Sequence};

/// The disk failed. The directory that holds `path` goes offline, except for `NoSpace`.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// The append was cut back to the last whole batch; the log stays usable.
    #[error("{}: no space left on the device", path.display())]
    NoSpace { path: PathBuf },
    #[error("{}: {problem}", path.display())]
    Corrupt { path: PathBuf, problem: String },
}

/// Why an append is refused although its batch is well formed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AppendRefusal {
    /// OUT_OF_ORDER_SEQUENCE_NUMBER.
    OutOfOrderSequence { producer_id: ProducerId, expected: Sequence, got: Sequence },
    /// INVALID_PRODUCER_EPOCH.
    OldProducerEpoch { producer_id: ProducerId, current: ProducerEpoch, got: ProducerEpoch },
    /// Offsets would leave the range of i64, or a follower's batch does not continue the log.
    OffsetOutOfOrder { expected: Offset, got: Offset },
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("{0:?}")]
    Refused(AppendRefusal),
    #[error(transparent)]
    Fault(#[from] LogFault),
}

/// Why a read is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadRefusal {
    /// OFFSET_OUT_OF_RANGE: below the log start or above the log end.
    OutOfRange { log_start_offset: Offset, log_end_offset: Offset },
}
