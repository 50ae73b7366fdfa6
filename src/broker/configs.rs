//! The settings of a running node: described, judged, changed.

use std::collections::BTreeMap;

use super::{Broker, ControllerError};
use crate::config::{
    BrokerScope, ConfigChanges, ConfigEntry, ConfigMap, ConfigRefusal, DynamicConfigs, broker_key, check_broker_lists,
    describe_broker, describe_client_metrics, describe_cluster_defaults, describe_created_topic, describe_group, describe_topic,
    validate_broker_configs,
};
use crate::controller::{AlterConfigs, Refusal};
use crate::metadata::records::ConfigResourceType;
use crate::metadata::{ConfigResource, MetadataImage};
use crate::security::{Authorized, Cluster};
use crate::types::TopicName;

impl Broker {
    fn dynamic<'a>(&self, image: &'a MetadataImage) -> DynamicConfigs<'a> {
        DynamicConfigs { broker: image.configs().broker(self.config.node_id), cluster: image.configs().cluster_default() }
    }

    /// All settings of a topic; `None` if it does not exist.
    #[must_use]
    pub fn describe_topic(&self, topic: &Authorized<TopicName>) -> Option<Vec<ConfigEntry>> {
        let image = self.image();
        let topic = image.topics().by_name(topic.get().as_str())?;
        let overrides = image.configs().topic(topic.name.as_str());
        Some(describe_topic(&self.config.settings, self.dynamic(&image), overrides))
    }

    /// The settings of a topic with these of its own, as CreateTopics tells them.
    #[must_use]
    pub fn describe_created_topic(&self, overrides: &BTreeMap<String, String>) -> Vec<ConfigEntry> {
        describe_created_topic(&self.config.settings, self.dynamic(&self.image()), overrides)
    }

    /// All settings of this broker.
    #[must_use]
    pub fn describe_broker(&self, _: &Authorized<Cluster>) -> Vec<ConfigEntry> {
        describe_broker(&self.config.settings, self.dynamic(&self.image()))
    }

    /// What was set for all brokers while they ran.
    #[must_use]
    pub fn describe_cluster_defaults(&self, _: &Authorized<Cluster>) -> Vec<ConfigEntry> {
        describe_cluster_defaults(&self.config.settings, self.dynamic(&self.image()))
    }

    /// All settings of a group, which need not exist.
    #[must_use]
    pub fn describe_group(&self, group: &Authorized<ConfigResource>) -> Vec<ConfigEntry> {
        let image = self.image();
        let own = image.configs().of(ConfigResourceType::Group, &group.get().name);
        describe_group(&self.config.settings, self.dynamic(&image), own)
    }

    /// All settings of a subscription to client metrics, which need not exist.
    #[must_use]
    pub fn describe_client_metrics(&self, subscription: &Authorized<ConfigResource>) -> Vec<ConfigEntry> {
        describe_client_metrics(self.image().configs().of(ConfigResourceType::ClientMetrics, &subscription.get().name))
    }

    /// Judges changes of this broker's settings (its id as name), or of the defaults of all (no name).
    ///
    /// # Errors
    /// Kafka's codes (ConfigAdminManager.preprocess).
    pub fn judge_broker_changes(
        &self,
        resource: &Authorized<ConfigResource>,
        changes: &ConfigChanges,
    ) -> Result<(), ConfigRefusal> {
        let name = resource.get().name.as_str();
        let id = self.config.node_id;
        let scope = match name.parse::<i32>() {
            _ if name.is_empty() => BrokerScope::Default,
            Err(_) => return Err(ConfigRefusal::InvalidRequest(format!("Node id must be an integer, but it is: {name}"))),
            // Kafka keeps settings for "01" too, where no broker finds them.
            Ok(_) if name != id.to_string() => {
                return Err(ConfigRefusal::InvalidRequest(format!("Unexpected broker id, expected {id}, but received {name}")));
            }
            Ok(_) => BrokerScope::Own,
        };
        if let ConfigChanges::Some(operations) = changes {
            check_broker_lists(operations)?;
        }
        let image = self.image();
        let current = self.dynamic(&image);
        let before: &ConfigMap = if scope == BrokerScope::Own { current.broker } else { current.cluster };
        let after = changes.applied_to(before, |name| broker_key(name).and_then(|key| key.default));
        validate_broker_configs(&self.config.settings, current, scope, &after)
    }

    /// Changes settings, all in one decision.
    ///
    /// # Errors
    /// When the controller is not there, or refuses all; what is refused in part says so in its result.
    pub async fn alter_configs(
        &self,
        resources: Vec<(Authorized<ConfigResource>, ConfigChanges)>,
        validate_only: bool,
    ) -> Result<Vec<Result<(), Refusal>>, ControllerError> {
        let resources = resources.into_iter().map(|(resource, changes)| (resource.into_inner(), changes)).collect();
        let broker = self.config.settings.changed_by(self.dynamic(&self.image()));
        self.controller.ask(AlterConfigs { resources, validate_only, broker }).await
    }
}
