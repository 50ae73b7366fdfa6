//! Each API in each version that is served: written by the schemas' codec, answered, read by the schemas' codec.

use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, ListOffsetsResponse, MetadataRequest, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use klamm::protocol::ApiKey;

use crate::support::records::ProducerState;
use crate::world::requests::text;
use crate::world::requests::{
    EARLIEST, LATEST, batch, batch_at, fetch, fetched, list_offsets, metadata_of, produce, produced, records_of,
};
use crate::world::{Client, Setup, soon};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;

fn served(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    let versions = key.served().unwrap();
    versions.min..=versions.max
}

#[test]
fn the_readme_names_the_requests_that_are_served() {
    let (_, told) = include_str!("../../README.md").split_once("holds that they are these -->").unwrap();
    let (told, _) = told.split_once("<!-- end of requests -->").unwrap();
    let served: Vec<_> = ApiKey::ALL
        .iter()
        .filter_map(|key| key.served().map(|versions| format!("{} {} to {}", key.name(), versions.min, versions.max)))
        .collect();
    let served = served.join(", ");
    assert_eq!(told.split_whitespace().collect::<Vec<_>>().join(" "), format!("{served}."), "README.md, What works");
}

#[tokio::test]
async fn produce_and_fetch_in_every_version_with_every_acks() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let mut next = 0;
    for version in served(ApiKey::Produce) {
        for acks in [-1, 1, 0] {
            let request = produce(version, acks, &[(&topic, 0, batch(&[&format!("{version} {acks}")]))]);
            let sent = client.send(version, &request).await;
            if acks != 0 {
                let partition = produced(client.receive(sent).await);
                assert_eq!((partition.error_code, partition.base_offset), (0, next), "version {version}, acks {acks}");
            }
            next += 1;
        }
    }
    // Acks 0 and 1 do not wait for the sync; this does, and it is behind them.
    assert_eq!(client.produce(&topic, 0, &["last"]).await.base_offset, next);
    for version in served(ApiKey::Fetch) {
        let partition = fetched(client.call(version, &fetch(version, &[(&topic, 0, 0)])).await);
        assert_eq!((partition.error_code, partition.high_watermark, partition.last_stable_offset), (0, next + 1, next + 1));
        let records = records_of(&partition);
        assert_eq!(records.len() as i64, next + 1, "version {version}");
        assert_eq!(records[0], (0, "3 -1".to_owned()));
        assert!(records.iter().zip(0..).all(|((offset, _), expected)| *offset == expected));
    }
    running.stop().await.unwrap();
}

/// The schemas' codec does not know version 11, whose layout is that of 10.
async fn list_offsets_in(client: &mut Client, version: i16, timestamp: i64) -> ListOffsetsPartitionResponse {
    let topic = crate::world::requests::Topic::unknown("t");
    let request = list_offsets(&topic, 0, timestamp);
    let layout = version.min(10);
    let flexible = version >= 6;
    let mut frame = bytes::BytesMut::new();
    let header = RequestHeader::default().with_request_api_key(2).with_request_api_version(version).with_correlation_id(9);
    header.encode(&mut frame, if flexible { 2 } else { 1 }).unwrap();
    request.encode(&mut frame, layout).unwrap();
    client.raw().send_frame(&frame).await.unwrap();
    let mut answer = soon(client.raw().receive_frame()).await.unwrap();
    assert_eq!(ResponseHeader::decode(&mut answer, i16::from(flexible)).unwrap().correlation_id, 9);
    let response = ListOffsetsResponse::decode(&mut answer, layout).unwrap();
    assert!(answer.is_empty());
    response.topics[0].partitions[0].clone()
}

