//! What Apache Kafka 4.3.0 answered to a script of requests, ordinary and odd, and what this node answers, field by field.
//! How the script is recorded stands in tests/golden/answers/README.md.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use serde_json::{Map, Value, json};

use crate::world::{Client, Running, Setup, soon};

const RECORDING: &str = include_str!("../golden/answers/answers.json");

const UNSUPPORTED_VERSION: &[u8] = &35_i16.to_be_bytes();
const COORDINATOR_LOAD_IN_PROGRESS: i64 = 14;

/// What is compared only so far, by the name of the field, and why.
const MAY_DIFFER: &[(&str, Compared, &str)] = &[
    ("clusterId", Compared::Presence, "made up by each cluster"),
    ("producerId", Compared::Presence, "given out by each cluster"),
    ("sessionId", Compared::Presence, "made up by each broker"),
    ("host", Compared::Presence, "where the broker runs"),
    ("port", Compared::Presence, "where the broker runs"),
    ("logAppendTimeMs", Compared::Presence, "the time of day"),
    ("errorMessage", Compared::Presence, "texts are our own"),
    ("batchIndexErrorMessage", Compared::Presence, "texts are our own"),
    ("finalizedFeaturesEpoch", Compared::Presence, "how far the metadata log has come"),
    ("configs", Compared::AnyOrder, "Kafka has settings in the order of a hash map, here they come by name"),
    ("apiKeys", Compared::Elements, "what is not served yet is not told of"),
    ("supportedFeatures", Compared::Nothing, "of features too only those that work are told of"),
    ("finalizedFeatures", Compared::Nothing, "of features too only those that work are told of"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// Whether there is something: neither null nor 0 or -1.
    Presence,
    /// The elements, but not their order.
    AnyOrder,
    /// Each element of ours is one of Kafka's.
    Elements,
    Nothing,
}

/// Reads an answer by the layout that was recorded with it: no code of ours that writes answers has a hand in it.
struct Reader {
    bytes: Bytes,
    is_flexible: bool,
}

impl Reader {
    fn varint(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.bytes.get_u8();
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    /// `None` for null.
    fn length(&mut self, is_string: bool) -> Option<usize> {
        if self.is_flexible {
            return self.varint().checked_sub(1);
        }
        let length = if is_string { i64::from(self.bytes.get_i16()) } else { i64::from(self.bytes.get_i32()) };
        usize::try_from(length).ok()
    }

    fn one(&mut self, kind: &str, fields: &Value) -> Value {
        match kind {
            "bool" => json!(self.bytes.get_u8() != 0),
            "int8" => json!(self.bytes.get_i8()),
            "int16" => json!(self.bytes.get_i16()),
            "int32" => json!(self.bytes.get_i32()),
            "int64" => json!(self.bytes.get_i64()),
            "uuid" => json!(self.bytes.copy_to_bytes(16).to_vec()),
            "struct" => self.fields(fields),
            "string" => self.length(true).map_or(Value::Null, |length| json!(text(&self.bytes.copy_to_bytes(length)))),
            "records" => self.length(false).map_or(Value::Null, |length| json!(hex(&self.bytes.copy_to_bytes(length)))),
            other => panic!("no such type: {other}"),
        }
    }

    fn field(&mut self, layout: &Value) -> Value {
        let kind = layout[1].as_str().unwrap().trim_end_matches('?');
        let Some(element) = kind.strip_prefix("[]") else { return self.one(kind, &layout[2]) };
        self.length(false).map_or(Value::Null, |count| (0..count).map(|_| self.one(element, &layout[2])).collect())
    }

    fn fields(&mut self, layout: &Value) -> Value {
        let mut values = Map::new();
        for field in layout.as_array().unwrap() {
            let name = field[0].as_str().unwrap();
            if name != "#" {
                values.insert(name.to_owned(), self.field(field));
                continue;
            }
            for _ in 0..self.varint() {
                let tag = self.varint().to_string();
                let size = self.varint();
                let mut inner = Self { bytes: self.bytes.copy_to_bytes(size), is_flexible: true };
                let field = field[1].get(&tag).unwrap_or_else(|| panic!("tag {tag} is not one of Kafka's"));
                values.insert(field[0].as_str().unwrap().to_owned(), inner.field(field));
                assert!(inner.bytes.is_empty(), "bytes behind tag {tag}");
            }
        }
        Value::Object(values)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn bytes_of(id: &[Value]) -> Vec<u8> {
    id.iter().map(|byte| byte.as_u64().unwrap() as u8).collect()
}

/// What this node made up, by what stands for it in the script.
#[derive(Default)]
struct Known(BTreeMap<Vec<u8>, Vec<u8>>);

impl Known {
    /// As `topic_id` and `SESSION` of script.py.
    fn learn(&mut self, answer: &Value) {
        if let (Some(id), Some(name)) = (answer["topicId"].as_array(), answer["name"].as_str())
            && bytes_of(id) != [0; 16]
        {
            let mut stand_in = format!("id of {name}").into_bytes();
            stand_in.resize(16, b'.');
            self.0.insert(stand_in, bytes_of(id));
        }
        if let Some(session) = answer["sessionId"].as_i64().filter(|id| *id != 0) {
            self.0.insert(b"SESS".to_vec(), (session as i32).to_be_bytes().to_vec());
        }
        answer.as_array().into_iter().flatten().for_each(|one| self.learn(one));
        answer.as_object().into_iter().flatten().for_each(|(_, one)| self.learn(one));
    }

    fn put_in(&self, frame: &[u8]) -> Vec<u8> {
        let mut digits = hex(frame);
        for (stand_in, real) in &self.0 {
            digits = digits.replace(&hex(stand_in), &hex(real));
        }
        unhex(&digits)
    }

    /// An id as record.py prints it.
    fn name(&self, id: &[Value]) -> String {
        let id = bytes_of(id);
        let stand_in = self.0.iter().find(|(_, real)| **real == id).map_or(&id, |(stand_in, _)| stand_in);
        text(stand_in).trim_end_matches(['\0', '.']).to_owned()
    }
}

fn is_something(value: &Value) -> bool {
    ![Value::Null, json!(0), json!(-1)].contains(value)
}

fn sorted(all: &[Value]) -> Value {
    let mut all = all.to_vec();
    all.sort_by_key(Value::to_string);
    Value::Array(all)
}

/// Collects where the two differ.
fn compare(path: &str, name: &str, kafka: &Value, ours: &Value, known: &Known, found: &mut Vec<String>) {
    let differ = |found: &mut Vec<String>| found.push(format!("{path}: Kafka {kafka}, here {ours}"));
    let rule = MAY_DIFFER.iter().find(|(field, ..)| *field == name).map(|(_, compared, _)| *compared);
    match (rule, kafka, ours) {
        (Some(Compared::Nothing), ..) => {}
        (Some(Compared::Presence), ..) if is_something(kafka) == is_something(ours) => {}
        (Some(Compared::Elements), Value::Array(kafka), Value::Array(ours)) if ours.iter().all(|one| kafka.contains(one)) => {}
        (Some(Compared::AnyOrder), Value::Array(kafka), Value::Array(ours)) => {
            compare(path, "", &sorted(kafka), &sorted(ours), known, found);
        }
        (Some(_), ..) if kafka == ours => {}
        (Some(_), ..) => differ(found),
        (None, Value::Object(_), Value::Object(_)) => {
            let names: std::collections::BTreeSet<_> =
                [kafka, ours].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
            for name in names {
                compare(&format!("{path}.{name}"), name, &kafka[name.as_str()], &ours[name.as_str()], known, found);
            }
        }
        (None, Value::Array(theirs), Value::Array(own)) if theirs.len() == own.len() => {
            for (index, (kafka, ours)) in theirs.iter().zip(own).enumerate() {
                compare(&format!("{path}[{index}]"), "", kafka, ours, known, found);
            }
        }
        (None, Value::String(kafka), Value::Array(id)) if known.name(id) == *kafka => {}
        _ if kafka == ours => {}
        _ => differ(found),
    }
}

struct Conversation {
    running: Running,
    client: Client,
    layouts: Value,
    known: Known,
}

impl Conversation {
    /// The answer, with the name of its layout; "closed" if the node closes the connection instead.
    async fn ask(&mut self, api: &str, frame: &[u8]) -> Value {
        soon(self.client.raw().send_frame(frame)).await.unwrap();
        let Ok(mut bytes) = soon(self.client.raw().receive_frame()).await else {
            self.client = self.running.client().await;
            return json!("closed");
        };
        assert_eq!(bytes.copy_to_bytes(4), frame[4..8], "the correlation id");
        let mut layout = api.to_owned();
        if api.starts_with("ApiVersions ") && bytes.starts_with(UNSUPPORTED_VERSION) {
            layout = "ApiVersions 0".to_owned();
        }
        let fields =
            self.layouts.get(&layout).unwrap_or_else(|| panic!("Kafka closed the connection, here is an answer in {layout}"));
        let is_flexible = fields.as_array().unwrap().last().unwrap()[0] == "#";
        if is_flexible && !api.starts_with("ApiVersions ") {
            assert_eq!(bytes.get_u8(), 0, "tags of the header");
        }
        let mut reader = Reader { bytes, is_flexible };
        let answer = reader.fields(fields);
        assert!(reader.bytes.is_empty(), "bytes behind the answer");
        self.known.learn(&answer);
        json!({ layout: answer })
    }
}

#[test]
fn every_api_is_asked_ordinary_and_odd_questions() {
    let recording: Value = serde_json::from_str(RECORDING).unwrap();
    let mut asked: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for step in recording["steps"].as_array().unwrap() {
        let (ordinary, odd) = asked.entry(step["api"].as_str().unwrap().split(' ').next().unwrap()).or_default();
        *if step["about"].as_str().unwrap().starts_with("odd: ") { odd } else { ordinary } += 1;
    }
    assert_eq!(asked.len(), 11);
    assert!(asked.values().all(|(ordinary, odd)| *ordinary >= 3 && *odd >= 5), "{asked:?}");
}

#[tokio::test]
async fn requests_are_answered_as_apache_kafka_answers_them() {
    let mut recording: Value = serde_json::from_str(RECORDING).unwrap();
    let running = Setup::new().with("auto.create.topics.enable", "true").start().await;
    let client = running.client().await;
    let mut conversation = Conversation { running, client, layouts: recording["layouts"].take(), known: Known::default() };
    let mut found = Vec::new();
    for step in recording["steps"].as_array().unwrap() {
        let (api, about) = (step["api"].as_str().unwrap(), step["about"].as_str().unwrap());
        let frame = conversation.known.put_in(&unhex(step["bytes"].as_str().unwrap()));
        let mut answer = conversation.ask(api, &frame).await;
        // The first producer's id is on its way from the controller.
        while answer[api]["errorCode"] == json!(COORDINATOR_LOAD_IN_PROGRESS) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            answer = conversation.ask(api, &frame).await;
        }
        compare(about, "", &step["answer"], &answer, &conversation.known, &mut found);
    }
    assert!(found.is_empty(), "{} fields differ:\n{}", found.len(), found.join("\n"));
    conversation.running.stop().await.unwrap();
}
