//! DeleteTopics (20), versions 1 to 6.
//!
//! Needs Delete on each topic; without Describe an id is as unknown as a name is unauthorised (trap 43; ControllerApis.deleteTopics).
//! TOPIC_DELETION_DISABLED from version 3 on, INVALID_REQUEST before, when `delete.topic.enable` is false.

use std::sync::Arc;

use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::context::{RequestContext, wire, wire_topic};
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
    let mut topics = Vec::with_capacity(asked.len());
    for asked in asked {
        match select(broker, context, &asked) {
            Ok(selected) => topics.push(selected),
            Err((code, message)) => results.push(refused(&asked, code, message)),
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

/// The topic meant, with the right to delete it; none is needed to learn that an id is unknown.
fn select(broker: &Broker, context: &RequestContext, asked: &Asked) -> Result<Selected, (ErrorCode, &'static str)> {
    let (name, selector) = match (&asked.name, asked.id.is_nil()) {
        (Some(name), true) => (name.clone(), TopicSelector::Name(name.clone())),
        (None, false) => match broker.image().topics().by_id(asked.id) {
            Some(topic) => (topic.name.clone(), TopicSelector::Id(asked.id)),
            None => return Ok((None, TopicSelector::Id(asked.id))),
        },
        (Some(_), false) => return Err((ErrorCode::InvalidRequest, "A topic is named by name or by id, not by both.")),
        (None, true) => return Err((ErrorCode::InvalidRequest, "Neither a name nor an id was given.")),
    };
    match broker.security.authorize(&context.principal, Operation::Delete, name) {
        Some(authorized) => Ok((Some(authorized), selector)),
        None => Err((ErrorCode::TopicAuthorizationFailed, "Authorization failed.")),
    }
}

fn refused(asked: &Asked, code: ErrorCode, message: &str) -> DeletableTopicResult {
    response::deleted_topic()
        .with_name(asked.name.as_ref().map(wire_topic))
        .with_topic_id(asked.id.0)
        .with_error_code(code.number())
        .with_error_message(Some(wire(message)))
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
        Err(refusal) => answer.with_error_code(reason(refusal.reason).number()).with_error_message(Some(wire(&refusal.message))),
    }
}
