//! What is asked of the controller and the metadata quorum: DescribeQuorum, UpdateFeatures, ElectLeaders, ListPartitionReassignments.
//! Codes are those that Apache Kafka 4.3.0 answered.

use std::collections::BTreeSet;

use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeQuorumRequest, DescribeQuorumResponse, ElectLeadersRequest, ElectLeadersResponse,
    ListPartitionReassignmentsRequest, UpdateFeaturesRequest,
};
use klamm::protocol::ApiKey;

use crate::world::requests::{text, topic_name};
use crate::world::{Client, Setup};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const REQUEST_TIMED_OUT: i16 = 7;
const INVALID_REQUEST: i16 = 42;
const ELECTION_NOT_NEEDED: i16 = 84;
const INVALID_UPDATE_VERSION: i16 = 95;
const METADATA: &str = "__cluster_metadata";

fn quorum(topics: &[(&str, &[i32])]) -> DescribeQuorumRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        let partitions = partitions.iter().map(|index| PartitionData::default().with_partition_index(*index));
        TopicData::default().with_topic_name(topic_name(name)).with_partitions(partitions.collect())
    });
    DescribeQuorumRequest::default().with_topics(topics.collect())
}

#[tokio::test]
async fn the_quorum_is_its_one_voter_in_every_version() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let mut last_end = 0;
    for version in 0..=2 {
        // The log grows with what is decided.
        client.create(&format!("t-{version}"), 1, &[]).await;
        let answer = client.call(version, &quorum(&[(METADATA, &[0])])).await;
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((answer.error_code, partition.error_code, partition.partition_index), (0, 0, 0));
        assert_eq!((partition.leader_id.0, partition.observers.len()), (1, 0));
        assert!(partition.leader_epoch > 0);
        let [voter] = partition.current_voters.as_slice() else { panic!("{partition:?}") };
        assert_eq!((voter.replica_id.0, voter.log_end_offset), (1, partition.high_watermark));
        assert!(partition.high_watermark > last_end);
        assert_eq!(partition.high_watermark, running.broker().image().end().0);
        last_end = partition.high_watermark;
        assert_eq!(voter.last_fetch_timestamp > 0, version >= 1);
        assert_eq!(voter.last_caught_up_timestamp, voter.last_fetch_timestamp);
        assert_eq!(voter.replica_directory_id.is_nil(), version < 2);
        let nodes: Vec<i32> = answer.nodes.iter().map(|node| node.node_id.0).collect();
        assert_eq!(nodes, if version < 2 { vec![] } else { vec![1] });
    }
    running.stop().await.unwrap();
}

/// Topic by topic the codes of its partitions.
fn codes(answer: &DescribeQuorumResponse) -> Vec<Vec<i16>> {
    assert_eq!((answer.error_code, answer.nodes.len()), (0, 0));
    answer.topics.iter().map(|topic| topic.partitions.iter().map(|partition| partition.error_code).collect()).collect()
}

#[tokio::test]
async fn of_the_quorum_one_partition_is_asked_for_and_alone() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    const UNKNOWN: i16 = UNKNOWN_TOPIC_OR_PARTITION;
    for version in 0..=2 {
        let odd: &[(&[(&str, &[i32])], &[&[i16]])] = &[
            (&[], &[]),
            (&[(METADATA, &[])], &[&[]]),
            (&[(METADATA, &[1])], &[&[UNKNOWN]]),
            (&[(METADATA, &[-1])], &[&[UNKNOWN]]),
            (&[(METADATA, &[0, 0])], &[&[UNKNOWN, UNKNOWN]]),
            (&[(METADATA, &[0]), (METADATA, &[0])], &[&[UNKNOWN], &[UNKNOWN]]),
            (&[("t", &[0, 3])], &[&[UNKNOWN, UNKNOWN]]),
            (&[("t", &[0]), (METADATA, &[0])], &[&[UNKNOWN], &[UNKNOWN]]),
            (&[("", &[i32::MIN])], &[&[UNKNOWN]]),
        ];
        for (asked, expected) in odd {
            assert_eq!(codes(&client.call(version, &quorum(asked)).await), *expected, "{asked:?}");
        }
    }
    let many: Vec<i32> = (0..400_000).collect();
    assert_eq!(codes(&client.call(0, &quorum(&[(METADATA, &many)])).await), [vec![UNKNOWN; many.len()]]);
    running.stop().await.unwrap();
}

