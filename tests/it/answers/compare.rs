//! Field by field: where two answers differ, and which differences are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::conversation::Step;

/// By which elements of a list are told apart.
const NAMES: [&str; 6] = ["name", "topic", "topicId", "groupId", "index", "partitionIndex"];

/// A field that is not the same; null where there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    pub field: String,
    pub kafka: Value,
    pub klamm: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: Kafka {}, here {}", self.field, self.kafka, self.klamm)
    }
}

/// Finds where the two differ. Of lists of different lengths, the elements that only one side has.
pub fn compare(field: &str, kafka: &Value, klamm: &Value, found: &mut Vec<Difference>) {
    match (kafka, klamm) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let names: BTreeSet<_> = [theirs, ours].into_iter().flat_map(Map::keys).collect();
            for name in names {
                let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                compare(&below, kafka.get(name).unwrap_or(&Value::Null), klamm.get(name).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            theirs.iter().zip(ours).for_each(|(theirs, ours)| compare(field, theirs, ours, found));
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            let element =
                |kafka: &Value, klamm: &Value| Difference { field: field.to_owned(), kafka: kafka.clone(), klamm: klamm.clone() };
            let before = found.len();
            found.extend(theirs.iter().filter(|one| !ours.contains(one)).map(|one| element(one, &Value::Null)));
            found.extend(ours.iter().filter(|one| !theirs.contains(one)).map(|one| element(&Value::Null, one)));
            if found.len() == before {
                found.push(Difference { field: field.to_owned(), kafka: kafka.clone(), klamm: klamm.clone() });
            }
        }
        _ if kafka == klamm => {}
        _ => found.push(Difference { field: field.to_owned(), kafka: kafka.clone(), klamm: klamm.clone() }),
    }
}

/// A difference that is known, and why it is one. What an entry leaves out may be anything.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Known {
    api: String,
    field: String,
    /// Recordings in which it is met; each fails if it no longer is.
    recordings: Vec<String>,
    /// Only in steps of this text.
    about: Option<String>,
    versions: Option<(i16, i16)>,
    #[serde(default, deserialize_with = "given")]
    kafka: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    klamm: Option<Value>,
    /// The elements are the same, in any order.
    #[serde(default)]
    any_order: bool,
    /// It depends on who is faster and may stay away.
    #[serde(default)]
    sometimes: bool,
    reason: String,
}

/// Null is a value too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Known {
    fn is_it(&self, step: &Step, difference: &Difference) -> bool {
        self.is_at(step, &difference.field)
            && !self.any_order
            && self.kafka.as_ref().is_none_or(|kafka| *kafka == difference.kafka)
            && self.klamm.as_ref().is_none_or(|klamm| *klamm == difference.klamm)
    }

    fn is_at(&self, step: &Step, field: &str) -> bool {
        self.api == step.api
            && self.field == field
            && self.about.as_ref().is_none_or(|about| step.about.contains(about.as_str()))
            && self.versions.is_none_or(|(first, last)| (first..=last).contains(&step.version))
    }
}

/// All that are known, and how often each was met.
pub struct Judge<'a> {
    known: &'a [Known],
    recording: &'a str,
    met: BTreeMap<usize, usize>,
    /// Steps whose answers differ in what no entry explains for every step.
    pub differing: usize,
}

impl<'a> Judge<'a> {
    pub fn new(known: &'a [Known], recording: &'a str) -> Self {
        Self { known, recording, met: BTreeMap::new(), differing: 0 }
    }

