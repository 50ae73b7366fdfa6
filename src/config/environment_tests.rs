#![allow(clippy::indexing_slicing, reason = "tests")]

use super::super::server::{Loaded, ServerConfig};
use super::super::{ListenerPurpose, Problem};
use super::*;
use crate::types::NodeId;

fn raw(file: &str, variables: &[(&str, &str)]) -> RawConfig {
    let mut raw = RawConfig::parse("f", file.as_bytes()).expect("well formed");
    raw.set_environment(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    raw
}

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    ServerConfig::load(raw(file, variables))
}

#[test]
fn names_are_translated_as_the_image_does() {
    for (variable, key) in [
        ("KAFKA_NUM_PARTITIONS", "num.partitions"),
        ("KAFKA_A__B___C_D", "a_b-c.d"),
        (
            "KAFKA_LISTENER_NAME_OUTSIDE_SCRAM___SHA___256_SASL_JAAS_CONFIG",
            "listener.name.outside.scram-sha-256.sasl.jaas.config",
        ),
        ("KAFKA_KLAMM_FLUSH_MODE", "klamm.flush.mode"),
    ] {
        assert_eq!(setting(variable, "x"), Some((key.to_owned(), "x".to_owned())));
    }
    for variable in NO_SETTINGS.iter().filter(|name| **name != "KAFKA_LOG4J_ROOT_LOGLEVEL") {
        assert_eq!(setting(variable, "x"), None, "{variable}");
    }
    assert_eq!(setting("PATH", "x"), None);
    assert_eq!(setting("KAFKA_LOG4J_ROOT_LOGLEVEL", ""), None);
    assert_eq!(setting("KAFKA_LOG4J_ROOT_LOGLEVEL", "FATAL"), Some(("klamm.log.level".to_owned(), "error".to_owned())));
}

/// What compose files for the image and the test containers set.
#[test]
fn a_compose_file_for_the_image_makes_a_node() {
    let variables = [
        ("KAFKA_NODE_ID", "4"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "4@broker:29093"),
        ("KAFKA_LISTENERS", "CONTROLLER://:29093,PLAINTEXT_HOST://:9092,PLAINTEXT://:19092"),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", "PLAINTEXT"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("CLUSTER_ID", "4L6g3nShT-eMCtK--X86sw"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1"),
        ("KAFKA_LOG_DIRS", "/tmp/kraft-combined-logs"),
        ("KAFKA_HEAP_OPTS", "-Xmx1g"),
        ("HOME", "/root"),
    ];
    let Loaded { config, warnings } = load("", &variables).expect("valid");
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((config.node_id, config.cluster_id.as_deref()), (NodeId(4), Some("4L6g3nShT-eMCtK--X86sw")));
    assert_eq!(config.offsets_topic.replication_factor, 1);
    assert_eq!(config.log_dirs, [std::path::Path::new("/tmp/kraft-combined-logs")]);
    let listeners: Vec<_> = config.network.listeners.iter().map(|listener| (listener.name.as_str(), listener.purpose)).collect();
    let (broker, controller) = (ListenerPurpose::Broker, ListenerPurpose::Controller);
    assert_eq!(listeners, [("CONTROLLER", controller), ("PLAINTEXT_HOST", broker), ("PLAINTEXT", broker)]);
}

#[test]
fn the_environment_holds_against_the_file_and_the_command_line_against_both() {
    let file = "num.partitions=2\nnum.io.threads=3";
    let mut raw = raw(file, &[("KAFKA_NUM_PARTITIONS", "4"), ("KAFKA_BACKGROUND_THREADS", "5")]);
    assert_eq!(raw.entries["num.partitions"].value, "4");
    assert_eq!(raw.entries["num.partitions"].origin.to_string(), "environment variable KAFKA_NUM_PARTITIONS");
    raw.set("num.partitions=6").expect("well formed");
    let config = ServerConfig::load(raw).expect("valid").config;
    assert_eq!(config.topic_creation.num_partitions, 6);
}

#[test]
fn a_bad_value_names_its_variable() {
    let problems = load("", &[("KAFKA_NUM_PARTITIONS", "many")]).expect_err("no number");
    assert_eq!(
        problems[0].to_string(),
        "environment variable KAFKA_NUM_PARTITIONS: Invalid value many for configuration num.partitions: Not a number of type INT"
    );
    let refused = load("", &[("CLUSTER_ID", "a b")]).expect_err("no id");
    assert!(refused[0].to_string().starts_with("environment variable CLUSTER_ID: Invalid value a b for"), "{refused:?}");
}

/// The environment is full of things that nobody meant for the broker, such as what Kubernetes tells of a service named kafka.
#[test]
fn a_variable_that_is_no_key_is_told_and_not_in_the_way() {
    let warnings =
        load("", &[("KAFKA_PORT", "tcp://10.0.0.1:9092"), ("KAFKA_ZOOKEEPER_CONNECT", "secret")]).expect("valid").warnings;
    assert_eq!(warnings, ["these environment variables name no key and have no effect: KAFKA_PORT, KAFKA_ZOOKEEPER_CONNECT"]);
}

#[test]
fn whoever_says_only_what_is_advertised_listens_on_all_interfaces() {
    let advertised = ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://me:9092,OTHER://[fe80::1]:9093");
    let entry = |variables: &[(&str, &str)]| raw("listeners=PLAINTEXT://:1", variables).entries["listeners"].value.clone();
    assert_eq!(entry(&[advertised]), "PLAINTEXT://0.0.0.0:9092,OTHER://0.0.0.0:9093");
    assert_eq!(entry(&[advertised, ("KAFKA_LISTENERS", "PLAINTEXT://:2")]), "PLAINTEXT://:2");
    assert_eq!(entry(&[advertised, ("KAFKA_PROCESS_ROLES", "controller")]), "PLAINTEXT://:1");
}
