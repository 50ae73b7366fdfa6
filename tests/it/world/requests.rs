//! Requests as the tests make them, and what their answers say of the one partition that mostly matters.

use bytes::Bytes;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, DescribeProducersRequest,
    DescribeTopicPartitionsRequest, FetchRequest, FetchResponse, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest, ProduceResponse, TopicName, describe_producers_request, describe_topic_partitions_request,
};
use kafka_protocol::protocol::StrBytes;
use klamm::broker::clock::SystemClock;
use klamm::seams::Clock;
use uuid::Uuid;

use super::Client;
use crate::support::records::{self, ProducerState};

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;

pub const LATEST: i64 = -1;
pub const EARLIEST: i64 = -2;

/// Newest versions, for where the version does not matter.
pub const PRODUCE: i16 = 13;
pub const FETCH: i16 = 18;
pub const METADATA: i16 = 13;
pub const CREATE_TOPICS: i16 = 7;
pub const DELETE_TOPICS: i16 = 6;
pub const LIST_OFFSETS: i16 = 10;

#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    pub id: Uuid,
}

impl Topic {
    /// One that nobody has made.
    pub fn unknown(name: &str) -> Self {
        Self { name: name.to_owned(), id: Uuid::from_u128(77) }
    }

    pub fn wire(&self) -> TopicName {
        topic_name(&self.name)
    }
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// One batch of records with these values, without a producer.
pub fn batch(values: &[&str]) -> Bytes {
    batch_of(ProducerState::NONE, values)
}

pub fn batch_of(producer: ProducerState, values: &[&str]) -> Bytes {
    batch_at(producer, SystemClock::new().timestamp().0, values)
}

pub fn batch_at(producer: ProducerState, timestamp: i64, values: &[&str]) -> Bytes {
    let values: Vec<Bytes> = values.iter().map(|value| Bytes::copy_from_slice(value.as_bytes())).collect();
    records::encode(producer, timestamp, &values)
}

pub fn produce(version: i16, acks: i16, parts: &[(&Topic, i32, Bytes)]) -> ProduceRequest {
    let topics = parts.iter().map(|(topic, partition, records)| {
        let data = PartitionProduceData::default().with_index(*partition).with_records(Some(records.clone()));
        let topic_data = TopicProduceData::default().with_partition_data(vec![data]);
        if version >= 13 { topic_data.with_topic_id(topic.id) } else { topic_data.with_name(topic.wire()) }
    });
    ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(topics.collect())
}

/// A fetch that does not wait; each part names a topic, a partition and an offset.
pub fn fetch(version: i16, parts: &[(&Topic, i32, i64)]) -> FetchRequest {
    let topics = parts.iter().map(|(topic, partition, offset)| {
        let data =
            FetchPartition::default().with_partition(*partition).with_fetch_offset(*offset).with_partition_max_bytes(1 << 20);
        let asked = FetchTopic::default().with_partitions(vec![data]);
        if version >= 13 { asked.with_topic_id(topic.id) } else { asked.with_topic(topic.wire()) }
    });
    let request = FetchRequest::default().with_max_wait_ms(0).with_min_bytes(1).with_max_bytes(1 << 20);
    let request = request.with_topics(topics.collect()).with_session_id(0).with_session_epoch(-1);
    if version < 15 { request.with_replica_id((-1).into()) } else { request }
}

pub fn forgotten(version: i16, topic: &Topic, partitions: &[i32]) -> ForgottenTopic {
    let forgotten = ForgottenTopic::default().with_partitions(partitions.to_vec());
    if version >= 13 { forgotten.with_topic_id(topic.id) } else { forgotten.with_topic(topic.wire()) }
}

pub fn list_offsets(topic: &Topic, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let asked = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(topic.wire()).with_partitions(vec![asked]);
    ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic])
}

pub fn metadata_of(names: &[&str]) -> MetadataRequest {
    let topics = names.iter().map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))));
    MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(true)
}

pub fn create_topics(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreateTopicsRequest {
    let configs =
        configs.iter().map(|(key, value)| CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value))));
    let topic = CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.collect());
    CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
}

pub fn delete_by_name(name: &str) -> DeleteTopicsRequest {
    let topic = DeleteTopicState::default().with_name(Some(topic_name(name)));
    DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
}

