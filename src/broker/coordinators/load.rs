//! Replays a partition into a coordinator's state machine.

use super::super::{Partition, PartitionError};
use crate::coordinator::{Coordinator, Origin};
use crate::log::ReadResult;
use crate::record::{Batches, OutputBudget, Record, Records};
use crate::replica::PartitionRequest;
use crate::types::{LeaderEpoch, Now, Offset};

/// Why a partition could not be replayed.
#[derive(Debug)]
pub(super) enum LoadError {
    /// It is led elsewhere by now, or offline.
    Partition(PartitionError),
    /// A batch is damaged.
    Damaged(String),
}

impl From<PartitionError> for LoadError {
    fn from(error: PartitionError) -> Self {
        Self::Partition(error)
    }
}

/// Applies everything below `end`, all of it committed, in pieces of `chunk` bytes. Blocks on the disk.
///
/// # Errors
/// The partition went away, or its bytes are damaged.
pub(super) fn replay<C: Coordinator>(
    coordinator: &mut C,
    partition: &Partition,
    leader_epoch: LeaderEpoch,
    end: Offset,
    chunk: usize,
    now: Now,
) -> Result<(), LoadError> {
    let (mut next, _, _) = partition.offsets()?;
    while next < end {
        let request = PartitionRequest {
            fetch_offset: next,
            max_bytes: i32::try_from(chunk).unwrap_or(i32::MAX),
            current_leader_epoch: Some(leader_epoch),
            last_fetched_epoch: None,
        };
        let (_, plan) = partition.plan_fetch(&request, chunk, true)?;
        let read = plan.map(|plan| plan.read(false)).transpose().map_err(|error| partition.read_failed(&error))?;
        let Some(ReadResult::Records(bytes)) = read.filter(|read| !matches!(read, ReadResult::Records(bytes) if bytes.is_empty()))
        else {
            // Nothing is left but a gap that compaction made.
            return Ok(());
        };
        for batch in Batches::new(&bytes) {
            let (_, range) = batch.map_err(|error| LoadError::Damaged(format!("at offset {next}: {error}")))?;
            next = apply_batch(coordinator, partition, bytes.get(range).unwrap_or_default(), next, now)?;
        }
    }
    Ok(())
}

/// Applies the records of a batch that lie at or behind `from`; returns where the next batch begins.
fn apply_batch<C: Coordinator>(
    coordinator: &mut C,
    partition: &Partition,
    batch: &[u8],
    from: Offset,
    now: Now,
) -> Result<Offset, LoadError> {
    let records = Records::read(batch, OutputBudget(MOST_DECOMPRESSED))
        .map_err(|error| LoadError::Damaged(format!("at offset {from}: {error}")))?;
    let end = records.header().last_offset().next();
    if records.header().attributes.is_control() {
        return Ok(end);
    }
    for Record { offset, key, value, .. } in records.iter().filter(|record| record.offset >= from) {
        let Some(key) = key else {
            tracing::error!(partition = %partition.name(), %offset, "a record without a key is stepped over");
            continue;
        };
        match C::decode(key, value) {
            Ok(Some(record)) => coordinator.apply(record, offset, Origin::Replay { now }),
            Ok(None) => tracing::warn!(partition = %partition.name(), %offset, "a record of an unknown kind is stepped over"),
            Err(error) => tracing::error!(partition = %partition.name(), %offset, %error, "a record is stepped over"),
        }
    }
    Ok(end)
}

/// Bytes that one batch may grow to; our own are bounded by `max.message.bytes` before compression.
const MOST_DECOMPRESSED: usize = 256 << 20;
