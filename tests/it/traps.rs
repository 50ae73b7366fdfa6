//! What a client's test suite stumbles over, where no other test here is about it. The numbers are those of docs/TRAPS.md.

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest, MetadataResponse};
use klamm::protocol::ApiKey;
use uuid::Uuid;

use crate::world::requests::{
    CREATE_TOPICS, DELETE_TOPICS, FETCH, METADATA, PRODUCE, Topic, batch, create_topics, delete_by_id, delete_by_name, fetch,
    fetched, metadata_of, produce, produced, topic_name,
};
use crate::world::{Client, Setup, soon, until};

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_TOPIC_EXCEPTION: i16 = 17;
const TOPIC_ALREADY_EXISTS: i16 = 36;
const INVALID_REPLICATION_FACTOR: i16 = 38;
const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
const INVALID_CONFIG: i16 = 40;
const INVALID_REQUEST: i16 = 42;
const TOPIC_DELETION_DISABLED: i16 = 73;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// Of a JoinGroup that older clients could not send without this, too.
#[tokio::test]
async fn trap_4_produce_and_join_group_are_advertised_from_version_0() {
    let running = Setup::new().start().await;
    let answer = running.client().await.call(0, &ApiVersionsRequest::default()).await;
    for (key, max) in [(ApiKey::Produce, 13), (ApiKey::JoinGroup, 9)] {
        let told = answer.api_keys.iter().find(|told| told.api_key == key.number()).unwrap();
        assert_eq!((told.min_version, told.max_version), (0, max), "{key:?}");
    }
    running.stop().await.unwrap();
}

/// The order of pipelined answers is shown in `acknowledgement`.
#[tokio::test]
async fn trap_7_a_correlation_id_comes_back_as_it_was_sent_even_if_it_is_negative() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    for id in [0, -1, i32::MIN, i32::MAX] {
        let mut frame = BytesMut::new();
        frame.put_i16(ApiKey::ApiVersions.number());
        frame.put_i16(0);
        frame.put_i32(id);
        frame.put_i16(-1);
        client.raw().send_frame(&frame).await.unwrap();
        assert_eq!(soon(client.raw().receive_frame()).await.unwrap()[..4], id.to_be_bytes());
    }
    running.stop().await.unwrap();
}

fn by_id(id: Uuid, name: Option<&str>) -> MetadataRequest {
    let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(name.map(topic_name));
    MetadataRequest::default().with_topics(Some(vec![topic]))
}

fn codes(response: &MetadataResponse) -> Vec<i16> {
    response.topics.iter().map(|topic| topic.error_code).collect()
}

/// All topics, and none, in every version: `versions::metadata_in_every_version`.
#[tokio::test]
async fn trap_10_topics_are_asked_for_by_id_from_version_12_on() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    for version in [10, 11] {
        assert_eq!(codes(&client.call(version, &by_id(topic.id, None)).await), [INVALID_REQUEST], "version {version}");
        assert_eq!(codes(&client.call(version, &by_id(Uuid::nil(), None)).await), [INVALID_REQUEST], "version {version}");
    }
    for version in [12, 13] {
        let answer = client.call(version, &by_id(topic.id, None)).await;
        assert_eq!((codes(&answer), answer.topics[0].name.clone()), (vec![0], Some(topic.wire())));
        assert_eq!(codes(&client.call(version, &by_id(Uuid::from_u128(7), None)).await), [UNKNOWN_TOPIC_ID]);
    }
    running.stop().await.unwrap();
}

/// Whether a topic is there; asking does not make it.
async fn exists(client: &mut Client, name: &str) -> bool {
    let question = metadata_of(&[name]).with_allow_auto_topic_creation(false);
    codes(&client.call(METADATA, &question).await) == [0]
}

