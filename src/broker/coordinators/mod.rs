//! The coordinators' shards on this broker: one for each partition of the internal topic that it leads.
//!
//! A task per partition loads it, keeps its timers and loads it anew when an append failed. Requests find the shard by their key, decide
//! under its lock, and wait for their records to be committed.

mod journal;
mod load;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use super::core::{Broker, GROUP_METADATA, partition_of};
use super::{Partition, PartitionError};
use crate::coordinator::{Context, Coordinator, Decided, Moment, Shard, Ticket, Token, Unavailable};
use crate::group::{GroupCoordinator, ListedGroup, Reply};
use crate::metadata::{MetadataDelta, MetadataImage, TopicImage};
use crate::seams::{Lane, lock};
use crate::security::Authorized;
use crate::types::{GroupId, LeaderEpoch, NodeId, PartitionIndex, TopicId, TopicIdPartition, TopicName};
use journal::PartitionJournal;
use load::LoadError;

pub(super) type GroupShard = Shard<GroupCoordinator, PartitionJournal>;

/// Pause before a partition is loaded again whose shard was given up or could not be loaded.
const RETRY: Duration = Duration::from_secs(1);

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
enum State {
    /// With the topics that were deleted meanwhile.
    Loading(Vec<(TopicName, TopicId)>),
    Ready(Arc<GroupShard>),
    /// The last try failed; there will be another.
    Failed,
    Over,
}

impl Host {
    fn shard(&self) -> Result<Arc<GroupShard>, CoordinatorError> {
        match &*lock(&self.state) {
            State::Loading(_) => Err(CoordinatorError::Loading),
            State::Ready(shard) => Ok(Arc::clone(shard)),
            State::Failed => Err(CoordinatorError::NotAvailable),
            State::Over => Err(CoordinatorError::NotCoordinator),
        }
    }

    /// Changes the state unless the host is over; true if it did.
    fn turn(&self, to: State) -> bool {
        let mut state = lock(&self.state);
        if matches!(*state, State::Over) {
            return false;
        }
        *state = to;
        true
    }

    /// Hands the loaded shard to requests; returns the topics that were deleted while it was being loaded. A host that is over
    /// gives the shard up at once.
    fn begin(&self, shard: &Arc<GroupShard>) -> Vec<(TopicName, TopicId)> {
        let mut state = lock(&self.state);
        match std::mem::replace(&mut *state, State::Ready(Arc::clone(shard))) {
            State::Loading(forget) => forget,
            State::Ready(_) | State::Failed => Vec::new(),
            State::Over => {
                *state = State::Over;
                drop(state);
                shard.give_up();
                Vec::new()
            }
        }
    }

    /// Ends it: whoever is parked is told.
    fn end(&self) {
        let state = std::mem::replace(&mut *lock(&self.state), State::Over);
        if let State::Ready(shard) = state {
            shard.give_up();
        }
        self.wake.notify_one();
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
                let (state, wake) = (Mutex::new(State::Loading(Vec::new())), Arc::default());
                let host = Arc::new(Host { id: *id, leader_epoch: *leader_epoch, state, wake });
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
    led.map(|(index, partition)| {
        (*index, (TopicIdPartition { topic_id: topic.id, partition: *index }, partition.leader_epoch))
    })
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
        let shard = match &mut *lock(&host.state) {
            State::Loading(forget) => {
                forget.extend(deleted.iter().cloned());
                continue;
            }
            State::Ready(shard) => Arc::clone(shard),
            State::Failed | State::Over => continue,
        };
        // Given up: the offsets stay until they expire.
        let _ = shard.decide(broker.moment(), &mut || broker.clock.random(), |groups, context| groups.forget_topics(context, &deleted));
    }
}

/// Loads one partition and keeps its timers, until it is led elsewhere or the node stops.
async fn keep(broker: Arc<Broker>, host: Arc<Host>) {
    loop {
        match load(&broker, &host).await {
            Ok(shard) => keep_time(&broker, &host, &shard).await,
            Err(LoadError::Damaged(problem)) => {
                tracing::error!(partition = host.id.partition.0, problem, "committed offsets cannot be read");
            }
            Err(LoadError::Partition(error)) => tracing::warn!(partition = host.id.partition.0, ?error, "groups not loaded"),
        }
        if !host.turn(State::Failed) {
            return;
        }
        tokio::time::sleep(RETRY).await;
        if !host.turn(State::Loading(Vec::new())) {
            return;
        }
    }
}

async fn load(broker: &Broker, host: &Host) -> Result<Arc<GroupShard>, LoadError> {
    let partition = broker.partitions.get(host.id).ok_or(PartitionError::NotLeader)?;
    let end = partition.log_end()?;
    // What an earlier shard appended may be on its way to the disk.
    partition.acknowledged(end).await?;
    let mut groups = GroupCoordinator::new(Arc::new(broker.config.groups));
    let (chunk, now, source) = (broker.config.coordinator_log.load_buffer, broker.clock.now(), Arc::clone(&partition));
    let leader_epoch = host.leader_epoch;
    let replay = move || load::replay(&mut groups, &source, leader_epoch, end, chunk, now).map(|()| groups);
    let groups = broker.disk_reads.run(replay).await.ok_or(PartitionError::NotLeader)??;
    let journal = PartitionJournal { partition, leader_epoch, compression: broker.config.coordinator_log.compression };
    let wake = Arc::clone(&host.wake);
    let shard = Arc::new(Shard::new(groups, end, journal, Box::new(move |_| wake.notify_one())));
    let forget = host.begin(&shard);
    let begin = |groups: &mut GroupCoordinator, context: &mut Context<'_, GroupCoordinator>| {
        groups.loaded(context);
        groups.forget_topics(context, &forget);
    };
    shard.decide(broker.moment(), &mut || broker.clock.random(), begin).map_err(|Unavailable| PartitionError::NotLeader)?;
    Ok(shard)
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

    /// The reply, once everything that it rests on is committed.
    async fn committed<T>(&self, shard: &GroupShard, decided: Decided<T>) -> Result<T, CoordinatorError> {
        let partition: &Partition = &shard.journal().partition;
        if !partition.is_acknowledged(decided.end)? {
            let wait = tokio::time::timeout(self.config.coordinator_log.commit_timeout, partition.acknowledged(decided.end));
            wait.await.map_err(|_| CoordinatorError::NotAvailable)??;
        }
        Ok(decided.reply)
    }
}
