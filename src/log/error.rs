//! What a log can refuse (data, has a Kafka code) and what can fail it (a fault of the disk).

use std::io;
use std::path::{Path, PathBuf};

use crate::record::BatchError;
use crate::seams::is_full;
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence};

/// The disk failed. The directory that holds `path` goes offline, except for `NoSpace`.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// The append was cut back to the last whole batch; the log stays usable.
    #[error("{}: no space left on the device", path.display())]
    NoSpace { path: PathBuf },
    /// What the file says cannot be: it is foreign, or bytes that were durable have changed.
    #[error("{}: {problem}", path.display())]
    Corrupt { path: PathBuf, problem: String },
}

impl LogFault {
    /// A fault from what the disk reported while it was to do `action`; a full disk is told apart from a broken one.
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) { Self::NoSpace { path } } else { Self::Io { path, action, source } }
    }

    pub(crate) fn corrupt(path: &Path, problem: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), problem: problem.into() }
    }

    /// The same fault once more: io::Error cannot be cloned, its kind and text can.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Io { path, action, source } => {
                Self::Io { path: path.clone(), action, source: io::Error::new(source.kind(), source.to_string()) }
            }
            Self::NoSpace { path } => Self::NoSpace { path: path.clone() },
            Self::Corrupt { path, problem } => Self::Corrupt { path: path.clone(), problem: problem.clone() },
        }
    }
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
    /// A follower's batch is of an older epoch than the log's newest: the log had to be truncated first.
    LeaderEpochOutOfOrder { latest: LeaderEpoch, got: LeaderEpoch },
    /// A follower's batch is not whole or its CRC is wrong (CORRUPT_MESSAGE).
    DamagedBatch(BatchError),
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
