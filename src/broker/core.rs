//! The node as `api/` sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::coordinators::Coordinators;
use super::{
    ControllerError, ControllerHandle, DiskReads, Loggers, Metrics, Partition, PartitionError, Partitions, ProducerIds, Publisher,
};
use crate::config::{InternalTopicConfig, ServerConfig};
use crate::controller::{
    CreatePartitions, CreateTopics, CreatedTopic, DeleteTopics, DeletedTopic, MorePartitions, NewTopic, Refusal, TopicResult,
    TopicSelector,
};
use crate::metadata::{MetadataImage, PartitionImage, TopicImage};
use crate::net::ServerStatistics;
use crate::quorum::MetadataQuorum;
use crate::replica::FetchSessions;
use crate::seams::{Clock, Execution, Lane, lock};
use crate::security::{Authorized, Cluster, Security};
use crate::types::{ClusterId, NodeId, PartitionIndex, ProducerId, TopicIdPartition, TopicName, java_hash};

/// What serves requests. Whoever reaches for a topic's partitions shows that the right was checked.
#[derive(Debug)]
pub struct Broker {
    pub config: Arc<ServerConfig>,
    pub cluster_id: ClusterId,
    pub security: Security,
    pub clock: Arc<dyn Clock>,
    pub execution: Arc<dyn Execution>,
    pub disk_reads: DiskReads,
    pub metrics: Arc<Metrics>,
    pub loggers: Arc<dyn Loggers>,
    pub(super) controller: ControllerHandle,
    pub(super) server: Arc<ServerStatistics>,
    pub(super) quorum: Arc<dyn MetadataQuorum>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) partitions: Arc<Partitions>,
    pub(super) producer_ids: ProducerIds,
    pub(super) coordinators: Coordinators,
    pub(super) sessions: Mutex<FetchSessions>,
    /// Topics that are being created on first use, so that one request per topic reaches the controller.
    pub(super) creating: Mutex<BTreeSet<TopicName>>,
    /// True from the moment that the node stops: long polls end, upkeep too.
    pub(super) stopping: watch::Sender<bool>,
}

pub(super) const GROUP_METADATA: &str = "__consumer_offsets";
const TRANSACTION_STATE: &str = "__transaction_state";
const SHARE_GROUP_STATE: &str = "__share_group_state";

/// What a coordinator looks after, each in an internal topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorKind {
    Group,
    Transaction,
}

/// The partition of an internal topic that a key belongs to; `None` when the topic has none.
pub(super) fn partition_of(key: &str, topic: &TopicImage) -> Option<PartitionIndex> {
    let partitions = i32::try_from(topic.partitions.len()).ok().filter(|count| *count > 0)?;
    // Utils.abs: the smallest number has no positive counterpart and counts as 0.
    Some(PartitionIndex(java_hash(key).checked_abs().unwrap_or(0) % partitions))
}

/// Kafka's internal topics: clients do not write to them.
#[must_use]
pub fn is_internal_topic(name: &str) -> bool {
    matches!(name, GROUP_METADATA | TRANSACTION_STATE | SHARE_GROUP_STATE)
}

impl Broker {
    /// The newest published metadata.
    #[must_use]
    pub fn image(&self) -> Arc<MetadataImage> {
        self.publisher.image()
    }

    #[must_use]
    pub fn topic(&self, name: &Authorized<TopicName>) -> Option<Arc<TopicImage>> {
        self.image().topics().by_name(name.get().as_str()).cloned()
    }

    /// Whether this node's controller decides for the cluster.
    #[must_use]
    pub fn is_active_controller(&self) -> bool {
        self.quorum.leader().borrow().is_active
    }

    /// Whether the node is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// The partition, if this broker leads it. `topic` is the proof for the topic that `id` names.
    ///
    /// # Errors
    /// `Storage` when its directory failed before it was opened or had no space for it, else `NotLeader`.
    pub fn partition(&self, topic: &Authorized<TopicName>, id: TopicIdPartition) -> Result<Arc<Partition>, PartitionError> {
        if let Some(partition) = self.partitions.get(id).filter(|partition| partition.topic == *topic.get()) {
            return Ok(partition);
        }
        let image = self.image();
        let offline = self.partitions.unopened().get(id).is_some()
            || image.topics().partition(id).is_some_and(|partition| self.is_replica_offline(self.config.node_id, partition));
        Err(if offline { PartitionError::Storage } else { PartitionError::NotLeader })
    }

    /// Whether a replica lies in a directory of this node that failed, or that the node was started without.
    #[must_use]
    pub fn is_replica_offline(&self, replica: NodeId, partition: &PartitionImage) -> bool {
        replica == self.config.node_id && partition.directory_of(replica).is_some_and(|id| !self.partitions.is_online(id))
    }

