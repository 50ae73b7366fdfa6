//! Settings from environment variables, by the rules of Apache Kafka's container image (its KafkaDockerWrapper and docker scripts), so that
//! compose files and test containers made for it carry over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::raw::{Origin, RawConfig, Written};

const PREFIX: &str = "KAFKA_";

/// Variables of that prefix that are no settings: they are for the Java machine, or the image's own.
const NO_SETTINGS: &[&str] = &[
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

impl RawConfig {
    /// Takes what the environment sets; it holds against the file. Names that are none of a key are for [`super::ServerConfig::load`]
    /// to tell.
    pub fn set_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for (name, value) in &variables {
            if let Some((key, value)) = setting(name, value) {
                self.set_from_variable(key, value, name);
            }
        }
        if let Some(listeners) = listeners(&variables) {
            self.set_from_variable("listeners".to_owned(), listeners, "KAFKA_ADVERTISED_LISTENERS");
        }
    }

    fn set_from_variable(&mut self, key: String, value: String, variable: &str) {
        let origin = Origin::Environment { variable: Arc::from(variable) };
        self.entries.insert(key, Written { value, origin });
    }
}

/// The key that a variable sets, and its value.
fn setting(name: &str, value: &str) -> Option<(String, String)> {
    match name {
        // Where the image formats the storage with it, an empty node does.
        "CLUSTER_ID" => Some(("klamm.cluster.id".to_owned(), value.to_owned())),
        "KAFKA_LOG4J_ROOT_LOGLEVEL" if !value.is_empty() => Some(("klamm.log.level".to_owned(), log_level(value))),
        _ if NO_SETTINGS.contains(&name) => None,
        _ => name.starts_with(PREFIX).then(|| (key_of(name), value.to_owned())),
    }
}

/// `KAFKA_FOO_BAR` is foo.bar; two underscores stand for one, three for a dash.
fn key_of(variable: &str) -> String {
    variable.replace(PREFIX, "").to_lowercase().replace('_', ".").replace("...", "-").replace("..", "_")
}

/// Ours for a level of log4j.
fn log_level(text: &str) -> String {
    match text.to_lowercase().as_str() {
        "fatal" => "error".to_owned(),
        "all" => "trace".to_owned(),
        level => level.to_owned(),
    }
}

/// As in the image's `configure`: whoever says only what is advertised listens on all interfaces.
fn listeners(variables: &BTreeMap<String, String>) -> Option<String> {
    let given = |name| variables.get(name).filter(|value| !value.is_empty());
    let advertised = given("KAFKA_ADVERTISED_LISTENERS")?;
    let is_broker = given("KAFKA_PROCESS_ROLES").is_none_or(|roles| roles != "controller");
    (given("KAFKA_LISTENERS").is_none() && is_broker).then(|| on_all_interfaces(advertised))
}

/// `A://host:1,B://other:2` as `A://0.0.0.0:1,B://0.0.0.0:2`.
fn on_all_interfaces(advertised: &str) -> String {
    let without_host = |entry: &str| match entry.split_once("://").and_then(|(name, rest)| Some((name, rest.rsplit_once(':')?.1)))
    {
        Some((name, port)) => format!("{name}://0.0.0.0:{port}"),
        None => entry.to_owned(),
    };
    advertised.split(',').map(without_host).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
