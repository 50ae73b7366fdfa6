//! Brokers and controllers as they registered.
//!
//! Lists that are sets in meaning are kept sorted: Kafka writes them to its snapshots in another order than to its log, and equal
//! states must be equal images.

use crate::metadata::records::{
    BrokerRegistrationChange, ControlledShutdownChange, Endpoint, FencingChange, RegisterBroker, RegisterController,
    SupportedFeature,
};
use crate::types::{BrokerEpoch, DirectoryId, IncarnationId, NodeId};

/// A registered broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerImage {
    pub id: NodeId,
    pub epoch: BrokerEpoch,
    pub incarnation_id: IncarnationId,
    /// Where clients reach it, by the name of the listener.
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<SupportedFeature>,
    pub rack: Option<String>,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    /// The log directories that are online.
    pub log_dirs: Vec<DirectoryId>,
    /// Directories that take no new replicas; `None` until the broker says.
    pub cordoned_log_dirs: Option<Vec<DirectoryId>>,
}

impl BrokerImage {
    /// Neither fenced nor leaving: it may lead and be in an ISR.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    #[must_use]
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == listener)
    }

    /// The online directories that take new replicas.
    pub fn open_log_dirs(&self) -> impl Iterator<Item = DirectoryId> + '_ {
        let cordoned = self.cordoned_log_dirs.as_deref().unwrap_or_default();
        self.log_dirs.iter().copied().filter(|directory| !cordoned.contains(directory))
    }

    pub(super) fn from_record(record: &RegisterBroker) -> Self {
        Self {
            id: record.broker_id,
            epoch: record.broker_epoch,
            incarnation_id: record.incarnation_id,
            endpoints: sorted_by_name(&record.end_points, |endpoint| &endpoint.name),
            features: sorted_by_name(&record.features, |feature| &feature.name),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            log_dirs: sorted(&record.log_dirs),
            cordoned_log_dirs: record.cordoned_log_dirs.as_deref().map(sorted),
        }
    }

    pub(super) fn to_record(&self) -> RegisterBroker {
        RegisterBroker {
            broker_id: self.id,
            is_migrating_zk_broker: false,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: self.cordoned_log_dirs.clone(),
        }
    }

    pub(super) fn change(&mut self, record: &BrokerRegistrationChange) {
        match record.fenced {
            FencingChange::None => {}
            FencingChange::Fence => self.fenced = true,
            FencingChange::Unfence => self.fenced = false,
        }
        match record.in_controlled_shutdown {
            ControlledShutdownChange::None => {}
            ControlledShutdownChange::Begin => self.in_controlled_shutdown = true,
        }
        if !record.log_dirs.is_empty() {
            self.log_dirs = sorted(&record.log_dirs);
        }
        if let Some(cordoned) = &record.cordoned_log_dirs {
            self.cordoned_log_dirs = Some(sorted(cordoned));
        }
    }
}

/// A registered controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControllerImage {
    pub id: NodeId,
    pub incarnation_id: IncarnationId,
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<SupportedFeature>,
}

impl ControllerImage {
    pub(super) fn from_record(record: &RegisterController) -> Self {
        Self {
            id: record.controller_id,
            incarnation_id: record.incarnation_id,
            endpoints: sorted_by_name(&record.end_points, |endpoint| &endpoint.name),
            features: sorted_by_name(&record.features, |feature| &feature.name),
        }
    }

    pub(super) fn to_record(&self) -> RegisterController {
        RegisterController {
            controller_id: self.id,
            incarnation_id: self.incarnation_id,
            zk_migration_ready: false,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
        }
    }
}

fn sorted(directories: &[DirectoryId]) -> Vec<DirectoryId> {
    let mut directories = directories.to_vec();
    directories.sort_unstable();
    directories
}

fn sorted_by_name<T: Clone>(items: &[T], name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort_by(|left, right| name(left).cmp(name(right)));
    items
}
