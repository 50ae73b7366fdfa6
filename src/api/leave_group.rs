//! LeaveGroup (13), versions 0 to 5.
//!
//! Needs Read on the group. From version 3 several members leave at once, each with an error of its own; before, the error of the one
//! member stands on top (trap 29).

use std::sync::Arc;

use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::context::{RequestContext, wire};
use super::errors::{coordinator_error, group_refusal};
use super::groups::{authorize_named, owned_option};
use crate::broker::Broker;
use crate::group::{LeaveGroup, Leaving, Refusal};
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::MemberId;

/// First version that names several members.
const BATCHED: i16 = 3;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let members = leaving(context.version, &request);
    let codes = match serve(broker, context, &request, members.clone()).await {
        Ok(codes) => codes,
        Err(code) => return LeaveGroupResponse::default().with_error_code(code.number()),
    };
    if context.version < BATCHED {
        let code = codes.first().copied().unwrap_or(ErrorCode::None);
        return LeaveGroupResponse::default().with_error_code(code.number());
    }
    let members = members.iter().zip(codes).map(|(member, code)| {
        MemberResponse::default()
            .with_member_id(wire(member.member.as_str()))
            .with_group_instance_id(member.instance.as_deref().map(wire))
            .with_error_code(code.number())
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

fn leaving(version: i16, request: &LeaveGroupRequest) -> Vec<Leaving> {
    if version < BATCHED {
        return vec![Leaving { member: MemberId::new(&request.member_id), instance: None }];
    }
    let leaving = request.members.iter().map(|member| Leaving {
        member: MemberId::new(&member.member_id),
        instance: owned_option(member.group_instance_id.as_ref()),
    });
    leaving.collect()
}

/// One code per member.
async fn serve(
    broker: &Broker,
    context: &RequestContext,
    request: &LeaveGroupRequest,
    members: Vec<Leaving>,
) -> Result<Vec<ErrorCode>, ErrorCode> {
    let group = authorize_named(broker, context, Operation::Read, &request.group_id)?;
    let count = members.len();
    let leave = LeaveGroup { group: group.get().clone(), members };
    let left = broker.decide_group(&group, |groups, context| groups.leave(context, &leave)).await.map_err(coordinator_error)?;
    match left {
        Ok(members) => Ok(members.into_iter().map(|member| member.map_or(ErrorCode::None, group_refusal)).collect()),
        // There is no such group: so none of its members.
        Err(Refusal::UnknownMemberId) => Ok(vec![ErrorCode::UnknownMemberId; count]),
        Err(refusal) => Err(group_refusal(refusal)),
    }
}