#[tokio::test]
async fn list_offsets_in_every_version_and_special_timestamps_from_theirs_on() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    client.produce_batch(&topic, 0, batch_at(ProducerState::NONE, 1_700_000_000_000, &["a", "b", "c"])).await;
    for version in served(ApiKey::ListOffsets) {
        let epoch = if version >= 4 { 0 } else { -1 };
        for (timestamp, since, offset, found) in [
            (EARLIEST, 1, 0, -1),
            (LATEST, 1, 3, -1),
            (1_700_000_000_000, 1, 0, 1_700_000_000_000),
            (-3, 7, 0, 1_700_000_000_000),
            (-4, 8, 0, -1),
        ] {
            let answer = list_offsets_in(&mut client, version, timestamp).await;
            if version < since {
                assert_eq!(answer.error_code, 35, "UNSUPPORTED_VERSION: {timestamp} in {version}");
            } else {
                let got = (answer.error_code, answer.offset, answer.timestamp, answer.leader_epoch);
                assert_eq!(got, (0, offset, found, epoch), "{timestamp} in {version}");
            }
        }
        // Nothing is tiered, and no record is that young.
        for (timestamp, since) in [(-5, 9), (-6, 11), (1_700_000_000_001, 1)] {
            let answer = list_offsets_in(&mut client, version, timestamp).await;
            let expected = if version < since { 35 } else { 0 };
            assert_eq!((answer.error_code, answer.offset, answer.timestamp), (expected, -1, -1), "{timestamp} in {version}");
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn metadata_in_every_version() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    for version in served(ApiKey::Metadata) {
        let all = MetadataRequest::default().with_topics(if version == 0 { Some(Vec::new()) } else { None });
        for request in [all, metadata_of(&["t"])] {
            let response = client.call(version, &request).await;
            assert_eq!(response.brokers.len(), 1, "version {version}");
            assert_eq!(response.brokers[0].port, i32::from(running.address().port()));
            if version >= 1 {
                assert_eq!(response.controller_id, response.brokers[0].node_id);
            }
            if version >= 2 {
                assert_eq!(response.cluster_id.unwrap().as_str(), &*running.broker().cluster_id.0);
            }
            let described = &response.topics[0];
            assert_eq!((described.error_code, described.name.clone()), (0, Some(topic.wire())));
            if version >= 10 {
                assert_eq!(described.topic_id, topic.id);
            }
            let leaders: Vec<_> = described.partitions.iter().map(|partition| partition.leader_id.0).collect();
            assert_eq!(leaders, [1, 1]);
            if version >= 7 {
                assert!(described.partitions.iter().all(|partition| partition.leader_epoch == 0));
            }
        }
        if version >= 1 {
            let none = client.call(version, &MetadataRequest::default().with_topics(Some(Vec::new()))).await;
            assert!(none.topics.is_empty(), "version {version}");
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_small_apis_in_every_version() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for version in served(ApiKey::ApiVersions) {
        let named = version >= 3;
        let name = crate::world::requests::text(if named { "it" } else { "" });
        let request = ApiVersionsRequest::default().with_client_software_name(name.clone()).with_client_software_version(name);
        let response = client.call(version, &request).await;
        let produce = response.api_keys.iter().find(|key| key.api_key == 0).unwrap();
        assert_eq!((response.error_code, produce.min_version, produce.max_version), (0, 0, 13), "version {version}");
    }
    for version in served(ApiKey::DescribeCluster) {
        let request = DescribeClusterRequest::default();
        let response = client.call(version, &request).await;
        assert_eq!((response.error_code, response.brokers.len()), (0, 1), "version {version}");
    }
    for version in served(ApiKey::CreateTopics) {
        let name = format!("created-{version}");
        let response = client.call(version, &crate::world::requests::create_topics(&name, 3, &[])).await;
        assert_eq!(response.topics[0].error_code, 0, "version {version}");
        if version >= 5 {
            assert_eq!((response.topics[0].num_partitions, response.topics[0].replication_factor), (3, 1));
            let configs = response.topics[0].configs.as_ref().unwrap();
            assert!(configs.iter().any(|config| &*config.name == "retention.ms"));
        }
    }
    for version in served(ApiKey::DeleteTopics) {
        let name = format!("created-{}", version.max(2));
        let request = if version >= 6 {
            crate::world::requests::delete_by_name(&name)
        } else {
            let names = vec![crate::world::requests::topic_name(&name)];
            kafka_protocol::messages::DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(30_000)
        };
        let response = client.call(version, &request).await;
        // The topic of version 2 went with version 1 already.
        assert_eq!(response.responses[0].error_code, if version == 2 { 3 } else { 0 }, "version {version}");
    }
    let first = client.producer_id().await;
    for version in served(ApiKey::InitProducerId) {
        let request = kafka_protocol::messages::InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1);
        let response = client.call(version, &request).await;
        assert_eq!((response.error_code, response.producer_epoch), (0, 0), "version {version}");
        assert_eq!(response.producer_id.0, first + 1 + i64::from(version));
    }
    for version in served(ApiKey::FindCoordinator) {
        let keys = if version >= 4 { vec![text("g")] } else { Vec::new() };
        let request = kafka_protocol::messages::FindCoordinatorRequest::default()
            .with_key(if version >= 4 { text("") } else { text("g") })
            .with_coordinator_keys(keys);
        // The internal topic is made by the first one.
        let (mut code, mut node) = (COORDINATOR_NOT_AVAILABLE, -1);
        while code == COORDINATOR_NOT_AVAILABLE {
            let response = client.call(version, &request).await;
            (code, node) = match response.coordinators.first() {
                Some(found) => (found.error_code, found.node_id.0),
                None => (response.error_code, response.node_id.0),
            };
        }
        assert_eq!((code, node), (0, 1), "version {version}");
    }
    running.stop().await.unwrap();
}
