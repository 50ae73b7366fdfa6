//! The coordinators' shards on this broker: one for each partition of the internal topic that it leads.
//!
//! A task per partition loads it, keeps its timers and loads it anew when an append failed. Requests find the shard by their key, decide
//! under its lock, and wait for their records to be committed.

mod journal;
mod load;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use super::core::{Broker, GROUP_METADATA, partition_of};
use super::{Partition, PartitionError};
use crate::coordinator::{Context, Coordinator, Decided, Moment, Shard, Ticket, Token, Unavailable};
use crate::group::{GroupCensus, GroupCoordinator, ListedGroup, Reply};
use crate::metadata::{MetadataDelta, MetadataImage, TopicImage};
use crate::seams::{Lane, lock};
use crate::security::Authorized;
use crate::types::{GroupId, LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId, TopicIdPartition, TopicName};
use journal::PartitionJournal;
use load::{LoadError, Progress, Replay};
use report::GroupReport;

pub(super) type GroupShard = Shard<GroupCoordinator, PartitionJournal>;

/// Pause before a partition is loaded again whose shard was given up or could not be loaded; twice as long after each failure in a row, for
/// what is damaged or offline today is likely to be so tomorrow, and every try reads all of it.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Why a coordinator does not answer; clients look for it again, or try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorError {
    /// COORDINATOR_LOAD_IN_PROGRESS.
    Loading,
    /// NOT_COORDINATOR.
    NotCoordinator,
    /// COORDINATOR_NOT_AVAILABLE: the disk failed, or the node stops.
    NotAvailable,
}

impl From<Unavailable> for CoordinatorError {
    fn from(_: Unavailable) -> Self {
        Self::NotCoordinator
    }
}

impl From<PartitionError> for CoordinatorError {
    fn from(_: PartitionError) -> Self {
        Self::NotCoordinator
    }
}

/// The shards, by partition.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    groups: Mutex<Hosts>,
    report: Arc<GroupReport>,
}

#[derive(Debug, Default)]
struct Hosts {
    by_partition: BTreeMap<PartitionIndex, Arc<Host>>,
    /// The node stops.
    closed: bool,
}

/// One partition for as long as this broker leads it in one epoch.
#[derive(Debug)]
struct Host {
    id: TopicIdPartition,
    leader_epoch: LeaderEpoch,
    state: Mutex<State>,
    /// There is something to do for the partition's task.
    wake: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Topics that were deleted while there was no shard to forget them.
    deleted: Vec<DeletedTopic>,
}

type DeletedTopic = (TopicName, TopicId);

#[derive(Debug)]
enum Phase {
    Loading,
    Ready(Arc<GroupShard>),
    /// The last try failed; there will be another.
    Failed,
    Over,
}

impl Host {
    fn new(id: TopicIdPartition, leader_epoch: LeaderEpoch) -> Arc<Self> {
        let state = Mutex::new(State { phase: Phase::Loading, deleted: Vec::new() });
        Arc::new(Self { id, leader_epoch, state, wake: Arc::default() })
    }

    fn shard(&self) -> Result<Arc<GroupShard>, CoordinatorError> {
        match &lock(&self.state).phase {
            Phase::Loading => Err(CoordinatorError::Loading),
            Phase::Ready(shard) => Ok(Arc::clone(shard)),
            Phase::Failed => Err(CoordinatorError::NotAvailable),
            Phase::Over => Err(CoordinatorError::NotCoordinator),
        }
    }

