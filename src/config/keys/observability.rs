//! Metrics, telemetry, quota windows.

use super::super::key::{Key, class, int, list, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    int("alter.log.dirs.replication.quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure the rate of moves between log directories."),
    int("alter.log.dirs.replication.quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    class("client.quota.callback.class")
        .refused("this version runs no Java class: no client would be held to its quota")
        .doc("Class that computes client quotas. Java only."),
    int("controller.quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure the rate of topic and partition changes."),
    int("controller.quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    int("kafka.metrics.polling.interval.secs").default("10").at_least(1)
        .doc("Polling interval of the older metrics reporters, in seconds."),
    list("kafka.metrics.reporters").default("")
        .doc("Classes of the older metrics reporters. Java only."),
    list("metric.reporters").default("org.apache.kafka.common.metrics.JmxReporter").cluster_wide()
        .doc("Classes that report metrics. Java only; Klamm's metrics stand at /metrics of klamm.admin.listener."),
    int("metrics.num.samples").default("2").at_least(1)
        .doc("Samples kept for a metric."),
    string("metrics.recording.level").default("INFO")
        .doc("Which metrics are recorded."),
    long("metrics.sample.window.ms").default("30000").at_least(1)
        .doc("Length of a sample of a metric."),
    int("quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure the rates of clients."),
    int("quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    int("replication.quota.window.num").default("11").at_least(1)
        .doc("Samples kept to measure throttled replication."),
    int("replication.quota.window.size.seconds").default("1").at_least(1)
        .doc("Length of each of these samples, in seconds."),
    int("telemetry.max.bytes").default("1048576").at_least(1)
        .doc("Largest push of client metrics after decompression."),
];
