#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::metadata::records::{self, *};
use crate::types::{
    BrokerEpoch, DirectoryId, IncarnationId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId, TopicIdPartition, TopicName,
};

fn topic_id(number: u128) -> TopicId {
    TopicId(uuid::Uuid::from_u128(number << 80))
}

fn topic(name: &str, id: u128) -> MetadataRecord {
    Topic { name: TopicName::new(name), topic_id: topic_id(id) }.into()
}

fn partition(id: u128, index: i32) -> Partition {
    let nodes = vec![NodeId(1), NodeId(2)];
    Partition {
        partition_id: PartitionIndex(index),
        topic_id: topic_id(id),
        replicas: nodes.clone(),
        isr: nodes,
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: Some(NodeId(1)),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        directories: vec![DirectoryId(uuid::Uuid::from_u128(1 << 100)), DirectoryId(uuid::Uuid::from_u128(2 << 100))],
        leader_recovery_state: LeaderRecoveryState::Recovered,
        eligible_leader_replicas: None,
        last_known_elr: None,
    }
}

fn broker(id: i32, epoch: i64) -> MetadataRecord {
    RegisterBroker {
        broker_id: NodeId(id),
        is_migrating_zk_broker: false,
        incarnation_id: IncarnationId(uuid::Uuid::from_u128(9)),
        broker_epoch: BrokerEpoch(epoch),
        end_points: vec![Endpoint {
            name: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
            security_protocol: 0,
        }],
        features: Vec::new(),
        rack: None,
        fenced: true,
        in_controlled_shutdown: false,
        log_dirs: vec![DirectoryId(uuid::Uuid::from_u128(1 << 100))],
        cordoned_log_dirs: None,
    }
    .into()
}

fn setting(topic: &str, name: &str, value: Option<&str>) -> MetadataRecord {
    let (resource_name, name, value) = (topic.to_owned(), name.to_owned(), value.map(str::to_owned));
    Config { resource_type: ConfigResourceType::Topic, resource_name, name, value }.into()
}

fn folded(records: &[MetadataRecord]) -> MetadataImage {
    let mut image = MetadataImage::default();
    image.apply_batch(records, Offset::ZERO).unwrap();
    image
}

/// The partition of the only topic in these tests.
fn place(index: i32) -> TopicIdPartition {
    TopicIdPartition { topic_id: topic_id(1), partition: PartitionIndex(index) }
}

fn assert_survives_a_snapshot(image: &MetadataImage) {
    let again = MetadataImage::from_snapshot(&image.to_records(), image.end()).unwrap();
    assert_eq!(again, *image);
    assert_eq!(again.hash(), image.hash());
}

#[test]
fn what_a_real_cluster_wrote_folds_and_survives_a_snapshot() {
    let mut image = MetadataImage::default();
    let mut delta_image = image.clone();
    for (offset, value) in records::tests::golden_log() {
        let record = MetadataRecord::decode(&value).unwrap();
        image.apply(&record, Offset(offset)).unwrap_or_else(|error| panic!("record at {offset}: {error}"));
        let before = delta_image.clone();
        let delta = delta_image.apply_batch(&[record], Offset(offset)).unwrap();
        assert_eq!(delta, MetadataDelta::between(&before, &delta_image), "record at {offset}");
    }
    assert_eq!(image, delta_image);
    assert_eq!(image.features()[METADATA_VERSION], 30);
    assert_eq!(image.brokers().len(), 3);
    assert!(image.brokers().values().all(|broker| broker.endpoint("PLAINTEXT").is_some() && broker.open_log_dirs().count() == 1));
    assert_eq!(image.controllers().len(), 3);
    assert_eq!(image.topics().by_name("orders").unwrap().partitions.len(), 3);
    assert_eq!(image.configs().topic("orders")["min.insync.replicas"], "2");
    assert!(image.topics().by_name("gone").is_none());
    assert_eq!(image.next_producer_id(), ProducerId(2000));
    assert_survives_a_snapshot(&image);

    let snapshot = records::tests::golden_snapshot().into_iter().map(|(_, value)| MetadataRecord::decode(&value).unwrap());
    let loaded = MetadataImage::from_snapshot(&snapshot.collect::<Vec<_>>(), image.end()).unwrap();
    assert_eq!(loaded.to_records(), image.to_records(), "Kafka's own snapshot of the same state folds to the same image");
    assert_eq!(loaded.hash(), image.hash());
}

