//! Dynamic settings by resource.

use std::collections::BTreeMap;

use crate::metadata::records::{Config, ConfigResourceType, MetadataRecord};
use crate::types::{NodeId, TopicName};

/// What a setting is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ConfigResource {
    pub resource_type: ConfigResourceType,
    /// Topic name, node id as text, or empty for all brokers.
    pub name: String,
}

impl ConfigResource {
    #[must_use]
    pub fn topic(name: &TopicName) -> Self {
        Self { resource_type: ConfigResourceType::Topic, name: name.as_str().to_owned() }
    }

    #[must_use]
    pub fn broker(id: NodeId) -> Self {
        Self { resource_type: ConfigResourceType::Broker, name: id.to_string() }
    }

    /// The settings of all brokers.
    #[must_use]
    pub const fn cluster_default() -> Self {
        Self { resource_type: ConfigResourceType::Broker, name: String::new() }
    }
}

/// The settings of one resource by name.
type Settings = BTreeMap<String, String>;

static NO_SETTINGS: Settings = BTreeMap::new();

/// Dynamic settings of all resources; a resource without any is not in here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfigsImage {
    by_type: BTreeMap<ConfigResourceType, BTreeMap<String, Settings>>,
}

impl ConfigsImage {
    /// The dynamic settings of a topic; empty when there are none.
    #[must_use]
    pub fn topic(&self, name: &str) -> &Settings {
        self.of(ConfigResourceType::Topic, name)
    }

    #[must_use]
    pub fn broker(&self, id: NodeId) -> &Settings {
        self.of(ConfigResourceType::Broker, &id.to_string())
    }

    /// The dynamic settings of all brokers.
    #[must_use]
    pub fn cluster_default(&self) -> &Settings {
        self.of(ConfigResourceType::Broker, "")
    }

    #[must_use]
    pub fn of(&self, resource_type: ConfigResourceType, name: &str) -> &Settings {
        self.by_type.get(&resource_type).and_then(|resources| resources.get(name)).unwrap_or(&NO_SETTINGS)
    }

    /// Names of the resources of a type that have settings.
    pub fn names(&self, resource_type: ConfigResourceType) -> impl Iterator<Item = &str> {
        self.by_type.get(&resource_type).into_iter().flat_map(|resources| resources.keys().map(String::as_str))
    }

    /// All resources that have settings.
    pub fn resources(&self) -> impl Iterator<Item = ConfigResource> + '_ {
        self.by_type.iter().flat_map(|(resource_type, resources)| {
            resources.keys().map(|name| ConfigResource { resource_type: *resource_type, name: name.clone() })
        })
    }

    pub(super) fn write_records(&self, records: &mut Vec<MetadataRecord>) {
        for (resource_type, resources) in &self.by_type {
            for (resource_name, settings) in resources {
                records.extend(settings.iter().map(|(name, value)| {
                    MetadataRecord::from(Config {
                        resource_type: *resource_type,
                        resource_name: resource_name.clone(),
                        name: name.clone(),
                        value: Some(value.clone()),
                    })
                }));
            }
        }
    }

    pub(super) fn set(&mut self, record: &Config) {
        let resources = self.by_type.entry(record.resource_type).or_default();
        let settings = resources.entry(record.resource_name.clone()).or_default();
        match &record.value {
            Some(value) => drop(settings.insert(record.name.clone(), value.clone())),
            None => drop(settings.remove(&record.name)),
        }
        if settings.is_empty() {
            self.remove(record.resource_type, &record.resource_name);
        }
    }

    pub(super) fn remove(&mut self, resource_type: ConfigResourceType, name: &str) {
        let Some(resources) = self.by_type.get_mut(&resource_type) else { return };
        resources.remove(name);
        if resources.is_empty() {
            self.by_type.remove(&resource_type);
        }
    }
}
