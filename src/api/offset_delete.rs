//! OffsetDelete (47), version 0.
//!
//! Needs Delete on the group and Read on each topic. A topic that a member of the group consumes is GROUP_SUBSCRIBED_TO_TOPIC.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::context::RequestContext;
use super::errors::{coordinator_error, group_refusal};
use super::groups::authorize_named;
use crate::broker::Broker;
use crate::group::DeleteOffsets;
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::{PartitionIndex, TopicName};

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let refuse = |code: ErrorCode| OffsetDeleteResponse::default().with_error_code(code.number());
    let group = match authorize_named(broker, context, Operation::Delete, &request.group_id) {
        Ok(group) => group,
        Err(code) => return refuse(code),
    };
    let asked: Vec<(TopicName, PartitionIndex)> = request
        .topics
        .iter()
        .flat_map(|topic| {
            let name = TopicName::new(&topic.name);
            topic.partitions.iter().map(move |partition| (name.clone(), PartitionIndex(partition.partition_index)))
        })
        .collect();
    let mut codes: HashMap<(TopicName, PartitionIndex), ErrorCode> = HashMap::new();
    let mut partitions = Vec::new();
    for partition in asked {
        match check(broker, context, &partition) {
            Ok(()) => partitions.push(partition),
            Err(code) => drop(codes.insert(partition, code)),
        }
    }
    let delete = DeleteOffsets { group: group.get().clone(), partitions };
    let deleted = broker.decide_group(&group, |groups, context| groups.delete_offsets(context, &delete)).await;
    match deleted {
        Ok(Ok(outcomes)) => {
            let outcomes = outcomes.into_iter().map(|outcome| outcome.map_or(ErrorCode::None, group_refusal));
            codes.extend(delete.partitions.into_iter().zip(outcomes));
        }
        Ok(Err(refusal)) => return refuse(group_refusal(refusal)),
        Err(error) => return refuse(coordinator_error(error)),
    }
    let topics = request.topics.into_iter().map(|topic| {
        let name = TopicName::new(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let code = codes.get(&(name.clone(), PartitionIndex(partition.partition_index)));
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.copied().unwrap_or(ErrorCode::None).number())
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic::default().with_name(topic.name).with_partitions(partitions)
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

fn check(broker: &Broker, context: &RequestContext, (topic, index): &(TopicName, PartitionIndex)) -> Result<(), ErrorCode> {
    let authorized = broker.security.authorize(&context.principal, Operation::Read, topic.clone());
    let image = broker.topic(&authorized.ok_or(ErrorCode::TopicAuthorizationFailed)?);
    image.and_then(|image| image.partition(*index).map(drop)).ok_or(ErrorCode::UnknownTopicOrPartition)
}
