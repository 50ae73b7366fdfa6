//! Folding: the one way in which an image changes.

use std::sync::Arc;

use super::delta::Touched;
use super::{BrokerImage, ConfigResource, ControllerImage, MetadataDelta, MetadataImage, PartitionImage};
use crate::metadata::records::{
    ClearElr, ConfigResourceType, MetadataRecord, Partition, PartitionChange, RegisterBroker, Topic, UnregisterBroker,
};
use crate::types::{BrokerEpoch, NodeId, Offset, PartitionIndex, TopicId, TopicIdPartition, TopicName};

/// A record that contradicts the image: the log is damaged, or whoever wrote it decided on another state. A fault of the node that
/// reads it, never of a client.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FoldError {
    #[error("no topic has the id {0}")]
    UnknownTopicId(TopicId),
    #[error("no topic has the name {0}")]
    UnknownTopicName(String),
    #[error("a topic named {0} is there already")]
    TopicExists(TopicName),
    #[error("a topic with the id {0} is there already")]
    TopicIdExists(TopicId),
    #[error("topic {topic_id} has no partition {partition}")]
    UnknownPartition { topic_id: TopicId, partition: PartitionIndex },
    #[error("partition {partition} of topic {topic_id} has {replicas} replicas but {directories} directories")]
    Directories { topic_id: TopicId, partition: PartitionIndex, replicas: usize, directories: usize },
    #[error("no broker has the id {0}")]
    UnknownBroker(NodeId),
    #[error("broker {id} has the epoch {current}, not {named}")]
    BrokerEpoch { id: NodeId, current: BrokerEpoch, named: BrokerEpoch },
    #[error("a transaction is open already")]
    TransactionOpen,
    #[error("no transaction is open")]
    NoTransaction,
}

impl MetadataImage {
    /// The image that a snapshot's records make. `end` is the first offset that the snapshot does not cover.
    ///
    /// # Errors
    /// When the records contradict each other.
    pub fn from_snapshot(records: &[MetadataRecord], end: Offset) -> Result<Self, FoldError> {
        let mut image = Self::default();
        for record in records {
            image.fold(record, &mut Touched::default())?;
        }
        image.end = end;
        Ok(image)
    }

    /// Folds one record, which stands at `offset`. For replay; those who act on changes fold whole batches.
    ///
    /// # Errors
    /// When the record contradicts the image, which is then unchanged.
    pub fn apply(&mut self, record: &MetadataRecord, offset: Offset) -> Result<(), FoldError> {
        self.fold(record, &mut Touched::default())?;
        self.end = offset.next();
        Ok(())
    }

    /// Folds a whole batch, whose first record stands at `base_offset`, and tells what changed. Within a transaction nothing
    /// changes until its end.
    ///
    /// # Errors
    /// When a record contradicts the image, which is then unchanged.
    pub fn apply_batch(&mut self, records: &[MetadataRecord], base_offset: Offset) -> Result<MetadataDelta, FoldError> {
        let mut after = self.clone();
        let mut touched = Touched::default();
        for record in records {
            after.fold(record, &mut touched)?;
        }
        after.end = base_offset.plus(i64::try_from(records.len()).expect("a batch has fewer than 2^31 records"));
        let delta = MetadataDelta::where_touched(touched, self, &after);
        *self = after;
        Ok(delta)
    }

    /// Passes over offsets up to `end` (exclusive) that hold no metadata record: the engine's own control batches.
    pub fn skip_to(&mut self, end: Offset) {
        self.end = end;
    }