pub fn delete_by_id(id: Uuid) -> DeleteTopicsRequest {
    let topic = DeleteTopicState::default().with_name(None).with_topic_id(id);
    DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
}

pub fn create_partitions(name: &str, count: i32) -> CreatePartitionsRequest {
    let topic = CreatePartitionsTopic::default().with_name(topic_name(name)).with_count(count).with_assignments(None);
    CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
}

/// Each part names a partition and the offset below which its records go.
pub fn delete_records(name: &str, parts: &[(i32, i64)]) -> DeleteRecordsRequest {
    let partitions =
        parts.iter().map(|(index, offset)| DeleteRecordsPartition::default().with_partition_index(*index).with_offset(*offset));
    let topic = DeleteRecordsTopic::default().with_name(topic_name(name)).with_partitions(partitions.collect());
    DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
}

/// A page of these topics, or of all; from the cursor on.
pub fn describe_topics(names: &[&str], limit: i32, cursor: Option<(&str, i32)>) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest::default().with_name(topic_name(name)));
    let cursor = cursor.map(|(topic, partition)| {
        describe_topic_partitions_request::Cursor::default().with_topic_name(topic_name(topic)).with_partition_index(partition)
    });
    DescribeTopicPartitionsRequest::default()
        .with_topics(topics.collect())
        .with_response_partition_limit(limit)
        .with_cursor(cursor)
}

pub fn describe_producers(name: &str, partitions: &[i32]) -> DescribeProducersRequest {
    let topic = describe_producers_request::TopicRequest::default()
        .with_name(topic_name(name))
        .with_partition_indexes(partitions.to_vec());
    DescribeProducersRequest::default().with_topics(vec![topic])
}

/// The answer's only partition.
pub fn produced(response: ProduceResponse) -> PartitionProduceResponse {
    let [topic] = <[_; 1]>::try_from(response.responses).unwrap();
    let [partition] = <[_; 1]>::try_from(topic.partition_responses).unwrap();
    partition
}

/// The answer's only partition.
pub fn fetched(response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, 0);
    let [topic] = <[_; 1]>::try_from(response.responses).unwrap();
    let [partition] = <[_; 1]>::try_from(topic.partitions).unwrap();
    partition
}

/// Offsets and values of a partition's records.
pub fn records_of(partition: &PartitionData) -> Vec<(i64, String)> {
    let records = records::decode(partition.records.clone().unwrap_or_default());
    records.into_iter().map(|record| (record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap())).collect()
}

impl Client {
    /// Makes a topic and waits until it is there.
    pub async fn create(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Topic {
        let response = self.call(CREATE_TOPICS, &create_topics(name, partitions, configs)).await;
        let created = &response.topics[0];
        assert_eq!(created.error_code, 0, "{created:?}");
        Topic { name: name.to_owned(), id: created.topic_id }
    }

    pub async fn produce(&mut self, topic: &Topic, partition: i32, values: &[&str]) -> PartitionProduceResponse {
        self.produce_batch(topic, partition, batch(values)).await
    }

    /// With acks=all.
    pub async fn produce_batch(&mut self, topic: &Topic, partition: i32, records: Bytes) -> PartitionProduceResponse {
        produced(self.call(PRODUCE, &produce(PRODUCE, -1, &[(topic, partition, records)])).await)
    }

    pub async fn fetch(&mut self, topic: &Topic, partition: i32, offset: i64) -> PartitionData {
        fetched(self.call(FETCH, &fetch(FETCH, &[(topic, partition, offset)])).await)
    }

    /// The offset that stands for a timestamp.
    pub async fn offset(&mut self, topic: &Topic, partition: i32, timestamp: i64) -> i64 {
        let response = self.call(LIST_OFFSETS, &list_offsets(topic, partition, timestamp)).await;
        let found = &response.topics[0].partitions[0];
        assert_eq!(found.error_code, 0);
        found.offset
    }

    pub async fn producer_id(&mut self) -> i64 {
        let request =
            InitProducerIdRequest::default().with_transactional_id(None).with_producer_id((-1).into()).with_producer_epoch(-1);
        loop {
            let response = self.call(5, &request).await;
            if response.error_code == COORDINATOR_LOAD_IN_PROGRESS {
                // The first one after a start: ids are on their way from the controller.
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                continue;
            }
            assert_eq!(response.error_code, 0);
            return response.producer_id.0;
        }
    }
}
