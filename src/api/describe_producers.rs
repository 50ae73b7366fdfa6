//! DescribeProducers (61), version 0: the producers that a partition's leader remembers (KIP-664).
//!
//! Needs Read on each topic.

use std::sync::Arc;

use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};

use super::context::{RequestContext, wire};
use super::errors::partition_error;
use crate::broker::Broker;
use crate::controller::check_topic_name;
use crate::log::ActiveProducer;
use crate::metadata::TopicImage;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};
use crate::types::{PartitionIndex, TopicIdPartition, TopicName};

type Topic = (Authorized<TopicName>, Arc<TopicImage>);

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|asked| {
        let topic = find(broker, context, &asked.name);
        let partitions = asked.partition_indexes.iter().map(|index| match &topic {
            Ok(topic) => describe(broker, topic, *index),
            Err(code) => partition(*index).with_error_code(code.number()).with_error_message(Some(wire(code.message()))),
        });
        TopicResponse::default().with_partitions(partitions.collect()).with_name(asked.name)
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

fn find(broker: &Broker, context: &RequestContext, name: &str) -> Result<Topic, ErrorCode> {
    check_topic_name(name).map_err(|_| ErrorCode::InvalidTopicException)?;
    let topic = broker.security.authorize(&context.principal, Operation::Read, TopicName::new(name));
    let topic = topic.ok_or(ErrorCode::TopicAuthorizationFailed)?;
    let image = broker.topic(&topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    Ok((topic, image))
}

fn partition(index: i32) -> PartitionResponse {
    PartitionResponse::default().with_partition_index(index)
}

/// What is wrong with one partition is told by its code alone, as Kafka does.
fn describe(broker: &Broker, (topic, image): &Topic, index: i32) -> PartitionResponse {
    let id = TopicIdPartition { topic_id: image.id, partition: PartitionIndex(index) };
    if image.partition(id.partition).is_none() {
        return partition(index).with_error_code(ErrorCode::UnknownTopicOrPartition.number());
    }
    let producers = broker.partition(topic, id).and_then(|partition| partition.active_producers());
    match producers {
        Ok(producers) => partition(index).with_active_producers(producers.iter().map(state).collect()),
        Err(error) => partition(index).with_error_code(partition_error(&error).number()),
    }
}

fn state(producer: &ActiveProducer) -> ProducerState {
    ProducerState::default()
        .with_producer_id(producer.producer_id.0.into())
        .with_producer_epoch(i32::from(producer.epoch.0))
        .with_last_sequence(producer.last_sequence.map_or(-1, |sequence| sequence.0))
        .with_last_timestamp(producer.last_timestamp.0)
        .with_coordinator_epoch(producer.coordinator_epoch)
        .with_current_txn_start_offset(producer.transaction_start.map_or(-1, |offset| offset.0))
}
