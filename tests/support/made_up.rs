//! Requests made up from Kafka's schemas: every field gets what its name suggests, or something odd. One who chooses nothing gets what is
//! most usual everywhere.

use serde_json::{Map, Value, json};

use super::schema::{Field, Layout};

/// Who is asked whenever there is something to choose: bytes, from a seed or from a fuzzer. When they are used up, the first of everything
/// is chosen.
#[derive(Debug)]
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `bound`, which is at most 256.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) * bound / 256
    }

    /// True once in so many times.
    pub fn seldom(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of these; the earlier, the more often.
    pub fn of<T: Clone>(&mut self, values: &[T]) -> T {
        let byte = usize::from(self.byte());
        values[byte * byte * values.len() / (256 * 256)].clone()
    }
}

/// What there is to ask about. The first of each is there, unless the test says otherwise.
#[derive(Clone, Debug)]
pub struct Pools {
    pub topics: Vec<Value>,
    pub topic_ids: Vec<Value>,
    pub groups: Vec<Value>,
    pub members: Vec<Value>,
    pub generations: Vec<Value>,
    pub sessions: Vec<Value>,
    pub producers: Vec<Value>,
    pub offsets: Vec<Value>,
}

/// Things heard of that are kept, of each kind.
const HEARD: usize = 12;

/// A consumer's subscription to the topic `t`.
const SUBSCRIPTION: &str = "hex:00000000000100017400000000";
const RECORDS_TIME: i64 = 1_795_000_000_000;

fn unknown_id() -> Value {
    json!("00000000000000000000000000000077")
}

impl Default for Pools {
    fn default() -> Self {
        Self {
            topics: vec![json!("t"), json!("u"), json!("v.w")],
            topic_ids: vec![unknown_id(), json!("0".repeat(32))],
            groups: vec![json!("g"), json!("h")],
            members: vec![json!("")],
            generations: vec![json!(-1), json!(1)],
            sessions: vec![json!(0)],
            producers: vec![json!(-1)],
            offsets: [0, 1, 2, 5].map(Value::from).to_vec(),
        }
    }
}

