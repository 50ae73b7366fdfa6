#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::controller::CreateTopics;
use crate::controller::test_support::{Controller, new_topic, registration};
use crate::controller::{NewTopic, ReplicaAssignment};

/// Partition 0 on brokers 1 and 2, partition 1 on 2 and 1, partition 2 on 3 alone.
fn cluster() -> Controller {
    let mut controller = Controller::with_brokers(1, 3);
    let assignments = [&[1, 2][..], &[2, 1], &[3, 1]].into_iter().zip(0..).map(|(replicas, partition)| ReplicaAssignment {
        partition: PartitionIndex(partition),
        replicas: replicas.iter().copied().map(NodeId).collect(),
    });
    let topic =
        NewTopic { partitions: None, replication_factor: None, assignments: assignments.collect(), ..new_topic("t", 0, 0) };
    controller.decide(&CreateTopics { topics: vec![topic], validate_only: false }).unwrap();
    controller
}

fn leader(controller: &Controller, partition: i32) -> Option<i32> {
    let topic = controller.image.topics().by_name("t").unwrap();
    topic.partition(PartitionIndex(partition)).unwrap().leader.map(|leader| leader.0)
}

fn restart(controller: &mut Controller, broker: i32, run: u128) {
    controller.decide(&registration(broker, run)).unwrap();
    controller.unfence(broker);
}

/// Puts a broker back into the ISRs that it left, as a replica that caught up.
fn catch_up(controller: &mut Controller) {
    let topic = controller.image.topics().by_name("t").unwrap().clone();
    let changes = topic.partitions.iter().map(|(index, partition)| {
        let isr = Some(partition.replicas.clone());
        MetadataRecord::from(PartitionChange { isr, ..PartitionChange::nothing(topic.id, *index) })
    });
    let changes: Vec<_> = changes.collect();
    controller.image.apply_batch(&changes, controller.image.end()).unwrap();
}

fn asked(controller: &mut Controller, election: ElectionType, partitions: &[(&str, &[i32])]) -> Vec<Result<(), Reason>> {
    let named = partitions
        .iter()
        .map(|(topic, indexes)| (TopicName::new(topic), indexes.iter().copied().map(PartitionIndex).collect::<Vec<_>>()));
    let reply = controller.decide(&ElectLeaders { election, partitions: Some(named.collect()) }).unwrap();
    reply.into_iter().flat_map(|(_, results)| results).map(|(_, result)| result.map_err(|refusal| refusal.reason)).collect()
}

fn all(controller: &mut Controller, election: ElectionType) -> Vec<(i32, Result<(), Reason>)> {
    let reply = controller.decide(&ElectLeaders { election, partitions: None }).unwrap();
    assert_eq!(reply.len(), controller.image.topics().len(), "every topic is named");
    let results = reply.into_iter().flat_map(|(_, results)| results);
    results.map(|(index, result)| (index.0, result.map_err(|refusal| refusal.reason))).collect()
}

/// Trap 46.
#[test]
fn trap_46_all_partitions_leave_out_what_needs_no_election_and_named_ones_tell_it() {
    let mut controller = cluster();
    for election in [ElectionType::Preferred, ElectionType::Unclean] {
        assert_eq!(all(&mut controller, election), []);
        assert_eq!(asked(&mut controller, election, &[("t", &[0, 1])]), [Err(Reason::ElectionNotNeeded); 2]);
    }
}

#[test]
fn the_preferred_replica_leads_again_once_it_is_there_and_in_sync() {
    let mut controller = cluster();
    controller.fence(1);
    assert_eq!(leader(&controller, 0), Some(2));
    let not_there = Err(Reason::PreferredLeaderNotAvailable);
    assert_eq!(asked(&mut controller, ElectionType::Preferred, &[("t", &[0, 1])]), [not_there, Err(Reason::ElectionNotNeeded)]);
    assert_eq!(all(&mut controller, ElectionType::Preferred), [(0, not_there)]);
    restart(&mut controller, 1, 2);
    assert_eq!(asked(&mut controller, ElectionType::Preferred, &[("t", &[0])]), [not_there], "there, but not in sync");
    catch_up(&mut controller);
    let epoch = |controller: &Controller| {
        let topic = controller.image.topics().by_name("t").unwrap();
        topic.partition(PartitionIndex(0)).unwrap().leader_epoch.0
    };
    let before = epoch(&controller);
    // Named twice, elected once.
    let again = asked(&mut controller, ElectionType::Preferred, &[("t", &[0, 0]), ("t", &[0])]);
    assert_eq!(again, [Ok(()), Err(Reason::ElectionNotNeeded), Err(Reason::ElectionNotNeeded)]);
    assert_eq!((leader(&controller, 0), epoch(&controller)), (Some(1), before + 1));
}

#[test]
fn where_nobody_leads_nobody_out_of_sync_is_made_to() {
    let mut controller = cluster();
    let unfit = Err(Reason::EligibleLeadersNotAvailable);
    controller.fence(1);
    controller.fence(3);
    // Broker 1 is in the ISR no more, 3 is the last member of it.
    restart(&mut controller, 1, 2);
    assert_eq!(leader(&controller, 2), None);
    assert_eq!(asked(&mut controller, ElectionType::Unclean, &[("t", &[2])]), [unfit]);
    assert_eq!(asked(&mut controller, ElectionType::Preferred, &[("t", &[2])]), [Err(Reason::PreferredLeaderNotAvailable)]);
    assert_eq!(all(&mut controller, ElectionType::Unclean), [(2, unfit)]);
    assert_eq!(leader(&controller, 2), None);
}

#[test]
fn what_is_not_there_is_told_for_each() {
    let mut controller = cluster();
    let before = controller.image.hash();
    let unknown = Err(Reason::UnknownTopicOrPartition);
    let odd: &[(&str, &[i32])] = &[("missing", &[0, 1]), ("t", &[3, -1, i32::MAX]), ("", &[0]), ("t", &[])];
    assert_eq!(asked(&mut controller, ElectionType::Preferred, odd), [unknown; 6]);
    let many: Vec<i32> = (3..100_003).collect();
    assert_eq!(asked(&mut controller, ElectionType::Unclean, &[("t", &many)]), vec![unknown; 100_000]);
    assert_eq!(controller.image.hash(), before);
}
