//! What a consumer gets: sizes, offsets, epochs, waiting, sessions.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use kafka_protocol::messages::{ApiVersionsRequest, FetchRequest, FetchResponse};
use klamm::broker::FetchJob;
use klamm::broker::clock::SystemClock;
use klamm::replica::PartitionRequest;
use klamm::seams::Clock;
use klamm::security::{Operation, Principal};
use klamm::types::{Offset, PartitionIndex, TopicId, TopicIdPartition, TopicName};

use crate::world::requests::{FETCH, PRODUCE, Topic, batch, fetch, fetched, forgotten, produce, records_of};
use crate::world::{Client, PATIENCE, Setup, until};

const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
const INVALID_FETCH_SESSION_EPOCH: i16 = 71;
const FETCH_SESSION_TOPIC_ID_ERROR: i16 = 106;

fn limited(mut request: FetchRequest, partition_bytes: &[i32], max_bytes: i32) -> FetchRequest {
    for (topic, bytes) in request.topics.iter_mut().zip(partition_bytes) {
        topic.partitions[0].partition_max_bytes = *bytes;
    }
    request.with_max_bytes(max_bytes)
}

/// Bytes of records per partition, in the order of the answer.
fn sizes(response: &FetchResponse) -> Vec<usize> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.records.as_ref().map_or(0, Bytes::len)).collect()
}

#[tokio::test]
async fn size_limits_count_whole_batches_and_the_first_of_all_comes_even_if_it_is_larger() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let (one, two) = (client.create("one", 1, &[]).await, client.create("two", 1, &[]).await);
    let size = batch(&["12345"]).len();
    for topic in [&one, &two] {
        client.produce(topic, 0, &["12345"]).await;
        client.produce(topic, 0, &["67890"]).await;
    }
    let both = fetch(FETCH, &[(&one, 0, 0), (&two, 0, 0)]);
    let bytes = |batches: usize| i32::try_from(batches * size).unwrap();
    for (partition_bytes, max_bytes, expected) in [
        ([bytes(9), bytes(9)], bytes(9), vec![2 * size, 2 * size]),
        // The first batch comes whole, and uses up everything.
        ([1, 1], 1, vec![size, 0]),
        ([1, 1], bytes(9), vec![size, 0]),
        // A batch that does not fit whole is cut, as in a file range; but not the first.
        ([bytes(1), bytes(1)], bytes(9), vec![size, size]),
        ([bytes(9), bytes(9)], bytes(3), vec![2 * size, size]),
        ([bytes(9), bytes(9)], bytes(2), vec![2 * size, 0]),
    ] {
        let response = client.call(FETCH, &limited(both.clone(), &partition_bytes, max_bytes)).await;
        assert_eq!(sizes(&response), expected, "{partition_bytes:?} {max_bytes}");
    }
    // Nothing is new in the first: then the first batch is that of the second.
    let behind = limited(fetch(FETCH, &[(&one, 0, 2), (&two, 0, 0)]), &[1, 1], 1);
    assert_eq!(sizes(&client.call(FETCH, &behind).await), [0, size]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn offsets_and_epochs_that_do_not_fit() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    client.produce(&topic, 0, &["a", "b"]).await;
    let nobody = Topic::unknown("nobody");
    for (version, topic, partition, offset, code) in [
        (FETCH, &topic, 0, 2, 0),
        (FETCH, &topic, 0, 3, 1),
        (FETCH, &topic, 0, -1, 1),
        (FETCH, &topic, 7, 0, 3),
        (FETCH, &nobody, 0, 0, 100),
        (12, &nobody, 0, 0, 3),
    ] {
        let answer = fetched(client.call(version, &fetch(version, &[(topic, partition, offset)])).await);
        assert_eq!(answer.error_code, code, "{topic:?} {partition} {offset}");
        assert_eq!(answer.high_watermark, if code == 0 { 2 } else { -1 });
    }
    let mut request = fetch(FETCH, &[(&topic, 0, 0)]);
    request.topics[0].partitions[0].current_leader_epoch = 5;
    assert_eq!(fetched(client.call(FETCH, &request).await).error_code, 75, "UNKNOWN_LEADER_EPOCH");
    // A client that has more of epoch 0 than there is learns where it ends, whatever it would wait for.
    let mut request = fetch(FETCH, &[(&topic, 0, 9)]).with_max_wait_ms(60_000);
    request.topics[0].partitions[0].last_fetched_epoch = 0;
    let answer = fetched(client.call(FETCH, &request).await);
    assert_eq!((answer.error_code, answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset), (0, 0, 2));
    assert!(records_of(&answer).is_empty());
    running.stop().await.unwrap();
}