fn features(updates: &[(&str, i16, i8)]) -> UpdateFeaturesRequest {
    let updates = updates.iter().map(|(feature, level, kind)| {
        FeatureUpdateKey::default().with_feature(text(feature)).with_max_version_level(*level).with_upgrade_type(*kind)
    });
    UpdateFeaturesRequest::default().with_feature_updates(updates.collect())
}

async fn finalized(client: &mut Client) -> Vec<(String, i16)> {
    let request = ApiVersionsRequest::default().with_client_software_name(text("it")).with_client_software_version(text("1"));
    let answer = client.call(4, &request).await;
    assert_eq!((answer.error_code, answer.finalized_features.is_empty()), (0, false));
    answer.finalized_features.iter().map(|feature| (feature.name.to_string(), feature.max_version_level)).collect()
}

#[tokio::test]
async fn features_are_updated_together_or_not_at_all() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let before = finalized(&mut client).await;
    for version in 0..=2 {
        for validate_only in [false, true].into_iter().filter(|only| version > 0 || !only) {
            let request = features(&[("metadata.version", 30, 1)]).with_validate_only(validate_only);
            let answer = client.call(version, &request).await;
            assert_eq!((answer.error_code, answer.error_message), (0, None));
            // From version 2 on nothing is said of each.
            let named: Vec<_> = answer.results.iter().map(|result| (result.feature.as_str(), result.error_code)).collect();
            assert_eq!(named, if version < 2 { vec![("metadata.version", 0)] } else { vec![] });
        }
        assert_eq!(client.call(version, &features(&[])).await.error_code, 0);
    }
    for (refused, version) in [
        (&[("metadata.version", 30, 1), ("nothing.version", 1, 1)][..], 1),
        (&[("metadata.version", 31, 1)], 2),
        (&[("metadata.version", 29, 1)], 2),
        (&[("metadata.version", 29, 2)], 2),
        (&[("metadata.version", 20, 3)], 2),
        (&[("metadata.version", i16::MIN, 3)], 2),
        (&[("metadata.version", 30, 0)], 1),
        (&[("metadata.version", 30, 1), ("metadata.version", 31, 1)], 1),
        (&[("", 0, 1)], 0),
    ] {
        // Version 0 knows no kinds: all are upgrades.
        let answer = client.call(version, &features(refused)).await;
        assert_eq!((answer.error_code, answer.results.len()), (INVALID_UPDATE_VERSION, 0), "{refused:?}");
        assert!(!answer.error_message.unwrap().is_empty());
    }
    // What allows a downgrade in version 0 is not heard any more.
    let mut downgrade = features(&[("metadata.version", 29, 1)]);
    downgrade.feature_updates[0].allow_downgrade = true;
    assert_eq!(client.call(0, &downgrade).await.error_code, INVALID_UPDATE_VERSION);
    let many = vec![("metadata.version", 30, 1); 80_000];
    assert_eq!(client.call(1, &features(&many)).await.results.len(), many.len());
    assert_eq!(finalized(&mut client).await, before);
    running.stop().await.unwrap();
}

fn elections(topics: Option<&[(&str, &[i32])]>, election_type: i8) -> ElectLeadersRequest {
    let topics = topics.map(|topics| {
        let topic = |(name, partitions): &(&str, &[i32])| {
            TopicPartitions::default().with_topic(topic_name(name)).with_partitions(partitions.to_vec())
        };
        topics.iter().map(topic).collect()
    });
    ElectLeadersRequest::default().with_election_type(election_type).with_topic_partitions(topics).with_timeout_ms(30_000)
}

