//! Which of a broker's settings may change while it runs, and to what (KIP-226; Kafka's DynamicBrokerConfig).

use super::changes::{ConfigOperation, ConfigRefusal};
use super::key::{Effect, Key, Scope, ValueType, long};
use super::keys;
use super::settings::{Settings, bad_value};
use super::topic::{ConfigMap, DynamicConfigs};

/// Settings of a broker that no file can hold (QuotaConfig.brokerQuotaConfigs).
#[rustfmt::skip]
pub(super) const QUOTAS: &[Key] = &[
    long("follower.replication.throttled.rate").default("9223372036854775807").at_least(0).cluster_wide()
        .doc("Bytes a second that this broker copies at most of the replicas named in follower.replication.throttled.replicas."),
    long("leader.replication.throttled.rate").default("9223372036854775807").at_least(0).cluster_wide()
        .doc("Bytes a second that others copy at most from this broker of the replicas named in leader.replication.throttled.replicas."),
    long("replica.alter.log.dirs.io.max.bytes.per.second").default("9223372036854775807").at_least(0).cluster_wide()
        .doc("Bytes a second at most of moves between log directories."),
];

/// Security settings that change only for one listener (SslConfigs.RECONFIGURABLE_CONFIGS).
const ONLY_WITH_LISTENER: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Settings of one listener that a default for all brokers may hold.
const OF_LISTENERS_CLUSTER_WIDE: &[&str] = &["max.connection.creation.rate", "max.connections", "num.network.threads"];

/// Threads whose number at most doubles or halves in one step.
const THREADS: &[&str] = &[
    "background.threads",
    "log.cleaner.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
];

/// Settings with which a listener is opened; Kafka opens and closes listeners while it runs, Klamm does not.
const OF_OPEN_LISTENERS: &[&str] = &["listener.security.protocol.map", "listeners"];

/// A key that the metadata log may hold for a broker.
pub(super) fn broker_key(name: &str) -> Option<&'static Key> {
    keys::broker_key(name).or_else(|| QUOTAS.iter().find(|key| key.name == name))
}

/// What `listener.name.NAME.KEY` is of.
pub(super) fn listener_key(name: &str) -> Option<&str> {
    name.strip_prefix("listener.name.")?.split_once('.').map(|(_, key)| key)
}

/// Kafka takes names that it does not know: a plugin may know them.
fn is_cluster_wide(name: &str) -> bool {
    match listener_key(name) {
        Some(key) => OF_LISTENERS_CLUSTER_WIDE.contains(&key),
        None => broker_key(name).is_none_or(|key| key.scope != Scope::PerBroker),
    }
}

fn is_dynamic(name: &str) -> bool {
    broker_key(name).is_none_or(|key| !key.is_read_only()) && !ONLY_WITH_LISTENER.contains(&name)
}

/// Whose settings a change is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerScope {
    /// This broker's.
    Own,
    /// The default of all.
    Default,
}

/// Only lists can grow and shrink.
///
/// # Errors
/// INVALID_CONFIG for other settings.
pub fn check_broker_lists(operations: &[(String, ConfigOperation)]) -> Result<(), ConfigRefusal> {
    for (name, operation) in operations {
        if let Some(what) = operation.of_lists()
            && broker_key(name).is_none_or(|key| key.value_type != ValueType::List)
        {
            let message = format!("Config value {what} is not allowed for config key: {name}");
            return Err(ConfigRefusal::InvalidConfig(message));
        }
    }
    Ok(())
}

/// Judges what the settings of this broker, or the defaults of all, are to become: as a whole, and together with all other settings. The
/// checks and their codes are those of Kafka's ConfigAdminManager; `current` is what holds now.
///
/// # Errors
/// Says what is wrong.
pub fn validate_broker_configs(
    broker: &Settings,
    current: DynamicConfigs<'_>,
    scope: BrokerScope,
    changed: &ConfigMap,
) -> Result<(), ConfigRefusal> {
    let refused = |what: &str, names: Vec<&str>| match names.is_empty() {
        true => Ok(()),
        false => Err(ConfigRefusal::InvalidRequest(format!("{what}: [{}]", names.join(", ")))),
    };
    let names = || changed.keys().map(String::as_str);
    let read_only = names().filter(|name| broker_key(name).is_some_and(Key::is_read_only)).collect();
    refused("Cannot update these configs dynamically", read_only)?;
    let unprefixed = names().filter(|name| ONLY_WITH_LISTENER.contains(name)).collect();
    refused("These security configs can be dynamically updated only per-listener using the listener prefix", unprefixed)?;
    for (name, text) in changed {
        if let Some(key) = broker_key(listener_key(name).unwrap_or(name)).filter(|key| !key.is_read_only()) {
            key.parse(text).map_err(|reason| ConfigRefusal::InvalidRequest(bad_value(key, text, &reason)))?;
        }
    }
    if scope == BrokerScope::Default {
        let per_broker = names().filter(|name| !is_cluster_wide(name)).collect();
        refused("Cannot update these configs at default cluster level, broker id must be specified", per_broker)?;
    }
    let after = match scope {
        BrokerScope::Own => DynamicConfigs { broker: changed, ..current },
        BrokerScope::Default => DynamicConfigs { cluster: changed, ..current },
    };
    check_together(&broker.changed_by(current), &broker.changed_by(after)).map_err(ConfigRefusal::InvalidRequest)
}

