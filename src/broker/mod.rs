//! The node: partitions behind short locks, and the tasks that own the controller, the quorum, timers.
//!
//! Owns: the table of partitions, log directories, group commit, the publication of metadata images, the controller's task, start and stop.
//! Never does: know a wire format. `api/` calls in with [`crate::security::Authorized`] values and gets domain values back.
//! Invariants: no partition's lock is held across an await or a sync; a reader sees nothing that a crash could take back (in durable
//! mode); an image is published after the partitions it names are open.

mod administration;
pub mod clock;
mod configs;
pub mod execution;

mod controller_task;
mod coordinators;
mod core;
mod directory;
mod disk_reads;
mod fetch;
mod log_directories;
mod loggers;
mod maintenance;
mod metrics;
mod node;
mod observation;
mod opening;
mod own_writes;
mod partition;
mod partitions;
mod phases;
mod producer_ids;
mod publisher;
mod record_deletion;
mod storage;
mod sync_queue;
mod topic_events;
mod unopened;

/// The primitives `sync_queue.rs` is built on; its interleaving test builds the same file on checked ones.
mod sync {
    pub(super) use std::sync::{Arc, Mutex};
}

pub use controller_task::{ControllerError, ControllerHandle};
pub use coordinators::CoordinatorError;
pub use core::{Broker, CoordinatorKind, is_internal_topic};
pub use directory::LogDirectory;
pub use disk_reads::DiskReads;
pub use fetch::{FetchJob, Fetched};
pub use log_directories::{DescribedDirectory, DescribedLog, DirectorySpace};
pub use loggers::{Loggers, NoLoggers};
pub use metrics::{
    Count, DiskMetrics, DiskSeen, Durations, DurationsSeen, Entered, Level, Metrics, RequestMetrics, RequestsSeen, Timed,
    Traffic, TrafficSeen,
};
pub use node::{Node, NodeOptions, Seams, StartError};
pub use observation::{ClusterCounts, CommittedSeen, GroupCounts, Listed, Observation, ReplicaCounts};
pub use own_writes::own_writes_are_visible;
pub use partition::{FetchLook, Partition, PartitionError, PartitionOptions};
pub use partitions::{Found, Partitions, PartitionsOptions};
pub use producer_ids::ProducerIds;
pub use publisher::Publisher;
pub use sync_queue::{Cycle, SyncQueue, Syncs};
