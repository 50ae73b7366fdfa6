//! What may change while a broker runs. Each judgement is that of Apache Kafka 4.3.0, put to it in these words.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::config::{RawConfig, ServerConfig};

fn settings(file: &str) -> Settings {
    ServerConfig::load(RawConfig::parse("test", file.as_bytes()).unwrap()).unwrap().config.settings
}

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Judges a change of one setting of a broker without any other.
fn judge(scope: BrokerScope, name: &str, value: &str) -> Result<(), ConfigRefusal> {
    validate_broker_configs(&settings(""), DynamicConfigs::none(), scope, &map(&[(name, value)]))
}

#[test]
fn what_a_broker_takes_while_it_runs() {
    for (name, value) in [
        ("log.retention.ms", "-3"),
        ("num.network.threads", "1"),
        ("num.io.threads", "16"),
        ("max.connections.per.ip.overrides", "127.0.0.1:5,127.0.0.1:6"),
        ("max.connections.per.ip.overrides", ""),
        ("log.flush.interval.ms", "-1"),
        ("log.local.retention.bytes", "99"),
        ("metric.reporters", ""),
        ("sasl.enabled.mechanisms", "PLAIN"),
        ("ssl.client.auth", "none"),
        ("follower.replication.throttled.rate", "5"),
        ("cordoned.log.dirs", "*"),
        ("listener.name.plaintext.ssl.key.password", "secret"),
        ("listener.name.plaintext.nosuch", "1"),
        ("a.name.that.nobody.knows", "1"),
    ] {
        assert_eq!(judge(BrokerScope::Own, name, value), Ok(()), "{name}={value}");
    }
    for name in ["max.connections", "listener.name.plaintext.max.connections", "leader.replication.throttled.rate", "nosuch"] {
        assert_eq!(judge(BrokerScope::Default, name, "100"), Ok(()), "{name}");
    }
}

#[test]
fn what_a_broker_refuses_while_it_runs() {
    for (name, value) in [
        ("node.id", "1"),
        ("num.partitions", "3"),
        ("log.retention.hours", "5"),
        ("group.max.size", "99"),
        ("klamm.log.level", "debug"),
        ("ssl.key.password", "secret"),
        ("log.retention.ms", "x"),
        ("log.retention.ms", "0"),
        ("log.roll.ms", "0"),
        ("log.roll.jitter.ms", "-5"),
        ("num.network.threads", "7"),
        ("num.io.threads", "3"),
        ("log.cleaner.threads", "3"),
        ("log.cleaner.threads", "0"),
        ("log.cleaner.dedupe.buffer.size", "1048576"),
        ("log.local.retention.ms", "99999999999"),
        ("log.local.retention.ms", "-1"),
        ("max.connections", "-1"),
        ("max.connections.per.ip", "0"),
        ("max.connections.per.ip.overrides", "127.0.0.1:x"),
        ("max.connections.per.ip.overrides", "abc"),
        ("max.connection.creation.rate", "0"),
        ("group.consumer.assignment.interval.ms", "99999"),
        ("cordoned.log.dirs", "/nowhere"),
        ("metric.reporters", "no.such.Class"),
        ("principal.builder.class", "x"),
        ("listeners", "PLAINTEXT://:1"),
        ("listener.name.x.max.connections", "x"),
        ("leader.replication.throttled.rate", "-1"),
    ] {
        let refused = judge(BrokerScope::Own, name, value);
        assert!(matches!(refused, Err(ConfigRefusal::InvalidRequest(_))), "{name}={value}: {refused:?}");
    }
    for name in ["listeners", "cordoned.log.dirs", "listener.name.plaintext.ssl.key.password", "listener.name.plaintext.nosuch"] {
        let refused = judge(BrokerScope::Default, name, "*");
        assert!(matches!(refused, Err(ConfigRefusal::InvalidRequest(_))), "{name}: {refused:?}");
    }
}

/// A broker's own value hides the default of all, so a bad default shows only where none hides it.
#[test]
fn a_change_is_judged_by_what_it_makes_of_all_settings() {
    let (own, none) = (map(&[("num.network.threads", "3")]), ConfigMap::new());
    let current = DynamicConfigs { broker: &own, cluster: &none };
    let judge =
        |current| validate_broker_configs(&settings(""), current, BrokerScope::Default, &map(&[("num.network.threads", "300")]));
    assert_eq!(judge(current), Ok(()));
    assert!(judge(DynamicConfigs::none()).is_err());
}

#[test]
fn changed_settings_stand_against_those_written_in_other_units() {
    let file = settings("log.retention.hours=5\nlog.roll.ms=7");
    let (own, all) =
        (map(&[("log.retention.ms", "1")]), map(&[("log.retention.ms", "2"), ("log.roll.hours", "9"), ("listeners", "x://y:1")]));
    let changed = file.changed_by(DynamicConfigs { broker: &own, cluster: &all });
    assert_eq!(changed.optional_integer("log.retention.ms"), Some(1));
    assert!(!changed.is_set("log.retention.hours"));
    assert_eq!(changed.optional_integer("log.roll.ms"), Some(7), "log.roll.hours cannot change");
    assert_eq!(changed.list("listeners"), file.list("listeners"), "no default of all brokers");
}
