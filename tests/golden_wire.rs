//! What Apache Kafka 4.3.0 writes, read and written again: every API that is served, every version, both directions.
//! Where the bytes come from stands in tests/golden/wire/README.md.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm, reason = "tests")]

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Request, StrBytes};
use klamm::protocol::codec::{Reader, Writer};
use klamm::protocol::produce;
use klamm::protocol::{
    ApiKey, decode_offset_commit, decode_offset_fetch, decode_request, decode_response, encode_described_log_dirs,
    encode_fetch_response, encode_response,
};

struct Golden {
    api: ApiKey,
    version: i16,
    is_request: bool,
    bytes: Bytes,
    line: &'static str,
}

fn golden() -> Vec<Golden> {
    include_str!("golden/wire/messages.txt").lines().map(parse).collect()
}

fn parse(line: &'static str) -> Golden {
    let mut fields = line.split(' ');
    let mut field = || fields.next().unwrap_or_default();
    let (name, version, direction, _sample, hex) = (field(), field(), field(), field(), field());
    let api = *ApiKey::ALL.iter().find(|api| api.name() == name).unwrap();
    let digits: Vec<u8> = hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    let bytes = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Golden { api, version: version.parse().unwrap(), is_request: direction == "request", bytes, line }
}

/// Reads the message and writes it again.
fn again<R: Request>(golden: &Golden) -> Bytes {
    let Golden { api, version, bytes, .. } = golden;
    if golden.is_request {
        let request = decode_request::<R>(*version, bytes.clone()).unwrap();
        // Nothing of ours writes these, whose layout is that of the version before.
        let layout = match api {
            ApiKey::ListOffsets => (*version).min(10),
            ApiKey::DescribeLogDirs => (*version).min(4),
            _ => *version,
        };
        let mut written = BytesMut::new();
        request.encode(&mut written, layout).unwrap();
        written.freeze()
    } else {
        let response = decode_response::<R>(*version, bytes.clone()).unwrap();
        body(*api, *version, encode_response(*api, *version, 7, &response).unwrap())
    }
}

/// What stands behind the size prefix and the header.
fn body(api: ApiKey, version: i16, mut answer: Bytes) -> Bytes {
    let header = if api.response_header_version(version) == 0 { 4 } else { 5 };
    answer.split_off(4 + header)
}

/// OffsetCommit 10, which the crate does not write.
fn commit_again(golden: &Golden) -> Bytes {
    let request = decode_offset_commit(golden.version, golden.bytes.clone()).unwrap();
    let mut to = Writer::new();
    to.compact_string(&request.group_id);
    to.i32(request.generation_id_or_member_epoch);
    to.compact_string(&request.member_id);
    to.compact_nullable_string(request.group_instance_id.as_deref());
    to.compact_array_of(&request.topics, |to, topic| {
        to.uuid(topic.topic_id);
        to.compact_array_of(&topic.partitions, |to, partition| {
            to.i32(partition.partition_index);
            to.i64(partition.committed_offset);
            to.i32(partition.committed_leader_epoch);
            to.compact_nullable_string(partition.committed_metadata.as_deref());
            to.no_tagged_fields();
        });
        to.no_tagged_fields();
    });
    to.no_tagged_fields();
    to.into_inner().freeze()
}

/// OffsetFetch 10, which the crate does not write.
fn fetch_again(golden: &Golden) -> Bytes {
    let request = decode_offset_fetch(golden.version, golden.bytes.clone()).unwrap();
    let mut to = Writer::new();
    to.compact_array_of(&request.groups, |to, group| {
        to.compact_string(&group.group_id);
        to.compact_nullable_string(group.member_id.as_deref());
        to.i32(group.member_epoch);
        to.compact_nullable_array_of(group.topics.as_deref(), |to, topic| {
            to.uuid(topic.topic_id);
            to.compact_array_of(&topic.partition_indexes, |to, index| to.i32(*index));
            to.no_tagged_fields();
        });
        to.no_tagged_fields();
    });
    to.bool(request.require_stable);
    to.no_tagged_fields();
    to.into_inner().freeze()
}

/// The answer of DescribeLogDirs 5, which the crate does not read.
fn log_dirs_again(golden: &Golden) -> Bytes {
    let from = &mut Reader::new(&golden.bytes);
    let throttle_time_ms = from.i32().unwrap();
    let error_code = from.i16().unwrap();
    let results = from.compact_array_of(|from| {
        let result = DescribeLogDirsResult::default()
            .with_error_code(from.i16()?)
            .with_log_dir(StrBytes::from_string(from.compact_string()?.to_owned()))
            .with_topics(from.compact_array_of(|from| {
                let topic = DescribeLogDirsTopic::default()
                    .with_name(StrBytes::from_string(from.compact_string()?.to_owned()).into())
                    .with_partitions(from.compact_array_of(|from| {
                        let partition = DescribeLogDirsPartition::default()
                            .with_partition_index(from.i32()?)
                            .with_partition_size(from.i64()?)
                            .with_offset_lag(from.i64()?)
                            .with_is_future_key(from.bool()?);
                        from.skip_tagged_fields()?;
                        Ok(partition)
                    })?);
                from.skip_tagged_fields()?;
                Ok(topic)
            })?)
            .with_total_bytes(from.i64()?)
            .with_usable_bytes(from.i64()?);
        let is_cordoned = from.bool()?;
        from.skip_tagged_fields()?;
        Ok((result, is_cordoned))
    });
    let (results, cordoned): (Vec<_>, Vec<_>) = results.unwrap().into_iter().unzip();
    let response = DescribeLogDirsResponse::default()
        .with_throttle_time_ms(throttle_time_ms)
        .with_error_code(error_code)
        .with_results(results);
    let answer = encode_described_log_dirs(golden.version, 7, &response, &cordoned).unwrap();
    assert_eq!(answer[..4], i32::try_from(answer.len() - 4).unwrap().to_be_bytes(), "the size");
    body(golden.api, golden.version, answer)
}

