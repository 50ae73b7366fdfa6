//! Settings that change while the node runs, asked for as clients do. The numbers of traps are those of docs/TRAPS.md.

use std::sync::{Arc, Mutex, OnceLock};

use kafka_protocol::messages::alter_configs_request;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiVersionsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest, ListConfigResourcesRequest,
};
use klamm::broker::Loggers;
use klamm::config::{LogFormat, LoggingConfig};
use klamm::ops::{Log, REQUEST_LOGGER, log};

use crate::support::records::ProducerState;
use crate::world::requests::{LATEST, Topic, batch_at, batch_of, text};
use crate::world::{Client, Setup, soon, until};

const UNKNOWN_SERVER_ERROR: i16 = -1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TOPIC_EXCEPTION: i16 = 17;
const INVALID_TIMESTAMP: i16 = 32;
const UNSUPPORTED_VERSION: i16 = 35;
const INVALID_CONFIG: i16 = 40;
const INVALID_REQUEST: i16 = 42;
const POLICY_VIOLATION: i16 = 44;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;

/// What DescribeConfigs says of where a value comes from.
const OF_TOPIC: i8 = 1;
const OF_BROKER: i8 = 2;
const OF_ALL_BROKERS: i8 = 3;
const OF_FILE: i8 = 4;
const DEFAULT: i8 = 5;
const OF_LOGGER: i8 = 6;

/// Name, operation, value.
type Change<'a> = (&'a str, i8, Option<&'a str>);

fn resource(kind: i8, name: &str, changes: &[Change<'_>]) -> AlterConfigsResource {
    let changes = changes.iter().map(|(name, operation, value)| {
        AlterableConfig::default().with_name(text(name)).with_config_operation(*operation).with_value(value.map(text))
    });
    AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(name)).with_configs(changes.collect())
}

fn request(resources: Vec<AlterConfigsResource>) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest::default().with_resources(resources)
}

fn replace(kind: i8, name: &str, settings: &[(&str, Option<&str>)]) -> alter_configs_request::AlterConfigsResource {
    let settings = settings
        .iter()
        .map(|(name, value)| alter_configs_request::AlterableConfig::default().with_name(text(name)).with_value(value.map(text)));
    let resource = alter_configs_request::AlterConfigsResource::default();
    resource.with_resource_type(kind).with_resource_name(text(name)).with_configs(settings.collect())
}

impl Client {
    /// Codes in the order of the resources.
    async fn alter(&mut self, resources: Vec<AlterConfigsResource>) -> Vec<i16> {
        self.call(1, &request(resources)).await.responses.iter().map(|response| response.error_code).collect()
    }

    async fn change(&mut self, kind: i8, name: &str, changes: &[Change<'_>]) -> i16 {
        self.alter(vec![resource(kind, name, changes)]).await[0]
    }

    async fn set(&mut self, kind: i8, name: &str, key: &str, value: &str) {
        assert_eq!(self.change(kind, name, &[(key, SET, Some(value))]).await, 0, "{name}: {key}={value}");
    }

    async fn delete(&mut self, kind: i8, name: &str, key: &str) {
        assert_eq!(self.change(kind, name, &[(key, DELETE, None)]).await, 0, "{name}: {key}");
    }

    async fn describe_all(&mut self, kind: i8, name: &str) -> DescribeConfigsResult {
        let asked = DescribeConfigsResource::default().with_resource_type(kind).with_resource_name(text(name));
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![asked.with_configuration_keys(None)])
            .with_include_synonyms(true);
        self.call(4, &request).await.results.remove(0)
    }

    async fn entry(&mut self, kind: i8, name: &str, key: &str) -> DescribeConfigsResourceResult {
        let configs = self.describe_all(kind, name).await.configs;
        configs.into_iter().find(|config| &*config.name == key).unwrap()
    }

