//! `klamm config show`: settings as text for people.

use std::fmt::Write as _;

use crate::config::{ConfigSource, DEVIATIONS, DynamicConfigs, OTHER_WAYS, ServerConfig, describe_broker};

/// Every key with the value that holds and where it comes from.
pub(super) fn settings(config: &ServerConfig) -> String {
    let entries = describe_broker(&config.settings, DynamicConfigs::none());
    let mut text = String::new();
    for entry in entries {
        let value = match entry.value {
            _ if entry.is_sensitive => "[hidden]".to_owned(),
            Some(value) => value,
            None => "[not set]".to_owned(),
        };
        let source = match config.settings.origin(&entry.name) {
            Some(origin) => origin.to_string(),
            None if entry.source == ConfigSource::Default => "default".to_owned(),
            None => "configured".to_owned(),
        };
        writeln!(text, "{}={value}  ({source})", entry.name).expect("writing to a string");
    }
    text
}

/// Where Klamm is not as Kafka is, and why.
pub(super) fn deviations() -> String {
    let mut text = String::new();
    for deviation in DEVIATIONS {
        let when = if deviation.only_alone { " (without process.roles)" } else { "" };
        let kafka = deviation.kafka.unwrap_or("none, it has to be set");
        let reason = deviation.reason;
        writeln!(text, "{}{when}\n  Kafka: {kafka}\n  Klamm: {}\n  {reason}", deviation.key, deviation.ours)
            .expect("writing to a string");
    }
    for (subject, way) in OTHER_WAYS {
        writeln!(text, "{subject}\n  {way}").expect("writing to a string");
    }
    text
}