fn elected(answer: &ElectLeadersResponse) -> Vec<(String, Vec<i16>)> {
    let codes = |topic: &kafka_protocol::messages::elect_leaders_response::ReplicaElectionResult| {
        topic.partition_result.iter().map(|partition| partition.error_code).collect()
    };
    answer.replica_election_results.iter().map(|topic| (topic.topic.to_string(), codes(topic))).collect()
}

/// Trap 46.
#[tokio::test]
async fn trap_46_all_partitions_leave_out_what_needs_no_election_and_named_ones_tell_it() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 2, &[]).await;
    client.create("u", 1, &[]).await;
    let named: &[(&str, &[i32])] = &[("t", &[0, 1, 0, 2, -1]), ("missing", &[0]), ("t", &[]), ("", &[i32::MAX])];
    let (unneeded, unknown) = (ELECTION_NOT_NEEDED, UNKNOWN_TOPIC_OR_PARTITION);
    for version in 0..=2 {
        for election_type in 0..=i8::from(version > 0) {
            let answer = client.call(version, &elections(None, election_type)).await;
            assert_eq!(answer.error_code, 0);
            assert_eq!(elected(&answer), [("t".to_owned(), vec![]), ("u".to_owned(), vec![])]);
            let answer = client.call(version, &elections(Some(named), election_type)).await;
            let codes: Vec<Vec<i16>> = elected(&answer).into_iter().map(|(_, codes)| codes).collect();
            assert_eq!(
                (answer.error_code, codes),
                (0, vec![vec![unneeded, unneeded, unneeded, unknown, unknown], vec![unknown], vec![], vec![unknown]])
            );
        }
        assert!(client.call(version, &elections(Some(&[]), 0)).await.replica_election_results.is_empty());
    }
    for kind in [2, -1, i8::MIN] {
        let answer = client.call(2, &elections(Some(&[("t", &[0])]), kind)).await;
        assert_eq!((answer.error_code, elected(&answer)), (INVALID_REQUEST, vec![("t".to_owned(), vec![INVALID_REQUEST])]));
    }
    for timeout in [0, -1, i32::MIN] {
        let request = elections(Some(&[("t", &[0])]), 0).with_timeout_ms(timeout);
        let answer = client.call(2, &request).await;
        assert_eq!((answer.error_code, elected(&answer)), (REQUEST_TIMED_OUT, vec![("t".to_owned(), vec![REQUEST_TIMED_OUT])]));
    }
    let many = vec![0; 400_000];
    let answer = client.call(2, &elections(Some(&[("t", &many)]), 0)).await;
    let codes: BTreeSet<i16> = elected(&answer)[0].1.iter().copied().collect();
    assert_eq!(codes, BTreeSet::from([ELECTION_NOT_NEEDED]));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_on_the_move_on_one_node() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 2, &[]).await;
    let named = |name: &str| {
        ListPartitionReassignmentsTopics::default().with_name(topic_name(name)).with_partition_indexes(vec![0, 7, -1])
    };
    for topics in [None, Some(vec![]), Some(vec![named("t"), named("missing"), named("t")])] {
        let answer = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(topics)).await;
        assert_eq!((answer.error_code, answer.error_message, answer.topics.len()), (0, None, 0));
    }
    running.stop().await.unwrap();
}

/// Trap 59: the keys of telemetry, without a receiver for it.
#[tokio::test]
async fn trap_59_telemetry_is_not_advertised() {
    let running = Setup::new().start().await;
    let answer = running.client().await.call(0, &ApiVersionsRequest::default()).await;
    let keys: Vec<i16> = answer.api_keys.iter().map(|api| api.api_key).collect();
    for key in [ApiKey::GetTelemetrySubscriptions, ApiKey::PushTelemetry] {
        assert!(!keys.contains(&key.number()), "{key}");
    }
    assert!(keys.contains(&ApiKey::DescribeQuorum.number()));
    running.stop().await.unwrap();
}
