//! SyncGroup (14), versions 0 to 5.
//!
//! Needs Read on the group. From version 5 protocol type and name have to be there (trap 24).

use std::sync::Arc;

use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::context::{RequestContext, wire};
use super::errors::{coordinator_error, group_refusal};
use super::groups::{authorize_named, owned_bytes, owned_option};
use crate::broker::Broker;
use crate::group::{Reply, SyncGroup, SyncReply};
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::MemberId;

/// First version that tells protocol type and name.
const PROTOCOL_TYPE: i16 = 5;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: SyncGroupRequest) -> SyncGroupResponse {
    let told = |text: Option<Arc<str>>| text.as_deref().filter(|_| context.version >= PROTOCOL_TYPE).map(wire);
    match serve(broker, context, &request).await {
        Ok(reply) => SyncGroupResponse::default()
            .with_error_code(reply.refusal.map_or(ErrorCode::None, group_refusal).number())
            .with_protocol_type(told(reply.protocol_type))
            .with_protocol_name(told(reply.protocol))
            .with_assignment(reply.assignment),
        Err(code) => {
            SyncGroupResponse::default().with_error_code(code.number()).with_protocol_type(None).with_protocol_name(None)
        }
    }
}

async fn serve(broker: &Broker, context: &RequestContext, request: &SyncGroupRequest) -> Result<SyncReply, ErrorCode> {
    if context.version >= PROTOCOL_TYPE && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let group = authorize_named(broker, context, Operation::Read, &request.group_id)?;
    let sync = SyncGroup {
        group: group.get().clone(),
        member: MemberId::new(&request.member_id),
        instance: owned_option(request.group_instance_id.as_ref()),
        generation: request.generation_id,
        protocol_type: owned_option(request.protocol_type.as_ref()).filter(|_| context.version >= PROTOCOL_TYPE),
        protocol: owned_option(request.protocol_name.as_ref()).filter(|_| context.version >= PROTOCOL_TYPE),
        assignments: request
            .assignments
            .iter()
            .map(|assignment| (MemberId::new(&assignment.member_id), owned_bytes(&assignment.assignment)))
            .collect(),
    };
    match broker.decide_group_later(&group, |groups, context, token| groups.sync(context, sync, token)).await {
        Ok(Reply::Sync(reply)) => Ok(reply),
        Ok(Reply::Join(_)) => unreachable!("a sync is answered as a sync"),
        Err(error) => Err(coordinator_error(error)),
    }
}
