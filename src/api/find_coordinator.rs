//! FindCoordinator (10), versions 0 to 6.
//!
//! Needs Describe on the group or the transactional id. The coordinator of a key is the leader of one partition of an internal topic, chosen by
//! the key's Java hash; the topic is made when it is first asked for, and until it is there the answer is COORDINATOR_NOT_AVAILABLE (traps 30
//! and 48). Share groups do not exist yet: INVALID_REQUEST, as below version 6.

use std::sync::Arc;

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use super::context::{RequestContext, wire};
use crate::broker::{Broker, CoordinatorKind};
use crate::metadata::records::Endpoint;
use crate::net::Outcome;
use crate::protocol::ErrorCode;
use crate::security::{Operation, Resource};
use crate::types::NodeId;

/// First version that asks for several keys.
const BATCHED: i16 = 4;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: FindCoordinatorRequest) -> Outcome {
    if context.version < BATCHED {
        return context.respond(&one(broker, context, &request));
    }
    let mut answer = context.list(&FindCoordinatorResponse::default(), request.coordinator_keys.len());
    for key in &request.coordinator_keys {
        let (code, node) = find(broker, context, request.key_type, key);
        let (id, host, port) = address(node.as_ref());
        let coordinator = Coordinator::default()
            .with_key(key.clone())
            .with_error_code(code.number())
            .with_node_id(id.into())
            .with_host(wire(host))
            .with_port(port);
        answer.push(&coordinator).await;
    }
    answer.finish()
}

/// The answer about one key, in the older layout.
fn one(broker: &Arc<Broker>, context: &RequestContext, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    let (code, node) = find(broker, context, request.key_type, &request.key);
    let (id, host, port) = address(node.as_ref());
    let message = if code == ErrorCode::None { code.name() } else { code.message() };
    FindCoordinatorResponse::default()
        .with_error_code(code.number())
        .with_error_message(Some(wire(message)))
        .with_node_id(id.into())
        .with_host(wire(host))
        .with_port(port)
}

type Found = (NodeId, Endpoint);

fn address(node: Option<&Found>) -> (i32, &str, i32) {
    node.map_or((-1, "", -1), |(id, endpoint)| (id.0, &endpoint.host, i32::from(endpoint.port)))
}

fn find(broker: &Arc<Broker>, context: &RequestContext, key_type: i8, key: &str) -> (ErrorCode, Option<Found>) {
    let (kind, resource, refusal) = match key_type {
        GROUP => (CoordinatorKind::Group, Resource::Group(key), ErrorCode::GroupAuthorizationFailed),
        TRANSACTION => {
            (CoordinatorKind::Transaction, Resource::TransactionalId(key), ErrorCode::TransactionalIdAuthorizationFailed)
        }
        _ => return (ErrorCode::InvalidRequest, None),
    };
    if !broker.security.allows(&context.principal, Operation::Describe, resource) {
        return (refusal, None);
    }
    let image = broker.image();
    let leader = broker.coordinator(kind, key).and_then(|leader| image.broker(leader));
    match leader.and_then(|leader| Some((leader.id, leader.endpoint(&context.connection.listener)?.clone()))) {
        Some(found) => (ErrorCode::None, Some(found)),
        None => (ErrorCode::CoordinatorNotAvailable, None),
    }
}
