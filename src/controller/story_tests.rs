//! Stories of clusters, step by step, and random ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::test_support::{Controller, directory, new_topic, registration};
use super::*;
use crate::metadata::PartitionImage;
use crate::types::{BrokerEpoch, DirectoryId, LeaderEpoch, NodeId, Offset, ProducerId, TopicId, TopicName};

fn partition<'a>(controller: &'a Controller, topic: &str) -> &'a PartitionImage {
    controller.image.topics().by_name(topic).unwrap().partitions.values().next().unwrap()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn a_new_cluster_finalises_its_features_once() {
    let mut controller = Controller::new(1);
    assert_eq!(
        controller.image.features().iter().map(|(name, level)| (name.as_str(), *level)).collect::<Vec<_>>(),
        [("eligible.leader.replicas.version", 1), ("metadata.version", 30)]
    );
    let end = controller.image.end();
    controller.decide(&Bootstrap { min_insync_replicas: 1 }).unwrap();
    assert_eq!(controller.image.end(), end);
    controller.decide(&NoOperation).unwrap();
    assert_eq!(controller.image.end(), end.next());
}

#[test]
fn a_broker_registers_fenced_and_is_unfenced_once_it_has_seen_its_registration() {
    let mut controller = Controller::new(1);
    let epoch = controller.decide(&registration(1, 1)).unwrap();
    assert_eq!(epoch, BrokerEpoch(3), "the offset of the registration");
    assert!(controller.image.broker(NodeId(1)).unwrap().fenced);
    let behind = BrokerHeartbeat { current_metadata_offset: Some(Offset(0)), ..controller.heartbeat(1) };
    let reply = controller.decide(&behind).unwrap();
    assert_eq!(reply, BrokerHeartbeatReply { is_caught_up: false, is_fenced: true, should_shut_down: false });
    let caught_up = BrokerHeartbeat { current_metadata_offset: Some(Offset(3)), ..behind };
    let reply = controller.decide(&caught_up).unwrap();
    assert_eq!(reply, BrokerHeartbeatReply { is_caught_up: true, is_fenced: false, should_shut_down: false });
    let end = controller.image.end();
    controller.decide(&caught_up).unwrap();
    assert_eq!(controller.image.end(), end, "a heartbeat that changes nothing leaves no record");
}

#[test]
fn a_restart_bumps_the_leader_epoch_and_keeps_the_only_replica_in_the_isr() {
    let mut controller = Controller::with_brokers(1, 1);
    controller.create(new_topic("t", 1, 1)).unwrap();
    controller.decide(&registration(1, 2)).unwrap();
    let down = partition(&controller, "t");
    assert_eq!((down.leader, down.isr.as_slice(), down.leader_epoch), (None, [NodeId(1)].as_slice(), LeaderEpoch(1)));
    controller.unfence(1);
    let up = partition(&controller, "t");
    assert_eq!((up.leader, up.leader_epoch), (Some(NodeId(1)), LeaderEpoch(2)));
}

#[test]
fn the_same_run_amends_its_registration() {
    let mut controller = Controller::with_brokers(1, 1);
    let before = controller.image.broker(NodeId(1)).unwrap().clone();
    let amended = RegisterBroker { rack: Some("r".to_owned()), has_session: true, ..registration(1, 1) };
    assert_eq!(controller.decide(&amended), Ok(before.epoch));
    let after = controller.image.broker(NodeId(1)).unwrap();
    assert_eq!((after.rack.as_deref(), after.fenced), (Some("r"), false));
}

