//! DeleteGroups (42), versions 0 to 2.
//!
//! Needs Delete on each group. A group with members is NON_EMPTY_GROUP, a missing one GROUP_ID_NOT_FOUND (trap 29).

use std::sync::Arc;

use indexmap::IndexSet;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::context::{RequestContext, wire};
use super::errors::{coordinator_error, group_outcome};
use super::groups::authorize;
use crate::broker::Broker;
use crate::protocol::ErrorCode;
use crate::security::Operation;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let (mut results, mut refused) = (Vec::new(), Vec::new());
    let ids: IndexSet<&str> = request.groups_names.iter().map(|id| &***id).collect();
    for id in ids {
        let result =
            |code: ErrorCode| DeletableGroupResult::default().with_group_id(wire(id).into()).with_error_code(code.number());
        match authorize(broker, context, Operation::Delete, id) {
            Ok(group) => {
                let deleted = broker.decide_group(&group, |groups, context| groups.delete_group(context, group.get())).await;
                results.push(result(deleted.map_or_else(coordinator_error, group_outcome)));
            }
            Err(code) => refused.push(result(code)),
        }
    }
    results.append(&mut refused);
    DeleteGroupsResponse::default().with_results(results)
}