fn written_again(golden: &Golden) -> Bytes {
    match golden.api {
        ApiKey::Produce => again::<ProduceRequest>(golden),
        ApiKey::Fetch => again::<FetchRequest>(golden),
        ApiKey::ListOffsets => again::<ListOffsetsRequest>(golden),
        ApiKey::Metadata => again::<MetadataRequest>(golden),
        ApiKey::ApiVersions => again::<ApiVersionsRequest>(golden),
        ApiKey::CreateTopics => again::<CreateTopicsRequest>(golden),
        ApiKey::DeleteTopics => again::<DeleteTopicsRequest>(golden),
        ApiKey::InitProducerId => again::<InitProducerIdRequest>(golden),
        ApiKey::FindCoordinator => again::<FindCoordinatorRequest>(golden),
        ApiKey::OffsetForLeaderEpoch => again::<OffsetForLeaderEpochRequest>(golden),
        ApiKey::DescribeConfigs => again::<DescribeConfigsRequest>(golden),
        ApiKey::DescribeLogDirs if !golden.is_request && golden.version >= 5 => log_dirs_again(golden),
        ApiKey::DescribeLogDirs => again::<DescribeLogDirsRequest>(golden),
        ApiKey::AlterConfigs => again::<AlterConfigsRequest>(golden),
        ApiKey::IncrementalAlterConfigs => again::<IncrementalAlterConfigsRequest>(golden),
        ApiKey::ListConfigResources => again::<ListConfigResourcesRequest>(golden),
        ApiKey::DescribeCluster => again::<DescribeClusterRequest>(golden),
        ApiKey::OffsetCommit if golden.is_request && golden.version >= 10 => commit_again(golden),
        ApiKey::OffsetFetch if golden.is_request && golden.version >= 10 => fetch_again(golden),
        ApiKey::OffsetCommit => again::<OffsetCommitRequest>(golden),
        ApiKey::OffsetFetch => again::<OffsetFetchRequest>(golden),
        ApiKey::JoinGroup => again::<JoinGroupRequest>(golden),
        ApiKey::Heartbeat => again::<HeartbeatRequest>(golden),
        ApiKey::LeaveGroup => again::<LeaveGroupRequest>(golden),
        ApiKey::SyncGroup => again::<SyncGroupRequest>(golden),
        ApiKey::DescribeGroups => again::<DescribeGroupsRequest>(golden),
        ApiKey::ListGroups => again::<ListGroupsRequest>(golden),
        ApiKey::DeleteGroups => again::<DeleteGroupsRequest>(golden),
        ApiKey::UpdateFeatures => again::<UpdateFeaturesRequest>(golden),
        ApiKey::DescribeQuorum => again::<DescribeQuorumRequest>(golden),
        ApiKey::ElectLeaders => again::<ElectLeadersRequest>(golden),
        ApiKey::ListPartitionReassignments => again::<ListPartitionReassignmentsRequest>(golden),
        ApiKey::OffsetDelete => again::<OffsetDeleteRequest>(golden),
        ApiKey::CreatePartitions => again::<CreatePartitionsRequest>(golden),
        ApiKey::DeleteRecords => again::<DeleteRecordsRequest>(golden),
        ApiKey::DescribeTopicPartitions => again::<DescribeTopicPartitionsRequest>(golden),
        ApiKey::DescribeProducers => again::<DescribeProducersRequest>(golden),
        other => panic!("name the types of {other} here"),
    }
}

#[test]
fn kafkas_messages_are_read_and_written_alike() {
    for golden in golden() {
        assert_eq!(written_again(&golden), golden.bytes, "{}", golden.line);
    }
}

#[test]
fn every_served_version_has_its_samples() {
    let mut samples = BTreeMap::new();
    for golden in golden() {
        *samples.entry((golden.api, golden.version)).or_insert(0) += 1;
    }
    for api in ApiKey::ALL {
        let Some(served) = api.served() else { continue };
        for version in served.min..=served.max {
            assert_eq!(samples.get(&(*api, version)), Some(&4), "{api} {version}: see tests/golden/wire/README.md");
        }
    }
}

#[test]
fn the_fetch_answer_in_pieces_is_kafkas() {
    let fetches = golden().into_iter().filter(|golden| golden.api == ApiKey::Fetch && !golden.is_request);
    let mut seen = 0;
    for golden in fetches {
        let response = decode_response::<FetchRequest>(golden.version, golden.bytes.clone()).unwrap();
        let pieces = encode_fetch_response(golden.version, 7, &response).unwrap();
        assert_eq!(body(ApiKey::Fetch, golden.version, pieces.concat().into()), golden.bytes, "{}", golden.line);
        seen += 1;
    }
    assert_eq!(seen, 30);
}

#[test]
fn produce_requests_are_read_in_place() {
    for golden in golden().into_iter().filter(|golden| golden.api == ApiKey::Produce && golden.is_request) {
        let request = produce::ProduceRequest::decode(&golden.bytes, 0, golden.version).unwrap();
        let records: Vec<_> = request
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|partition| &golden.bytes[partition.records.clone().unwrap()])
            .collect();
        let filled = golden.line.contains("filled");
        assert_eq!(records.len(), if filled { 4 } else { 0 }, "{}", golden.line);
        assert!(records.iter().all(|records| records.starts_with(b"records-")), "{}", golden.line);
        assert_eq!(request.transactional_id.is_some(), filled);
    }
}
