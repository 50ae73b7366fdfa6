//! Steps put to a broker over connections of their own, answer by answer.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::names::{Names, Rules};
use crate::support::client::Client;
use crate::support::schema::{self, Schemas, Versions, meant};

const UNSUPPORTED_VERSION: &[u8] = &35_i16.to_be_bytes();
/// No answer takes longer, on either side.
const PATIENCE: Duration = Duration::from_secs(10);
const CLIENT_ID: &[u8] = b"golden";

/// One request and what was answered.
#[derive(Clone, Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Empty for what only prepares, `odd: …` for what is not usual.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    pub api: String,
    pub version: i16,
    /// The fields; bytes if it is text.
    pub request: Value,
    /// What is done to the bytes: `cut` so many from their end, append those `behind`, add an unknown `tag`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub bent: Map<String, Value>,
    /// The connection, if not the first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// The answer is not waited for; it comes before the next one of this connection, or at the end.
    #[serde(skip_serializing_if = "is_false")]
    pub later: bool,
    /// There is no answer.
    #[serde(skip_serializing_if = "is_false")]
    pub silent: bool,
    /// Asked again until the answer has this in it, so that what a broker does in the background is done.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub until: Value,
    /// What was asked for goes on in the background: the next step waits a little.
    #[serde(skip_serializing_if = "is_false")]
    pub settles: bool,
    pub answer: Value,
    /// Fields that differed between two fresh brokers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unstable: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Step {
    pub fn is_odd(&self) -> bool {
        self.about.starts_with("odd: ")
    }

    pub fn is_counted(&self) -> bool {
        !self.about.is_empty()
    }
}

struct Connection {
    client: Client<TcpStream>,
    /// Steps whose answers are to come.
    pending: VecDeque<Pending>,
}

struct Pending {
    index: usize,
    correlation: i32,
    request: Value,
}

pub struct Conversation<'a> {
    address: SocketAddr,
    schemas: &'a Schemas,
    rules: &'a Rules,
    unordered: &'a [(String, String)],
    names: Names,
    connections: BTreeMap<String, Connection>,
    correlation: i32,
    settling: Duration,
}

impl<'a> Conversation<'a> {
    pub fn new(
        address: SocketAddr,
        schemas: &'a Schemas,
        rules: &'a Rules,
        unordered: &'a [(String, String)],
        settling: Duration,
    ) -> Self {
        let (names, connections) = (Names::default(), BTreeMap::new());
        Self { address, schemas, rules, unordered, names, connections, correlation: 0, settling }
    }

