//! What the node has promised by its answers.

use std::collections::{BTreeMap, BTreeSet};

use klamm::protocol::ApiKey;
use serde_json::Value;

use crate::support::batches;

/// A topic by id, in 32 digits, and a partition of it.
pub(super) type Place = (String, i32);

#[derive(Debug, Default)]
pub(super) struct Model {
    /// Without the internal ones, which are made when they are needed.
    pub(super) topics: BTreeSet<String>,
    /// Ids of all topics, as the auditor found them.
    pub(super) ids: BTreeMap<String, String>,
    /// High watermark and log start of each partition.
    pub(super) ends: BTreeMap<Place, (i64, i64)>,
    /// Batches that were acknowledged, by place and base offset: their records.
    pub(super) batches: BTreeMap<(Place, i64), Value>,
    /// By group, topic's name and partition: offset and metadata.
    pub(super) commits: BTreeMap<(String, String, i32), (i64, String)>,
    /// Batches and offsets that were promised so far.
    pub(super) acknowledged: usize,
    pub(super) committed: usize,
    /// There was no answer, so anything may have happened; the auditor takes what there is for true, once.
    pub(super) is_uncertain: bool,
}

/// Every error code in an answer.
pub(super) fn errors(answer: &Value) -> Vec<i64> {
    match answer {
        Value::Array(values) => values.iter().flat_map(errors).collect(),
        Value::Object(fields) => {
            let own = fields.iter().filter(|(name, _)| name.ends_with("rrorCode")).filter_map(|(_, value)| value.as_i64());
            own.chain(fields.values().flat_map(errors)).collect()
        }
        _ => Vec::new(),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn number(value: &Value, name: &str) -> i32 {
    i32::try_from(value[name].as_i64().unwrap_or(-1)).unwrap()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn is_done(value: &Value) -> bool {
    value["errorCode"] == 0
}

impl Model {
    pub(super) fn apply(&mut self, key: ApiKey, request: &Value, answer: &Value) {
        match key {
            ApiKey::CreateTopics if request["validateOnly"] != true => {
                let made = list(answer, "topics").filter(|topic| is_done(topic)).map(|topic| text(topic, "name"));
                self.topics.extend(made.filter(|name| !is_internal(name)));
            }
            ApiKey::DeleteTopics => {
                list(answer, "responses").filter(|topic| is_done(topic)).for_each(|topic| self.forget(&text(topic, "name")));
            }
            ApiKey::OffsetCommit => self.apply_commit(request, answer),
            ApiKey::OffsetDelete => {
                let group = text(request, "groupId");
                for (topic, partition) in pairs(answer, "topics", "partitions") {
                    self.commits.remove(&(group.clone(), text(topic, "name"), number(partition, "partitionIndex")));
                }
            }
            ApiKey::DeleteGroups => {
                for group in list(answer, "results").filter(|group| is_done(group)).map(|group| text(group, "groupId")) {
                    self.commits.retain(|(of, ..), _| *of != group);
                }
            }
            ApiKey::Produce => self.apply_produce(request, answer),
            _ => {}
        }
    }

    fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
        self.commits.retain(|(_, of, _), _| of != topic);
    }

    /// The topic's name, of a part of a request or an answer that has a name or an id.
    fn name(&self, topic: &Value) -> String {
        let by_id = topic["topicId"].as_str().and_then(|id| self.ids.iter().find(|(_, of)| *of == id));
        by_id.map_or_else(|| text(topic, "name"), |(name, _)| name.clone())
    }

    fn apply_commit(&mut self, request: &Value, answer: &Value) {
        let group = text(request, "groupId");
        let expires = request.get("retentionTimeMs").is_some_and(|time| *time != -1);
        for (topic, done) in pairs(answer, "topics", "partitions").filter(|(_, partition)| is_done(partition)) {
            let (name, index) = (self.name(topic), number(done, "partitionIndex"));
            let asked = pairs(request, "topics", "partitions")
                .filter(|(topic, partition)| self.name(topic) == name && number(partition, "partitionIndex") == index);
            let place = (group.clone(), name.clone(), index);
            match asked.collect::<Vec<_>>()[..] {
                [(_, partition)] if !expires => {
                    let offset = partition["committedOffset"].as_i64().unwrap();
                    self.committed += 1;
                    self.commits.insert(place, (offset, text(partition, "committedMetadata")));
                }
                // Of several the answer does not say which one counts.
                _ => drop(self.commits.remove(&place)),
            }
        }
    }

    fn apply_produce(&mut self, request: &Value, answer: &Value) {
        for (topic, done) in pairs(answer, "responses", "partitionResponses").filter(|(_, partition)| is_done(partition)) {
            let (name, index) = (self.name(topic), number(done, "index"));
            let asked: Vec<_> = pairs(request, "topicData", "partitionData")
                .filter(|(topic, partition)| self.name(topic) == name && number(partition, "index") == index)
                .collect();
            let [(_, partition)] = asked[..] else { continue };
            // A producer that has an id may have sent the batch before, with other records.
            let has_producer = partition["records"].get("producer").is_some_and(|id| id.as_i64() >= Some(0));
            let (Some(id), Some(offset), false) = (self.ids.get(&name), done["baseOffset"].as_i64(), has_producer) else {
                continue;
            };
            let sent = batches::read(batches::write(&partition["records"]).into());
            self.acknowledged += 1;
            self.batches.insert(((id.clone(), index), offset), records_of(&sent[0]));
        }
    }
}

/// What is the same in a batch that was sent and one that is read.
pub(super) fn records_of(batch: &Value) -> Value {
    serde_json::json!([batch["count"], batch["records"]])
}

pub(super) fn is_internal(name: &str) -> bool {
    name.starts_with("__")
}

/// All partitions, each with its topic.
fn pairs<'a>(value: &'a Value, topics: &str, partitions: &'static str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    list(value, topics).flat_map(move |topic| list(topic, partitions).map(move |partition| (topic, partition)))
}
