//! Which batch is which: the engine counts batches (index), Kafka counts records (offset).
//!
//! Kept in memory, rebuilt on open. No file says at which index a log begins: without a snapshot it begins at 0, else the
//! newest snapshot says which index ends at its end offset, and batches are counted from there.

use std::collections::{BTreeMap, VecDeque};

use super::engine::{LogId, Membership, engine_id, log_id};
use super::snapshot::SnapshotId;
use crate::types::{LeaderEpoch, NodeId, Offset};

/// Where a batch begins and in which epoch it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BatchPosition {
    pub(super) base_offset: Offset,
    pub(super) leader_epoch: LeaderEpoch,
}

/// The batches of the log that the engine may read: those above the purged one.
#[derive(Debug, Default)]
pub(super) struct BatchIndex {
    /// Of the first batch in `batches`.
    first_index: u64,
    batches: VecDeque<BatchPosition>,
    /// Behind the last batch.
    end_offset: Offset,
    purged: Option<LogId>,
    /// Memberships by index: those in the log and the newest one below it.
    memberships: BTreeMap<u64, Membership>,
}

/// A batch found by the scan of an opened log.
#[derive(Debug)]
pub(super) struct ScannedBatch {
    pub(super) position: BatchPosition,
    pub(super) membership: Option<Membership>,
}

impl BatchIndex {
    /// An index without batches, behind a snapshot.
    pub(super) fn behind(snapshot: &SnapshotId) -> Self {
        let mut index = Self { end_offset: snapshot.end.offset, ..Self::default() };
        index.purged = snapshot.meta.last_log_id;
        index.first_index = index.purged.map_or(0, |purged| purged.index + 1);
        index.remember_membership(snapshot);
        index
    }

    /// Numbers the batches that a scan found, with the help of the newest snapshot. `None` when they end below it.
    ///
    /// # Errors
    /// Batches that the snapshot contradicts.
    pub(super) fn build(
        scanned: Vec<ScannedBatch>,
        log_start: Offset,
        log_end: Offset,
        snapshot: Option<&SnapshotId>,
    ) -> Result<Option<Self>, String> {
        let Some(snapshot) = snapshot else {
            if log_start != Offset::ZERO {
                return Err(format!("the log starts at offset {log_start} and no snapshot covers what lies below"));
            }
            return Ok(Some(Self::number(scanned, 0, log_end)));
        };
        let end = snapshot.end.offset;
        if log_end < end {
            return Ok(None);
        }
        if log_start > end {
            return Err(format!("the log starts at offset {log_start}, the newest snapshot ends at {end}"));
        }
        let below = scanned.iter().take_while(|batch| batch.position.base_offset < end).count();
        let boundary = scanned.get(below).map_or(log_end, |batch| batch.position.base_offset);
        let epoch = below.checked_sub(1).and_then(|last| scanned.get(last)).map(|batch| batch.position.leader_epoch);
        if boundary != end || epoch.is_some_and(|epoch| epoch != snapshot.end.leader_epoch) {
            return Err(format!("the snapshot that ends at offset {end} is of another history than the log"));
        }
        let covered = snapshot.meta.last_log_id.map_or(0, |last| last.index + 1);
        let first_index = u64::try_from(below).ok().and_then(|below| covered.checked_sub(below));
        let first_index =
            first_index.ok_or_else(|| format!("{below} batches below offset {end}, the snapshot covers {covered}"))?;
        if log_start == Offset::ZERO && first_index != 0 {
            return Err(format!("the log starts at offset 0, the snapshot's count makes that index {first_index}"));
        }
        let mut index = Self::number(scanned, first_index, log_end);
        index.remember_membership(snapshot);
        if log_start == end {
            index.purged = snapshot.meta.last_log_id;
        } else if first_index > 0 {
            // What lay before the first batch is not known any more, so that batch becomes the last purged one.
            let first = index.log_id(first_index).expect("batches lie between the log start and the snapshot's end");
            index.purge(first);
        }
        Ok(Some(index))
    }

