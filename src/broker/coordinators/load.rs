//! Replays a partition into a coordinator's state machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Partition, PartitionError};
use crate::coordinator::{Coordinator, Origin};
use crate::log::ReadResult;
use crate::record::{Batches, ControlType, OutputBudget, Record, Records, control_type};
use crate::replica::PartitionRequest;
use crate::types::{LeaderEpoch, Now, Offset, ProducerId};

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

/// A replay of everything below an offset, all of it committed. It goes in pieces, so that others' reads come between.
#[derive(Debug)]
pub(super) struct Replay<C: Coordinator> {
    coordinator: C,
    source: Arc<Partition>,
    leader_epoch: LeaderEpoch,
    next: Offset,
    end: Offset,
    now: Now,
    /// What transactions wrote whose markers have not come yet, in the log's order. What is left at the end was not committed.
    undecided: BTreeMap<ProducerId, Vec<(Offset, C::Record)>>,
}

/// How far a replay has come.
#[derive(Debug)]
pub(super) enum Progress<C: Coordinator> {
    More(Replay<C>),
    Done(C),
}

impl<C: Coordinator> Replay<C> {
    /// # Errors
    /// The partition went away.
    pub(super) fn begin(
        coordinator: C,
        source: Arc<Partition>,
        leader_epoch: LeaderEpoch,
        end: Offset,
        now: Now,
    ) -> Result<Self, LoadError> {
        let (next, _, _) = source.offsets()?;
        Ok(Self { coordinator, source, leader_epoch, next, end, now, undecided: BTreeMap::new() })
    }

    /// Applies the next `chunk` bytes, one batch at least. Blocks on the disk.
    ///
    /// # Errors
    /// The partition went away, or its bytes are damaged.
    pub(super) fn piece(mut self, chunk: usize) -> Result<Progress<C>, LoadError> {
        if self.next >= self.end {
            return Ok(Progress::Done(self.coordinator));
        }
        let bytes = match self.read(chunk)? {
            Some(ReadResult::Records(bytes)) if !bytes.is_empty() => bytes,
            // What was about to be read has just been removed.
            _ if self.source.offsets()?.0 > self.next => return Err(PartitionError::OffsetOutOfRange.into()),
            // Nothing is left but a gap that compaction made.
            _ => return Ok(Progress::Done(self.coordinator)),
        };
        for batch in Batches::new(&bytes) {
            let (_, range) = batch.map_err(|error| self.damaged(error))?;
            self.apply(bytes.get(range).unwrap_or_default())?;
        }
        Ok(Progress::More(self))
    }

    fn read(&self, chunk: usize) -> Result<Option<ReadResult>, PartitionError> {
        let request = PartitionRequest {
            fetch_offset: self.next,
            max_bytes: i32::try_from(chunk).unwrap_or(i32::MAX),
            current_leader_epoch: Some(self.leader_epoch),
            last_fetched_epoch: None,
        };
        let (_, plan) = self.source.plan_fetch(&request, chunk, true)?;
        plan.map(|plan| plan.read(false)).transpose().map_err(|error| self.source.read_failed(&error))
    }

    fn damaged(&self, error: impl std::fmt::Display) -> LoadError {
        LoadError::Damaged(format!("at offset {}: {error}", self.next))
    }

    /// Applies the records of a batch that lie at or behind `next`.
    fn apply(&mut self, batch: &[u8]) -> Result<(), LoadError> {
        let records = Records::read(batch, OutputBudget(MOST_DECOMPRESSED)).map_err(|error| self.damaged(error))?;
        let header = records.header();
        let (from, attributes, producer) = (self.next, header.attributes, header.producer_id);
        self.next = header.last_offset().next();
        if attributes.is_control() {
            for record in records.iter() {
                self.end_transaction(producer, record.key.and_then(control_type));
            }
            return Ok(());
        }
        let transaction = producer.filter(|_| attributes.is_transactional());
        for record in records.iter().filter(|record| record.offset >= from) {
            let offset = record.offset;
            let Some(decoded) = self.decode(&record) else { continue };
            match transaction {
                Some(producer) => self.undecided.entry(producer).or_default().push((offset, decoded)),
                None => self.coordinator.apply(decoded, offset, Origin::Replay { now: self.now }),
            }
        }
        Ok(())
    }

    /// A producer's marker: what its transaction wrote counts now, or never.
    fn end_transaction(&mut self, producer: Option<ProducerId>, marker: Option<ControlType>) {
        let (Some(producer), Some(ControlType::Commit | ControlType::Abort)) = (producer, marker) else { return };
        for (offset, record) in self.undecided.remove(&producer).unwrap_or_default() {
            if marker == Some(ControlType::Commit) {
                self.coordinator.apply(record, offset, Origin::Replay { now: self.now });
            }
        }
    }

    /// `None` for what is stepped over.
    fn decode(&self, record: &Record<'_>) -> Option<C::Record> {
        let offset = record.offset;
        let Some(key) = record.key else {
            tracing::error!(partition = %self.source.name(), %offset, "a record without a key is stepped over");
            return None;
        };
        match C::decode(key, record.value) {
            Ok(Some(decoded)) => return Some(decoded),
            Ok(None) => tracing::warn!(partition = %self.source.name(), %offset, "a record of an unknown kind is stepped over"),
            Err(error) => tracing::error!(partition = %self.source.name(), %offset, %error, "a record is stepped over"),
        }
        None
    }
}

/// Bytes that one batch may grow to; our own are bounded by `max.message.bytes` before compression.
const MOST_DECOMPRESSED: usize = 256 << 20;
