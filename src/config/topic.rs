//! What holds for one topic: its own settings, else what the broker presets.

use std::collections::BTreeMap;

use super::key::Key;
use super::keys;
use super::settings::{Settings, bad_value};
use super::synonyms;
use super::value::Value;
use crate::types::{Compression, TimestampType};

/// Settings as the metadata log holds them: names and values as they were given.
pub type ConfigMap = BTreeMap<String, String>;

/// Broker settings changed while running (KIP-226). They hold against the file; those of one broker against those of all.
#[derive(Clone, Copy, Debug)]
pub struct DynamicConfigs<'a> {
    pub broker: &'a ConfigMap,
    pub cluster: &'a ConfigMap,
}

static NONE: ConfigMap = ConfigMap::new();

impl DynamicConfigs<'_> {
    #[must_use]
    pub fn none() -> Self {
        Self { broker: &NONE, cluster: &NONE }
    }
}

/// Judges the settings of a topic that is to be created or changed. Of a key that stands several times the last value holds, but no null
/// is overlooked.
///
/// # Errors
/// The text that goes with INVALID_CONFIG.
pub fn validate_topic_configs<'a>(configs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Result<(), String> {
    let (nulls, given): (Vec<_>, Vec<_>) = configs.into_iter().partition(|(_, value)| value.is_none());
    if !nulls.is_empty() {
        let names: Vec<&str> = nulls.into_iter().map(|(name, _)| name).collect();
        return Err(format!("Null value not supported for topic configs: {}", names.join(",")));
    }
    let configs: BTreeMap<&str, &str> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if let Some(name) = configs.keys().find(|name| keys::topic_key(name).is_none()) {
        return Err(format!("Unknown topic config name: {name}"));
    }
    let mut values = BTreeMap::new();
    for key in keys::TOPIC {
        if let Some(text) = configs.get(key.name) {
            values.insert(key.name, key.parse(text).map_err(|reason| bad_value(key, text, &reason))?);
        }
    }
    if let (Some(Value::Integer(least)), Some(Value::Integer(most))) =
        (values.get("min.compaction.lag.ms"), values.get("max.compaction.lag.ms"))
        && least > most
    {
        return Err(format!("conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"));
    }
    if values.get("remote.storage.enable") == Some(&Value::Boolean(true)) {
        return Err(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
                .to_owned(),
        );
    }
    Ok(())
}

/// What records are compressed with when the broker has to compress, by `compression.type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopicCompression {
    /// As they arrive.
    Producer,
    /// In this codec, with its level (`None`: the codec's own default).
    Always(Compression, Option<i32>),
}

/// Everything the log and the produce path act on for one topic. Times are in milliseconds, sizes in bytes; `None` is Kafka's
/// "no bound" (-1, or the largest number for flushing).
#[derive(Clone, PartialEq, Debug)]
pub struct TopicSettings {
    pub segment_bytes: u64,
    pub segment_ms: i64,
    pub segment_jitter_ms: i64,
    pub segment_index_bytes: u64,
    pub index_interval_bytes: u64,
    pub retention_ms: Option<i64>,
    pub retention_bytes: Option<u64>,
    pub file_delete_delay_ms: i64,
    pub flush_messages: Option<i64>,
    pub flush_ms: Option<i64>,
    pub preallocate: bool,
    /// `cleanup.policy`; neither of both keeps everything for ever.
    pub cleanup_delete: bool,
    pub cleanup_compact: bool,
    pub max_message_bytes: usize,
    pub timestamp_type: TimestampType,
    pub timestamp_before_max_ms: i64,
    pub timestamp_after_max_ms: i64,
    pub compression: TopicCompression,
    pub min_insync_replicas: i32,
    /// `producer.id.expiration.ms`: of the broker alone, and each log acts on it.
    pub producer_id_expiration_ms: i64,
}

impl TopicSettings {
    /// What holds for a topic with these settings of its own. Names and values that this version does not know (another broker
    /// wrote them) count as not set.
    #[must_use]
    pub fn resolve(broker: &Settings, dynamic: DynamicConfigs<'_>, overrides: &ConfigMap) -> Self {
        Resolver { broker, dynamic, overrides }.settings()
    }
}

/// Looks values of topic keys up: the topic's own, then the broker keys behind it in their order, then the key's default.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) broker: &'a Settings,
    pub(super) dynamic: DynamicConfigs<'a>,
    pub(super) overrides: &'a ConfigMap,
}

