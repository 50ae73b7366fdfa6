//! A stop answers what is in flight.

use crate::world::requests::{
    DELETE_TOPICS, FETCH, PRODUCE, batch, delete_by_name, fetch, fetched, produce, produced, records_of,
};
use crate::world::{Setup, TestExecution, list, soon, until};

#[tokio::test]
async fn a_stop_ends_long_polls_at_once_and_answers_producers_after_their_sync() {
    let setup = Setup::new();
    let running = setup.start().await;
    let (mut writer, mut reader) = (running.client().await, running.client().await);
    let topic = writer.create("t", 1, &[]).await;
    assert_eq!(writer.produce(&topic, 0, &["a"]).await.error_code, 0);
    let polled = reader.send(FETCH, &fetch(FETCH, &[(&topic, 0, 1)]).with_max_wait_ms(60_000)).await;
    until(|| running.metrics().contains("klamm_fetches_waiting 1")).await;
    running.execution.hold_syncs();
    let written = writer.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, batch(&["b"]))])).await;
    until(|| running.execution.held_syncs() == 1).await;
    let execution = std::sync::Arc::clone(&running.execution);
    let stopping = running.begin_stop();
    assert_eq!(records_of(&fetched(reader.receive(polled).await)), []);
    reader.is_closed().await;
    execution.release_syncs();
    assert_eq!(produced(writer.receive(written).await).error_code, 0, "what was in flight is answered");
    writer.is_closed().await;
    soon(stopping).await.unwrap();
    assert!(list(&setup.disk, "/data").contains(&".kafka_cleanshutdown".to_owned()));
    let running = setup.start().await;
    let records = records_of(&running.client().await.fetch(&topic, 0, 0).await);
    assert_eq!(records, [(0, "a".to_owned()), (1, "b".to_owned())]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_in_use_is_refused_and_a_stopped_node_lets_go_of_it() {
    let setup = Setup::new();
    let running = setup.start().await;
    let refused = setup.try_start().await.unwrap_err().to_string();
    assert!(refused.contains("/data"), "{refused}");
    running.client().await.create("still-there", 1, &[]).await;
    running.stop().await.unwrap();
    setup.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn disks_that_hang_do_not_keep_the_node_from_stopping() {
    let setup = Setup::new().with("klamm.shutdown.timeout.ms", "200");
    for hold in [TestExecution::hold_syncs, TestExecution::hold_metadata_syncs] {
        let running = setup.start().await;
        hold(&running.execution);
        let fault = running.stop().await.unwrap_err();
        assert!(fault.to_string().contains("/data: close: timed out"), "{fault}");
        // What the next start finds it recovers.
        let running = setup.start().await;
        running.client().await.create("t", 1, &[]).await;
        running.client().await.call(DELETE_TOPICS, &delete_by_name("t")).await;
        running.stop().await.unwrap();
    }
}
