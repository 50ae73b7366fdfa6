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
    let (mut offsets, mut taken) = (Vec::new(), Vec::new());
    for topic in &request.topics {
        let (name, image) = match find(broker, context, topic) {
            Ok(found) => found,
            Err(code) => {
                answer.refuse(topic, topic.partitions.iter().map(|partition| partition.partition_index), code);
                continue;
            }
        };
        let exists =
            |partition: &&OffsetCommitRequestPartition| image.partition(PartitionIndex(partition.partition_index)).is_some();
        let (known, unknown): (Vec<_>, Vec<_>) = topic.partitions.iter().partition(exists);
        if !unknown.is_empty() {
            let unknown = unknown.iter().map(|partition| partition.partition_index);
            answer.refuse(topic, unknown, ErrorCode::UnknownTopicOrPartition);
        }
        if !known.is_empty() {
            offsets.extend(known.iter().map(|partition| new_offset(&name, image.id, partition)));
            taken.push((topic, known));
        }
    }
    if !offsets.is_empty() {
        let mut codes = commit(broker, context, &group, &request, offsets).await.into_iter();
        let decided = taken.into_iter().map(|(topic, partitions)| {
            let partitions = partitions.iter().zip(&mut codes).map(|(partition, code)| answered(partition.partition_index, code));
            of_topic(topic).with_partitions(partitions.collect())
        });
        answer.merge(decided.collect());
    }
    OffsetCommitResponse::default().with_topics(answer.topics)
}

/// The answer in Kafka's order: what was refused before the coordinator was asked, one entry per topic, then what the coordinator says.
#[derive(Default)]
struct Answer {
    topics: Vec<OffsetCommitResponseTopic>,
}

impl Answer {
    /// Where the topic stands, whether by name or by id.
    fn find(&mut self, topic: &OffsetCommitResponseTopic) -> Option<&mut OffsetCommitResponseTopic> {
        self.topics.iter_mut().find(|known| known.name == topic.name && known.topic_id == topic.topic_id)
    }

    fn refuse(&mut self, topic: &OffsetCommitRequestTopic, partitions: impl Iterator<Item = i32>, code: ErrorCode) {
        let refused = of_topic(topic).with_partitions(partitions.map(|index| answered(index, code)).collect());
        self.add(refused);
    }

    fn add(&mut self, mut topic: OffsetCommitResponseTopic) {
        match self.find(&topic) {
            Some(known) => known.partitions.append(&mut topic.partitions),
            None => self.topics.push(topic),
        }
    }

    /// Adds what was decided. Where nothing was refused a topic that was named twice stays so.
    fn merge(&mut self, decided: Vec<OffsetCommitResponseTopic>) {
        if self.topics.is_empty() {
            self.topics = decided;
        } else {
            decided.into_iter().for_each(|topic| self.add(topic));
        }
    }
}

fn of_topic(topic: &OffsetCommitRequestTopic) -> OffsetCommitResponseTopic {
    OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id)
}

fn answered(index: i32, code: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code.number())
}

fn refuse_all(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| answered(partition.partition_index, code));
        of_topic(topic).with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
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
