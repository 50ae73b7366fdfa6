//! The tables of keys: every one that Apache Kafka 4.3 reports for a broker and for a topic, and Klamm's own.

mod coordinators;
mod klamm;
mod log;
mod network;
mod node;
mod observability;
mod remote;
mod replication;
mod security;
mod topic;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::key::Key;

/// The tables of broker keys by subject, each with the heading that the documentation gives it.
pub const SUBJECTS: &[(&str, &[Key])] = &[
    ("Klamm's own", klamm::KEYS),
    ("Node and quorum", node::KEYS),
    ("Network", network::KEYS),
    ("Log and metadata log", log::KEYS),
    ("Replication and fetching", replication::KEYS),
    ("Groups, offsets and transactions", coordinators::KEYS),
    ("Security", security::KEYS),
    ("Tiered storage", remote::KEYS),
    ("Metrics and quotas", observability::KEYS),
];

/// Every topic key, sorted by name.
pub const TOPIC: &[Key] = topic::KEYS;

static BROKER: LazyLock<BTreeMap<&'static str, &'static Key>> =
    LazyLock::new(|| SUBJECTS.iter().flat_map(|(_, keys)| keys.iter()).map(|key| (key.name, key)).collect());

/// Every broker key, sorted by name.
pub(super) fn broker() -> impl Iterator<Item = &'static Key> {
    BROKER.values().copied()
}

#[must_use]
pub fn broker_key(name: &str) -> Option<&'static Key> {
    BROKER.get(name).copied()
}

#[must_use]
pub fn topic_key(name: &str) -> Option<&'static Key> {
    TOPIC.iter().find(|key| key.name == name)
}

/// Keys that Kafka hands to its plugins and does not list itself.
const PLUGIN_KEYS: &[&str] = &["super.users", "allow.everyone.if.no.acl.found"];
const PLUGIN_PREFIXES: &[&str] = &["config.providers.", "rsm.config.", "rlmm.config.", "kafka.metrics."];

/// A key that Kafka takes though no table holds it: of a plugin, or a known key for one listener (and SASL mechanism) only.
#[must_use]
pub(super) fn is_known_without_entry(name: &str) -> bool {
    PLUGIN_KEYS.contains(&name)
        || PLUGIN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.strip_prefix("listener.name.").is_some_and(|rest| {
            // listener.name.NAME.KEY or listener.name.NAME.MECHANISM.KEY
            let mut parts = rest.splitn(3, '.').skip(1);
            let after_listener = rest.split_once('.').map_or("", |(_, key)| key);
            broker_key(after_listener).is_some() || parts.nth(1).is_some_and(|key| broker_key(key).is_some())
        })
}

#[cfg(test)]
mod tests;
