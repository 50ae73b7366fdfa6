//! What the node looks like at a moment: the counters, and what is counted by looking. Nothing here is kept; `ops/` asks and shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::metrics::{DiskSeen, RequestsSeen, TrafficSeen};
use super::{Broker, Partition};
use crate::group::GroupState;
use crate::log::LogShape;
use crate::metadata::{MetadataImage, PartitionImage, TopicImage};
use crate::net::ServerStatistics;
use crate::types::{GroupId, Offset, PartitionIndex, TopicIdPartition, TopicName};

/// One look at everything. Lists of what clients make are cut at a limit, in order of names.
#[derive(Debug)]
pub struct Observation {
    pub is_stopping: bool,
    pub requests: Vec<RequestsSeen>,
    pub fetches_waiting: u64,
    pub isr_shrinks: u64,
    pub isr_expands: u64,
    /// Of the whole node.
    pub traffic: TrafficSeen,
    pub topics: Listed<(TopicName, TrafficSeen)>,
    pub logs: Listed<(TopicName, PartitionIndex, LogShape)>,
    pub replicas: ReplicaCounts,
    pub cluster: ClusterCounts,
    pub offline_log_directories: usize,
    pub groups: GroupCounts,
    pub committed: Listed<CommittedSeen>,
    pub disk: Vec<DiskSeen>,
    pub server: Arc<ServerStatistics>,
}

/// The groups that this node coordinates.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct GroupCounts {
    pub by_state: BTreeMap<GroupState, usize>,
    pub offsets: usize,
}

/// What a group has read of a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedSeen {
    pub group: GroupId,
    pub topic: TopicName,
    pub partition: PartitionIndex,
    pub offset: Offset,
    /// Records behind it that could be read; `None` if the partition is not led here.
    pub lag: Option<u64>,
}

/// As many as there is room for, and how many more there are.
#[derive(Debug)]
pub struct Listed<T> {
    pub shown: Vec<T>,
    pub left_out: usize,
    limit: usize,
}

/// The partitions that have a replica on this node.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ReplicaCounts {
    pub partitions: usize,
    pub offline: usize,
    /// Led here; the rest are among these.
    pub led: usize,
    pub under_replicated: usize,
    pub under_min_isr: usize,
    pub at_min_isr: usize,
}

/// What the controller answers for. Every node knows it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClusterCounts {
    pub is_active_controller: bool,
    pub topics: usize,
    pub partitions: usize,
    /// Without a leader.
    pub offline_partitions: usize,
    /// Not led by the first of their replicas.
    pub not_led_by_preferred: usize,
    pub active_brokers: usize,
    pub fenced_brokers: usize,
}

impl<T> Listed<T> {
    const fn new(limit: usize) -> Self {
        Self { shown: Vec::new(), left_out: 0, limit }
    }

    /// Makes the entry only if there is room for it.
    fn push(&mut self, entry: impl FnOnce() -> Option<T>) {
        if self.shown.len() < self.limit {
            self.shown.extend(entry());
        } else {
            self.left_out += 1;
        }
    }
}

impl Broker {
    /// Looks at everything; of topics, partitions and the like at so many as `klamm.metrics.max.series` says. Takes each shown partition's
    /// lock for a moment.
    #[must_use]
    pub fn observe(&self) -> Observation {
        let limit = self.config.metrics_max_series;
        let image = self.image();
        let mut seen = Observation {
            is_stopping: self.is_stopping(),
            requests: self.metrics.requests.seen(),
            fetches_waiting: self.metrics.fetches_waiting.now(),
            isr_shrinks: self.metrics.isr_shrinks.now(),
            isr_expands: self.metrics.isr_expands.now(),
            traffic: self.metrics.elsewhere.seen(),
            topics: Listed::new(limit),
            logs: Listed::new(limit),
            replicas: ReplicaCounts::default(),
            cluster: ClusterCounts {
                is_active_controller: self.is_active_controller(),
                topics: image.topics().len(),
                fenced_brokers: image.brokers().values().filter(|broker| broker.fenced).count(),
                active_brokers: image.brokers().values().filter(|broker| !broker.fenced).count(),
                ..ClusterCounts::default()
            },
            groups: GroupCounts::default(),
            committed: Listed::new(limit),
            disk: self.metrics.disk.seen().collect(),
            server: Arc::clone(&self.server),
            offline_log_directories: self.partitions.directories().iter().filter(|directory| directory.is_offline()).count(),
        };
        for topic in image.topics().iter() {
            self.observe_topic(topic, &mut seen);
        }
        self.observe_groups(&image, limit, &mut seen);
        seen
    }

    fn observe_topic(&self, topic: &TopicImage, seen: &mut Observation) {
        let mut traffic = TrafficSeen::default();
        let mut is_here = false;
        for (index, image) in &topic.partitions {
            seen.cluster.count(image);
            if !image.replicas.contains(&self.config.node_id) {
                continue;
            }
            is_here = true;
            let open = self.partitions.get(TopicIdPartition { topic_id: topic.id, partition: *index });
            self.count_replica(image, open.as_deref(), &mut seen.replicas);
            if let Some(partition) = open {
                traffic += partition.traffic.seen();
                seen.logs.push(|| Some((topic.name.clone(), *index, partition.log_shape()?)));
            }
        }
        seen.traffic += traffic;
        if is_here {
            seen.topics.push(|| Some((topic.name.clone(), traffic)));
        }
    }

    fn observe_groups(&self, image: &MetadataImage, limit: usize, seen: &mut Observation) {
        let mut first = Vec::new();
        for census in self.group_censuses(limit) {
            seen.groups.offsets += census.offsets;
            for (state, count) in census.by_state {
                *seen.groups.by_state.entry(state).or_default() += count;
            }
            first.extend(census.committed);
            first.sort_unstable();
            first.truncate(limit);
        }
        seen.committed.left_out = seen.groups.offsets - first.len();
        seen.committed.shown = first
            .into_iter()
            .map(|(group, topic, partition, offset)| {
                let lag = self.lag(image, &topic, partition, offset);
                CommittedSeen { group, topic, partition, offset, lag }
            })
            .collect();
    }

    fn lag(&self, image: &MetadataImage, topic: &TopicName, partition: PartitionIndex, committed: Offset) -> Option<u64> {
        let topic_id = image.topics().by_name(topic.as_str())?.id;
        let (_, high_watermark, _) = self.partitions.get(TopicIdPartition { topic_id, partition })?.offsets().ok()?;
        u64::try_from(high_watermark.0.saturating_sub(committed.0).max(0)).ok()
    }

    fn count_replica(&self, image: &PartitionImage, open: Option<&Partition>, counts: &mut ReplicaCounts) {
        counts.partitions += 1;
        let Some(partition) = open.filter(|partition| !partition.directory.is_offline()) else {
            counts.offline += 1;
            return;
        };
        if image.leader != Some(self.config.node_id) {
            return;
        }
        counts.led += 1;
        let minimum = usize::try_from(partition.settings().min_insync_replicas).unwrap_or(0).min(image.replicas.len());
        counts.under_replicated += usize::from(image.isr.len() < image.replicas.len());
        counts.under_min_isr += usize::from(image.isr.len() < minimum);
        counts.at_min_isr += usize::from(image.isr.len() == minimum);
    }
}

impl ClusterCounts {
    fn count(&mut self, partition: &Arc<PartitionImage>) {
        self.partitions += 1;
        self.offline_partitions += usize::from(partition.leader.is_none());
        self.not_led_by_preferred += usize::from(partition.leader != partition.replicas.first().copied());
    }
}
