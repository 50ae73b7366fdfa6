//! DeleteRecords: where a log starts moves forward, durably before it is told.

use std::sync::Arc;

use super::{Broker, LogDirectory, Partition, PartitionError, Partitions};
use crate::log::checkpoint::LOG_START_OFFSET;
use crate::seams::{Blocking, run_blocking};
use crate::types::Offset;

/// What became of each deletion that was asked for: where the log starts now.
type Deleted = Vec<Result<Offset, PartitionError>>;

impl Broker {
    /// Deletes the records of each partition below the offset, or below the high watermark where it is `None`. The partitions were found by
    /// who showed the right to them. All are done in one job, with one checkpoint for each directory.
    pub async fn delete_records(&self, deletions: Vec<(Arc<Partition>, Option<Offset>)>) -> Deleted {
        let (partitions, count) = (Arc::clone(&self.partitions), deletions.len());
        let work = move || partitions.delete_records(&deletions);
        let done = run_blocking(&*self.execution, Blocking::Read, work).await;
        done.unwrap_or_else(|| (0..count).map(|_| Err(PartitionError::NotLeader)).collect())
    }
}

impl Partitions {
    /// Blocks on the disk.
    fn delete_records(&self, deletions: &[(Arc<Partition>, Option<Offset>)]) -> Deleted {
        // Once the node stops, the checkpoints are no longer ours to write.
        let Some(_changing) = self.changing() else { return deletions.iter().map(|_| Err(PartitionError::NotLeader)).collect() };
        let mut results: Deleted = deletions.iter().map(|(partition, offset)| partition.delete_records(*offset)).collect();
        let mut touched: Vec<&Arc<LogDirectory>> = Vec::new();
        for ((partition, _), result) in deletions.iter().zip(&results) {
            if result.is_ok() && !touched.iter().any(|known| Arc::ptr_eq(known, &partition.directory)) {
                touched.push(&partition.directory);
            }
        }
        for directory in touched {
            if self.checkpoint_in(directory, LOG_START_OFFSET, |log, _| log.log_start_offset()).is_ok() {
                continue;
            }
            // It holds until the next start; who asked is told to try again.
            for ((partition, _), result) in deletions.iter().zip(&mut results) {
                if result.is_ok() && Arc::ptr_eq(directory, &partition.directory) {
                    *result = Err(PartitionError::Storage);
                }
            }
        }
        results
    }
}
