//! The partitions of this broker: opened, configured and removed as the metadata image says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::opening::open_all;
use super::storage::set_aside;
use super::topic_events::TopicEvents;
use super::unopened::{KnownLog, Unopened};
use super::{LogDirectory, Metrics, Partition, PartitionOptions};
use crate::config::{DynamicConfigs, FlushMode, ServerConfig, TopicSettings};
use crate::log::checkpoint::{LOG_START_OFFSET, RECOVERY_POINT};
use crate::log::directory::{PartitionState, deleted_name, list_partitions};
use crate::log::{CleanupPolicy, Log, LogConfig, LogFault, OpenFiles, OpenOptions, read_topic_id};
use crate::metadata::{MetadataDelta, MetadataImage, PartitionImage, TopicImage};
use crate::seams::{Clock, Disk, Execution, lock};
use crate::types::{DirectoryId, NodeId, Now, Offset, PartitionIndex, TopicId, TopicIdPartition, TopicPartition};

/// What opening a partition needs to know of its directory: read from the checkpoints when the node starts, used up as partitions open.
#[derive(Debug, Default)]
pub struct Found {
    pub clean_shutdown: bool,
    pub recovery_points: HashMap<TopicPartition, Offset>,
    pub log_starts: HashMap<TopicPartition, Offset>,
}

/// Topic of the metadata log, which the quorum keeps.
pub(super) const METADATA_TOPIC: &str = "__cluster_metadata";

/// The table of partitions. Lookups are lock-free; only the publisher changes it.
#[derive(Debug)]
pub struct Partitions {
    node_id: NodeId,
    config: Arc<ServerConfig>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    directories: Vec<Arc<LogDirectory>>,
    open_files: Arc<OpenFiles>,
    /// By directory, in the order of `directories`.
    found: Mutex<Vec<Found>>,
    table: ArcSwap<HashMap<TopicIdPartition, Arc<Partition>>>,
    /// Held by whoever changes the table or writes a checkpoint file.
    changes: Mutex<Changes>,
    unopened: Unopened,
    removals: Mutex<Vec<Removal>>,
    /// Topics that are to be compacted, and that the log has said it of.
    compacted: Mutex<HashSet<TopicId>>,
    events: TopicEvents,
}

/// The state that the table is in.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The node stops: neither the table nor a checkpoint file is changed any more.
    pub(super) closed: bool,
    /// The newest image that was brought into the table.
    image: MetadataImage,
}

/// A directory of a deleted partition that waits for `file.delete.delay.ms`.
#[derive(Debug)]
struct Removal {
    path: PathBuf,
    due: Now,
}

/// What the table is made of.
#[derive(Debug)]
pub struct PartitionsOptions {
    pub config: Arc<ServerConfig>,
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    pub directories: Vec<Arc<LogDirectory>>,
    pub found: Vec<Found>,
}

impl Partitions {
    #[must_use]
    pub fn new(options: PartitionsOptions) -> Arc<Self> {
        let PartitionsOptions { config, disk, clock, metrics, directories, found } = options;
        Arc::new(Self {
            node_id: config.node_id,
            open_files: OpenFiles::new(config.storage.max_open_segment_files),
            config,
            disk,
            clock,
            metrics,
            directories,
            found: Mutex::new(found),
            table: ArcSwap::default(),
            changes: Mutex::default(),
            unopened: Unopened::default(),
            removals: Mutex::default(),
            compacted: Mutex::default(),
            events: TopicEvents::default(),
        })
    }

    #[must_use]
    pub fn get(&self, id: TopicIdPartition) -> Option<Arc<Partition>> {
        self.table.load().get(&id).cloned()
    }

