//! DescribeConfigs (32), versions 1 to 4: topics, brokers, their loggers, groups and client metrics.
//!
//! Needs DescribeConfigs on the topic or the group; on the cluster for all others (ConfigHelper.handleDescribeConfigsRequest).

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::configs::not_allowed;
use super::context::{RequestContext, wire, wire_message};
use crate::broker::Broker;
use crate::config::{ConfigEntry, ConfigSource, LogLevel};
use crate::controller::check_topic_name;
use crate::metadata::ConfigResource;
use crate::metadata::records::ConfigResourceType;
use crate::net::Outcome;
use crate::protocol::{ErrorCode, response};
use crate::security::{Authorized, Cluster, Operation};
use crate::types::{NodeId, TopicName};

/// Most bytes, roughly, of what one answer tells: a request names a broker in seven bytes, and may do so a million times. Ten thousand
/// topics with all their synonyms fit.
const MOST_BYTES: usize = 32 << 20;

/// What a resource counts as beside what is told of it: looking through its settings.
const RESOURCE_BYTES: usize = 256;

/// What an answer shows beside values.
#[derive(Clone, Copy)]
struct Shown {
    synonyms: bool,
    documentation: bool,
}

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: DescribeConfigsRequest) -> Outcome {
    let shown = Shown { synonyms: request.include_synonyms, documentation: request.include_documentation };
    let types = request.resources.iter().map(|resource| resource.resource_type);
    if let Some(unknown) = types.into_iter().find(|code| ConfigResourceType::from_code(*code).is_none()) {
        return context.respond(&refuse_all(request, unknown));
    }
    let mut left = MOST_BYTES;
    let mut answer = context.list(&DescribeConfigsResponse::default(), request.resources.len());
    for resource in request.resources {
        let entries = match left {
            0 => Err((ErrorCode::InvalidRequest, "The answer would be too long: ask for fewer resources.".to_owned())),
            _ => describe(broker, context, &resource),
        };
        let result = result(resource, entries, shown);
        left = left.saturating_sub(RESOURCE_BYTES + result.configs.iter().map(size).sum::<usize>());
        answer.push(&result).await;
    }
    answer.finish()
}

/// About how many bytes an entry takes.
fn size(config: &DescribeConfigsResourceResult) -> usize {
    let text = |text: &Option<StrBytes>| text.as_ref().map_or(0, |text| text.len());
    let synonyms = config.synonyms.iter().map(|synonym| 8 + synonym.name.len() + text(&synonym.value)).sum::<usize>();
    16 + config.name.len() + text(&config.value) + text(&config.documentation) + synonyms
}

/// One resource of an unknown type spoils the whole request.
fn refuse_all(request: DescribeConfigsRequest, unknown: i8) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let refused = Err((ErrorCode::InvalidRequest, format!("There is no resource type {unknown}.")));
        result(resource, refused, Shown { synonyms: false, documentation: false })
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

type Refused = (ErrorCode, String);

fn describe(broker: &Broker, context: &RequestContext, asked: &DescribeConfigsResource) -> Result<Vec<ConfigEntry>, Refused> {
    let name = &*asked.resource_name;
    let resource_type = ConfigResourceType::from_code(asked.resource_type).expect("unknown types were refused before");
    let resource = ConfigResource { resource_type, name: name.to_owned() };
    let authorized = broker.security.authorize(&context.principal, Operation::DescribeConfigs, resource);
    let authorized = authorized.ok_or_else(|| (not_allowed(resource_type), "Authorization failed.".to_owned()))?;
    let nameless = |message: &str| Err((ErrorCode::InvalidRequest, message.to_owned()));
    match resource_type {
        ConfigResourceType::Topic => {
            let topic = broker
                .security
                .authorize(&context.principal, Operation::DescribeConfigs, TopicName::new(name))
                .ok_or_else(|| (not_allowed(resource_type), "Authorization failed.".to_owned()))?;
            check_topic_name(name).map_err(|refusal| (ErrorCode::InvalidTopicException, refusal.message))?;
            broker
                .describe_topic(&topic)
                .ok_or_else(|| (ErrorCode::UnknownTopicOrPartition, format!("There is no topic '{name}'.")))
        }
        ConfigResourceType::Broker => {
            let cluster = broker
                .security
                .authorize(&context.principal, Operation::DescribeConfigs, Cluster)
                .ok_or_else(|| (not_allowed(resource_type), "Authorization failed.".to_owned()))?;
            describe_broker(broker, &cluster, name)
        }
        ConfigResourceType::BrokerLogger if name.is_empty() => nameless("Broker id must not be empty"),
        ConfigResourceType::BrokerLogger => own_id(broker.config.node_id, name).map(|()| describe_loggers(broker)),
        ConfigResourceType::ClientMetrics if name.is_empty() => nameless("A subscription has a name."),
        ConfigResourceType::ClientMetrics => Ok(broker.describe_client_metrics(&authorized)),
        ConfigResourceType::Group if name.is_empty() => nameless("A group has a name."),
        ConfigResourceType::Group => Ok(broker.describe_group(&authorized)),
    }
}

