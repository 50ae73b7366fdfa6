//! OffsetDelete, deleted groups, deleted topics.

use super::*;

fn forget(bench: &mut Bench, topic: &str, life: u128) {
    let topics = [(TopicName::new(topic), topic_id(life))];
    bench.decide(|groups, context| groups.forget_topics(context, &topics));
}

#[test]
fn offsets_are_deleted_once_and_what_is_not_there_is_no_error() {
    let mut bench = bench();
    assert_eq!(delete(&mut bench, "g", &[("t", 0)]), Err(Refusal::GroupIdNotFound));
    commit(&mut bench, &simple("g", vec![new_offset("t", 0, 1), new_offset("t", 1, 2)])).unwrap();
    assert_eq!(delete(&mut bench, "g", &[("t", 1), ("t", 9), ("s", 0)]), Ok(vec![None; 3]));
    assert_eq!(written(&bench), 3, "one tombstone");
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 1)]);
    bench.restart();
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 1)]);
}

#[test]
fn offsets_in_topics_that_the_members_read_stay() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, 1), new_offset("s", 0, 2)])).unwrap();
    let subscribed = Some(Refusal::GroupSubscribedToTopic);
    assert_eq!(delete(&mut bench, "g", &[("t", 0), ("s", 0), ("t", 7)]), Ok(vec![subscribed, None, subscribed]));
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 1)]);
    leave(&mut bench, "g", &member);
    assert_eq!(delete(&mut bench, "g", &[("t", 0)]), Ok(vec![None]));
    assert_eq!(numbers(&mut bench, "g"), []);
}

#[test]
fn of_members_that_are_no_consumers_nobody_knows_what_they_read() {
    let mut bench = bench();
    let member = join(&mut bench, "g", "connect", Bytes::from_static(b"?"));
    assert_eq!(delete(&mut bench, "g", &[("t", 0)]), Err(Refusal::NonEmptyGroup), "while it rebalances");
    sync(&mut bench, "g", &member);
    assert_eq!(delete(&mut bench, "g", &[("t", 0)]), Err(Refusal::NonEmptyGroup));
    leave(&mut bench, "g", &member);
    assert_eq!(delete(&mut bench, "g", &[("t", 0)]), Ok(vec![None]));
}

#[test]
fn tombstones_that_do_not_fit_into_one_batch_are_refused_whole() {
    let mut bench = bench();
    let offsets = (0..100).map(|partition| new_offset("t", partition, 1)).collect();
    commit(&mut bench, &simple("g", offsets)).unwrap();
    *lock(&bench.journal.max_batch_bytes) = 1_000;
    let all: Vec<_> = (0..100).map(|partition| ("t", partition)).collect();
    assert_eq!(delete(&mut bench, "g", &all), Err(Refusal::GroupTooLarge));
    let deleted = bench.decide(|groups, context| groups.delete_group(context, &group_id("g")));
    assert_eq!((deleted, written(&bench)), (Err(Refusal::GroupTooLarge), 100));
    for part in all.chunks(10) {
        assert_eq!(delete(&mut bench, "g", part), Ok(vec![None; 10]));
    }
    assert_eq!(bench.decide(|groups, context| groups.delete_group(context, &group_id("g"))), Ok(()));
}

#[test]
fn a_deleted_group_takes_its_offsets_along() {
    let mut bench = bench();
    for group in ["f", "g", "h"] {
        commit(&mut bench, &simple(group, vec![new_offset("t", 0, 1), new_offset("s", 1, 1)])).unwrap();
    }
    assert_eq!(bench.decide(|groups, context| groups.delete_group(context, &group_id("g"))), Ok(()));
    for _ in 0..2 {
        assert_eq!((state(&mut bench, "g"), numbers(&mut bench, "g")), (None, Vec::new()));
        assert_eq!((numbers(&mut bench, "f").len(), numbers(&mut bench, "h").len()), (2, 2));
        bench.restart();
    }
    commit(&mut bench, &simple("g", vec![new_offset("r", 0, 1)])).unwrap();
    assert_eq!(numbers(&mut bench, "g"), [("r".into(), 0, 1)], "its next life begins anew");
}