/// Connects, so that the newest task is this connection's, and settles.
async fn watched(running: &crate::world::Running) -> (Client, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let mut client = running.client().await;
    client.call(0, &ApiVersionsRequest::default()).await;
    (client, running.execution.newest_task())
}

/// The text of a counter or gauge.
fn metric(running: &crate::world::Running, name: &str) -> String {
    let text = running.metrics();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_poll_costs_nothing_while_it_waits_and_is_woken_once() {
    let running = Setup::new().start().await;
    let mut writer = running.client().await;
    let (one, two) = (writer.create("one", 1, &[]).await, writer.create("two", 1, &[]).await);
    let (mut reader, runs) = watched(&running).await;
    let size = batch(&["12345"]).len() as i32;
    let waiting = fetch(FETCH, &[(&one, 0, 0), (&two, 0, 0)]).with_max_wait_ms(60_000).with_min_bytes(4 * size);
    let sent = reader.send(FETCH, &waiting).await;
    until(|| metric(&running, "klamm_fetches_waiting") == "1").await;
    let before = runs.load(Ordering::SeqCst);
    for _ in 0..2 {
        writer.produce(&one, 0, &["12345"]).await;
    }
    writer.produce(&two, 0, &["12345"]).await;
    assert_eq!(runs.load(Ordering::SeqCst), before, "woken without enough to tell");
    writer.produce(&one, 0, &["12345"]).await;
    let response = reader.receive(sent).await;
    assert_eq!(sizes(&response), [3 * size as usize, size as usize]);
    assert_eq!(runs.load(Ordering::SeqCst), before + 1, "woken once");
    assert_eq!(metric(&running, "klamm_fetches_waiting"), "0");
    running.stop().await.unwrap();
}

/// As when a consumer dies: its connection breaks, and what it waited for is dropped.
#[tokio::test]
async fn a_fetch_that_is_given_up_waits_no_more() {
    let running = Setup::new().start().await;
    let topic = running.client().await.create("t", 1, &[]).await;
    let broker = running.broker();
    let proof = broker.security.authorize(&Principal::anonymous(), Operation::Read, TopicName::new("t")).unwrap();
    let id = TopicIdPartition { topic_id: TopicId(topic.id), partition: PartitionIndex(0) };
    let request =
        PartitionRequest { fetch_offset: Offset(0), max_bytes: 1, current_leader_epoch: None, last_fetched_epoch: None };
    let job = FetchJob {
        partitions: vec![(broker.partition(&proof, id).unwrap(), request)],
        max_wait: PATIENCE,
        min_bytes: 1,
        max_bytes: 1,
    };
    let mut waiting = Box::pin(job.serve(broker));
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(metric(&running, "klamm_fetches_waiting"), "1");
    drop(waiting);
    assert_eq!(metric(&running, "klamm_fetches_waiting"), "0");
    running.stop().await.unwrap();
}

/// What a partition's limit keeps from being sent does not count towards min_bytes either.
#[tokio::test]
async fn a_long_poll_is_not_woken_by_bytes_beyond_a_partitions_limit() {
    let running = Setup::new().start().await;
    let mut writer = running.client().await;
    let (one, two) = (writer.create("one", 1, &[]).await, writer.create("two", 1, &[]).await);
    let (mut reader, runs) = watched(&running).await;
    let size = batch(&["12345"]).len() as i32;
    let waiting = fetch(FETCH, &[(&one, 0, 0), (&two, 0, 0)]).with_max_wait_ms(60_000).with_min_bytes(2 * size);
    let sent = reader.send(FETCH, &limited(waiting, &[size, size], 10 * size)).await;
    until(|| metric(&running, "klamm_fetches_waiting") == "1").await;
    let before = runs.load(Ordering::SeqCst);
    for _ in 0..5 {
        writer.produce(&one, 0, &["12345"]).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), before, "woken though no more than one batch can be sent");
    writer.produce(&two, 0, &["12345"]).await;
    assert_eq!(sizes(&reader.receive(sent).await), [size as usize, size as usize]);
    assert_eq!(runs.load(Ordering::SeqCst), before + 1, "woken once");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_poll_ends_at_its_deadline() {
    let running = Setup::new().start().await;
    let mut writer = running.client().await;
    let topic = writer.create("t", 1, &[]).await;
    writer.produce(&topic, 0, &["a"]).await;
    let (mut reader, runs) = watched(&running).await;
    let clock = SystemClock::new();
    let sent = reader.send(FETCH, &fetch(FETCH, &[(&topic, 0, 0)]).with_max_wait_ms(300).with_min_bytes(1_000)).await;
    until(|| metric(&running, "klamm_fetches_waiting") == "1").await;
    let before = runs.load(Ordering::SeqCst);
    let answer = fetched(reader.receive(sent).await);
    assert!(clock.now().0 >= Duration::from_millis(300));
    assert_eq!(records_of(&answer), [(0, "a".to_owned())], "what there is comes at the end");
    assert_eq!(runs.load(Ordering::SeqCst), before + 1, "once, for the deadline");
    // With something to tell there is nothing to wait for.
    let nothing_to_wait_for = fetch(FETCH, &[(&topic, 0, 9)]).with_max_wait_ms(60_000);
    assert_eq!(fetched(reader.call(FETCH, &nothing_to_wait_for).await).error_code, 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_poll_on_a_deleted_topic_ends_at_once() {
    let running = Setup::new().start().await;
    let (mut reader, mut admin) = (running.client().await, running.client().await);
    let topic = admin.create("t", 1, &[]).await;
    let sent = reader.send(FETCH, &fetch(FETCH, &[(&topic, 0, 0)]).with_max_wait_ms(60_000)).await;
    until(|| metric(&running, "klamm_fetches_waiting") == "1").await;
    admin.call(6, &crate::world::requests::delete_by_name("t")).await;
    let code = fetched(reader.receive(sent).await).error_code;
    assert!([3, 6, 100].contains(&code), "{code}");
    running.stop().await.unwrap();
}

/// A fetch in a session: `parts` are what is new or changed.
fn in_session(id: i32, epoch: i32, parts: &[(&Topic, i32, i64)]) -> FetchRequest {
    fetch(FETCH, parts).with_session_id(id).with_session_epoch(epoch)
}

/// Which partitions an answer mentions.
fn mentioned(response: &FetchResponse) -> Vec<(uuid::Uuid, i32)> {
    let topics = response.responses.iter();
    topics.flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, partition.partition_index))).collect()
}

