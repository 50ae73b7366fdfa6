//! OffsetForLeaderEpoch (23), versions 2 to 4.
//!
//! Needs ClusterAction on the cluster, or Describe on each topic.

use std::sync::Arc;

use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::context::RequestContext;
use super::errors::partition_error;
use crate::broker::Broker;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};
use crate::types::{LeaderEpoch, OffsetAndEpoch, PartitionIndex, TopicIdPartition, TopicName};

/// Says that an epoch is not known; a lower one is an epoch like others, from before all that there are.
const NO_EPOCH: i32 = -1;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|asked| {
        let topic = authorize(broker, context, TopicName::new(&asked.topic)).ok_or(ErrorCode::TopicAuthorizationFailed);
        let partitions = asked.partitions.iter().map(|partition| {
            let end = topic.as_ref().map_err(|code| *code).and_then(|topic| serve(broker, topic, partition));
            answer(partition.partition, end)
        });
        OffsetForLeaderTopicResult::default().with_partitions(partitions.collect()).with_topic(asked.topic)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

fn authorize(broker: &Broker, context: &RequestContext, name: TopicName) -> Option<Authorized<TopicName>> {
    broker.security.authorize_by_cluster(&context.principal, Operation::ClusterAction, Operation::Describe, name)
}

fn serve(
    broker: &Broker,
    topic: &Authorized<TopicName>,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<OffsetAndEpoch>, ErrorCode> {
    let index = PartitionIndex(asked.partition);
    let image = broker.topic(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    image.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let id = TopicIdPartition { topic_id: image.id, partition: index };
    let partition = broker.partition(topic, id).map_err(|error| partition_error(&error))?;
    let believed = (asked.current_leader_epoch >= 0).then_some(LeaderEpoch(asked.current_leader_epoch));
    partition.check_epoch(believed).map_err(|error| partition_error(&error))?;
    if asked.leader_epoch == NO_EPOCH {
        return Ok(None);
    }
    partition.end_of_epoch(LeaderEpoch(asked.leader_epoch)).map_err(|error| partition_error(&error))
}

fn answer(partition: i32, end: Result<Option<OffsetAndEpoch>, ErrorCode>) -> EpochEndOffset {
    let code = end.as_ref().err().copied().unwrap_or(ErrorCode::None);
    let (epoch, offset) = end.ok().flatten().map_or((-1, -1), |end| (end.leader_epoch.0, end.offset.0));
    EpochEndOffset::default()
        .with_error_code(code.number())
        .with_partition(partition)
        .with_leader_epoch(epoch)
        .with_end_offset(offset)
}
