//! What a producer is told, and when: durable mode and page-cache mode, sequences, timeouts, order.

use std::time::Duration;

use kafka_protocol::messages::MetadataRequest;

use crate::support::records::ProducerState;
use crate::world::requests::{
    FETCH, LATEST, LIST_OFFSETS, METADATA, PRODUCE, Topic, batch, batch_at, batch_of, fetch, fetched, list_offsets, produce,
    produced, records_of,
};
use crate::world::{Setup, soon, until};

const REQUEST_TIMED_OUT: i16 = 7;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
const INVALID_PRODUCER_EPOCH: i16 = 47;

/// Long enough for a wrong answer to come.
const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::test]
async fn what_is_not_synced_is_neither_acknowledged_nor_shown() {
    let running = Setup::new().start().await;
    let (mut writer, mut reader) = (running.client().await, running.client().await);
    let topic = writer.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    let all = writer.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"]))])).await;
    // acks=1 does not wait. That it got offset 1 shows that the other one was appended.
    let mut other = running.client().await;
    until(|| running.execution.held_syncs() == 1).await;
    let one = produced(other.call(PRODUCE, &produce(PRODUCE, 1, &[(&topic, 0, batch(&["b"]))])).await);
    assert_eq!((one.error_code, one.base_offset), (0, 1));
    assert_eq!(running.execution.held_syncs(), 1, "one cycle at a time");
    let seen = reader.fetch(&topic, 0, 0).await;
    assert_eq!((seen.high_watermark, records_of(&seen)), (0, Vec::new()));
    assert_eq!(reader.offset(&topic, 0, LATEST).await, 0);
    tokio::time::timeout(A_WHILE, writer.raw().receive_frame()).await.expect_err("acknowledged before the sync");
    running.execution.release_syncs();
    // The frame that was waited for in vain was not begun: nothing of it had come.
    assert_eq!(produced(writer.receive(all).await).error_code, 0);
    let seen = reader.fetch(&topic, 0, 0).await;
    assert!(records_of(&seen).starts_with(&[(0, "a".to_owned())]));
    running.stop().await.unwrap();
}

