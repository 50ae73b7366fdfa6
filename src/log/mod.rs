//! One partition's log in Kafka's directory format: segments, indexes, epochs, producer state, retention, recovery.
//!
//! Owns: everything in a `topic-partition` directory, and the per-directory checkpoint files.
//! Never does: wait, sleep, read a clock, start a task; sync unless told to. Synchronous, over the Disk seam.
//! Invariants: offsets in a log rise; bytes below the recovery point are whole; a failed sync is never retried.

mod config;
mod error;
mod partition_log;
mod read;
mod sync;

pub use config::{CleanupPolicy, LogConfig};
pub use error::{AppendError, AppendRefusal, LogFault, ReadRefusal};
pub use partition_log::{Appended, Log, OpenOptions, Validated};
pub use read::{ReadPlan, ReadResult, TimestampPlan, TimestampTarget};
pub use sync::SyncWork;