impl Resolver<'_> {
    /// # Panics
    /// When there is no such key or it has no value: mistakes in the tables, which a test finds.
    fn value(&self, name: &str) -> Value {
        self.optional_value(keys::topic_key(name).expect("a key of the table")).expect("the key has a default")
    }

    pub(super) fn optional_value(&self, key: &Key) -> Option<Value> {
        if let Some(value) = self.overrides.get(key.name).and_then(|text| key.parse(text).ok()) {
            return Some(value);
        }
        let preset = synonyms::of_topic_key(key.name).iter().find_map(|synonym| {
            let value = self.broker_value(synonym.key)?;
            match value {
                // Kafka prints any negative time of retention as -1.
                Value::Integer(number) if key.name == "retention.ms" && number < 0 => Some(Value::Integer(-1)),
                Value::Integer(number) => Some(Value::Integer(number.saturating_mul(synonym.factor))),
                Value::Boolean(_) | Value::Double(_) | Value::Text(_) | Value::List(_) => Some(value),
            }
        });
        preset.or_else(|| key.default.and_then(|text| key.parse(text).ok()))
    }

    /// The value of a broker key that holds now.
    fn broker_value(&self, name: &str) -> Option<Value> {
        let key = keys::broker_key(name)?;
        let changed = [self.dynamic.broker, self.dynamic.cluster].into_iter().find_map(|map| key.parse(map.get(name)?).ok());
        changed.or_else(|| self.broker.value(name))
    }

    fn integer(&self, name: &str) -> i64 {
        self.value(name).integer().expect("a key of integers")
    }

    fn boolean(&self, name: &str) -> bool {
        self.value(name) == Value::Boolean(true)
    }

    fn text(&self, name: &str) -> String {
        self.value(name).to_text()
    }

    /// For keys whose validators keep them at 0 or more.
    fn size(&self, name: &str) -> u64 {
        u64::try_from(self.integer(name)).expect("the key's validator keeps it positive")
    }

    fn settings(&self) -> TopicSettings {
        let below_forever = |name| Some(self.integer(name)).filter(|number| *number != i64::MAX);
        let policies = self.value("cleanup.policy").list().expect("a key of lists");
        let has_policy = |name: &str| policies.iter().any(|policy| policy == name);
        TopicSettings {
            segment_bytes: self.segment_bytes(),
            segment_ms: self.integer("segment.ms"),
            segment_jitter_ms: self.integer("segment.jitter.ms"),
            segment_index_bytes: self.size("segment.index.bytes"),
            index_interval_bytes: self.size("index.interval.bytes"),
            retention_ms: Some(self.integer("retention.ms")).filter(|time| *time >= 0),
            retention_bytes: u64::try_from(self.integer("retention.bytes")).ok(),
            file_delete_delay_ms: self.integer("file.delete.delay.ms"),
            flush_messages: below_forever("flush.messages"),
            flush_ms: below_forever("flush.ms"),
            preallocate: self.boolean("preallocate"),
            cleanup_delete: has_policy("delete"),
            cleanup_compact: has_policy("compact"),
            max_message_bytes: usize::try_from(self.size("max.message.bytes")).expect("31 bits"),
            timestamp_type: self.timestamp_type(),
            timestamp_before_max_ms: self.integer("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: self.integer("message.timestamp.after.max.ms"),
            compression: self.compression(),
            min_insync_replicas: i32::try_from(self.integer("min.insync.replicas")).expect("32 bits"),
            producer_id_expiration_ms: self.producer_id_expiration_ms(),
        }
    }

    /// The key for tests, which has no lower bound of its own, holds against the real one if it makes sense.
    fn segment_bytes(&self) -> u64 {
        let internal = keys::topic_key("internal.segment.bytes").and_then(|key| self.optional_value(key)?.integer());
        let internal = internal.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0);
        internal.unwrap_or_else(|| self.size("segment.bytes"))
    }

    fn producer_id_expiration_ms(&self) -> i64 {
        let value = self.broker_value("producer.id.expiration.ms").expect("the key has a default");
        value.integer().expect("a key of integers")
    }

    fn timestamp_type(&self) -> TimestampType {
        if self.text("message.timestamp.type") == "LogAppendTime" {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    fn compression(&self) -> TopicCompression {
        let level = |name| i32::try_from(self.integer(name)).expect("32 bits");
        match self.text("compression.type").as_str() {
            "uncompressed" => TopicCompression::Always(Compression::None, None),
            "gzip" => {
                let level = Some(level("compression.gzip.level")).filter(|level| *level != -1);
                TopicCompression::Always(Compression::Gzip, level)
            }
            "snappy" => TopicCompression::Always(Compression::Snappy, None),
            "lz4" => TopicCompression::Always(Compression::Lz4, Some(level("compression.lz4.level"))),
            "zstd" => TopicCompression::Always(Compression::Zstd, Some(level("compression.zstd.level"))),
            _ => TopicCompression::Producer,
        }
    }
}

#[cfg(test)]
#[path = "topic_tests.rs"]
mod tests;