    /// The value that holds and where it comes from.
    async fn value(&mut self, kind: i8, name: &str, key: &str) -> (String, i8) {
        let entry = self.entry(kind, name, key).await;
        (entry.value.map(|value| value.to_string()).unwrap_or_default(), entry.config_source)
    }

    async fn takes(&mut self, topic: &Topic, letters: usize) -> bool {
        let answer = self.produce(topic, 0, &[&"x".repeat(letters)]).await;
        assert!([0, MESSAGE_TOO_LARGE].contains(&answer.error_code), "{answer:?}");
        answer.error_code == 0
    }
}

#[tokio::test]
async fn a_topics_settings_act_at_once_and_stay() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    assert!(client.takes(&topic, 500).await);
    client.set(TOPIC, "t", "max.message.bytes", "300").await;
    assert!(!client.takes(&topic, 500).await);
    let judged = request(vec![resource(TOPIC, "t", &[("max.message.bytes", DELETE, None)])]).with_validate_only(true);
    assert_eq!(client.call(0, &judged).await.responses[0].error_code, 0);
    assert!(!client.takes(&topic, 500).await, "it was only judged");
    client.create("compacted", 1, &[]).await;
    assert_eq!(client.change(TOPIC, "compacted", &[("cleanup.policy", APPEND, Some("compact"))]).await, 0);
    running.stop().await.unwrap();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert!(!client.takes(&topic, 500).await, "after a restart too");
    assert_eq!(client.value(TOPIC, "compacted", "cleanup.policy").await, ("delete,compact".to_owned(), OF_TOPIC));
    client.delete(TOPIC, "t", "max.message.bytes").await;
    assert!(client.takes(&topic, 500).await);
    running.stop().await.unwrap();
}

/// Trap 45: who is asked where a value comes from tells the strongest source, and names those that it hides only when asked for.
#[tokio::test]
async fn trap_45_a_value_comes_from_the_topic_the_broker_all_brokers_the_file_or_nobody() {
    let setup = Setup::new().with("message.max.bytes", "900");
    let running = setup.start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    let key = "max.message.bytes";
    let mut hidden = 2;
    assert_eq!(client.value(TOPIC, "t", key).await, ("900".to_owned(), OF_FILE));
    for (kind, name, broker_key, value, source) in [
        (BROKER, "", "message.max.bytes", "700", OF_ALL_BROKERS),
        (BROKER, "1", "message.max.bytes", "500", OF_BROKER),
        (TOPIC, "t", key, "300", OF_TOPIC),
    ] {
        client.set(kind, name, broker_key, value).await;
        let entry = client.entry(TOPIC, "t", key).await;
        assert_eq!((entry.value.as_deref(), entry.config_source), (Some(value), source));
        hidden += 1;
        assert_eq!(entry.synonyms.len(), hidden, "each source below is told of");
        assert!(!client.takes(&topic, value.parse().unwrap()).await, "it acts at once: {value}");
        assert!(client.takes(&topic, value.parse::<usize>().unwrap() - 150).await);
    }
    let asked = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text("1"))
        .with_configuration_keys(Some(vec![text("message.max.bytes"), text("ssl.key.password")]));
    let answer = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![asked])).await;
    let [size, password] = answer.results[0].configs.as_slice() else { panic!("only what was asked for: {answer:?}") };
    assert!(size.synonyms.is_empty() && size.documentation.is_none(), "neither was asked for");
    assert_eq!((password.value.as_deref(), password.is_sensitive), (None, true));
    running.stop().await.unwrap();
    let running = setup.start().await;
    let mut client = running.client().await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("300".to_owned(), OF_TOPIC));
    client.delete(TOPIC, "t", key).await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("500".to_owned(), OF_BROKER));
    client.delete(BROKER, "1", "message.max.bytes").await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("700".to_owned(), OF_ALL_BROKERS));
    client.delete(BROKER, "", "message.max.bytes").await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("900".to_owned(), OF_FILE));
    assert_eq!(client.value(TOPIC, "t", "flush.ms").await.1, DEFAULT);
    running.stop().await.unwrap();
}

