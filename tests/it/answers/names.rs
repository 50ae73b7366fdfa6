//! The one list of what is not compared as it is, and the names that stand for what a broker makes up.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// 2024: scripts speak of earlier times, so a later one is of a clock.
const CLOCK: i64 = 1_704_067_200_000;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    /// Named by kind in order of first sight; what stands for none stays.
    Id(String),
    /// Of a clock; other times are compared.
    Time,
    /// How far the metadata log has come.
    Progress,
    /// Of the machine: addresses, paths, sizes of disks.
    Host,
    /// Whether there is a text is compared.
    Text,
}

/// By API and field.
#[derive(Debug)]
pub struct Rules(BTreeMap<(String, String), Kind>);

impl Rules {
    /// Lines of API, field, kind; `#` begins a comment.
    pub fn read(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap().split_whitespace().collect::<Vec<_>>());
        Self(lines.filter(|words| !words.is_empty()).map(|words| Self::rule(&words)).collect())
    }

    fn rule(words: &[&str]) -> ((String, String), Kind) {
        let kind = match words[2..] {
            ["id", kind] => Kind::Id(kind.to_owned()),
            ["time"] => Kind::Time,
            ["progress"] => Kind::Progress,
            ["host"] => Kind::Host,
            ["text"] => Kind::Text,
            _ => panic!("{words:?} is no rule"),
        };
        ((words[0].to_owned(), words[1].to_owned()), kind)
    }

    /// API and field of each.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.keys().map(|(api, field)| (api.as_str(), field.as_str()))
    }
}

/// What was said so far in one conversation.
#[derive(Default, Debug)]
pub struct Names {
    by_id: BTreeMap<(String, String), String>,
    values: BTreeMap<String, Value>,
}

impl Names {
    fn of(&mut self, kind: &str, id: &Value) -> Value {
        let key = (kind.to_owned(), id.to_string());
        let count = self.by_id.keys().filter(|(other, _)| other == kind).count();
        let name = self.by_id.entry(key).or_insert_with(|| format!("@{kind}{count}"));
        self.values.entry(name.clone()).or_insert_with(|| id.clone());
        json!(name)
    }

    fn remember(&mut self, name: String, value: &Value) {
        self.values.insert(name, value.clone());
    }

    /// A request with the ids that the broker made up in the place of their names; one that was never heard of is made up here.
    pub fn resolve(&self, request: &Value) -> Value {
        match request {
            Value::String(name) if name.starts_with('@') => self.values.get(name).cloned().unwrap_or_else(|| unheard_of(name)),
            Value::Array(all) => all.iter().map(|one| self.resolve(one)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), self.resolve(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// What later requests may follow up on: the latest member of a group, the latest fetch session.
    pub fn learn(&mut self, api: &str, request: &Value, answer: &Value) {
        let error = answer["errorCode"].as_i64();
        match api {
            "JoinGroup" if [Some(0), Some(MEMBER_ID_REQUIRED)].contains(&error) => {
                let group = request["groupId"].as_str().unwrap_or_default();
                self.remember(format!("@member of {group}"), &answer["memberId"]);
                self.remember(format!("@generation of {group}"), &answer["generationId"]);
            }
            "Fetch" if error == Some(0) && answer["sessionId"].as_i64() != Some(0) => {
                let asked =
                    request["sessionEpoch"].as_i64().filter(|epoch| *epoch > 0 && request["sessionId"] == answer["sessionId"]);
                self.remember("@latest session".to_owned(), &answer["sessionId"]);
                self.remember("@its epoch".to_owned(), &json!(asked.unwrap_or(0) + 1));
            }
            _ => {}
        }
    }

    /// The answer as it is kept and compared.
    pub fn shown(&mut self, rules: &Rules, unordered: &[(String, String)], api: &str, answer: &Value) -> Value {
        Showing { names: self, rules, unordered, api, is_new: true }.value("", answer)
    }
}

const MEMBER_ID_REQUIRED: i64 = 79;

fn unheard_of(name: &str) -> Value {
    match name.trim_start_matches('@').trim_end_matches(|last: char| last.is_ascii_digit()) {
        "topic" => json!("00112233445566778899aabbccddeeff"),
        "session" | "latest session" | "producer" | "its epoch" => json!(424_242),
        kind if kind.starts_with("generation") => json!(1),
        _ => json!(name),
    }
}

struct Showing<'a> {
    names: &'a mut Names,
    rules: &'a Rules,
    unordered: &'a [(String, String)],
    api: &'a str,
    /// Whether an id that was not seen yet gets its name.
    is_new: bool,
}

impl Showing<'_> {
    fn value(&mut self, path: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                Value::Object(
                    fields.iter().map(|(name, value)| (name.clone(), self.value(&below(name), value))).collect::<Map<_, _>>(),
                )
            }
            Value::Array(all) => self.array(path, all),
            Value::Null => Value::Null,
            leaf => self.leaf(path, leaf),
        }
    }

    /// Where the order means nothing, ids get their names in the order of what is around them.
    fn array(&mut self, path: &str, all: &[Value]) -> Value {
        if self.is_new && self.unordered.iter().any(|(api, field)| api == self.api && field == path) {
            self.is_new = false;
            let mut sorted: Vec<_> = all.iter().map(|one| (self.value(path, one).to_string(), one)).collect();
            self.is_new = true;
            sorted.sort_by(|left, right| left.0.cmp(&right.0));
            sorted.iter().for_each(|(_, one)| drop(self.value(path, one)));
        }
        all.iter().map(|one| self.value(path, one)).collect()
    }

    fn leaf(&mut self, path: &str, leaf: &Value) -> Value {
        match self.rules.0.get(&(self.api.to_owned(), path.to_owned())) {
            Some(Kind::Id(kind)) if is_id(leaf) => {
                if !self.is_new && !self.names.by_id.contains_key(&(kind.clone(), leaf.to_string())) {
                    return json!("?");
                }
                self.names.of(kind, leaf)
            }
            Some(Kind::Time) if leaf.as_i64().is_some_and(|time| time > CLOCK) => json!("time"),
            Some(Kind::Progress) if leaf.as_i64().is_some_and(|progress| progress >= 0) => json!("progress"),
            Some(Kind::Host) if *leaf != json!("") && *leaf != json!(-1) => json!("host"),
            Some(Kind::Text) => json!("text"),
            _ => leaf.clone(),
        }
    }
}

/// What a broker makes up is long, which a name that a request makes up is not.
const ID_LETTERS_MIN: usize = 22;

/// Not one that stands for none.
fn is_id(leaf: &Value) -> bool {
    match leaf {
        Value::String(text) => text.len() >= ID_LETTERS_MIN && text.bytes().any(|byte| byte != b'0'),
        number => number.as_i64().is_some_and(|number| number >= 0),
    }
}
