use super::super::deviations::DEVIATIONS;
use super::super::key::{Scope, Validator};
use super::*;

/// Scope, name, type, default, validator, update mode, hidden.
type Recorded = (String, String, String, Option<String>, Option<String>, String, bool);

/// A validator as Kafka's own prints itself.
fn as_kafka_prints(validator: &Validator) -> Option<String> {
    match validator {
        Validator::Any => None,
        Validator::AtLeast(minimum) => Some(format!("[{minimum},...]")),
        Validator::Between(minimum, maximum) => Some(format!("[{minimum},...,{maximum}]")),
        Validator::BetweenOr(minimum, maximum, other) => Some(format!("[{minimum},...,{maximum}] or {other}")),
        Validator::Fraction(minimum, f64::MAX) => Some(format!("[{minimum},...]")),
        Validator::Fraction(minimum, maximum) => Some(format!("[{minimum},...,{maximum}]")),
        Validator::OneOf(names) => Some(format!("[{}]", names.join(", "))),
        Validator::OneOfIgnoringCase(names) => {
            let mut names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
            names.sort();
            Some(format!("(case insensitive) [{}]", names.join(", ")))
        }
        Validator::NotEmpty => Some("non-empty string".to_owned()),
        Validator::Entries { allowed, may_be_empty } => {
            Some(format!("list [{}]{}", allowed.join(", "), if *may_be_empty { "" } else { " not empty" }))
        }
        Validator::ThrottledReplicas => Some("[partitionId]:[brokerId],[partitionId]:[brokerId],...".to_owned()),
        Validator::Voters | Validator::Servers => Some("non-empty list".to_owned()),
        Validator::Reading(..) => unreachable!("only keys of our own"),
    }
}

/// The case-insensitive names stand in Kafka in no particular order.
fn sorted_names(text: &str) -> String {
    let Some(names) = text.strip_prefix("(case insensitive) [").and_then(|rest| rest.strip_suffix(']')) else {
        return text.to_owned();
    };
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    format!("(case insensitive) [{}]", names.join(", "))
}

#[test]
fn names_types_defaults_bounds_and_scopes_are_kafkas() {
    let recorded: Vec<Recorded> =
        serde_json::from_str(include_str!("../../../tests/golden/configs/keys.json")).expect("the recording");
    assert_eq!(recorded.len(), 394);
    for (scope, name, value_type, default, validator, mode, internal) in &recorded {
        let key = if scope == "topic" { topic_key(name) } else { broker_key(name) }.expect(name);
        let deviation = DEVIATIONS.iter().find(|deviation| !deviation.only_alone && scope == "broker" && deviation.key == name);
        let ours = deviation.map_or(key.default, |deviation| deviation.kafka);
        let our_mode = match key.scope {
            Scope::ReadOnly => "read-only",
            Scope::PerBroker => "per-broker",
            Scope::ClusterWide => "cluster-wide",
            Scope::Topic => "topic",
        };
        assert_eq!(key.value_type.name(), value_type, "{name}");
        assert_eq!(ours, default.as_deref(), "{name}");
        assert_eq!((our_mode, key.internal), (mode.as_str(), *internal), "{name}");
        // Kafka's check against null has no meaning here: text is never null.
        let validator = validator.as_deref().filter(|text| *text != "non-null string").map(sorted_names);
        assert_eq!(as_kafka_prints(&key.validator), validator, "{name}");
    }
    let ours = broker().filter(|key| !key.name.starts_with("klamm.")).count() + TOPIC.len();
    assert_eq!(ours, recorded.len(), "no key that Kafka lacks");
}

#[test]
fn every_key_is_documented_once_in_order_and_its_default_is_valid() {
    for (subject, keys) in SUBJECTS.iter().chain(&[("Topic", TOPIC)]) {
        for pair in keys.windows(2) {
            if let [first, second] = pair {
                assert!(first.name < second.name, "{subject}: {} stands before {}", first.name, second.name);
            }
        }
        for key in *keys {
            assert!(key.documentation.ends_with('.'), "{} has a sentence", key.name);
            if let Some(default) = key.default {
                assert!(key.parse(default).is_ok() || default.is_empty(), "{}", key.name);
            }
        }
    }
    let rows: usize = SUBJECTS.iter().map(|(_, keys)| keys.len()).sum();
    assert_eq!(broker().count(), rows, "no key stands in two tables");
}

#[test]
fn keys_for_one_listener_and_of_plugins_are_known() {
    for name in ["listener.name.a.ssl.keystore.location", "listener.name.a.plain.sasl.jaas.config", "super.users", "rsm.config.x"]
    {
        assert!(is_known_without_entry(name), "{name}");
    }
    for name in ["listener.name.a.no.such.key", "listener.name.ssl.keystore.location", "listener.name.a", "users"] {
        assert!(!is_known_without_entry(name), "{name}");
    }
}
