//! Where Klamm's defaults are deliberately not Kafka's.

/// One default that differs, and why.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    pub key: &'static str,
    /// Kafka 4.3's default; `None` where it has none and asks for a value.
    pub kafka: Option<&'static str>,
    pub ours: &'static str,
    /// Only on a node without `process.roles`, which is a complete cluster of one.
    pub only_alone: bool,
    pub reason: &'static str,
}

const fn always(key: &'static str, kafka: Option<&'static str>, ours: &'static str, reason: &'static str) -> Deviation {
    Deviation { key, kafka, ours, only_alone: false, reason }
}

const fn when_alone(key: &'static str, kafka: &'static str) -> Deviation {
    const REASON: &str =
        "A cluster of one has one node to keep copies on; Kafka's default would leave the topic without enough replicas.";
    Deviation { key, kafka: Some(kafka), ours: "1", only_alone: true, reason: REASON }
}

/// All of them.
#[rustfmt::skip]
pub const DEVIATIONS: &[Deviation] = &[
    always("listeners", Some("PLAINTEXT://:9092"), "PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092",
        "A broker without authentication that nobody configured is reachable from its own machine only. One listener may have several addresses."),
    always("log.dir", Some("/tmp/kafka-logs"), "./klamm-data", "Many machines empty /tmp when they start."),
    always("broker.id", Some("-1"), "1", "The old name of node.id follows it."),
    always("node.id", None, "1", "A node starts without a configuration file."),
    always("process.roles", None, "broker,controller", "Without it a node is a complete cluster of one, so that it starts without a configuration file."),
    always("queued.max.request.bytes", Some("-1"), "268435456",
        "Requests in flight share one budget of memory, so that many clients at once cannot exhaust it. Kafka's -1 (no bound) can still be set."),
    when_alone("offsets.topic.replication.factor", "3"),
    when_alone("share.coordinator.state.topic.min.isr", "2"),
    when_alone("share.coordinator.state.topic.replication.factor", "3"),
    when_alone("transaction.state.log.min.isr", "2"),
    when_alone("transaction.state.log.replication.factor", "3"),
];

#[rustfmt::skip]
/// Ways of working that differ without a default of Kafka's being changed.
pub const OTHER_WAYS: &[(&str, &str)] = &[
    ("klamm.flush.mode", "Records are on the device before they are acknowledged or read; Kafka acknowledges from memory. `page-cache` returns to that."),
    ("unknown keys", "An unknown key stops the start with an error; Kafka ignores it."),
];

/// The default of a key on a cluster of one, where that is another than elsewhere.
pub(super) fn alone(name: &str) -> Option<&'static str> {
    DEVIATIONS.iter().find(|deviation| deviation.only_alone && deviation.key == name).map(|deviation| deviation.ours)
}
