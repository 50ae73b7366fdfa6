//! `klamm config docs`: the tables of keys as Markdown. docs/CONFIG.md is this text; a test holds the two together.

use std::fmt::Write as _;

use crate::config::{DEVIATIONS, Effect, Key, OTHER_WAYS, SUBJECTS, Scope, TOPIC};

const INTRODUCTION: &str = "\
# Configuration

This page is printed by `klamm config docs`; change the tables in `src/config/keys/`, not this file.

Klamm takes Apache Kafka's keys with Kafka's meaning, from a file in Kafka's form (`klamm serve --config FILE`) and from the command line
(`--set key=value`, which holds against the file). Without either it starts a complete cluster of one on localhost:9092. Keys of its own
start with `klamm.`. An unknown key or a bad value stops the start; a key without effect in this version is taken and named in a warning.

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

/// The keys that do something, as a table; then the names of those that do nothing yet. Hidden keys are left out.
fn section(page: &mut String, heading: &str, keys: &[Key]) {
    let (effective, accepted): (Vec<&Key>, Vec<&Key>) =
        keys.iter().filter(|key| !key.internal).partition(|key| key.effect == Effect::Effective);
    writeln!(page, "\n## {heading}").expect("writing to a string");
    if !effective.is_empty() {
        page.push_str("\n| Key | Type | Default | Allowed | Change | Meaning |\n|---|---|---|---|---|---|\n");
    }
    for key in effective {
        row(page, key);
    }
    if !accepted.is_empty() {
        page.push_str("\nTaken, without effect in this version:\n\n| Key | Type | Default | Allowed | Change | Meaning |\n|---|---|---|---|---|---|\n");
    }
    for key in accepted {
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
    let value_type = key.value_type.name().to_lowercase();
    line(page, &[&format!("`{}`", key.name), &value_type, &default, &key.validator.describe(), change, key.documentation]);
}

fn line(page: &mut String, cells: &[&str]) {
    let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(page, "| {} |", escaped.join(" | ")).expect("writing to a string");
}