/// As when a client's producer and consumer share a connection.
#[tokio::test]
async fn a_connection_reads_what_it_wrote_ahead_of_the_sync() {
    let running = Setup::new().start().await;
    let (mut client, mut reader) = (running.client().await, running.client().await);
    let topic = client.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    let answer = produced(client.call(PRODUCE, &produce(PRODUCE, 1, &[(&topic, 0, batch(&["a"]))])).await);
    assert_eq!((answer.error_code, answer.base_offset), (0, 0));
    // Whoever only reads is answered at once, with what is durable.
    assert_eq!(reader.offset(&topic, 0, LATEST).await, 0);
    let seen = reader.fetch(&topic, 0, 0).await;
    assert_eq!((seen.high_watermark, records_of(&seen)), (0, Vec::new()));
    // These want no patience of the node: max_wait_ms is 0.
    let records = client.send(FETCH, &fetch(FETCH, &[(&topic, 0, 0)])).await;
    let latest = client.send(LIST_OFFSETS, &list_offsets(&topic, 0, LATEST)).await;
    tokio::time::timeout(A_WHILE, client.raw().receive_frame()).await.expect_err("answered before the sync");
    running.execution.release_syncs();
    let seen = fetched(client.receive(records).await);
    assert_eq!((seen.high_watermark, records_of(&seen)), (1, vec![(0, "a".to_owned())]));
    assert_eq!(client.receive(latest).await.topics[0].partitions[0].offset, 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_sync_that_takes_too_long_holds_no_reader_up_for_good() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    client.send(PRODUCE, &produce(PRODUCE, 0, &[(&topic, 0, batch(&["a"]))])).await;
    assert_eq!(client.offset(&topic, 0, LATEST).await, 0);
    running.execution.release_syncs();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_duplicate_is_acknowledged_no_sooner_than_the_first() {
    let running = Setup::new().start().await;
    let (mut first, mut second) = (running.client().await, running.client().await);
    let topic = first.create("t", 1, &[]).await;
    let producer = ProducerState { producer_id: first.producer_id().await, producer_epoch: 0, first_sequence: 0 };
    let request = produce(PRODUCE, -1, &[(&topic, 0, batch_at(producer, 77, &["a"]))]);
    running.execution.hold_syncs();
    let original = first.send(PRODUCE, &request).await;
    until(|| running.execution.held_syncs() == 1).await;
    let duplicate = second.send(PRODUCE, &request).await;
    tokio::time::timeout(A_WHILE, second.raw().receive_frame()).await.expect_err("acknowledged before the sync");
    running.execution.release_syncs();
    // Of the duplicate Kafka tells the time, too, whosever it is.
    for (answer, time) in [(first.receive(original).await, -1), (second.receive(duplicate).await, 77)] {
        let partition = produced(answer);
        assert_eq!((partition.error_code, partition.base_offset, partition.log_append_time_ms), (0, 0, time));
    }
    assert_eq!(first.offset(&topic, 0, LATEST).await, 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn page_cache_mode_acknowledges_before_the_sync_and_syncs_when_it_is_told_to() {
    let running = Setup::new().with("klamm.flush.mode", "page-cache").start().await;
    let mut client = running.client().await;
    let never = client.create("never", 1, &[]).await;
    let by_count = client.create("by-count", 1, &[("flush.messages", "3")]).await;
    running.execution.hold_syncs();
    assert_eq!(client.produce(&never, 0, &["a"]).await.error_code, 0);
    assert_eq!(records_of(&client.fetch(&never, 0, 0).await), [(0, "a".to_owned())]);
    assert_eq!(client.produce(&by_count, 0, &["a", "b"]).await.error_code, 0);
    assert_eq!(running.execution.held_syncs(), 0);
    assert_eq!(client.produce(&by_count, 0, &["c"]).await.error_code, 0);
    assert_eq!(running.execution.held_syncs(), 1, "flush.messages");
    running.execution.release_syncs();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn page_cache_mode_syncs_by_time() {
    let running = Setup::new().with("klamm.flush.mode", "page-cache").start().await;
    let mut client = running.client().await;
    let topic = client.create("by-time", 1, &[("flush.ms", "1")]).await;
    running.execution.hold_syncs();
    assert_eq!(client.produce(&topic, 0, &["a"]).await.error_code, 0);
    until(|| running.execution.held_syncs() == 1).await;
    running.execution.release_syncs();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_produce_that_is_not_synced_in_its_time_says_so() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    let request = produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"]))]).with_timeout_ms(20);
    assert_eq!(produced(client.call(PRODUCE, &request).await).error_code, REQUEST_TIMED_OUT);
    running.execution.release_syncs();
    assert_eq!(client.produce(&topic, 0, &["b"]).await.base_offset, 1, "it was appended all the same");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn sequences_of_an_idempotent_producer() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let producer_id = client.producer_id().await;
    let state = |producer_epoch, first_sequence| ProducerState { producer_id, producer_epoch, first_sequence };
    for (producer, code, offset) in [
        (state(0, 0), 0, 0),
        (state(0, 2), 0, 2),
        // Sent again; the batch before is remembered too.
        (state(0, 2), 0, 2),
        (state(0, 0), 0, 0),
        (state(0, 7), OUT_OF_ORDER_SEQUENCE_NUMBER, -1),
        (state(0, 4), 0, 4),
        // A new epoch begins at 0.
        (state(1, 6), OUT_OF_ORDER_SEQUENCE_NUMBER, -1),
        (state(1, 0), 0, 6),
        (state(0, 6), INVALID_PRODUCER_EPOCH, -1),
    ] {
        let answer = client.produce_batch(&topic, 0, batch_of(producer, &["x", "y"])).await;
        assert_eq!((answer.error_code, answer.base_offset), (code, offset), "{producer:?}");
    }
    assert_eq!(client.offset(&topic, 0, LATEST).await, 8);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order_and_do_not_wait_for_each_other() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let waiting = fetch(FETCH, &[(&topic, 0, 0)]).with_max_wait_ms(60_000);
    let polled = client.send(FETCH, &waiting).await;
    let written = client.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"]))])).await;
    let described = client.send(METADATA, &MetadataRequest::default().with_topics(None)).await;
    // The fetch waits for what is written behind it; its answer still comes first.
    assert_eq!(records_of(&fetched(client.receive(polled).await)), [(0, "a".to_owned())]);
    assert_eq!(produced(client.receive(written).await).error_code, 0);
    assert_eq!(client.receive(described).await.topics.len(), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn refusals_of_a_produce() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let nobody = Topic::unknown("nobody");
    for (version, acks, topic, partition, code) in
        [(PRODUCE, 2, &topic, 0, 21), (PRODUCE, -1, &topic, 1, 3), (12, -1, &nobody, 0, 3), (PRODUCE, -1, &nobody, 0, 100)]
    {
        let answer = client.call(version, &produce(version, acks, &[(topic, partition, batch(&["a"]))])).await;
        let partition = produced(answer);
        assert_eq!((partition.error_code, partition.base_offset), (code, -1));
    }
    // Several partitions in one request stand for themselves.
    let both = produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"])), (&nobody, 0, batch(&["a"]))]);
    let codes: Vec<i16> =
        client.call(PRODUCE, &both).await.responses.iter().map(|topic| topic.partition_responses[0].error_code).collect();
    assert_eq!(codes, [0, 100]);
    // With acks=0 there is no answer that could carry an error.
    client.send(PRODUCE, &produce(PRODUCE, 0, &[(&nobody, 0, batch(&["a"]))])).await;
    soon(client.is_closed()).await;
    running.stop().await.unwrap();
}
