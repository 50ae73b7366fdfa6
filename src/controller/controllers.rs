//! Registrations of controllers: how tools and nodes that know one controller find the others (KIP-919).

use super::{Context, Decide, Decision, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::records::{self, Endpoint, SupportedFeature};
use crate::types::{IncarnationId, NodeId};

/// A controller came up. Each run registers anew, in place of the one before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisterController {
    pub controller_id: NodeId,
    pub incarnation_id: IncarnationId,
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<SupportedFeature>,
}

impl Decide for RegisterController {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, _: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let record = records::RegisterController {
            controller_id: self.controller_id,
            incarnation_id: self.incarnation_id,
            zk_migration_ready: false,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
        };
        Ok(Decision { records: vec![record.into()], reply: () })
    }
}
