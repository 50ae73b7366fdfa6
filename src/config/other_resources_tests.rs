//! Groups and client metrics. Each judgement is that of Apache Kafka 4.3.0, put to it in these words.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::config::{RawConfig, ServerConfig};

fn settings(file: &str) -> Settings {
    ServerConfig::load(RawConfig::parse("test", file.as_bytes()).unwrap()).unwrap().config.settings
}

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn entry_of(entries: &[ConfigEntry], name: &str) -> (String, ConfigSource, Vec<(String, ConfigSource)>) {
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    let synonyms = entry.synonyms.iter().map(|synonym| (synonym.name.clone(), synonym.source)).collect();
    (entry.value.clone().unwrap(), entry.source, synonyms)
}

#[test]
fn a_group_has_its_own_settings_and_what_its_brokers_give_it() {
    let file = settings("group.consumer.session.timeout.ms=50000");
    let own = map(&[("consumer.heartbeat.interval.ms", "6000"), ("share.auto.offset.reset", "earliest")]);
    let all = map(&[("group.consumer.assignment.interval.ms", "5")]);
    let entries = describe_group(&file, DynamicConfigs { cluster: &all, ..DynamicConfigs::none() }, &own);
    assert!(entries.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(entries.len(), 17);
    let (value, source, synonyms) = entry_of(&entries, "consumer.heartbeat.interval.ms");
    assert_eq!((value.as_str(), source), ("6000", ConfigSource::Group));
    assert_eq!(synonyms.len(), 2);
    let (value, source, synonyms) = entry_of(&entries, "consumer.session.timeout.ms");
    assert_eq!((value.as_str(), source), ("50000", ConfigSource::StaticBroker));
    assert_eq!(synonyms[0], ("group.consumer.session.timeout.ms".to_owned(), ConfigSource::StaticBroker));
    let (value, source, _) = entry_of(&entries, "consumer.assignment.interval.ms");
    assert_eq!((value.as_str(), source), ("5", ConfigSource::DynamicDefaultBroker));
    let (value, source, synonyms) = entry_of(&entries, "share.auto.offset.reset");
    assert_eq!((value.as_str(), source, synonyms.len()), ("earliest", ConfigSource::Group, 1));
    let (value, source, synonyms) = entry_of(&entries, "share.isolation.level");
    assert_eq!((value.as_str(), source, synonyms.len()), ("read_uncommitted", ConfigSource::Default, 1));
}

#[test]
fn what_a_group_may_be_given() {
    let broker = settings("");
    for (name, value) in [
        ("consumer.session.timeout.ms", "46000"),
        ("share.record.lock.duration.ms", "50000"),
        ("share.auto.offset.reset", "by_duration:PT1H"),
        ("share.isolation.level", "read_committed"),
        ("consumer.assignment.interval.ms", "5"),
        ("streams.num.standby.replicas", "2"),
        ("streams.initial.rebalance.delay.ms", "5"),
    ] {
        assert_eq!(validate_group_configs(&broker, &map(&[(name, value)])), Ok(()), "{name}={value}");
    }
    for (name, value) in [
        ("consumer.session.timeout.ms", "1000"),
        ("consumer.session.timeout.ms", "99999999"),
        ("consumer.session.timeout.ms", "x"),
        ("consumer.heartbeat.interval.ms", "1"),
        ("share.record.lock.duration.ms", "5"),
        ("share.delivery.count.limit", "50"),
        ("share.partition.max.record.locks", "5"),
        ("share.auto.offset.reset", "EARLIEST"),
        ("share.auto.offset.reset", "by_duration:-PT1H"),
        ("share.isolation.level", "READ_COMMITTED"),
        ("share.renew.acknowledge.enable", "x"),
        ("streams.num.standby.replicas", "3"),
        ("streams.initial.rebalance.delay.ms", "-1"),
        ("nosuch", "1"),
    ] {
        let refused = validate_group_configs(&broker, &map(&[(name, value)]));
        assert!(matches!(refused, Err(ConfigRefusal::InvalidConfig(_))), "{name}={value}: {refused:?}");
    }
    let broker = settings("group.share.min.heartbeat.interval.ms=1\ngroup.share.max.heartbeat.interval.ms=99999");
    assert!(
        validate_group_configs(&broker, &map(&[("share.heartbeat.interval.ms", "45000")])).is_err(),
        "no more than the session"
    );
}

#[test]
fn durations_are_read_as_java_does() {
    for good in ["PT1H", "pt1h", "P2D", "P1DT2H3M4.5S", "PT-1H+61M", "PT0S", "PT1.S"] {
        assert!(is_duration(good), "{good}");
    }
    for bad in [
        "",
        "P",
        "PT",
        "P1DT",
        "1H",
        "PT1",
        "P1H",
        "PT1D",
        "PT1M1H",
        "PT1.5H",
        "PT.5S",
        "PT-1H",
        "PTxS",
        "PT1.0000000001S",
        "PT9999999999999999999H",
    ] {
        assert!(!is_duration(bad), "{bad}");
    }
}

#[test]
fn what_a_subscription_to_client_metrics_may_be() {
    for (name, value) in [
        ("interval.ms", "100"),
        ("metrics", "*"),
        ("metrics", ""),
        ("match", "client_id=x"),
        ("match", " client_id = a , client_software_name=b.*"),
        ("match", ""),
    ] {
        assert_eq!(validate_client_metrics(&map(&[(name, value)])), Ok(()), "{name}={value}");
    }
    for (name, value, is_request) in [
        ("interval.ms", "99", true),
        ("interval.ms", "3600001", true),
        ("nosuch", "1", true),
        ("interval.ms", "x", false),
        ("match", "client_id=[", false),
        ("match", "nosuch=x", false),
        ("match", "client_id", false),
        ("match", "client_id=", false),
        ("match", "client_id=a=b", false),
        ("match", "client_id=(?<=a)b", false),
    ] {
        let refused = validate_client_metrics(&map(&[(name, value)])).unwrap_err();
        assert_eq!(matches!(refused, ConfigRefusal::InvalidRequest(_)), is_request, "{name}={value}: {refused:?}");
    }
    let entries = describe_client_metrics(&map(&[("metrics", "a,b")]));
    assert_eq!(
        entry_of(&entries, "metrics"),
        ("a,b".to_owned(), ConfigSource::ClientMetrics, vec![("metrics".to_owned(), ConfigSource::ClientMetrics)])
    );
    assert_eq!(entry_of(&entries, "interval.ms"), ("300000".to_owned(), ConfigSource::Default, Vec::new()));
}