    /// The answers to all steps, in their order.
    pub async fn hold(mut self, steps: &[Step]) -> Vec<Value> {
        let mut answers = vec![Value::Null; steps.len()];
        for (index, step) in steps.iter().enumerate() {
            self.collect(&step.by, steps, &mut answers).await;
            let asked = timeout(PATIENCE, async {
                loop {
                    self.send(index, step).await;
                    if step.later || step.silent {
                        return;
                    }
                    let raw = self.receive(&step.by, steps).await;
                    if contains(&raw.1, &step.until) {
                        answers[index] = self.names.shown(self.rules, self.unordered, &step.api, &raw.1);
                        return;
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            });
            let is_late = asked.await.is_err();
            if step.settles {
                sleep(self.settling).await;
            }
            if is_late {
                answers[index] = json!("no answer");
                self.connections.remove(&step.by);
            }
        }
        for by in self.connections.keys().cloned().collect::<Vec<_>>() {
            self.collect(&by, steps, &mut answers).await;
        }
        answers
    }

    /// Answers that are still to come over a connection.
    async fn collect(&mut self, by: &str, steps: &[Step], answers: &mut [Value]) {
        while self.connections.get(by).is_some_and(|connection| !connection.pending.is_empty()) {
            let Ok((index, answer)) = timeout(PATIENCE, self.receive(by, steps)).await else {
                let connection = self.connections.remove(by).unwrap();
                connection.pending.iter().for_each(|pending| answers[pending.index] = json!("no answer"));
                return;
            };
            answers[index] = self.names.shown(self.rules, self.unordered, &steps[index].api, &answer);
        }
    }

    async fn send(&mut self, index: usize, step: &Step) {
        if !self.connections.contains_key(&step.by) {
            let stream = TcpStream::connect(self.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.connections.insert(step.by.clone(), Connection { client: Client::new(stream, ""), pending: VecDeque::new() });
        }
        self.correlation += 1;
        let request = self.names.resolve(&step.request);
        let frame = frame(self.schemas, step, &request, self.correlation);
        let connection = self.connections.get_mut(&step.by).unwrap();
        // Whoever was sent away learns it from the answer that does not come.
        drop(connection.client.send_frame(&frame).await);
        if !step.silent {
            connection.pending.push_back(Pending { index, correlation: self.correlation, request });
        }
    }

    /// The next answer, and the step that it is to.
    async fn receive(&mut self, by: &str, steps: &[Step]) -> (usize, Value) {
        let connection = self.connections.get_mut(by).unwrap();
        let bytes = connection.client.receive_frame().await;
        let pending = connection.pending.pop_front().unwrap();
        let Ok(bytes) = bytes else {
            self.connections.remove(by);
            return (pending.index, json!("closed"));
        };
        let step = &steps[pending.index];
        let answer =
            read(self.schemas, step, pending.correlation, bytes).unwrap_or_else(|wrong| json!(format!("undecodable: {wrong}")));
        self.names.learn(&step.api, &pending.request, &answer);
        (pending.index, answer)
    }
}

/// Whether `answer` has everything that `wanted` says; of lists, the first elements.
fn contains(answer: &Value, wanted: &Value) -> bool {
    match (answer, wanted) {
        (_, Value::Null) => true,
        (Value::Object(answer), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| contains(answer.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(answer), Value::Array(wanted)) => {
            wanted.len() <= answer.len() && wanted.iter().zip(answer).all(|(wanted, answer)| contains(answer, wanted))
        }
        (answer, wanted) => answer == wanted,
    }
}

/// The request's bytes without the size before them.
fn frame(schemas: &Schemas, step: &Step, request: &Value, correlation: i32) -> Vec<u8> {
    let layout = schemas.request(&step.api, step.version);
    let mut frame = [schemas.key(&step.api).to_be_bytes(), step.version.to_be_bytes()].concat();
    frame.extend(correlation.to_be_bytes());
    frame.extend((CLIENT_ID.len() as i16).to_be_bytes());
    frame.extend(CLIENT_ID);
    frame.extend(if layout.is_flexible() { &[0][..] } else { &[] });
    frame.extend(request.as_str().map_or_else(|| layout.encode(request), meant));
    if let Some(cut) = step.bent.get("cut") {
        frame.truncate(frame.len() - cut.as_u64().unwrap() as usize);
    }
    if step.bent.contains_key("tag") {
        assert_eq!(frame.pop(), Some(0), "there are tags already");
        frame.extend(b"\x01\x63\x03odd");
    }
    frame.extend(step.bent.get("behind").map(|bytes| meant(bytes.as_str().unwrap())).unwrap_or_default());
    frame
}

fn read(schemas: &Schemas, step: &Step, correlation: i32, mut bytes: Bytes) -> Result<Value, String> {
    if bytes.try_get_i32() != Ok(correlation) {
        return Err("another correlation id".to_owned());
    }
    let is_first = step.api == "ApiVersions";
    // Who asks for a version that is not known is told so in the oldest one (KIP-511).
    let version = if is_first && bytes.starts_with(UNSUPPORTED_VERSION) { 0 } else { step.version };
    let Versions { first, last } = schemas.versions(&step.api);
    if !(first..=last).contains(&version) {
        return Err(format!("an answer in version {version}: {}", schema::hex(&bytes)));
    }
    let layout = schemas.response(&step.api, version);
    if layout.is_flexible() && !is_first && bytes.try_get_u8() != Ok(0) {
        return Err("tags in the header".to_owned());
    }
    layout.decode(&mut bytes)
}
