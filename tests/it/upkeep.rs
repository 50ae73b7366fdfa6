//! What happens by the clock: retention, and the files that it leaves.

use crate::support::records::ProducerState;
use crate::world::requests::{DELETE_TOPICS, EARLIEST, LATEST, Topic, batch_at, batch_of, delete_by_name, records_of};
use crate::world::{Client, Running, Setup, until};

/// A node that looks every few milliseconds.
fn quick() -> Setup {
    Setup::new()
        .with("log.retention.check.interval.ms", "10")
        .with("log.initial.task.delay.ms", "0")
        .with("log.segment.delete.delay.ms", "20")
}

/// Three batches that fill a segment each.
async fn three_segments(client: &mut Client, topic: &Topic, timestamp: Option<i64>) {
    let value = "x".repeat(600_000);
    for _ in 0..3 {
        let batch = match timestamp {
            Some(timestamp) => batch_at(ProducerState::NONE, timestamp, &[&value]),
            None => batch_of(ProducerState::NONE, &[&value]),
        };
        assert_eq!(client.produce_batch(topic, 0, batch).await.error_code, 0);
    }
}

fn files(running: &Running, topic: &str, end: &str) -> usize {
    running.list(format!("/data/{topic}-0")).iter().filter(|name| name.ends_with(end)).count()
}

#[tokio::test]
async fn retention_moves_the_log_start_and_removes_files_after_their_delay() {
    let running = quick().start().await;
    let mut client = running.client().await;
    let roll = ("segment.bytes", "1048576");
    let by_size = client.create("by-size", 1, &[roll, ("retention.bytes", "600000")]).await;
    let by_time = client.create("by-time", 1, &[roll, ("retention.ms", "60000")]).await;
    let kept = client.create("kept", 1, &[roll]).await;
    let compacted = client.create("compacted", 1, &[roll, ("retention.bytes", "1"), ("cleanup.policy", "compact,delete")]).await;
    three_segments(&mut client, &by_size, None).await;
    three_segments(&mut client, &by_time, Some(1_700_000_000_000)).await;
    three_segments(&mut client, &kept, None).await;
    let keyless = client.produce(&compacted, 0, &["no key"]).await;
    assert_eq!(keyless.error_code, 87, "INVALID_RECORD: a compacted topic takes keys only");
    // One segment is within the size; of what is too old nothing stays.
    for (topic, start) in [(&by_size, 2), (&by_time, 3)] {
        until(|| {
            let at = running.broker().image().topics().by_name(&topic.name).map(|_| files(&running, &topic.name, ".log"));
            at == Some(1)
        })
        .await;
        assert_eq!(client.offset(topic, 0, EARLIEST).await, start, "{}", topic.name);
        until(|| files(&running, &topic.name, ".deleted") == 0).await;
        let below = client.fetch(topic, 0, 0).await;
        assert_eq!(below.error_code, 1, "OFFSET_OUT_OF_RANGE");
        assert_eq!(client.fetch(topic, 0, 3).await.error_code, 0);
    }
    assert_eq!((client.offset(&kept, 0, EARLIEST).await, files(&running, "kept", ".log")), (0, 3));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_log_start_holds_after_a_restart() {
    let setup = quick();
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[("segment.bytes", "1048576"), ("retention.bytes", "600000")]).await;
    three_segments(&mut client, &topic, None).await;
    until(|| files(&running, "t", ".log") == 1).await;
    running.stop().await.unwrap();
    let running = setup.start().await;
    assert_eq!(running.client().await.offset(&topic, 0, EARLIEST).await, 2);
    // What a clean stop has written holds for a crash too.
    running.crash();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!((client.offset(&topic, 0, EARLIEST).await, client.offset(&topic, 0, LATEST).await), (2, 3));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_topic_made_again_is_not_judged_by_what_the_checkpoints_say_of_the_old_one() {
    let setup = quick();
    let running = setup.start().await;
    let mut client = running.client().await;
    let old = client.create("t", 1, &[("segment.bytes", "1048576"), ("retention.bytes", "600000")]).await;
    three_segments(&mut client, &old, None).await;
    until(|| files(&running, "t", ".log") == 1).await;
    // The stop writes log start 2 and recovery point 3.
    running.stop().await.unwrap();
    let running = setup.start().await;
    let mut client = running.client().await;
    client.call(DELETE_TOPICS, &delete_by_name("t")).await;
    let again = client.create("t", 1, &[]).await;
    assert_eq!(client.produce(&again, 0, &["new"]).await.error_code, 0);
    running.crash();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!((client.offset(&again, 0, EARLIEST).await, client.offset(&again, 0, LATEST).await), (0, 1));
    assert_eq!(records_of(&client.fetch(&again, 0, 0).await), [(0, "new".to_owned())]);
    running.stop().await.unwrap();
}
