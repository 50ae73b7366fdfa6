//! OffsetFetch.

use super::*;

fn asked(topic: &str, id: Option<u128>, partitions: &[i32]) -> AskedTopic {
    AskedTopic {
        topic: TopicName::new(topic),
        topic_id: id.map(topic_id),
        partitions: partitions.iter().copied().map(PartitionIndex).collect(),
    }
}

/// What is told of the topics asked for, -1 for nothing.
fn fetch(bench: &mut Bench, group: &str, topics: Vec<AskedTopic>) -> Vec<(String, Vec<(i32, i64)>)> {
    let (member, partitions) = (Some(MemberId::new("whoever")), Some(topics));
    let request = FetchOffsets { group: group_id(group), member, member_epoch: 99, partitions, require_stable: true };
    let topics = bench.decide(|groups, _| groups.fetch_offsets(&request)).unwrap();
    let told = topics.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(partition, fetched)| match fetched {
            FetchedOffset::Committed(offset) => (partition.0, offset.offset.0),
            FetchedOffset::Nothing => (partition.0, -1),
            FetchedOffset::Unstable => panic!("there are no transactions"),
        });
        (topic.to_string(), partitions.collect())
    });
    told.collect()
}

#[test]
fn what_was_never_committed_is_told_as_nothing_in_the_order_asked() {
    // Trap 27.
    let mut bench = bench();
    commit(&mut bench, &simple("g", vec![new_offset("t", 1, 7), new_offset("s", 0, 8)])).unwrap();
    let topics = vec![asked("t", None, &[2, 1, 1]), asked("never", None, &[0]), asked("s", None, &[0])];
    let told = fetch(&mut bench, "g", topics.clone());
    assert_eq!(told, [("t".into(), vec![(2, -1), (1, 7), (1, 7)]), ("never".into(), vec![(0, -1)]), ("s".into(), vec![(0, 8)])]);
    let told = fetch(&mut bench, "missing", topics);
    assert_eq!(
        told,
        [("t".into(), vec![(2, -1), (1, -1), (1, -1)]), ("never".into(), vec![(0, -1)]), ("s".into(), vec![(0, -1)])]
    );
    assert_eq!(fetch(&mut bench, "g", Vec::new()), [], "asked for none");
    assert_eq!(state(&mut bench, "missing"), None);
}

#[test]
fn all_of_a_group_come_by_name_and_number_and_none_of_another() {
    // Trap 27.
    let mut bench = bench();
    for group in ["f", "g", "ga"] {
        let offsets = [("t", 10), ("t", 2), ("sa", 0), ("s", -1)];
        let offsets = offsets.map(|(topic, partition)| new_offset(topic, partition, i64::from(partition)));
        commit(&mut bench, &simple(group, offsets.to_vec())).unwrap();
    }
    let all = [("s".into(), -1, -1), ("sa".into(), 0, 0), ("t".into(), 2, 2), ("t".into(), 10, 10)];
    assert_eq!(numbers(&mut bench, "g"), all);
    assert_eq!(numbers(&mut bench, "missing"), []);
    assert_eq!(fetch_all(&mut bench, "g").len(), 3, "one entry a topic");
}

#[test]
fn by_id_an_offset_of_another_life_of_the_topic_is_not_told() {
    // As Apache Kafka 4.3.0 did with such records in its __consumer_offsets: by name, and among all, it is told.
    let mut bench = bench();
    let of_life = |partition, id: Option<u128>| NewOffset { topic_id: id.map(topic_id), ..new_offset("t", partition, 5) };
    commit(&mut bench, &simple("g", vec![of_life(0, Some(1)), of_life(1, Some(2)), of_life(2, None)])).unwrap();
    let by = |id| vec![asked("t", id, &[0, 1, 2])];
    assert_eq!(fetch(&mut bench, "g", by(Some(2))), [("t".into(), vec![(0, -1), (1, 5), (2, 5)])]);
    assert_eq!(fetch(&mut bench, "g", by(None)), [("t".into(), vec![(0, 5), (1, 5), (2, 5)])]);
    assert_eq!(numbers(&mut bench, "g").len(), 3);
}
