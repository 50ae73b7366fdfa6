//! What is asked of the controller and of the metadata quorum by those who look after the cluster.

use super::{Broker, ControllerError};
use crate::controller::{ElectLeaders, Elections, FeatureUpdate, UpdateFeatures};
use crate::quorum::QuorumDescription;
use crate::security::{Authorized, Cluster};

impl Broker {
    /// Elects leaders, all in one decision.
    ///
    /// # Errors
    /// When the controller is not there, or too much is asked for at once.
    pub async fn elect_leaders(&self, _: &Authorized<Cluster>, request: ElectLeaders) -> Result<Elections, ControllerError> {
        self.controller.ask(request).await
    }

    /// Finalises other levels of features, all of them or none.
    ///
    /// # Errors
    /// When one of them is refused, or the controller is not there.
    pub async fn update_features(
        &self,
        _: &Authorized<Cluster>,
        updates: Vec<FeatureUpdate>,
        validate_only: bool,
    ) -> Result<(), ControllerError> {
        let min_insync_replicas = self.config.min_insync_replicas();
        self.controller.ask(UpdateFeatures { updates, validate_only, min_insync_replicas }).await
    }

    /// The metadata quorum; `None` unless this node leads it.
    #[must_use]
    pub fn describe_quorum(&self, _: &Authorized<Cluster>) -> Option<QuorumDescription> {
        self.quorum.describe()
    }
}
