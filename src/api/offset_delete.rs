//! OffsetDelete (47), version 0.
//!
//! Needs Delete on the group and Read on each topic. A topic that a member of the group consumes is GROUP_SUBSCRIBED_TO_TOPIC.

use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::context::RequestContext;
use super::errors::{coordinator_error, group_refusal};
use super::groups::authorize_named;
use crate::broker::Broker;
use crate::group::DeleteOffsets;
use crate::metadata::TopicImage;
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::{PartitionIndex, TopicName};

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let refuse = |code: ErrorCode| OffsetDeleteResponse::default().with_error_code(code.number());
    let group = match authorize_named(broker, context, Operation::Delete, &request.group_id) {
        Ok(group) => group,
        Err(code) => return refuse(code),
    };
    // First what was refused, then what the coordinator says. Kafka's answer has each topic once if something was refused, else as often as
    // it was named.
    let (mut topics, mut taken) = (IndexMap::<_, Vec<_>>::new(), Vec::new());
    for topic in &request.topics {
        let name = TopicName::new(&topic.name);
        let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
        let image = match find(broker, context, &name) {
            Ok(image) => image,
            Err(code) => {
                topics.entry(&topic.name).or_default().extend(indexes.map(|index| answered(index, code)));
                continue;
            }
        };
        let (known, unknown): (Vec<_>, Vec<_>) = indexes.map(PartitionIndex).partition(|index| image.partition(*index).is_some());
        if !unknown.is_empty() {
            let unknown = unknown.iter().map(|index| answered(index.0, ErrorCode::UnknownTopicOrPartition));
            topics.entry(&topic.name).or_default().extend(unknown);
        }
        if !known.is_empty() {
            taken.push((topic, name, known));
        }
    }
    let partitions = taken.iter().flat_map(|(_, name, known)| known.iter().map(|index| (name.clone(), *index))).collect();
    let delete = DeleteOffsets { group: group.get().clone(), partitions };
    let deleted = broker.decide_group(&group, |groups, context| groups.delete_offsets(context, &delete)).await;
    let mut outcomes = match deleted {
        Ok(Ok(outcomes)) => outcomes.into_iter(),
        Ok(Err(refusal)) => return refuse(group_refusal(refusal)),
        Err(error) => return refuse(coordinator_error(error)),
    };
    let decided = taken.iter().map(|(topic, _, known)| {
        let outcomes = known.iter().zip(&mut outcomes);
        let decided = outcomes.map(|(index, outcome)| answered(index.0, outcome.map_or(ErrorCode::None, group_refusal)));
        (&topic.name, decided.collect::<Vec<_>>())
    });
    let answers: Vec<_> = if topics.is_empty() {
        decided.collect()
    } else {
        decided.for_each(|(name, decided)| topics.entry(name).or_default().extend(decided));
        topics.into_iter().collect()
    };
    let topics = answers
        .into_iter()
        .map(|(name, partitions)| OffsetDeleteResponseTopic::default().with_name(name.clone()).with_partitions(partitions));
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

fn answered(index: i32, code: ErrorCode) -> OffsetDeleteResponsePartition {
    OffsetDeleteResponsePartition::default().with_partition_index(index).with_error_code(code.number())
}

fn find(broker: &Broker, context: &RequestContext, topic: &TopicName) -> Result<Arc<TopicImage>, ErrorCode> {
    let authorized = broker.security.authorize(&context.principal, Operation::Read, topic.clone());
    broker.topic(&authorized.ok_or(ErrorCode::TopicAuthorizationFailed)?).ok_or(ErrorCode::UnknownTopicOrPartition)
}
