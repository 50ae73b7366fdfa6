use super::super::key::Effect;
use super::super::raw::RawConfig;
use super::super::server::ServerConfig;
use super::*;

fn broker(properties: &str) -> Settings {
    let raw = RawConfig::parse("f", properties.as_bytes()).expect("well formed");
    ServerConfig::load(raw).expect("valid").config.settings
}

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn resolve(properties: &str, overrides: &[(&str, &str)]) -> TopicSettings {
    TopicSettings::resolve(&broker(properties), DynamicConfigs::none(), &map(overrides))
}

const DAY: i64 = 24 * 3600 * 1000;

#[test]
fn without_any_setting_kafkas_defaults_hold() {
    let expected = TopicSettings {
        segment_bytes: 1 << 30,
        segment_ms: 7 * DAY,
        segment_jitter_ms: 0,
        segment_index_bytes: 10 << 20,
        index_interval_bytes: 4096,
        retention_ms: Some(7 * DAY),
        retention_bytes: None,
        file_delete_delay_ms: 60_000,
        flush_messages: None,
        flush_ms: None,
        preallocate: false,
        cleanup_delete: true,
        cleanup_compact: false,
        max_message_bytes: 1_048_588,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: 3_600_000,
        compression: TopicCompression::Producer,
        min_insync_replicas: 1,
        producer_id_expiration_ms: 86_400_000,
    };
    assert_eq!(resolve("", &[]), expected);
}

#[test]
fn retention_comes_from_the_topic_then_from_milliseconds_minutes_hours() {
    let retention = |properties, overrides: &[(&str, &str)]| resolve(properties, overrides).retention_ms;
    assert_eq!(retention("log.retention.hours=2", &[]), Some(7_200_000));
    assert_eq!(retention("log.retention.hours=2\nlog.retention.minutes=3", &[]), Some(180_000));
    assert_eq!(retention("log.retention.hours=2\nlog.retention.minutes=3\nlog.retention.ms=4", &[]), Some(4));
    assert_eq!(retention("log.retention.ms=4", &[("retention.ms", "5")]), Some(5));
    assert_eq!(retention("log.retention.ms=4", &[("retention.ms", "-1")]), None);
    assert_eq!(retention("log.retention.hours=-5", &[]), None);
    assert_eq!(retention("log.retention.hours=2147483647", &[]), Some(2_147_483_647 * 3_600_000));
}

#[test]
fn rolling_and_flushing_have_synonyms_too() {
    let settings = resolve("log.roll.hours=3\nlog.roll.jitter.hours=1\nlog.flush.scheduler.interval.ms=9", &[]);
    assert_eq!((settings.segment_ms, settings.segment_jitter_ms, settings.flush_ms), (3 * 3_600_000, 3_600_000, Some(9)));
    let settings = resolve("log.roll.hours=3\nlog.roll.ms=7\nlog.flush.scheduler.interval.ms=9\nlog.flush.interval.ms=8", &[]);
    assert_eq!((settings.segment_ms, settings.flush_ms), (7, Some(8)));
}

/// Another value of each broker key that stands behind a topic key. What the topic key then does has tests of its own.
const BEHIND_TOPIC_KEYS: &[(&str, &str)] = &[
    ("compression.gzip.level", "compression.type=gzip\ncompression.gzip.level=5"),
    ("compression.lz4.level", "compression.type=lz4\ncompression.lz4.level=5"),
    ("compression.type", "compression.type=zstd"),
    ("compression.zstd.level", "compression.type=zstd\ncompression.zstd.level=5"),
    ("log.cleanup.policy", "log.cleanup.policy=compact"),
    ("log.flush.interval.messages", "log.flush.interval.messages=5"),
    ("log.flush.interval.ms", "log.flush.interval.ms=5"),
    ("log.flush.scheduler.interval.ms", "log.flush.scheduler.interval.ms=5"),
    ("log.index.interval.bytes", "log.index.interval.bytes=5"),
    ("log.index.size.max.bytes", "log.index.size.max.bytes=5000"),
    ("log.message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms=5"),
    ("log.message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms=5"),
    ("log.message.timestamp.type", "log.message.timestamp.type=LogAppendTime"),
    ("log.preallocate", "log.preallocate=true"),
    ("log.retention.bytes", "log.retention.bytes=5"),
    ("log.retention.hours", "log.retention.hours=5"),
    ("log.retention.minutes", "log.retention.minutes=5"),
    ("log.retention.ms", "log.retention.ms=5"),
    ("log.roll.hours", "log.roll.hours=5"),
    ("log.roll.jitter.hours", "log.roll.jitter.hours=5"),
    ("log.roll.jitter.ms", "log.roll.jitter.ms=5"),
    ("log.roll.ms", "log.roll.ms=5"),
    ("log.segment.bytes", "log.segment.bytes=5000000"),
    ("log.segment.delete.delay.ms", "log.segment.delete.delay.ms=5"),
    ("message.max.bytes", "message.max.bytes=5"),
];

