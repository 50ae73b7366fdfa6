//! Klamm's own keys.

use super::super::key::{Key, Validator, int, long, string};
use super::super::listeners::read_admin_listener;
use super::super::server::read_cluster_id;

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    string("klamm.admin.listener").default("127.0.0.1:9644").allowed(Validator::Reading(read_admin_listener, "host:port or none"))
        .acts("compat process admin_listener_tells_health_and_metrics")
        .doc("Address of the HTTP server with /healthz, /readyz and /metrics; `none` turns it off. It knows no authentication: keep it on a private address."),
    string("klamm.cluster.id").allowed(Validator::Reading(read_cluster_id, "1 to 255 visible characters of ASCII"))
        .acts("it::settings::an_empty_node_takes_the_clusters_id_that_it_is_given")
        .doc("Id of the cluster that an empty node makes. Unset: a random one. Log directories that have one keep it. In a container: CLUSTER_ID."),
    int("klamm.connection.max.pipelined.requests").default("256").between(1, 1_000_000)
        .acts("net::tests::no_more_than_the_bound_is_in_flight_on_a_connection")
        .doc("Requests of one connection that may be unanswered; above it, no more are read."),
    int("klamm.connection.max.unanswered.bytes").default("33554432").at_least(1)
        .acts("net::tests::no_more_than_the_bound_is_in_flight_on_a_connection")
        .doc("Bytes of these requests; a single larger one is taken when it is alone."),
    int("klamm.connection.max.unsent.bytes").default("8388608").at_least(1)
        .acts("net::tests::a_peer_that_takes_no_answers_gets_no_more")
        .doc("Bytes of answers that a connection's peer has not taken; above it, no more of its requests are read."),
    int("klamm.controller.max.queued.requests").default("1024").between(1, 1_000_000)
        .acts("it::administration::more_decisions_than_the_metadata_log_takes_at_a_time_wait_for_a_slow_disk")
        .doc("Requests that may wait for the controller; more are refused with REQUEST_TIMED_OUT, and clients try again."),
    int("klamm.disk.max.queued.jobs").default("1024").between(1, 1_000_000)
        .acts("broker::disk_reads::tests::more_reads_than_the_queue_takes_stop_no_worker")
        .doc("Jobs that may wait for the threads that read, and as many for each thread that syncs; above half of it, clients' reads wait as tasks."),
    int("klamm.disk.reader.threads").default("4").between(1, 1024)
        .acts("broker::execution::tests::reads_run_side_by_side")
        .doc("Threads for reads that have to wait for the disk; what memory holds is read by the threads that serve connections."),
    long("klamm.disk.slow.ms").default("1000").at_least(0)
        .acts("it::metrics::a_slow_disk_is_counted")
        .doc("A sync, write or read that takes longer is counted as slow and told in the log, once a second at most."),
    string("klamm.flush.mode").default("durable").one_of(&["durable", "page-cache"])
        .acts("it::acknowledgement::page_cache_mode_acknowledges_before_the_sync_and_syncs_when_it_is_told_to")
        .doc("`durable`: a write is acknowledged, and readable, once it is on the device. `page-cache`: once it is in memory, as Apache Kafka does; a power cut can then lose acknowledged records that no other replica has on its device."),
    string("klamm.log.format").default("text").one_of(&["text", "json"])
        .acts("compat process log_lines_have_the_shape_and_level_asked_for")
        .doc("Shape of the program's own log lines on standard error."),
    string("klamm.log.level").default("info").one_of(&["off", "error", "warn", "info", "debug", "trace"])
        .acts("compat process log_lines_have_the_shape_and_level_asked_for")
        .doc("The least severity of the program's own log lines that is written."),
    int("klamm.log.max.open.segment.files").default("4096").between(16, 1_000_000)
        .acts("log::tests::append::few_files_are_open_however_many_segments_there_are")
        .doc("Segment and index files kept open at once over all partitions; the longest unused one is closed to open another."),
    int("klamm.metrics.max.series").default("5000").between(0, 10_000_000)
        .acts("it::metrics::what_clients_make_is_told_of_up_to_a_bound")
        .doc("Topics, partitions and committed offsets that /metrics tells of, so many of each, in order of their names; how many more there are is a metric of its own."),
    int("klamm.shutdown.timeout.ms").default("60000").at_least(0)
        .acts("it::stopping::disks_that_hang_do_not_keep_the_node_from_stopping")
        .doc("How long a stop waits for the disks to sync and close the logs; then the process ends all the same, and the next start recovers them."),
    int("klamm.worker.threads").between(1, 1024)
        .acts("broker::execution::tests::each_lane_and_place_has_its_named_thread")
        .doc("Threads that serve connections. Unset: one for each core."),
];
