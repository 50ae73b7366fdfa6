//! ListGroups (16), versions 0 to 5.
//!
//! With Describe on the cluster all groups of this coordinator are told, else those that the client may describe. Filters by state (without
//! regard to case, trap 32) and by type.

use std::sync::Arc;

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::{RequestContext, wire};
use super::errors::coordinator_error;
use crate::broker::Broker;
use crate::security::{Operation, Resource};

/// First version whose answer tells states.
const STATES: i16 = 4;
/// First version whose answer tells types.
const TYPES: i16 = 5;
const CLASSIC: &str = "classic";

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: ListGroupsRequest) -> ListGroupsResponse {
    let groups = match broker.list_groups().await {
        Ok(groups) => groups,
        Err(error) => return ListGroupsResponse::default().with_error_code(coordinator_error(error).number()),
    };
    let sees_all = broker.security.allows(&context.principal, Operation::Describe, Resource::Cluster);
    let may_see =
        |group: &str| sees_all || broker.security.allows(&context.principal, Operation::Describe, Resource::Group(group));
    let wanted = groups.into_iter().filter(|group| {
        passes(&request.states_filter, group.state.name())
            && passes(&request.types_filter, CLASSIC)
            && may_see(group.group.as_str())
    });
    let listed = wanted.map(|group| {
        let told = |since: i16, text: &str| wire(if context.version >= since { text } else { "" });
        ListedGroup::default()
            .with_group_id(wire(group.group.as_str()).into())
            .with_protocol_type(wire(&group.protocol_type))
            .with_group_state(told(STATES, group.state.name()))
            .with_group_type(told(TYPES, CLASSIC))
    });
    ListGroupsResponse::default().with_groups(listed.collect())
}

/// An empty filter lets everything pass.
fn passes(filter: &[StrBytes], text: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(text))
}