    /// Fetch sessions; the lock is short.
    pub fn sessions(&self) -> MutexGuard<'_, FetchSessions> {
        lock(&self.sessions)
    }

    /// Creates topics, all in one decision.
    ///
    /// # Errors
    /// When the controller is not there; what is refused in part says so in its result.
    pub async fn create_topics(
        &self,
        topics: Vec<(Authorized<TopicName>, NewTopic)>,
        validate_only: bool,
    ) -> Result<Vec<TopicResult>, ControllerError> {
        let topics = topics.into_iter().map(|(authorized, topic)| {
            assert_eq!(authorized.get().as_str(), topic.name, "the right was checked for another topic");
            topic
        });
        let topics = topics.collect();
        self.controller.ask(CreateTopics { topics, validate_only }).await
    }

    /// Adds partitions to topics, all in one decision.
    ///
    /// # Errors
    /// When the controller is not there; what is refused in part says so in its result.
    pub async fn create_partitions(
        &self,
        topics: Vec<(Authorized<TopicName>, MorePartitions)>,
        validate_only: bool,
    ) -> Result<Vec<(TopicName, Result<(), Refusal>)>, ControllerError> {
        let topics = topics.into_iter().map(|(authorized, topic)| {
            assert_eq!(*authorized.get(), topic.name, "the right was checked for another topic");
            topic
        });
        let topics = topics.collect();
        self.controller.ask(CreatePartitions { topics, validate_only }).await
    }

    /// Deletes topics, all in one decision. An entry without proof names an id that nothing is known of.
    ///
    /// # Errors
    /// When the controller is not there.
    pub async fn delete_topics(
        &self,
        topics: Vec<(Option<Authorized<TopicName>>, TopicSelector)>,
    ) -> Result<Vec<DeletedTopic>, ControllerError> {
        let topics = topics.into_iter().map(|(_, selector)| selector).collect();
        self.controller.ask(DeleteTopics { topics }).await
    }

    /// A producer id for an idempotent producer; `None` while ids are fetched from the controller: try again.
    #[must_use]
    pub fn next_producer_id(&self, _: &Authorized<Cluster>) -> Option<ProducerId> {
        self.producer_ids.next(&self.controller, &*self.execution)
    }

    /// The broker that coordinates a key: the leader of the key's partition of the internal topic. `None` while there is none; the topic is
    /// made, in the background, if it does not exist.
    pub fn coordinator(self: &Arc<Self>, kind: CoordinatorKind, key: &str) -> Option<NodeId> {
        let topic = match kind {
            CoordinatorKind::Group => GROUP_METADATA,
            CoordinatorKind::Transaction => TRANSACTION_STATE,
        };
        let image = self.image();
        let Some(topic) = image.topics().by_name(topic) else {
            self.create_in_background(vec![TopicName::new(topic)]);
            return None;
        };
        let leader = topic.partition(partition_of(key, topic)?)?.leader?;
        image.broker(leader).filter(|broker| broker.is_active()).map(|broker| broker.id)
    }

    /// Creates topics on first use, in the background; those already on their way are left alone.
    pub fn auto_create(self: &Arc<Self>, topics: Vec<Authorized<TopicName>>) {
        self.create_in_background(topics.into_iter().map(Authorized::into_inner).collect());
    }

    fn create_in_background(self: &Arc<Self>, topics: Vec<TopicName>) {
        let fresh: Vec<TopicName> = {
            let mut creating = lock(&self.creating);
            topics.into_iter().filter(|name| creating.insert(name.clone())).collect()
        };
        if fresh.is_empty() {
            return;
        }
        let topics = fresh.iter().map(|name| self.new_topic(name)).collect();
        let creation = self.controller.ask(CreateTopics { topics, validate_only: false });
        let broker = Arc::clone(self);
        let finish = async move {
            match creation.await {
                Ok(results) => log_refusals(&results),
                Err(error) => tracing::warn!(%error, "topics could not be created on first use"),
            }
            let mut creating = lock(&broker.creating);
            fresh.iter().for_each(|name| {
                creating.remove(name);
            });
        };
        self.execution.spawn(Lane::Control, Box::pin(finish));
    }

    /// How a topic is made that nobody described: internal ones by their own settings, others by the controller's defaults.
    fn new_topic(&self, name: &TopicName) -> NewTopic {
        let internal = match name.as_str() {
            GROUP_METADATA => Some((&self.config.offsets_topic, "compact", "producer")),
            TRANSACTION_STATE => Some((&self.config.transaction_state_topic, "compact", "uncompressed")),
            SHARE_GROUP_STATE => Some((&self.config.share_state_topic, "delete", "producer")),
            _ => None,
        };
        let mut topic = NewTopic {
            name: name.to_string(),
            partitions: None,
            replication_factor: None,
            assignments: Vec::new(),
            configs: Vec::new(),
        };
        if let Some((settings, cleanup, compression)) = internal {
            topic.partitions = Some(settings.num_partitions);
            topic.replication_factor = Some(settings.replication_factor);
            topic.configs =
                internal_configs(settings, cleanup, compression).into_iter().map(|(key, value)| (key, Some(value))).collect();
        }
        topic
    }
}

/// Settings of an internal topic (kafka-surface 4.1; GroupCoordinatorService, TransactionLog and ShareCoordinator configs).
fn internal_configs(settings: &InternalTopicConfig, cleanup: &str, compression: &str) -> BTreeMap<String, String> {
    let mut configs = BTreeMap::from([
        ("cleanup.policy".to_owned(), cleanup.to_owned()),
        ("compression.type".to_owned(), compression.to_owned()),
        ("segment.bytes".to_owned(), settings.segment_bytes.to_string()),
    ]);
    if let Some(minimum) = settings.min_insync_replicas {
        configs.insert("min.insync.replicas".to_owned(), minimum.to_string());
        configs.insert("unclean.leader.election.enable".to_owned(), "false".to_owned());
    }
    if cleanup == "delete" {
        configs.insert("retention.ms".to_owned(), "-1".to_owned());
    }
    configs
}

fn log_refusals(results: &[TopicResult]) {
    let refused = |result: &TopicResult| result.result.as_ref().map(|_: &CreatedTopic| ()).err().cloned();
    for (result, refusal) in results.iter().filter_map(|result| refused(result).map(|refusal| (result, refusal))) {
        tracing::warn!(topic = %result.name, %refusal, "topic not created on first use");
    }
}
