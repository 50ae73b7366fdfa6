//! Finalising other levels of features: Kafka's rules of FeatureControlManager.updateFeatures. All updates of a request hold, or none.

use std::collections::BTreeMap;

use super::bootstrap::{MIN_INSYNC_REPLICAS, min_insync_replicas};
use super::{Context, Decide, Decision, Reason, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::features::{self, ELIGIBLE_LEADER_REPLICAS_VERSION, Feature, KRAFT_VERSION, METADATA_VERSION};
use crate::metadata::records::{FeatureLevel, MetadataRecord};

/// Changes the level of features. The edge has checked the right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateFeatures {
    /// Of several for one feature the last one holds, as in Kafka.
    pub updates: Vec<FeatureUpdate>,
    /// Judge only: there are no records.
    pub validate_only: bool,
    /// What the file says: eligible leader replicas, once they are finalised, need it in the metadata.
    pub min_insync_replicas: i32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeatureUpdate {
    pub feature: String,
    pub level: i16,
    /// `None` for a kind that is not known.
    pub kind: Option<UpdateKind>,
}

/// FeatureUpdate.UpgradeType, with its codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpdateKind {
    Upgrade,
    SafeDowngrade,
    UnsafeDowngrade,
}

impl UpdateKind {
    #[must_use]
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            1 => Some(Self::Upgrade),
            2 => Some(Self::SafeDowngrade),
            3 => Some(Self::UnsafeDowngrade),
            _ => None,
        }
    }
}

impl Decide for UpdateFeatures {
    type Reply = ();

    /// A level that is finalised already takes no record.
    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let updates: BTreeMap<&str, &FeatureUpdate> =
            self.updates.iter().map(|update| (update.feature.as_str(), update)).collect();
        let mut records = Vec::new();
        for update in updates.into_values() {
            let refused = |why: String| {
                let FeatureUpdate { feature, level, .. } = update;
                let message = format!("Feature {feature} cannot be updated to level {level}: {why}");
                Refusal::new(Reason::InvalidUpdateVersion, message)
            };
            let current = current_level(image, &update.feature);
            judge(features::UPDATABLE, update, current).map_err(refused)?;
            check_brokers(image, update).map_err(refused)?;
            if update.level != current {
                records.push(FeatureLevel { name: update.feature.clone(), feature_level: update.level }.into());
            }
            if update.feature == ELIGIBLE_LEADER_REPLICAS_VERSION && update.level > current {
                self.share_min_insync_replicas(image, &mut records);
            }
        }
        if self.validate_only {
            records.clear();
        }
        Ok(Decision { records, reply: () })
    }
}

impl UpdateFeatures {
    /// From now on all brokers judge by one number: the default of all, no broker's own (ConfigurationControlManager.maybeGenerateElrSafetyRecords).
    fn share_min_insync_replicas(&self, image: &MetadataImage, records: &mut Vec<MetadataRecord>) {
        if !image.configs().cluster_default().contains_key(MIN_INSYNC_REPLICAS) {
            records.push(min_insync_replicas("", Some(self.min_insync_replicas)));
        }
        let own = image.brokers().keys().filter(|id| image.configs().broker(**id).contains_key(MIN_INSYNC_REPLICAS));
        records.extend(own.map(|id| min_insync_replicas(&id.to_string(), None)));
    }
}

/// 0 for a feature that is off. kraft.version is the quorum's: its log has it since its first record.
fn current_level(image: &MetadataImage, feature: &str) -> i16 {
    let level = image.features().get(feature).copied();
    level.unwrap_or(if feature == KRAFT_VERSION { features::KRAFT_VERSION_LEVEL } else { 0 })
}

/// What this build says of an update, in the order of Kafka's checks; else why not.
fn judge(supported: &[Feature], update: &FeatureUpdate, current: i16) -> Result<(), String> {
    let Some(kind) = update.kind else { return Err("the kind of update is not known.".to_owned()) };
    if update.level < 0 {
        return Err("a level is 0 or more.".to_owned());
    }
    let Some(feature) = supported.iter().find(|feature| feature.name == update.feature) else {
        return Err("this node does not know the feature.".to_owned());
    };
    let (min, max) = (feature.min_supported_version, feature.max_supported_version);
    if !(min..=max).contains(&update.level) {
        return Err(format!("this node supports the levels {min} to {max}."));
    }
    match kind {
        UpdateKind::Upgrade if update.level < current => Err("a downgrade has to be asked for, safe or unsafe.".to_owned()),
        UpdateKind::SafeDowngrade | UpdateKind::UnsafeDowngrade if update.level > current => {
            Err(format!("it is above the current level {current}, so it is no downgrade."))
        }
        _ if update.level < current && matches!(feature.name, METADATA_VERSION | KRAFT_VERSION) => {
            Err(format!("from level {current} there is no way back: the log may hold what lower levels cannot say."))
        }
        UpdateKind::Upgrade | UpdateKind::SafeDowngrade | UpdateKind::UnsafeDowngrade => Ok(()),
    }
}

/// Every registered broker has to support the level. None registers kraft.version here: it is judged by the quorum's own records.
fn check_brokers(image: &MetadataImage, update: &FeatureUpdate) -> Result<(), String> {
    if update.level == 0 || update.feature == KRAFT_VERSION {
        return Ok(());
    }
    let supports = |broker: &crate::metadata::BrokerImage| {
        let mut named = broker.features.iter().filter(|feature| feature.name == update.feature);
        named.any(|feature| (feature.min_supported_version..=feature.max_supported_version).contains(&update.level))
    };
    match image.brokers().values().find(|broker| !supports(broker)) {
        Some(broker) => Err(format!("broker {} does not support it.", broker.id)),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "update_features_tests.rs"]
mod tests;
