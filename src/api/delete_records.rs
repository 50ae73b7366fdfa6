//! DeleteRecords (21), versions 0 to 2.
//!
//! Needs Delete on each topic. -1 stands for the high watermark; an offset above it is OFFSET_OUT_OF_RANGE, one below the log start changes
//! nothing. Records of internal topics are not deleted (INVALID_TOPIC_EXCEPTION), nor those of topics that only compact (POLICY_VIOLATION).
//! The low watermark that is told is where the log starts (trap 44; ReplicaManager.deleteRecords). A partition that is named twice is
//! done once, by what is said last. `timeout_ms` is for followers that have to delete, too: one node has none.

use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::context::{RequestContext, wire_topic};
use super::errors::partition_error;
use crate::broker::{Broker, Partition, is_internal_topic};
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::{Offset, PartitionIndex, TopicIdPartition, TopicName};

/// Stands for the high watermark (DeleteRecordsRequest.HIGH_WATERMARK).
const HIGH_WATERMARK: i64 = -1;
/// Beside an error (DeleteRecordsResponse.INVALID_LOW_WATERMARK).
const NO_LOW_WATERMARK: i64 = -1;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut asked: IndexMap<TopicName, IndexMap<i32, i64>> = IndexMap::new();
    for topic in request.topics {
        let partitions = topic.partitions.iter().map(|partition| (partition.partition_index, partition.offset));
        asked.entry(TopicName::new(&topic.name)).or_default().extend(partitions);
    }
    let mut results: Vec<(TopicName, i32, Result<Offset, ErrorCode>)> = Vec::new();
    let (mut deletions, mut places) = (Vec::new(), Vec::new());
    for (name, partitions) in asked {
        for (index, offset) in partitions {
            let result = find(broker, context, &name, index).map(|partition| {
                deletions.push((partition, (offset != HIGH_WATERMARK).then_some(Offset(offset))));
                places.push(results.len());
                Offset(NO_LOW_WATERMARK)
            });
            results.push((name.clone(), index, result));
        }
    }
    if !deletions.is_empty() {
        for (place, done) in places.into_iter().zip(broker.delete_records(deletions).await) {
            if let Some((_, _, result)) = results.get_mut(place) {
                *result = done.map_err(|error| partition_error(&error));
            }
        }
    }
    answer(results)
}

fn find(broker: &Broker, context: &RequestContext, name: &TopicName, index: i32) -> Result<Arc<Partition>, ErrorCode> {
    let topic = broker.security.authorize(&context.principal, Operation::Delete, name.clone());
    let topic = topic.ok_or(ErrorCode::TopicAuthorizationFailed)?;
    let image = broker.topic(&topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    image.partition(PartitionIndex(index)).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if is_internal_topic(name.as_str()) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let id = TopicIdPartition { topic_id: image.id, partition: PartitionIndex(index) };
    broker.partition(&topic, id).map_err(|error| partition_error(&error))
}

fn answer(results: Vec<(TopicName, i32, Result<Offset, ErrorCode>)>) -> DeleteRecordsResponse {
    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::new();
    for (name, index, result) in results {
        let (low_watermark, code) = result.map_or_else(|code| (NO_LOW_WATERMARK, code), |start| (start.0, ErrorCode::None));
        let partition = DeleteRecordsPartitionResult::default()
            .with_partition_index(index)
            .with_low_watermark(low_watermark)
            .with_error_code(code.number());
        match topics.last_mut() {
            Some(topic) if *topic.name.0 == *name.as_str() => topic.partitions.push(partition),
            _ => topics.push(DeleteRecordsTopicResult::default().with_name(wire_topic(&name)).with_partitions(vec![partition])),
        }
    }
    DeleteRecordsResponse::default().with_topics(topics)
}
