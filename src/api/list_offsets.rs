//! ListOffsets (2), versions 1 to 11.
//!
//! Needs Describe on each topic. A partition named twice is refused with INVALID_REQUEST; a special timestamp below the version that brought
//! it with UNSUPPORTED_VERSION (trap list, kafka-surface 2.4). Tiering is off: the local log start is the log start, nothing is tiered.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::context::{RequestContext, wire_topic};
use super::errors::partition_error;
use crate::broker::{Broker, Partition, PartitionError};
use crate::log::TimestampTarget;
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicIdPartition, TopicName};

/// First version whose answer has a leader epoch; the crate refuses to encode one below it.
const LEADER_EPOCH: i16 = 4;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// An answer: offset, its timestamp (-1 for the special ones), the epoch it was written in.
type Found = (i64, i64, Option<LeaderEpoch>);
const NOTHING: Found = (-1, -1, None);

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let duplicates = duplicates(&request);
    let asked: Vec<_> = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|asked| (TopicName::new(&topic.name), asked)))
        .map(|(name, asked)| {
            let duplicate = duplicates.contains(&(name.clone(), asked.partition_index));
            let found = if duplicate { Err(ErrorCode::InvalidRequest) } else { find(broker, context, &name, asked) };
            (name, asked, found)
        })
        .collect();
    context.see_own_writes(asked.iter().filter_map(|(.., found)| found.as_ref().ok())).await;
    let mut topics: IndexMap<TopicName, IndexMap<i32, ListOffsetsPartitionResponse>> = IndexMap::new();
    for (name, asked, found) in asked {
        let found = match found {
            Ok(partition) => search(broker, &partition, asked.timestamp).await.map_err(|error| partition_error(&error)),
            Err(code) => Err(code),
        };
        topics.entry(name).or_default().insert(asked.partition_index, answer(context.version, asked.partition_index, found));
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        ListOffsetsTopicResponse::default().with_name(wire_topic(&name)).with_partitions(partitions.into_values().collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn duplicates(request: &ListOffsetsRequest) -> HashSet<(TopicName, i32)> {
    let mut seen = HashSet::new();
    let named = request.topics.iter().flat_map(|topic| {
        let name = TopicName::new(&topic.name);
        topic.partitions.iter().map(move |partition| (name.clone(), partition.partition_index))
    });
    named.filter(|partition| !seen.insert(partition.clone())).collect()
}

fn answer(version: i16, index: i32, found: Result<Found, ErrorCode>) -> ListOffsetsPartitionResponse {
    let code = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
    let (offset, timestamp, epoch) = found.unwrap_or(NOTHING);
    ListOffsetsPartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(code.number())
        .with_offset(offset)
        .with_timestamp(timestamp)
        .with_leader_epoch(epoch.filter(|_| version >= LEADER_EPOCH).map_or(-1, |epoch| epoch.0))
}

/// The partition, if it may be looked at and the question has an answer.
fn find(
    broker: &Broker,
    context: &RequestContext,
    name: &TopicName,
    asked: &ListOffsetsPartition,
) -> Result<Arc<Partition>, ErrorCode> {
    let topic = broker
        .security
        .authorize(&context.principal, Operation::Describe, name.clone())
        .ok_or(ErrorCode::TopicAuthorizationFailed)?;
    if first_version(asked.timestamp).is_none_or(|first| context.version < first) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let index = PartitionIndex(asked.partition_index);
    let image = broker.topic(&topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    image.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let id = TopicIdPartition { topic_id: image.id, partition: index };
    let partition = broker.partition(&topic, id).map_err(|error| partition_error(&error))?;
    let believed = (asked.current_leader_epoch >= 0).then_some(LeaderEpoch(asked.current_leader_epoch));
    partition.check_epoch(believed).map_err(|error| partition_error(&error))?;
    Ok(partition)
}

/// The version that brought a timestamp; `None` for negative ones that mean nothing.
fn first_version(timestamp: i64) -> Option<i16> {
    match timestamp {
        LATEST | EARLIEST | 0.. => Some(0),
        MAX_TIMESTAMP => Some(7),
        EARLIEST_LOCAL => Some(8),
        LATEST_TIERED => Some(9),
        EARLIEST_PENDING_UPLOAD => Some(11),
        _ => None,
    }
}

async fn search(broker: &Broker, partition: &Arc<Partition>, timestamp: i64) -> Result<Found, PartitionError> {
    let (log_start, high_watermark, leader_epoch) = partition.offsets()?;
    let target = match timestamp {
        LATEST => return Ok((high_watermark.0, -1, Some(leader_epoch))),
        EARLIEST | EARLIEST_LOCAL => return Ok((log_start.0, -1, epoch_of(partition, log_start)?)),
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(NOTHING),
        MAX_TIMESTAMP => TimestampTarget::Maximum,
        time => TimestampTarget::AtOrAfter(Timestamp(time)),
    };
    let plan = partition.plan_timestamp(target)?;
    let found = broker.disk_reads.run(move || plan.search()).await.ok_or(PartitionError::NotLeader)?;
    match found {
        Ok(Some((offset, timestamp, epoch))) => Ok((offset.0, timestamp.0, epoch)),
        Ok(None) => Ok(NOTHING),
        Err(error) => Err(partition.read_failed(&error)),
    }
}

/// Epoch of the log start; of an empty log there is none.
fn epoch_of(partition: &Partition, offset: Offset) -> Result<Option<LeaderEpoch>, PartitionError> {
    partition.epoch_at(offset)
}
