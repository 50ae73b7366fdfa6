//! DeleteTopics (20), versions 1 to 6.
//!
//! Needs Delete on the cluster or on each topic; by name Describe too, or else it would show whether a topic exists. A refused id shows
//! its topic's name only to who may see it (trap 43; ControllerApis.deleteTopics).
//! TOPIC_DELETION_DISABLED from version 3 on, INVALID_REQUEST before, when `delete.topic.enable` is false.

use std::sync::Arc;

use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::context::{RequestContext, wire_message, wire_topic};
use super::errors::{controller_error, reason};
use crate::broker::Broker;
use crate::controller::{DeletedTopic, TopicSelector};
use crate::protocol::{ErrorCode, response};
use crate::security::{Authorized, Operation};
use crate::types::{TopicId, TopicName};

/// First version that knows TOPIC_DELETION_DISABLED.
const DELETION_DISABLED: i16 = 3;

/// A topic as the request names it: both fields may be absent or present.
struct Asked {
    name: Option<TopicName>,
    id: TopicId,
}

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let asked: Vec<Asked> = if context.version >= 6 {
        let entries = request.topics.iter();
        entries
            .map(|topic| Asked { name: topic.name.as_ref().map(|name| TopicName::new(name)), id: TopicId(topic.topic_id) })
            .collect()
    } else {
        request.topic_names.iter().map(|name| Asked { name: Some(TopicName::new(name)), id: TopicId::default() }).collect()
    };
    let mut results = Vec::with_capacity(asked.len());
    if !broker.config.topic_creation.delete_topics {
        let code =
            if context.version >= DELETION_DISABLED { ErrorCode::TopicDeletionDisabled } else { ErrorCode::InvalidRequest };
        results.extend(asked.iter().map(|asked| refused(asked, code, "Topic deletion is disabled.")));
        return DeleteTopicsResponse::default().with_responses(results);
    }
    // Kafka's controller looks at the clock before it looks at the request, so nothing is deleted for who does not wait at all.
    if request.timeout_ms <= 0 {
        let timed_out = |asked: &Asked| refused(asked, ErrorCode::RequestTimedOut, "").with_error_message(None);
        return DeleteTopicsResponse::default().with_responses(asked.iter().map(timed_out).collect());
    }
    let mut topics = Vec::with_capacity(asked.len());
    for asked in asked {
        match select(broker, context, &asked) {
            Ok(selected) => topics.push(selected),
            Err(refusal) => results.push(refusal),
        }
    }
    let selectors: Vec<TopicSelector> = topics.iter().map(|(_, selector)| selector.clone()).collect();
    match broker.delete_topics(topics).await {
        Ok(deleted) => results.extend(deleted.iter().map(answer)),
        Err(error) => {
            let (code, message) = controller_error(&error);
            results.extend(selectors.iter().map(|selector| refusal(selector, code, &message)));
        }
    }
    DeleteTopicsResponse::default().with_responses(results)
}

type Selected = (Option<Authorized<TopicName>>, TopicSelector);

/// The topic meant, with the right to delete it; none is needed to learn that an id is unknown. Else the refusal, which tells as much as the
/// right to Describe allows.
fn select(broker: &Broker, context: &RequestContext, asked: &Asked) -> Result<Selected, DeletableTopicResult> {
    let security = &broker.security;
    let authorize = |operation, name| security.authorize_by_cluster(&context.principal, Operation::Delete, operation, name);
    let refuse = |code, message| refused(asked, code, message);
    let unauthorized = || refuse(ErrorCode::TopicAuthorizationFailed, "Authorization failed.");
    let image = broker.image();
    match (&asked.name, asked.id.is_nil()) {
        (Some(name), true) => {
            authorize(Operation::Describe, name.clone()).ok_or_else(unauthorized)?;
            match authorize(Operation::Delete, name.clone()) {
                Some(authorized) => Ok((Some(authorized), TopicSelector::Name(name.clone()))),
                None if image.topics().by_name(name.as_str()).is_some() => Err(unauthorized()),
                None => Err(refuse(ErrorCode::UnknownTopicOrPartition, "There is no such topic.")),
            }
        }
        (None, false) => {
            let Some(topic) = image.topics().by_id(asked.id) else { return Ok((None, TopicSelector::Id(asked.id))) };
            let authorized = authorize(Operation::Delete, topic.name.clone()).ok_or_else(|| {
                let name = authorize(Operation::Describe, topic.name.clone()).map(Authorized::into_inner);
                unauthorized().with_name(name.as_ref().map(wire_topic))
            })?;
            Ok((Some(authorized), TopicSelector::Id(asked.id)))
        }
        (Some(_), false) => Err(refuse(ErrorCode::InvalidRequest, "A topic is named by name or by id, not by both.")),
        (None, true) => Err(refuse(ErrorCode::InvalidRequest, "Neither a name nor an id was given.")),
    }
}

fn refused(asked: &Asked, code: ErrorCode, message: &str) -> DeletableTopicResult {
    response::deleted_topic()
        .with_name(asked.name.as_ref().map(wire_topic))
        .with_topic_id(asked.id.0)
        .with_error_code(code.number())
        .with_error_message(Some(wire_message(message)))
}

fn refusal(selector: &TopicSelector, code: ErrorCode, message: &str) -> DeletableTopicResult {
    let asked = match selector {
        TopicSelector::Name(name) => Asked { name: Some(name.clone()), id: TopicId::default() },
        TopicSelector::Id(id) => Asked { name: None, id: *id },
    };
    refused(&asked, code, message)
}

fn answer(deleted: &DeletedTopic) -> DeletableTopicResult {
    let answer = response::deleted_topic()
        .with_name(deleted.name.as_ref().map(wire_topic))
        .with_topic_id(deleted.topic_id.unwrap_or_default().0)
        .with_error_message(None);
    match &deleted.result {
        Ok(()) => answer,
        Err(refusal) => {
            answer.with_error_code(reason(refusal.reason).number()).with_error_message(Some(wire_message(&refusal.message)))
        }
    }
}