    /// The differences that nobody knows of.
    pub fn judge(&mut self, step: &Step, answer: &Value) -> Vec<Difference> {
        let mut moved = BTreeSet::new();
        let kafka = self.in_order(step, "", &step.answer, &mut moved);
        let klamm = self.in_order(step, "", answer, &mut moved);
        if step.answer != *answer {
            moved.into_iter().for_each(|index| *self.met.entry(index).or_default() += 1);
        }
        let mut found = Vec::new();
        compare("", &kafka, &klamm, &mut found);
        found.retain(|difference| !step.unstable.contains(&difference.field));
        let is_general = |difference: &Difference| {
            self.known.iter().any(|known| self.is_here(known) && known.about.is_none() && known.is_it(step, difference))
        };
        self.differing += usize::from(!found.iter().all(is_general));
        found.retain(|difference| {
            let known = (0..).zip(self.known).find(|(_, known)| self.is_here(known) && known.is_it(step, difference));
            known.iter().for_each(|(index, _)| *self.met.entry(*index).or_default() += 1);
            known.is_none()
        });
        found
    }

    fn is_here(&self, known: &Known) -> bool {
        known.recordings.iter().any(|recording| recording == self.recording)
    }

    /// Lists whose order is known to differ sorted, those within others first; `moved` are the entries by which something was moved.
    fn in_order(&self, step: &Step, field: &str, value: &Value, moved: &mut BTreeSet<usize>) -> Value {
        match value {
            Value::Object(fields) => {
                let below = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
                let sorted = fields.iter().map(|(name, one)| (name.clone(), self.in_order(step, &below(name), one, moved)));
                Value::Object(sorted.collect())
            }
            Value::Array(all) => {
                let mut all: Vec<_> = all.iter().map(|one| self.in_order(step, field, one, moved)).collect();
                let mut known = (0..).zip(self.known);
                let known = known.find(|(_, known)| known.any_order && self.is_here(known) && known.is_at(step, field));
                // By name first, so that two of one name are compared with each other.
                let rank = |one: &Value| (NAMES.map(|name| one[name].to_string()), one.to_string());
                if let Some((index, _)) = known
                    && !all.is_sorted_by_key(rank)
                {
                    all.sort_by_key(rank);
                    moved.insert(index);
                }
                Value::Array(all)
            }
            leaf => leaf.clone(),
        }
    }

    /// Those that should have been met and were not.
    pub fn gone(&self) -> Vec<String> {
        let here = (0..).zip(self.known).filter(|(_, known)| self.is_here(known) && !known.sometimes);
        here.filter(|(index, _)| self.met.get(index).is_none_or(|met| *met == 0))
            .map(|(_, known)| format!("{} {} no longer differs: {}", known.api, known.field, known.reason))
            .collect()
    }
}

/// Lists of which the order means nothing, by API and field: ids in them get their names in another order than their own.
pub fn unordered(known: &[Known]) -> Vec<(String, String)> {
    known.iter().filter(|known| known.any_order).map(|known| (known.api.clone(), known.field.clone())).collect()
}

/// Each leaf of a value in turn replaced by something else.
pub fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let one =
                |name: &String, value: &Value| changed(value).into_iter().map(|new| with(fields, name, new)).collect::<Vec<_>>();
            fields.iter().flat_map(|(name, value)| one(name, value)).collect()
        }
        Value::Array(all) => {
            let mut found: Vec<_> = (0..all.len())
                .flat_map(|index| changed(&all[index]).into_iter().map(move |new| (index, new)))
                .map(|(index, new)| {
                    let mut all = all.clone();
                    all[index] = new;
                    Value::Array(all)
                })
                .collect();
            found.push(Value::Array(all.iter().cloned().chain([json!("one more")]).collect()));
            found
        }
        Value::Null => vec![json!("not null")],
        Value::Bool(truth) => vec![json!(!truth)],
        Value::Number(number) => vec![json!(number.as_i64().map_or(0, |number| number ^ 1))],
        // What a rule takes for any other of its kind it does not take for none.
        Value::String(text) if ["time", "progress"].contains(&text.as_str()) => vec![json!(-1)],
        Value::String(text) if ["host", "text"].contains(&text.as_str()) => vec![Value::Null],
        Value::String(text) => vec![json!(format!("{text}?")), Value::Null],
    }
}

fn with(fields: &Map<String, Value>, name: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields.insert(name.to_owned(), value);
    Value::Object(fields)
}
