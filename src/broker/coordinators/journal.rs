//! The log that a coordinator's shard appends to: a partition that this broker leads.

use std::sync::Arc;

use super::super::{Partition, PartitionError};
use crate::coordinator::{EncodedRecord, Journal, Unavailable};
use crate::log::Validated;
use crate::record::{BatchBuilder, BatchHeader, BatchOptions, NewRecord};
use crate::types::{Compression, LeaderEpoch, Offset, Timestamp};

/// Appends as the leader of one epoch; a later leader's partition takes nothing from it (G1).
#[derive(Debug)]
pub(in crate::broker) struct PartitionJournal {
    pub partition: Arc<Partition>,
    pub leader_epoch: LeaderEpoch,
    /// `offsets.topic.compression.codec`.
    pub compression: Compression,
}

impl Journal for PartitionJournal {
    fn max_batch_bytes(&self) -> usize {
        self.partition.settings().max_message_bytes
    }

    fn append(&self, records: &[EncodedRecord], timestamp: Timestamp) -> Result<Offset, Unavailable> {
        let mut builder = BatchBuilder::new(BatchOptions { compression: self.compression, ..BatchOptions::default() });
        for record in records {
            builder.push(&NewRecord { timestamp, key: Some(&record.key), value: record.value.as_deref(), headers: Vec::new() });
        }
        let mut bytes = builder.finish();
        let header = BatchHeader::parse(&bytes).expect("a batch that was just made");
        let batch = Validated { bytes: &mut bytes, header, max_timestamp_delta: 0 };
        match self.partition.append_as(self.leader_epoch, batch, timestamp) {
            Ok(appended) => Ok(appended.base_offset),
            Err(error) => {
                if !matches!(error, PartitionError::NotLeader | PartitionError::FencedLeaderEpoch) {
                    tracing::warn!(partition = %self.partition.name(), ?error, "a coordinator could not write; it starts anew");
                }
                Err(Unavailable)
            }
        }
    }
}
