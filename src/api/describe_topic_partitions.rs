//! DescribeTopicPartitions (75), version 0: topics a page at a time (KIP-966).
//!
//! Needs Describe on each topic: TOPIC_AUTHORIZATION_FAILED where one is named without it, and hidden where all are asked for. A page ends at
//! `response_partition_limit` partitions, at most `max.request.partition.size.limit`; the cursor of the answer says where the next one begins.
//! A cursor that the request's own topics do not hold is INVALID_REQUEST for every topic (DescribeTopicPartitionsRequestHandler.java).

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
use uuid::Uuid;

use super::context::{OPERATIONS_NOT_ASKED, RequestContext, wire_topic};
use super::metadata::{Reachable, topic_operations, wire_nodes};
use crate::broker::{Broker, is_internal_topic};
use crate::controller::check_topic_name;
use crate::metadata::{MetadataImage, PartitionImage, TopicImage};
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};
use crate::types::{PartitionIndex, TopicName};

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = broker.image();
    let named: BTreeSet<TopicName> = request.topics.iter().map(|topic| TopicName::new(&topic.name)).collect();
    let cursor = request.cursor.as_ref().map(|cursor| (TopicName::new(&cursor.topic_name), cursor.partition_index));
    if let Some((topic, partition)) = &cursor
        && (*partition < 0 || !named.is_empty() && !named.contains(topic))
    {
        return refuse_all(&request);
    }
    let mut page = Page { broker, context, image: &image, room: limit(broker, &request), answer: Default::default() };
    let begins_at = |name: &TopicName| cursor.as_ref().map_or(0, |(topic, partition)| if topic == name { *partition } else { 0 });
    let is_due = |name: &TopicName| cursor.as_ref().is_none_or(|(topic, _)| name >= topic);
    let mut refused = Vec::new();
    let wanted: Vec<TopicName> = if named.is_empty() {
        image.topics().iter().map(|topic| topic.name.clone()).collect()
    } else {
        named.iter().cloned().collect()
    };
    for name in wanted.into_iter().filter(is_due) {
        let from = begins_at(&name);
        match broker.security.authorize(&context.principal, Operation::Describe, name.clone()) {
            Some(topic) if !page.add(&topic, from) => break,
            None if !named.is_empty() => refused.push(without_partitions(&name, ErrorCode::TopicAuthorizationFailed)),
            _ => {}
        }
    }
    page.answer.topics.append(&mut refused);
    page.answer
}

/// Partitions that one answer holds.
fn limit(broker: &Broker, request: &DescribeTopicPartitionsRequest) -> usize {
    let most = broker.config.max_request_partitions;
    usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, most.max(1))
}

/// As often as a topic is named.
fn refuse_all(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let refused = request.topics.iter().map(|topic| without_partitions(&TopicName::new(&topic.name), ErrorCode::InvalidRequest));
    DescribeTopicPartitionsResponse::default().with_topics(refused.collect())
}

/// A topic of which nothing is told but its name.
fn without_partitions(name: &TopicName, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(code.number())
        .with_name(Some(wire_topic(name)))
        .with_topic_id(Uuid::nil())
        .with_topic_authorized_operations(OPERATIONS_NOT_ASKED)
}

/// The answer as it grows.
struct Page<'a> {
    broker: &'a Broker,
    context: &'a RequestContext,
    image: &'a MetadataImage,
    /// Partitions that may still be told of.
    room: usize,
    answer: DescribeTopicPartitionsResponse,
}

impl Page<'_> {
    /// Adds a topic's partitions from `from` on. False when the page is full: the cursor then says where the next one begins.
    fn add(&mut self, topic: &Authorized<TopicName>, from: i32) -> bool {
        let name = topic.get();
        if self.room == 0 {
            self.end_at(name, 0);
            return false;
        }
        let operations = topic_operations(self.broker, self.context, name);
        let Some(described) = self.image.topics().by_name(name.as_str()) else {
            let is_valid = check_topic_name(name.as_str()).is_ok();
            let code = if is_valid { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::InvalidTopicException };
            let unknown = without_partitions(name, code).with_is_internal(is_internal_topic(name.as_str()));
            self.answer.topics.push(unknown.with_topic_authorized_operations(operations));
            return true;
        };
        let partitions: Vec<_> = self.partitions(described, from).collect();
        let next = partitions.last().map(|last| last.partition_index).filter(|last| self.has_more(described, *last));
        self.room -= partitions.len();
        self.answer.topics.push(
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(wire_topic(name)))
                .with_topic_id(described.id.0)
                .with_is_internal(is_internal_topic(name.as_str()))
                .with_partitions(partitions)
                .with_topic_authorized_operations(operations),
        );
        if let Some(last) = next {
            self.end_at(name, last + 1);
        }
        next.is_none()
    }

    fn has_more(&self, topic: &TopicImage, last: i32) -> bool {
        topic.partitions.range(PartitionIndex(last)..).nth(1).is_some()
    }

    fn end_at(&mut self, topic: &TopicName, partition: i32) {
        let cursor = Cursor::default().with_topic_name(wire_topic(topic)).with_partition_index(partition);
        self.answer.next_cursor = Some(cursor);
    }

    fn partitions<'a>(
        &'a self,
        topic: &'a TopicImage,
        from: i32,
    ) -> impl Iterator<Item = DescribeTopicPartitionsResponsePartition> + 'a {
        let partitions = topic.partitions.range(PartitionIndex(from)..).take(self.room);
        partitions.map(|(index, partition)| self.partition(*index, partition))
    }

    fn partition(&self, index: PartitionIndex, partition: &PartitionImage) -> DescribeTopicPartitionsResponsePartition {
        let reachable = Reachable { image: self.image, listener: &self.context.connection.listener };
        DescribeTopicPartitionsResponsePartition::default()
            .with_partition_index(index.0)
            .with_leader_id(reachable.leader(partition).map_or(-1, |leader| leader.0).into())
            .with_leader_epoch(partition.leader_epoch.0)
            .with_replica_nodes(wire_nodes(&partition.replicas))
            .with_isr_nodes(wire_nodes(&partition.isr))
            .with_eligible_leader_replicas(Some(wire_nodes(&partition.elr)))
            .with_last_known_elr(Some(wire_nodes(&partition.last_known_elr)))
            .with_offline_replicas(wire_nodes(&reachable.offline(self.broker, partition)))
    }
}