    /// All partitions, by topic and number.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Partition>> {
        let mut all: Vec<_> = self.table.load().values().cloned().collect();
        all.sort_by(|a, b| (&a.topic, a.id.partition).cmp(&(&b.topic, b.id.partition)));
        all
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The right to change the table and the checkpoint files; `None` once the node stops.
    pub(super) fn changing(&self) -> Option<MutexGuard<'_, Changes>> {
        let changes = lock(&self.changes);
        (!changes.closed).then_some(changes)
    }

    #[must_use]
    pub fn directories(&self) -> &[Arc<LogDirectory>] {
        &self.directories
    }

    /// Brings the table to the next image. Blocks on the disk: for the publisher's blocking job.
    pub fn update(self: &Arc<Self>, after: &MetadataImage, execution: &dyn Execution) {
        let Some(mut changing) = self.changing() else { return };
        let delta = MetadataDelta::between(&changing.image, after);
        let mut table = HashMap::clone(&self.table.load());
        self.remove_topics(&delta, &mut table);
        let threads = self.config.storage.reader_threads;
        table.extend(open_all(self, delta.created_partitions.clone(), after, execution, threads));
        for id in &delta.changed_partitions {
            if let (Some(partition), Some(image)) = (table.get(id), after.topics().partition(*id)) {
                partition.lead(image.leader_epoch, image.leader == Some(self.node_id));
                self.count_isr_change(changing.image.topics().partition(*id), image);
            }
        }
        self.table.store(Arc::new(table));
        self.configure(&delta, after);
        self.events.tell(self.clock.now(), &delta, &changing.image, after);
        changing.image = after.clone();
    }

    /// As often as the ISR of a partition led here shrank or grew, whatever the number of replicas (Partition.alterPartitionListener).
    fn count_isr_change(&self, before: Option<&Arc<PartitionImage>>, after: &PartitionImage) {
        let Some(before) = before.filter(|_| after.leader == Some(self.node_id)) else { return };
        let has_lost = |from: &PartitionImage, to: &PartitionImage| from.isr.iter().any(|node| !to.isr.contains(node));
        self.metrics.isr_shrinks.add(u64::from(has_lost(before, after)));
        self.metrics.isr_expands.add(u64::from(has_lost(after, before)));
    }

    /// Opens the partitions that found no space before. Blocks on the disk.
    pub(super) fn open_unopened(&self) {
        let Some(changing) = self.changing() else { return };
        let mut table = HashMap::clone(&self.table.load());
        let mut opened = Vec::new();
        for id in self.unopened.ids() {
            let topic = changing.image.topics().by_id(id.topic_id);
            if let Some(partition) = topic.and_then(|topic| self.open(topic, id.partition, &changing.image)) {
                tracing::info!(partition = %partition.name(), "opened: there is space again");
                table.insert(id, partition);
                opened.push(id);
            }
        }
        if !opened.is_empty() {
            self.table.store(Arc::new(table));
        }
        // In this order, so that whoever finds it in neither had looked before: NOT_LEADER_OR_FOLLOWER, and the next look finds it.
        for id in opened {
            self.unopened.remove(id);
        }
    }

    pub(super) fn unopened(&self) -> &Unopened {
        &self.unopened
    }

    /// Takes deleted topics' partitions out. The checkpoints name partitions as the topic did, so they are written anew before a topic of
    /// the same name can be made: else its records would be judged by the old topic's log start and recovery point after a crash.
    fn remove_topics(&self, delta: &MetadataDelta, table: &mut HashMap<TopicIdPartition, Arc<Partition>>) {
        let mut removed = false;
        for topic in delta.deleted_topics.values() {
            lock(&self.compacted).remove(&topic.id);
            for index in topic.partitions.keys() {
                let id = TopicIdPartition { topic_id: topic.id, partition: *index };
                if let Some(partition) = table.remove(&id) {
                    self.remove(&partition);
                    removed = true;
                } else if let Some((name, path)) = self.unopened.remove(id) {
                    self.directories.iter().filter(|directory| directory.path == path).for_each(|directory| {
                        self.retire(directory, &name, topic.id, Duration::ZERO);
                    });
                    removed = true;
                }
            }
        }
        if removed {
            self.checkpoint(RECOVERY_POINT, |log, _| log.flushed_offset());
            self.checkpoint(LOG_START_OFFSET, |log, _| log.log_start_offset());
        }
    }

    /// Opens a partition that has a replica here. One that finds no space waits for some; one whose directory fails is left out, and the
    /// directory goes offline.
    pub(super) fn open(&self, topic: &TopicImage, index: PartitionIndex, image: &MetadataImage) -> Option<Arc<Partition>> {
        let partition = topic.partition(index)?;
        if !partition.replicas.contains(&self.node_id) {
            return None;
        }
        let name = TopicPartition { topic: topic.name.clone(), partition: index };
        let Some(position) = self.position(partition.directory_of(self.node_id)) else {
            tracing::error!(partition = %name, "offline: the log directory that holds it is not one of log.dirs");
            return None;
        };
        let directory = Arc::clone(self.directories.get(position)?);
        if directory.is_offline() {
            return None;
        }
        let id = TopicIdPartition { topic_id: topic.id, partition: index };
        let known = self.known_log(&name, id, &directory, position).map_err(|fault| directory.fail(&fault.to_string())).ok()?;
        let settings = Arc::new(self.settings(topic, image));
        let opened = self.open_log(&name, topic.id, &directory, known, &settings).and_then(|log| {
            Partition::new(PartitionOptions {
                topic: topic.name.clone(),
                id,
                directory: Arc::clone(&directory),
                log,
                settings,
                leader_epoch: partition.leader_epoch,
                is_leader: partition.leader == Some(self.node_id),
                flush_mode: self.config.storage.flush_mode,
            })
        });
        match opened {
            Ok(partition) => Some(partition),
            Err(fault @ LogFault::NoSpace { .. }) => {
                if self.unopened.add(id, name.clone(), &directory.path, known) {
                    tracing::warn!(partition = %name, %fault, "not opened, it answers KAFKA_STORAGE_ERROR; tried again from time to time");
                }
                None
            }
            Err(fault) => {
                directory.fail(&fault.to_string());
                None
            }
        }
    }

    /// Where among the directories one stands; a replica that was given none goes to the first. `None` for one that is not ours (any
    /// more): an empty log elsewhere would pass for the one that lies there.
    fn position(&self, wanted: Option<DirectoryId>) -> Option<usize> {
        match wanted.filter(|id| !id.is_reserved()) {
            Some(id) => self.directories.iter().position(|directory| directory.id == id),
            None => Some(0),
        }
    }

    /// Whether a replica of this node lies in a directory that works.
    pub(super) fn is_online(&self, directory: DirectoryId) -> bool {
        let position = self.position(Some(directory));
        position.and_then(|position| self.directories.get(position)).is_some_and(|directory| !directory.is_offline())
    }

    /// What the last run left word of, used up by the first attempt to open a log; whose topic is gone is set aside.
    fn known_log(
        &self,
        name: &TopicPartition,
        id: TopicIdPartition,
        directory: &LogDirectory,
        position: usize,
    ) -> Result<KnownLog, LogFault> {
        if let Some(known) = self.unopened.get(id) {
            return Ok(known);
        }
        let (clean_shutdown, recovery_point, log_start_offset) = {
            let mut found = lock(&self.found);
            found.get_mut(position).map_or((false, None, None), |found| {
                (found.clean_shutdown, found.recovery_points.remove(name), found.log_starts.remove(name))
            })
        };
        let path = directory.path.join(name.to_string());
        if read_topic_id(&*self.disk, &path)?.is_some_and(|found| found != id.topic_id) {
            // A topic of this name was deleted, and the crash came before its directory was renamed for good.
            set_aside(&*self.disk, &directory.path, &name.to_string(), self.clock.random())?;
        }
        if !self.disk.exists(&path).map_err(|error| LogFault::io(&path, "open", error))? {
            // What the checkpoints say is of the topic that had this name before.
            return Ok(KnownLog { clean_shutdown, ..KnownLog::default() });
        }
        let (recovery_point, log_start_offset) = (recovery_point.unwrap_or_default(), log_start_offset.unwrap_or_default());
        Ok(KnownLog { clean_shutdown, recovery_point, log_start_offset })
    }

    fn open_log(
        &self,
        name: &TopicPartition,
        topic_id: TopicId,
        directory: &LogDirectory,
        known: KnownLog,
        settings: &TopicSettings,
    ) -> Result<Log, LogFault> {
        Log::open(OpenOptions {
            disk: Arc::clone(&self.disk),
            directory: directory.path.join(name.to_string()),
            topic_id: Some(topic_id),
            config: Self::log_config(settings),
            recovery_point: known.recovery_point,
            log_start_offset: known.log_start_offset,
            clean_shutdown: known.clean_shutdown,
            now: self.clock.timestamp(),
            open_files: Arc::clone(&self.open_files),
        })
    }

    /// Ends the start: whatever the directories hold beyond the partitions that were opened is not known to the cluster and is set aside, and
    /// nothing that the last run left applies to partitions opened from now on. Blocks on the disk.
    pub fn finish_start(&self) {
        lock(&self.found).clear();
        let all = self.all();
        for directory in self.directories.iter().filter(|directory| !directory.is_offline()) {
            let here = all.iter().filter(|partition| Arc::ptr_eq(&partition.directory, directory));
            let mut known: HashSet<TopicPartition> = here.map(|partition| partition.name()).collect();
            known.extend(self.unopened.names_in(&directory.path));
            if let Err(fault) = self.set_aside_strays(directory, &known) {
                directory.fail(&fault.to_string());
            }
        }
    }

    fn set_aside_strays(&self, directory: &LogDirectory, known: &HashSet<TopicPartition>) -> Result<(), LogFault> {
        for found in list_partitions(&*self.disk, &directory.path)? {
            let is_known = found.partition.topic.as_str() == METADATA_TOPIC || known.contains(&found.partition);
            if found.state == PartitionState::Live && !is_known {
                set_aside(&*self.disk, &directory.path, &found.name, self.clock.random())?;
            }
        }
        Ok(())
    }

    fn settings(&self, topic: &TopicImage, image: &MetadataImage) -> TopicSettings {
        let configs = image.configs();
        let dynamic = DynamicConfigs { broker: configs.broker(self.node_id), cluster: configs.cluster_default() };
        let settings = TopicSettings::resolve(&self.config.settings, dynamic, configs.topic(topic.name.as_str()));
        let mut compacted = lock(&self.compacted);
        if !settings.cleanup_compact {
            compacted.remove(&topic.id);
        } else if compacted.insert(topic.id) {
            tracing::warn!(topic = %topic.name, "cleanup.policy has 'compact': there is no compaction yet, so nothing of this topic is deleted");
        }
        settings
    }

    fn log_config(settings: &TopicSettings) -> LogConfig {
        LogConfig {
            segment_bytes: settings.segment_bytes,
            segment_ms: settings.segment_ms,
            segment_jitter_ms: settings.segment_jitter_ms,
            segment_index_bytes: settings.segment_index_bytes,
            index_interval_bytes: settings.index_interval_bytes,
            retention_ms: settings.retention_ms,
            retention_bytes: settings.retention_bytes,
            file_delete_delay_ms: settings.file_delete_delay_ms,
            flush_messages: settings.flush_messages,
            flush_ms: settings.flush_ms,
            preallocate: settings.preallocate,
            cleanup_policy: CleanupPolicy { delete: settings.cleanup_delete, compact: settings.cleanup_compact },
            producer_id_expiration_ms: settings.producer_id_expiration_ms,
        }
    }

    fn configure(&self, delta: &MetadataDelta, image: &MetadataImage) {
        if delta.changed_configs.is_empty() {
            return;
        }
        let mut by_topic: BTreeMap<_, Arc<TopicSettings>> = BTreeMap::new();
        for partition in self.all() {
            let Some(topic) = image.topics().by_id(partition.id.topic_id) else { continue };
            let settings = by_topic.entry(topic.id).or_insert_with(|| Arc::new(self.settings(topic, image)));
            partition.configure(Arc::clone(settings), Self::log_config(settings));
        }
    }

    /// A deleted partition: its directory is renamed at once and removed after the delay.
    fn remove(&self, partition: &Partition) {
        // Closing without keeping writes nothing, so nothing can fail.
        let _ = partition.close(None);
        self.metrics.elsewhere.absorb(partition.traffic.seen());
        let delay = Duration::from_millis(u64::try_from(partition.settings().file_delete_delay_ms).unwrap_or(0));
        self.retire(&partition.directory, &partition.name(), partition.id.topic_id, delay);
    }

    fn retire(&self, directory: &LogDirectory, name: &TopicPartition, topic_id: TopicId, delay: Duration) {
        let from = directory.path.join(name.to_string());
        let to = directory.path.join(deleted_name(name, topic_id.0.as_u128()));
        match self.disk.rename(&from, &to).and_then(|()| self.disk.sync_directory(&directory.path)) {
            Ok(()) => lock(&self.removals).push(Removal { path: to, due: self.clock.now().plus(delay) }),
            // One that was never opened may not even have found space for its directory.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => directory.fail(&format!("{}: rename: {error}", from.display())),
        }
    }

    /// Removes the directories of deleted partitions whose delay has passed.
    pub fn remove_deleted(&self) {
        let now = self.clock.now();
        let due: Vec<Removal> = {
            let mut removals = lock(&self.removals);
            let (due, later) = removals.drain(..).partition(|removal| removal.due <= now);
            *removals = later;
            due
        };
        for removal in due {
            if let Err(error) = self.disk.remove_directory(&removal.path) {
                tracing::warn!(path = %removal.path.display(), %error, "a deleted partition's directory could not be removed");
            }
        }
    }

    /// When this node acknowledges.
    #[must_use]
    pub fn flush_mode(&self) -> FlushMode {
        self.config.storage.flush_mode
    }
}

#[cfg(test)]
#[path = "partitions_tests.rs"]
mod tests;
