//! OffsetCommit (8), versions 2 to 10.
//!
//! Needs Read on the group and on each topic. Partitions that do not exist are refused one by one; the rest goes to the group's
//! coordinator as one commit. From version 10 topics are named by id.

use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use uuid::Uuid;

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
    let mut refused = IndexMap::<_, Vec<_>>::new();
    let (mut offsets, mut taken) = (Vec::new(), Vec::new());
    for topic in &request.topics {
        let (name, image) = match find(broker, context, topic) {
            Ok(found) => found,
            Err(code) => {
                let partitions = topic.partitions.iter().map(|partition| answered(partition.partition_index, code));
                refused.entry(named(topic)).or_default().extend(partitions);
                continue;
            }
        };
        let exists =
            |partition: &&OffsetCommitRequestPartition| image.partition(PartitionIndex(partition.partition_index)).is_some();
        let (known, unknown): (Vec<_>, Vec<_>) = topic.partitions.iter().partition(exists);
        if !unknown.is_empty() {
            let unknown = unknown.iter().map(|partition| answered(partition.partition_index, ErrorCode::UnknownTopicOrPartition));
            refused.entry(named(topic)).or_default().extend(unknown);
        }
        if !known.is_empty() {
            offsets.extend(known.iter().map(|partition| new_offset(&name, image.id, partition)));
            taken.push((topic, known));
        }
    }
    let mut decided = Vec::new();
    if !offsets.is_empty() {
        let mut codes = commit(broker, context, &group, &request, offsets).await.into_iter();
        for (topic, partitions) in taken {
            let partitions = partitions.iter().zip(&mut codes).map(|(partition, code)| answered(partition.partition_index, code));
            decided.push((named(topic), partitions.collect()));
        }
    }
    merge(refused, decided)
}

/// A topic of the answer, by name or by id, and what is said of its partitions.
type Answered = (Named, Vec<OffsetCommitResponsePartition>);
type Named = (kafka_protocol::messages::TopicName, Uuid);

fn named(topic: &OffsetCommitRequestTopic) -> Named {
    (topic.name.clone(), topic.topic_id)
}

/// In Kafka's order: what was refused before the coordinator was asked, then what it says, each topic once. Where nothing was refused, a
/// topic that was named twice stays so.
fn merge(mut refused: IndexMap<Named, Vec<OffsetCommitResponsePartition>>, decided: Vec<Answered>) -> OffsetCommitResponse {
    if refused.is_empty() {
        return response(decided);
    }
    for (topic, partitions) in decided {
        refused.entry(topic).or_default().extend(partitions);
    }
    response(refused)
}

fn response(topics: impl IntoIterator<Item = Answered>) -> OffsetCommitResponse {
    let topics = topics.into_iter().map(|((name, id), partitions)| {
        OffsetCommitResponseTopic::default().with_name(name).with_topic_id(id).with_partitions(partitions)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

fn answered(index: i32, code: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code.number())
}

fn refuse_all(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    let refused = |topic: &OffsetCommitRequestTopic| {
        let partitions = topic.partitions.iter().map(|partition| answered(partition.partition_index, code));
        (named(topic), partitions.collect())
    };
    response(request.topics.iter().map(refused))
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

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn topic(number: usize) -> Named {
        (StrBytes::from_string(number.to_string()).into(), Uuid::nil())
    }

    /// As many topics as a request may name: an answer that looked through all for each would not end.
    #[test]
    fn an_answer_names_each_topic_once_however_many_there_are() {
        const TOPICS: usize = 200_000;
        let of = |code| (0..TOPICS).map(move |number| (topic(number), vec![answered(0, code)]));
        let answer = merge(of(ErrorCode::UnknownTopicOrPartition).collect(), of(ErrorCode::None).collect());
        assert_eq!(answer.topics.len(), TOPICS);
        assert!(answer.topics.iter().all(|topic| topic.partitions.iter().map(|partition| partition.error_code).eq([3, 0])));
    }

    #[test]
    fn a_topic_that_was_named_twice_stays_so_if_nothing_was_refused() {
        let decided = vec![(topic(1), vec![answered(0, ErrorCode::None)]), (topic(1), vec![answered(1, ErrorCode::None)])];
        assert_eq!(merge(IndexMap::new(), decided).topics.len(), 2);
    }
}
