//! OffsetFetch (9), versions 1 to 10.
//!
//! Needs Describe on each group and on each topic. From version 8 several groups are asked for at once, each with an error of its own;
//! versions 2 to 7 tell the one group's error on top, version 1 with every partition (trap 28). From version 10 topics are named by id.

use std::sync::Arc;

use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::{RequestContext, Room, wire, wire_topic};
use super::errors::{coordinator_error, group_refusal};
use super::groups::authorize;
use crate::broker::Broker;
use crate::group::{AskedTopic, FetchOffsets, FetchedOffset};
use crate::net::Outcome;
use crate::protocol::ErrorCode;
use crate::security::{Operation, Resource};
use crate::types::{MemberId, PartitionIndex, TopicId, TopicName};

/// First version that asks for several groups.
const BATCHED: i16 = 8;
/// First version that names topics by id.
const TOPIC_IDS: i16 = 10;
/// First version that can ask for all offsets, and whose answer has an error on top.
const TOP_LEVEL_ERROR: i16 = 2;
/// First version whose answer tells leader epochs.
const LEADER_EPOCH: i16 = 5;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: OffsetFetchRequest) -> Outcome {
    if context.version >= BATCHED {
        let mut answer = context.list(&OffsetFetchResponse::default(), request.groups.len());
        for group in request.groups {
            let group = serve(broker, context, group, request.require_stable, answer.room()).await;
            answer.push(&group).await;
        }
        return answer.finish();
    }
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| {
            OffsetFetchRequestTopics::default().with_name(topic.name).with_partition_indexes(topic.partition_indexes)
        });
        topics.collect::<Vec<_>>()
    });
    let group =
        OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics.clone()).with_member_epoch(-1);
    let answer = serve(broker, context, group, request.require_stable, Room::beside(0)).await;
    context.respond(&single(context.version, answer, topics))
}

/// The answer for one group in the older layout.
fn single(version: i16, answer: OffsetFetchResponseGroup, asked: Option<Vec<OffsetFetchRequestTopics>>) -> OffsetFetchResponse {
    if answer.error_code != 0 && version < TOP_LEVEL_ERROR {
        let topics = asked.unwrap_or_default().into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|index| old(version, nothing(*index, answer.error_code)));
            OffsetFetchResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        return OffsetFetchResponse::default().with_topics(topics.collect());
    }
    let topics = answer.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| old(version, partition));
        OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    OffsetFetchResponse::default().with_error_code(answer.error_code).with_topics(topics.collect())
}

fn old(version: i16, partition: OffsetFetchResponsePartitions) -> OffsetFetchResponsePartition {
    OffsetFetchResponsePartition::default()
        .with_partition_index(partition.partition_index)
        .with_committed_offset(partition.committed_offset)
        .with_committed_leader_epoch(if version >= LEADER_EPOCH { partition.committed_leader_epoch } else { -1 })
        .with_metadata(partition.metadata)
        .with_error_code(partition.error_code)
}

/// What a partition's part says when there is no offset.
fn nothing(index: i32, error_code: i16) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::default()))
        .with_error_code(error_code)
}

async fn serve(
    broker: &Broker,
    context: &RequestContext,
    request: OffsetFetchRequestGroup,
    require_stable: bool,
    mut room: Room,
) -> OffsetFetchResponseGroup {
    let answer = OffsetFetchResponseGroup::default().with_group_id(request.group_id.clone());
    if !room.is_left() {
        return answer.with_error_code(ErrorCode::InvalidRequest.number());
    }
    let group = match authorize(broker, context, Operation::Describe, &request.group_id) {
        Ok(group) => group,
        Err(code) => return answer.with_error_code(code.number()),
    };
    let asks_for_all = request.topics.is_none();
    let (mut known, mut refused) = (Vec::new(), Vec::new());
    for topic in request.topics.unwrap_or_default() {
        match find(broker, context, &topic) {
            Ok(name) => known.push(AskedTopic {
                topic: name,
                topic_id: (context.version >= TOPIC_IDS).then_some(TopicId(topic.topic_id)),
                partitions: topic.partition_indexes.iter().copied().map(PartitionIndex).collect(),
            }),
            Err(code) => refused.push(refuse(&topic, code)),
        }
    }
    let fetch = FetchOffsets {
        group: group.get().clone(),
        member: request.member_id.as_deref().map(MemberId::new),
        member_epoch: request.member_epoch,
        partitions: (!asks_for_all).then_some(known),
        require_stable,
    };
    let found = match broker.read_group(&group, |groups| groups.fetch_offsets(&fetch)).await {
        Ok(Ok(found)) => found,
        Ok(Err(refusal)) => return answer.with_error_code(group_refusal(refusal).number()),
        Err(error) => return answer.with_error_code(coordinator_error(error).number()),
    };
    // Of all that a group has, only what the client may see.
    let visible = found.into_iter().filter(|(name, _)| {
        !asks_for_all || broker.security.allows(&context.principal, Operation::Describe, Resource::Topic(name.as_str()))
    });
    let told = visible.filter_map(|(name, partitions)| topic(broker, context.version, &name, partitions, &mut room));
    let mut topics: Vec<_> = told.collect();
    topics.append(&mut refused);
    answer.with_topics(topics)
}

fn find(broker: &Broker, context: &RequestContext, topic: &OffsetFetchRequestTopics) -> Result<TopicName, ErrorCode> {
    let name = if context.version < TOPIC_IDS {
        TopicName::new(&topic.name)
    } else {
        let image = broker.image();
        image.topics().by_id(TopicId(topic.topic_id)).map(|topic| topic.name.clone()).ok_or(ErrorCode::UnknownTopicId)?
    };
    let allowed = broker.security.allows(&context.principal, Operation::Describe, Resource::Topic(name.as_str()));
    if allowed { Ok(name) } else { Err(ErrorCode::TopicAuthorizationFailed) }
}

fn refuse(topic: &OffsetFetchRequestTopics, code: ErrorCode) -> OffsetFetchResponseTopics {
    let partitions = topic.partition_indexes.iter().map(|index| nothing(*index, code.number()));
    OffsetFetchResponseTopics::default()
        .with_name(topic.name.clone())
        .with_topic_id(topic.topic_id)
        .with_partitions(partitions.collect())
}

/// By id a topic that was deleted meanwhile cannot be told.
fn topic(
    broker: &Broker,
    version: i16,
    name: &TopicName,
    partitions: Vec<(PartitionIndex, FetchedOffset)>,
    room: &mut Room,
) -> Option<OffsetFetchResponseTopics> {
    let partitions = partitions.into_iter().map(|(index, found)| match found {
        FetchedOffset::Nothing => nothing(index.0, 0),
        FetchedOffset::Unstable => nothing(index.0, ErrorCode::UnstableOffsetCommit.number()),
        // One partition may be asked for over and over.
        FetchedOffset::Committed(offset) if !room.take(offset.metadata.len()) => {
            nothing(index.0, ErrorCode::InvalidRequest.number())
        }
        FetchedOffset::Committed(offset) => OffsetFetchResponsePartitions::default()
            .with_partition_index(index.0)
            .with_committed_offset(offset.offset.0)
            .with_committed_leader_epoch(offset.leader_epoch.map_or(-1, |epoch| epoch.0))
            .with_metadata(Some(wire(&offset.metadata))),
    });
    let answer = OffsetFetchResponseTopics::default().with_partitions(partitions.collect());
    if version < TOPIC_IDS {
        return Some(answer.with_name(wire_topic(name)));
    }
    broker.image().topics().by_name(name.as_str()).map(|topic| answer.with_topic_id(topic.id.0))
}
