//! The first records of a cluster, and the record that says nothing.

use super::{Context, Decide, Decision, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::features::{METADATA_VERSION, METADATA_VERSION_LEVEL};
use crate::metadata::records::{Config, ConfigResourceType, FeatureLevel, NoOp};

/// Finalises the features of a new cluster; a cluster that has a metadata.version stays as it is, so it may be asked at every
/// start. metadata.version comes first: it says how the records after it are to be read. Apache Kafka also finalises the features
/// of its groups, transactions and eligible leader replicas here; each joins when it works. As in a new Kafka cluster, min.insync.replicas
/// becomes the metadata's business at once: it is copied from the file as the default of all brokers, so that all judge by one number
/// (KIP-966).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bootstrap {
    pub min_insync_replicas: i32,
}

impl Decide for Bootstrap {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let metadata_version = FeatureLevel { name: METADATA_VERSION.to_owned(), feature_level: METADATA_VERSION_LEVEL };
        let min_insync_replicas = Config {
            resource_type: ConfigResourceType::Broker,
            resource_name: String::new(),
            name: "min.insync.replicas".to_owned(),
            value: Some(self.min_insync_replicas.to_string()),
        };
        let is_new = !image.features().contains_key(METADATA_VERSION);
        let records = if is_new { vec![metadata_version.into(), min_insync_replicas.into()] } else { Vec::new() };
        Ok(Decision { records, reply: () })
    }
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