    fn fold(&mut self, record: &MetadataRecord, touched: &mut Touched) -> Result<(), FoldError> {
        match (record, &mut self.open_transaction) {
            (MetadataRecord::BeginTransaction(_), Some(_)) => Err(FoldError::TransactionOpen),
            (MetadataRecord::BeginTransaction(_), none) => {
                *none = Some(Arc::default());
                Ok(())
            }
            (MetadataRecord::EndTransaction(_), open) => {
                let records = open.take().ok_or(FoldError::NoTransaction)?;
                self.fold_all(&records, touched)
            }
            (MetadataRecord::AbortTransaction(_), open) => open.take().map(drop).ok_or(FoldError::NoTransaction),
            (record, Some(open)) => {
                Arc::make_mut(open).push(record.clone());
                Ok(())
            }
            (record, None) => self.fold_effective(record, touched),
        }
    }

    fn fold_all(&mut self, records: &[MetadataRecord], touched: &mut Touched) -> Result<(), FoldError> {
        let mut after = self.clone();
        for record in records {
            after.fold_effective(record, touched)?;
        }
        *self = after;
        Ok(())
    }

    /// Folds a record that holds now.
    fn fold_effective(&mut self, record: &MetadataRecord, touched: &mut Touched) -> Result<(), FoldError> {
        match record {
            MetadataRecord::RegisterBroker(record) => self.register_broker(record, touched),
            MetadataRecord::UnregisterBroker(record) => return self.unregister_broker(record, touched),
            MetadataRecord::FenceBroker(record) => self.broker_mut(record.id, record.epoch, touched)?.fenced = true,
            MetadataRecord::UnfenceBroker(record) => self.broker_mut(record.id, record.epoch, touched)?.fenced = false,
            MetadataRecord::BrokerRegistrationChange(record) => {
                self.broker_mut(record.broker_id, record.broker_epoch, touched)?.change(record);
            }
            MetadataRecord::Topic(record) => return self.add_topic(record, touched),
            MetadataRecord::RemoveTopic(record) => return self.remove_topic(record.topic_id, touched),
            MetadataRecord::Partition(record) => return self.set_partition(record, touched),
            MetadataRecord::PartitionChange(record) => return self.change_partition(record, touched),
            MetadataRecord::ClearElr(record) => return self.clear_elr(record, touched),
            MetadataRecord::Config(record) => {
                touched
                    .configs
                    .insert(ConfigResource { resource_type: record.resource_type, name: record.resource_name.clone() });
                Arc::make_mut(&mut self.configs).set(record);
            }
            MetadataRecord::FeatureLevel(record) => {
                touched.features.insert(record.name.clone());
                let features = Arc::make_mut(&mut self.features);
                match record.feature_level {
                    0 => drop(features.remove(&record.name)),
                    level => drop(features.insert(record.name.clone(), level)),
                }
            }
            MetadataRecord::ProducerIds(record) => self.next_producer_id = Some(record.next_producer_id),
            MetadataRecord::RegisterController(record) => {
                touched.controllers.insert(record.controller_id);
                let controller = ControllerImage::from_record(record);
                Arc::make_mut(&mut self.controllers).insert(record.controller_id, controller);
            }
            MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_) => {}
        }
        Ok(())
    }

    fn register_broker(&mut self, record: &RegisterBroker, touched: &mut Touched) {
        touched.brokers.insert(record.broker_id);
        Arc::make_mut(&mut self.brokers).insert(record.broker_id, Arc::new(BrokerImage::from_record(record)));
    }

    fn unregister_broker(&mut self, record: &UnregisterBroker, touched: &mut Touched) -> Result<(), FoldError> {
        self.broker_mut(record.broker_id, record.broker_epoch, touched)?;
        Arc::make_mut(&mut self.brokers).remove(&record.broker_id);
        Ok(())
    }

    fn broker_mut(&mut self, id: NodeId, epoch: BrokerEpoch, touched: &mut Touched) -> Result<&mut BrokerImage, FoldError> {
        let current = self.brokers.get(&id).ok_or(FoldError::UnknownBroker(id))?.epoch;
        if current != epoch {
            return Err(FoldError::BrokerEpoch { id, current, named: epoch });
        }
        touched.brokers.insert(id);
        Arc::make_mut(&mut self.brokers).get_mut(&id).map(Arc::make_mut).ok_or(FoldError::UnknownBroker(id))
    }

    fn add_topic(&mut self, record: &Topic, touched: &mut Touched) -> Result<(), FoldError> {
        if self.topics.by_name(record.name.as_str()).is_some() {
            return Err(FoldError::TopicExists(record.name.clone()));
        }
        if self.topics.by_id(record.topic_id).is_some() {
            return Err(FoldError::TopicIdExists(record.topic_id));
        }
        touched.topics.insert(record.topic_id);
        Arc::make_mut(&mut self.topics).insert(record);
        Ok(())
    }

    /// The topic's settings go with it.
    fn remove_topic(&mut self, id: TopicId, touched: &mut Touched) -> Result<(), FoldError> {
        let name = self.topics.by_id(id).ok_or(FoldError::UnknownTopicId(id))?.name.clone();
        touched.topics.insert(id);
        Arc::make_mut(&mut self.topics).remove(id);
        if !self.configs.topic(name.as_str()).is_empty() {
            touched.configs.insert(ConfigResource::topic(&name));
            Arc::make_mut(&mut self.configs).remove(ConfigResourceType::Topic, name.as_str());
        }
        Ok(())
    }

    fn set_partition(&mut self, record: &Partition, touched: &mut Touched) -> Result<(), FoldError> {
        let place = TopicIdPartition { topic_id: record.topic_id, partition: record.partition_id };
        self.topics.by_id(record.topic_id).ok_or(FoldError::UnknownTopicId(record.topic_id))?;
        let partition = Arc::new(checked(PartitionImage::from_record(record), place)?);
        touched.topics.insert(record.topic_id);
        if let Some(topic) = Arc::make_mut(&mut self.topics).get_mut(record.topic_id) {
            topic.partitions.insert(record.partition_id, partition);
        }
        Ok(())
    }

    fn change_partition(&mut self, record: &PartitionChange, touched: &mut Touched) -> Result<(), FoldError> {
        let place = TopicIdPartition { topic_id: record.topic_id, partition: record.partition_id };
        let current = self
            .topics
            .partition(place)
            .ok_or(FoldError::UnknownPartition { topic_id: record.topic_id, partition: record.partition_id })?;
        let mut changed = PartitionImage::clone(current);
        changed.change(record);
        let changed = Arc::new(checked(changed, place)?);
        touched.topics.insert(record.topic_id);
        if let Some(topic) = Arc::make_mut(&mut self.topics).get_mut(record.topic_id) {
            topic.partitions.insert(record.partition_id, changed);
        }
        Ok(())
    }

    /// As one change record for each partition that has eligible leader replicas, so their partition epochs rise.
    fn clear_elr(&mut self, record: &ClearElr, touched: &mut Touched) -> Result<(), FoldError> {
        let topics = match record.topic_name.as_str() {
            "" => self.topics.iter().map(Arc::clone).collect(),
            name => vec![Arc::clone(self.topics.by_name(name).ok_or_else(|| FoldError::UnknownTopicName(name.to_owned()))?)],
        };
        for topic in topics {
            for (index, partition) in &topic.partitions {
                if !partition.elr.is_empty() || !partition.last_known_elr.is_empty() {
                    let mut change = PartitionChange::nothing(topic.id, *index);
                    (change.eligible_leader_replicas, change.last_known_elr) = (Some(Vec::new()), Some(Vec::new()));
                    self.change_partition(&change, touched)?;
                }
            }
        }
        Ok(())
    }
}

fn checked(partition: PartitionImage, place: TopicIdPartition) -> Result<PartitionImage, FoldError> {
    let (replicas, directories) = (partition.replicas.len(), partition.directories.len());
    if replicas == directories {
        Ok(partition)
    } else {
        Err(FoldError::Directories { topic_id: place.topic_id, partition: place.partition, replicas, directories })
    }
}
