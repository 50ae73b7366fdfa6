//! The features of a cluster: what this build supports and what it finalises in a new cluster.
//!
//! A level is finalised only when everything it promises works; a broker that cannot act on a level must not say so.

use std::collections::BTreeMap;

/// Name of the feature that governs the record versions in the metadata log.
pub const METADATA_VERSION: &str = "metadata.version";

/// metadata.version 4.3-IV0: the level whose records are written here.
pub const METADATA_VERSION_LEVEL: i16 = 30;

/// Name of the feature that governs the quorum's own records.
pub const KRAFT_VERSION: &str = "kraft.version";

/// kraft.version 1, which the first record of every metadata log here says: voters have directory ids (KIP-853).
pub const KRAFT_VERSION_LEVEL: i16 = 1;

/// A feature and the levels that this build supports, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature {
    pub name: &'static str,
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

const METADATA: Feature = Feature {
    name: METADATA_VERSION,
    min_supported_version: METADATA_VERSION_LEVEL,
    max_supported_version: METADATA_VERSION_LEVEL,
};

/// With its one voter and one broker no replica ever leaves the in-sync replicas alive, so the lists of eligible leaders are empty as they
/// have to be; what users see of the feature, that min.insync.replicas is the cluster's, holds.
const ELIGIBLE_LEADER_REPLICAS: Feature = Feature {
    name: ELIGIBLE_LEADER_REPLICAS_VERSION,
    min_supported_version: 0,
    max_supported_version: ELIGIBLE_LEADER_REPLICAS_LEVEL,
};

/// What this build supports. `kraft.version` is told by the quorum, whose control record it is.
pub const SUPPORTED: &[Feature] = &[METADATA, ELIGIBLE_LEADER_REPLICAS];

/// What may be asked for with UpdateFeatures: what is supported, and the quorum's level, which there is only one of.
pub const UPDATABLE: &[Feature] = &[
    METADATA,
    ELIGIBLE_LEADER_REPLICAS,
    Feature { name: KRAFT_VERSION, min_supported_version: KRAFT_VERSION_LEVEL, max_supported_version: KRAFT_VERSION_LEVEL },
];

/// Name of the feature that keeps who may lead without loss beside the in-sync replicas (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS_VERSION: &str = "eligible.leader.replicas.version";

/// The level that a new cluster finalises.
pub const ELIGIBLE_LEADER_REPLICAS_LEVEL: i16 = 1;

/// Whether eligible leader replicas are finalised: then min.insync.replicas is the cluster's alone.
#[must_use]
pub fn has_eligible_leader_replicas(finalised: &BTreeMap<String, i16>) -> bool {
    finalised.get(ELIGIBLE_LEADER_REPLICAS_VERSION).is_some_and(|level| *level > 0)
}
