//! JoinGroup (11), versions 0 to 9.
//!
//! Needs Read on the group. The answer comes when the members have joined, which may take the rebalance timeout.

use std::sync::Arc;

use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::{RequestContext, wire};
use super::errors::{coordinator_error, group_refusal};
use super::groups::{authorize_named, owned, owned_bytes, owned_option};
use crate::broker::Broker;
use crate::group::{JoinGroup, JoinReply, Protocol, Reply};
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::MemberId;

/// First version that tells the rebalance timeout; before, the session timeout counts.
const REBALANCE_TIMEOUT: i16 = 1;
/// First version in which a new member gets its id before it joins (KIP-394).
const MEMBER_ID_REQUIRED: i16 = 4;
/// First version whose answer tells the protocol type, and null for no protocol.
const PROTOCOL_TYPE: i16 = 7;
/// First version in which a leader may be told to skip the assignment (KIP-814).
const SKIP_ASSIGNMENT: i16 = 9;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: JoinGroupRequest) -> JoinGroupResponse {
    match serve(broker, context, &request).await {
        Ok(reply) => answer(context.version, reply),
        Err((code, member)) => refusal(context.version, code, member),
    }
}

/// With a refusal goes the member id that is told with it.
async fn serve(
    broker: &Broker,
    context: &RequestContext,
    request: &JoinGroupRequest,
) -> Result<JoinReply, (ErrorCode, StrBytes)> {
    let group = match authorize_named(broker, context, Operation::Read, &request.group_id) {
        Ok(group) => group,
        Err(code @ ErrorCode::InvalidGroupId) => return Err((code, request.member_id.clone())),
        Err(code) => return Err((code, StrBytes::default())),
    };
    let limits = &broker.config.groups;
    if !(limits.min_session_timeout_ms..=limits.max_session_timeout_ms).contains(&request.session_timeout_ms) {
        return Err((ErrorCode::InvalidSessionTimeout, request.member_id.clone()));
    }
    let join = JoinGroup {
        group: group.get().clone(),
        member: MemberId::new(&request.member_id),
        instance: owned_option(request.group_instance_id.as_ref()),
        client_id: Arc::from(&*context.client_id),
        client_host: Arc::from(format!("/{}", context.connection.peer.ip())),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: if context.version < REBALANCE_TIMEOUT {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: owned(&request.protocol_type),
        protocols: request
            .protocols
            .iter()
            .map(|protocol| Protocol { name: owned(&protocol.name), metadata: owned_bytes(&protocol.metadata) })
            .collect(),
        requires_member_id: context.version >= MEMBER_ID_REQUIRED,
        can_skip_assignment: context.version >= SKIP_ASSIGNMENT,
    };
    let reply = broker.decide_group_later(&group, |groups, context, token| groups.join(context, join, token)).await;
    match reply {
        Ok(Reply::Join(reply)) => Ok(reply),
        Ok(Reply::Sync(_)) => unreachable!("a join is answered as a join"),
        Err(error) => Err((coordinator_error(error), StrBytes::default())),
    }
}

fn answer(version: i16, reply: JoinReply) -> JoinGroupResponse {
    let code = reply.refusal.map_or(ErrorCode::None, group_refusal);
    let members = reply.members.into_iter().map(|member| {
        JoinGroupResponseMember::default()
            .with_member_id(wire(member.member.as_str()))
            .with_group_instance_id(member.instance.as_deref().map(wire))
            .with_metadata(member.metadata)
    });
    JoinGroupResponse::default()
        .with_error_code(code.number())
        .with_generation_id(reply.generation)
        .with_protocol_type(reply.protocol_type.as_deref().filter(|_| version >= PROTOCOL_TYPE).map(wire))
        .with_protocol_name(protocol_name(version, reply.protocol.as_deref()))
        .with_leader(wire(reply.leader.as_str()))
        .with_skip_assignment(reply.skip_assignment && version >= SKIP_ASSIGNMENT)
        .with_member_id(wire(reply.member.as_str()))
        .with_members(members.collect())
}

fn refusal(version: i16, code: ErrorCode, member: StrBytes) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(code.number())
        .with_generation_id(-1)
        .with_protocol_type(None)
        .with_protocol_name(protocol_name(version, None))
        .with_member_id(member)
}

/// Before version 7 it cannot be null (trap 24).
fn protocol_name(version: i16, name: Option<&str>) -> Option<StrBytes> {
    if version < PROTOCOL_TYPE { Some(wire(name.unwrap_or_default())) } else { name.map(wire) }
}
