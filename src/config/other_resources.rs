//! What DescribeConfigs tells of groups and of client metrics: settings that nobody has changed, since neither can be changed yet.

use super::describe::{ConfigEntry, ConfigSource, ConfigSynonym};
use super::key::ValueType;
use super::settings::Settings;

/// A key of a group (GroupConfig.java).
struct GroupKey {
    name: &'static str,
    /// The broker key that gives its default; `None` where the default is a fixed one.
    broker: Option<&'static str>,
    value_type: ValueType,
    fixed: &'static str,
    documentation: &'static str,
}

const fn from_broker(name: &'static str, broker: &'static str, documentation: &'static str) -> GroupKey {
    GroupKey { name, broker: Some(broker), value_type: ValueType::Int, fixed: "", documentation }
}

const fn fixed(name: &'static str, value_type: ValueType, value: &'static str, documentation: &'static str) -> GroupKey {
    GroupKey { name, broker: None, value_type, fixed: value, documentation }
}

const GROUP: &[GroupKey] = &[
    from_broker(
        "consumer.assignment.interval.ms",
        "group.consumer.assignment.interval.ms",
        "Shortest time between two assignments.",
    ),
    from_broker("consumer.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms", "How often members report."),
    from_broker("consumer.session.timeout.ms", "group.consumer.session.timeout.ms", "A member silent for so long is put out."),
    from_broker("share.assignment.interval.ms", "group.share.assignment.interval.ms", "Shortest time between two assignments."),
    fixed("share.auto.offset.reset", ValueType::String, "latest", "Where a share group starts that has no offsets."),
    from_broker(
        "share.delivery.count.limit",
        "group.share.delivery.count.limit",
        "Deliveries of a record before it is given up.",
    ),
    from_broker("share.heartbeat.interval.ms", "group.share.heartbeat.interval.ms", "How often members report."),
    fixed("share.isolation.level", ValueType::String, "read_uncommitted", "Whether records of open transactions are delivered."),
    from_broker(
        "share.partition.max.record.locks",
        "group.share.partition.max.record.locks",
        "Records of a partition in delivery.",
    ),
    from_broker("share.record.lock.duration.ms", "group.share.record.lock.duration.ms", "How long a record is one member's."),
    fixed("share.renew.acknowledge.enable", ValueType::Boolean, "true", "Whether members may renew their hold on a record."),
    from_broker("share.session.timeout.ms", "group.share.session.timeout.ms", "A member silent for so long is put out."),
    from_broker(
        "streams.assignment.interval.ms",
        "group.streams.assignment.interval.ms",
        "Shortest time between two assignments.",
    ),
    from_broker("streams.heartbeat.interval.ms", "group.streams.heartbeat.interval.ms", "How often members report."),
    from_broker(
        "streams.initial.rebalance.delay.ms",
        "group.streams.initial.rebalance.delay.ms",
        "How long an empty group waits.",
    ),
    from_broker("streams.num.standby.replicas", "group.streams.num.standby.replicas", "Standby copies of a task's state."),
    from_broker("streams.session.timeout.ms", "group.streams.session.timeout.ms", "A member silent for so long is put out."),
];

/// All keys of a group, by name, whatever its id: what the broker's settings give it.
#[must_use]
pub fn describe_group(broker: &Settings) -> Vec<ConfigEntry> {
    GROUP.iter().map(|key| group_entry(key, broker)).collect()
}

fn group_entry(key: &GroupKey, broker: &Settings) -> ConfigEntry {
    let value = match key.broker {
        Some(broker_key) => broker.value(broker_key).map(|value| value.to_text()),
        None => Some(key.fixed.to_owned()),
    };
    let is_set = key.broker.is_some_and(|broker_key| broker.is_set(broker_key));
    let source = if is_set { ConfigSource::StaticBroker } else { ConfigSource::Default };
    let synonym = ConfigSynonym { name: key.broker.unwrap_or(key.name).to_owned(), value: value.clone(), source };
    ConfigEntry {
        name: key.name.to_owned(),
        value,
        source,
        is_read_only: false,
        is_sensitive: false,
        synonyms: vec![synonym],
        value_type: Some(key.value_type),
        documentation: Some(key.documentation),
    }
}

/// All keys of a subscription to client metrics, by name (ClientMetricsConfigs.java).
#[must_use]
pub fn describe_client_metrics() -> Vec<ConfigEntry> {
    let entry = |name: &str, value: &str, value_type, documentation| ConfigEntry {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source: ConfigSource::Default,
        is_read_only: false,
        is_sensitive: false,
        synonyms: Vec::new(),
        value_type: Some(value_type),
        documentation: Some(documentation),
    };
    vec![
        entry("interval.ms", "300000", ValueType::Int, "How often clients push their metrics."),
        entry("match", "", ValueType::List, "Which clients the subscription is for."),
        entry("metrics", "", ValueType::List, "Which metrics are asked for."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RawConfig, ServerConfig};

    #[test]
    fn a_group_has_what_the_brokers_settings_give_it() {
        let raw = RawConfig::parse("test", b"group.consumer.session.timeout.ms=50000").expect("properties");
        let config = ServerConfig::load(raw).expect("valid").config;
        let entries = describe_group(&config.settings);
        assert!(entries.is_sorted_by(|a, b| a.name < b.name));
        assert_eq!(entries.len(), 17);
        let entry = |name: &str| entries.iter().find(|entry| entry.name == name).expect("described");
        let changed = entry("consumer.session.timeout.ms");
        assert_eq!((changed.value.as_deref(), changed.source), (Some("50000"), ConfigSource::StaticBroker));
        assert_eq!(changed.synonyms.first().map(|synonym| synonym.name.as_str()), Some("group.consumer.session.timeout.ms"));
        let fixed = entry("share.auto.offset.reset");
        assert_eq!((fixed.value.as_deref(), fixed.source), (Some("latest"), ConfigSource::Default));
    }
}