#[test]
fn an_id_in_use_bad_directories_and_missing_features_are_refused() {
    let mut controller = Controller::with_brokers(1, 2);
    let decide = |controller: &mut Controller, request: RegisterBroker| reason(controller.decide(&request));
    let in_use = RegisterBroker { has_session: true, ..registration(1, 2) };
    assert_eq!(decide(&mut controller, in_use), Reason::DuplicateBrokerRegistration);
    for log_dirs in [vec![], vec![DirectoryId::LOST], vec![directory(3, 0); 2], vec![directory(1, 0)]] {
        assert_eq!(decide(&mut controller, RegisterBroker { log_dirs, ..registration(3, 1) }), Reason::InvalidRegistration);
    }
    let featureless = RegisterBroker { features: Vec::new(), ..registration(3, 1) };
    assert_eq!(decide(&mut controller, featureless), Reason::InvalidRegistration);
    let mut old = registration(3, 1);
    (old.features[0].min_supported_version, old.features[0].max_supported_version) = (1, 29);
    assert_eq!(decide(&mut controller, old), Reason::UnsupportedVersion);
}

#[test]
fn a_fenced_leader_hands_over_within_the_isr() {
    let mut controller = Controller::with_brokers(1, 3);
    controller.create(new_topic("t", 1, 3)).unwrap();
    let replicas = partition(&controller, "t").replicas.clone();
    controller.fence(replicas[0].0);
    let now = partition(&controller, "t");
    assert_eq!((now.leader, now.leader_epoch, now.isr.as_slice()), (Some(replicas[1]), LeaderEpoch(1), &replicas[1..]));
    controller.fence(replicas[2].0);
    let now = partition(&controller, "t");
    assert_eq!((now.leader_epoch, now.isr.as_slice()), (LeaderEpoch(1), &replicas[1..2]), "a follower that leaves bumps nothing");
    controller.fence(replicas[1].0);
    controller.unfence(replicas[0].0);
    assert_eq!(partition(&controller, "t").leader, None, "only who was in step may lead");
    controller.unfence(replicas[1].0);
    assert_eq!(partition(&controller, "t").leader, Some(replicas[1]));
}

#[test]
fn a_broker_that_wants_to_shut_down_moves_its_leaderships_first() {
    let mut controller = Controller::with_brokers(1, 2);
    controller.create(new_topic("t", 1, 2)).unwrap();
    let leader = partition(&controller, "t").leader.unwrap();
    let leave = |controller: &Controller| BrokerHeartbeat { want_shut_down: true, ..controller.heartbeat(leader.0) };
    let reply = controller.decide(&leave(&controller)).unwrap();
    assert!(!reply.should_shut_down && !reply.is_fenced);
    assert_ne!(partition(&controller, "t").leader, Some(leader));
    assert!(!controller.decide(&leave(&controller)).unwrap().should_shut_down, "the others have not seen it yet");
    let drained = BrokerHeartbeat { is_drained: true, ..leave(&controller) };
    assert!(controller.decide(&drained).unwrap().should_shut_down);
    assert!(controller.image.broker(leader).unwrap().fenced);
    let other = BrokerHeartbeat { want_fence: true, ..controller.heartbeat(3 - leader.0) };
    assert!(controller.decide(&other).unwrap().is_fenced);
}

#[test]
fn cordoned_directories_are_recorded_when_they_change_in_whatever_order_they_are_told() {
    let mut controller = Controller::new(1);
    let log_dirs = vec![directory(1, 0), directory(1, 1), directory(1, 2)];
    controller.decide(&RegisterBroker { log_dirs, ..registration(1, 1) }).unwrap();
    controller.unfence(1);
    let mut ends = Vec::new();
    for cordoned in [[1, 0], [0, 1], [0, 2]] {
        let cordoned_log_dirs = Some(cordoned.map(|number| directory(1, number)).to_vec());
        controller.decide(&BrokerHeartbeat { cordoned_log_dirs, ..controller.heartbeat(1) }).unwrap();
        ends.push(controller.image.end());
    }
    assert_eq!(ends, [ends[0], ends[0], ends[0].next()]);
    assert_eq!(controller.image.broker(NodeId(1)).unwrap().open_log_dirs().collect::<Vec<_>>(), [directory(1, 1)]);
}