    fn is_over(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Over)
    }

    /// Changes the phase unless the host is over; true if it did.
    fn turn(&self, to: Phase) -> bool {
        let mut state = lock(&self.state);
        if matches!(state.phase, Phase::Over) {
            return false;
        }
        state.phase = to;
        true
    }

    /// Hands the loaded shard to requests; returns the topics that were deleted while there was none. A host that is over gives the shard
    /// up at once.
    fn begin(&self, shard: &Arc<GroupShard>) -> Vec<DeletedTopic> {
        if self.turn(Phase::Ready(Arc::clone(shard))) {
            return std::mem::take(&mut lock(&self.state).deleted);
        }
        shard.give_up();
        Vec::new()
    }

    /// The shard that has to forget these topics; if there is none, the next one is told of them.
    fn forgets(&self, deleted: &[DeletedTopic]) -> Option<Arc<GroupShard>> {
        let mut state = lock(&self.state);
        match &state.phase {
            Phase::Ready(shard) if !shard.is_given_up() => return Some(Arc::clone(shard)),
            Phase::Loading | Phase::Ready(_) | Phase::Failed | Phase::Over => {}
        }
        state.deleted.extend(deleted.iter().cloned());
        None
    }

    /// Ends it: whoever is parked is told.
    fn end(&self) {
        let phase = std::mem::replace(&mut lock(&self.state).phase, Phase::Over);
        if let Phase::Ready(shard) = phase {
            shard.give_up();
        }
        self.wake.notify_one();
    }

    /// Waits, but not longer than the host lasts.
    async fn pause(&self, time: Duration) {
        let over = async {
            while !self.is_over() {
                self.wake.notified().await;
            }
        };
        // Over or not: the caller looks.
        let _ = tokio::time::timeout(time, over).await;
    }
}

impl Coordinators {
    /// Ends all shards: parked requests are answered, later ones turned away.
    pub(super) fn stop(&self) {
        let hosts = {
            let mut groups = lock(&self.groups);
            groups.closed = true;
            std::mem::take(&mut groups.by_partition)
        };
        hosts.values().for_each(|host| host.end());
    }

    fn hosts(&self) -> Vec<Arc<Host>> {
        lock(&self.groups).by_partition.values().cloned().collect()
    }

    /// Ends the hosts of partitions that `led` does not name any more, and returns hosts for the new ones.
    fn follow(&self, led: &BTreeMap<PartitionIndex, (TopicIdPartition, LeaderEpoch)>) -> Vec<Arc<Host>> {
        let (mut ended, mut begun) = (Vec::new(), Vec::new());
        let mut groups = lock(&self.groups);
        if groups.closed {
            return begun;
        }
        groups.by_partition.retain(|index, host| {
            let stays = led.get(index) == Some(&(host.id, host.leader_epoch));
            if !stays {
                ended.push(Arc::clone(host));
            }
            stays
        });
        for (index, (id, leader_epoch)) in led {
            groups.by_partition.entry(*index).or_insert_with(|| {
                let host = Host::new(*id, *leader_epoch);
                begun.push(Arc::clone(&host));
                host
            });
        }
        drop(groups);
        ended.iter().for_each(|host| host.end());
        begun
    }
}

/// Keeps the shards in step with the metadata for as long as the node runs.
pub(super) async fn run(broker: Arc<Broker>) {
    let mut published = broker.publisher.subscribe();
    let mut stopping = broker.stopping.subscribe();
    let mut before = Arc::new(MetadataImage::default());
    loop {
        published.borrow_and_update();
        let image = broker.image();
        for host in broker.coordinators.follow(&led_here(&broker, &image)) {
            let worker = usize::try_from(host.id.partition.0).unwrap_or(0) % broker.execution.workers();
            broker.execution.spawn(Lane::Worker(worker), Box::pin(keep(Arc::clone(&broker), host)));
        }
        forget_deleted_topics(&broker, &before, &image);
        before = image;
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            changed = published.changed() => if changed.is_err() { return },
        }
    }
}

/// The partitions of the groups' topic that this broker leads.
fn led_here(broker: &Broker, image: &MetadataImage) -> BTreeMap<PartitionIndex, (TopicIdPartition, LeaderEpoch)> {
    let Some(topic) = image.topics().by_name(GROUP_METADATA) else { return BTreeMap::new() };
    let led = topic.partitions.iter().filter(|(_, partition)| partition.leader == Some(broker.config.node_id));
    led.map(|(index, partition)| (*index, (TopicIdPartition { topic_id: topic.id, partition: *index }, partition.leader_epoch)))
        .collect()
}

fn leads(topic: &TopicImage, index: PartitionIndex, node: NodeId) -> bool {
    topic.partition(index).is_some_and(|partition| partition.leader == Some(node))
}

/// Committed offsets of a topic go with it.
fn forget_deleted_topics(broker: &Broker, before: &MetadataImage, after: &MetadataImage) {
    let deleted = MetadataDelta::between(before, after).deleted_topics;
    let deleted: Vec<_> = deleted.values().map(|topic| (topic.name.clone(), topic.id)).collect();
    if deleted.is_empty() {
        return;
    }
    for host in broker.coordinators.hosts() {
        forget(broker, &host, &deleted);
    }
}

