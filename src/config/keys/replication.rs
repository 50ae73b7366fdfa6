//! Replicas, leaders, fetching.

use super::super::key::{Key, boolean, int, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    boolean("auto.leader.rebalance.enable").default("true")
        .doc("Give leadership back to the preferred replicas in the background."),
    int("default.replication.factor").default("1")
        .acts("it::settings::topics_and_nodes_are_as_the_brokers_keys_say")
        .doc("Replicas of a topic that is created without saying how many, and of topics made on first use."),
    int("delete.records.purgatory.purge.interval.requests").default("1")
        .doc("Finished DeleteRecords requests that may gather among the waiting ones before they are cleared out."),
    int("fetch.max.bytes").default("57671680").at_least(1_024)
        .acts("it::settings::an_answer_to_a_fetch_ends_at_the_brokers_most_bytes")
        .doc("Most bytes of one fetch answer; a single larger batch is sent all the same."),
    int("fetch.purgatory.purge.interval.requests").default("1000")
        .doc("Finished Fetch requests that may gather among the waiting ones before they are cleared out."),
    long("leader.imbalance.check.interval.seconds").default("300").at_least(1)
        .doc("Time between two checks whether leaders stand on preferred replicas."),
    int("max.incremental.fetch.session.cache.slots").default("1000").at_least(0)
        .acts("it::fetching::what_a_session_refuses")
        .doc("Fetch sessions that the broker remembers; 0 turns them off."),
    int("min.insync.replicas").default("1").at_least(1).cluster_wide()
        .acts("it::configs::trap_54_min_insync_replicas_is_the_clusters_from_the_first_start_on")
        .doc("Replicas that must be in sync for a write with acks=all to be taken."),
    int("num.replica.fetchers").default("1").at_least(1).cluster_wide()
        .doc("Threads that copy from each other broker."),
    int("producer.purgatory.purge.interval.requests").default("1000")
        .doc("Finished Produce requests that may gather among the waiting ones before they are cleared out."),
    int("replica.fetch.backoff.ms").default("1000").at_least(0)
        .doc("Pause of a follower after an error."),
    int("replica.fetch.max.bytes").default("1048576").at_least(0)
        .doc("Bytes of one partition that a follower asks for at once."),
    int("replica.fetch.min.bytes").default("1")
        .doc("Bytes that a leader waits for before it answers a follower."),
    int("replica.fetch.response.max.bytes").default("10485760").at_least(0)
        .doc("Bytes of one answer to a follower."),
    int("replica.fetch.wait.max.ms").default("500")
        .doc("Longest time that a leader keeps a follower waiting; at most replica.lag.time.max.ms."),
    long("replica.high.watermark.checkpoint.interval.ms").default("5000")
        .acts("it::settings::checkpoints_are_written_at_their_intervals")
        .doc("Time between two writes of the high watermarks."),
    long("replica.lag.time.max.ms").default("30000")
        .doc("Time that a follower may lag behind before it leaves the in-sync replicas."),
    string("replica.selector.class")
        .doc("Class that picks the replica a consumer should read from. Java only."),
    int("replica.socket.receive.buffer.bytes").default("65536")
        .doc("Receive buffer of connections to leaders."),
    int("replica.socket.timeout.ms").default("30000")
        .doc("Time a follower waits for its leader's answer."),
    boolean("unclean.leader.election.enable").default("false").cluster_wide()
        .doc("Let a replica that is not in sync become leader when no other is left; records can be lost."),
    long("unclean.leader.election.interval.ms").default("300000").at_least(1).internal()
        .doc("Time between two looks for partitions that need such an election."),
];
