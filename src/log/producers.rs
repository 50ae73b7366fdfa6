//! What a log knows of its idempotent and transactional producers (ProducerStateManager.java, ProducerAppendInfo.java).

use std::collections::{BTreeMap, VecDeque};

use super::AppendRefusal;
use crate::record::{BatchHeader, ControlType, OutputBudget, Records, control_type};
use crate::types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// Batches of a producer that are remembered, so that one sent again is answered and not written again.
const REMEMBERED: usize = 5;
/// Bytes that the one record of an end-transaction marker may unpack to.
const MARKER_BUDGET: OutputBudget = OutputBudget(64 * 1024);

/// A batch that a producer has written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ProducedBatch {
    pub(super) last_sequence: Sequence,
    pub(super) last_offset: Offset,
    /// Last offset minus first.
    pub(super) offset_delta: i32,
    pub(super) timestamp: Timestamp,
}

impl ProducedBatch {
    fn first_sequence(&self) -> Sequence {
        let last = self.last_sequence.0;
        if last >= self.offset_delta {
            Sequence(last - self.offset_delta)
        } else {
            Sequence(i32::MAX - (self.offset_delta - last) + 1)
        }
    }

    pub(super) fn first_offset(&self) -> Offset {
        self.last_offset.plus(-i64::from(self.offset_delta))
    }
}

/// One producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Producer {
    pub(super) epoch: ProducerEpoch,
    /// The newest last; all of `epoch`.
    pub(super) batches: VecDeque<ProducedBatch>,
    /// Timestamp of its newest batch or marker.
    pub(super) timestamp: Timestamp,
    /// Of the last marker; -1 before any.
    pub(super) coordinator_epoch: i32,
    pub(super) transaction_start: Option<Offset>,
}

/// A control record that ends a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EndMarker {
    aborted: bool,
    coordinator_epoch: i32,
}

/// A transaction that was aborted, as the transaction index keeps it (AbortedTxn.java).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AbortedTransaction {
    pub(super) producer_id: ProducerId,
    pub(super) first_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) last_stable_offset: Offset,
}

/// What DescribeProducers tells of one producer (KIP-664).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ActiveProducer {
    pub producer_id: ProducerId,
    pub epoch: ProducerEpoch,
    /// `None` after a marker, before its next batch.
    pub last_sequence: Option<Sequence>,
    /// Of its newest batch or marker.
    pub last_timestamp: Timestamp,
    /// Of the transaction coordinator that wrote its last marker; -1 before there is one.
    pub coordinator_epoch: i32,
    pub transaction_start: Option<Offset>,
}

/// All producers of a log up to an offset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Producers {
    known: BTreeMap<ProducerId, Producer>,
    /// Start of each open transaction.
    open_transactions: BTreeMap<Offset, ProducerId>,
}

impl Producers {
    pub(super) fn from_snapshot(known: BTreeMap<ProducerId, Producer>) -> Self {
        let open_transactions = known.iter().filter_map(|(id, producer)| Some((producer.transaction_start?, *id))).collect();
        Self { known, open_transactions }
    }

