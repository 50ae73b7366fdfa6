//! Tiered storage.

use super::super::key::{Key, Validator, boolean, double, int, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    boolean("follower.fetch.last.tiered.offset.enable").default("false").cluster_wide()
        .doc("A new follower starts at the first offset that is not in the remote tier yet."),
    long("log.local.retention.bytes").default("-2").at_least(-2).cluster_wide()
        .doc("Bytes of a tiered partition kept on the local disk; -2: as log.retention.bytes."),
    long("log.local.retention.ms").default("-2").at_least(-2).cluster_wide()
        .doc("Time that records of a tiered partition stay on the local disk; -2: as log.retention.ms."),
    int("remote.fetch.max.wait.ms").default("500").at_least(1).cluster_wide()
        .doc("Longest wait for data of the remote tier in a fetch."),
    long("remote.list.offsets.request.timeout.ms").default("30000").at_least(1).cluster_wide()
        .doc("Longest wait for the remote tier when offsets are looked up by time."),
    long("remote.log.index.file.cache.total.size.bytes").default("1073741824").at_least(1).cluster_wide()
        .doc("Disk space for cached indexes of remote segments."),
    long("remote.log.index.file.cache.ttl.ms").default("900000").at_least(-1).internal()
        .doc("Time that a cached index of a remote segment is kept; -1: no limit."),
    int("remote.log.manager.copier.thread.pool.size").default("10").at_least(1).cluster_wide()
        .doc("Threads that copy segments to the remote tier."),
    long("remote.log.manager.copy.max.bytes.per.second").default("9223372036854775807").at_least(1).cluster_wide()
        .doc("Bytes a second copied to the remote tier at most."),
    int("remote.log.manager.copy.quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure the rate of copies to the remote tier."),
    int("remote.log.manager.copy.quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    int("remote.log.manager.expiration.thread.pool.size").default("10").at_least(1).cluster_wide()
        .doc("Threads that delete expired segments from the remote tier."),
    long("remote.log.manager.fetch.max.bytes.per.second").default("9223372036854775807").at_least(1).cluster_wide()
        .doc("Bytes a second read from the remote tier at most."),
    int("remote.log.manager.fetch.quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure the rate of reads from the remote tier."),
    int("remote.log.manager.fetch.quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    int("remote.log.manager.follower.thread.pool.size").default("2").at_least(1).cluster_wide()
        .doc("Threads that follow the remote tier for partitions led elsewhere."),
    long("remote.log.manager.task.interval.ms").default("30000").at_least(1)
        .doc("Time between two looks for segments to copy or to delete remotely."),
    long("remote.log.manager.task.retry.backoff.max.ms").default("30000").at_least(1).internal()
        .doc("Longest pause before a failed task on the remote tier is tried again."),
    long("remote.log.manager.task.retry.backoff.ms").default("500").at_least(1).internal()
        .doc("First pause before a failed task on the remote tier is tried again."),
    double("remote.log.manager.task.retry.jitter").default("0.2").allowed(Validator::Fraction(0.0, 0.5)).internal()
        .doc("Random share by which these pauses vary."),
    int("remote.log.manager.thread.pool.size").default("2").at_least(1)
        .doc("Threads for tasks on the remote tier; replaced by the keys for copier and expiration."),
    int("remote.log.metadata.custom.metadata.max.bytes").default("128").at_least(0)
        .doc("Largest extra metadata that the storage may attach to a remote segment."),
    string("remote.log.metadata.manager.class.name").default("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager").allowed(Validator::NotEmpty)
        .doc("Class that keeps the list of remote segments. Java only."),
    string("remote.log.metadata.manager.class.path")
        .doc("Where that class is loaded from. Java only."),
    string("remote.log.metadata.manager.impl.prefix").default("rlmm.config.").allowed(Validator::NotEmpty)
        .doc("Prefix of the keys handed to that class."),
    string("remote.log.metadata.manager.listener.name").allowed(Validator::NotEmpty)
        .doc("Listener over which the list of remote segments is read and written."),
    int("remote.log.reader.max.pending.tasks").default("100").at_least(1)
        .doc("Reads of the remote tier that may wait."),
    int("remote.log.reader.threads").default("10").at_least(1).cluster_wide()
        .doc("Threads that read from the remote tier."),
    string("remote.log.storage.manager.class.name").allowed(Validator::NotEmpty)
        .doc("Class that reads and writes remote segments. Java only."),
    string("remote.log.storage.manager.class.path")
        .doc("Where that class is loaded from. Java only."),
    string("remote.log.storage.manager.impl.prefix").default("rsm.config.").allowed(Validator::NotEmpty)
        .doc("Prefix of the keys handed to that class."),
    boolean("remote.log.storage.system.enable").default("false")
        .doc("Allow topics to keep old segments in a remote tier."),
];
