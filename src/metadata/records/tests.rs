#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::types::{
    BrokerEpoch, DirectoryId, IncarnationId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId, TopicName,
};

fn values(hex_lines: &str) -> Vec<(i64, Vec<u8>)> {
    let lines = hex_lines.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (offset, hex) = line.split_once(' ').unwrap();
            let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            (offset.parse().unwrap(), bytes)
        })
        .collect()
}

/// Records that a real Kafka wrote to its log: offset and value.
pub(crate) fn golden_log() -> Vec<(i64, Vec<u8>)> {
    values(include_str!("../../../tests/golden/metadata/kafka-4.3.0-records.txt"))
}

/// Records that it wrote to the snapshot of the same state: position and value.
pub(crate) fn golden_snapshot() -> Vec<(i64, Vec<u8>)> {
    values(include_str!("../../../tests/golden/metadata/kafka-4.3.0-snapshot.txt"))
}

#[test]
fn what_kafka_wrote_is_read_and_written_byte_for_byte() {
    for (offset, value) in golden_log().into_iter().chain(golden_snapshot()) {
        let record = MetadataRecord::decode(&value).unwrap_or_else(|error| panic!("record at {offset}: {error}"));
        // Kafka writes some records in the lowest version that carries them; the third byte is the version.
        assert_eq!(record.encode_at(value[2].into()), value, "record at {offset}: {record:?}");
        assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record), "record at {offset}");
    }
}

#[test]
fn kafka_writes_registrations_and_partitions_in_the_versions_that_we_write() {
    for (_, value) in golden_log() {
        let record = MetadataRecord::decode(&value).unwrap();
        if !matches!(record, MetadataRecord::BrokerRegistrationChange(_)) {
            assert_eq!(record.encode(), value, "{record:?}");
        }
    }
}

#[test]
fn unknown_types_versions_and_frames_are_named() {
    let decode = MetadataRecord::decode;
    assert_eq!(decode(&[1, 99, 0]), Err(RecordError::UnknownType(99)));
    assert_eq!(decode(&[1, 99, 0]).unwrap_err().to_string(), "unknown record type 99");
    assert_eq!(decode(&[2, 2, 0]), Err(RecordError::FrameVersion(2)));
    let highest = Topic::VERSION;
    assert_eq!(decode(&[1, 2, 1]), Err(RecordError::UnsupportedVersion { name: "Topic", version: 1, highest }));
    assert_eq!(decode(&[1, 20, 0, 0, 7]), Err(RecordError::Body { name: "NoOp", error: DecodeError::LeftOver(1) }));
    assert!(matches!(decode(&[]), Err(RecordError::Frame(DecodeError::Truncated { .. }))));
    assert_eq!(decode(&[0xff; 6]), Err(RecordError::Frame(DecodeError::Varint)));
    // A Partition change whose recovery state is 7.
    let mut value = MetadataRecord::from(PartitionChange::nothing(TopicId::default(), PartitionIndex(0))).encode().to_vec();
    let no_tags = value.len() - 1;
    value.splice(no_tags.., [1, 5, 1, 7]);
    assert_eq!(decode(&value).unwrap_err().to_string(), "a PartitionChange record is damaged: 7 is no LeaderRecoveryState");
}

#[test]
fn a_length_beyond_the_bytes_is_refused() {
    // A Topic record whose name claims 2^31 bytes.
    let refused = MetadataRecord::decode(&[1, 2, 0, 0x80, 0x80, 0x80, 0x80, 0x08, b'a']).unwrap_err();
    assert!(matches!(refused, RecordError::Body { name: "Topic", error: DecodeError::Truncated { left: 1, .. } }), "{refused}");
}

#[test]
fn fields_that_an_older_version_lacks_read_as_their_defaults() {
    let MetadataRecord::Partition(new) = a_partition() else { unreachable!() };
    let old = MetadataRecord::decode(&MetadataRecord::Partition(new.clone()).encode_at(0)).unwrap();
    let expected = Partition { directories: Vec::new(), eligible_leader_replicas: None, last_known_elr: None, ..new };
    assert_eq!(old, MetadataRecord::Partition(expected));
}

#[test]
fn unknown_tagged_fields_are_passed_over() {
    // BeginTransaction with tag 0 (the name "a") and an unknown tag 9 of two bytes.
    let value = [1, 23, 0, 2, 0, 2, 2, b'a', 9, 2, 0xaa, 0xbb];
    assert_eq!(MetadataRecord::decode(&value), Ok(BeginTransaction { name: Some("a".to_owned()) }.into()));
    let too_long = [1, 23, 0, 1, 0, 3, 2, b'a', 9];
    assert_eq!(
        MetadataRecord::decode(&too_long),
        Err(RecordError::Body { name: "BeginTransaction", error: DecodeError::TagLength(0) })
    );
}

fn a_partition() -> MetadataRecord {
    Partition {
        partition_id: PartitionIndex(1),
        topic_id: TopicId(uuid::Uuid::from_u128(7)),
        replicas: vec![NodeId(1), NodeId(2)],
        isr: vec![NodeId(1)],
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: Some(NodeId(1)),
        leader_epoch: LeaderEpoch(3),
        partition_epoch: PartitionEpoch(4),
        directories: vec![DirectoryId(uuid::Uuid::from_u128(1 << 100)); 2],
        leader_recovery_state: LeaderRecoveryState::Recovering,
        eligible_leader_replicas: Some(vec![NodeId(2)]),
        last_known_elr: Some(Vec::new()),
    }
    .into()
}

