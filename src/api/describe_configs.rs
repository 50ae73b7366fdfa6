//! DescribeConfigs (32), versions 1 to 4: topics, brokers, and the defaults of groups and of client metrics.
//!
//! Needs DescribeConfigs on the topic, or on the cluster for brokers. Groups are described by their own right,
//! client metrics by the cluster's. There are no Java loggers to describe: INVALID_REQUEST (ConfigHelper.handleDescribeConfigsRequest).

use std::sync::Arc;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::context::{RequestContext, wire, wire_message};
use crate::broker::Broker;
use crate::config::{ConfigEntry, describe_client_metrics, describe_group};
use crate::controller::check_topic_name;
use crate::protocol::{ErrorCode, response};
use crate::security::{Cluster, Operation, Resource};
use crate::types::TopicName;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Types that Kafka knows: topics, brokers, loggers, client metrics, groups.
const KNOWN_TYPES: [i8; 5] = [TOPIC, BROKER, 8, CLIENT_METRICS, GROUP];

/// What an answer shows beside values.
#[derive(Clone, Copy)]
struct Shown {
    synonyms: bool,
    documentation: bool,
}

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let shown = Shown { synonyms: request.include_synonyms, documentation: request.include_documentation };
    if let Some(unknown) =
        request.resources.iter().map(|resource| resource.resource_type).find(|kind| !KNOWN_TYPES.contains(kind))
    {
        return refuse_all(request, unknown);
    }
    let results = request.resources.into_iter().map(|resource| {
        let entries = describe(broker, context, &resource);
        result(resource, entries, shown)
    });
    DescribeConfigsResponse::default().with_results(results.collect())
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

fn describe(broker: &Broker, context: &RequestContext, resource: &DescribeConfigsResource) -> Result<Vec<ConfigEntry>, Refused> {
    let name = &*resource.resource_name;
    match resource.resource_type {
        TOPIC => {
            let topic = broker
                .security
                .authorize(&context.principal, Operation::DescribeConfigs, TopicName::new(name))
                .ok_or_else(|| (ErrorCode::TopicAuthorizationFailed, "Authorization failed.".to_owned()))?;
            check_topic_name(name).map_err(|refusal| (ErrorCode::InvalidTopicException, refusal.message))?;
            broker
                .describe_topic(&topic)
                .ok_or_else(|| (ErrorCode::UnknownTopicOrPartition, format!("There is no topic '{name}'.")))
        }
        BROKER => {
            let cluster = broker
                .security
                .authorize(&context.principal, Operation::DescribeConfigs, Cluster)
                .ok_or_else(|| (ErrorCode::ClusterAuthorizationFailed, "Authorization failed.".to_owned()))?;
            describe_broker(broker, &cluster, name)
        }
        CLIENT_METRICS => {
            let cluster = broker.security.authorize(&context.principal, Operation::DescribeConfigs, Cluster);
            cluster.ok_or_else(|| (ErrorCode::ClusterAuthorizationFailed, "Authorization failed.".to_owned()))?;
            if name.is_empty() {
                return Err((ErrorCode::InvalidRequest, "A subscription has a name.".to_owned()));
            }
            Ok(describe_client_metrics())
        }
        GROUP => {
            if !broker.security.allows(&context.principal, Operation::DescribeConfigs, Resource::Group(name)) {
                return Err((ErrorCode::GroupAuthorizationFailed, "Authorization failed.".to_owned()));
            }
            if name.is_empty() {
                return Err((ErrorCode::InvalidRequest, "A group has a name.".to_owned()));
            }
            Ok(describe_group(&broker.config.settings))
        }
        other => Err((ErrorCode::InvalidRequest, format!("Resources of type {other} cannot be described."))),
    }
}

fn describe_broker(
    broker: &Broker,
    cluster: &crate::security::Authorized<Cluster>,
    name: &str,
) -> Result<Vec<ConfigEntry>, Refused> {
    if name.is_empty() {
        return Ok(broker.describe_cluster_defaults(cluster));
    }
    let own = broker.config.node_id;
    match name.parse::<i32>() {
        Ok(id) if id == own.0 => Ok(broker.describe_broker(cluster)),
        Ok(id) => Err((
            ErrorCode::InvalidRequest,
            format!("This is broker {own}: it describes itself and the defaults of all (an empty name), not broker {id}."),
        )),
        Err(_) => Err((ErrorCode::InvalidRequest, format!("'{name}' is not a broker id."))),
    }
}

fn result(resource: DescribeConfigsResource, entries: Result<Vec<ConfigEntry>, Refused>, shown: Shown) -> DescribeConfigsResult {
    let answer =
        response::described_resource().with_resource_type(resource.resource_type).with_resource_name(resource.resource_name);
    match entries {
        Ok(entries) => {
            let keys = resource.configuration_keys;
            let wanted = |name: &str| keys.as_ref().is_none_or(|keys| keys.is_empty() || keys.iter().any(|key| **key == *name));
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
        .with_documentation(entry.documentation.filter(|_| shown.documentation).map(wire))
}