#[tokio::test]
async fn traps_11_and_12_a_topic_is_made_on_first_use_only_when_it_may_and_with_the_defaults_of_the_controller() {
    let running = Setup::new().with("auto.create.topics.enable", "true").with("num.partitions", "3").start().await;
    let mut client = running.client().await;
    // Nobody is asked for by name, or creation is not wanted, or the name is none.
    client.call(METADATA, &MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(true)).await;
    for version in 4..=METADATA {
        let unwanted = metadata_of(&["unwanted"]).with_allow_auto_topic_creation(false);
        assert_eq!(codes(&client.call(version, &unwanted).await), [UNKNOWN_TOPIC_OR_PARTITION], "version {version}");
        assert_eq!(codes(&client.call(version, &metadata_of(&["no name"])).await), [INVALID_TOPIC_EXCEPTION]);
    }
    assert!(!exists(&mut client, "unwanted").await);
    // Before version 4 nobody could say that it is not wanted.
    for version in [0, 3, 4, METADATA] {
        let name = format!("wanted-{version}");
        assert_eq!(codes(&client.call(version, &metadata_of(&[&name])).await), [UNKNOWN_TOPIC_OR_PARTITION], "not yet");
        soon(async { while !exists(&mut client, &name).await {} }).await;
        let made = client.call(METADATA, &metadata_of(&[&name])).await;
        assert_eq!(made.topics[0].partitions.len(), 3);
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_13_the_controller_is_one_of_the_brokers_and_operations_are_told_when_asked() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for version in 8..=METADATA {
        let asked = metadata_of(&["t"]).with_include_topic_authorized_operations(true);
        let (told, silent) = (client.call(version, &asked).await, client.call(version, &metadata_of(&["t"])).await);
        assert!(told.brokers.iter().any(|broker| broker.node_id == told.controller_id));
        assert_eq!(silent.topics[0].topic_authorized_operations, i32::MIN, "version {version}");
        assert!(told.topics[0].topic_authorized_operations > 0, "version {version}");
        assert!(!told.topics[0].is_internal);
        assert!(told.topics[0].partitions[0].offline_replicas.is_empty());
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_15_an_empty_partition_has_no_bytes_of_records_and_null_aborted_transactions() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    for version in 4..=FETCH {
        let answer = fetched(client.call(version, &fetch(version, &[(&topic, 0, 0)])).await);
        assert_eq!(answer.records.as_ref().map(bytes::Bytes::len), Some(0), "version {version}: neither null nor a batch");
        assert!(answer.aborted_transactions.is_none(), "version {version}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_18_an_offset_that_is_written_and_not_yet_committed_is_in_range() {
    let running = Setup::new().start().await;
    let (mut writer, mut reader) = (running.client().await, running.client().await);
    let topic = writer.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    let written = produced(writer.call(PRODUCE, &produce(PRODUCE, 1, &[(&topic, 0, batch(&["a", "b"]))])).await);
    assert_eq!((written.error_code, written.base_offset), (0, 0));
    for (offset, code) in [(0, 0), (1, 0), (2, 0), (3, OFFSET_OUT_OF_RANGE)] {
        let answer = reader.fetch(&topic, 0, offset).await;
        assert_eq!(answer.error_code, code, "offset {offset}");
        assert_eq!(answer.records.map_or(0, |records| records.len()), 0);
    }
    running.execution.release_syncs();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_41_a_topic_asks_for_no_more_replicas_in_sync_than_it_has() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[("min.insync.replicas", "3")]).await;
    assert_eq!(client.produce(&topic, 0, &["a"]).await.error_code, 0, "one replica is all there is");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_42_what_create_topics_refuses_and_tells() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let mut refused = async |request: kafka_protocol::messages::CreateTopicsRequest| {
        client.call(CREATE_TOPICS, &request).await.topics.iter().map(|topic| topic.error_code).collect::<Vec<_>>()
    };
    let plain = || create_topics("t", 2, &[("retention.ms", "5000")]);
    let mut twice = plain();
    twice.topics.push(twice.topics[0].clone());
    assert_eq!(refused(twice).await, [INVALID_REQUEST], "once for both");
    let mut too_many = plain();
    too_many.topics[0].replication_factor = 2;
    assert_eq!(refused(too_many).await, [INVALID_REPLICATION_FACTOR]);
    let assignment = |index| {
        kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(vec![1.into()])
    };
    let mut gap = plain();
    gap.topics[0] = gap.topics[0]
        .clone()
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(vec![assignment(0), assignment(2)]);
    assert_eq!(refused(gap).await, [INVALID_REPLICA_ASSIGNMENT]);
    assert_eq!(refused(plain()).await, [0]);
    assert_eq!(refused(plain()).await, [TOPIC_ALREADY_EXISTS]);
    for version in 2..=CREATE_TOPICS {
        let request = create_topics(&format!("t-{version}"), 2, &[("retention.ms", "5000")]);
        let told = client.call(version, &request).await.topics.remove(0);
        assert_eq!(told.error_code, 0);
        if version >= 5 {
            assert_eq!((told.num_partitions, told.replication_factor), (2, 1), "version {version}");
            let configs = told.configs.unwrap();
            assert!(configs.iter().any(|config| &*config.name == "retention.ms" && config.value.as_deref() == Some("5000")));
        }
        assert_eq!(told.topic_id.is_nil(), version < 7, "version {version}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_43_a_topic_is_deleted_by_name_or_by_id() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let mut both = delete_by_id(topic.id);
    both.topics[0].name = Some(topic.wire());
    for (request, code) in [
        (both, INVALID_REQUEST),
        (delete_by_id(Uuid::nil()), INVALID_REQUEST),
        (delete_by_id(Uuid::from_u128(7)), UNKNOWN_TOPIC_ID),
        (delete_by_name("nobody"), UNKNOWN_TOPIC_OR_PARTITION),
        (delete_by_id(topic.id), 0),
    ] {
        assert_eq!(client.call(DELETE_TOPICS, &request).await.responses[0].error_code, code, "{request:?}");
    }
    running.stop().await.unwrap();
    let running = Setup::new().with("delete.topic.enable", "false").start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for version in 1..=DELETE_TOPICS {
        let by_names = || {
            let names = vec![topic_name("t")];
            kafka_protocol::messages::DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(30_000)
        };
        let request = if version >= 6 { delete_by_name("t") } else { by_names() };
        let expected = if version >= 3 { TOPIC_DELETION_DISABLED } else { INVALID_REQUEST };
        assert_eq!(client.call(version, &request).await.responses[0].error_code, expected, "version {version}");
    }
    running.stop().await.unwrap();
}

/// Who leads instead can only be told where there are others; that nobody waits in vain shows on one node.
#[tokio::test]
async fn trap_50_who_waits_at_a_partition_that_is_no_longer_led_here_is_told_at_once() {
    let running = Setup::new().start().await;
    let (mut writer, mut reader, mut admin) = (running.client().await, running.client().await, running.client().await);
    let topic: Topic = admin.create("t", 1, &[]).await;
    // The deletion is synced on the metadata's own thread.
    running.execution.hold_syncs();
    let written = writer.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"]))])).await;
    until(|| running.execution.held_syncs() >= 1).await;
    let polled = reader.send(FETCH, &fetch(FETCH, &[(&topic, 0, 0)]).with_max_wait_ms(60_000)).await;
    let deleted = admin.send(DELETE_TOPICS, &delete_by_name("t")).await;
    running.execution.release_syncs();
    assert_eq!(admin.receive(deleted).await.responses[0].error_code, 0);
    let known = [0, UNKNOWN_TOPIC_OR_PARTITION, 6, UNKNOWN_TOPIC_ID];
    assert!(known.contains(&produced(writer.receive(written).await).error_code));
    assert!(known.contains(&fetched(reader.receive(polled).await).error_code));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn trap_60_settings_that_kafka_4_3_no_longer_takes() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    for (key, value, code) in [
        ("segment.bytes", "1048575", INVALID_CONFIG),
        ("segment.bytes", "1048576", 0),
        ("message.timestamp.difference.max.ms", "1000", INVALID_CONFIG),
        ("message.format.version", "3.0", INVALID_CONFIG),
    ] {
        let name = format!("{key}-{value}");
        let answer = client.call(CREATE_TOPICS, &create_topics(&name, 1, &[(key, value)])).await;
        assert_eq!(answer.topics[0].error_code, code, "{name}");
    }
    running.stop().await.unwrap();
}
