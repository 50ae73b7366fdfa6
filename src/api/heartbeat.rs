//! Heartbeat (12), versions 0 to 4.
//!
//! Needs Read on the group. While the group is being loaded the answer is that all is well, as Kafka's: the member need not look for
//! another coordinator.

use std::sync::Arc;

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::context::RequestContext;
use super::errors::{coordinator_error, group_outcome};
use super::groups::{authorize_named, owned_option};
use crate::broker::{Broker, CoordinatorError};
use crate::group::Heartbeat;
use crate::protocol::ErrorCode;
use crate::security::Operation;
use crate::types::MemberId;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: HeartbeatRequest) -> HeartbeatResponse {
    HeartbeatResponse::default().with_error_code(serve(broker, context, &request).await.number())
}

async fn serve(broker: &Broker, context: &RequestContext, request: &HeartbeatRequest) -> ErrorCode {
    let group = match authorize_named(broker, context, Operation::Read, &request.group_id) {
        Ok(group) => group,
        Err(code) => return code,
    };
    let heartbeat = Heartbeat {
        group: group.get().clone(),
        member: MemberId::new(&request.member_id),
        instance: owned_option(request.group_instance_id.as_ref()),
        generation: request.generation_id,
    };
    match broker.decide_group(&group, |groups, context| groups.heartbeat(context, &heartbeat)).await {
        Ok(outcome) => group_outcome(outcome),
        Err(CoordinatorError::Loading) => ErrorCode::None,
        Err(error) => coordinator_error(error),
    }
}
