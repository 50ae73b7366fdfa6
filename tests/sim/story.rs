//! What clients do to the node: make and delete topics, produce idempotently with acks=all, delete records, and in the end read everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, FetchRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use klamm::broker::{Publisher, Seams};
use klamm::disk::{Cache, Reaction, SimulatedDisk};
use klamm::log::directory::read_meta_properties;
use klamm::quorum::{Quorum, QuorumOptions, QuorumSettings};
use klamm::seams::Random;

use crate::deletion;
use crate::invariants::{self, Evaluated};
use crate::ledger::{Acknowledged, Ledger, TopicPromise};
use crate::node::{self, BROKER, Running};
use crate::peer::{Peer, pause};
use crate::support::records::{self, ProducerState};
use crate::world::{Machine, Outcome, world};

const TOPIC: &str = "t";
const PARTITIONS: i32 = 2;
const PRODUCERS: usize = 2;
const BATCHES: i32 = 5;
/// The world's time after which a story has failed.
const LIMIT: Duration = Duration::from_secs(240);

pub(crate) const NONE: i16 = 0;
pub(crate) const UNKNOWN_TOPIC: i16 = 3;
pub(crate) const NOT_LEADER: i16 = 6;
const TOPIC_EXISTS: i16 = 36;

/// A run of the story.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    /// Numbers of the disk calls just before which the power goes.
    pub(crate) cuts: Vec<u64>,
    /// Further lines of the node's configuration.
    pub(crate) settings: &'static str,
    pub(crate) ignore_file_sync: bool,
    pub(crate) ignore_directory_sync: bool,
}

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) evaluated: Evaluated,
    pub(crate) trace_hash: u64,
    pub(crate) events: u64,
    pub(crate) disk_calls: u64,
}

pub(crate) type Shared = Arc<Mutex<Ledger>>;

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A story with up to three power cuts at calls drawn from the seed.
    pub(crate) fn with_cuts(seed: u64, calls: u64) -> Self {
        let mut random = Random::new(seed);
        let cuts = (0..1 + random.below(3)).map(|_| 1 + random.below(calls)).collect();
        Self { cuts, ..Self::new(seed) }
    }

    /// Runs it and checks every invariant; the error names the seed and the cuts.
    pub(crate) fn run(&self) -> Result<Report, String> {
        let ledger = Shared::default();
        let machine = Machine::new(BROKER.0, self.seed);
        self.prepare(&machine.disk());
        let running = Running::default();
        self.play(&machine, &ledger, &running).map_err(|error| format!("{self:?}: {error}"))?;
        let disk_calls = machine.disk().calls();
        let image = running.lock().unwrap().take().expect("the node ran").image();
        ledger.lock().unwrap().image_hash = image.hash();
        let hash = recovered_hash(self.seed, &machine.disk()).map_err(|error| format!("{self:?}: {error}"))?;
        ledger.lock().unwrap().recovered_hash = hash;
        let evaluated = invariants::check(&ledger.lock().unwrap()).map_err(|violation| format!("{self:?}: {violation}"))?;
        Ok(Report { evaluated, trace_hash: machine.trace.hash(), events: machine.trace.events(), disk_calls })
    }

    fn prepare(&self, disk: &SimulatedDisk) {
        disk.configure(|faults| {
            // Reads take the way of the page cache or of the disk, by chance.
            faults.cache = Cache::Mixed;
            faults.ignore_file_sync = self.ignore_file_sync;
            faults.ignore_directory_sync = self.ignore_directory_sync;
        });
        let cuts = self.cuts.clone();
        disk.on_call(Box::new(move |call| if cuts.contains(&call.number) { Reaction::CutPower } else { Reaction::Proceed }));
    }

    fn play(&self, machine: &Machine, ledger: &Shared, running: &Running) -> Outcome {
        let mut sim = world(self.seed, LIMIT);
        let (config, shown) = (node::config(self.settings), Arc::clone(running));
        machine.install(&mut sim, move |seams: Seams| node::run(Arc::clone(&config), Arc::clone(&shown), seams));
        let (all_done, done) = tokio::sync::mpsc::channel::<()>(1);
        sim.client("administrator", administrate(Arc::clone(ledger), all_done.clone()));
        for producer in 0..PRODUCERS {
            let name = ["producer-0", "producer-1"][producer];
            sim.client(name, produce(name, producer, Arc::clone(ledger), all_done.clone()));
        }
        drop(all_done);
        sim.client("auditor", audit(Arc::clone(ledger), done));
        machine.run(&mut sim)
    }
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    StrBytes::from_string(name.to_owned()).into()
}

