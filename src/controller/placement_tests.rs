#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::controller::test_support::{Controller, directory, new_topic, registration};
use crate::controller::{BrokerHeartbeat, Reason, RegisterBroker};
use crate::types::NodeId;

/// The replicas of each partition of a new topic.
fn placed(controller: &mut Controller, partitions: i32, replication_factor: i16) -> Vec<Vec<i32>> {
    let topic = controller.create(new_topic("placed", partitions, replication_factor)).unwrap();
    let topic = controller.image.topics().by_id(topic.id).unwrap();
    topic.partitions.values().map(|partition| partition.replicas.iter().map(|node| node.0).collect()).collect()
}

fn counts(brokers: impl IntoIterator<Item = i32>) -> Vec<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for broker in brokers {
        *counts.entry(broker).or_insert(0) += 1;
    }
    counts.into_values().collect()
}

#[test]
fn every_broker_leads_and_holds_the_same_number_of_partitions() {
    for seed in 0..20 {
        let layout = placed(&mut Controller::with_brokers(seed, 5), 50, 3);
        assert_eq!(counts(layout.iter().map(|replicas| replicas[0])), [10; 5], "leaders");
        assert_eq!(counts(layout.into_iter().flatten()), [30; 5], "replicas");
    }
}

#[test]
fn placement_begins_at_a_random_broker() {
    let first = |seed| placed(&mut Controller::with_brokers(seed, 5), 1, 1)[0][0];
    assert_eq!((0..60).map(first).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn after_a_round_the_same_brokers_do_not_follow_each_other_again() {
    let layout = placed(&mut Controller::with_brokers(3, 5), 100, 2);
    let pairs: BTreeSet<_> = layout.iter().map(|replicas| (replicas[0], replicas[1])).collect();
    assert!(pairs.len() > 5, "{pairs:?}");
}

#[test]
fn replicas_of_a_partition_go_to_different_racks() {
    let racks = [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("b"), Some("c"), Some("c"), Some("c")];
    for seed in 0..20 {
        let layout = placed(&mut Controller::with_racks(seed, &racks), 36, 3);
        for replicas in &layout {
            let used: BTreeSet<_> = replicas.iter().map(|broker| (broker - 1) / 3).collect();
            assert_eq!(used.len(), 3, "{replicas:?}");
        }
        assert_eq!(counts(layout.iter().map(|replicas| replicas[0])), [4; 9], "leaders");
    }
}

#[test]
fn fenced_brokers_come_last_and_never_lead() {
    let mut controller = Controller::with_brokers(1, 3);
    controller.fence(2);
    for replicas in placed(&mut controller, 20, 3) {
        assert_eq!(replicas[2], 2);
    }
    let partition = controller.image.topics().by_name("placed").unwrap().partitions.values().next().unwrap();
    assert_eq!(partition.isr.len(), 2);
    assert_eq!(partition.leader, Some(partition.replicas[0]));
}

#[test]
fn too_few_or_no_active_brokers_are_refused() {
    let mut controller = Controller::with_brokers(1, 2);
    let reason = |controller: &mut Controller, factor| controller.create(new_topic("t", 1, factor)).unwrap_err();
    let refusal = reason(&mut controller, 3);
    assert_eq!(refusal.reason, Reason::InvalidReplicationFactor);
    assert!(refusal.message.contains("2 broker(s)"), "{refusal}");
    controller.fence(1);
    controller.fence(2);
    assert_eq!(reason(&mut controller, 1).reason, Reason::InvalidReplicationFactor);
}

#[test]
fn brokers_that_leave_or_whose_directories_are_all_cordoned_get_nothing() {
    let mut controller = Controller::with_brokers(1, 4);
    placed(&mut controller, 4, 1);
    let shutdown = BrokerHeartbeat { want_shut_down: true, ..controller.heartbeat(1) };
    assert!(!controller.decide(&shutdown).unwrap().should_shut_down);
    let cordon = BrokerHeartbeat { cordoned_log_dirs: Some(vec![directory(2, 0)]), ..controller.heartbeat(2) };
    controller.decide(&cordon).unwrap();
    let topic = controller.create(new_topic("next", 20, 2)).unwrap();
    let topic = controller.image.topics().by_id(topic.id).unwrap();
    assert!(topic.partitions.values().flat_map(|partition| &partition.replicas).all(|node| node.0 > 2));
}

#[test]
fn each_replica_goes_to_the_emptiest_open_directory_of_its_broker() {
    let mut controller = Controller::new(1);
    let log_dirs = vec![directory(1, 0), directory(1, 1), directory(1, 2)];
    controller.decide(&RegisterBroker { log_dirs, ..registration(1, 1) }).unwrap();
    let cordon = BrokerHeartbeat { cordoned_log_dirs: Some(vec![directory(1, 1)]), ..controller.heartbeat(1) };
    controller.decide(&cordon).unwrap();
    controller.create(new_topic("a", 1, 1)).unwrap();
    controller.create(new_topic("b", 2, 1)).unwrap();
    let used = controller.image.topics().iter().flat_map(|topic| topic.partitions.values().cloned().collect::<Vec<_>>());
    let used: Vec<_> = used.map(|partition| partition.directory_of(NodeId(1)).unwrap()).collect();
    assert_eq!(used, [directory(1, 0), directory(1, 2), directory(1, 0)]);
}

proptest! {
    #[test]
    fn any_cluster_is_filled_without_repeats_and_with_active_leaders(
        seed in any::<u64>(),
        racks in prop::collection::vec(prop::option::of(prop::sample::select(vec!["a", "b", "c"])), 1..9),
        fenced in prop::collection::vec(any::<bool>(), 9),
        partitions in 1..40_i32,
        factor in any::<prop::sample::Index>(),
    ) {
        let mut controller = Controller::with_racks(seed, &racks);
        let brokers = i32::try_from(racks.len()).unwrap();
        for broker in (2..=brokers).filter(|broker| fenced[usize::try_from(*broker).unwrap()]) {
            controller.fence(broker);
        }
        let factor = i16::try_from(factor.index(racks.len()) + 1).unwrap();
        let layout = placed(&mut controller, partitions, factor);
        prop_assert_eq!(layout.len(), usize::try_from(partitions).unwrap());
        for replicas in &layout {
            prop_assert_eq!(replicas.iter().collect::<BTreeSet<_>>().len(), usize::try_from(factor).unwrap());
            prop_assert!(controller.image.broker(NodeId(replicas[0])).unwrap().is_active());
        }
    }
}
