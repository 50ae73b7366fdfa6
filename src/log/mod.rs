//! One partition's log in Kafka's directory format: segments, indexes, epochs, producer state, retention, recovery.
//!
//! Owns: everything in a `topic-partition` directory, and the files of a log directory beside them (checkpoints, meta.properties,
//! the lock, the mark of a clean stop).
//! Never does: wait, sleep, read a clock, start a task; sync unless told to, but for truncation, closing, recovery and checkpoints.
//! Synchronous, over the Disk seam.
//! Invariants: offsets in a log rise; bytes below the recovery point are whole; a failed sync is never retried; once the disk has
//! failed, nothing is appended any more; whatever a crash leaves, what is left after recovery is a prefix of what was appended.

pub mod checkpoint;
mod config;
pub mod directory;
mod epochs;
mod error;
mod files;
mod index;
mod leftovers;
mod partition_log;
mod partition_metadata;
mod producers;
mod read;
mod recent;
mod recovery;
mod retention;
mod scan;
mod segment;
mod snapshot;
mod sync;
#[cfg(test)]
mod tests;
mod timestamps;
mod transaction_index;
mod truncation;

pub use config::{CleanupPolicy, LogConfig};
pub use error::{AppendError, AppendRefusal, LogFault, ReadRefusal};
pub use files::OpenFiles;
pub use partition_log::{Appended, Log, LogShape, OpenOptions, Validated};
pub use partition_metadata::read_topic_id;
pub use producers::ActiveProducer;
pub use read::{ReadPlan, ReadResult};
pub use sync::SyncWork;
pub use timestamps::{TimestampPlan, TimestampTarget};