#[test]
fn a_change_raises_the_partition_epoch_and_a_named_leader_the_leader_epoch() {
    let mut image = folded(&[topic("t", 1), partition(1, 0).into()]);
    let isr = PartitionChange { isr: Some(vec![NodeId(1)]), ..PartitionChange::nothing(topic_id(1), PartitionIndex(0)) };
    let delta = image.apply_batch(&[isr.into()], image.end()).unwrap();
    assert_eq!(delta, MetadataDelta { changed_partitions: [place(0)].into(), ..MetadataDelta::default() });
    let now = image.topics().partition(place(0)).unwrap();
    assert_eq!((now.partition_epoch, now.leader_epoch), (PartitionEpoch(1), LeaderEpoch(0)));
    assert_eq!(now.isr, [NodeId(1)]);

    let no_leader = PartitionChange { leader: Some(None), ..PartitionChange::nothing(topic_id(1), PartitionIndex(0)) };
    image.apply(&no_leader.into(), image.end()).unwrap();
    let now = image.topics().partition(place(0)).unwrap();
    assert_eq!((now.partition_epoch, now.leader_epoch, now.leader), (PartitionEpoch(2), LeaderEpoch(1), None));
    assert_survives_a_snapshot(&image);
}

#[test]
fn the_delta_is_net() {
    let mut image = folded(&[topic("old", 1), partition(1, 0).into(), setting("old", "a", Some("1"))]);
    let before = image.clone();
    let batch = [
        topic("new", 2),
        partition(2, 0).into(),
        topic("brief", 3),
        partition(3, 0).into(),
        RemoveTopic { topic_id: topic_id(3) }.into(),
        setting("new", "a", Some("1")),
        setting("new", "a", None),
        RemoveTopic { topic_id: topic_id(1) }.into(),
        broker(1, 5),
    ];
    let delta = image.apply_batch(&batch, image.end()).unwrap();
    assert_eq!(delta.created_topics, [topic_id(2)].into());
    assert_eq!(delta.created_partitions.len(), 1);
    assert_eq!(delta.deleted_topics.keys().collect::<Vec<_>>(), [&topic_id(1)]);
    assert_eq!(delta.changed_configs, [ConfigResource::topic(&TopicName::new("old"))].into());
    assert_eq!(delta.changed_brokers, [NodeId(1)].into());
    assert_eq!(delta, MetadataDelta::between(&before, &image));
    assert!(MetadataDelta::between(&image, &image).is_empty());
}

#[test]
fn a_topic_takes_its_settings_with_it() {
    let mut image = folded(&[topic("t", 1), setting("t", "a", Some("1"))]);
    assert_eq!(image.configs().topic("t")["a"], "1");
    image.apply(&RemoveTopic { topic_id: topic_id(1) }.into(), image.end()).unwrap();
    assert!(image.configs().topic("t").is_empty());
    assert_eq!(image.to_records(), []);
}

#[test]
fn names_that_differ_in_dots_and_underscores_collide_until_removed() {
    let mut image = folded(&[topic("a.b_c", 1), topic("plain", 2)]);
    assert_eq!(image.topics().colliding_with("a_b.c").unwrap().as_str(), "a.b_c");
    assert_eq!(image.topics().colliding_with("plain"), None);
    assert_eq!(image.topics().colliding_with("a_bc"), None);
    image.apply(&RemoveTopic { topic_id: topic_id(1) }.into(), image.end()).unwrap();
    assert_eq!(image.topics().colliding_with("a_b.c"), None);
}