/// Trap 54: what the file said at the first start is in the metadata, and only there it changes.
#[tokio::test]
async fn trap_54_min_insync_replicas_is_the_clusters_from_the_first_start_on() {
    let setup = Setup::new().with("min.insync.replicas", "2");
    let running = setup.start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    running.stop().await.unwrap();
    let running = setup.clone().with("min.insync.replicas", "3").start().await;
    let mut client = running.client().await;
    let key = "min.insync.replicas";
    assert_eq!(client.value(TOPIC, "t", key).await, ("2".to_owned(), OF_ALL_BROKERS), "a later edit of the file does nothing");
    assert_eq!(client.change(BROKER, "1", &[(key, SET, Some("5"))]).await, INVALID_CONFIG);
    assert_eq!(client.change(BROKER, "", &[(key, DELETE, None)]).await, INVALID_CONFIG);
    client.set(BROKER, "", key, "4").await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("4".to_owned(), OF_ALL_BROKERS));
    client.set(TOPIC, "t", key, "6").await;
    assert_eq!(client.value(TOPIC, "t", key).await, ("6".to_owned(), OF_TOPIC));
    running.stop().await.unwrap();
}

/// Trap 60, for settings that change: the same names and bounds hold as for new topics.
#[tokio::test]
async fn trap_60_what_kafka_4_3_no_longer_takes_cannot_be_set_later_either() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for (key, value) in [
        ("segment.bytes", "1048575"),
        ("message.timestamp.difference.max.ms", "1000"),
        ("message.format.version", "3.0"),
        ("message.downconversion.enable", "true"),
    ] {
        assert_eq!(client.change(TOPIC, "t", &[(key, SET, Some(value))]).await, INVALID_CONFIG, "{key}");
        assert_eq!(client.change(TOPIC, "t", &[(key, DELETE, None)]).await, 0, "{key}: deleting what is not set is nothing");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn changes_are_refused_with_kafkas_codes() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    for (kind, name, change, code) in [
        (TOPIC, "t", ("retention.ms", SET, None), INVALID_REQUEST),
        (TOPIC, "t", ("retention.ms", SET, Some("x")), INVALID_CONFIG),
        (TOPIC, "t", ("retention.ms", APPEND, Some("1")), INVALID_CONFIG),
        (TOPIC, "t", ("retention.ms", 9, Some("1")), UNKNOWN_SERVER_ERROR),
        (TOPIC, "nobody", ("retention.ms", SET, Some("1")), UNKNOWN_TOPIC_OR_PARTITION),
        (TOPIC, "bad name", ("retention.ms", SET, Some("1")), INVALID_TOPIC_EXCEPTION),
        (TOPIC, "", ("retention.ms", SET, Some("1")), INVALID_REQUEST),
        (BROKER, "1", ("num.partitions", SET, Some("3")), INVALID_REQUEST),
        (BROKER, "1", ("log.retention.ms", APPEND, Some("3")), INVALID_CONFIG),
        (BROKER, "1", ("log.retention.ms", 9, Some("3")), INVALID_REQUEST),
        (BROKER, "2", ("log.retention.ms", SET, Some("3")), INVALID_REQUEST),
        (BROKER, "one", ("log.retention.ms", SET, Some("3")), INVALID_REQUEST),
        (BROKER, "", ("listeners", SET, Some("PLAINTEXT://:1")), INVALID_REQUEST),
        (GROUP, "g", ("consumer.session.timeout.ms", SET, Some("1")), INVALID_CONFIG),
        (GROUP, "", ("consumer.session.timeout.ms", SET, Some("46000")), INVALID_REQUEST),
        (CLIENT_METRICS, "m", ("interval.ms", SET, Some("99")), INVALID_REQUEST),
        (99, "t", ("retention.ms", SET, Some("1")), INVALID_REQUEST),
    ] {
        assert_eq!(client.change(kind, name, &[change]).await, code, "{kind} {name} {change:?}");
    }
    let good = || resource(TOPIC, "t", &[("retention.ms", SET, Some("1"))]);
    let twice = [("retention.ms", SET, Some("1")), ("retention.ms", DELETE, None)];
    assert_eq!(client.change(TOPIC, "t", &twice).await, INVALID_REQUEST);
    assert_eq!(client.alter(vec![good(), good(), resource(99, "x", &[])]).await, [INVALID_REQUEST; 3]);
    let unknown = resource(GROUP, "g", &[("consumer.session.timeout.ms", 9, None), ("x", 9, Some(""))]);
    assert_eq!(client.alter(vec![unknown, good()]).await, [INVALID_REQUEST, 0], "no value, so it does not come to the operation");
    let unknown = resource(GROUP, "g", &[("consumer.session.timeout.ms", 9, Some("1"))]);
    assert_eq!(client.alter(vec![unknown, good()]).await, [UNKNOWN_SERVER_ERROR; 2], "Kafka's controller falls over it");
    assert_eq!(client.alter(Vec::new()).await, [0; 0]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn alter_configs_replaces_all_settings_in_every_version() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[("retention.ms", "5")]).await;
    for version in 0..=2 {
        let value = format!("{}00", version + 1);
        let request =
            AlterConfigsRequest::default().with_resources(vec![replace(TOPIC, "t", &[("max.message.bytes", Some(&value))])]);
        assert_eq!(client.call(version, &request).await.responses[0].error_code, 0);
        assert_eq!(client.value(TOPIC, "t", "max.message.bytes").await, (value.clone(), OF_TOPIC));
        assert_eq!(client.value(TOPIC, "t", "retention.ms").await.1, DEFAULT, "it was not named");
    }
    // Trap 54: it cannot be taken away.
    let shared = ("min.insync.replicas", Some("1"));
    let resources = vec![
        replace(TOPIC, "t", &[("flush.ms", None)]),
        replace(BROKER_LOGGER, "1", &[]),
        replace(BROKER, "1", &[("num.partitions", Some("1"))]),
        replace(BROKER, "", &[("log.retention.ms", Some("77")), shared]),
    ];
    let answer = client.call(2, &AlterConfigsRequest::default().with_resources(resources)).await;
    let codes: Vec<i16> = answer.responses.iter().map(|response| response.error_code).collect();
    assert_eq!(codes, [INVALID_REQUEST, INVALID_REQUEST, INVALID_REQUEST, 0]);
    assert_eq!(client.value(TOPIC, "t", "retention.ms").await, ("77".to_owned(), OF_ALL_BROKERS));
    for (left, code) in [(&[shared][..], 0), (&[], INVALID_CONFIG)] {
        let request = AlterConfigsRequest::default().with_resources(vec![replace(BROKER, "", left)]);
        assert_eq!(client.call(2, &request).await.responses[0].error_code, code);
    }
    let left: Vec<String> = client.describe_all(BROKER, "").await.configs.iter().map(|config| config.name.to_string()).collect();
    assert_eq!(left, ["min.insync.replicas"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn whatever_has_settings_is_listed_by_kind() {
    let setup = Setup::new();
    let running = setup.start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    client.set(GROUP, "a group / of any name", "consumer.session.timeout.ms", "46000").await;
    client.set(CLIENT_METRICS, "m", "interval.ms", "1000").await;
    running.stop().await.unwrap();
    let running = setup.start().await;
    let mut client = running.client().await;
    let mut list = async |version, types: &[i8]| {
        let request = ListConfigResourcesRequest::default();
        let request = if version == 0 { request } else { request.with_resource_types(types.to_vec()) };
        let answer = client.call(version, &request).await;
        let named = answer.config_resources.iter().map(|resource| (resource.resource_type, resource.resource_name.to_string()));
        (answer.error_code, named.collect::<Vec<_>>())
    };
    let named = |pairs: &[(i8, &str)]| pairs.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect::<Vec<_>>();
    let all = [(GROUP, "a group / of any name"), (CLIENT_METRICS, "m"), (BROKER_LOGGER, "1"), (BROKER, "1"), (TOPIC, "t")];
    assert_eq!(list(1, &[]).await, (0, named(&all)));
    assert_eq!(list(0, &[]).await, (0, named(&[(CLIENT_METRICS, "m")])));
    assert_eq!(list(1, &[GROUP, TOPIC, TOPIC]).await, (0, named(&[(GROUP, "a group / of any name"), (TOPIC, "t")])));
    assert_eq!(list(1, &[TOPIC, 99]).await, (UNSUPPORTED_VERSION, Vec::new()));
    running.stop().await.unwrap();
}

/// Log lines of all nodes of this process, as text. Only the request logger writes.
fn page() -> &'static (Arc<Mutex<Vec<u8>>>, Arc<Log>) {
    static PAGE: OnceLock<(Arc<Mutex<Vec<u8>>>, Arc<Log>)> = OnceLock::new();
    struct Writer(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    PAGE.get_or_init(|| {
        let page = Arc::new(Mutex::new(Vec::new()));
        let copy = Arc::clone(&page);
        let config = LoggingConfig { format: LogFormat::Text, level: "off".to_owned() };
        let (subscriber, log) = log(&config, move || Writer(Arc::clone(&copy)), false);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        (page, log)
    })
}

#[tokio::test]
async fn loggers_change_while_the_node_runs_and_tell_of_each_request() {
    let (page, log) = page();
    let mut setup = Setup::new();
    setup.loggers = Arc::clone(log) as Arc<dyn Loggers>;
    let running = setup.start().await;
    let mut client = running.client().await;
    let peer = client.raw().stream().local_addr().unwrap();
    let lines = || {
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(&format!("from {peer} "))).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(client.value(BROKER_LOGGER, "1", REQUEST_LOGGER).await, ("OFF".to_owned(), OF_LOGGER));
    assert!(lines().is_empty());
    client.set(BROKER_LOGGER, "1", REQUEST_LOGGER, "DEBUG").await;
    client.create("t", 1, &[]).await;
    until(|| lines().len() == 1).await;
    let line = &lines()[0];
    assert!(
        line.contains("CreateTopics version 7") && line.contains("client \"it\"") && line.contains("answered with"),
        "{line}"
    );
    assert_eq!(client.value(BROKER_LOGGER, "1", REQUEST_LOGGER).await.0, "DEBUG");
    client.delete(BROKER_LOGGER, "1", REQUEST_LOGGER).await;
    until(|| lines().len() == 2).await;
    assert_eq!(client.value(BROKER_LOGGER, "1", REQUEST_LOGGER).await.0, "OFF", "as the root");
    assert_eq!(lines().len(), 2, "silent again");
    for (name, change, code) in [
        ("1", ("nosuch", SET, Some("INFO")), INVALID_CONFIG),
        ("1", (REQUEST_LOGGER, SET, Some("debug")), INVALID_CONFIG),
        ("1", (REQUEST_LOGGER, APPEND, Some("INFO")), INVALID_REQUEST),
        ("1", (REQUEST_LOGGER, 9, Some("INFO")), UNKNOWN_SERVER_ERROR),
        ("1", ("root", DELETE, None), INVALID_REQUEST),
        ("2", (REQUEST_LOGGER, SET, Some("INFO")), INVALID_REQUEST),
        ("", (REQUEST_LOGGER, SET, Some("INFO")), INVALID_REQUEST),
    ] {
        assert_eq!(client.change(BROKER_LOGGER, name, &[change]).await, code, "{name} {change:?}");
    }
    let judged = request(vec![resource(BROKER_LOGGER, "1", &[(REQUEST_LOGGER, SET, Some("TRACE"))])]).with_validate_only(true);
    assert_eq!(client.call(1, &judged).await.responses[0].error_code, 0);
    assert_eq!(client.value(BROKER_LOGGER, "1", REQUEST_LOGGER).await.0, "OFF");
    assert_eq!(client.describe_all(BROKER_LOGGER, "").await.error_code, INVALID_REQUEST);
    running.stop().await.unwrap();
}

/// What a request names a million times is not done a million times, and no answer grows beyond bounds.
#[tokio::test]
async fn very_many_resources_cost_little_and_are_answered_shortly() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    let many = (0..150_000).map(|number| resource(TOPIC, &number.to_string(), &[])).collect();
    let codes = client.alter(many).await;
    assert_eq!((codes.len(), codes.iter().all(|code| *code == POLICY_VIOLATION)), (150_000, true));
    let settings: Vec<_> = (0..20_000).map(|number| format!("plugin.{number}")).collect();
    let changes: Vec<Change<'_>> = settings.iter().map(|name| (name.as_str(), SET, Some("1"))).collect();
    assert_eq!(client.change(BROKER, "1", &changes).await, POLICY_VIOLATION);
    let entries = (0..200_000).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(client.change(TOPIC, "t", &[("cleanup.policy", APPEND, Some(&entries))]).await, INVALID_CONFIG);
    let broker = DescribeConfigsResource::default().with_resource_type(BROKER).with_resource_name(text("1"));
    let request = DescribeConfigsRequest::default().with_resources(vec![broker; 100_000]).with_include_documentation(true);
    let results = client.call(4, &request).await.results;
    let told = results.iter().filter(|result| result.error_code == 0).count();
    assert!((100..10_000).contains(&told), "{told} are told whole");
    assert!(results.iter().skip(told).all(|result| result.error_code == INVALID_REQUEST && result.configs.is_empty()));
    client.create("u", 1, &[]).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_brokers_defaults_act_on_all_topics_at_once() {
    let running = Setup::new().with("producer.id.expiration.check.interval.ms", "5").start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 1, &[]).await;
    client.set(BROKER, "", "log.message.timestamp.before.max.ms", "1000").await;
    let old = batch_at(ProducerState::NONE, 1, &["old"]);
    assert_eq!(client.produce_batch(&topic, 0, old.clone()).await.error_code, INVALID_TIMESTAMP);
    client.delete(BROKER, "", "log.message.timestamp.before.max.ms").await;
    assert_eq!(client.produce_batch(&topic, 0, old).await.error_code, 0);
    assert_eq!(client.offset(&topic, 0, LATEST).await, 1);
    let producer_id = client.producer_id().await;
    let sent = |first_sequence| batch_of(ProducerState { producer_id, producer_epoch: 0, first_sequence }, &["a"]);
    assert_eq!(client.produce_batch(&topic, 0, sent(0)).await.error_code, 0);
    assert_eq!(client.produce_batch(&topic, 0, sent(7)).await.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER);
    client.set(BROKER, "", "producer.id.expiration.ms", "1").await;
    // Of a producer that is not known any sequence is the first.
    soon(async { while client.produce_batch(&topic, 0, sent(7)).await.error_code != 0 {} }).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn limits_of_connections_change_while_the_node_runs() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    client.set(BROKER, "", "max.connections.per.ip", "1").await;
    // Whoever is turned away has no answer; whoever is open stays.
    let is_let_in = async || {
        let mut other = running.client().await;
        other.raw().call(0, &ApiVersionsRequest::default()).await.is_ok()
    };
    soon(async { while is_let_in().await {} }).await;
    client.delete(BROKER, "", "max.connections.per.ip").await;
    soon(async { while !is_let_in().await {} }).await;
    running.stop().await.unwrap();
}
