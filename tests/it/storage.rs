//! Disks that fail or are full, restarts, deletion.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use klamm::disk::{Operation, Reaction, SimulatedDisk};
use klamm::seams::{Disk, OpenMode};

use crate::support::records::ProducerState;
use crate::world::requests::{
    DELETE_TOPICS, FETCH, LATEST, METADATA, PRODUCE, Topic, batch, batch_of, create_topics, delete_by_name, fetch, fetched,
    list_offsets, metadata_of, produce, produced, records_of,
};
use crate::world::{Running, Setup, list, soon, until};

const KAFKA_STORAGE_ERROR: i16 = 56;

/// Syncs of files below `path` fail from now on; counts how many were tried.
fn fail_syncs(disk: &SimulatedDisk, path: &'static str) -> Arc<AtomicUsize> {
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tried);
    disk.on_call(Box::new(move |call| {
        if call.operation == Operation::Sync && call.path.to_string_lossy().starts_with(path) {
            counted.fetch_add(1, Ordering::SeqCst);
            Reaction::Fail(ErrorKind::Other)
        } else {
            Reaction::Proceed
        }
    }));
    tried
}

/// The partitions of a topic that lie in a log directory.
fn partitions_in(running: &Running, log_dir: &str, topic: &Topic) -> Vec<i32> {
    let prefix = format!("{}-", topic.name);
    running.list(log_dir).iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok()).collect()
}

