//! Keys of the broker that no other test here is about: each makes the node behave otherwise. The tables in `src/config/keys/` name these.

use std::time::Duration;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{DescribeConfigsRequest, MetadataRequest};
use klamm::record::BatchHeader;
use klamm::types::Compression;

use crate::support::records::ProducerState;
use crate::world::groups::{OFFSET_COMMIT, commit};
use crate::world::requests::{
    CREATE_TOPICS, DELETE_TOPICS, FETCH, METADATA, Topic, batch, batch_of, create_topics, delete_by_name, fetch, fetched,
    metadata_of, text,
};
use crate::world::{Client, Running, Setup, soon, until};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const INVALID_REPLICATION_FACTOR: i16 = 38;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
const TOPIC_DELETION_DISABLED: i16 = 73;

/// Topics that are made on first use.
fn eager() -> Setup {
    Setup::new().with("auto.create.topics.enable", "true")
}

/// A topic as it is once its first use has made it.
async fn used(client: &mut Client, name: &str) -> MetadataResponseTopic {
    soon(async {
        loop {
            let topic = client.call(METADATA, &metadata_of(&[name])).await.topics.remove(0);
            if topic.error_code == 0 {
                return topic;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// The value of a topic's setting.
async fn setting(client: &mut Client, topic: &str, key: &str) -> String {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(topic))
        .with_configuration_keys(Some(vec![text(key)]));
    let answer = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![resource])).await;
    answer.results[0].configs[0].value.clone().unwrap().to_string()
}

#[tokio::test]
async fn topics_and_nodes_are_as_the_brokers_keys_say() {
    let setup = eager().with("broker.rack", "attic").with("num.partitions", "3").with("delete.topic.enable", "false");
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!(used(&mut client, "t").await.partitions.len(), 3);
    let brokers = client.call(METADATA, &MetadataRequest::default()).await.brokers;
    assert_eq!(brokers[0].rack, Some(text("attic")));
    let deleted = client.call(DELETE_TOPICS, &delete_by_name("t")).await;
    assert_eq!(deleted.responses[0].error_code, TOPIC_DELETION_DISABLED);
    running.stop().await.unwrap();

    let running = setup.with("default.replication.factor", "2").start().await;
    let mut request = create_topics("more", 1, &[]);
    request.topics[0].replication_factor = -1;
    let created = running.client().await.call(CREATE_TOPICS, &request).await;
    assert_eq!(created.topics[0].error_code, INVALID_REPLICATION_FACTOR, "there is one broker");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn internal_topics_are_made_as_their_keys_say() {
    let mut setup = eager();
    let topics = [
        ("__consumer_offsets", "offsets.topic"),
        ("__transaction_state", "transaction.state.log"),
        ("__share_group_state", "share.coordinator.state.topic"),
    ];
    for (_, prefix) in topics {
        setup = setup.with(&format!("{prefix}.num.partitions"), "3").with(&format!("{prefix}.segment.bytes"), "2000000");
        if prefix != "offsets.topic" {
            setup = setup.with(&format!("{prefix}.min.isr"), "7");
        }
    }
    let running = setup.start().await;
    let mut client = running.client().await;
    for (topic, prefix) in topics {
        assert_eq!(used(&mut client, topic).await.partitions.len(), 3, "{topic}");
        assert_eq!(setting(&mut client, topic, "segment.bytes").await, "2000000", "{topic}");
        let minimum = if prefix == "offsets.topic" { "1" } else { "7" };
        assert_eq!(setting(&mut client, topic, "min.insync.replicas").await, minimum, "{topic}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_internal_topic_with_more_replicas_than_brokers_is_not_made() {
    let topics = [
        ("__consumer_offsets", "offsets.topic"),
        ("__transaction_state", "transaction.state.log"),
        ("__share_group_state", "share.coordinator.state.topic"),
    ];
    let factor = |setup: Setup, prefix: &str| setup.with(&format!("{prefix}.replication.factor"), "2");
    let setup = topics.iter().fold(eager(), |setup, (_, prefix)| factor(setup, prefix));
    let running = setup.start().await;
    let mut client = running.client().await;
    let names = topics.map(|(topic, _)| topic);
    client.call(METADATA, &metadata_of(&names)).await;
    // Whatever was asked of the controller before is done when this is.
    used(&mut client, "other").await;
    let answer = client.call(METADATA, &metadata_of(&names)).await;
    assert!(answer.topics.iter().all(|topic| topic.error_code != 0 && topic.partitions.is_empty()), "{answer:?}");
    running.stop().await.unwrap();
}

/// Of `__consumer_offsets-0`, when a group has committed.
async fn after_a_commit(setup: Setup) -> (Running, Client, Topic) {
    let running = setup.with("offsets.topic.num.partitions", "1").start().await;
    let mut client = running.client().await;
    client.coordinator("g").await;
    client.create("t", 1, &[]).await;
    let committed = client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 1)])).await;
    assert_eq!(committed.topics[0].partitions[0].error_code, 0);
    let id = used(&mut client, "__consumer_offsets").await.topic_id;
    (running, client, Topic { name: "__consumer_offsets".to_owned(), id })
}

#[tokio::test]
async fn the_offsets_topic_is_compressed_as_its_key_says() {
    let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for (number, codec) in codecs.into_iter().enumerate() {
        let setup = Setup::new().with("offsets.topic.compression.codec", &number.to_string());
        let (running, mut client, offsets) = after_a_commit(setup).await;
        let records = client.fetch(&offsets, 0, 0).await.records.unwrap();
        assert_eq!(BatchHeader::parse(&records).unwrap().attributes.compression(), Some(codec));
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_that_is_not_synced_in_its_time_is_told_so() {
    let (running, mut client, _) = after_a_commit(Setup::new().with("offsets.commit.timeout.ms", "300")).await;
    running.execution.hold_syncs();
    let late = client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 2)])).await;
    assert_eq!(late.topics[0].partitions[0].error_code, COORDINATOR_NOT_AVAILABLE);
    running.execution.release_syncs();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn producers_are_forgotten_at_the_next_look() {
    for (interval, is_forgotten) in [("5", true), ("600000", false)] {
        let setup = Setup::new()
            .with("producer.id.expiration.ms", "1")
            .with("producer.id.expiration.check.interval.ms", interval)
            .with("log.initial.task.delay.ms", "0");
        let running = setup.start().await;
        let mut client = running.client().await;
        let topic = client.create("t", 1, &[]).await;
        let producer_id = client.producer_id().await;
        let sent = |first_sequence| ProducerState { producer_id, producer_epoch: 0, first_sequence };
        assert_eq!(client.produce_batch(&topic, 0, batch_of(sent(0), &["a"])).await.error_code, 0);
        if is_forgotten {
            // Of a producer that is not known any sequence is the first.
            let known =
                async |client: &mut Client| client.produce_batch(&topic, 0, batch_of(sent(7), &["b"])).await.error_code != 0;
            soon(async { while known(&mut client).await {} }).await;
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let refused = client.produce_batch(&topic, 0, batch_of(sent(7), &["b"])).await;
            assert_eq!(refused.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER);
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn checkpoints_are_written_at_their_intervals() {
    const FILES: [(&str, &str); 3] = [
        ("recovery-point-offset-checkpoint", "log.flush.offset.checkpoint.interval.ms"),
        ("log-start-offset-checkpoint", "log.flush.start.offset.checkpoint.interval.ms"),
        ("replication-offset-checkpoint", "replica.high.watermark.checkpoint.interval.ms"),
    ];
    for (file, key) in FILES {
        let mut setup = Setup::new().with("log.initial.task.delay.ms", "0");
        for (_, other) in FILES {
            setup = setup.with(other, if other == key { "5" } else { "600000" });
        }
        let running = setup.start().await;
        let mut client = running.client().await;
        let topic = client.create("t", 1, &[]).await;
        client.produce(&topic, 0, &["a", "b"]).await;
        let line = if file.starts_with("log-start") { "t 0 0" } else { "t 0 2" };
        // It is not there until it is written for the first time.
        let contains = |file: &str| running.read(format!("/data/{file}")).unwrap_or_default().lines().any(|other| other == line);
        until(|| contains(file)).await;
        for (other, _) in FILES.iter().filter(|(other, _)| *other != file) {
            assert!(!contains(other), "{other} is not due when {file} is");
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_to_a_fetch_ends_at_the_brokers_most_bytes() {
    for (most, batches) in [("1024", 2), ("4096", 3)] {
        let running = Setup::new().with("fetch.max.bytes", most).start().await;
        let mut client = running.client().await;
        let value = "x".repeat(400);
        let topics = [client.create("a", 1, &[]).await, client.create("b", 1, &[]).await, client.create("c", 1, &[]).await];
        for topic in &topics {
            client.produce(topic, 0, &[&value]).await;
        }
        let answer = client.call(FETCH, &fetch(FETCH, &[(&topics[0], 0, 0), (&topics[1], 0, 0), (&topics[2], 0, 0)])).await;
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let size = batch(&[&value]).len();
        let whole =
            partitions.filter(|partition| partition.records.as_ref().is_some_and(|records| records.len() >= size)).count();
        assert_eq!(whole, batches, "{most}");
        assert_eq!(fetched(client.call(FETCH, &fetch(FETCH, &[(&topics[2], 0, 0)])).await).error_code, 0);
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn connections_are_bounded_by_listener_and_address() {
    let setup = Setup::new()
        .with("listeners", "PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:0")
        .with("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT");
    let asked = MetadataRequest::default();
    let running =
        setup.clone().with("max.connections.per.ip", "9").with("max.connections.per.ip.overrides", "127.0.0.1:2").start().await;
    let (mut first, mut second) = (running.client().await, running.client().await);
    first.call(METADATA, &asked).await;
    second.call(METADATA, &asked).await;
    running.client().await.is_closed().await;
    running.stop().await.unwrap();

    let running = setup.with("listener.name.other.max.connections", "1").start().await;
    let other = running.node.addresses().iter().find(|bound| &*bound.listener == "OTHER").unwrap().address;
    let mut first = running.client_of(other).await;
    first.call(METADATA, &asked).await;
    let mut waiting = running.client_of(other).await;
    let sent = waiting.send(METADATA, &asked).await;
    running.client().await.call(METADATA, &asked).await;
    let early = tokio::time::timeout(Duration::from_millis(100), waiting.raw().receive_frame()).await;
    assert!(early.is_err(), "the listener is full");
    drop(first);
    waiting.receive(sent).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_node_takes_the_clusters_id_that_it_is_given() {
    let id = |running: &Running| running.broker().cluster_id.0.to_string();
    let setup = Setup::new().with("klamm.cluster.id", "4L6g3nShT-eMCtK--X86sw");
    let running = setup.start().await;
    assert_eq!(id(&running), "4L6g3nShT-eMCtK--X86sw");
    assert!(running.read("/data/meta.properties").unwrap().contains("cluster.id=4L6g3nShT-eMCtK--X86sw\n"));
    running.stop().await.unwrap();
    let running = setup.with("klamm.cluster.id", "another").start().await;
    assert_eq!(id(&running), "4L6g3nShT-eMCtK--X86sw", "it has one");
    running.stop().await.unwrap();
}