impl Pools {
    /// Takes note of what an answer tells: ids, members, generations, offsets.
    pub fn learn(&mut self, answer: &Value) {
        match answer {
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                if let Some(pool) = self.told_by(name)
                    && !value.is_null()
                    && !pool.contains(value)
                {
                    pool.truncate(HEARD - 1);
                    pool.insert(0, value.clone());
                }
                self.learn(value);
            }),
            _ => {}
        }
    }

    fn told_by(&mut self, name: &str) -> Option<&mut Vec<Value>> {
        Some(match name {
            "topicId" => &mut self.topic_ids,
            "memberId" => &mut self.members,
            "generationId" => &mut self.generations,
            "sessionId" => &mut self.sessions,
            "producerId" => &mut self.producers,
            "baseOffset" | "highWatermark" | "logStartOffset" => &mut self.offsets,
            _ => return None,
        })
    }

    fn text(&self, field: &str, parent: &str) -> Vec<Value> {
        match (field, parent) {
            ("name", "protocols") | ("protocolName", _) => texts(&["range", "roundrobin", ""]),
            ("name", "configs") | ("configurationKeys", _) => texts(&CONFIG_KEYS),
            ("name" | "topic" | "topicName" | "topicNames", _) => self.topics.clone(),
            ("groupId" | "groups" | "groupsNames" | "key" | "coordinatorKeys", _) => self.groups.clone(),
            ("resourceName", _) => [&[json!("1")], &*self.topics, &[json!("")], &*self.groups].concat(),
            ("memberId", _) => self.members.clone(),
            ("groupInstanceId", _) => vec![Value::Null, json!("i"), json!("j")],
            ("transactionalId" | "clusterId" | "reason", _) => vec![Value::Null, json!("x")],
            ("protocolType", _) => texts(&["consumer", "connect"]),
            ("value", _) => {
                texts(&["1", "compact", "delete", "100", "-1", "gzip", "true", "LogAppendTime", "9223372036854775807", "x"])
            }
            ("statesFilter", _) => texts(&["Stable", "empty", "Dead"]),
            ("typesFilter", _) => texts(&["classic", "consumer"]),
            ("feature", _) => texts(&["metadata.version", "kraft.version", "group.version"]),
            _ => texts(&["", "kept"]),
        }
    }

    fn number(&self, field: &str, parent: &str) -> Vec<Value> {
        let numbers: &[i64] = match field {
            "partitions" if parent == "forgottenTopicsData" => &[0, 1],
            "partition" | "partitionIndex" | "partitionIndexes" | "partitions" | "index" => &[0, 1, 2, 3],
            "numPartitions" | "count" => &[1, 2, 3, -1, 0, 7],
            "replicationFactor" | "brokerIds" => &[1, -1, 2],
            "acks" => &[-1, 1, 0, 2],
            "timeoutMs" => &[1000, 60_000, 1, 0],
            "maxWaitMs" => &[0, 10, 300],
            "minBytes" => &[1, 0, 1000],
            "maxBytes" | "partitionMaxBytes" => &[1 << 20, 100, 1, 0],
            "sessionTimeoutMs" => &[6000, 10_000, 1],
            "rebalanceTimeoutMs" => &[100, 1000, 0],
            "generationId" | "generationIdOrMemberEpoch" => return self.generations.clone(),
            "sessionId" => return self.sessions.clone(),
            "sessionEpoch" => &[0, 1, 2, 3, -1],
            "producerId" => return self.producers.clone(),
            "fetchOffset" | "offset" | "committedOffset" => return self.offsets.clone(),
            "timestamp" => &[0, RECORDS_TIME, -1, -2, -3, -4, -5, -6, -7],
            "currentLeaderEpoch" | "lastFetchedEpoch" | "committedLeaderEpoch" | "memberEpoch" => &[-1, 0, 1],
            "resourceType" => &[4, 2, 32, 8, 16],
            "resourceTypes" => &[2, 4, 16, 32, 8, 0],
            "replicaId" | "retentionTimeMs" | "producerEpoch" | "replicaEpoch" | "highWatermark" | "logStartOffset" => {
                &[-1, 0, 1]
            }
            "endpointType" | "upgradeType" | "maxVersionLevel" => &[1, 2, 3, 0],
            "responsePartitionLimit" => &[2000, 1, 2],
            _ => &[0, 1, 2, 3],
        };
        numbers.iter().copied().map(Value::from).collect()
    }
}

const CONFIG_KEYS: [&str; 12] = [
    "retention.ms",
    "cleanup.policy",
    "segment.bytes",
    "max.message.bytes",
    "compression.type",
    "message.timestamp.type",
    "min.insync.replicas",
    "log.retention.ms",
    "log.cleaner.threads",
    "consumer.session.timeout.ms",
    "message.timestamp.after.max.ms",
    "no.such.key",
];

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}

/// Names of every kind.
pub fn odd_names() -> Vec<Value> {
    let mut names =
        texts(&["", ".", "..", "a/b", "a\0b", "a b", "ü", "\u{10ffff}", "v_w", "__consumer_offsets", "__cluster_metadata"]);
    names.extend([249, 250, 4097, 32_767].map(|length| json!("n".repeat(length))));
    names
}

/// Least and greatest, and what lies beside them.
pub fn edges(kind: &str) -> Vec<Value> {
    let (min, max) = match kind {
        "int8" => (i64::from(i8::MIN), i64::from(i8::MAX)),
        "int16" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "int32" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    [max, min, max - 1, min + 1, -2, -1, 0].map(Value::from).to_vec()
}

/// The fields of a request.
pub fn request(layout: Layout<'_>, pools: &Pools, choices: &mut Choices<'_>) -> Value {
    Value::Object(fields(layout, layout.fields(), "", pools, choices))
}

fn fields<'a>(
    layout: Layout<'a>,
    fields: impl Iterator<Item = &'a Field>,
    parent: &str,
    pools: &Pools,
    choices: &mut Choices<'_>,
) -> Map<String, Value> {
    let mut values = Map::new();
    for field in fields {
        // The most usual is a tag that is not there.
        if !layout.is_tagged(field) || choices.seldom(4) {
            values.insert(field.name.clone(), one_field(layout, field, parent, pools, choices));
        }
    }
    values
}