/// What one key alone cannot show.
fn check_together(before: &Settings, after: &Settings) -> Result<(), String> {
    check_log(after)?;
    check_threads(before, after)?;
    for group in ["consumer", "share", "streams"] {
        let bound = |name: &str| after.integer(&format!("group.{group}.{name}assignment.interval.ms"));
        if !(bound("min.")..=bound("max.")).contains(&bound("")) {
            return Err(format!("group.{group}.assignment.interval.ms must lie between its smallest and its largest value"));
        }
    }
    check_connections(after)?;
    for name in OF_OPEN_LISTENERS {
        if before.value(name) != after.value(name) {
            return Err(format!("{name} cannot change while the broker runs: set it in the file and restart"));
        }
    }
    if let Some(class) =
        after.list("metric.reporters").iter().find(|class| *class != "org.apache.kafka.common.metrics.JmxReporter")
    {
        return Err(format!("There is no metrics reporter {class}: reporters are Java classes, metrics stand at /metrics"));
    }
    for key in keys::broker().filter(|key| matches!(key.effect, Effect::Refused(_)) && !key.is_read_only()) {
        if before.value(key.name) != after.value(key.name) {
            return Err(format!("{} cannot change: this version does not do what it asks for", key.name));
        }
    }
    Ok(())
}

fn check_log(after: &Settings) -> Result<(), String> {
    let at_least = |name: &str, least| match after.optional_integer(name) {
        Some(number) if number < least => Err(format!("{name} must be greater than or equal to {least}")),
        _ => Ok(()),
    };
    at_least("log.roll.ms", 1)?;
    at_least("log.roll.jitter.ms", 0)?;
    if after.optional_integer("log.retention.ms") == Some(0) {
        return Err("log.retention.ms must be unlimited (-1) or, greater than or equal to 1".to_owned());
    }
    check_local_retention("log.local.retention.ms", after.integer("log.local.retention.ms"), retention_ms(after))?;
    let bytes = after.integer("log.retention.bytes");
    check_local_retention("log.local.retention.bytes", after.integer("log.local.retention.bytes"), bytes)?;
    let cordoned = after.list("cordoned.log.dirs");
    let log_dirs = after.list(if after.is_set("log.dirs") { "log.dirs" } else { "log.dir" });
    if cordoned != ["*"] && !cordoned.iter().all(|directory| log_dirs.contains(directory)) {
        return Err("All entries in cordoned.log.dirs must be present in log.dirs or log.dir, or it must be '*'".to_owned());
    }
    let threads = after.integer("log.cleaner.threads");
    if threads < 1 || after.integer("log.cleaner.dedupe.buffer.size") / threads <= 1 << 20 {
        return Err("log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.".to_owned());
    }
    Ok(())
}

/// -2 stands for the whole retention, -1 for no bound; the local part cannot be more than the whole.
fn check_local_retention(name: &str, local: i64, whole: i64) -> Result<(), String> {
    if whole < 0 || local == -2 || (0..=whole).contains(&local) {
        return Ok(());
    }
    Err(format!("Invalid value {local} for configuration {name}: it must not be more than the retention, {whole}"))
}

/// As the strongest of its three keys says.
fn retention_ms(settings: &Settings) -> i64 {
    let of = |name, factor: i64| settings.optional_integer(name).map(|number| number.saturating_mul(factor));
    let minutes = || of("log.retention.minutes", 60_000);
    of("log.retention.ms", 1).or_else(minutes).or_else(|| of("log.retention.hours", 3_600_000)).unwrap_or(-1)
}

fn check_threads(before: &Settings, after: &Settings) -> Result<(), String> {
    for name in THREADS {
        let (current, asked) = (before.integer(name), after.integer(name));
        if asked > current.saturating_mul(2) || asked < current / 2 {
            return Err(format!(
                "Dynamic thread count update validation failed for {name}={asked}: it may at most double or halve, and is {current}"
            ));
        }
    }
    Ok(())
}

fn check_connections(after: &Settings) -> Result<(), String> {
    if after.integer("max.connection.creation.rate") == 0 {
        return Err("Invalid max.connection.creation.rate 0".to_owned());
    }
    let overrides = after.text("max.connections.per.ip.overrides");
    if after.integer("max.connections.per.ip") == 0 && overrides.is_empty() {
        return Err(
            "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.".to_owned()
        );
    }
    for entry in overrides.split(',').filter(|entry| !entry.trim().is_empty()) {
        let count = entry.rsplit_once(':').map(|(_, count)| count.trim().parse::<i32>());
        if !matches!(count, Some(Ok(_))) {
            return Err(format!("Error parsing configuration property 'max.connections.per.ip.overrides': {entry}"));
        }
    }
    Ok(())
}

impl Settings {
    /// These settings, changed by what the metadata log holds: one broker's stand against those of all. What must not or cannot change is
    /// passed over (another version may have written it).
    #[must_use]
    pub fn changed_by(&self, dynamic: DynamicConfigs<'_>) -> Self {
        let mut changed = self.clone();
        let of_all = dynamic.cluster.iter().filter(|(name, _)| is_cluster_wide(name));
        for (name, text) in of_all.chain(dynamic.broker) {
            let Some(key) = keys::broker_key(name).filter(|key| is_dynamic(key.name)) else { continue };
            if let Ok(value) = key.parse(text) {
                changed.replace(key, text, value);
            }
        }
        changed
    }
}

#[cfg(test)]
#[path = "dynamic_tests.rs"]
mod tests;
