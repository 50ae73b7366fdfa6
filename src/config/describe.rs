//! The entries of DescribeConfigs (and of CreateTopics answers), as Kafka's ConfigHelper makes them.

use std::collections::BTreeSet;

use super::dynamic;
use super::key::{Key, ValueType};
use super::keys;
use super::settings::Settings;
use super::synonyms;
use super::topic::{ConfigMap, DynamicConfigs, Resolver};

/// Where a value comes from, with Kafka's codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigSource {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    BrokerLogger = 6,
    ClientMetrics = 7,
    Group = 8,
}

impl ConfigSource {
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// One place that gives or would give a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigSynonym {
    pub name: String,
    /// `None` for sensitive ones.
    pub value: Option<String>,
    pub source: ConfigSource,
}

/// One described key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigEntry {
    pub name: String,
    /// `None` for sensitive ones and where there is no value.
    pub value: Option<String>,
    pub source: ConfigSource,
    pub is_read_only: bool,
    pub is_sensitive: bool,
    /// The one that holds first.
    pub synonyms: Vec<ConfigSynonym>,
    /// `None` (code 0 on the wire) for keys that no table holds.
    pub value_type: Option<ValueType>,
    pub documentation: Option<&'static str>,
}

/// All keys of a topic, by name; hidden ones only if the topic sets them.
#[must_use]
pub fn describe_topic(broker: &Settings, dynamic: DynamicConfigs<'_>, overrides: &ConfigMap) -> Vec<ConfigEntry> {
    let resolver = Resolver { broker, dynamic, overrides };
    let shown = |key: &&Key| !key.internal || overrides.contains_key(key.name);
    keys::TOPIC.iter().filter(shown).map(|key| topic_entry(key, resolver)).collect()
}

fn topic_entry(key: &'static Key, resolver: Resolver<'_>) -> ConfigEntry {
    let value = resolver.optional_value(key).map(|value| value.to_text());
    let mut synonyms = Vec::new();
    if resolver.overrides.contains_key(key.name) {
        synonyms.push(ConfigSynonym { name: key.name.to_owned(), value: value.clone(), source: ConfigSource::Topic });
    }
    // Only the strongest broker key counts as a synonym, and only if it has a value itself.
    if let Some(strongest) = synonyms::of_topic_key(key.name).first() {
        synonyms.extend(broker_synonyms(strongest.key, resolver.broker, resolver.dynamic));
    }
    entry(key, value, synonyms)
}

/// All keys of a topic as a CreateTopics answer shows them: by name, values as they were given, and, unlike DescribeConfigs, with the
/// source of weaker broker keys too (KafkaConfigSchema.resolveEffectiveTopicConfigs). Has no synonyms.
#[must_use]
pub fn describe_created_topic(broker: &Settings, dynamic: DynamicConfigs<'_>, overrides: &ConfigMap) -> Vec<ConfigEntry> {
    let resolver = Resolver { broker, dynamic, overrides };
    let describe = |key: &'static Key| {
        let behind = synonyms::of_topic_key(key.name);
        let any_in = |map: &ConfigMap| behind.iter().any(|synonym| map.contains_key(synonym.key));
        let source = if overrides.contains_key(key.name) {
            ConfigSource::Topic
        } else if any_in(dynamic.broker) {
            ConfigSource::DynamicBroker
        } else if any_in(dynamic.cluster) {
            ConfigSource::DynamicDefaultBroker
        } else if behind.iter().any(|synonym| broker.is_set(synonym.key)) {
            ConfigSource::StaticBroker
        } else {
            ConfigSource::Default
        };
        let given = overrides.get(key.name).cloned();
        let value = given.or_else(|| resolver.optional_value(key).map(|value| value.to_text()));
        ConfigEntry { source, ..entry(key, value, Vec::new()) }
    };
    keys::TOPIC.iter().filter(|key| !key.internal).map(describe).collect()
}

/// All keys of a broker, by name; then keys of plugins, of which Kafka knows no type and hides the value.
#[must_use]
pub fn describe_broker(broker: &Settings, dynamic: DynamicConfigs<'_>) -> Vec<ConfigEntry> {
    let describe = |key: &'static Key| {
        let changed = |name: &str| [dynamic.broker, dynamic.cluster].into_iter().find_map(|map| map.get(name));
        let value = if let Some(text) = changed(key.name) {
            key.parse(text).ok().map(|value| value.to_text())
        } else if synonyms::of_broker_key(key.name).into_iter().any(|name| changed(name).is_some()) {
            // Kafka drops what the file says about a family of keys when one of them is changed.
            broker.default_text(key).map(str::to_owned)
        } else {
            broker.value(key.name).map(|value| value.to_text())
        };
        entry(key, value, broker_synonyms(key.name, broker, dynamic))
    };
    let listed = keys::broker().filter(|key| !key.internal || broker.is_set(key.name)).map(describe);
    let unlisted: BTreeSet<&str> =
        broker.unlisted().chain(dynamic.broker.keys().chain(dynamic.cluster.keys()).map(String::as_str)).collect();
    let unlisted = unlisted.into_iter().filter(|name| keys::broker_key(name).is_none());
    listed.chain(unlisted.map(|name| unlisted_entry(name, broker, dynamic))).collect()
}