    /// Those that are remembered, by id.
    pub(super) fn active(&self) -> impl Iterator<Item = ActiveProducer> + '_ {
        self.known.iter().map(|(id, producer)| ActiveProducer {
            producer_id: *id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map(|newest| newest.last_sequence),
            last_timestamp: producer.timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            transaction_start: producer.transaction_start,
        })
    }

    pub(super) fn known(&self) -> &BTreeMap<ProducerId, Producer> {
        &self.known
    }

    /// Judges a client's batch: `Some` is the batch of the first time when this one is sent again.
    pub(super) fn check(&self, header: &BatchHeader) -> Result<Option<ProducedBatch>, AppendRefusal> {
        let Some(producer_id) = header.producer_id else { return Ok(None) };
        // A producer that is not known (any more) may go on with any sequence.
        let Some(producer) = self.known.get(&producer_id) else { return Ok(None) };
        let (current, got) = (producer.epoch, header.producer_epoch);
        if got < current {
            return Err(AppendRefusal::OldProducerEpoch { producer_id, current, got });
        }
        let expected = if got > current {
            Sequence(0)
        } else {
            let (first, last) = (header.base_sequence, header.last_sequence());
            let again = producer.batches.iter().find(|batch| batch.first_sequence() == first && batch.last_sequence == last);
            if again.is_some() {
                return Ok(again.copied());
            }
            producer.batches.back().map_or(Sequence(0), |newest| newest.last_sequence.next())
        };
        let got = header.base_sequence;
        if got == expected { Ok(None) } else { Err(AppendRefusal::OutOfOrderSequence { producer_id, expected, got }) }
    }

    /// Takes in a batch that stands in the log. A marker that aborts a transaction gives what the transaction index must hold.
    pub(super) fn apply(&mut self, header: &BatchHeader, batch: &[u8]) -> Option<AbortedTransaction> {
        let producer_id = header.producer_id?;
        if header.attributes.is_control() {
            return self.apply_marker(producer_id, header, end_marker(batch)?);
        }
        let producer = self.of_epoch(producer_id, header.producer_epoch);
        producer.timestamp = header.max_timestamp;
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(ProducedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        if header.attributes.is_transactional() && producer.transaction_start.is_none() {
            producer.transaction_start = Some(header.base_offset);
            self.open_transactions.insert(header.base_offset, producer_id);
        }
        None
    }

    fn apply_marker(&mut self, producer_id: ProducerId, header: &BatchHeader, marker: EndMarker) -> Option<AbortedTransaction> {
        let producer = self.of_epoch(producer_id, header.producer_epoch);
        producer.timestamp = header.max_timestamp;
        producer.coordinator_epoch = marker.coordinator_epoch;
        let first_offset = producer.transaction_start.take()?;
        self.open_transactions.remove(&first_offset);
        let last_offset = header.last_offset();
        let last_stable_offset = self.open_transactions.first_key_value().map_or(last_offset.next(), |(start, _)| *start);
        marker.aborted.then_some(AbortedTransaction { producer_id, first_offset, last_offset, last_stable_offset })
    }

    /// The producer's entry; what it wrote in another epoch is forgotten.
    fn of_epoch(&mut self, producer_id: ProducerId, epoch: ProducerEpoch) -> &mut Producer {
        let producer = self.known.entry(producer_id).or_insert_with(|| Producer {
            epoch,
            batches: VecDeque::with_capacity(REMEMBERED),
            timestamp: Timestamp(-1),
            coordinator_epoch: -1,
            transaction_start: None,
        });
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.batches.clear();
        }
        producer
    }

    /// Forgets those who were silent for `expiration_ms` and have no open transaction.
    pub(super) fn expire(&mut self, now: Timestamp, expiration_ms: i64) {
        self.known.retain(|_, producer| {
            producer.transaction_start.is_some() || now.0.saturating_sub(producer.timestamp.0) < expiration_ms
        });
    }
}

/// The end-transaction marker in a control batch; `None` for other control records, and for a batch that the cleaner has emptied.
fn end_marker(batch: &[u8]) -> Option<EndMarker> {
    let records = Records::read(batch, MARKER_BUDGET).ok()?;
    let record = records.iter().next()?;
    let aborted = match control_type(record.key?)? {
        ControlType::Abort => true,
        ControlType::Commit => false,
        ControlType::LeaderChange
        | ControlType::SnapshotHeader
        | ControlType::SnapshotFooter
        | ControlType::KraftVersion
        | ControlType::KraftVoters
        | ControlType::Unknown(_) => return None,
    };
    // EndTxnMarker: version i16, coordinator epoch i32.
    let epoch = record.value?.get(2..)?.first_chunk()?;
    Some(EndMarker { aborted, coordinator_epoch: i32::from_be_bytes(*epoch) })
}
