#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::controller::test_support::{Controller, new_topic};
use crate::controller::{DeleteTopics, TopicSelector};
use crate::types::{LeaderEpoch, PartitionEpoch};

fn by_default(name: &str) -> NewTopic {
    NewTopic { partitions: None, replication_factor: None, ..new_topic(name, 0, 0) }
}

fn assigned(name: &str, partitions: &[(i32, &[i32])]) -> NewTopic {
    let assignment = |(partition, replicas): &(i32, &[i32])| ReplicaAssignment {
        partition: PartitionIndex(*partition),
        replicas: replicas.iter().copied().map(NodeId).collect(),
    };
    NewTopic { assignments: partitions.iter().map(assignment).collect(), ..by_default(name) }
}

fn with_configs(topic: NewTopic, configs: &[(&str, Option<&str>)]) -> NewTopic {
    let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
    NewTopic { configs, ..topic }
}

fn refused(controller: &mut Controller, topic: NewTopic) -> Reason {
    let before = controller.image.clone();
    let reason = controller.create(topic).unwrap_err().reason;
    assert_eq!(controller.image.hash(), before.hash(), "a refused topic leaves no record");
    reason
}

#[test]
fn what_is_not_said_comes_from_the_defaults() {
    let mut controller = Controller::with_brokers(1, 3);
    let created = controller.create(by_default("t")).unwrap();
    assert_eq!((created.partitions, created.replication_factor), (2, 1));
    let topic = controller.image.topics().by_name("t").unwrap();
    assert_eq!((topic.id, topic.partitions.len()), (created.id, 2));
    let first = topic.partition(PartitionIndex(0)).unwrap();
    assert_eq!((first.leader_epoch, first.partition_epoch), (LeaderEpoch(0), PartitionEpoch(0)));
    assert_eq!((first.leader, &first.isr), (first.replicas.first().copied(), &first.replicas));
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let mut controller = Controller::with_brokers(1, 1);
    for partitions in [0, -2, i32::MIN] {
        assert_eq!(refused(&mut controller, new_topic("t", partitions, 1)), Reason::InvalidPartitions);
    }
    for factor in [0, -2, 2, i16::MAX] {
        assert_eq!(refused(&mut controller, new_topic("t", 1, factor)), Reason::InvalidReplicationFactor);
    }
    // The replication factor is judged first, as Kafka does.
    assert_eq!(refused(&mut controller, new_topic("t", 0, 0)), Reason::InvalidReplicationFactor);
}

#[test]
fn names_must_be_valid_new_and_apart() {
    let mut controller = Controller::with_brokers(1, 1);
    controller.create(by_default("a.b")).unwrap();
    assert_eq!(refused(&mut controller, by_default("a b")), Reason::InvalidTopic);
    assert_eq!(refused(&mut controller, by_default("a_b")), Reason::InvalidTopic);
    assert_eq!(refused(&mut controller, by_default("a.b")), Reason::TopicAlreadyExists);
    assert_eq!(refused(&mut controller, by_default("__cluster_metadata")), Reason::InvalidRequest);
    controller.decide(&DeleteTopics { topics: vec![TopicSelector::Name(TopicName::new("a.b"))] }).unwrap();
    controller.create(by_default("a_b")).unwrap();
}

#[test]
fn a_name_that_stands_twice_is_refused_once_and_last() {
    let mut controller = Controller::with_brokers(1, 1);
    let topics = vec![by_default("twice"), by_default("once"), by_default("twice"), by_default("twice")];
    let results = controller.decide(&CreateTopics { topics, validate_only: false }).unwrap();
    assert_eq!(results.iter().map(|result| result.name.as_str()).collect::<Vec<_>>(), ["once", "twice"]);
    assert!(results[0].result.is_ok());
    assert_eq!(results[1].result.as_ref().unwrap_err().reason, Reason::InvalidRequest);
    assert_eq!(controller.image.topics().len(), 1);
}

