//! The immutable image: what all records up to an offset say together.
//!
//! A clone costs a handful of reference counts; folding into a clone copies only the subject that changes.

mod cluster;
mod configs;
mod delta;
mod fold;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::cluster::{BrokerImage, ControllerImage};
pub use self::configs::{ConfigResource, ConfigsImage};
pub use self::delta::MetadataDelta;
pub use self::fold::FoldError;
pub use self::topics::{PartitionImage, TopicImage, TopicsImage};
use super::features::METADATA_VERSION;
use super::records::{FeatureLevel, MetadataRecord, ProducerIds};
use crate::types::{NodeId, Offset, ProducerId};

/// The state of the cluster at an offset of the metadata log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetadataImage {
    end: Offset,
    features: Arc<BTreeMap<String, i16>>,
    controllers: Arc<BTreeMap<NodeId, ControllerImage>>,
    brokers: Arc<BTreeMap<NodeId, Arc<BrokerImage>>>,
    topics: Arc<TopicsImage>,
    configs: Arc<ConfigsImage>,
    next_producer_id: Option<ProducerId>,
    /// The records of a transaction that has not ended, kept aside: none of them holds yet.
    open_transaction: Option<Arc<Vec<MetadataRecord>>>,
}

impl MetadataImage {
    /// Offset exclusive: the first record that is not in the image.
    #[must_use]
    pub const fn end(&self) -> Offset {
        self.end
    }

    /// Whether the image stands at the very beginning: no record was ever folded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.brokers.is_empty() && self.topics.is_empty()
    }

    /// Whether a transaction's records are kept aside. No snapshot may be taken then: it would lose them.
    #[must_use]
    pub const fn is_in_transaction(&self) -> bool {
        self.open_transaction.is_some()
    }

    /// Finalised features by name; a feature at level 0 is not among them.
    #[must_use]
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    #[must_use]
    pub fn controllers(&self) -> &BTreeMap<NodeId, ControllerImage> {
        &self.controllers
    }

    #[must_use]
    pub fn brokers(&self) -> &BTreeMap<NodeId, Arc<BrokerImage>> {
        &self.brokers
    }

    #[must_use]
    pub fn broker(&self, id: NodeId) -> Option<&Arc<BrokerImage>> {
        self.brokers.get(&id)
    }

    #[must_use]
    pub fn topics(&self) -> &TopicsImage {
        &self.topics
    }

    #[must_use]
    pub fn configs(&self) -> &ConfigsImage {
        &self.configs
    }

    /// The first producer id that no block holds.
    #[must_use]
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id.unwrap_or_default()
    }

    /// The state as records, in the order in which Kafka writes a snapshot: folding them gives an equal image.
    #[must_use]
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        let level = |name: &String, level: &i16| FeatureLevel { name: name.clone(), feature_level: *level };
        let (metadata_version, others): (Vec<_>, Vec<_>) = self.features.iter().partition(|(name, _)| *name == METADATA_VERSION);
        records.extend(metadata_version.into_iter().chain(others).map(|(name, at)| level(name, at).into()));
        records.extend(self.controllers.values().map(|controller| controller.to_record().into()));
        records.extend(self.brokers.values().map(|broker| broker.to_record().into()));
        self.topics.write_records(&mut records);
        self.configs.write_records(&mut records);
        records.extend(
            self.next_producer_id
                .map(|next_producer_id| ProducerIds { broker_id: None, broker_epoch: None, next_producer_id }.into()),
        );
        records
    }

    /// A number that is the same on every node and every build for the same state: FNV-1a over the snapshot's records.
    #[must_use]
    pub fn hash(&self) -> u64 {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        self.to_records().iter().fold(OFFSET_BASIS, |hash, record| {
            let value = record.encode();
            let length = u64::try_from(value.len()).expect("a length fits 64 bits").to_be_bytes();
            length.iter().chain(&value).fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
        })
    }
}
