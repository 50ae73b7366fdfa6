//! The settings of groups and of subscriptions to client metrics: what they may be, and what DescribeConfigs tells of them.
//!
//! From Kafka's GroupConfig, GroupConfigManager and ClientMetricsConfigs. Klamm keeps and describes them; the groups that they are for, and
//! client metrics, come later.

use super::changes::ConfigRefusal;
use super::describe::{ConfigEntry, ConfigSource, ConfigSynonym, broker_synonyms, entry};
use super::key::{Key, Validator, boolean, int, list, string};
use super::settings::{Settings, bad_value};
use super::topic::{ConfigMap, DynamicConfigs};
use super::value::Value;

/// A key of a group.
struct GroupKey {
    key: Key,
    /// The broker keys of its default, its smallest and its largest value, where there are such.
    broker: Option<&'static str>,
    least: Option<&'static str>,
    most: Option<&'static str>,
}

impl GroupKey {
    const fn of_broker(mut self, key: &'static str) -> Self {
        self.broker = Some(key);
        self
    }
    const fn between(mut self, least: &'static str, most: &'static str) -> Self {
        self.least = Some(least);
        self.most = Some(most);
        self
    }
    const fn up_to(mut self, most: &'static str) -> Self {
        self.most = Some(most);
        self
    }
}

const fn group(key: Key) -> GroupKey {
    let key = key.cluster_wide();
    GroupKey { key, broker: None, least: None, most: None }
}