/// Makes the story's topic and others beside it, and deletes one.
async fn administrate(ledger: Shared, _done: tokio::sync::mpsc::Sender<()>) -> Outcome {
    let mut peer = Peer::new("administrator");
    create(&mut peer, &ledger, TOPIC, PARTITIONS).await?;
    for name in ["a", "b", "c"] {
        create(&mut peer, &ledger, name, 1).await?;
    }
    let request = DeleteTopicsRequest::default()
        .with_topics(vec![DeleteTopicState::default().with_name(Some(topic_name("b")))])
        .with_timeout_ms(1000);
    // After a lost answer the topic may be gone already.
    let code = peer.ask(6, &request).await.responses[0].error_code;
    if !matches!(code, NONE | UNKNOWN_TOPIC) {
        return Err(format!("deleting a topic: error {code}").into());
    }
    ledger.lock().unwrap().topics.insert("b".to_owned(), TopicPromise::Deleted);
    deletion::delete_some(&mut peer, &ledger).await
}

async fn create(peer: &mut Peer, ledger: &Shared, name: &str, partitions: i32) -> Outcome {
    // Small segments, so that logs roll within the story.
    let small = CreatableTopicConfig::default()
        .with_name(StrBytes::from_static_str("internal.segment.bytes"))
        .with_value(Some(StrBytes::from_static_str("400")));
    let topic = CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(vec![small]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000);
    let created = peer.ask(7, &request).await.topics.remove(0);
    let id = match created.error_code {
        NONE => Some(created.topic_id),
        TOPIC_EXISTS => None,
        code => return Err(format!("creating {name}: error {code} {:?}", created.error_message).into()),
    };
    let promise = TopicPromise::Exists { id, partitions: usize::try_from(partitions)? };
    ledger.lock().unwrap().topics.insert(name.to_owned(), promise);
    Ok(())
}

/// Sends batches one after the other, each until it is acknowledged.
async fn produce(name: &'static str, producer: usize, ledger: Shared, _done: tokio::sync::mpsc::Sender<()>) -> Outcome {
    let mut peer = Peer::new(name);
    let request =
        InitProducerIdRequest::default().with_transactional_id(None).with_producer_id((-1).into()).with_producer_epoch(-1);
    let producer_id = loop {
        let answer = peer.ask(4, &request).await;
        if answer.error_code == NONE {
            break answer.producer_id.0;
        }
        pause().await;
    };
    let partition = i32::try_from(producer)? % PARTITIONS;
    let mut sequence = 0;
    for batch in 0..BATCHES {
        let count = 1 + batch % 3;
        let values: Vec<Bytes> = (sequence..sequence + count).map(|number| Bytes::from(format!("{producer}-{number}"))).collect();
        let state = ProducerState { producer_id, producer_epoch: 0, first_sequence: sequence };
        ledger.lock().unwrap().sent.entry(producer).or_default().extend(values.clone());
        let base_offset = send(&mut peer, TOPIC, partition, records::encode(state, 1_795_000_000_000, &values)).await?;
        ledger.lock().unwrap().acknowledged.push(Acknowledged { partition, base_offset, values });
        sequence += count;
    }
    Ok(())
}

/// Returns the offset that the batch was acknowledged at.
pub(crate) async fn send(peer: &mut Peer, topic: &str, partition: i32, batch: Bytes) -> Result<i64, Box<dyn std::error::Error>> {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch));
    let topic = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![data]);
    let request =
        ProduceRequest::default().with_transactional_id(None).with_acks(-1).with_timeout_ms(1000).with_topic_data(vec![topic]);
    loop {
        let answer = peer.ask(9, &request).await;
        let answer = &answer.responses[0].partition_responses[0];
        match answer.error_code {
            NONE => return Ok(answer.base_offset),
            UNKNOWN_TOPIC | NOT_LEADER => pause().await,
            code => return Err(format!("producing to {partition}: error {code} {:?}", answer.error_message).into()),
        }
    }
}

