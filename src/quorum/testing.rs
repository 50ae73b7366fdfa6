//! What the tests of this room share: a runtime with a virtual clock, sync threads that take their time, a state machine that
//! remembers what it was given.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    CommittedBatch, MetadataQuorum, MetadataStateMachine, Quorum, QuorumFault, QuorumLeader, QuorumOptions, QuorumSettings,
    Snapshot, SnapshotRecords, UnreadableRecord, VoterEndpoint,
};
use crate::seams::{Blocking, BoxFuture, Clock, Disk, Execution, Lane};
use crate::types::{ClusterId, DirectoryId, NodeId, Now, Offset, Timestamp};

pub(super) const NODE: NodeId = NodeId(3);

pub(super) fn directory_id() -> DirectoryId {
    DirectoryId(uuid::Uuid::from_u128(0x1234_5678))
}

#[derive(Debug)]
pub(super) struct TestClock {
    random: Mutex<u64>,
    started: Instant,
}

impl TestClock {
    /// Within a runtime.
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Mutex::new(seed), started: Instant::now() }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        Now(self.started.elapsed())
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp(1_800_000_000_000 + i64::try_from(self.started.elapsed().as_millis()).unwrap())
    }

    fn random(&self) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        splitmix(*state)
    }
}

/// A number that looks random.
pub(super) fn splitmix(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

type Job = Box<dyn FnOnce() + Send>;

/// One runtime for all lanes; a job that blocks is an event 2 ms later, after those before it in its place.
#[derive(Default, Clone)]
pub(super) struct TestExecution {
    queues: Arc<Mutex<BTreeMap<String, VecDeque<Job>>>>,
}

impl std::fmt::Debug for TestExecution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TestExecution")
    }
}

impl Execution for TestExecution {
    fn workers(&self) -> usize {
        1
    }

    fn spawn(&self, _lane: Lane, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn block(&self, place: Blocking, job: Job) {
        let (name, queues) = (format!("{place:?}"), Arc::clone(&self.queues));
        if let Some(queue) = queues.lock().unwrap().get_mut(&name) {
            return queue.push_back(job);
        }
        self.queues.lock().unwrap().insert(name.clone(), VecDeque::from([job]));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let next = queues.lock().unwrap().get_mut(&name).unwrap().pop_front();
                let Some(job) = next else { break };
                job();
            }
            queues.lock().unwrap().remove(&name);
        });
    }
}

/// An image that is the list of all records, and checks that offsets leave no gaps.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Recorded>);

#[derive(Debug, Default, Clone)]
pub(super) struct Recorded {
    pub(super) records: Vec<Bytes>,
    pub(super) next_offset: Offset,
    pub(super) loads: usize,
    /// Batches applied since the start or the last load.
    pub(super) batches: Vec<CommittedBatch>,
}

impl Recorder {
    pub(super) fn get(&self) -> Recorded {
        self.0.lock().unwrap().clone()
    }
}

/// A record that the recorder cannot read.
pub(super) const UNREADABLE: &[u8] = b"unreadable";

impl MetadataStateMachine for Recorder {
    fn apply(&self, batch: CommittedBatch) -> Result<(), UnreadableRecord> {
        let mut recorded = self.0.lock().unwrap();
        assert_eq!(batch.base_offset, recorded.next_offset, "batches leave no gaps");
        if batch.records.iter().any(|record| record == UNREADABLE) {
            return Err(UnreadableRecord { offset: batch.base_offset, problem: "it says so".to_owned() });
        }
        recorded.next_offset = batch.last_offset.next();
        recorded.records.extend(batch.records.iter().cloned());
        recorded.batches.push(batch);
        Ok(())
    }

    fn snapshot(&self) -> SnapshotRecords {
        let records = self.get().records;
        Arc::new(move || records.clone())
    }

    fn load(&self, snapshot: Snapshot) -> Result<(), UnreadableRecord> {
        let mut recorded = self.0.lock().unwrap();
        let loads = recorded.loads + 1;
        *recorded = Recorded { records: snapshot.records, next_offset: snapshot.end.offset, loads, batches: Vec::new() };
        Ok(())
    }
}

/// A quorum in a runtime of its own; dropped with it, as in a crash.
pub(super) struct Node {
    pub(super) quorum: Arc<dyn MetadataQuorum>,
    pub(super) image: Arc<Recorder>,
}

pub(super) fn options(
    disk: Arc<dyn Disk>,
    root: &Path,
    seed: u64,
    settings: QuorumSettings,
    image: Arc<Recorder>,
) -> QuorumOptions {
    QuorumOptions {
        node_id: NODE,
        directory_id: directory_id(),
        cluster_id: ClusterId(Arc::from("a-cluster")),
        metadata_directory: root.to_owned(),
        endpoints: vec![VoterEndpoint { name: "CONTROLLER".to_owned(), host: "127.0.0.1".to_owned(), port: 9093 }],
        disk,
        clock: Arc::new(TestClock::new(seed)),
        execution: Arc::new(TestExecution::default()),
        state_machine: image,
        settings,
    }
}

impl Node {
    pub(super) async fn start(
        disk: Arc<dyn Disk>,
        root: &Path,
        seed: u64,
        settings: QuorumSettings,
    ) -> Result<Self, QuorumFault> {
        let image = Arc::new(Recorder::default());
        let quorum = Quorum::start(options(disk, root, seed, settings, Arc::clone(&image))).await?;
        Ok(Self { quorum, image })
    }

    /// Waits until this node may propose; `None` if the quorum fails before.
    pub(super) async fn active(&self) -> Option<QuorumLeader> {
        let mut leader = self.quorum.leader();
        let active = leader.wait_for(|leader| leader.is_active);
        tokio::time::timeout(Duration::from_secs(60), active)
            .await
            .expect("a lone voter leads at once")
            .ok()
            .map(|leader| *leader)
    }

    /// Proposes one batch after the other and waits for each.
    pub(super) async fn propose(&self, next: &mut Offset, records: &[&str]) {
        let records: Vec<Bytes> = records.iter().map(|record| Bytes::copy_from_slice(record.as_bytes())).collect();
        let count = i64::try_from(records.len()).unwrap();
        let proposed = self.quorum.propose(*next, records).await.unwrap();
        assert_eq!(proposed.base_offset, *next);
        *next = next.plus(count);
    }
}

/// Runs one life of a process; all its tasks end with it.
pub(super) fn live<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(life)
}

/// Snapshots after every 20 batches, few batches kept.
pub(super) fn eager() -> QuorumSettings {
    QuorumSettings { snapshot_max_entries: Some(20), log_entries_kept: 5, ..QuorumSettings::default() }
}
