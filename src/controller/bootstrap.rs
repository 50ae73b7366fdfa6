//! The first records of a cluster, and the record that says nothing.

use super::{Context, Decide, Decision, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::features::{METADATA_VERSION, METADATA_VERSION_LEVEL};
use crate::metadata::records::{FeatureLevel, NoOp};

/// Finalises the features of a new cluster; a cluster that has a metadata.version stays as it is, so it may be asked at every
/// start. Apache Kafka also finalises the features of its groups, transactions and eligible leader replicas here; each joins when it works.
/// With the last of them min.insync.replicas becomes the metadata's business, and Kafka copies it from the file into the log at once; as
/// long as that feature is not finalised the file holds, in Kafka too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bootstrap;

impl Decide for Bootstrap {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let metadata_version = FeatureLevel { name: METADATA_VERSION.to_owned(), feature_level: METADATA_VERSION_LEVEL };
        let is_new = !image.features().contains_key(METADATA_VERSION);
        let records = if is_new { vec![metadata_version.into()] } else { Vec::new() };
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
