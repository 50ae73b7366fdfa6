//! Engine entries as record batches, one for one.
//!
//! A proposal is a batch already. A blank entry is a LeaderChange control batch, a membership one with the kraft version
//! and the voters. The term is the batch's leader epoch; the index stands nowhere, it is the batch's place in the log.

use bytes::Bytes;
use openraft::EntryPayload;

use super::control_records::{MEMBERSHIP_RECORDS, leader_change_batch, membership_batch, read_voters};
use super::engine::{Entry, Membership, Proposal, Vote, VoterNode, epoch_of_term, log_id, node_id};
use crate::record::{BatchHeader, BatchOptions, ControlType, OutputBudget, Records, control_type, stamp};
use crate::types::{Offset, Timestamp};

/// Limit of a batch in the metadata log, as in Kafka (KafkaRaftClient.MAX_BATCH_SIZE_BYTES).
pub(super) const MAX_BATCH_BYTES: usize = 8 << 20;
/// Decompressed records of a batch. Our own batches are not compressed.
const RECORDS_BUDGET: OutputBudget = OutputBudget(64 << 20);

/// What the log store knows when an entry is written.
pub(super) struct WriteContext<'a> {
    pub(super) base_offset: Offset,
    pub(super) vote: Option<&'a Vote>,
    pub(super) membership: Option<&'a Membership>,
    pub(super) timestamp: Timestamp,
}

/// The batch of an entry.
///
/// # Errors
/// A proposal that does not start at the offset where it lands.
pub(super) fn encode_entry(entry: &Entry, context: &WriteContext<'_>) -> Result<Vec<u8>, String> {
    let term = *entry.log_id.leader_id;
    let leader_epoch = epoch_of_term(term);
    let options = BatchOptions { base_offset: context.base_offset, leader_epoch, control: true, ..BatchOptions::default() };
    Ok(match &entry.payload {
        EntryPayload::Blank => {
            let elected = context.vote.filter(|vote| vote.committed && vote.leader_id.term == term);
            let leader = elected.map(|vote| node_id(vote.leader_id.voted_for));
            leader_change_batch(options, context.timestamp, leader, context.membership)
        }
        EntryPayload::Membership(membership) => membership_batch(options, context.timestamp, membership),
        EntryPayload::Normal(Proposal(bytes)) => {
            let header = BatchHeader::parse(bytes).map_err(|error| error.to_string())?;
            if header.base_offset != context.base_offset {
                return Err(format!("a batch for offset {} would land at {}", header.base_offset, context.base_offset));
            }
            let mut batch = bytes.to_vec();
            stamp(&mut batch, context.base_offset, leader_epoch);
            batch
        }
    })
}

/// The entry of a batch that stands at `index`.
///
/// # Errors
/// What is wrong with the batch.
pub(super) fn decode_entry(batch: Bytes, header: &BatchHeader, index: u64) -> Result<Entry, String> {
    let payload = if header.attributes.is_control() {
        read_control(&batch)?.map_or(EntryPayload::Blank, EntryPayload::Membership)
    } else {
        EntryPayload::Normal(Proposal(batch))
    };
    Ok(Entry { log_id: log_id(header.leader_epoch, index), payload })
}

/// The membership in a control batch, if it holds one.
///
/// # Errors
/// What is wrong with the batch.
pub(super) fn read_control(batch: &[u8]) -> Result<Option<Membership>, String> {
    let records = Records::read(batch, RECORDS_BUDGET).map_err(|error| error.to_string())?;
    for record in records.iter() {
        if record.key.and_then(control_type) == Some(ControlType::KraftVoters) {
            return read_voters(record.value.unwrap_or_default()).map(Some);
        }
    }
    Ok(None)
}

/// The values of a data batch.
///
/// # Errors
/// What is wrong with the batch.
pub(super) fn read_values(batch: &[u8]) -> Result<Vec<Bytes>, String> {
    let records = Records::read(batch, RECORDS_BUDGET).map_err(|error| error.to_string())?;
    Ok(records.iter().map(|record| Bytes::copy_from_slice(record.value.unwrap_or_default())).collect())
}

/// How many offsets an entry takes.
///
/// # Errors
/// A proposal that is no batch.
pub(super) fn offsets_of(payload: &EntryPayload<Proposal, u64, VoterNode>) -> Result<i32, String> {
    match payload {
        EntryPayload::Blank => Ok(1),
        EntryPayload::Membership(_) => Ok(MEMBERSHIP_RECORDS),
        EntryPayload::Normal(Proposal(bytes)) => {
            let header = BatchHeader::parse(bytes).map_err(|error| error.to_string())?;
            Ok(header.last_offset_delta + 1)
        }
    }
}
