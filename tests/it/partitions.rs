//! Partitions that are added, described a page at a time, emptied from their beginning; and who wrote to them.

use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponse;

use crate::support::records::ProducerState;
use crate::world::requests::{
    CREATE_TOPICS, EARLIEST, LATEST, METADATA, Topic, batch_of, create_partitions, create_topics, delete_records,
    describe_producers, describe_topics, metadata_of, records_of,
};
use crate::world::{Client, Setup, soon};

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const REQUEST_TIMED_OUT: i16 = 7;
const INVALID_TOPIC_EXCEPTION: i16 = 17;
const INVALID_PARTITIONS: i16 = 37;
const INVALID_REQUEST: i16 = 42;
const POLICY_VIOLATION: i16 = 44;
const KAFKA_STORAGE_ERROR: i16 = 56;

#[tokio::test]
async fn trap_44_partitions_are_added_in_every_version_and_never_taken_away() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    for (version, count) in (0..=3).zip(2..) {
        let added = client.call(version, &create_partitions("t", count)).await;
        assert_eq!(added.results[0].error_code, 0, "version {version}");
        // They are there with the answer.
        assert_eq!(client.produce(&topic, count - 1, &["a"]).await.error_code, 0);
    }
    for (name, count, code) in [
        ("t", 5, INVALID_PARTITIONS),
        ("t", 4, INVALID_PARTITIONS),
        ("t", i32::MIN, INVALID_PARTITIONS),
        ("u", 2, UNKNOWN_TOPIC_OR_PARTITION),
    ] {
        assert_eq!(client.call(3, &create_partitions(name, count)).await.results[0].error_code, code, "{name} {count}");
    }
    let mut twice = create_partitions("t", 9);
    twice.topics.push(twice.topics[0].clone());
    let refused = client.call(3, &twice).await.results;
    assert_eq!((refused.len(), refused[0].error_code), (1, INVALID_REQUEST));
    client.call(3, &create_partitions("t", 9).with_validate_only(true)).await;
    // Who does not wait gets nothing made, and is told so for every topic that is named.
    let mut hasty = create_partitions("t", 9).with_timeout_ms(0);
    hasty.topics.extend([create_partitions("u", 9).topics[0].clone(), create_partitions("u", 9).topics[0].clone()]);
    let codes: Vec<i16> = client.call(3, &hasty).await.results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [REQUEST_TIMED_OUT; 3]);
    assert_eq!(client.call(METADATA, &metadata_of(&["t"])).await.topics[0].partitions.len(), 5);
    running.stop().await.unwrap();
}

/// Low watermarks and codes of partition 0 and on.
async fn delete(client: &mut Client, name: &str, parts: &[(i32, i64)]) -> Vec<(i64, i16)> {
    let answer = client.call(2, &delete_records(name, parts)).await;
    answer.topics[0].partitions.iter().map(|partition| (partition.low_watermark, partition.error_code)).collect()
}

#[tokio::test]
async fn trap_44_records_are_deleted_up_to_an_offset_or_to_the_high_watermark() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    for partition in [0, 1] {
        client.produce(&topic, partition, &["a", "b", "c"]).await;
    }
    for version in 0..=2 {
        let answer = client.call(version, &delete_records("t", &[(0, 1)])).await;
        assert_eq!(answer.topics[0].partitions[0].low_watermark, 1, "version {version}");
    }
    assert_eq!(delete(&mut client, "t", &[(0, 0), (1, 2)]).await, [(1, 0), (2, 0)], "it never goes back");
    let refused = (-1, OFFSET_OUT_OF_RANGE);
    assert_eq!(
        delete(&mut client, "t", &[(0, 4), (1, i64::MAX), (7, 0)]).await,
        [refused, refused, (-1, UNKNOWN_TOPIC_OR_PARTITION)]
    );
    assert_eq!(delete(&mut client, "t", &[(0, -2), (1, i64::MIN)]).await, [refused, refused]);
    assert_eq!(client.offset(&topic, 0, EARLIEST).await, 1);
    assert_eq!(client.fetch(&topic, 0, 0).await.error_code, OFFSET_OUT_OF_RANGE);
    let left = client.fetch(&topic, 1, 2).await;
    assert_eq!((left.log_start_offset, left.error_code), (2, 0));
    assert_eq!(records_of(&left).len(), 3, "the batch that holds offset 2 comes whole: consumers step over what lies before");
    assert_eq!(delete(&mut client, "t", &[(0, -1), (0, 2)]).await, [(2, 0)], "named twice, done once as said last");
    assert_eq!(delete(&mut client, "t", &[(0, -1)]).await, [(3, 0)]);
    assert_eq!((client.offset(&topic, 0, EARLIEST).await, client.offset(&topic, 0, LATEST).await), (3, 3));
    assert_eq!(client.produce(&topic, 0, &["d"]).await.base_offset, 3);
    running.stop().await.unwrap();
}

