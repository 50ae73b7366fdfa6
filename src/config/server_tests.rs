#![allow(clippy::indexing_slicing, reason = "tests")]

use super::super::deviations::DEVIATIONS;
use super::super::keys;
use super::*;

const NONE: [&str; 0] = [];

fn load(text: &str) -> Result<Loaded, Vec<String>> {
    let raw = RawConfig::parse("f", text.as_bytes()).map_err(|problem| vec![problem.to_string()])?;
    ServerConfig::load(raw).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn refusals(text: &str) -> Vec<String> {
    load(text).expect_err("refused")
}

#[test]
fn nothing_configured_is_a_complete_cluster_of_one() {
    let Loaded { config, warnings } = load("").expect("valid");
    assert_eq!(warnings, NONE);
    assert_eq!(config.node_id, NodeId(1));
    assert!(config.settings.is_alone());
    assert_eq!(config.log_dirs, [PathBuf::from("./klamm-data")]);
    assert_eq!(config.metadata_log_dir, PathBuf::from("./klamm-data"));
    assert_eq!(config.storage.flush_mode, FlushMode::Durable);
    assert_eq!(config.network.socket_request_max_bytes, 100 << 20);
    assert_eq!(config.network.queued_max_request_bytes, Some(256 << 20));
    assert_eq!(config.network.worker_threads, None);
    let factors =
        [&config.offsets_topic, &config.transaction_state_topic, &config.share_state_topic].map(|topic| topic.replication_factor);
    assert_eq!(factors, [1, 1, 1]);
    assert_eq!(config.transaction_state_topic.min_insync_replicas, Some(1));
    assert_eq!(config.offsets_topic.min_insync_replicas, None);
}

#[test]
fn files_and_connections_leave_descriptors_for_the_rest() {
    let shares = |limit, text: &str| {
        let mut config = load(text).expect("valid").config;
        config.share_descriptors(limit);
        (config.storage.max_open_segment_files, config.network.max_connections)
    };
    assert_eq!(shares(256, ""), (96, 96));
    assert_eq!(shares(100_000, ""), (4096, 95_840));
    assert_eq!(shares(100_000, "max.connections=10"), (4096, 10));
    assert_eq!(shares(10, ""), (0, 0));
}

#[test]
fn with_roles_the_internal_topics_have_kafkas_defaults() {
    let config = load("process.roles=broker,controller\nnode.id=3").expect("valid").config;
    assert_eq!((config.node_id, config.offsets_topic.replication_factor), (NodeId(3), 3));
    assert_eq!(config.transaction_state_topic.min_insync_replicas, Some(2));
}

#[test]
fn all_problems_are_told_at_once_with_line_key_value_and_what_is_allowed() {
    let problems = refusals(
        "num.partitions=0\nnum.partitoins=4\nmessage.max.bytes=abc\n\nsome.plugin.key=5\nlisteners=x\nssl.key.password=\nklamm.flush.mode=never",
    );
    assert_eq!(
        problems,
        [
            "f line 8: Invalid value never for configuration klamm.flush.mode: String must be one of: durable, page-cache",
            "f line 3: Invalid value abc for configuration message.max.bytes: Not a number of type INT",
            "f line 1: Invalid value 0 for configuration num.partitions: Value must be at least 1",
            "f line 2: Unknown key num.partitoins (value '4'); did you mean num.partitions?",
            "f line 5: Unknown key some.plugin.key (value '5'); `klamm config docs` lists all keys",
            "f line 6: listeners=x: 'x' is not of the form NAME://host:port (an IPv6 address in brackets, no host for all interfaces)",
            "f line 6: listeners=x: there is no listener for clients",
        ]
    );
}

#[test]
fn what_kafka_has_and_klamm_does_not_yet_is_named_in_one_warning() {
    let text = "num.io.threads=4\nsuper.users=User:a\nlistener.name.outside.ssl.keystore.location=/k\n\
                listener.name.outside.scram-sha-256.sasl.jaas.config=x\nnum.partitions=3\nbackground.threads=2";
    let warnings = load(text).expect("valid").warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(
        warning,
        "these settings are known but have no effect in this version: background.threads, \
         listener.name.outside.scram-sha-256.sasl.jaas.config, listener.name.outside.ssl.keystore.location, num.io.threads, super.users"
    );
}

/// A key that asks for a protection that is not there must not be taken in silence.
#[test]
fn what_cannot_be_ignored_without_harm_stops_the_start() {
    let cases = [
        ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "everybody could do everything"),
        ("create.topic.policy.class.name=a.B", "would refuse nothing"),
        ("alter.config.policy.class.name=a.B", "would refuse nothing"),
        ("client.quota.callback.class=a.B", "no client would be held"),
        ("principal.builder.class=a.B", "principals would be others"),
        ("config.providers=file", "would be taken as the value itself"),
    ];
    for (text, expected) in cases {
        let problems = refusals(text);
        assert!(problems.len() == 1 && problems[0].starts_with(&format!("f line 1: {text}: ")), "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }
    let defaults = "authorizer.class.name=\nconfig.providers=\n\
                    principal.builder.class=org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder";
    assert_eq!(load(defaults).expect("valid").warnings, Vec::<String>::new(), "the default is no wish");
}

#[test]
fn checks_across_keys() {
    let cases = [
        ("broker.id=2\nnode.id=3", "f line 1: broker.id=2: must be the same as node.id"),
        ("broker.id=-2", "f line 1: broker.id=-2: must be 0 or more"),
        ("process.roles=broker", "process.roles=broker: a node of one role"),
        ("controller.quorum.voters=1@a:1,2@b:1", "cannot form a cluster of several nodes"),
        ("queued.max.request.bytes=1000", "must be at least socket.request.max.bytes (104857600)"),
        ("log.retention.ms=0", "f line 1: log.retention.ms=0: must be -1"),
        ("log.retention.hours=0", "f line 1: log.retention.hours=0: must be -1"),
        ("default.replication.factor=0", "must be between 1 and 32767"),
        ("default.replication.factor=70000", "must be between 1 and 32767"),
        ("replica.high.watermark.checkpoint.interval.ms=0", "must be at least 1"),
    ];
    for (text, expected) in cases {
        let problems = refusals(text).join("\n");
        assert!(problems.contains(expected), "{text}: {problems}");
    }
    assert!(load("log.retention.hours=0\nlog.retention.minutes=5").is_ok(), "the weaker key does not hold");
    assert_eq!(load("broker.id=7").expect("valid").config.node_id, NodeId(7));
}

#[test]
fn a_quorum_of_other_nodes_is_refused() {
    let refused = |text: &str| refusals(&format!("node.id=1\n{text}")).join("\n");
    assert!(refused("controller.quorum.voters=2@a:9093").contains("a controller's own node.id must be among the voters"));
    for key in ["controller.quorum.voters=1@a:1,2@b:1", "controller.quorum.bootstrap.servers=a:1,b:1"] {
        assert!(refused(key).contains("cannot form a cluster of several nodes"), "{key}");
    }
    for own in ["controller.quorum.voters=1@a:9093", "controller.quorum.bootstrap.servers=a:9093"] {
        assert_eq!(load(&format!("node.id=1\n{own}")).expect("valid").warnings, Vec::<String>::new());
    }
}

/// The settings of the file that Apache Kafka 4.3 comes with.
#[test]
fn kafkas_own_file_is_taken_as_it_is() {
    let text = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
                listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
                advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
                controller.listener.names=CONTROLLER\n\
                listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
                num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\nsocket.receive.buffer.bytes=102400\n\
                socket.request.max.bytes=104857600\nlog.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\n\
                num.recovery.threads.per.data.dir=2\noffsets.topic.replication.factor=1\n\
                share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
                transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
                log.retention.hours=168\nlog.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000";
    let Loaded { config, warnings } = load(text).expect("valid");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.ends_with(
        ": num.io.threads, num.network.threads, num.recovery.threads.per.data.dir, socket.receive.buffer.bytes, socket.send.buffer.bytes"
    ));
    let advertised: Vec<_> = config.network.listeners.iter().map(|listener| listener.advertised.host.as_deref()).collect();
    assert_eq!(advertised, [Some("localhost"); 2]);
}

#[test]
fn kafkas_minus_one_is_no_bound() {
    let text = "queued.max.request.bytes=-1\nconnections.max.idle.ms=-1\nmetadata.log.max.snapshot.interval.ms=0";
    let config = load(text).expect("valid").config;
    assert_eq!(config.network.queued_max_request_bytes, None);
    assert_eq!(config.network.connections_max_idle, None);
    assert_eq!(config.metadata_log.max_snapshot_interval, None);
}

#[test]
fn log_dirs_hold_against_log_dir_and_the_metadata_log_takes_the_first() {
    let config = load("log.dir=/x\nlog.dirs=/a, /b,/a").expect("valid").config;
    assert_eq!(config.log_dirs, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(config.metadata_log_dir, PathBuf::from("/a"));
    let config = load("log.dir=/x\nmetadata.log.dir=/m").expect("valid").config;
    assert_eq!((config.log_dirs, config.metadata_log_dir), (vec![PathBuf::from("/x")], PathBuf::from("/m")));
}

/// Any value that a key alone allows must not bring the assembly down.
#[test]
fn extreme_values_are_refused_or_taken_but_never_panic() {
    for key in keys::broker() {
        for text in ["-9223372036854775808", "-2147483648", "-1", "0", "1", "32767", "2147483647", "9223372036854775807", "", "x"]
        {
            let mut raw = RawConfig::default();
            raw.set(&format!("{}={text}", key.name)).expect("well formed");
            let _ = ServerConfig::load(raw);
        }
    }
}

#[test]
fn the_list_of_deviations_says_what_the_tables_hold() {
    for deviation in DEVIATIONS {
        let key = keys::broker_key(deviation.key).expect("a key");
        let table = if deviation.only_alone { deviation.kafka } else { Some(deviation.ours) };
        assert_eq!(key.default, table, "{}", deviation.key);
    }
}