#[test]
fn a_stale_epoch_is_fenced_off() {
    let mut controller = Controller::with_brokers(1, 1);
    let stale = controller.heartbeat(1);
    controller.decide(&registration(1, 2)).unwrap();
    assert_eq!(reason(controller.decide(&stale)), Reason::StaleBrokerEpoch);
    let (broker_id, broker_epoch) = (stale.broker_id, stale.broker_epoch);
    assert_eq!(reason(controller.decide(&AllocateProducerIds { broker_id, broker_epoch })), Reason::StaleBrokerEpoch);
    assert_eq!(reason(controller.decide(&FenceBroker { broker_id, broker_epoch })), Reason::StaleBrokerEpoch);
    assert_eq!(reason(controller.decide(&controller.heartbeat(9))), Reason::BrokerIdNotRegistered);
    assert_eq!(reason(controller.decide(&UnregisterBroker { broker_id: NodeId(9) })), Reason::BrokerIdNotRegistered);
}

#[test]
fn an_unregistered_broker_is_gone_from_image_and_isr() {
    let mut controller = Controller::with_brokers(1, 2);
    controller.create(new_topic("t", 1, 2)).unwrap();
    controller.decide(&UnregisterBroker { broker_id: NodeId(1) }).unwrap();
    assert!(controller.image.broker(NodeId(1)).is_none());
    let now = partition(&controller, "t");
    assert_eq!((now.leader, now.isr.as_slice()), (Some(NodeId(2)), [NodeId(2)].as_slice()));
}

#[test]
fn producer_id_blocks_never_overlap() {
    let mut controller = Controller::with_brokers(1, 1);
    let broker_epoch = controller.image.broker(NodeId(1)).unwrap().epoch;
    let ask = AllocateProducerIds { broker_id: NodeId(1), broker_epoch };
    assert_eq!(controller.decide(&ask), Ok(ProducerIdBlock { first: ProducerId(0), length: 1000 }));
    assert_eq!(controller.decide(&ask), Ok(ProducerIdBlock { first: ProducerId(1000), length: 1000 }));
}