/// Trap 58: kafka-delete-records ends with 0 all the same, so each partition has to say what became of it.
#[tokio::test]
async fn trap_58_what_one_partition_refuses_costs_the_others_nothing() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 3, &[]).await;
    for partition in 0..3 {
        client.produce(&topic, partition, &["a", "b"]).await;
    }
    let (above, unknown) = ((-1, OFFSET_OUT_OF_RANGE), (-1, UNKNOWN_TOPIC_OR_PARTITION));
    let mixed = delete(&mut client, "t", &[(0, 3), (1, 1), (9, 0), (2, -1)]).await;
    assert_eq!(mixed, [above, (1, 0), unknown, (2, 0)]);
    let mut starts = Vec::new();
    for partition in 0..3 {
        starts.push(client.offset(&topic, partition, EARLIEST).await);
    }
    assert_eq!(starts, [0, 1, 2]);
    // As long a list as fits a request: one that is named again is done once.
    let many: Vec<(i32, i64)> = (0..150_000).map(|number| (number % 50_000, i64::from(number))).collect();
    let answered = delete(&mut client, "t", &many).await;
    assert_eq!((answered.len(), &answered[..4]), (50_000, &[above, above, above, unknown][..]));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn records_of_internal_and_of_compacted_topics_are_not_deleted() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let compacted = client.create("compacted", 1, &[("cleanup.policy", "compact")]).await;
    let both = client.create("both", 1, &[("cleanup.policy", "compact,delete")]).await;
    let none = client.create("none", 1, &[("cleanup.policy", "")]).await;
    client.call(CREATE_TOPICS, &create_topics("__consumer_offsets", 1, &[])).await;
    assert_eq!(delete(&mut client, &compacted.name, &[(0, 0)]).await, [(-1, POLICY_VIOLATION)]);
    assert_eq!(delete(&mut client, &both.name, &[(0, 0)]).await, [(0, 0)]);
    assert_eq!(delete(&mut client, &none.name, &[(0, -1)]).await, [(0, 0)]);
    assert_eq!(delete(&mut client, "__consumer_offsets", &[(0, 0)]).await, [(-1, INVALID_TOPIC_EXCEPTION)]);
    assert_eq!(delete(&mut client, "nobody", &[(0, 0)]).await, [(-1, UNKNOWN_TOPIC_OR_PARTITION)]);
    running.stop().await.unwrap();
}

/// With the answer the deletion is durable, and nothing else is gone.
#[tokio::test]
async fn what_was_deleted_stays_so_after_a_power_cut() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    for value in ["a", "b", "c"] {
        client.produce(&topic, 0, &[value]).await;
    }
    assert_eq!(delete(&mut client, "t", &[(0, 2)]).await, [(2, 0)]);
    running.crash();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!(client.offset(&topic, 0, EARLIEST).await, 2);
    assert_eq!(records_of(&client.fetch(&topic, 0, 2).await), [(2, "c".to_owned())]);
    // To the very end, and again.
    assert_eq!(delete(&mut client, "t", &[(0, -1)]).await, [(3, 0)]);
    running.crash();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!((client.offset(&topic, 0, EARLIEST).await, client.offset(&topic, 0, LATEST).await), (3, 3));
    assert_eq!(client.produce(&topic, 0, &["d"]).await.base_offset, 3);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_deletion_that_cannot_be_made_durable_is_not_acknowledged() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    client.produce(&topic, 0, &["a", "b"]).await;
    running.disk.configure(|faults| faults.capacity = Some(0));
    assert_eq!(delete(&mut client, "t", &[(0, 1)]).await, [(-1, KAFKA_STORAGE_ERROR)]);
    running.disk.configure(|faults| faults.capacity = None);
    assert_eq!(delete(&mut client, "t", &[(0, 1)]).await, [(1, 0)], "and may be asked for again");
    running.stop().await.unwrap();
}

/// Topics and partitions of a page.
fn page(answer: &DescribeTopicPartitionsResponse) -> Vec<(String, Vec<i32>)> {
    let topics = answer.topics.iter();
    let indexes = |topic: &kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic| {
        topic.partitions.iter().map(|partition| partition.partition_index).collect()
    };
    topics.map(|topic| (topic.name.as_ref().unwrap().to_string(), indexes(topic))).collect()
}

