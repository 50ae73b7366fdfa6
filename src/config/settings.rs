//! Every broker key with its value, judged one by one: what describing, topics and [`super::ServerConfig`] build on.

use std::collections::{BTreeMap, BTreeSet};

use super::deviations;
use super::key::{Effect, Key};
use super::keys;
use super::raw::{Origin, Problem, RawConfig};
use super::synonyms;
use super::value::Value;

/// A key that was written, read.
#[derive(Clone, Debug)]
pub(super) struct Static {
    /// As it was written.
    pub(super) text: String,
    pub(super) value: Value,
    pub(super) origin: Option<Origin>,
}

/// The broker's settings as the file and the command line give them, and the defaults of all others.
#[derive(Clone, Default, Debug)]
pub struct Settings {
    statics: BTreeMap<&'static str, Static>,
    /// Keys of plugins and of single listeners, which no table holds.
    unlisted: BTreeSet<String>,
    /// Of single listeners, by the whole name: those that act.
    of_listeners: BTreeMap<String, i64>,
}

impl Settings {
    /// Judges every key; what is wrong goes to `problems` and is then as if it had not been written.
    pub(super) fn read(raw: RawConfig, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Self {
        let mut settings = Self::default();
        let mut without_effect = Vec::new();
        let mut no_keys = Vec::new();
        for (name, written) in raw.entries {
            let Some(key) = keys::broker_key(&name) else {
                if keys::is_known_without_entry(&name) {
                    match acting_of_listener(&name).map(|key| key.parse(&written.value).map_err(|reason| (key, reason))) {
                        Some(Ok(value)) => {
                            let number = value.integer().expect("a key of integers");
                            settings.of_listeners.insert(name.to_lowercase(), number);
                        }
                        Some(Err((key, reason))) => {
                            let message = bad_value(key, &written.value, &reason);
                            problems.push(Problem { origin: Some(written.origin), message });
                        }
                        None => without_effect.push(name.clone()),
                    }
                    settings.unlisted.insert(name);
                } else if let Origin::Environment { variable } = written.origin {
                    no_keys.push(variable);
                } else {
                    problems.push(Problem { origin: Some(written.origin), message: unknown_key(&name, &written.value) });
                }
                continue;
            };
            match key.parse(&written.value) {
                Ok(value) => {
                    if let Some(reason) = key.refusal(&value) {
                        let message = format!("{name}={}: {reason}", written.value);
                        problems.push(Problem { origin: Some(written.origin), message });
                        continue;
                    }
                    if key.effect == Effect::Accepted {
                        without_effect.push(name);
                    }
                    settings.statics.insert(key.name, Static { text: written.value, value, origin: Some(written.origin) });
                }
                Err(reason) => {
                    problems.push(Problem { origin: Some(written.origin), message: bad_value(key, &written.value, &reason) });
                }
            }
        }
        warnings.extend(raw.warnings);
        if !without_effect.is_empty() {
            warnings.push(format!("these settings are known but have no effect in this version: {}", without_effect.join(", ")));
        }
        if !no_keys.is_empty() {
            warnings.push(format!("these environment variables name no key and have no effect: {}", no_keys.join(", ")));
        }
        settings
    }

    /// Presets a key that another one implies, as if it had been written there.
    pub(super) fn imply(&mut self, name: &'static str, by: &'static str) {
        if !self.is_set(name)
            && let Some(written) = self.statics.get(by).cloned()
        {
            self.statics.insert(name, written);
        }
    }

    /// Sets a key that changed while the broker runs. What was written about its family no longer counts, whichever unit it is in.
    pub(super) fn replace(&mut self, key: &'static Key, text: &str, value: Value) {
        for name in synonyms::of_broker_key(key.name) {
            self.statics.remove(name);
        }
        self.statics.insert(key.name, Static { text: text.to_owned(), value, origin: None });
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.statics.contains_key(name)
    }

    pub(super) fn written(&self, name: &str) -> Option<&Static> {
        self.statics.get(name)
    }

    /// Where a key was written.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.statics.get(name).and_then(|written| written.origin.clone())
    }

    /// Names of the keys that no table holds.
    pub(super) fn unlisted(&self) -> impl Iterator<Item = &str> {
        self.unlisted.iter().map(String::as_str)
    }

    /// The number that a listener has for itself.
    pub(super) fn of_listener(&self, listener: &str, key: &str) -> Option<i64> {
        self.of_listeners.get(&format!("listener.name.{}.{key}", listener.to_lowercase())).copied()
    }

    /// Without `process.roles` a node is a complete cluster of one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        !self.is_set("process.roles")
    }

    /// The default of a key on this node: it can depend on whether the node is a cluster of one.
    pub(super) fn default_text(&self, key: &Key) -> Option<&'static str> {
        deviations::alone(key.name).filter(|_| self.is_alone()).or(key.default)
    }

    /// The value that holds: written, or the default; `None` where there is neither.
    ///
    /// # Panics
    /// When there is no such key, or its default is not valid: mistakes in the tables, which a test finds.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let key = keys::broker_key(name).expect("a key of the tables");
        match self.statics.get(name) {
            Some(written) => Some(written.value.clone()),
            None => self.default_text(key).map(|text| key.parse(text).expect("the default of a key is valid")),
        }
    }

    /// # Panics
    /// Like all that follow: when the key is of another type, a mistake at the place of the call.
    pub(super) fn optional_integer(&self, name: &str) -> Option<i64> {
        self.value(name).map(|value| value.integer().expect("a key of integers"))
    }

    /// # Panics
    /// When the key has neither value nor default.
    pub(super) fn integer(&self, name: &str) -> i64 {
        self.optional_integer(name).expect("the key has a default")
    }

    pub(super) fn boolean(&self, name: &str) -> bool {
        self.value(name) == Some(Value::Boolean(true))
    }

    pub(super) fn optional_text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.text().expect("a key of text"))
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.optional_text(name).expect("the key has a default")
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.value(name).map(|value| value.list().expect("a key of lists")).unwrap_or_default()
    }
}

/// The key behind `listener.name.NAME.KEY`, if it is one that acts for single listeners. Both are of integers.
fn acting_of_listener(name: &str) -> Option<&'static Key> {
    let (_, key) = name.strip_prefix("listener.name.")?.split_once('.')?;
    keys::broker_key(key).filter(|key| ["max.connections", "max.connection.creation.rate"].contains(&key.name))
}

/// What to say about a value that a key does not allow.
pub(super) fn bad_value(key: &Key, value: &str, reason: &str) -> String {
    let value = if key.is_sensitive() { "[hidden]" } else { value };
    format!("Invalid value {value} for configuration {}: {reason}", key.name)
}

fn unknown_key(name: &str, value: &str) -> String {
    let nearest = keys::broker().map(|key| (distance(name, key.name), key.name)).min();
    let hint = match nearest {
        Some((distance, nearest)) if distance <= 3 => format!("did you mean {nearest}?"),
        _ => "`klamm config docs` lists all keys".to_owned(),
    };
    format!("Unknown key {name} (value '{value}'); {hint}")
}

/// Letters to insert, delete or replace to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (column, other) in row.iter_mut().skip(1).zip(&to) {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = *column;
            left = replaced.min(*column + 1).min(left + 1);
            *column = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