fn describe_loggers(broker: &Broker) -> Vec<ConfigEntry> {
    let entry = |(name, level): (String, LogLevel)| ConfigEntry {
        name,
        value: Some(level.name().to_owned()),
        source: ConfigSource::BrokerLogger,
        is_read_only: false,
        is_sensitive: false,
        synonyms: Vec::new(),
        value_type: None,
        documentation: None,
    };
    broker.loggers.levels().into_iter().map(entry).collect()
}

fn describe_broker(broker: &Broker, cluster: &Authorized<Cluster>, name: &str) -> Result<Vec<ConfigEntry>, Refused> {
    if name.is_empty() {
        return Ok(broker.describe_cluster_defaults(cluster));
    }
    own_id(broker.config.node_id, name).map(|()| broker.describe_broker(cluster))
}

/// Each broker describes itself.
fn own_id(own: NodeId, name: &str) -> Result<(), Refused> {
    match name.parse::<i32>() {
        Ok(id) if id == own.0 => Ok(()),
        Ok(id) => Err((
            ErrorCode::InvalidRequest,
            format!("This is broker {own}: it describes itself and the defaults of all, not broker {id}."),
        )),
        Err(_) => Err((ErrorCode::InvalidRequest, format!("'{name}' is not a broker id."))),
    }
}

fn result(resource: DescribeConfigsResource, entries: Result<Vec<ConfigEntry>, Refused>, shown: Shown) -> DescribeConfigsResult {
    let answer =
        response::described_resource().with_resource_type(resource.resource_type).with_resource_name(resource.resource_name);
    match entries {
        Ok(entries) => {
            let keys = resource.configuration_keys.filter(|keys| !keys.is_empty());
            let keys: Option<BTreeSet<&str>> = keys.as_ref().map(|keys| keys.iter().map(|key| &**key).collect());
            let wanted = |name: &str| keys.as_ref().is_none_or(|keys| keys.contains(name));
            // Kafka's message is empty here, not null.
            answer
                .with_error_message(Some(wire("")))
                .with_configs(entries.iter().filter(|entry| wanted(&entry.name)).map(|entry| config(entry, shown)).collect())
        }
        Err((code, message)) => answer.with_error_code(code.number()).with_error_message(Some(wire_message(&message))),
    }
}

fn config(entry: &ConfigEntry, shown: Shown) -> DescribeConfigsResourceResult {
    let synonyms = entry.synonyms.iter().map(|synonym| {
        DescribeConfigsSynonym::default()
            .with_name(wire(&synonym.name))
            .with_value(synonym.value.as_deref().map(wire))
            .with_source(synonym.source.code())
    });
    response::described_config()
        .with_name(wire(&entry.name))
        .with_value(entry.value.as_deref().map(wire))
        .with_read_only(entry.is_read_only)
        .with_config_source(entry.source.code())
        .with_is_sensitive(entry.is_sensitive)
        .with_synonyms(if shown.synonyms { synonyms.collect() } else { Vec::new() })
        .with_config_type(entry.value_type.map_or(0, |value_type| value_type.code()))
        .with_documentation(entry.documentation.filter(|_| shown.documentation).map(StrBytes::from_static_str))
}