/// A shard that is given up meanwhile leaves it to the next.
fn forget(broker: &Broker, host: &Host, deleted: &[DeletedTopic]) {
    while let Some(shard) = host.forgets(deleted) {
        let forget = |groups: &mut GroupCoordinator, context: &mut Context<'_, _>| groups.forget_topics(context, deleted);
        if shard.decide(broker.moment(), &mut || broker.clock.random(), forget).is_ok() {
            return;
        }
    }
}

/// Loads one partition and keeps its timers, until it is led elsewhere or the node stops.
async fn keep(broker: Arc<Broker>, host: Arc<Host>) {
    let mut pause = RETRY;
    loop {
        match load(&broker, &host).await {
            Ok(shard) => {
                pause = RETRY;
                keep_time(&broker, &host, &shard).await;
            }
            Err(LoadError::Damaged(problem)) => {
                tracing::error!(partition = host.id.partition.0, problem, "committed offsets cannot be read");
            }
            Err(LoadError::Partition(error)) => tracing::warn!(partition = host.id.partition.0, ?error, "groups not loaded"),
        }
        if !host.turn(Phase::Failed) {
            return;
        }
        host.pause(pause).await;
        pause = LONGEST_RETRY.min(2 * pause);
        if !host.turn(Phase::Loading) {
            return;
        }
    }
}

async fn load(broker: &Broker, host: &Host) -> Result<Arc<GroupShard>, LoadError> {
    let began = broker.clock.now();
    let partition = broker.partitions.get(host.id).ok_or(PartitionError::NotLeader)?;
    let end = partition.log_end()?;
    // What an earlier shard appended may be on its way to the disk.
    partition.acknowledged(end).await?;
    let groups = replay(broker, &partition, host.leader_epoch, end).await?;
    let journal =
        PartitionJournal { partition, leader_epoch: host.leader_epoch, compression: broker.config.coordinator_log.compression };
    let wake = Arc::clone(&host.wake);
    let census = groups.census(0);
    let shard = Shard::new(groups, end, journal, Box::new(move |_| wake.notify_one()));
    let shard = Arc::new(shard.telling(broker.coordinators.report.listener(&broker.clock)));
    // Before any request finds it.
    let loaded = shard.decide(broker.moment(), &mut || broker.clock.random(), GroupCoordinator::loaded);
    loaded.map_err(|Unavailable| PartitionError::NotLeader)?;
    let deleted = host.begin(&shard);
    let (groups, time) = (census.by_state.values().sum::<usize>(), broker.clock.now().since(began));
    if groups > 0 {
        let partition = host.id.partition.0;
        tracing::info!(partition, groups, offsets = census.offsets, "groups loaded in {} ms", time.as_millis());
    }
    if !deleted.is_empty() {
        forget(broker, host, &deleted);
    }
    Ok(shard)
}

async fn replay(
    broker: &Broker,
    partition: &Arc<Partition>,
    leader_epoch: LeaderEpoch,
    end: Offset,
) -> Result<GroupCoordinator, LoadError> {
    let (groups, chunk) = (GroupCoordinator::new(Arc::new(broker.config.groups)), broker.config.coordinator_log.load_buffer);
    let mut replay = Replay::begin(groups, Arc::clone(partition), leader_epoch, end, broker.clock.now())?;
    loop {
        match broker.disk_reads.run(move || replay.piece(chunk)).await.ok_or(PartitionError::NotLeader)?? {
            Progress::More(rest) => replay = rest,
            Progress::Done(groups) => return Ok(groups),
        }
    }
}

