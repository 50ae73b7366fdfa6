//! OffsetCommit (8), versions 2 to 10.
//!
//! Needs Read on the group and on each topic. Partitions that do not exist are refused one by one; the rest goes to the group's
//! coordinator as one commit. From version 10 topics are named by id.

use std::sync::Arc;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::context::RequestContext;
use super::errors::{coordinator_error, group_refusal};
use super::groups::{authorize, owned, owned_option};
use crate::broker::Broker;
use crate::group::{CommitOffsets, NewOffset};
use crate::metadata::TopicImage;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};
use crate::types::{GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, TopicId, TopicName};

/// First version that names topics by id.
const TOPIC_IDS: i16 = 10;
/// First version that knows GROUP_ID_NOT_FOUND.
const GROUP_ID_NOT_FOUND: i16 = 9;
/// Versions that say how long to keep the offsets.
const RETENTION: std::ops::RangeInclusive<i16> = 2..=4;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let group = match authorize(broker, context, Operation::Read, &request.group_id) {
        Ok(group) => group,
        Err(code) => return refuse_all(&request, code),
    };
    let mut answer = Answer::default();
    let mut offsets = Vec::new();
    for topic in &request.topics {
        let at = answer.topic(topic);
        match find(broker, context, topic) {
            Err(code) => topic.partitions.iter().for_each(|partition| answer.partition(at, partition.partition_index, code)),
            Ok((name, image)) => {
                for partition in &topic.partitions {
                    if image.partition(PartitionIndex(partition.partition_index)).is_none() {
                        answer.partition(at, partition.partition_index, ErrorCode::UnknownTopicOrPartition);
                    } else {
                        offsets.push(new_offset(&name, image.id, partition));
                        answer.open.push((at, answer.partition_count(at)));
                        answer.partition(at, partition.partition_index, ErrorCode::None);
                    }
                }
            }
        }
    }
    if !offsets.is_empty() {
        let codes = commit(broker, context, &group, &request, offsets).await;
        answer.fill(codes);
    }
    answer.response
}

/// The answer being made; `open` are the places, topic and partition, of what went to the coordinator.
#[derive(Default)]
struct Answer {
    response: OffsetCommitResponse,
    open: Vec<(usize, usize)>,
}

impl Answer {
    fn topic(&mut self, topic: &OffsetCommitRequestTopic) -> usize {
        let topics = &mut self.response.topics;
        topics.push(OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id));
        topics.len() - 1
    }

    fn partition_count(&self, topic: usize) -> usize {
        self.response.topics.get(topic).map_or(0, |topic| topic.partitions.len())
    }

    fn partition(&mut self, topic: usize, index: i32, code: ErrorCode) {
        if let Some(topic) = self.response.topics.get_mut(topic) {
            let partition = OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code.number());
            topic.partitions.push(partition);
        }
    }

    /// Puts the coordinator's codes into the places left open.
    fn fill(&mut self, codes: Vec<ErrorCode>) {
        for ((topic, partition), code) in self.open.iter().zip(codes) {
            let place = self.response.topics.get_mut(*topic).and_then(|topic| topic.partitions.get_mut(*partition));
            if let Some(place) = place {
                place.error_code = code.number();
            }
        }
    }
}

fn refuse_all(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    let mut answer = Answer::default();
    for topic in &request.topics {
        let at = answer.topic(topic);
        topic.partitions.iter().for_each(|partition| answer.partition(at, partition.partition_index, code));
    }
    answer.response
}

fn find(
    broker: &Broker,
    context: &RequestContext,
    topic: &OffsetCommitRequestTopic,
) -> Result<(TopicName, Arc<TopicImage>), ErrorCode> {
    let name = if context.version < TOPIC_IDS {
        TopicName::new(&topic.name)
    } else {
        let image = broker.image();
        image.topics().by_id(TopicId(topic.topic_id)).map(|topic| topic.name.clone()).ok_or(ErrorCode::UnknownTopicId)?
    };
    let authorized = broker.security.authorize(&context.principal, Operation::Read, name.clone());
    let image = broker.topic(&authorized.ok_or(ErrorCode::TopicAuthorizationFailed)?);
    image.map(|image| (name, image)).ok_or(ErrorCode::UnknownTopicOrPartition)
}

fn new_offset(topic: &TopicName, topic_id: TopicId, partition: &OffsetCommitRequestPartition) -> NewOffset {
    let epoch = partition.committed_leader_epoch;
    NewOffset {
        topic: topic.clone(),
        topic_id: Some(topic_id),
        partition: PartitionIndex(partition.partition_index),
        offset: Offset(partition.committed_offset),
        leader_epoch: (epoch >= 0).then_some(LeaderEpoch(epoch)),
        metadata: partition.committed_metadata.as_ref().map_or_else(|| Arc::from(""), owned),
    }
}

/// One code per offset.
async fn commit(
    broker: &Broker,
    context: &RequestContext,
    group: &Authorized<GroupId>,
    request: &OffsetCommitRequest,
    offsets: Vec<NewOffset>,
) -> Vec<ErrorCode> {
    let count = offsets.len();
    let commit = CommitOffsets {
        group: group.get().clone(),
        member: MemberId::new(&request.member_id),
        instance: owned_option(request.group_instance_id.as_ref()),
        generation: request.generation_id_or_member_epoch,
        retention_ms: Some(request.retention_time_ms).filter(|time| RETENTION.contains(&context.version) && *time != -1),
        knows_group_id_not_found: context.version >= GROUP_ID_NOT_FOUND,
        offsets,
    };
    let committed = broker.decide_group(group, |groups, context| groups.commit_offsets(context, &commit)).await;
    match committed {
        Ok(Ok(codes)) => codes.into_iter().map(|code| code.map_or(ErrorCode::None, group_refusal)).collect(),
        Ok(Err(refusal)) => vec![group_refusal(refusal); count],
        Err(error) => vec![coordinator_error(error); count],
    }
}