    fn number(scanned: Vec<ScannedBatch>, first_index: u64, end_offset: Offset) -> Self {
        let mut index = Self { first_index, end_offset, ..Self::default() };
        for batch in scanned {
            if let Some(membership) = batch.membership {
                index.memberships.insert(index.next(), membership);
            }
            index.batches.push_back(batch.position);
        }
        index
    }

    fn remember_membership(&mut self, snapshot: &SnapshotId) {
        if let Some(id) = snapshot.meta.last_membership.log_id() {
            self.memberships.insert(id.index, snapshot.meta.last_membership.membership().clone());
        }
    }

    /// The index that the next batch gets.
    pub(super) fn next(&self) -> u64 {
        self.first_index + self.batches.len() as u64
    }

    pub(super) fn first(&self) -> u64 {
        self.first_index
    }

    pub(super) fn end_offset(&self) -> Offset {
        self.end_offset
    }

    pub(super) fn purged(&self) -> Option<LogId> {
        self.purged
    }

    /// The last batch, or the purged one if there is none.
    pub(super) fn last(&self) -> Option<LogId> {
        self.batches.back().map(|batch| log_id(batch.leader_epoch, self.next() - 1)).or(self.purged)
    }

    fn position(&self, index: u64) -> Option<BatchPosition> {
        let place = usize::try_from(index.checked_sub(self.first_index)?).ok()?;
        self.batches.get(place).copied()
    }

    pub(super) fn log_id(&self, index: u64) -> Option<LogId> {
        self.position(index).map(|batch| log_id(batch.leader_epoch, index))
    }

    /// Where the batch begins, or the log ends if `index` is the next one.
    pub(super) fn base_offset(&self, index: u64) -> Option<Offset> {
        if index == self.next() { Some(self.end_offset) } else { self.position(index).map(|batch| batch.base_offset) }
    }

    /// The newest membership in or below the log.
    pub(super) fn membership(&self) -> Option<&Membership> {
        self.memberships.last_key_value().map(|(_, membership)| membership)
    }

    pub(super) fn is_lone_voter(&self, node: NodeId) -> bool {
        self.membership().is_some_and(|membership| membership.voter_ids().eq([engine_id(node)]))
    }

    /// Takes in a batch that was appended; `index` is [`Self::next`], or any at the very start of an empty log.
    pub(super) fn push(&mut self, index: u64, position: BatchPosition, end_offset: Offset, membership: Option<&Membership>) {
        if self.batches.is_empty() && self.purged.is_none() {
            self.first_index = index;
        }
        assert_eq!(index, self.next(), "the engine appends without gaps");
        self.batches.push_back(position);
        self.end_offset = end_offset;
        if let Some(membership) = membership {
            self.memberships.insert(index, membership.clone());
        }
    }

    /// Forgets the batches from `index` on; returns the offset that the log must be cut to, `None` when there is nothing to cut.
    pub(super) fn truncate_from(&mut self, index: u64) -> Option<Offset> {
        let index = index.max(self.first_index);
        let offset = self.position(index)?.base_offset;
        self.batches.truncate(usize::try_from(index - self.first_index).expect("below the number of batches"));
        self.memberships.split_off(&index);
        self.end_offset = offset;
        Some(offset)
    }

    /// Forgets the batches up to this one, which is in or below the log; returns where the log begins from now on, `None` when
    /// nothing is cut off.
    pub(super) fn purge(&mut self, upto: LogId) -> Option<Offset> {
        self.purged = self.purged.max(Some(upto));
        let start = upto.index.checked_sub(self.first_index).and_then(|_| self.base_offset(upto.index + 1))?;
        self.batches.drain(..usize::try_from(upto.index + 1 - self.first_index).expect("below the number of batches"));
        self.first_index = upto.index + 1;
        if let Some(newest) = self.memberships.range(..=upto.index).next_back().map(|(index, _)| *index) {
            self.memberships = self.memberships.split_off(&newest);
        }
        Some(start)
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