fn one_field<'a>(layout: Layout<'a>, field: &'a Field, parent: &str, pools: &Pools, choices: &mut Choices<'_>) -> Value {
    if !field.kind.starts_with("[]") {
        return element(layout, field, parent, pools, choices);
    }
    if layout.is_nullable(field) && choices.seldom(8) {
        return Value::Null;
    }
    let mut values: Vec<Value> = Vec::new();
    for _ in 0..choices.of(&[1, 1, 1, 1, 2, 2, 3, 0]) {
        // Whatever is named is now and then named twice.
        let again = values.last().filter(|_| choices.seldom(6)).cloned();
        values.push(again.unwrap_or_else(|| element(layout, field, parent, pools, choices)));
    }
    Value::Array(values)
}

/// A field that is no list, or one element of a list.
pub fn element<'a>(layout: Layout<'a>, field: &'a Field, parent: &str, pools: &Pools, choices: &mut Choices<'_>) -> Value {
    let kind = field.kind.trim_start_matches("[]");
    if let Some(inner) = layout.fields_of(field) {
        let is_null = !field.kind.starts_with("[]") && layout.is_nullable(field) && !choices.seldom(3);
        return if is_null { Value::Null } else { Value::Object(fields(layout, inner, &field.name, pools, choices)) };
    }
    match kind {
        "bool" => json!(choices.seldom(2)),
        "uuid" => choices.of(&pools.topic_ids),
        "records" => records(pools, choices),
        "bytes" => choices.of(&[json!(SUBSCRIPTION), json!(""), json!("hex:ff")]),
        "float64" => json!(0.5),
        "string" => {
            let usual = if choices.seldom(12) { odd_names() } else { pools.text(&field.name, parent) };
            let chosen = choices.of(&usual);
            if chosen.is_null() && !layout.is_nullable(field) { json!("") } else { chosen }
        }
        _ => {
            let is_odd = choices.seldom(16);
            choices.of(&if is_odd { edges(kind) } else { pools.number(&field.name, parent) })
        }
    }
}

/// A recipe of a batch.
fn records(pools: &Pools, choices: &mut Choices<'_>) -> Value {
    let mut batch =
        json!({"values": choices.of(&[json!(["a"]), json!(["b", "c"]), json!(["d", null, "f"])]), "time": RECORDS_TIME});
    let mut set = |name: &str, value: Value| drop(batch.as_object_mut().expect("an object").insert(name.to_owned(), value));
    set("codec", json!(choices.of(&[0, 0, 0, 1, 2, 3, 4, 4, 0, 5])));
    if choices.seldom(3) {
        set("producer", choices.of(&pools.producers));
        set("epoch", json!(choices.of(&[0, 1, -1])));
        set("sequence", json!(choices.of(&[0, 1, 2, 3, i32::MAX])));
    }
    match choices.below(40) {
        23 => set("damage", json!(1)),
        22 => set("attributes", json!(choices.of(&[8, 16, 32, 64, 128]))),
        21 => set("time", choices.of(&edges("int64"))),
        20 => set("claimed", json!(choices.of(&[0, -1, 7]))),
        19 => set("maxTimestamp", choices.of(&edges("int64"))),
        18 => set("lastOffsetDelta", json!(choices.of(&[-1, 5, i32::MAX]))),
        17 => set("baseOffset", choices.of(&edges("int64"))),
        16 => set("magic", json!(choices.of(&[1, 3]))),
        15 => set("cut", json!(choices.of(&[1, 20]))),
        14 => set("key", Value::Null),
        13 => return json!([batch.clone(), batch]),
        12 => return Value::Null,
        11 => return json!(""),
        _ => {}
    }
    batch
}
