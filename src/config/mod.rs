//! Settings: one table of keys, server.properties in, typed values out, and how both are described to clients.
//!
//! Owns: every key with its type, default, bounds, dynamic scope and documentation; the reading of files; what a topic inherits from
//! its broker; the entries of DescribeConfigs.
//! Never does: open a file (text comes in), resolve a host name, look at the machine.
//! Invariants: a [`ServerConfig`] holds only values that passed; all that is wrong with a file is reported at once, with its line.

mod changes;
mod describe;
mod deviations;
mod dynamic;
mod environment;
mod groups;
mod key;
mod keys;
mod listeners;
mod loggers;
mod other_resources;
mod raw;
mod server;
mod settings;
mod synonyms;
mod topic;
mod value;

pub use changes::{ConfigChanges, ConfigOperation, ConfigRefusal, UnknownOperation};
pub use describe::{
    ConfigEntry, ConfigSource, ConfigSynonym, describe_broker, describe_cluster_defaults, describe_created_topic, describe_topic,
};
pub use deviations::{DEVIATIONS, Deviation, OTHER_WAYS};
pub use dynamic::{BrokerScope, check_broker_lists, validate_broker_configs};
pub use groups::{CoordinatorLogConfig, GroupConfig};
pub use key::{Effect, Key, Scope, Validator, ValueType};
pub use keys::{SUBJECTS, TOPIC, broker_key, topic_key};
pub use listeners::{AdvertisedAddress, BindAddress, Listener, ListenerName, ListenerPurpose, SecurityProtocol};
pub use loggers::{LogLevel, ROOT_LOGGER, judge_logger_changes};
pub use other_resources::{describe_client_metrics, describe_group, validate_client_metrics, validate_group_configs};
pub use raw::{Origin, Problem, RawConfig, Written};
pub use server::{
    FetchConfig, FlushMode, InternalTopicConfig, Loaded, LogFormat, LoggingConfig, MetadataLogConfig, NetworkConfig,
    ServerConfig, StorageConfig, TopicCreationConfig,
};
pub use settings::Settings;
pub use topic::{ConfigMap, DynamicConfigs, TopicCompression, TopicSettings, validate_topic_configs};
pub use value::Value;