#[tokio::test]
async fn a_session_tells_only_news_of_what_it_has_not_forgotten() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let (one, two) = (client.create("one", 2, &[]).await, client.create("two", 1, &[]).await);
    let opened = client.call(FETCH, &in_session(0, 0, &[(&one, 0, 0), (&one, 1, 0), (&two, 0, 0)])).await;
    let id = opened.session_id;
    assert_ne!(id, 0);
    assert_eq!(mentioned(&opened), [(one.id, 0), (one.id, 1), (two.id, 0)], "the first answer mentions all");
    let idle = client.call(FETCH, &in_session(id, 1, &[])).await;
    assert_eq!((idle.session_id, mentioned(&idle)), (id, Vec::new()));
    client.produce(&one, 1, &["a"]).await;
    let news = client.call(FETCH, &in_session(id, 2, &[])).await;
    assert_eq!(mentioned(&news), [(one.id, 1)]);
    // It has not moved its offset on: the records come again.
    let again = client.call(FETCH, &in_session(id, 3, &[])).await;
    assert_eq!(mentioned(&again), [(one.id, 1)]);
    let moved = client.call(FETCH, &in_session(id, 4, &[(&one, 1, 1)])).await;
    assert_eq!(mentioned(&moved), []);
    let mut forgetting = in_session(id, 5, &[]);
    forgetting.forgotten_topics_data = vec![forgotten(FETCH, &two, &[0])];
    assert_eq!(mentioned(&client.call(FETCH, &forgetting).await), []);
    client.produce(&two, 0, &["b"]).await;
    client.produce(&one, 0, &["c"]).await;
    assert_eq!(mentioned(&client.call(FETCH, &in_session(id, 6, &[])).await), [(one.id, 0)], "two is forgotten");
    // An error is told every time, and when it is over too.
    let wrong = client.call(FETCH, &in_session(id, 7, &[(&one, 0, 99)])).await;
    assert_eq!((mentioned(&wrong), wrong.responses[0].partitions[0].error_code), (vec![(one.id, 0)], 1));
    assert_eq!(mentioned(&client.call(FETCH, &in_session(id, 8, &[])).await), [(one.id, 0)]);
    assert_eq!(mentioned(&client.call(FETCH, &in_session(id, 9, &[(&one, 0, 1)])).await), [(one.id, 0)]);
    assert_eq!(mentioned(&client.call(FETCH, &in_session(id, 10, &[])).await), []);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_session_refuses() {
    let running = Setup::new().with("max.incremental.fetch.session.cache.slots", "1").start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let part = (&topic, 0, 0);
    let id = client.call(FETCH, &in_session(0, 0, &[part])).await.session_id;
    for (session, epoch, code) in [(id + 1, 1, FETCH_SESSION_ID_NOT_FOUND), (id, 3, INVALID_FETCH_SESSION_EPOCH)] {
        let refused = client.call(FETCH, &in_session(session, epoch, &[])).await;
        assert_eq!((refused.error_code, refused.session_id, refused.responses.len()), (code, 0, 0));
    }
    let by_name = fetch(12, &[]).with_session_id(id).with_session_epoch(1);
    assert_eq!(client.call(12, &by_name).await.error_code, FETCH_SESSION_TOPIC_ID_ERROR);
    // The one slot is taken, and not for long enough to be given away: answered in full, without a session.
    let full = client.call(FETCH, &in_session(0, 0, &[part])).await;
    assert_eq!((full.session_id, mentioned(&full)), (0, vec![(topic.id, 0)]));
    // The session lives on through all that, until it is closed.
    assert_eq!(client.call(FETCH, &in_session(id, 1, &[])).await.session_id, id);
    let closing = client.call(FETCH, &in_session(id, -1, &[part])).await;
    assert_eq!((closing.error_code, closing.session_id, mentioned(&closing)), (0, 0, vec![(topic.id, 0)]));
    assert_eq!(client.call(FETCH, &in_session(id, 2, &[])).await.error_code, FETCH_SESSION_ID_NOT_FOUND);
    assert_ne!(client.call(FETCH, &in_session(0, 0, &[part])).await.session_id, 0, "the slot is free again");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_poll_in_a_session_tells_only_what_is_new() {
    let running = Setup::new().start().await;
    let (mut client, mut writer) = (running.client().await, running.client().await);
    let topic = client.create("t", 2, &[]).await;
    let id = client.call(FETCH, &in_session(0, 0, &[(&topic, 0, 0), (&topic, 1, 0)])).await.session_id;
    let sent = client.send(FETCH, &in_session(id, 1, &[]).with_max_wait_ms(60_000)).await;
    until(|| metric(&running, "klamm_fetches_waiting") == "1").await;
    let written = produce(PRODUCE, -1, &[(&topic, 1, batch(&["a"]))]);
    writer.call(PRODUCE, &written).await;
    assert_eq!(mentioned(&client.receive(sent).await), [(topic.id, 1)]);
    running.stop().await.unwrap();
}
