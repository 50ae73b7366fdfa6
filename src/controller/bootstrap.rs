//! The first records of a cluster, and the record that says nothing.

use super::{Context, Decide, Decision, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::features::{
    ELIGIBLE_LEADER_REPLICAS_LEVEL, ELIGIBLE_LEADER_REPLICAS_VERSION, METADATA_VERSION, METADATA_VERSION_LEVEL,
};
use crate::metadata::records::{Config, ConfigResourceType, FeatureLevel, MetadataRecord, NoOp};

pub(super) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// Finalises the features of a new cluster; a cluster that has a metadata.version stays as it is, so it may be asked at every start.
/// metadata.version comes first: it says how the records after it are to be read. Apache Kafka also finalises the features of its groups
/// and transactions here; each joins when it works. With eligible leader replicas min.insync.replicas becomes the metadata's business at
/// once: it is copied from the file as the default of all brokers, so that all judge by one number (KIP-966).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bootstrap {
    /// What the file says.
    pub min_insync_replicas: i32,
}

impl Decide for Bootstrap {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        if image.features().contains_key(METADATA_VERSION) {
            return Ok(Decision { records: Vec::new(), reply: () });
        }
        let level = |name: &str, feature_level| FeatureLevel { name: name.to_owned(), feature_level }.into();
        let records = vec![
            level(METADATA_VERSION, METADATA_VERSION_LEVEL),
            level(ELIGIBLE_LEADER_REPLICAS_VERSION, ELIGIBLE_LEADER_REPLICAS_LEVEL),
            min_insync_replicas("", Some(self.min_insync_replicas)),
        ];
        Ok(Decision { records, reply: () })
    }
}

/// The setting of a broker, or with an empty name of all; `None` takes it away.
pub(super) fn min_insync_replicas(broker: &str, value: Option<i32>) -> MetadataRecord {
    Config {
        resource_type: ConfigResourceType::Broker,
        resource_name: broker.to_owned(),
        name: MIN_INSYNC_REPLICAS.to_owned(),
        value: value.map(|value| value.to_string()),
    }
    .into()
}

/// Asks for a record that changes nothing, so that the committed offset moves on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoOperation;

impl Decide for NoOperation {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, _: &MetadataImage) -> Result<Decision<()>, Refusal> {
        Ok(Decision { records: vec![NoOp {}.into()], reply: () })
    }
}
