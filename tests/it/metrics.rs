//! What /metrics tells of a node that serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use klamm::disk::{Operation, Reaction};
use tokio::io::AsyncWriteExt;

use crate::support::records::ProducerState;
use crate::world::groups::{OFFSET_COMMIT, commit};
use crate::world::requests::{FETCH, PRODUCE, batch, batch_of, create_topics, delete_by_name, fetch, fetched, produce, produced};
use crate::world::{Running, Scrape, Setup, until};

const TOPICS: &str = "kafka_server_brokertopicmetrics";

fn scrape(running: &Running) -> Scrape {
    Scrape::parse(&running.metrics())
}

#[tokio::test]
async fn topics_count_what_goes_in_and_out() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let (one, two) = (client.create("one", 2, &[]).await, client.create("two", 1, &[]).await);
    let sizes = [batch(&["a", "b"]).len(), batch(&["c"]).len()].map(|size| size as f64);
    client.produce(&one, 0, &["a", "b"]).await;
    client.produce(&one, 1, &["c"]).await;
    client.produce(&two, 0, &["c"]).await;
    client.fetch(&one, 0, 0).await;
    client.fetch(&one, 0, 2).await;
    let seen = scrape(&running);
    let of = |name: &str, topic: &str| seen.value(&format!("{TOPICS}_{name}_total"), &[("topic", topic)]);
    let all = |name: &str| seen.value(&format!("{TOPICS}_{name}_total"), &[]);
    assert_eq!([of("messagesin", "one"), of("messagesin", "two"), all("messagesin")], [3.0, 1.0, 4.0]);
    assert_eq!(of("bytesin", "one"), sizes[0] + sizes[1]);
    assert_eq!(all("bytesin"), sizes[0] + 2.0 * sizes[1]);
    assert_eq!([of("bytesout", "one"), of("bytesout", "two"), all("bytesout")], [sizes[0], 0.0, sizes[0]]);
    assert_eq!([of("totalproducerequests", "one"), all("totalproducerequests")], [2.0, 3.0]);
    assert_eq!([of("totalfetchrequests", "one"), of("totalfetchrequests", "two")], [2.0, 0.0]);
    assert_eq!([all("failedproducerequests"), all("failedfetchrequests"), all("bytesrejected")], [0.0; 3]);
    // A topic goes, the node's sums stay.
    client.call(6, &delete_by_name("one")).await;
    let after = scrape(&running);
    assert_eq!(after.find(&format!("{TOPICS}_messagesin_total"), &[("topic", "one")]), None);
    assert_eq!(after.value(&format!("{TOPICS}_messagesin_total"), &[]), 4.0);
    assert_eq!(after.value(&format!("{TOPICS}_bytesout_total"), &[]), sizes[0]);
    running.stop().await.unwrap();
}

