//! Whether what was promised holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, FindCoordinatorRequest, ListOffsetsRequest, MetadataRequest, OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use turmoil::net::TcpStream;
use uuid::Uuid;

use super::model::{Model, Place, is_internal, records_of};
use crate::node::BROKER;
use crate::support::batches;
use crate::support::client::Client;
use crate::support::made_up::Pools;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// An auditor is never kept waiting.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Auditor(Client<TcpStream>);

fn wire(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

impl Auditor {
    pub(super) async fn connect() -> Result<Self, String> {
        loop {
            if let Ok(stream) = TcpStream::connect(BROKER).await {
                return Ok(Self(Client::new(stream, "auditor")));
            }
            sleep(PAUSE).await;
        }
    }

    async fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, String> {
        let answer = timeout(PATIENCE, self.0.call(version, request)).await;
        answer.map_err(|_| "the auditor gets no answer".to_owned())?.map_err(|error| format!("the auditor: {error}"))
    }

    /// The topic `t` and the coordinator of groups are there.
    pub(super) async fn prepare(&mut self) -> Result<(), String> {
        let topic = CreatableTopic::default().with_name(TopicName(wire("t"))).with_num_partitions(2).with_replication_factor(1);
        let create = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![wire("g")]);
        // A node that has just started serves no connection yet.
        while self.0.call(7, &create).await.is_err() {
            sleep(PAUSE).await;
            *self = Self::connect().await?;
        }
        while self.call(4, &find).await?.coordinators[0].error_code != 0 {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    pub(super) async fn audit(&mut self, model: &mut Model, pools: &mut Pools) -> Result<(), String> {
        let partitions = self.topics(model, pools).await?;
        self.offsets(model, &partitions).await?;
        if std::mem::take(&mut model.is_uncertain) {
            model.commits.clear();
        }
        self.commits(model).await
    }

    /// The topics are those that were made. Returns each with its partitions.
    async fn topics(&mut self, model: &mut Model, pools: &mut Pools) -> Result<BTreeMap<String, Vec<i32>>, String> {
        let answer = self.call(12, &MetadataRequest::default().with_topics(None)).await?;
        let mut partitions = BTreeMap::new();
        model.ids.clear();
        for topic in answer.topics {
            let (name, id) = (topic.name.unwrap_or_default().to_string(), topic.topic_id.simple().to_string());
            partitions.insert(name.clone(), topic.partitions.iter().map(|partition| partition.partition_index).collect());
            model.ids.insert(name, id);
        }
        let found: BTreeSet<String> = model.ids.keys().filter(|name| !is_internal(name)).cloned().collect();
        if model.is_uncertain {
            model.topics.clone_from(&found);
        }
        if found != model.topics {
            return Err(format!("there are {found:?} where {:?} were made", model.topics));
        }
        let (here, ids) = (|place: &Place| model.ids.values().any(|id| *id == place.0), &mut pools.topic_ids);
        model.ends.retain(|place, _| here(place));
        model.batches.retain(|(place, _), _| here(place));
        if let Some(id) = model.ids.get("t").map(|id| json!(id)).filter(|id| !ids.contains(id)) {
            ids.insert(0, id);
        }
        Ok(partitions)
    }

    /// High watermarks and log starts never go back.
    async fn offsets(&mut self, model: &mut Model, partitions: &BTreeMap<String, Vec<i32>>) -> Result<(), String> {
        let (ends, starts) = (self.list(partitions, LATEST).await?, self.list(partitions, EARLIEST).await?);
        for ((name, index), end) in ends {
            let start = starts.get(&(name.clone(), index)).copied().unwrap_or(-1);
            let place = (model.ids[&name].clone(), index);
            let (end_before, start_before) = model.ends.get(&place).copied().unwrap_or_default();
            if end < end_before || start < start_before || start > end {
                return Err(format!("{name}-{index} went from {start_before}..{end_before} to {start}..{end}"));
            }
            model.ends.insert(place, (end, start));
        }
        Ok(())
    }

    async fn list(&mut self, of: &BTreeMap<String, Vec<i32>>, timestamp: i64) -> Result<BTreeMap<(String, i32), i64>, String> {
        let topics = of.iter().map(|(name, partitions)| {
            let asked = |index: &i32| ListOffsetsPartition::default().with_partition_index(*index).with_timestamp(timestamp);
            ListOffsetsTopic::default().with_name(TopicName(wire(name))).with_partitions(partitions.iter().map(asked).collect())
        });
        let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(topics.collect());
        let mut found = BTreeMap::new();
        for topic in self.call(9, &request).await?.topics {
            for partition in topic.partitions {
                if partition.error_code != 0 {
                    return Err(format!("offsets of {topic:?}: error {}", partition.error_code, topic = *topic.name));
                }
                found.insert((topic.name.to_string(), partition.partition_index), partition.offset);
            }
        }
        Ok(found)
    }

    /// Committed offsets are read as they were written.
    async fn commits(&mut self, model: &Model) -> Result<(), String> {
        let groups: BTreeSet<&String> = model.commits.keys().map(|(group, ..)| group).collect();
        for group in groups {
            let promised = model
                .commits
                .iter()
                .filter(|((of, ..), _)| of == group)
                .map(|((_, topic, partition), offset)| (topic, *partition, offset));
            let promised: Vec<_> = promised.collect();
            let topics = promised.iter().map(|(topic, partition, _)| {
                OffsetFetchRequestTopics::default().with_name(TopicName(wire(topic))).with_partition_indexes(vec![*partition])
            });
            let asked = OffsetFetchRequestGroup::default()
                .with_group_id(wire(group).into())
                .with_member_id(None)
                .with_member_epoch(-1)
                .with_topics(Some(topics.collect()));
            let answer = self.call(9, &OffsetFetchRequest::default().with_groups(vec![asked])).await?;
            let found = answer.groups[0].topics.iter().flat_map(|topic| &topic.partitions);
            for ((topic, partition, promised), found) in promised.iter().zip(found) {
                let read = (found.committed_offset, found.metadata.as_deref().unwrap_or_default().to_owned());
                if read != **promised || found.error_code != 0 {
                    return Err(format!("{group} committed {promised:?} for {topic}-{partition}, and reads {found:?}"));
                }
            }
        }
        Ok(())
    }

    /// Everything that was acknowledged is read as it was written, unless the log begins behind it.
    pub(super) async fn read_all(&mut self, model: &Model) -> Result<(), String> {
        for (((id, index), offset), records) in &model.batches {
            let place = (id.clone(), *index);
            if model.ends.get(&place).is_some_and(|(_, start)| start > offset) {
                continue;
            }
            let found = self.fetch(&place, *offset).await?;
            if found != Some(records.clone()) {
                return Err(format!("at {offset} of {place:?} there is {found:?} where {records} was acknowledged"));
            }
        }
        Ok(())
    }

    async fn fetch(&mut self, (id, index): &Place, offset: i64) -> Result<Option<Value>, String> {
        let asked = FetchPartition::default().with_partition(*index).with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default()
            .with_topic_id(Uuid::parse_str(id).map_err(|error| error.to_string())?)
            .with_partitions(vec![asked]);
        let request = FetchRequest::default().with_min_bytes(1).with_max_bytes(1 << 20).with_max_wait_ms(1000);
        let request = request.with_session_epoch(-1).with_topics(vec![topic]);
        let answer = self.call(13, &request).await?;
        let records = answer.responses.iter().flat_map(|topic| &topic.partitions).find_map(|partition| partition.records.clone());
        let read = batches::read(records.unwrap_or_else(Bytes::new));
        Ok(read.as_array().into_iter().flatten().find(|batch| batch["baseOffset"] == offset).map(records_of))
    }
}
