//! CreateTopics (19), versions 2 to 7.
//!
//! Needs Create on the cluster, or on each topic; what a topic was given is told only with DescribeConfigs on it. A name that stands twice is
//! refused with INVALID_REQUEST, once (trap 42; ControllerApis.createTopics).

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};

use super::context::{RequestContext, wire, wire_message, wire_topic};
use super::errors::{controller_error, reason};
use crate::broker::Broker;
use crate::controller::{CreatedTopic, NewTopic, ReplicaAssignment, TopicResult};
use crate::protocol::{ErrorCode, response};
use crate::security::{Operation, Resource};
use crate::types::{NodeId, PartitionIndex, TopicName};

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: CreateTopicsRequest) -> CreateTopicsResponse {
    if request.timeout_ms <= 0 {
        return timed_out(&request);
    }
    let mut named: IndexMap<TopicName, Vec<CreatableTopic>> = IndexMap::new();
    for topic in request.topics {
        named.entry(TopicName::new(&topic.name)).or_default().push(topic);
    }
    // Kafka tells of these behind the others.
    let (mut twice, mut unauthorized) = (Vec::new(), Vec::new());
    let mut topics = Vec::with_capacity(named.len());
    for (name, mut asked) in named {
        let authorized =
            broker.security.authorize_by_cluster(&context.principal, Operation::Create, Operation::Create, name.clone());
        match (asked.pop(), authorized) {
            _ if !asked.is_empty() => {
                twice.push(refused(&name, ErrorCode::InvalidRequest, "The topic is named more than once."));
            }
            (Some(topic), Some(authorized)) => topics.push((authorized, new_topic(topic))),
            _ => unauthorized.push(refused(&name, ErrorCode::TopicAuthorizationFailed, "Authorization failed.")),
        }
    }
    let names: Vec<TopicName> = topics.iter().map(|(authorized, _)| authorized.get().clone()).collect();
    let mut results: Vec<_> = match broker.create_topics(topics, request.validate_only).await {
        Ok(created) => created.into_iter().map(|result| describe(broker, context, result)).collect(),
        Err(error) => {
            let (code, message) = controller_error(&error);
            names.iter().map(|name| refused(name, code, &message)).collect()
        }
    };
    results.extend(twice);
    results.extend(unauthorized);
    CreateTopicsResponse::default().with_topics(results)
}

/// Kafka's controller looks at the clock before it looks at the request, so nothing is made for who does not wait at all.
fn timed_out(request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request.topics.iter().map(|topic| {
        let answer = response::created_topic().with_name(topic.name.clone()).with_configs(Some(Vec::new()));
        answer.with_error_code(ErrorCode::RequestTimedOut.number())
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn new_topic(topic: CreatableTopic) -> NewTopic {
    let assignments = topic.assignments.iter().map(|assignment| ReplicaAssignment {
        partition: PartitionIndex(assignment.partition_index),
        replicas: assignment.broker_ids.iter().map(|id| NodeId(id.0)).collect(),
    });
    NewTopic {
        name: topic.name.to_string(),
        partitions: (topic.num_partitions != -1).then_some(topic.num_partitions),
        replication_factor: (topic.replication_factor != -1).then_some(topic.replication_factor),
        assignments: assignments.collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| (config.name.to_string(), config.value.as_ref().map(ToString::to_string)))
            .collect(),
    }
}

fn refused(name: &TopicName, code: ErrorCode, message: &str) -> CreatableTopicResult {
    response::created_topic()
        .with_name(wire_topic(name))
        .with_error_code(code.number())
        .with_error_message(Some(wire_message(message)))
        .with_configs(Some(Vec::new()))
}

fn describe(broker: &Broker, context: &RequestContext, result: TopicResult) -> CreatableTopicResult {
    let name = TopicName::new(&result.name);
    let created = match result.result {
        Ok(created) => created,
        Err(refusal) => return refused(&name, reason(refusal.reason), &refusal.message),
    };
    let answer = response::created_topic().with_name(wire_topic(&name)).with_topic_id(created.id.0);
    if !broker.security.allows(&context.principal, Operation::DescribeConfigs, Resource::Topic(name.as_str())) {
        return answer.with_topic_config_error_code(ErrorCode::TopicAuthorizationFailed.number()).with_configs(Some(Vec::new()));
    }
    answer
        .with_num_partitions(created.partitions)
        .with_replication_factor(created.replication_factor)
        .with_configs(Some(configs(broker, &created)))
}

fn configs(broker: &Broker, created: &CreatedTopic) -> Vec<CreatableTopicConfigs> {
    let overrides: BTreeMap<String, String> = created.configs.clone();
    let entries = broker.describe_created_topic(&overrides).into_iter().map(|entry| {
        response::created_topic_config()
            .with_name(wire(&entry.name))
            .with_value(entry.value.as_deref().map(wire))
            .with_read_only(entry.is_read_only)
            .with_config_source(entry.source.code())
            .with_is_sensitive(entry.is_sensitive)
    });
    entries.collect()
}