/// By name.
#[rustfmt::skip]
static GROUP: &[GroupKey] = &[
    group(int("consumer.assignment.interval.ms").at_least(0).doc("Shortest time between two assignments."))
        .of_broker("group.consumer.assignment.interval.ms")
        .between("group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"),
    group(int("consumer.heartbeat.interval.ms").at_least(1).doc("How often members report."))
        .of_broker("group.consumer.heartbeat.interval.ms")
        .between("group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    group(int("consumer.session.timeout.ms").at_least(1).doc("A member silent for so long is put out."))
        .of_broker("group.consumer.session.timeout.ms")
        .between("group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
    group(int("share.assignment.interval.ms").at_least(0).doc("Shortest time between two assignments."))
        .of_broker("group.share.assignment.interval.ms")
        .between("group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"),
    group(string("share.auto.offset.reset").default("latest").allowed(Validator::Reading(read_offset_reset, "earliest, latest, by_duration:PnDTnHnMn.nS"))
        .doc("Where a share group starts that has no offsets.")),
    group(int("share.delivery.count.limit").at_least(2).doc("Deliveries of a record before it is given up."))
        .of_broker("group.share.delivery.count.limit")
        .between("group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"),
    group(int("share.heartbeat.interval.ms").at_least(1).doc("How often members report."))
        .of_broker("group.share.heartbeat.interval.ms")
        .between("group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"),
    group(string("share.isolation.level").default("read_uncommitted").one_of(&["read_committed", "read_uncommitted"])
        .doc("Whether records of open transactions are delivered.")),
    group(int("share.partition.max.record.locks").at_least(100).doc("Records of a partition in delivery."))
        .of_broker("group.share.partition.max.record.locks")
        .between("group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"),
    group(int("share.record.lock.duration.ms").at_least(1000).doc("How long a record is one member's."))
        .of_broker("group.share.record.lock.duration.ms")
        .between("group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
    group(boolean("share.renew.acknowledge.enable").default("true").doc("Whether members may renew their hold on a record.")),
    group(int("share.session.timeout.ms").at_least(1).doc("A member silent for so long is put out."))
        .of_broker("group.share.session.timeout.ms")
        .between("group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
    group(int("streams.assignment.interval.ms").at_least(0).doc("Shortest time between two assignments."))
        .of_broker("group.streams.assignment.interval.ms")
        .between("group.streams.min.assignment.interval.ms", "group.streams.max.assignment.interval.ms"),
    group(int("streams.heartbeat.interval.ms").at_least(1).doc("How often members report."))
        .of_broker("group.streams.heartbeat.interval.ms")
        .between("group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms"),
    group(int("streams.initial.rebalance.delay.ms").at_least(0).doc("How long an empty group waits."))
        .of_broker("group.streams.initial.rebalance.delay.ms"),
    group(int("streams.num.standby.replicas").at_least(0).doc("Standby copies of a task's state."))
        .of_broker("group.streams.num.standby.replicas")
        .up_to("group.streams.max.standby.replicas"),
    group(int("streams.session.timeout.ms").at_least(1).doc("A member silent for so long is put out."))
        .of_broker("group.streams.session.timeout.ms")
        .between("group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"),
];

/// By name.
static CLIENT_METRICS: &[Key] = &[
    int("interval.ms").default("300000").cluster_wide().doc("How often clients push their metrics."),
    list("match").default("").cluster_wide().doc("Which clients the subscription is for."),
    list("metrics").default("").cluster_wide().doc("Which metrics are asked for."),
];

/// What may be matched (ClientMetricsConfigs.ALLOWED_MATCH_PARAMS).
const MATCHED: &[&str] = &[
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Judges all settings that a group is to have.
///
/// # Errors
/// INVALID_CONFIG, as GroupConfigManager.validate.
pub fn validate_group_configs(broker: &Settings, configs: &ConfigMap) -> Result<(), ConfigRefusal> {
    if let Some(unknown) = configs.keys().find(|name| !GROUP.iter().any(|group| group.key.name == **name)) {
        return Err(ConfigRefusal::InvalidConfig(format!("Unknown group config name: {unknown}")));
    }
    for group in GROUP {
        let Some(text) = configs.get(group.key.name) else { continue };
        judge(group, broker, text).map_err(ConfigRefusal::InvalidConfig)?;
    }
    for kind in ["consumer", "share", "streams"] {
        let (session, heartbeat) = (format!("{kind}.session.timeout.ms"), format!("{kind}.heartbeat.interval.ms"));
        let of = |name: &str| {
            let group = GROUP.iter().find(|group| group.key.name == name)?;
            group_value(group, broker, configs)?.integer()
        };
        if configs.keys().any(|name| *name == session || *name == heartbeat) && of(&session) <= of(&heartbeat) {
            return Err(ConfigRefusal::InvalidConfig(format!("{session} must be greater than {heartbeat}")));
        }
    }
    Ok(())
}

fn judge(group: &GroupKey, broker: &Settings, text: &str) -> Result<(), String> {
    let name = group.key.name;
    let Value::Integer(number) = group.key.parse(text).map_err(|reason| bad_value(&group.key, text, &reason))? else {
        return Ok(());
    };
    if let Some(least) = group.least.filter(|least| number < broker.integer(least)) {
        return Err(format!("{name} must be greater than or equal to {least}"));
    }
    match group.most.filter(|most| number > broker.integer(most)) {
        Some(most) => Err(format!("{name} must be less than or equal to {most}")),
        None => Ok(()),
    }
}

/// What holds for a group: its own value, else what its broker's settings give it. Both come with the broker's dynamic settings.
fn group_value(group: &GroupKey, broker: &Settings, configs: &ConfigMap) -> Option<Value> {
    let own = configs.get(group.key.name).and_then(|text| group.key.parse(text).ok());
    let of_broker = || match group.broker {
        Some(key) => broker.value(key),
        None => group.key.default.and_then(|text| group.key.parse(text).ok()),
    };
    own.or_else(of_broker)
}

/// All keys of a group, by name.
#[must_use]
pub fn describe_group(broker: &Settings, dynamic: DynamicConfigs<'_>, configs: &ConfigMap) -> Vec<ConfigEntry> {
    let effective = broker.changed_by(dynamic);
    let describe = |group: &'static GroupKey| {
        let value = group_value(group, &effective, configs).map(|value| value.to_text());
        let name = group.key.name;
        let own = |source| ConfigSynonym { name: name.to_owned(), value: value.clone(), source };
        let mut synonyms = Vec::new();
        if configs.contains_key(name) {
            synonyms.push(own(ConfigSource::Group));
        }
        match group.broker {
            Some(key) => synonyms.extend(broker_synonyms(key, broker, dynamic)),
            None if synonyms.is_empty() => synonyms.push(own(ConfigSource::Default)),
            None => {}
        }
        entry(&group.key, value, synonyms)
    };
    GROUP.iter().map(describe).collect()
}

/// Judges all settings that a subscription is to have.
///
/// # Errors
/// Kafka's codes: unknown names and intervals out of bounds are INVALID_REQUEST, what cannot be read INVALID_CONFIG.
pub fn validate_client_metrics(configs: &ConfigMap) -> Result<(), ConfigRefusal> {
    if let Some(unknown) = configs.keys().find(|name| !CLIENT_METRICS.iter().any(|key| key.name == **name)) {
        return Err(ConfigRefusal::InvalidRequest(format!("Unknown client metrics configuration: {unknown}")));
    }
    for key in CLIENT_METRICS {
        let Some(text) = configs.get(key.name) else { continue };
        let value = key.parse(text).map_err(|reason| ConfigRefusal::InvalidConfig(bad_value(key, text, &reason)))?;
        match (key.name, value) {
            ("interval.ms", Value::Integer(interval)) if !(100..=3_600_000).contains(&interval) => {
                let message =
                    format!("Invalid value {interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)");
                return Err(ConfigRefusal::InvalidRequest(message));
            }
            ("match", Value::List(patterns)) => patterns.iter().try_for_each(|pattern| judge_pattern(pattern))?,
            _ => {}
        }
    }
    Ok(())
}

/// `what=regular expression`. Kafka's RE2/J and regex-syntax both read RE2's language.
fn judge_pattern(pattern: &str) -> Result<(), ConfigRefusal> {
    let is_good = pattern.split_once('=').is_some_and(|(what, expression)| {
        let expression = expression.trim_end_matches('=');
        let is_one = !expression.is_empty() && !expression.contains('=');
        is_one && MATCHED.contains(&what.trim()) && regex_syntax::ast::parse::Parser::new().parse(expression.trim()).is_ok()
    });
    is_good.then_some(()).ok_or_else(|| ConfigRefusal::InvalidConfig(format!("Illegal client matching pattern: {pattern}")))
}

/// All keys of a subscription to client metrics, by name.
#[must_use]
pub fn describe_client_metrics(configs: &ConfigMap) -> Vec<ConfigEntry> {
    let describe = |key: &'static Key| {
        let own = configs.get(key.name).and_then(|text| key.parse(text).ok()).map(|value| value.to_text());
        let synonyms = own.iter().map(|value| ConfigSynonym {
            name: key.name.to_owned(),
            value: Some(value.clone()),
            source: ConfigSource::ClientMetrics,
        });
        let synonyms = synonyms.collect();
        entry(key, own.or_else(|| key.default.map(str::to_owned)), synonyms)
    };
    CLIENT_METRICS.iter().map(describe).collect()
}

fn read_offset_reset(text: &str) -> Result<(), String> {
    let is_good = match text.strip_prefix("by_duration:") {
        Some(duration) => is_duration(duration),
        None => ["earliest", "latest"].contains(&text),
    };
    is_good
        .then_some(())
        .ok_or_else(|| "The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.".to_owned())
}

/// A duration that is not negative, as `java.time.Duration.parse` reads it: `PnDTnHnMn.nS` without regard to case, parts left out at will
/// but not all, each number with or without a sign.
fn is_duration(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let Some(rest) = upper.strip_prefix('P') else { return false };
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return false,
        None => (rest, ""),
    };
    let mut total = 0_f64;
    let mut parts = 0;
    for (mut rest, units) in [(days, &[('D', 86_400.0)][..]), (time, &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)][..])] {
        for (unit, seconds) in units {
            let Some((number, after)) = rest.split_once(*unit) else { continue };
            let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let is_number =
                !whole.is_empty() && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            let Some(value) =
                number.parse::<f64>().ok().filter(|_| is_number && (digits == whole || *unit == 'S') && fraction.len() <= 9)
            else {
                return false;
            };
            total += value * seconds;
            parts += 1;
            rest = after;
        }
        if !rest.is_empty() {
            return false;
        }
    }
    // What Java can count: 63 bits of seconds.
    parts > 0 && (0.0..9.2e18).contains(&total)
}

#[cfg(test)]
#[path = "other_resources_tests.rs"]
mod tests;
