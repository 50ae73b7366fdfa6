//! Changing settings: topics', brokers', groups' and subscriptions to client metrics (ConfigurationControlManager).
//!
//! A resource changes as a whole or not at all; others in the same request do not matter to it. What a broker's settings may be only that
//! broker can say: it has judged them before.

use super::bootstrap::MIN_INSYNC_REPLICAS;
use super::partition_registration::check_size;
use super::{Context, Decide, Decision, Reason, Refusal, check_topic_name};
use crate::config::{
    ConfigChanges, ConfigMap, ConfigOperation, ConfigRefusal, Key, Settings, ValueType, broker_key, topic_key,
    validate_client_metrics, validate_group_configs, validate_topic_configs,
};
use crate::metadata::records::{Config, ConfigResourceType, MetadataRecord};
use crate::metadata::{ConfigResource, MetadataImage, features};
use crate::types::NodeId;

/// Changes settings. The edge has checked rights, and that no resource stands twice.
#[derive(Clone, Debug)]
pub struct AlterConfigs {
    pub resources: Vec<(ConfigResource, ConfigChanges)>,
    /// Judge only: the reply is as it would be, there are no records.
    pub validate_only: bool,
    /// What brokers give groups, for their bounds.
    pub broker: Settings,
}

impl Decide for AlterConfigs {
    /// One result for each resource, in the order of the request.
    type Reply = Vec<Result<(), Refusal>>;

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Self::Reply>, Refusal> {
        let (mut records, mut reply) = (Vec::new(), Vec::with_capacity(self.resources.len()));
        for (resource, changes) in &self.resources {
            let altered = self.alter(image, resource, changes).map(|mut altered| records.append(&mut altered));
            reply.push(altered);
            check_size(records.len())?;
        }
        if self.validate_only {
            records.clear();
        }
        Ok(Decision { records, reply })
    }
}

impl AlterConfigs {
    fn alter(
        &self,
        image: &MetadataImage,
        resource: &ConfigResource,
        changes: &ConfigChanges,
    ) -> Result<Vec<MetadataRecord>, Refusal> {
        if let ConfigChanges::Some(operations) = changes {
            check_lists(resource.resource_type, operations)?;
        }
        let before = image.configs().of(resource.resource_type, &resource.name);
        let default_of = |name: &str| key(resource.resource_type, name).and_then(|key| key.default);
        let after = changes.applied_to(before, default_of);
        let records = records(resource, changes, before, &after);
        check_min_insync_replicas(image, resource, &records)?;
        self.check(image, resource, &after)?;
        Ok(records.into_iter().map(MetadataRecord::from).collect())
    }

    /// Judges what all settings of the resource become, then whether it exists: Kafka's order.
    fn check(&self, image: &MetadataImage, resource: &ConfigResource, after: &ConfigMap) -> Result<(), Refusal> {
        let name = resource.name.as_str();
        let nameless =
            |what: &str| Err(Refusal::new(Reason::InvalidRequest, format!("Default {what} resources are not allowed.")));
        match resource.resource_type {
            ConfigResourceType::Topic if name.is_empty() => nameless("topic"),
            ConfigResourceType::Topic => {
                check_topic_name(name)?;
                let given = after.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
                validate_topic_configs(given).map_err(|message| Refusal::new(Reason::InvalidConfig, message))?;
                let exists = image.topics().by_name(name).is_some();
                exists
                    .then_some(())
                    .ok_or_else(|| Refusal::new(Reason::UnknownTopicOrPartition, format!("The topic '{name}' does not exist.")))
            }
            ConfigResourceType::Broker => check_broker(image, name),
            ConfigResourceType::Group if name.is_empty() => nameless("group"),
            ConfigResourceType::Group => validate_group_configs(&self.broker, after).map_err(Refusal::from),
            ConfigResourceType::ClientMetrics if name.is_empty() => {
                Err(Refusal::new(Reason::InvalidRequest, "Subscription name can't be empty"))
            }
            ConfigResourceType::ClientMetrics => validate_client_metrics(after).map_err(Refusal::from),
            ConfigResourceType::BrokerLogger => {
                Err(Refusal::new(Reason::InvalidRequest, "Loggers are a broker's own business: nothing of them is kept."))
            }
        }
    }
}