/// Which errors count is Kafka's choice: those that a broker should not give (ReplicaManager.appendToLocalLog and readFromLog).
#[tokio::test]
async fn errors_count_as_failures_only_if_they_are_no_part_of_a_clusters_life() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[("max.message.bytes", "100")]).await;
    let counts = || {
        let seen = scrape(&running);
        let names =
            ["totalproducerequests", "failedproducerequests", "bytesrejected", "totalfetchrequests", "failedfetchrequests"];
        names.map(|name| seen.value(&format!("{TOPICS}_{name}_total"), &[("topic", "t")]))
    };
    let large = batch(&["x".repeat(200).as_str()]);
    let size = large.len() as f64;
    let refused = produced(client.call(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, large)])).await);
    assert_eq!((refused.error_code, counts()), (10, [1.0, 0.0, size, 0.0, 0.0]));
    let mut damaged = batch(&["a"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let refused = produced(client.call(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, damaged.into())])).await);
    assert_eq!((refused.error_code, counts()), (2, [2.0, 0.0, size, 0.0, 0.0]));
    // OUT_OF_ORDER_SEQUENCE_NUMBER is one.
    for (first_sequence, code) in [(0, 0), (7, 45)] {
        let records = batch_of(ProducerState { producer_id: 1, producer_epoch: 0, first_sequence }, &["a"]);
        let answer = produced(client.call(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, records)])).await);
        assert_eq!(answer.error_code, code);
    }
    assert_eq!(counts(), [4.0, 1.0, size, 0.0, 0.0]);
    let out_of_range = fetched(client.call(FETCH, &fetch(FETCH, &[(&topic, 0, 99)])).await);
    assert_eq!((out_of_range.error_code, counts()), (1, [4.0, 1.0, size, 1.0, 0.0]));
    let mut negative = fetch(FETCH, &[(&topic, 0, 0)]);
    negative.topics[0].partitions[0].partition_max_bytes = -1;
    assert_eq!((fetched(client.call(FETCH, &negative).await).error_code, counts()), (-1, [4.0, 1.0, size, 2.0, 1.0]));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn requests_are_counted_by_version_and_timed() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    client.call(9, &produce(9, -1, &[(&topic, 0, batch(&["a"]))])).await;
    client.produce(&topic, 0, &["a"]).await;
    client.fetch(&topic, 0, 0).await;
    let mut reader = running.client().await;
    let waiting = reader.send(FETCH, &fetch(FETCH, &[(&topic, 0, 2)]).with_max_wait_ms(60_000)).await;
    let purgatory = "kafka_server_delayedoperationpurgatory_purgatorysize";
    until(|| scrape(&running).value(purgatory, &[("delayedoperation", "Fetch")]) == 1.0).await;
    let seen = scrape(&running);
    let requests = |request, version| {
        seen.value("kafka_network_requestmetrics_requests_total", &[("request", request), ("version", version)])
    };
    assert_eq!([requests("Produce", "9"), requests("Produce", "13"), requests("CreateTopics", "7")], [1.0; 3]);
    assert_eq!([requests("Fetch", "18"), requests("FetchConsumer", "18")], [2.0; 2]);
    assert_eq!(
        [("Produce", 0.0), ("Fetch", 1.0)],
        ["Produce", "Fetch"].map(|api| (api, seen.value("klamm_requests_in_flight", &[("api", api)])))
    );
    let times = "kafka_network_requestmetrics_totaltimems";
    assert_eq!(seen.value(&format!("{times}_count"), &[("request", "Produce")]), 2.0);
    let quantile = |share| seen.value(times, &[("request", "Produce"), ("quantile", share)]);
    let quantiles = ["0.5", "0.75", "0.95", "0.99", "0.999"].map(quantile);
    assert!(quantiles.is_sorted() && quantiles[0] > 0.0, "{quantiles:?}");
    let sum = seen.value(&format!("{times}_sum"), &[("request", "Produce")]);
    assert!(sum > 0.0 && (seen.value("klamm_request_duration_seconds_sum", &[("api", "Produce")]) - sum / 1_000.0).abs() < 1e-9);
    client.produce(&topic, 0, &["woken"]).await;
    reader.receive(waiting).await;
    assert_eq!(scrape(&running).value("klamm_requests_in_flight", &[("api", "Fetch")]), 0.0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_produce_that_waits_for_its_sync_stands_in_the_purgatory() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    running.execution.hold_syncs();
    let sent = client.send(PRODUCE, &produce(PRODUCE, -1, &[(&topic, 0, batch(&["a"]))])).await;
    let waiting =
        || scrape(&running).find("kafka_server_delayedoperationpurgatory_purgatorysize", &[("delayedoperation", "Produce")]);
    until(|| waiting() == Some(1.0)).await;
    running.execution.release_syncs();
    assert_eq!(produced(client.receive(sent).await).error_code, 0);
    assert_eq!(waiting(), Some(0.0));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn replicas_the_controller_and_logs_are_told_as_they_are() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 3, &[]).await;
    for value in ["a", "b"] {
        client.produce(&topic, 2, &[value]).await;
    }
    let seen = scrape(&running);
    for (name, value) in [
        ("kafka_server_replicamanager_partitioncount", 3.0),
        ("kafka_server_replicamanager_leadercount", 3.0),
        ("kafka_server_replicamanager_offlinereplicacount", 0.0),
        ("kafka_server_replicamanager_underreplicatedpartitions", 0.0),
        ("kafka_server_replicamanager_underminisrpartitioncount", 0.0),
        ("kafka_server_replicamanager_atminisrpartitioncount", 3.0),
        ("kafka_controller_kafkacontroller_activecontrollercount", 1.0),
        ("kafka_controller_kafkacontroller_offlinepartitionscount", 0.0),
        ("kafka_controller_kafkacontroller_globaltopiccount", 1.0),
        ("kafka_controller_kafkacontroller_globalpartitioncount", 3.0),
        ("kafka_controller_kafkacontroller_activebrokercount", 1.0),
        ("kafka_controller_kafkacontroller_fencedbrokercount", 0.0),
        ("kafka_log_logmanager_offlinelogdirectorycount", 0.0),
        ("kafka_server_kafkaserver_brokerstate", 3.0),
    ] {
        assert_eq!(seen.value(name, &[]), value, "{name}");
    }
    let log = |name: &str| seen.value(&format!("kafka_log_log_{name}"), &[("topic", "t"), ("partition", "2")]);
    assert_eq!([log("logstartoffset"), log("logendoffset"), log("numlogsegments")], [0.0, 2.0, 1.0]);
    assert_eq!(log("size"), 2.0 * batch(&["a"]).len() as f64);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_clients_make_is_told_of_up_to_a_bound() {
    let running = Setup::new().with("klamm.metrics.max.series", "3").start().await;
    let mut client = running.client().await;
    for name in ["e", "a", "d", "c", "b"] {
        client.call(7, &create_topics(name, 2, &[])).await;
    }
    let seen = scrape(&running);
    assert_eq!(seen.labelled("kafka_server_brokertopicmetrics_bytesin_total", "topic"), ["a", "b", "c"]);
    assert_eq!(seen.labelled("kafka_log_log_size", "topic"), ["a", "a", "b"]);
    let left_out = |of| seen.value("klamm_metrics_left_out", &[("of", of)]);
    assert_eq!([left_out("topics"), left_out("partitions"), left_out("committed offsets")], [2.0, 7.0, 0.0]);
    assert_eq!(seen.value("kafka_server_replicamanager_partitioncount", &[]), 10.0, "sums know all");
    for group in ["two", "one"] {
        client.coordinator(group).await;
        client.call(OFFSET_COMMIT, &commit(group, "", -1, &[("a", 0, 0), ("a", 1, 0)])).await;
    }
    let seen = scrape(&running);
    assert_eq!(seen.labelled("kafka_consumergroup_current_offset", "consumergroup"), ["one", "one", "two"]);
    assert_eq!(seen.value("klamm_metrics_left_out", &[("of", "committed offsets")]), 1.0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn groups_are_counted_by_state_and_their_lag_is_told() {
    let running =
        Setup::new().with("group.initial.rebalance.delay.ms", "0").with("offsets.topic.num.partitions", "4").start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 2, &[]).await;
    for value in ["a", "b", "c"] {
        client.produce(&topic, 1, &[value]).await;
    }
    client.coordinator("g").await;
    let (member, generation) = client.join_alone("g").await;
    client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 1, 1)])).await;
    client.call(OFFSET_COMMIT, &commit("other", "", -1, &[("t", 1, 3), ("t", 0, 5)])).await;
    let seen = scrape(&running);
    let count = |name: &str| seen.value(&format!("kafka_coordinator_group_groupmetadatamanager_{name}"), &[]);
    assert_eq!([count("numgroups"), count("numoffsets")], [2.0, 3.0]);
    let states = ["preparingrebalance", "completingrebalance", "stable", "empty", "dead"];
    assert_eq!(states.map(|state| count(&format!("numgroups{state}"))), [0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(seen.value("kafka_server_group_coordinator_metrics_group_count", &[("protocol", "classic")]), 2.0);
    let of = |name: &str, group, partition| {
        let labels = [("consumergroup", group), ("topic", "t"), ("partition", partition)];
        seen.value(&format!("kafka_consumergroup_{name}"), &labels)
    };
    assert_eq!([of("current_offset", "g", "1"), of("lag", "g", "1")], [1.0, 2.0]);
    assert_eq!([of("lag", "other", "1"), of("lag", "other", "0")], [0.0, 0.0], "an offset ahead of the log is no lag");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn connections_are_counted_and_those_that_talk_nonsense_are_refused() {
    let running = Setup::new().start().await;
    let open = || scrape(&running).value("kafka_server_socket_server_metrics_connection_count", &[("listener", "PLAINTEXT")]);
    let (mut one, two) = (running.client().await, running.client().await);
    one.create("t", 1, &[]).await;
    until(|| open() == 2.0).await;
    drop(two);
    until(|| open() == 1.0).await;
    let mut stranger = tokio::net::TcpStream::connect(running.address()).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    until(|| scrape(&running).value("klamm_connections_refused_total", &[]) == 1.0).await;
    let seen = scrape(&running);
    assert_eq!(seen.value("klamm_connections_accepted_total", &[]), 3.0);
    assert_eq!([seen.value("klamm_request_budget_used_bytes", &[]), seen.value("klamm_request_budget_waiting", &[])], [0.0; 2]);
    running.stop().await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the disk takes its time")]
async fn a_slow_disk_is_counted() {
    let setup = Setup::new().with("klamm.disk.slow.ms", "20");
    let slow = Arc::new(AtomicBool::new(false));
    let is_slow = Arc::clone(&slow);
    setup.disk.on_call(Box::new(move |call| {
        if call.operation == Operation::Sync
            && call.path.ends_with("00000000000000000000.log")
            && is_slow.swap(false, Ordering::SeqCst)
        {
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        Reaction::Proceed
    }));
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let before = scrape(&running);
    slow.store(true, Ordering::SeqCst);
    client.produce(&topic, 0, &["a"]).await;
    let after = scrape(&running);
    let grown = |name: &str, work| after.value(name, &[("work", work)]) - before.value(name, &[("work", work)]);
    assert!(grown("klamm_disk_duration_seconds_sum", "sync") > 0.02);
    assert!(grown("klamm_disk_slow_total", "sync") >= 1.0);
    assert!(grown("klamm_disk_duration_seconds_count", "write") >= 1.0);
    running.stop().await.unwrap();
}
