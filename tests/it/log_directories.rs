//! DescribeLogDirs: what the directories hold, each of them, in every version.

use std::io::ErrorKind;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use klamm::disk::{Operation, Reaction};
use klamm::protocol::ApiKey;

use crate::world::requests::{PRODUCE, batch, produce, produced, topic_name};
use crate::world::{Client, Running, Setup, soon};

const KAFKA_STORAGE_ERROR: i16 = 56;

fn named(topics: &[(&str, &[i32])]) -> DescribeLogDirsRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        DescribableLogDirTopic::default().with_topic(topic_name(name)).with_partitions(partitions.to_vec())
    });
    DescribeLogDirsRequest::default().with_topics(Some(topics.collect()))
}

fn all() -> DescribeLogDirsRequest {
    DescribeLogDirsRequest::default().with_topics(None)
}

/// Topic, partition, bytes, in the order of the answer.
fn logs(directory: &DescribeLogDirsResult) -> Vec<(String, i32, i64)> {
    let partitions = directory.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            assert_eq!((partition.offset_lag, partition.is_future_key), (0, false));
            (topic.name.to_string(), partition.partition_index, partition.partition_size)
        })
    });
    partitions.collect()
}

async fn describe(client: &mut Client, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let answer = client.call(4, request).await;
    assert_eq!(answer.error_code, 0);
    answer
}

/// Bytes that the segments of a partition have on the disk.
fn bytes_on_disk(running: &Running, directory: &str) -> i64 {
    let disk: &dyn klamm::seams::Disk = &running.disk;
    let entries = disk.read_directory(directory.as_ref()).unwrap();
    entries.iter().filter(|entry| entry.name.ends_with(".log")).map(|entry| entry.length as i64).sum()
}

#[tokio::test]
async fn each_directory_tells_its_logs_their_sizes_and_its_space() {
    let running = Setup::new().with("log.dirs", "/data,/other").start().await;
    running.disk.configure(|faults| faults.capacity = Some(1 << 40));
    let mut client = running.client().await;
    let topic = client.create("t", 4, &[]).await;
    client.create("empty", 1, &[]).await;
    for partition in 0..3 {
        client.produce(&topic, partition, &["a", "b"]).await;
    }
    let answer = describe(&mut client, &all()).await;
    assert_eq!(answer.results.iter().map(|result| result.log_dir.to_string()).collect::<Vec<_>>(), ["/data", "/other"]);
    let mut told = Vec::new();
    for directory in &answer.results {
        assert_eq!((directory.error_code, directory.total_bytes), (0, 1 << 40));
        assert!(directory.usable_bytes > 0 && directory.usable_bytes < directory.total_bytes);
        for (name, partition, size) in logs(directory) {
            assert_eq!(size, bytes_on_disk(&running, &format!("{}/{name}-{partition}", directory.log_dir)));
            told.push((name, partition, size > 0));
        }
    }
    told.sort();
    let expected = [("empty", 0, false), ("t", 0, true), ("t", 1, true), ("t", 2, true), ("t", 3, false)];
    assert_eq!(told, expected.map(|(name, partition, filled)| (name.to_owned(), partition, filled)));
    running.stop().await.unwrap();
}

/// As Apache Kafka 4.3.0: the directory is told all the same, and no more than is held of what is named.
#[tokio::test]
async fn partitions_that_are_named_are_told_once_and_unknown_ones_not_at_all() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 3, &[]).await;
    client.create("u", 1, &[]).await;
    let odd: &[(&str, &[i32])] =
        &[("t", &[2, 2, 3, -1, i32::MIN, i32::MAX]), ("missing", &[0]), ("u", &[]), ("t", &[2, 0]), ("", &[0]), ("../t", &[0])];
    let answer = describe(&mut client, &named(odd)).await;
    assert_eq!(logs(&answer.results[0]), [("t".to_owned(), 0, 0), ("t".to_owned(), 2, 0)]);
    let answer = describe(&mut client, &named(&[])).await;
    assert_eq!((answer.results.len(), logs(&answer.results[0]).len()), (1, 0));
    // The metadata's own log is not one of them, nor is a topic that is deleted.
    let internal = describe(&mut client, &named(&[("__cluster_metadata", &[0])])).await;
    assert!(logs(&internal.results[0]).is_empty());
    client.call(crate::world::requests::DELETE_TOPICS, &crate::world::requests::delete_by_name("u")).await;
    assert_eq!(logs(&describe(&mut client, &all()).await.results[0]).len(), 3);
    running.stop().await.unwrap();
}

/// The list is as long as a request may be; what is told stays as little as there is.
#[tokio::test]
async fn hundreds_of_thousands_of_names_make_a_small_answer() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    let indexes: Vec<i32> = (0..500_000).collect();
    let answer = describe(&mut client, &named(&[("t", &indexes)])).await;
    assert_eq!(logs(&answer.results[0]), [("t".to_owned(), 0, 0)]);
    let many = vec![("t", [0_i32].as_slice()); 200_000];
    assert_eq!(logs(&describe(&mut client, &named(&many)).await.results[0]), [("t".to_owned(), 0, 0)]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_failed_says_so_and_tells_nothing_else() {
    let running = Setup::new().with("log.dirs", "/data,/other").start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    running.disk.on_call(Box::new(|call| {
        let fails = call.operation == Operation::Sync && call.path.starts_with("/other");
        if fails { Reaction::Fail(ErrorKind::Other) } else { Reaction::Proceed }
    }));
    let mut codes: Vec<i16> = Vec::new();
    for partition in 0..2 {
        let written = produce(PRODUCE, -1, &[(&topic, partition, batch(&["a"]))]);
        codes.push(produced(client.call(PRODUCE, &written).await).error_code);
    }
    codes.sort_unstable();
    assert_eq!(codes, [0, KAFKA_STORAGE_ERROR]);
    let answer = describe(&mut client, &all()).await;
    let [good, bad] = answer.results.as_slice() else { panic!("{answer:?}") };
    assert_eq!((good.error_code, logs(good).len()), (0, 1));
    let told = (bad.log_dir.as_str(), bad.error_code, bad.topics.len(), bad.total_bytes, bad.usable_bytes);
    assert_eq!(told, ("/other", KAFKA_STORAGE_ERROR, 0, -1, -1));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn every_version_is_answered_and_the_last_tells_who_is_cordoned() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for version in 1..=4 {
        let answer = client.call(version, &all()).await;
        assert_eq!(logs(&answer.results[0]), [("t".to_owned(), 0, 0)]);
        assert_eq!(answer.results[0].total_bytes > 0, version >= 4);
    }
    let mut frame = BytesMut::new();
    frame.put_i16(ApiKey::DescribeLogDirs.number());
    frame.put_i16(5);
    frame.put_i32(9);
    // No client id, no tags; all topics, no tags.
    frame.put_slice(&[0xff, 0xff, 0, 0, 0]);
    client.raw().send_frame(&frame).await.unwrap();
    let answer = soon(client.raw().receive_frame()).await.unwrap();
    assert_eq!(answer[..11], [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], "id, no tags, no throttle, no error");
    assert_eq!(answer[11..21], *b"\x02\x00\x00\x06/data\x02");
    assert_eq!(answer[answer.len() - 3..], [0, 0, 0], "not cordoned, no tags of the directory, none of the answer");
    running.stop().await.unwrap();
}
