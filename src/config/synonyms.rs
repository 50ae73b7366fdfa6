//! Which broker keys stand in for a key that is not set, and in what unit.
//!
//! From Kafka's ServerTopicConfigSynonyms and DynamicBrokerConfig.brokerConfigSynonyms.

/// A broker key that gives a topic its default.
#[derive(Clone, Copy, Debug)]
pub(super) struct Synonym {
    pub(super) key: &'static str,
    /// What its value is multiplied by to be in the topic key's unit.
    pub(super) factor: i64,
}

const MINUTES: i64 = 60 * 1000;
const HOURS: i64 = 60 * MINUTES;

const fn same(key: &'static str) -> Synonym {
    Synonym { key, factor: 1 }
}

/// The broker keys behind a topic key; the first that is set holds. Empty for keys that a broker cannot preset.
pub(super) fn of_topic_key(name: &str) -> &'static [Synonym] {
    match name {
        "segment.bytes" => const { &[same("log.segment.bytes")] },
        "segment.ms" => const { &[same("log.roll.ms"), Synonym { key: "log.roll.hours", factor: HOURS }] },
        "segment.jitter.ms" => const { &[same("log.roll.jitter.ms"), Synonym { key: "log.roll.jitter.hours", factor: HOURS }] },
        "segment.index.bytes" => const { &[same("log.index.size.max.bytes")] },
        "flush.messages" => const { &[same("log.flush.interval.messages")] },
        "flush.ms" => const { &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")] },
        "retention.bytes" => const { &[same("log.retention.bytes")] },
        "retention.ms" => {
            const MINUTES_KEY: Synonym = Synonym { key: "log.retention.minutes", factor: MINUTES };
            const HOURS_KEY: Synonym = Synonym { key: "log.retention.hours", factor: HOURS };
            const { &[same("log.retention.ms"), MINUTES_KEY, HOURS_KEY] }
        }
        "max.message.bytes" => const { &[same("message.max.bytes")] },
        "index.interval.bytes" => const { &[same("log.index.interval.bytes")] },
        "delete.retention.ms" => const { &[same("log.cleaner.delete.retention.ms")] },
        "min.compaction.lag.ms" => const { &[same("log.cleaner.min.compaction.lag.ms")] },
        "max.compaction.lag.ms" => const { &[same("log.cleaner.max.compaction.lag.ms")] },
        "file.delete.delay.ms" => const { &[same("log.segment.delete.delay.ms")] },
        "min.cleanable.dirty.ratio" => const { &[same("log.cleaner.min.cleanable.ratio")] },
        "cleanup.policy" => const { &[same("log.cleanup.policy")] },
        "unclean.leader.election.enable" => const { &[same("unclean.leader.election.enable")] },
        "min.insync.replicas" => const { &[same("min.insync.replicas")] },
        "compression.type" => const { &[same("compression.type")] },
        "compression.gzip.level" => const { &[same("compression.gzip.level")] },
        "compression.lz4.level" => const { &[same("compression.lz4.level")] },
        "compression.zstd.level" => const { &[same("compression.zstd.level")] },
        "preallocate" => const { &[same("log.preallocate")] },
        "message.timestamp.type" => const { &[same("log.message.timestamp.type")] },
        "message.timestamp.before.max.ms" => const { &[same("log.message.timestamp.before.max.ms")] },
        "message.timestamp.after.max.ms" => const { &[same("log.message.timestamp.after.max.ms")] },
        "local.retention.ms" => const { &[same("log.local.retention.ms")] },
        "local.retention.bytes" => const { &[same("log.local.retention.bytes")] },
        _ => &[],
    }
}

/// A broker key together with those that say the same in other units, the strongest first.
pub(super) fn of_broker_key(name: &'static str) -> Vec<&'static str> {
    const FAMILIES: &[&[&str]] = &[
        &["log.roll.ms", "log.roll.hours"],
        &["log.roll.jitter.ms", "log.roll.jitter.hours"],
        &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    ];
    match FAMILIES.iter().find(|family| family.contains(&name)) {
        Some(family) => family.to_vec(),
        // The scheduler's interval presets log.flush.interval.ms and is not preset by it.
        None if name == "log.flush.interval.ms" => vec![name, "log.flush.scheduler.interval.ms"],
        None => vec![name],
    }
}