#[tokio::test]
async fn a_failed_sync_is_not_tried_again_and_costs_its_directory_only() {
    let setup = Setup::new().with("log.dirs", "/data,/other");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 4, &[]).await;
    let (good, bad) = (partitions_in(&running, "/data", &topic), partitions_in(&running, "/other", &topic));
    assert!(good.len() == 2 && bad.len() == 2, "{good:?} {bad:?}");
    for partition in 0..4 {
        assert_eq!(client.produce(&topic, partition, &["before"]).await.error_code, 0);
    }
    let tried = fail_syncs(&running.disk, "/other");
    // Producers on both partitions wait, and a consumer too.
    running.execution.hold_syncs();
    let mut waiting = Vec::new();
    for partition in &bad {
        let mut producer = running.client().await;
        let sent = producer.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, *partition, batch(&["lost"]))])).await;
        waiting.push((producer, sent));
    }
    until(|| running.execution.held_syncs() == 1).await;
    let mut consumer = running.client().await;
    let polled = consumer.send(FETCH, &fetch(FETCH, &[(&topic, bad[0], 1)]).with_max_wait_ms(60_000)).await;
    until(|| running.metrics().contains("klamm_fetches_waiting 1")).await;
    // Both appends stand in the log before the sync goes wrong.
    for partition in &bad {
        let one = produced(client.call(PRODUCE, &produce(PRODUCE, 1, &[(&topic, *partition, batch(&["behind"]))])).await);
        assert_eq!(one.base_offset, 2);
    }
    running.execution.release_syncs();
    for (mut producer, sent) in waiting {
        assert_eq!(produced(producer.receive(sent).await).error_code, KAFKA_STORAGE_ERROR);
    }
    assert_eq!(fetched(consumer.receive(polled).await).error_code, KAFKA_STORAGE_ERROR);
    for partition in &bad {
        assert_eq!(client.produce(&topic, *partition, &["after"]).await.error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(client.fetch(&topic, *partition, 0).await.error_code, KAFKA_STORAGE_ERROR);
        let listed = client.call(10, &list_offsets(&topic, *partition, LATEST)).await;
        assert_eq!(listed.topics[0].partitions[0].error_code, KAFKA_STORAGE_ERROR);
    }
    for partition in &good {
        assert_eq!(client.produce(&topic, *partition, &["after"]).await.base_offset, 1);
    }
    let described = client.call(METADATA, &metadata_of(&["t"])).await;
    for partition in &described.topics[0].partitions {
        let offline = if bad.contains(&partition.partition_index) { vec![1] } else { Vec::new() };
        assert_eq!(partition.offline_replicas.iter().map(|id| id.0).collect::<Vec<_>>(), offline);
    }
    assert!(running.metrics().contains("kafka_log_logmanager_offlinelogdirectorycount 1"));
    running.stop().await.unwrap();
    assert_eq!(tried.load(Ordering::SeqCst), 1, "a sync that failed was tried again");
    assert!(list(&setup.disk, "/data").contains(&".kafka_cleanshutdown".to_owned()));
    assert!(!list(&setup.disk, "/other").contains(&".kafka_cleanshutdown".to_owned()));
    // With the disk mended a restart brings everything back that was acknowledged.
    setup.disk.on_call(Box::new(|_| Reaction::Proceed));
    let running = setup.start().await;
    let mut client = running.client().await;
    for partition in 0..4 {
        assert_eq!(records_of(&client.fetch(&topic, partition, 0).await)[0], (0, "before".to_owned()));
        assert_eq!(client.produce(&topic, partition, &["again"]).await.error_code, 0);
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn losing_the_directory_of_the_metadata_ends_the_node() {
    let setup = Setup::new().with("log.dirs", "/data,/other");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    fail_syncs(&running.disk, "/data/t-");
    let partition = partitions_in(&running, "/data", &topic)[0];
    assert_eq!(client.produce(&topic, partition, &["a"]).await.error_code, KAFKA_STORAGE_ERROR);
    assert!(running.fatal().await.contains("/data"));
    running.stop().await.unwrap();
    for directory in ["/data", "/other"] {
        assert!(!list(&setup.disk, directory).contains(&".kafka_cleanshutdown".to_owned()), "{directory}");
    }
}

#[tokio::test]
async fn losing_the_last_directory_ends_the_node() {
    let setup = Setup::new().with("metadata.log.dir", "/metadata");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    fail_syncs(&running.disk, "/data");
    assert_eq!(client.produce(&topic, 0, &["a"]).await.error_code, KAFKA_STORAGE_ERROR);
    assert!(running.fatal().await.contains("/data"));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_metadata_log_that_cannot_be_synced_ends_the_node() {
    let running = Setup::new().start().await;
    fail_syncs(&running.disk, "/data/__cluster_metadata-0");
    let mut client = running.client().await;
    client.send(7, &create_topics("t", 1, &[])).await;
    assert!(!running.fatal().await.is_empty());
    // Whatever becomes of the rest of the stop, it ends.
    drop(running.stop().await);
}

#[tokio::test]
async fn a_full_disk_costs_the_request_and_nothing_else() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let producer = ProducerState { producer_id: client.producer_id().await, producer_epoch: 0, first_sequence: 0 };
    let next = ProducerState { first_sequence: 1, ..producer };
    assert_eq!(client.produce_batch(&topic, 0, batch_of(producer, &["a"])).await.error_code, 0);
    running.disk.configure(|faults| faults.capacity = Some(0));
    for _ in 0..2 {
        assert_eq!(client.produce_batch(&topic, 0, batch_of(next, &["b"])).await.error_code, KAFKA_STORAGE_ERROR);
    }
    assert_eq!(records_of(&client.fetch(&topic, 0, 0).await), [(0, "a".to_owned())], "reading goes on");
    // What needs the metadata log is refused too: without space there the node could not go on.
    let created = client.call(7, &create_topics("u", 1, &[])).await;
    assert_eq!(created.topics[0].error_code, KAFKA_STORAGE_ERROR);
    running.disk.configure(|faults| faults.capacity = None);
    let resumed = client.produce_batch(&topic, 0, batch_of(next, &["b"])).await;
    assert_eq!((resumed.error_code, resumed.base_offset), (0, 1));
    assert_eq!(*running.node.fatal().borrow(), None);
    running.stop().await.unwrap();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!(records_of(&client.fetch(&topic, 0, 0).await), [(0, "a".to_owned()), (1, "b".to_owned())]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_partition_that_finds_no_space_answers_so_and_is_opened_once_there_is_some() {
    let setup = Setup::new().with("log.segment.delete.delay.ms", "40");
    let running = setup.start().await;
    let mut client = running.client().await;
    running.disk.on_call(Box::new(|call| {
        let grows = matches!(call.operation, Operation::WriteAt | Operation::SetLength);
        let is_full = grows && call.path.starts_with("/data/t-1");
        if is_full { Reaction::Fail(ErrorKind::StorageFull) } else { Reaction::Proceed }
    }));
    let topic = client.create("t", 2, &[]).await;
    assert_eq!(client.produce(&topic, 0, &["a"]).await.error_code, 0);
    for _ in 0..3 {
        assert_eq!(client.produce(&topic, 1, &["b"]).await.error_code, KAFKA_STORAGE_ERROR);
        assert_eq!(client.fetch(&topic, 1, 0).await.error_code, KAFKA_STORAGE_ERROR);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(*running.node.fatal().borrow(), None);
    running.disk.on_call(Box::new(|_| Reaction::Proceed));
    soon(async { while client.produce(&topic, 1, &["b"]).await.error_code != 0 {} }).await;
    assert_eq!(records_of(&client.fetch(&topic, 1, 0).await), [(0, "b".to_owned())]);
    running.stop().await.unwrap();
}

/// Topics over two directories, with a producer that has written to each partition; and its next batch.
async fn written(running: &Running) -> (Topic, ProducerState) {
    let mut client = running.client().await;
    let topic = client.create("t", 4, &[]).await;
    assert!(!partitions_in(running, "/data", &topic).is_empty() && !partitions_in(running, "/other", &topic).is_empty());
    let producer = ProducerState { producer_id: client.producer_id().await, producer_epoch: 0, first_sequence: 0 };
    for partition in 0..4 {
        assert_eq!(client.produce_batch(&topic, partition, batch_of(producer, &["a", "b"])).await.error_code, 0);
    }
    (topic, producer)
}

/// Offsets, records and the producer's state are as [`written`] left them, and writing goes on.
async fn goes_on(running: &Running, topic: &Topic, producer: ProducerState) {
    let mut client = running.client().await;
    for partition in 0..4 {
        let fetched = client.fetch(topic, partition, 0).await;
        assert_eq!((fetched.high_watermark, fetched.log_start_offset), (2, 0));
        assert_eq!(records_of(&fetched), [(0, "a".to_owned()), (1, "b".to_owned())]);
        let duplicate = client.produce_batch(topic, partition, batch_of(producer, &["a", "b"])).await;
        assert_eq!((duplicate.error_code, duplicate.base_offset), (0, 0));
        let next = ProducerState { first_sequence: 2, ..producer };
        let next = client.produce_batch(topic, partition, batch_of(next, &["c"])).await;
        assert_eq!((next.error_code, next.base_offset), (0, 2));
    }
    assert!(client.producer_id().await > producer.producer_id, "an id is given out once");
}

#[tokio::test]
async fn a_restart_after_a_clean_stop_scans_nothing_and_keeps_everything() {
    let setup = Setup::new().with("log.dirs", "/data,/other");
    let running = setup.start().await;
    let cluster_id = running.broker().cluster_id.clone();
    let (topic, producer) = written(&running).await;
    let mut client = running.client().await;
    let large = client.create("large", 1, &[("segment.bytes", "1048576")]).await;
    let value = "x".repeat(10_000);
    for _ in 0..300 {
        client.produce(&large, 0, &[&value]).await;
    }
    running.stop().await.unwrap();
    let read = Arc::new(Mutex::new(0));
    let noted = Arc::clone(&read);
    setup.disk.on_done(Box::new(move |call, _| {
        let is_read = matches!(call.operation, Operation::ReadAt | Operation::ReadIfCached);
        if is_read && call.path.to_string_lossy().contains("/large-0/") {
            *noted.lock().unwrap() += call.length;
        }
    }));
    let running = setup.start().await;
    let read = *read.lock().unwrap();
    assert!(read < 100_000, "of 3,000,000 bytes {read} were read");
    assert_eq!(running.broker().cluster_id, cluster_id);
    for directory in ["/data", "/other"] {
        assert!(!running.list(directory).contains(&".kafka_cleanshutdown".to_owned()), "the mark holds for one start");
    }
    let mut client = running.client().await;
    assert_eq!(client.offset(&large, 0, LATEST).await, 300);
    assert_eq!(records_of(&client.fetch(&large, 0, 299).await), [(299, value)]);
    goes_on(&running, &topic, producer).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_after_a_crash_keeps_everything_that_was_acknowledged() {
    for seed in 0..10 {
        let mut setup = Setup::new().with("log.dirs", "/data,/other");
        setup.disk = SimulatedDisk::new(seed);
        let running = setup.start().await;
        let (topic, producer) = written(&running).await;
        running.crash();
        let running = setup.start().await;
        goes_on(&running, &topic, producer).await;
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_log_directory_whose_parents_were_made_too_is_there_after_a_crash() {
    for seed in 0..10 {
        let mut setup = Setup::new().with("log.dirs", "/a/b/c");
        setup.disk = SimulatedDisk::new(seed);
        let running = setup.start().await;
        let mut client = running.client().await;
        let topic = client.create("t", 1, &[]).await;
        assert_eq!(client.produce(&topic, 0, &["kept"]).await.error_code, 0);
        running.crash();
        let running = setup.start().await;
        assert_eq!(records_of(&running.client().await.fetch(&topic, 0, 0).await), [(0, "kept".to_owned())], "seed {seed}");
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn partitions_without_the_metadata_that_knows_them_are_not_a_new_cluster() {
    let setup = Setup::new().with("log.dirs", "/data,/other").with("metadata.log.dir", "/metadata");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    assert_eq!(client.produce(&topic, 0, &["precious"]).await.error_code, 0);
    running.stop().await.unwrap();
    // The disk of the metadata is replaced by an empty one.
    setup.disk.mount().rename(Path::new("/metadata"), Path::new("/lost")).unwrap();
    let refused = setup.try_start().await.unwrap_err().to_string();
    assert!(refused.contains("/metadata/__cluster_metadata-0") && refused.contains("/data"), "{refused}");
    setup.disk.mount().rename(Path::new("/lost"), Path::new("/metadata")).unwrap();
    let running = setup.start().await;
    assert_eq!(records_of(&running.client().await.fetch(&topic, 0, 0).await), [(0, "precious".to_owned())]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_log_directory_that_is_no_longer_named_leaves_its_partitions_offline() {
    let setup = Setup::new().with("log.dirs", "/data,/other");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    let partition = partitions_in(&running, "/other", &topic)[0];
    assert_eq!(client.produce(&topic, partition, &["precious"]).await.error_code, 0);
    running.stop().await.unwrap();
    let running = setup.clone().with("log.dirs", "/data").start().await;
    let mut client = running.client().await;
    // Not an empty log in the place of the one that is not there.
    assert_eq!(client.produce(&topic, partition, &["other"]).await.error_code, KAFKA_STORAGE_ERROR);
    assert_eq!(client.fetch(&topic, partition, 0).await.error_code, KAFKA_STORAGE_ERROR);
    running.stop().await.unwrap();
    let running = setup.start().await;
    assert_eq!(records_of(&running.client().await.fetch(&topic, partition, 0).await), [(0, "precious".to_owned())]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn damaged_records_cost_those_who_ask_for_them() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    for partition in 0..2 {
        assert_eq!(client.produce(&topic, partition, &["a"]).await.error_code, 0);
    }
    let log = running.disk.open(Path::new("/data/t-0/00000000000000000000.log"), OpenMode::ReadWrite).unwrap();
    // The magic.
    log.write_at(16, &[9]).unwrap();
    const CORRUPT_MESSAGE: i16 = 2;
    assert_eq!(client.fetch(&topic, 0, 0).await.error_code, CORRUPT_MESSAGE);
    let listed = client.call(10, &list_offsets(&topic, 0, 0)).await;
    assert_eq!(listed.topics[0].partitions[0].error_code, CORRUPT_MESSAGE);
    assert_eq!(records_of(&client.fetch(&topic, 1, 0).await), [(0, "a".to_owned())]);
    assert_eq!(client.produce(&topic, 0, &["b"]).await.error_code, 0);
    assert_eq!(*running.node.fatal().borrow(), None);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_deleted_topic_is_gone_at_once_and_its_files_after_the_delay() {
    let setup = Setup::new().with("log.segment.delete.delay.ms", "20");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    client.produce(&topic, 0, &["old"]).await;
    running.execution.hold_syncs();
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_name("t")).await.responses[0].error_code, 0);
    assert!(partitions_in(&running, "/data", &topic).is_empty());
    assert_eq!(fetched(client.call(FETCH, &fetch(FETCH, &[(&topic, 0, 0)])).await).error_code, 100, "UNKNOWN_TOPIC_ID");
    assert_eq!(client.call(METADATA, &metadata_of(&["t"])).await.topics[0].error_code, 3);
    // Made again at once: another topic, with nothing of the old one.
    running.execution.release_syncs();
    let again = client.create("t", 1, &[]).await;
    assert_ne!(again.id, topic.id);
    let empty = client.fetch(&again, 0, 0).await;
    assert_eq!((empty.high_watermark, records_of(&empty)), (0, Vec::new()));
    assert_eq!(client.produce(&again, 0, &["new"]).await.base_offset, 0);
    until(|| !running.list("/data").iter().any(|name| name.ends_with("-delete"))).await;
    running.stop().await.unwrap();
    let running = setup.start().await;
    assert_eq!(records_of(&running.client().await.fetch(&again, 0, 0).await), [(0, "new".to_owned())]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_deleted_topics_files_go_at_the_next_start_if_not_before() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    client.call(DELETE_TOPICS, &delete_by_name("t")).await;
    let deleted = |names: Vec<String>| names.iter().filter(|name| name.ends_with("-delete")).count();
    assert_eq!(deleted(running.list("/data")), 1, "kept for the delay");
    running.stop().await.unwrap();
    let running = setup.start().await;
    assert_eq!(deleted(running.list("/data")), 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn directories_that_the_metadata_does_not_know_are_set_aside() {
    let setup = Setup::new();
    let running = setup.start().await;
    let topic = running.client().await.create("known", 1, &[]).await;
    running.stop().await.unwrap();
    let disk = setup.disk.mount();
    disk.create_directory(Path::new("/data/unknown-3")).unwrap();
    let file = disk.open(Path::new("/data/unknown-3/00000000000000000000.log"), OpenMode::CreateNew).unwrap();
    file.write_at(0, b"precious").unwrap();
    let running = setup.start().await;
    let names = running.list("/data");
    assert!(names.iter().any(|name| name.starts_with("unknown-3.") && name.ends_with("-stray")), "{names:?}");
    assert!(!names.contains(&"unknown-3".to_owned()));
    assert_eq!(running.client().await.produce(&topic, 0, &["a"]).await.error_code, 0);
    running.stop().await.unwrap();
    // It stays set aside, and is in nobody's way.
    let running = setup.start().await;
    assert_eq!(running.list("/data").iter().filter(|name| name.ends_with("-stray")).count(), 1);
    running.stop().await.unwrap();
}

/// How far the metadata log is committed is told by a file that is not synced: a power cut may bring back what it said before.
#[tokio::test]
async fn a_topic_made_again_keeps_its_records_when_the_node_starts_from_older_metadata() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    let committed = |disk: &SimulatedDisk| {
        disk.mount().open(Path::new("/data/__cluster_metadata-0/klamm-committed"), OpenMode::ReadWrite).unwrap()
    };
    let mut then = Vec::new();
    committed(&setup.disk).read_at(0, 100, &mut then).unwrap();
    client.call(DELETE_TOPICS, &delete_by_name("t")).await;
    let topic = client.create("t", 1, &[]).await;
    assert_eq!(client.produce(&topic, 0, &["a"]).await.error_code, 0);
    running.crash();
    committed(&setup.disk).write_at(0, &then).unwrap();
    let running = setup.start().await;
    assert_eq!(records_of(&running.client().await.fetch(&topic, 0, 0).await), [(0, "a".to_owned())]);
    running.stop().await.unwrap();
}