#[test]
fn topics_are_deleted_by_name_or_by_id() {
    let mut controller = Controller::with_brokers(1, 1);
    let mut create = |name: &str| controller.create(new_topic(name, 1, 1)).unwrap().id;
    let [a, b, c, _, e] = ["a", "b", "c", "d", "e"].map(&mut create);
    let name = |name: &str| TopicSelector::Name(TopicName::new(name));
    let unknown = TopicId(uuid::Uuid::from_u128(5));
    let [by_id, no_id, c_id, e_id] = [b, unknown, c, e].map(TopicSelector::Id);
    let topics = vec![name("a"), by_id, name("none"), no_id, name("c"), c_id, name("d"), name("d"), e_id.clone(), e_id];
    let results = controller.decide(&DeleteTopics { topics }).unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|topic| {
            (
                topic.name.as_ref().map(TopicName::as_str),
                topic.topic_id,
                topic.result.as_ref().err().map(|refusal| refusal.reason),
            )
        })
        .collect();
    // What Apache Kafka 4.3.0 answers to the same request.
    let expected = [
        (Some("a"), Some(a), None),
        (Some("b"), Some(b), None),
        (Some("none"), None, Some(Reason::UnknownTopicOrPartition)),
        (None, Some(unknown), Some(Reason::UnknownTopicId)),
        (Some("c"), Some(c), Some(Reason::InvalidRequest)),
        (Some("d"), None, Some(Reason::InvalidRequest)),
        (None, Some(e), Some(Reason::InvalidRequest)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(controller.image.topics().iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["c", "d", "e"]);
}

#[derive(Clone, Debug)]
enum Step {
    Register { broker: i32, run: u128 },
    Heartbeat { broker: i32, want_fence: bool, want_shut_down: bool, is_drained: bool },
    Fence(i32),
    Unregister(i32),
    Create { name: String, partitions: i32, factor: i16 },
    Delete(String),
    Allocate(i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let broker = || 1..5_i32;
    let name = || prop::sample::select(vec!["a", "b", "a.b", "a_b", "!"]).prop_map(str::to_owned);
    let step = prop_oneof![
        2 => (broker(), 1..4_u128).prop_map(|(broker, run)| Step::Register { broker, run }),
        4 => (broker(), prop::bool::weighted(0.1), prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(broker, want_fence, want_shut_down, is_drained)| Step::Heartbeat { broker, want_fence, want_shut_down, is_drained }),
        1 => broker().prop_map(Step::Fence),
        1 => broker().prop_map(Step::Unregister),
        3 => (name(), -1..6_i32, -1..4_i16).prop_map(|(name, partitions, factor)| Step::Create { name, partitions, factor }),
        1 => name().prop_map(Step::Delete),
        1 => broker().prop_map(Step::Allocate),
    ];
    prop::collection::vec(step, 1..60)
}

/// Carries out a step; refusals are part of the game, a record that does not fold is not.
fn carry_out(controller: &mut Controller, step: Step) {
    match step {
        Step::Register { broker, run } => drop(controller.decide(&registration(broker, run))),
        Step::Heartbeat { broker, want_fence, want_shut_down, is_drained } => {
            let heartbeat = BrokerHeartbeat { want_fence, want_shut_down, is_drained, ..controller.heartbeat(broker) };
            drop(controller.decide(&heartbeat));
        }
        Step::Fence(broker) => {
            if controller.image.broker(NodeId(broker)).is_some() {
                controller.fence(broker);
            }
        }
        Step::Unregister(broker) => drop(controller.decide(&UnregisterBroker { broker_id: NodeId(broker) })),
        Step::Create { name, partitions, factor } => drop(controller.create(new_topic(&name, partitions, factor))),
        Step::Delete(name) => {
            drop(controller.decide(&DeleteTopics { topics: vec![TopicSelector::Name(TopicName::new(&name))] }));
        }
        Step::Allocate(broker) => {
            let heartbeat = controller.heartbeat(broker);
            drop(
                controller.decide(&AllocateProducerIds { broker_id: heartbeat.broker_id, broker_epoch: heartbeat.broker_epoch }),
            );
        }
    }
}

/// What holds of every partition in every state.
fn check(partition: &PartitionImage, image: &MetadataImage) {
    let replicas: BTreeSet<_> = partition.replicas.iter().collect();
    assert_eq!(replicas.len(), partition.replicas.len());
    assert!(!partition.isr.is_empty(), "the last member never leaves the ISR");
    assert!(partition.isr.iter().all(|member| replicas.contains(member)));
    let active = |node: &NodeId| image.broker(*node).is_some_and(|broker| broker.is_active());
    match &partition.leader {
        Some(leader) => assert!(partition.isr.contains(leader) && active(leader), "only an active member of the ISR leads"),
        None => assert!(!partition.isr.iter().any(active), "whoever can lead does"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_decision_folds_and_partitions_stay_sound(seed in any::<u64>(), steps in steps()) {
        let mut controller = Controller::new(seed);
        for step in steps {
            let before = controller.image.clone();
            carry_out(&mut controller, step);
            for (place, after) in controller.image.topics().iter().flat_map(|topic| {
                topic.partitions.iter().map(|(index, partition)| ((topic.id, *index), partition))
            }) {
                check(after, &controller.image);
                if let Some(earlier) = before.topics().by_id(place.0).and_then(|topic| topic.partition(place.1)) {
                    prop_assert!(after.leader_epoch >= earlier.leader_epoch && after.partition_epoch >= earlier.partition_epoch);
                    prop_assert!(after.leader == earlier.leader || after.leader_epoch > earlier.leader_epoch);
                }
            }
        }
    }
}