/// Does what is due when it is due, until the shard is given up.
async fn keep_time(broker: &Broker, host: &Host, shard: &GroupShard) {
    while !shard.is_given_up() {
        let next = shard.tick(broker.moment(), &mut || broker.clock.random());
        let pause = async {
            match next {
                Some(due) => tokio::time::sleep(due.since(broker.clock.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = host.wake.notified() => {}
            () = pause => {}
        }
    }
}

impl Broker {
    fn moment(&self) -> Moment {
        Moment { now: self.clock.now(), timestamp: self.clock.timestamp() }
    }

    fn group_shard(&self, group: &GroupId) -> Result<Arc<GroupShard>, CoordinatorError> {
        if self.is_stopping() {
            return Err(CoordinatorError::NotAvailable);
        }
        let image = self.image();
        let topic = image.topics().by_name(GROUP_METADATA).ok_or(CoordinatorError::NotCoordinator)?;
        let index = partition_of(group.as_str(), topic).ok_or(CoordinatorError::NotCoordinator)?;
        let host = lock(&self.coordinators.groups).by_partition.get(&index).cloned();
        match host {
            Some(host) => host.shard(),
            // The image is ahead of us for a moment.
            None if leads(topic, index, self.config.node_id) => Err(CoordinatorError::Loading),
            None => Err(CoordinatorError::NotCoordinator),
        }
    }

    /// Decides a request that concerns one group, and waits until what it saw is committed.
    ///
    /// # Errors
    /// When the group's coordinator is not here or not ready, or went away meanwhile.
    pub async fn decide_group<T>(
        &self,
        group: &Authorized<GroupId>,
        decide: impl FnOnce(&mut GroupCoordinator, &mut Context<'_, GroupCoordinator>) -> T,
    ) -> Result<T, CoordinatorError> {
        let shard = self.group_shard(group.get())?;
        let decided = shard.decide(self.moment(), &mut || self.clock.random(), decide)?;
        self.committed(&shard, decided).await
    }

    /// As [`Broker::decide_group`], for a request whose answer may be a long time coming.
    ///
    /// # Errors
    /// As there.
    pub async fn decide_group_later(
        &self,
        group: &Authorized<GroupId>,
        decide: impl FnOnce(&mut GroupCoordinator, &mut Context<'_, GroupCoordinator>, Token),
    ) -> Result<Reply, CoordinatorError> {
        let shard = self.group_shard(group.get())?;
        let ticket: Ticket<Decided<Reply>> = shard.decide_later(self.moment(), &mut || self.clock.random(), decide)?;
        let decided = ticket.await.ok_or(CoordinatorError::NotCoordinator)?;
        self.committed(&shard, decided).await
    }

    /// Looks at one group's state, and waits until what was seen is committed.
    ///
    /// # Errors
    /// As [`Broker::decide_group`].
    pub async fn read_group<T>(
        &self,
        group: &Authorized<GroupId>,
        look: impl FnOnce(&GroupCoordinator) -> T,
    ) -> Result<T, CoordinatorError> {
        let shard = self.group_shard(group.get())?;
        let decided = shard.read(look)?;
        self.committed(&shard, decided).await
    }

    /// All groups that are coordinated here; whoever shows one has to check the right to it. Partitions that moved away meanwhile are left out.
    ///
    /// # Errors
    /// `Loading` while a partition is being loaded: the list would not be whole.
    pub async fn list_groups(&self) -> Result<Vec<ListedGroup>, CoordinatorError> {
        let mut all = Vec::new();
        for host in self.coordinators.hosts() {
            let shard = match host.shard() {
                Ok(shard) => shard,
                Err(CoordinatorError::NotCoordinator) => continue,
                Err(error) => return Err(error),
            };
            let Ok(decided) = shard.read(GroupCoordinator::list) else { continue };
            if let Ok(groups) = self.committed(&shard, decided).await {
                all.extend(groups);
            }
        }
        Ok(all)
    }

    /// Counts the groups that are coordinated here, and lists so many of each partition's committed offsets.
    pub(super) fn group_censuses(&self, limit: usize) -> impl Iterator<Item = GroupCensus> + '_ {
        let shards = self.coordinators.hosts().into_iter().filter_map(|host| host.shard().ok());
        shards.filter_map(move |shard| Some(shard.read(|groups| groups.census(limit)).ok()?.reply))
    }

    /// The reply, once everything that it rests on is committed.
    async fn committed<T>(&self, shard: &GroupShard, decided: Decided<T>) -> Result<T, CoordinatorError> {
        let partition: &Partition = &shard.journal().partition;
        let committed = tokio::time::timeout(self.config.coordinator_log.commit_timeout, partition.acknowledged(decided.end));
        committed.await.map_err(|_| CoordinatorError::NotAvailable)??;
        Ok(decided.reply)
    }
}