#[test]
fn contradictions_are_refused_and_change_nothing() {
    let mut image = folded(&[topic("t", 1), broker(1, 5)]);
    let before = image.clone();
    let stale = FenceBroker { id: NodeId(1), epoch: BrokerEpoch(4) }.into();
    let expected = FoldError::BrokerEpoch { id: NodeId(1), current: BrokerEpoch(5), named: BrokerEpoch(4) };
    assert_eq!(image.apply_batch(&[topic("u", 2), stale], image.end()), Err(expected));
    let apply = |image: &mut MetadataImage, record: MetadataRecord| image.apply(&record, image.end()).unwrap_err();
    assert_eq!(apply(&mut image, topic("t", 3)), FoldError::TopicExists(TopicName::new("t")));
    assert_eq!(apply(&mut image, topic("u", 1)), FoldError::TopicIdExists(topic_id(1)));
    assert_eq!(apply(&mut image, partition(9, 0).into()), FoldError::UnknownTopicId(topic_id(9)));
    assert_eq!(apply(&mut image, EndTransaction {}.into()), FoldError::NoTransaction);
    let change = PartitionChange::nothing(topic_id(1), PartitionIndex(0));
    assert!(matches!(apply(&mut image, change.into()), FoldError::UnknownPartition { .. }));
    let lopsided = Partition { directories: vec![DirectoryId(uuid::Uuid::from_u128(1 << 90))], ..partition(1, 0) };
    assert!(matches!(apply(&mut image, lopsided.into()), FoldError::Directories { replicas: 2, directories: 1, .. }));
    assert_eq!(image, before);
}

#[test]
fn a_transaction_holds_at_its_end_or_never() {
    let mut image = folded(&[topic("t", 1)]);
    let delta = image.apply_batch(&[BeginTransaction { name: None }.into(), topic("u", 2)], image.end()).unwrap();
    assert!(delta.is_empty() && image.is_in_transaction() && image.topics().len() == 1);
    let mut aborted = image.clone();
    aborted.apply(&AbortTransaction { reason: None }.into(), image.end()).unwrap();
    assert!(!aborted.is_in_transaction() && aborted.topics().len() == 1);
    let delta = image.apply_batch(&[EndTransaction {}.into()], image.end()).unwrap();
    assert_eq!(delta.created_topics, [topic_id(2)].into());
    assert_eq!(image.topics().len(), 2);
}

#[test]
fn clearing_eligible_leaders_changes_only_partitions_that_have_some() {
    let with_elr = Partition { eligible_leader_replicas: Some(vec![NodeId(2)]), ..partition(1, 0) };
    let mut image = folded(&[topic("t", 1), with_elr.into(), partition(1, 1).into()]);
    let delta = image.apply_batch(&[ClearElr { topic_name: String::new() }.into()], image.end()).unwrap();
    assert_eq!(delta.changed_partitions, [place(0)].into());
    let cleared = image.topics().partition(place(0)).unwrap();
    assert_eq!((cleared.elr.as_slice(), cleared.partition_epoch), ([].as_slice(), PartitionEpoch(1)));
}

#[test]
fn partitions_from_before_directories_had_ids_are_migrating() {
    let old = Partition { directories: Vec::new(), ..partition(1, 0) };
    let image = folded(&[topic("t", 1), old.into()]);
    assert_eq!(image.topics().partition(place(0)).unwrap().directories, [DirectoryId::MIGRATING; 2]);
    assert_survives_a_snapshot(&image);
}

#[test]
fn a_clone_is_not_changed_by_folding_into_the_other() {
    let mut image = folded(&[topic("t", 1), partition(1, 0).into()]);
    let kept = image.clone();
    let hash = kept.hash();
    image.apply(&RemoveTopic { topic_id: topic_id(1) }.into(), image.end()).unwrap();
    assert_eq!(kept.hash(), hash);
    assert_ne!(image.hash(), hash);
    assert_eq!(kept.topics().len(), 1);
}

#[test]
fn the_hash_is_the_same_in_every_build() {
    assert_eq!(MetadataImage::default().hash(), 0xcbf2_9ce4_8422_2325);
    let image = folded(&[FeatureLevel { name: METADATA_VERSION.to_owned(), feature_level: 30 }.into()]);
    assert_eq!(image.hash(), 12_007_901_670_256_375_097);
}