/// The name is empty for the default of all.
fn check_broker(image: &MetadataImage, name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Ok(());
    }
    let Ok(id) = name.parse::<i32>() else {
        return Err(Refusal::new(Reason::InvalidRequest, "Unable to parse broker name as a base 10 number."));
    };
    if id < 0 {
        return Err(Refusal::new(Reason::InvalidRequest, "Invalid negative broker ID."));
    }
    let is_registered = image.broker(NodeId(id)).is_some();
    is_registered
        .then_some(())
        .ok_or_else(|| Refusal::new(Reason::BrokerIdNotRegistered, format!("No broker with id {id} found.")))
}

fn key(resource_type: ConfigResourceType, name: &str) -> Option<&'static Key> {
    match resource_type {
        ConfigResourceType::Topic => topic_key(name),
        ConfigResourceType::Broker => broker_key(name),
        ConfigResourceType::BrokerLogger | ConfigResourceType::ClientMetrics | ConfigResourceType::Group => None,
    }
}

/// Only lists can grow and shrink. Kafka's controller knows the types of topics' and brokers' settings only.
fn check_lists(resource_type: ConfigResourceType, operations: &[(String, ConfigOperation)]) -> Result<(), Refusal> {
    for (name, operation) in operations {
        if let Some(what) = operation.of_lists()
            && key(resource_type, name).is_none_or(|key| key.value_type != ValueType::List)
        {
            let message = format!("Can't {what} to key {name} because its type is not LIST.");
            return Err(Refusal::new(Reason::InvalidConfig, message));
        }
    }
    Ok(())
}

/// What differs; of a broker also what is set to the value that it has, so that it looks again at files that a setting names
/// (KAFKA-14136).
fn records(resource: &ConfigResource, changes: &ConfigChanges, before: &ConfigMap, after: &ConfigMap) -> Vec<Config> {
    let record = |name: &String| Config {
        resource_type: resource.resource_type,
        resource_name: resource.name.clone(),
        name: name.clone(),
        value: after.get(name).cloned(),
    };
    let counts = |name: &&String| resource.resource_type == ConfigResourceType::Broker || before.get(*name) != after.get(*name);
    match changes {
        ConfigChanges::Some(operations) => operations.iter().map(|(name, _)| name).filter(counts).map(record).collect(),
        ConfigChanges::All(_) => {
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            after.keys().filter(counts).chain(gone).map(record).collect()
        }
    }
}

/// With eligible leader replicas all have to judge by one number: it is the cluster's, no broker's, and cannot be taken away (KIP-966).
fn check_min_insync_replicas(image: &MetadataImage, resource: &ConfigResource, records: &[Config]) -> Result<(), Refusal> {
    if resource.resource_type != ConfigResourceType::Broker || !features::has_eligible_leader_replicas(image.features()) {
        return Ok(());
    }
    let refused = |message: &str| Err(Refusal::new(Reason::InvalidConfig, message));
    match records.iter().find(|record| record.name == MIN_INSYNC_REPLICAS) {
        Some(_) if !resource.name.is_empty() => {
            refused("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
        }
        Some(record) if record.value.is_none() => {
            refused("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
        }
        _ => Ok(()),
    }
}

impl From<ConfigRefusal> for Refusal {
    fn from(refusal: ConfigRefusal) -> Self {
        match refusal {
            ConfigRefusal::InvalidConfig(message) => Self::new(Reason::InvalidConfig, message),
            ConfigRefusal::InvalidRequest(message) => Self::new(Reason::InvalidRequest, message),
        }
    }
}

#[cfg(test)]
#[path = "alter_configs_tests.rs"]
mod tests;
