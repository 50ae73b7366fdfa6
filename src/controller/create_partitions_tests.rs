#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::controller::test_support::{Controller, new_topic};

fn more(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> MorePartitions {
    let replicas = |ids: &&[i32]| ids.iter().copied().map(NodeId).collect();
    MorePartitions {
        name: TopicName::new(name),
        count,
        assignments: assignments.map(|partitions| partitions.iter().map(replicas).collect()),
    }
}

fn decide(controller: &mut Controller, topic: MorePartitions, validate_only: bool) -> Result<(), Reason> {
    let mut reply = controller.decide(&CreatePartitions { topics: vec![topic], validate_only }).unwrap();
    reply.remove(0).1.map_err(|refusal| refusal.reason)
}

fn partitions(controller: &Controller) -> usize {
    controller.image.topics().by_name("t").unwrap().partitions.len()
}

/// A cluster of three with topic `t` of two partitions with two replicas.
fn cluster() -> Controller {
    let mut controller = Controller::with_brokers(1, 3);
    controller.create(new_topic("t", 2, 2)).unwrap();
    controller
}

/// Trap 44.
#[test]
fn partitions_only_become_more() {
    let mut controller = cluster();
    for count in [2, 1, 0, -1, i32::MIN] {
        assert_eq!(decide(&mut controller, more("t", count, None), false), Err(Reason::InvalidPartitions), "{count}");
    }
    assert_eq!(decide(&mut controller, more("u", 5, None), false), Err(Reason::UnknownTopicOrPartition));
    assert_eq!(decide(&mut controller, more("t", 5, None), false), Ok(()));
    let topic = controller.image.topics().by_name("t").unwrap();
    assert!(topic.partitions.keys().copied().eq((0..5).map(PartitionIndex)));
    assert!(topic.partitions.values().all(|partition| partition.replicas.len() == 2 && partition.leader.is_some()));
}

#[test]
fn assigned_partitions_go_where_the_request_says() {
    let mut controller = cluster();
    controller.fence(3);
    let bad: &[(&[&[i32]], i32)] = &[
        (&[&[1, 2]], 4),
        (&[&[1, 2], &[1, 2]], 3),
        (&[], 3),
        (&[&[]], 3),
        (&[&[1]], 3),
        (&[&[1, 1]], 3),
        (&[&[1, 4]], 3),
        (&[&[1, -1]], 3),
    ];
    for (assignment, count) in bad {
        let refused = decide(&mut controller, more("t", *count, Some(assignment)), false);
        assert_eq!(refused, Err(Reason::InvalidReplicaAssignment), "{assignment:?} {count}");
    }
    assert_eq!(decide(&mut controller, more("t", 4, Some(&[&[2, 1], &[3, 1]])), false), Ok(()));
    let topic = controller.image.topics().by_name("t").unwrap();
    let third = topic.partition(PartitionIndex(2)).unwrap();
    assert_eq!((third.leader, third.replicas.as_slice()), (Some(NodeId(2)), [NodeId(2), NodeId(1)].as_slice()));
    let fourth = topic.partition(PartitionIndex(3)).unwrap();
    assert_eq!(
        (fourth.leader, fourth.isr.as_slice()),
        (Some(NodeId(1)), [NodeId(1)].as_slice()),
        "a fenced broker does not lead"
    );
}

#[test]
fn judging_only_leaves_everything_as_it_is() {
    let mut controller = cluster();
    assert_eq!(decide(&mut controller, more("t", 7, None), true), Ok(()));
    assert_eq!(decide(&mut controller, more("t", 2, None), true), Err(Reason::InvalidPartitions));
    assert_eq!(partitions(&controller), 2);
}

#[test]
fn one_bad_topic_does_not_hinder_the_others_and_a_request_has_a_limit() {
    let mut controller = cluster();
    let topics = vec![more("u", 3, None), more("t", 3, None)];
    let reply = controller.decide(&CreatePartitions { topics, validate_only: false }).unwrap();
    assert_eq!(reply.iter().map(|(_, result)| result.is_ok()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(partitions(&controller), 3);
    for count in [10_004, i32::MAX] {
        let refused = controller.decide(&CreatePartitions { topics: vec![more("t", count, None)], validate_only: true });
        assert_eq!(refused.unwrap_err().reason, Reason::PolicyViolation, "{count}");
    }
    assert_eq!(decide(&mut controller, more("t", 10_003, None), true), Ok(()));
}

#[test]
fn without_enough_brokers_nothing_is_placed() {
    let mut controller = cluster();
    for broker in 1..=3 {
        controller.fence(broker);
    }
    assert_eq!(decide(&mut controller, more("t", 3, None), false), Err(Reason::InvalidReplicationFactor));
}