#[test]
fn a_deleted_topic_takes_the_offsets_of_its_own_life_along() {
    // As Apache Kafka 4.3.0 did with such records in its __consumer_offsets.
    let mut bench = bench();
    let of_life = |partition, id: Option<u128>| NewOffset { topic_id: id.map(topic_id), ..new_offset("t", partition, 5) };
    for group in ["g", "h"] {
        let offsets = vec![of_life(0, Some(1)), of_life(1, Some(2)), of_life(2, None), new_offset("s", 0, 6)];
        commit(&mut bench, &simple(group, offsets)).unwrap();
    }
    let member = consume(&mut bench, "live", &["t"]);
    commit(&mut bench, &by_member("live", &member, vec![of_life(0, Some(1))])).unwrap();
    forget(&mut bench, "t", 1);
    for _ in 0..2 {
        for group in ["g", "h"] {
            assert_eq!(numbers(&mut bench, group), [("s".into(), 0, 6), ("t".into(), 1, 5)]);
        }
        assert_eq!(numbers(&mut bench, "live"), [], "members or not");
        bench.restart();
    }
}

#[test]
fn a_deleted_topics_offsets_go_batch_by_batch_and_commits_in_its_next_life_stay() {
    let mut bench = bench();
    for group in 0..20 {
        let offsets = (0..50).map(|partition| new_offset("t", partition, 1)).collect();
        commit(&mut bench, &simple(&format!("g{group}"), offsets)).unwrap();
    }
    *lock(&bench.journal.max_batch_bytes) = 2_000;
    forget(&mut bench, "t", 1);
    assert!((1_010..1_100).contains(&written(&bench)), "one batch of tombstones: {}", written(&bench) - 1_000);
    assert_eq!(bench.shard.read(GroupCoordinator::next_deadline).unwrap().reply, Some(Now::default()), "more at once");
    let again = NewOffset { topic_id: Some(topic_id(2)), ..new_offset("t", 3, 1) };
    commit(&mut bench, &simple("g19", vec![again])).unwrap();
    forget(&mut bench, "s", 1);
    bench.pass(Duration::ZERO);
    let left: usize = (0..19).map(|group| numbers(&mut bench, &format!("g{group}")).len()).sum();
    assert_eq!((left, numbers(&mut bench, "g19")), (0, vec![("t".into(), 3, 1)]));
    assert_eq!(written(&bench), 1_000 + 1 + 999, "each once");
    assert!(bench.shard.read(GroupCoordinator::next_deadline).unwrap().reply > Some(bench.now), "nothing is due any more");
}

#[test]
fn where_not_even_one_tombstone_fits_nothing_is_tried_for_ever() {
    let mut bench = bench();
    commit(&mut bench, &simple("g", vec![new_offset("t", 0, 1)])).unwrap();
    *lock(&bench.journal.max_batch_bytes) = 70;
    forget(&mut bench, "t", 1);
    assert!(bench.shard.read(GroupCoordinator::next_deadline).unwrap().reply > Some(bench.now));
    bench.pass(8 * DAY);
    assert_eq!(numbers(&mut bench, "g").len(), 1);
}

#[test]
fn offsets_that_a_groups_tombstone_left_behind_are_not_told() {
    // As Apache Kafka 4.3.0 did with such records in its __consumer_offsets: the group does not exist, so it has none.
    let mut bench = bench();
    commit(&mut bench, &simple("g", vec![new_offset("t", 0, 1)])).unwrap();
    let tombstone = GroupRecord::Group { group: group_id("g"), value: None };
    let encoded = bench.shard.read(|groups| groups.encode(&tombstone)).unwrap().reply;
    lock(&bench.journal.records).push(encoded);
    bench.restart();
    assert_eq!((state(&mut bench, "g"), fetch_all(&mut bench, "g")), (None, Vec::new()));
    let asked = AskedTopic { topic: TopicName::new("t"), topic_id: None, partitions: vec![PartitionIndex(0)] };
    let request = FetchOffsets {
        group: group_id("g"),
        member: None,
        member_epoch: -1,
        partitions: Some(vec![asked]),
        require_stable: false,
    };
    let told = bench.decide(|groups, _| groups.fetch_offsets(&request)).unwrap();
    assert_eq!(told[0].1, [(PartitionIndex(0), FetchedOffset::Nothing)]);
}

#[test]
fn tombstones_of_what_is_not_there_change_nothing() {
    // G5: compaction may leave them.
    let mut coordinator = GroupCoordinator::new(Arc::new(config()));
    let (group, topic) = (group_id("g"), TopicName::new("t"));
    let tombstones = [
        GroupRecord::Offset { group: group.clone(), topic, partition: PartitionIndex(0), value: None },
        GroupRecord::Group { group, value: None },
    ];
    for record in tombstones {
        coordinator.apply(record, Offset(0), crate::coordinator::Origin::Replay { now: Now::default() });
    }
    assert_eq!(coordinator.durable_records(), []);
}