fn nodes() -> impl Strategy<Value = Vec<NodeId>> {
    prop::collection::vec((0..1000_i32).prop_map(NodeId), 0..4)
}

fn directories() -> impl Strategy<Value = Vec<DirectoryId>> {
    prop::collection::vec(any::<u128>().prop_map(|id| DirectoryId(uuid::Uuid::from_u128(id))), 0..4)
}

fn topic_ids() -> impl Strategy<Value = TopicId> {
    any::<u128>().prop_map(|id| TopicId(uuid::Uuid::from_u128(id)))
}

fn endpoints() -> impl Strategy<Value = Vec<Endpoint>> {
    let endpoint = (".{0,9}", ".{0,9}", any::<u16>(), 0..4_i16).prop_map(|(name, host, port, security_protocol)| Endpoint {
        name,
        host,
        port,
        security_protocol,
    });
    prop::collection::vec(endpoint, 0..3)
}

fn features() -> impl Strategy<Value = Vec<SupportedFeature>> {
    let feature = (".{0,9}", any::<i16>(), any::<i16>()).prop_map(|(name, low, high)| SupportedFeature {
        name,
        min_supported_version: low,
        max_supported_version: high,
    });
    prop::collection::vec(feature, 0..3)
}

fn register_broker() -> impl Strategy<Value = MetadataRecord> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let who = (0..100_i32, any::<u128>(), any::<i64>());
    let dirs = (directories(), prop::option::of(directories()));
    (who, endpoints(), features(), prop::option::of(".{0,9}"), flags, dirs).prop_map(
        |((id, incarnation, epoch), end_points, features, rack, (zk, fenced, leaving), (log_dirs, cordoned_log_dirs))| {
            RegisterBroker {
                broker_id: NodeId(id),
                is_migrating_zk_broker: zk,
                incarnation_id: IncarnationId(uuid::Uuid::from_u128(incarnation)),
                broker_epoch: BrokerEpoch(epoch),
                end_points,
                features,
                rack,
                fenced,
                in_controlled_shutdown: leaving,
                log_dirs,
                cordoned_log_dirs,
            }
            .into()
        },
    )
}

fn partition_change() -> impl Strategy<Value = MetadataRecord> {
    let lists = prop::array::uniform6(prop::option::of(nodes()));
    let leader = prop::option::of(prop::option::of((0..100_i32).prop_map(NodeId)));
    let state = prop::option::of(prop::sample::select(vec![LeaderRecoveryState::Recovered, LeaderRecoveryState::Recovering]));
    (topic_ids(), any::<i32>(), lists, leader, state, prop::option::of(directories())).prop_map(
        |(topic_id, partition, lists, leader, leader_recovery_state, directories)| {
            let [isr, replicas, removing_replicas, adding_replicas, eligible_leader_replicas, last_known_elr] = lists;
            let partition_id = PartitionIndex(partition);
            PartitionChange {
                partition_id,
                topic_id,
                isr,
                leader,
                replicas,
                removing_replicas,
                adding_replicas,
                leader_recovery_state,
                eligible_leader_replicas,
                last_known_elr,
                directories,
            }
            .into()
        },
    )
}

fn small_records() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![
        (".{0,40}", topic_ids()).prop_map(|(name, topic_id)| Topic { name: TopicName::new(&name), topic_id }.into()),
        topic_ids().prop_map(|topic_id| RemoveTopic { topic_id }.into()),
        (".{0,300}", ".{0,9}", prop::option::of(".{0,9}")).prop_map(|(resource_name, name, value)| {
            Config { resource_type: ConfigResourceType::Group, resource_name, name, value }.into()
        }),
        (any::<i32>(), any::<i64>()).prop_map(|(id, epoch)| FenceBroker { id: NodeId(id), epoch: BrokerEpoch(epoch) }.into()),
        (".{0,9}", any::<i16>()).prop_map(|(name, feature_level)| FeatureLevel { name, feature_level }.into()),
        (prop::option::of(0..9_i32), prop::option::of(0..9_i64), any::<i64>()).prop_map(|(id, epoch, next)| {
            ProducerIds { broker_id: id.map(NodeId), broker_epoch: epoch.map(BrokerEpoch), next_producer_id: ProducerId(next) }
                .into()
        }),
        prop::option::of(".{0,9}").prop_map(|reason| AbortTransaction { reason }.into()),
        (any::<i32>(), any::<u128>(), endpoints(), features()).prop_map(|(id, incarnation, end_points, features)| {
            let incarnation_id = IncarnationId(uuid::Uuid::from_u128(incarnation));
            RegisterController { controller_id: NodeId(id), incarnation_id, zk_migration_ready: false, end_points, features }
                .into()
        }),
        (directories(), prop::option::of(directories())).prop_map(|(log_dirs, cordoned_log_dirs)| {
            BrokerRegistrationChange {
                broker_id: NodeId(1),
                broker_epoch: BrokerEpoch(2),
                fenced: FencingChange::Fence,
                in_controlled_shutdown: ControlledShutdownChange::Begin,
                log_dirs,
                cordoned_log_dirs,
            }
            .into()
        }),
    ]
}

pub(crate) fn any_record() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![small_records(), register_broker(), partition_change(), Just(a_partition())]
}

proptest! {
    #[test]
    fn every_record_reads_back_as_it_was_written(record in any_record()) {
        prop_assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn cut_or_changed_bytes_never_panic(record in any_record(), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let mut value = record.encode().to_vec();
        let at = cut.index(value.len());
        prop_assert!(MetadataRecord::decode(&value[..at]).is_err(), "a cut record is refused");
        value[at] ^= flip;
        let _ = MetadataRecord::decode(&value);
    }
}