/// What resource "" of type broker shows: the settings changed for all brokers.
#[must_use]
pub fn describe_cluster_defaults(broker: &Settings, dynamic: DynamicConfigs<'_>) -> Vec<ConfigEntry> {
    let changed = dynamic.cluster.iter().map(|(name, value)| match keys::broker_key(name) {
        Some(key) => entry(key, Some(value.clone()), broker_synonyms(key.name, broker, dynamic)),
        None => unlisted_entry(name, broker, dynamic),
    });
    let of_all = |mut entry: ConfigEntry| {
        entry.synonyms.retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
        entry.source = ConfigSource::DynamicDefaultBroker;
        entry.value = entry.synonyms.first().and_then(|synonym| synonym.value.clone());
        entry
    };
    changed.map(of_all).collect()
}

pub(super) fn entry(key: &'static Key, value: Option<String>, synonyms: Vec<ConfigSynonym>) -> ConfigEntry {
    ConfigEntry {
        name: key.name.to_owned(),
        value: value.filter(|_| !key.is_sensitive()),
        source: synonyms.first().map_or(ConfigSource::Default, |synonym| synonym.source),
        is_read_only: key.is_read_only(),
        is_sensitive: key.is_sensitive(),
        synonyms,
        value_type: Some(key.value_type),
        documentation: Some(key.documentation),
    }
}

/// A key that no table holds: of one listener, then it is of that key's type; of a plugin, or unknown, then nothing is known of it and
/// its value hidden. Kafka calls them all read only.
fn unlisted_entry(name: &str, broker: &Settings, dynamic: DynamicConfigs<'_>) -> ConfigEntry {
    let of_listener = dynamic::listener_key(name).and_then(keys::broker_key);
    let key = dynamic::broker_key(name).or(of_listener);
    let is_sensitive = key.is_none_or(Key::is_sensitive);
    let shown = |value: &String| Some(value.clone()).filter(|_| !is_sensitive);
    let changed = [(ConfigSource::DynamicBroker, dynamic.broker), (ConfigSource::DynamicDefaultBroker, dynamic.cluster)];
    let own = changed
        .into_iter()
        .filter_map(|(source, map)| Some(ConfigSynonym { name: name.to_owned(), value: shown(map.get(name)?), source }));
    let mut synonyms: Vec<ConfigSynonym> = own.collect();
    if broker.unlisted().any(|unlisted| unlisted == name) {
        synonyms.push(ConfigSynonym { name: name.to_owned(), value: None, source: ConfigSource::StaticBroker });
    }
    if let Some(key) = of_listener {
        synonyms.extend(broker_synonyms(key.name, broker, dynamic));
    }
    ConfigEntry {
        name: name.to_owned(),
        value: synonyms.first().and_then(|synonym| synonym.value.clone()),
        source: synonyms.first().map_or(ConfigSource::StaticBroker, |synonym| synonym.source),
        is_read_only: dynamic::broker_key(name).is_none(),
        is_sensitive,
        synonyms,
        value_type: key.map(|key| key.value_type),
        documentation: key.map(|key| key.documentation),
    }
}

/// Who gives a broker key and its family a value, from the strongest source to the weakest. Kafka leaves out what stands before the
/// first mention of the key itself.
pub(super) fn broker_synonyms(name: &'static str, broker: &Settings, dynamic: DynamicConfigs<'_>) -> Vec<ConfigSynonym> {
    let family: Vec<&'static Key> = synonyms::of_broker_key(name).into_iter().filter_map(keys::broker_key).collect();
    let mut synonyms = Vec::new();
    let mut gather = |source, lookup: &dyn Fn(&Key) -> Option<String>| {
        for key in &family {
            if let Some(value) = lookup(key) {
                let value = Some(value).filter(|_| !key.is_sensitive());
                synonyms.push(ConfigSynonym { name: key.name.to_owned(), value, source });
            }
        }
    };
    gather(ConfigSource::DynamicBroker, &|key| dynamic.broker.get(key.name).cloned());
    gather(ConfigSource::DynamicDefaultBroker, &|key| dynamic.cluster.get(key.name).cloned());
    gather(ConfigSource::StaticBroker, &|key| broker.written(key.name).map(|written| written.text.clone()));
    gather(ConfigSource::Default, &|key| broker.default_text(key).map(str::to_owned));
    synonyms.into_iter().skip_while(|synonym| synonym.name != name).collect()
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
