//! InitProducerId (22), versions 0 to 5.
//!
//! An idempotent producer needs IdempotentWrite on the cluster or Write on any topic, a transactional one Write on its id. Transactions do
//! not exist yet: a request for one is judged as Kafka's coordinator does before it looks for its state (TransactionCoordinator.handleInitProducerId),
//! and a good one is refused with UNSUPPORTED_VERSION, which clients take for final. While producer ids are fetched from the
//! controller, as for the first producer after a start, the answer is COORDINATOR_LOAD_IN_PROGRESS, as Kafka's, and clients try again.

use std::sync::Arc;

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::context::RequestContext;
use crate::broker::Broker;
use crate::protocol::ErrorCode;
use crate::security::{Operation, Resource};
use crate::types::ProducerId;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    match serve(broker, context, &request) {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(id.0.into()).with_producer_epoch(0),
        Err(code) => {
            InitProducerIdResponse::default().with_error_code(code.number()).with_producer_id((-1).into()).with_producer_epoch(-1)
        }
    }
}

fn serve(broker: &Broker, context: &RequestContext, request: &InitProducerIdRequest) -> Result<ProducerId, ErrorCode> {
    if let Some(id) = &request.transactional_id
        && !broker.security.allows(&context.principal, Operation::Write, Resource::TransactionalId(id))
    {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let authorized = broker.security.authorize_idempotent_writer(&context.principal);
    // A producer that has an id must name its epoch with it.
    let consistent = (request.producer_id.0 == -1) == (request.producer_epoch == -1);
    match &request.transactional_id {
        None => {
            let authorized = authorized.ok_or(ErrorCode::ClusterAuthorizationFailed)?;
            if !consistent {
                return Err(ErrorCode::InvalidRequest);
            }
            broker.next_producer_id(&authorized).ok_or(ErrorCode::CoordinatorLoadInProgress)
        }
        Some(id) if !consistent || id.is_empty() => Err(ErrorCode::InvalidRequest),
        Some(_) if !(1..=broker.config.transaction_max_timeout_ms).contains(&request.transaction_timeout_ms) => {
            Err(ErrorCode::InvalidTransactionTimeout)
        }
        Some(_) => Err(ErrorCode::UnsupportedVersion),
    }
}