#[test]
fn an_assignment_is_followed() {
    let mut controller = Controller::with_brokers(1, 3);
    controller.fence(3);
    let created = controller.create(assigned("t", &[(1, &[3, 2]), (0, &[2, 1])])).unwrap();
    assert_eq!((created.partitions, created.replication_factor), (2, 2));
    let topic = controller.image.topics().by_name("t").unwrap();
    assert_eq!(topic.partition(PartitionIndex(0)).unwrap().replicas, [NodeId(2), NodeId(1)]);
    let second = topic.partition(PartitionIndex(1)).unwrap();
    assert_eq!(
        (second.leader, second.isr.as_slice()),
        (Some(NodeId(2)), [NodeId(2)].as_slice()),
        "a fenced broker is not in step"
    );
}

#[test]
fn an_assignment_must_be_consistent() {
    let mut controller = Controller::with_brokers(1, 3);
    controller.fence(3);
    let bad: &[&[(i32, &[i32])]] = &[
        &[(0, &[])],
        &[(0, &[1, 1])],
        &[(0, &[1, 4])],
        &[(0, &[3])],
        &[(0, &[1]), (0, &[2])],
        &[(0, &[1]), (1, &[1, 2])],
        &[(0, &[1]), (2, &[2])],
        &[(1, &[1])],
        &[(-1, &[1])],
    ];
    for partitions in bad {
        assert_eq!(refused(&mut controller, assigned("t", partitions)), Reason::InvalidReplicaAssignment, "{partitions:?}");
    }
    let said_too_much = [
        NewTopic { partitions: Some(1), ..assigned("t", &[(0, &[1])]) },
        NewTopic { replication_factor: Some(1), ..assigned("t", &[(0, &[1])]) },
    ];
    for topic in said_too_much {
        assert_eq!(refused(&mut controller, topic), Reason::InvalidRequest);
    }
}

#[test]
fn settings_are_kept_with_the_topic_or_refused() {
    let mut controller = Controller::with_brokers(1, 1);
    let given = [("segment.ms", Some("2")), ("retention.ms", Some("0")), ("retention.ms", Some("1"))];
    let created = controller.create(with_configs(by_default("t"), &given)).unwrap();
    let expected = [("retention.ms", "1"), ("segment.ms", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(created.configs, expected.into());
    assert_eq!(controller.image.configs().topic("t")["retention.ms"], "1");
    assert_eq!(refused(&mut controller, with_configs(by_default("u"), &[("segment.ms", Some("soon"))])), Reason::InvalidConfig);
    assert_eq!(refused(&mut controller, with_configs(by_default("u"), &[("segment.ms", None)])), Reason::InvalidConfig);
    // Settings are judged before numbers, as Kafka does.
    assert_eq!(
        refused(&mut controller, with_configs(new_topic("u", 0, 0), &[("segment.ms", Some("soon"))])),
        Reason::InvalidConfig
    );
}

#[test]
fn one_bad_topic_does_not_hinder_the_others() {
    let mut controller = Controller::with_brokers(1, 1);
    let topics = vec![by_default("a"), new_topic("b", 0, 1), by_default("c")];
    let results = controller.decide(&CreateTopics { topics, validate_only: false }).unwrap();
    assert_eq!(results.iter().map(|result| result.result.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(controller.image.topics().len(), 2);
}

#[test]
fn validation_only_replies_but_records_nothing() {
    let mut controller = Controller::with_brokers(1, 1);
    let before = controller.image.hash();
    let topics = vec![new_topic("t", 3, 1), new_topic("u", 0, 1)];
    let results = controller.decide(&CreateTopics { topics, validate_only: true }).unwrap();
    assert_eq!(results[0].result.as_ref().unwrap().partitions, 3);
    assert_eq!(results[1].result.as_ref().unwrap_err().reason, Reason::InvalidPartitions);
    assert_eq!(controller.image.hash(), before);
}

#[test]
fn a_request_has_a_limit_over_all_topics() {
    let mut controller = Controller::with_brokers(1, 1);
    let mut decide = |partitions| {
        let topics = vec![by_default("a"), new_topic("b", partitions, 1)];
        controller.decide(&CreateTopics { topics, validate_only: true })
    };
    // 2 topics, 2 partitions of the first: 10,000 records are allowed, as with Apache Kafka.
    assert!(decide(9_996).is_ok());
    assert_eq!(decide(9_997).unwrap_err().reason, Reason::PolicyViolation);
    assert_eq!(decide(i32::MAX).unwrap_err().reason, Reason::PolicyViolation);
}
