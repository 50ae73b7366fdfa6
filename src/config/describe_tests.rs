#![allow(clippy::cast_possible_truncation, reason = "codes of a recording")]

use serde::Deserialize;

use super::super::deviations::DEVIATIONS;
use super::super::raw::RawConfig;
use super::super::server::ServerConfig;
use super::*;

/// Name, value, source, read only, sensitive, type code, synonyms.
type Recorded = (String, Option<String>, i8, bool, bool, i8, Vec<(String, Option<String>, i8)>);

/// What Apache Kafka 4.3.0 said, started with these properties, at first and after two rounds of changes.
#[derive(Deserialize)]
struct Recording {
    properties: Vec<String>,
    steps: Vec<Step>,
    topic_overrides: ConfigMap,
    created_overrides: ConfigMap,
}

#[derive(Deserialize)]
struct Step {
    title: String,
    cluster: ConfigMap,
    broker: ConfigMap,
    broker_entries: Vec<Recorded>,
    cluster_entries: Vec<Recorded>,
    plain_topic: Vec<Recorded>,
    topic: Vec<Recorded>,
    created_topic: Vec<(String, Option<String>, i8)>,
}

fn recording() -> Recording {
    serde_json::from_str(include_str!("../../tests/golden/configs/describe.json")).expect("the recording")
}

fn settings(recording: &Recording) -> Settings {
    let raw = RawConfig::parse("f", recording.properties.join("\n").as_bytes()).expect("well formed");
    ServerConfig::load(raw).expect("valid").config.settings
}

fn shown(entry: &ConfigEntry) -> Recorded {
    let synonyms = entry.synonyms.iter().map(|synonym| (synonym.name.clone(), synonym.value.clone(), synonym.source.code()));
    (
        entry.name.clone(),
        entry.value.clone(),
        entry.source.code(),
        entry.is_read_only,
        entry.is_sensitive,
        entry.value_type.map_or(0, ValueType::code),
        synonyms.collect(),
    )
}

/// Ours beside Kafka's, where ours are Kafka's keys and neither our defaults nor the directories of the recorded node.
fn compare(title: &str, first: &[Recorded], changed: &[Recorded], ours: &[ConfigEntry]) {
    let deviates = |name: &str| {
        name.starts_with("klamm.") || DEVIATIONS.iter().any(|deviation| !deviation.only_alone && deviation.key == name)
    };
    let is_directory = |name: &str| matches!(name, "log.dirs" | "metadata.log.dir");
    let mut ours: Vec<Recorded> = ours.iter().map(shown).filter(|entry| !deviates(&entry.0) && !is_directory(&entry.0)).collect();
    ours.sort();
    let replaced = |entry: &&Recorded| changed.iter().all(|other| other.0 != entry.0);
    let mut kafkas: Vec<Recorded> =
        first.iter().filter(replaced).chain(changed).filter(|entry| !deviates(&entry.0)).cloned().collect();
    kafkas.sort();
    for (our, kafka) in ours.iter().zip(&kafkas) {
        assert_eq!(our, kafka, "{title}");
    }
    assert_eq!(ours.len(), kafkas.len(), "{title}");
}

#[test]
fn a_broker_is_described_as_kafka_does() {
    let recording = recording();
    let settings = settings(&recording);
    let first = &recording.steps.first().expect("a step").broker_entries;
    assert_eq!(first.len(), 339);
    for step in &recording.steps {
        let dynamic = DynamicConfigs { broker: &step.broker, cluster: &step.cluster };
        compare(&step.title, first, &step.broker_entries, &describe_broker(&settings, dynamic));
        compare(&step.title, &[], &step.cluster_entries, &describe_cluster_defaults(&settings, dynamic));
    }
}

#[test]
fn a_topic_is_described_as_kafka_does() {
    let recording = recording();
    let settings = settings(&recording);
    let first = recording.steps.first().expect("a step");
    for step in &recording.steps {
        let dynamic = DynamicConfigs { broker: &step.broker, cluster: &step.cluster };
        let none = ConfigMap::new();
        compare(&step.title, &first.plain_topic, &step.plain_topic, &describe_topic(&settings, dynamic, &none));
        let ours = describe_topic(&settings, dynamic, &recording.topic_overrides);
        compare(&step.title, &first.topic, &step.topic, &ours);
    }
}

#[test]
fn a_created_topic_is_shown_as_kafka_does_in_its_order() {
    let recording = recording();
    let settings = settings(&recording);
    let first = recording.steps.first().expect("a step");
    for step in &recording.steps {
        let dynamic = DynamicConfigs { broker: &step.broker, cluster: &step.cluster };
        let ours: Vec<_> = describe_created_topic(&settings, dynamic, &recording.created_overrides)
            .into_iter()
            .map(|entry| (entry.name, entry.value, entry.source.code()))
            .collect();
        let kafkas: Vec<_> = first
            .created_topic
            .iter()
            .map(|entry| step.created_topic.iter().find(|changed| changed.0 == entry.0).unwrap_or(entry).clone())
            .collect();
        assert_eq!(ours, kafkas, "{}", step.title);
    }
}

#[test]
fn secrets_are_never_shown() {
    let raw = RawConfig::parse("f", b"ssl.key.password=s3cret\nsuper.users=s3cret").expect("well formed");
    let settings = ServerConfig::load(raw).expect("valid").config.settings;
    let entries = describe_broker(&settings, DynamicConfigs::none());
    assert!(!format!("{entries:?}").contains("s3cret"));
    assert!(entries.iter().any(|entry| entry.name == "ssl.key.password" && entry.source == ConfigSource::StaticBroker));
}
