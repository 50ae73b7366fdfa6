//! What the node's log directories hold, for DescribeLogDirs.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Broker, LogDirectory};
use crate::security::{Authorized, Cluster};
use crate::types::TopicPartition;

/// One entry of `log.dirs`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedDirectory {
    /// Absolute.
    pub path: PathBuf,
    /// Takes no new replicas (KIP-1066).
    pub is_cordoned: bool,
    /// `None` of one that failed, or whose disk does not answer.
    pub space: Option<DirectorySpace>,
    /// By topic and number; empty of one that failed.
    pub logs: Vec<DescribedLog>,
}

/// The file system under a directory; in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectorySpace {
    pub total: u64,
    /// What an ordinary user may still write.
    pub usable: u64,
}

/// The log of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedLog {
    pub partition: TopicPartition,
    /// Bytes in all segments.
    pub size: u64,
    /// How far the log is behind the high watermark, in offsets.
    pub offset_lag: i64,
}

impl Broker {
    /// All log directories in the order of `log.dirs`, with the logs that `wanted` says. The disks are asked on a reader's thread: one
    /// may hang. `None` when the process is going down.
    pub async fn describe_log_directories(
        self: &Arc<Self>,
        _: &Authorized<Cluster>,
        wanted: impl Fn(&TopicPartition) -> bool + Send + 'static,
    ) -> Option<Vec<DescribedDirectory>> {
        let broker = Arc::clone(self);
        self.disk_reads.run(move || broker.look_at_directories(wanted)).await
    }

    fn look_at_directories(&self, wanted: impl Fn(&TopicPartition) -> bool) -> Vec<DescribedDirectory> {
        let (image, all) = (self.image(), self.partitions.all());
        let own = image.broker(self.config.node_id);
        let cordoned = own.and_then(|broker| broker.cordoned_log_dirs.as_deref()).unwrap_or_default();
        let describe = |directory: &Arc<LogDirectory>| {
            let here = all.iter().filter(|partition| Arc::ptr_eq(&partition.directory, directory));
            let logs = here.map(|partition| (partition, partition.name())).filter(|(_, name)| wanted(name));
            let logs = logs.filter_map(|(partition, name)| {
                let (size, offset_lag) = partition.stored()?;
                Some(DescribedLog { partition: name, size, offset_lag })
            });
            let space = self.space(directory);
            DescribedDirectory {
                path: std::path::absolute(&directory.path).unwrap_or_else(|_| directory.path.clone()),
                is_cordoned: cordoned.contains(&directory.id),
                logs: if space.is_some() { logs.collect() } else { Vec::new() },
                space,
            }
        };
        self.partitions.directories().iter().map(describe).collect()
    }

    fn space(&self, directory: &LogDirectory) -> Option<DirectorySpace> {
        if directory.is_offline() {
            return None;
        }
        let disk = self.partitions.disk();
        let asked = disk.total_bytes(&directory.path).and_then(|total| Ok((total, disk.available_bytes(&directory.path)?)));
        match asked {
            Ok((total, usable)) => Some(DirectorySpace { total, usable }),
            Err(error) => {
                tracing::warn!(directory = %directory.path.display(), %error, "the disk does not tell its size");
                None
            }
        }
    }
}