#[test]
fn every_broker_key_behind_a_topic_key_changes_it() {
    for (key, lines) in BEHIND_TOPIC_KEYS {
        let without = lines.rsplit_once(key).expect("the last line sets it").0;
        assert_ne!(resolve(lines, &[]), resolve(without, &[]), "{key}");
    }
    let synonyms = keys::TOPIC.iter().flat_map(|key| synonyms::of_topic_key(key.name));
    let acting = |synonym: &&synonyms::Synonym| {
        keys::broker_key(synonym.key).is_some_and(|key| matches!(key.effect, Effect::Acts(test) if test.ends_with("changes_it")))
    };
    assert_eq!(synonyms.filter(acting).count(), BEHIND_TOPIC_KEYS.len(), "each stands in the list");
}

#[test]
fn the_segment_size_for_tests_holds_against_the_other() {
    let bytes = |overrides| resolve("", overrides).segment_bytes;
    assert_eq!(bytes(&[("segment.bytes", "5000000"), ("internal.segment.bytes", "100")]), 100);
    assert_eq!(bytes(&[("segment.bytes", "5000000"), ("internal.segment.bytes", "0")]), 5_000_000);
}

#[test]
fn changes_hold_against_the_file_and_those_of_one_broker_against_those_of_all() {
    let settings = broker("log.segment.bytes=2000000");
    let (none, all, one) = (map(&[]), map(&[("log.segment.bytes", "3000000")]), map(&[("log.segment.bytes", "4000000")]));
    let bytes = |broker, cluster, overrides: &[(&str, &str)]| {
        TopicSettings::resolve(&settings, DynamicConfigs { broker, cluster }, &map(overrides)).segment_bytes
    };
    assert_eq!(bytes(&none, &none, &[]), 2_000_000);
    assert_eq!(bytes(&none, &all, &[]), 3_000_000);
    assert_eq!(bytes(&one, &all, &[]), 4_000_000);
    assert_eq!(bytes(&one, &all, &[("segment.bytes", "5000000")]), 5_000_000);
    assert_eq!(bytes(&one, &all, &[("segment.bytes", "5000000"), ("internal.segment.bytes", "100")]), 100);
    assert_eq!(bytes(&one, &all, &[("internal.segment.bytes", "0")]), 4_000_000);
    assert_eq!(bytes(&one, &all, &[("segment.bytes", "nonsense"), ("from.the.future", "1")]), 4_000_000);
}

#[test]
fn compression_names_a_codec_and_its_level() {
    let compression = |overrides: &[(&str, &str)]| resolve("compression.zstd.level=7", overrides).compression;
    let always = TopicCompression::Always;
    assert_eq!(compression(&[("compression.type", "uncompressed")]), always(Compression::None, None));
    assert_eq!(compression(&[("compression.type", "gzip")]), always(Compression::Gzip, None));
    assert_eq!(compression(&[("compression.type", "gzip"), ("compression.gzip.level", "9")]), always(Compression::Gzip, Some(9)));
    assert_eq!(compression(&[("compression.type", "snappy")]), always(Compression::Snappy, None));
    assert_eq!(compression(&[("compression.type", "lz4")]), always(Compression::Lz4, Some(9)));
    assert_eq!(compression(&[("compression.type", "zstd")]), always(Compression::Zstd, Some(7)));
}

#[test]
fn policies_can_be_one_both_or_none() {
    let policies = |value| {
        let settings = resolve("", &[("cleanup.policy", value)]);
        (settings.cleanup_delete, settings.cleanup_compact)
    };
    assert_eq!(policies("compact"), (false, true));
    assert_eq!(policies("compact,delete"), (true, true));
    assert_eq!(policies(""), (false, false));
}

/// Each case was put to Apache Kafka 4.3.0 as the only setting of a CreateTopics request.
#[test]
fn settings_are_taken_and_refused_as_kafka_does() {
    let cases: Vec<(String, Option<String>, i16, Option<String>)> =
        serde_json::from_str(include_str!("../../tests/golden/configs/create_topic_configs.json")).expect("the recording");
    assert!(cases.len() > 60);
    for (name, value, code, message) in cases {
        let ours = validate_topic_configs([(name.as_str(), value.as_deref())]);
        assert_eq!(ours.is_err(), code == 40, "{name}={value:?}: {ours:?}, Kafka: {message:?}");
        // Kafka's texts about lists have forms of their own, and it prints 2 as 2.0.
        let alike = |text: &str| text.replace("2.0", "2").replace(", ", ",").replace(['[', ']', '\'', '.'], "");
        if let (Err(ours), Some(message)) = (ours, message)
            && !message.starts_with("Configuration '")
        {
            assert_eq!(alike(&ours), alike(&message));
        }
    }
}

/// As Apache Kafka 4.3.0 answered to these pairs.
#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_and_every_null() {
    let judged = |values: [Option<&'static str>; 2]| validate_topic_configs(values.map(|value| ("retention.ms", value)));
    assert_eq!(judged([Some("abc"), Some("50000")]), Ok(()));
    assert!(judged([Some("50000"), Some("abc")]).is_err());
    let null = Err("Null value not supported for topic configs: retention.ms".to_owned());
    assert_eq!(judged([None, Some("50000")]), null);
    assert_eq!(judged([Some("50000"), None]), null);
}

#[test]
fn compaction_lags_must_not_contradict_each_other() {
    let conflict = [("min.compaction.lag.ms", Some("10")), ("max.compaction.lag.ms", Some("5"))];
    assert_eq!(
        validate_topic_configs(conflict),
        Err("conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)".to_owned())
    );
}
