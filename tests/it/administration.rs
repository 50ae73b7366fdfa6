//! Many requests to the controller.

use crate::world::requests::{CREATE_TOPICS, DELETE_TOPICS, create_topics, delete_by_name};
use crate::world::{Setup, until};

/// More decisions than the metadata log's engine queues (1024) wait for a slow disk. They take effect in the order of their requests, and
/// each sees the one before: every topic is there to be deleted, and gone to be created.
#[tokio::test]
async fn more_decisions_than_the_metadata_log_takes_at_a_time_wait_for_a_slow_disk() {
    // Room for all of them, however busy the machine is.
    let running = Setup::new().with("klamm.controller.max.queued.requests", "1500").start().await;
    running.execution.hold_metadata_syncs();
    let mut clients = Vec::new();
    for number in 0..6 {
        let name = format!("t-{number}");
        let mut client = running.client().await;
        let mut sent = Vec::new();
        for _ in 0..125 {
            let created = client.send(CREATE_TOPICS, &create_topics(&name, 1, &[])).await;
            sent.push((created, client.send(DELETE_TOPICS, &delete_by_name(&name)).await));
        }
        clients.push((client, sent));
    }
    until(|| running.metrics().contains("klamm_requests_in_flight{api=\"DeleteTopics\"} 750")).await;
    assert!(running.broker().image().topics().is_empty(), "nothing is committed yet");
    running.execution.release_syncs();
    for (mut client, sent) in clients {
        for (created, deleted) in sent {
            assert_eq!(client.receive(created).await.topics[0].error_code, 0);
            assert_eq!(client.receive(deleted).await.responses[0].error_code, 0);
        }
    }
    assert_eq!(*running.node.fatal().borrow(), None);
    running.stop().await.unwrap();
}