/// When everybody is done, reads all partitions to their ends and asks for the topics.
async fn audit(ledger: Shared, mut done: tokio::sync::mpsc::Receiver<()>) -> Outcome {
    while done.recv().await.is_some() {}
    let mut peer = Peer::new("auditor");
    for partition in 0..PARTITIONS {
        let end = offset(&mut peer, TOPIC, partition, -1).await?;
        let read = read_to(&mut peer, TOPIC, partition, 0, end).await?;
        ledger.lock().unwrap().read.insert(partition, read);
    }
    deletion::look(&mut peer, &ledger).await?;
    let metadata = peer.ask(12, &MetadataRequest::default().with_topics(None)).await;
    let described = metadata.topics.iter().filter_map(|topic| {
        let name = topic.name.as_ref()?.to_string();
        Some((name, (topic.topic_id, topic.partitions.len())))
    });
    ledger.lock().unwrap().described = described.collect();
    Ok(())
}

/// The offset that stands for a timestamp.
pub(crate) async fn offset(
    peer: &mut Peer,
    topic: &str,
    partition: i32,
    timestamp: i64,
) -> Result<i64, Box<dyn std::error::Error>> {
    let asked = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![asked]);
    let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic]);
    loop {
        let answer = peer.ask(7, &request).await;
        let answer = &answer.topics[0].partitions[0];
        match answer.error_code {
            NONE => return Ok(answer.offset),
            NOT_LEADER => pause().await,
            code => return Err(format!("asking for offset {timestamp} of {partition}: error {code}").into()),
        }
    }
}

pub(crate) async fn read_to(
    peer: &mut Peer,
    topic: &str,
    partition: i32,
    from: i64,
    end: i64,
) -> Result<BTreeMap<i64, Bytes>, Box<dyn std::error::Error>> {
    let mut read = BTreeMap::new();
    let mut next = from;
    while next < end {
        let asked = FetchPartition::default().with_partition(partition).with_fetch_offset(next).with_partition_max_bytes(1 << 20);
        let asked_topic = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![asked]);
        let request = FetchRequest::default()
            .with_replica_id((-1).into())
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(1 << 20)
            .with_session_epoch(-1)
            .with_topics(vec![asked_topic]);
        let mut answer = peer.ask(12, &request).await;
        let answer = answer.responses.remove(0).partitions.remove(0);
        if answer.error_code != NONE {
            return Err(format!("reading {partition} at {next}: error {}", answer.error_code).into());
        }
        for record in records::decode(answer.records.unwrap_or_default()) {
            read.insert(record.offset, record.value.unwrap_or_default());
        }
        next = read.last_key_value().map_or(next, |(last, _)| last + 1);
    }
    Ok(read)
}

/// Cuts the power once more and folds what a copy of the disk says of the metadata, without a node.
fn recovered_hash(seed: u64, disk: &SimulatedDisk) -> Result<u64, Box<dyn std::error::Error>> {
    let copy = disk.fork(seed);
    copy.crash();
    let machine = Machine::with_disk(BROKER.0, seed, copy.mount());
    let mut sim = world(seed, LIMIT);
    let hash = Arc::new(Mutex::new(0));
    let found = Arc::clone(&hash);
    let seams = machine.boot(&machine.disk());
    sim.client("reader", async move {
        let identity = read_meta_properties(&*seams.disk, "/data".as_ref())?.expect("a formatted directory");
        let image = Publisher::new();
        let quorum = Quorum::start(QuorumOptions {
            node_id: identity.node_id,
            directory_id: identity.directory_id.expect("a directory id"),
            cluster_id: identity.cluster_id,
            metadata_directory: "/data".into(),
            endpoints: Vec::new(),
            disk: seams.disk,
            clock: seams.clock,
            execution: seams.execution,
            state_machine: Arc::clone(&image) as _,
            settings: QuorumSettings::default(),
        })
        .await?;
        quorum.leader().wait_for(|leader| leader.is_active).await?;
        *found.lock().unwrap() = image.committed_image().hash();
        Ok(())
    });
    machine.run(&mut sim)?;
    let hash = *hash.lock().unwrap();
    Ok(hash)
}
