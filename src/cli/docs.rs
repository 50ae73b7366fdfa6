//! `klamm config docs`: the tables of keys as Markdown. docs/CONFIG.md is this text; a test holds the two together.

use std::fmt::Write as _;

use crate::config::{DEVIATIONS, Effect, Key, OTHER_WAYS, SUBJECTS, Scope, TOPIC};

const INTRODUCTION: &str = "\
# Configuration

This page is printed by `klamm config docs`; change the tables in `src/config/keys/`, not this file.

Klamm takes Apache Kafka's keys with Kafka's meaning: from a file in Kafka's form (`klamm serve --config FILE`); from environment variables,
which hold against the file; and from the command line (`--set key=value`), which holds against both. Without any it starts a complete
cluster of one on localhost:9092. Keys of its own start with `klamm.`. An unknown key or a bad value stops the start.
`klamm config show` prints what holds, each value with its source.

Environment variables are those of Apache Kafka's container image, so that compose files and test containers carry over: `KAFKA_NUM_PARTITIONS`
is num.partitions; two underscores stand for one, three for a dash. `CLUSTER_ID` is klamm.cluster.id, `KAFKA_LOG4J_ROOT_LOGLEVEL` is
klamm.log.level. `KAFKA_ADVERTISED_LISTENERS` without `KAFKA_LISTENERS` listens on the advertised ports of all interfaces. What is for a Java
machine (`KAFKA_HEAP_OPTS`, `KAFKA_OPTS`, `KAFKA_JMX_OPTS` and the like) is left alone. A variable that names no key is told in a warning and
does not stop the start: environments are full of names that nobody meant for the broker, and Kafka overlooks them too.

State tells what a key does in this version. *Acts* names the test that sees behaviour change with it: a path of this crate's own tests, one
below `tests/`, or `compat SUITE CASE`. *No effect yet*: the key is taken, and named in a warning at the start. *Refused*: any value but the
default stops the start, because to take it and do nothing would harm. What only matters on listeners with TLS or SASL has no effect without
them, in Kafka as well; such listeners are refused.

Change: *file* keys need a restart, *broker* keys can be changed for one broker, *cluster* keys for one broker or for all.
";

/// The whole page.
pub(super) fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Where the defaults are not Kafka's\n\n| Key | Kafka | Klamm | Why |\n|---|---|---|---|\n");
    for deviation in DEVIATIONS {
        let when = if deviation.only_alone { " (without `process.roles`)" } else { "" };
        let kafka = deviation.kafka.map_or("has to be set".to_owned(), |value| format!("`{value}`"));
        line(&mut page, &[&format!("`{}`{when}", deviation.key), &kafka, &format!("`{}`", deviation.ours), deviation.reason]);
    }
    page.push('\n');
    for (subject, way) in OTHER_WAYS {
        writeln!(page, "- {subject}: {way}").expect("writing to a string");
    }
    for (subject, keys) in SUBJECTS {
        section(&mut page, &format!("Broker: {subject}"), keys);
    }
    section(&mut page, "Topic", TOPIC);
    page
}

/// The keys as a table, hidden ones left out, with what each does in this version.
fn section(page: &mut String, heading: &str, keys: &[Key]) {
    writeln!(page, "\n## {heading}").expect("writing to a string");
    page.push_str("\n| Key | Type | Default | Allowed | Change | Meaning | State |\n|---|---|---|---|---|---|---|\n");
    for key in keys.iter().filter(|key| !key.internal) {
        row(page, key);
    }
}

fn row(page: &mut String, key: &Key) {
    let default = match key.default {
        None => "–".to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) => format!("`{text}`"),
    };
    let change = match key.scope {
        Scope::ReadOnly => "file",
        Scope::PerBroker => "broker",
        Scope::ClusterWide => "cluster",
        Scope::Topic => "topic",
    };
    let state = match key.effect {
        Effect::Acts(test) => format!("acts: `{test}`"),
        Effect::Accepted => "no effect yet".to_owned(),
        Effect::Refused(reason) => format!("refused: {reason}"),
    };
    let value_type = key.value_type.name().to_lowercase();
    let name = format!("`{}`", key.name);
    line(page, &[&name, &value_type, &default, &key.validator.describe(), change, key.documentation, &state]);
}

fn line(page: &mut String, cells: &[&str]) {
    let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(page, "| {} |", escaped.join(" | ")).expect("writing to a string");
}
