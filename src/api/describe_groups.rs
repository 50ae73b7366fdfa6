//! DescribeGroups (15), versions 0 to 6.
//!
//! Needs Describe on each group. A group that does not exist is Dead without an error up to version 5, and GROUP_ID_NOT_FOUND from version 6
//! (trap 26).

use std::sync::Arc;

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use super::context::{OPERATIONS_NOT_ASKED, RequestContext, wire, wire_message};
use super::errors::coordinator_error;
use super::groups::authorize;
use crate::broker::Broker;
use crate::group::{self, GroupState};
use crate::net::Outcome;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, GROUP_OPERATIONS, Operation, Resource};
use crate::types::GroupId;

/// First version that tells static members.
const INSTANCES: i16 = 4;
/// First version that can tell what the client may do.
const OPERATIONS: i16 = 3;
/// First version that has an error for a group that does not exist.
const NOT_FOUND: i16 = 6;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: DescribeGroupsRequest) -> Outcome {
    let ids = request.groups.iter().map(|id| (&***id, authorize(broker, context, Operation::Describe, id)));
    let (allowed, refused): (Vec<_>, Vec<_>) = ids.partition(|(_, authorized)| authorized.is_ok());
    let operations = request.include_authorized_operations && context.version >= OPERATIONS;
    let mut answer = context.list(&DescribeGroupsResponse::default(), request.groups.len());
    for (id, authorized) in refused.into_iter().chain(allowed) {
        let mut group = match authorized {
            Err(code) => empty(id, code, ""),
            Ok(_) if !answer.room().is_left() => empty(id, ErrorCode::InvalidRequest, ""),
            Ok(group) => describe(broker, context, &group).await,
        };
        if operations && group.error_code == 0 {
            group.authorized_operations = broker.security.operations(&context.principal, Resource::Group(id), GROUP_OPERATIONS);
        }
        answer.push(&group).await;
    }
    answer.finish()
}

async fn describe(broker: &Broker, context: &RequestContext, group: &Authorized<GroupId>) -> DescribedGroup {
    let id = group.get().as_str();
    match broker.read_group(group, |groups| groups.describe(group.get())).await {
        Ok(Some(group)) => described(context.version, group),
        Ok(None) => missing(context.version, id),
        Err(error) => empty(id, coordinator_error(error), ""),
    }
}

fn empty(id: &str, code: ErrorCode, state: &str) -> DescribedGroup {
    DescribedGroup::default()
        .with_error_code(code.number())
        .with_error_message(None)
        .with_group_id(wire(id).into())
        .with_group_state(wire(state))
        .with_authorized_operations(OPERATIONS_NOT_ASKED)
}

fn missing(version: i16, id: &str) -> DescribedGroup {
    let state = GroupState::Dead.name();
    if version < NOT_FOUND {
        return empty(id, ErrorCode::None, state);
    }
    empty(id, ErrorCode::GroupIdNotFound, state).with_error_message(Some(wire_message(&format!("Group {id} not found."))))
}

fn described(version: i16, group: group::DescribedGroup) -> DescribedGroup {
    let members = group.members.into_iter().map(|member| {
        DescribedGroupMember::default()
            .with_member_id(wire(member.member.as_str()))
            .with_group_instance_id(member.instance.as_deref().filter(|_| version >= INSTANCES).map(wire))
            .with_client_id(wire(&member.client_id))
            .with_client_host(wire(&member.client_host))
            .with_member_metadata(member.metadata)
            .with_member_assignment(member.assignment)
    });
    empty(group.group.as_str(), ErrorCode::None, group.state.name())
        .with_protocol_type(wire(&group.protocol_type))
        .with_protocol_data(wire(&group.protocol))
        .with_members(members.collect())
}