/// All pages as one list, with the size of each.
async fn walk(client: &mut Client, names: &[&str], limit: i32) -> (Vec<(String, i32)>, Vec<usize>) {
    let (mut seen, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let from = cursor.as_ref().map(|(name, partition): &(String, i32)| (name.as_str(), *partition));
        let answer = soon(client.call(0, &describe_topics(names, limit, from))).await;
        let before = seen.len();
        for (name, partitions) in page(&answer) {
            seen.extend(partitions.into_iter().map(|index| (name.clone(), index)));
        }
        sizes.push(seen.len() - before);
        let Some(next) = answer.next_cursor else { return (seen, sizes) };
        cursor = Some((next.topic_name.to_string(), next.partition_index));
    }
}

#[tokio::test]
async fn trap_53_pages_of_topics_say_what_metadata_says() {
    let running = Setup::new().with("max.request.partition.size.limit", "4").start().await;
    let mut client = running.client().await;
    for (name, partitions) in [("a", 3), ("b", 1), ("c", 5)] {
        client.create(name, partitions, &[]).await;
    }
    let all: Vec<(String, i32)> = [("a", 3), ("b", 1), ("c", 5)]
        .iter()
        .flat_map(|(name, count)| (0..*count).map(|index| ((*name).to_owned(), index)))
        .collect();
    for limit in [1, 2, 3, 4, 2000, 0, -1] {
        let (seen, sizes) = walk(&mut client, &[], limit).await;
        assert_eq!(seen, all, "limit {limit}");
        let most = usize::try_from(limit.clamp(1, 4)).unwrap();
        assert!(sizes.iter().all(|size| *size <= most) && sizes[0] == most, "{sizes:?}");
    }
    assert_eq!(walk(&mut client, &["c", "a"], 2).await.0.len(), 8, "only those that are named");
    let described = client.call(0, &describe_topics(&["a"], 100, None)).await.topics.remove(0);
    let metadata = client.call(METADATA, &metadata_of(&["a"])).await.topics.remove(0);
    assert_eq!((described.topic_id, described.is_internal), (metadata.topic_id, metadata.is_internal));
    for (page, metadata) in described.partitions.iter().zip(&metadata.partitions) {
        assert_eq!((page.leader_id, page.leader_epoch), (metadata.leader_id, metadata.leader_epoch));
        assert_eq!((&page.replica_nodes, &page.isr_nodes), (&metadata.replica_nodes, &metadata.isr_nodes));
        assert_eq!(page.offline_replicas, metadata.offline_replicas);
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_cursor_must_be_one_of_the_topics() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("a", 3, &[]).await;
    let mut codes = async |names: &[&str], cursor| {
        let answer = client.call(0, &describe_topics(names, 100, cursor)).await;
        answer.topics.iter().map(|topic| topic.error_code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&["a", "x"], Some(("b", 0))).await, [INVALID_REQUEST; 2]);
    assert_eq!(codes(&["a"], Some(("a", -1))).await, [INVALID_REQUEST]);
    assert_eq!(codes(&["a", "b c", "x"], None).await, [0, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION]);
    assert_eq!(codes(&["a"], Some(("a", i32::MAX))).await, [0], "behind the last partition");
    assert!(codes(&[], Some(("zzz", 0))).await.is_empty(), "a topic that went meanwhile");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn producers_of_a_partition_are_told_with_their_newest_sequence() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic: Topic = client.create("t", 1, &[]).await;
    let producer_id = client.producer_id().await;
    client.produce(&topic, 0, &["nobody's"]).await;
    for (producer_epoch, first_sequence) in [(0, 0), (0, 2), (1, 0)] {
        let producer = ProducerState { producer_id, producer_epoch, first_sequence };
        assert_eq!(client.produce_batch(&topic, 0, batch_of(producer, &["x", "y"])).await.error_code, 0);
        let answer = client.call(0, &describe_producers("t", &[0, 5])).await;
        let [known, missing] = &answer.topics[0].partitions[..] else { panic!("two partitions") };
        assert_eq!((missing.error_code, missing.active_producers.len()), (UNKNOWN_TOPIC_OR_PARTITION, 0));
        let [active] = &known.active_producers[..] else { panic!("one producer") };
        assert_eq!((active.producer_id.0, active.producer_epoch), (producer_id, i32::from(producer_epoch)));
        assert_eq!((active.last_sequence, active.coordinator_epoch), (first_sequence + 1, -1));
        assert_eq!(active.current_txn_start_offset, -1);
        assert!(active.last_timestamp > 0);
    }
    for (name, code) in [("nobody", UNKNOWN_TOPIC_OR_PARTITION), ("no name", INVALID_TOPIC_EXCEPTION)] {
        assert_eq!(client.call(0, &describe_producers(name, &[0])).await.topics[0].partitions[0].error_code, code);
    }
    running.stop().await.unwrap();
}
