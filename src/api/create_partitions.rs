//! CreatePartitions (37), versions 0 to 3.
//!
//! Needs Alter on each topic. A topic that is named more than once is refused with INVALID_REQUEST, once (ControllerApis.createPartitions);
//! fewer partitions than there are, or as many, are INVALID_PARTITIONS (trap 44). Who does not wait at all is told REQUEST_TIMED_OUT, and
//! nothing is made.

use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::context::{RequestContext, wire_message, wire_topic};
use super::errors::{controller_error, reason};
use crate::broker::Broker;
use crate::controller::MorePartitions;
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::{NodeId, TopicName};

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let asked_for: Vec<TopicName> = request.topics.iter().map(|topic| TopicName::new(&topic.name)).collect();
    let mut named: IndexMap<TopicName, Vec<CreatePartitionsTopic>> = IndexMap::new();
    for topic in request.topics {
        named.entry(TopicName::new(&topic.name)).or_default().push(topic);
    }
    let mut results = Vec::with_capacity(named.len());
    let mut topics = Vec::with_capacity(named.len());
    for (name, mut asked) in named {
        let authorized = broker.security.authorize(&context.principal, Operation::Alter, name.clone());
        match (asked.pop(), authorized) {
            _ if !asked.is_empty() => {
                results.push(result(&name, ErrorCode::InvalidRequest, Some("The topic is named more than once.")));
            }
            (Some(topic), Some(authorized)) => topics.push((authorized, more_partitions(name, topic))),
            _ => results.push(result(&name, ErrorCode::TopicAuthorizationFailed, None)),
        }
    }
    if request.timeout_ms <= 0 && !topics.is_empty() {
        // Of every topic, as often as it is named: the controller looks at the clock before it looks at any.
        let results = asked_for.iter().map(|name| result(name, ErrorCode::RequestTimedOut, None));
        return CreatePartitionsResponse::default().with_results(results.collect());
    }
    let names: Vec<TopicName> = topics.iter().map(|(authorized, _)| authorized.get().clone()).collect();
    match broker.create_partitions(topics, request.validate_only).await {
        Ok(created) => results.extend(created.into_iter().map(|(name, outcome)| match outcome {
            Ok(()) => result(&name, ErrorCode::None, None),
            // Kafka has no text for a topic that is not there.
            Err(refusal) => {
                let code = reason(refusal.reason);
                result(&name, code, (code != ErrorCode::UnknownTopicOrPartition).then_some(&refusal.message))
            }
        })),
        Err(error) => {
            let (code, message) = controller_error(&error);
            results.extend(names.iter().map(|name| result(name, code, Some(&message))));
        }
    }
    CreatePartitionsResponse::default().with_results(results)
}

fn more_partitions(name: TopicName, topic: CreatePartitionsTopic) -> MorePartitions {
    let replicas = |ids: Vec<kafka_protocol::messages::BrokerId>| ids.into_iter().map(|id| NodeId(id.0)).collect();
    let assignments = topic.assignments.map(|assigned| assigned.into_iter().map(|one| replicas(one.broker_ids)).collect());
    MorePartitions { name, count: topic.count, assignments }
}

fn result(name: &TopicName, code: ErrorCode, message: Option<&str>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult::default()
        .with_name(wire_topic(name))
        .with_error_code(code.number())
        .with_error_message(message.map(wire_message))
}
