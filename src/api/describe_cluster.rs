//! DescribeCluster (60), versions 0 to 2.
//!
//! Needs Describe on the cluster: CLUSTER_AUTHORIZATION_FAILED without it is told only in the bit field (0), as Kafka does. Asked on a client
//! listener for controllers: MISMATCHED_ENDPOINT_TYPE; for anything unknown: UNSUPPORTED_ENDPOINT_TYPE.

use std::sync::Arc;

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::context::{OPERATIONS_NOT_ASKED, RequestContext, wire};
use crate::broker::Broker;
use crate::protocol::ErrorCode;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let refusal = match request.endpoint_type {
        BROKERS => None,
        CONTROLLERS => Some((
            ErrorCode::MismatchedEndpointType,
            "this listener tells of brokers; ask a controller's listener for controllers",
        )),
        _ => Some((ErrorCode::UnsupportedEndpointType, "endpoint types are 1 (brokers) and 2 (controllers)")),
    };
    if let Some((code, message)) = refusal {
        return DescribeClusterResponse::default().with_error_code(code.number()).with_error_message(Some(wire(message)));
    }
    let image = broker.image();
    let shown = image.brokers().values().filter(|broker| request.include_fenced_brokers || broker.is_active());
    let brokers: Vec<DescribeClusterBroker> = shown
        .filter_map(|broker| {
            let endpoint = broker.endpoint(&context.connection.listener)?;
            let wired = DescribeClusterBroker::default()
                .with_broker_id(broker.id.0.into())
                .with_host(wire(&endpoint.host))
                .with_port(i32::from(endpoint.port))
                .with_rack(broker.rack.as_deref().map(wire))
                .with_is_fenced(broker.fenced);
            Some(wired)
        })
        .collect();
    let operations =
        if request.include_cluster_authorized_operations { context.cluster_operations(broker) } else { OPERATIONS_NOT_ASKED };
    let controller = image.brokers().values().filter(|broker| broker.is_active()).map(|broker| broker.id.0).next().unwrap_or(-1);
    DescribeClusterResponse::default()
        .with_error_message(None)
        .with_endpoint_type(request.endpoint_type)
        .with_cluster_id(wire(&broker.cluster_id.0))
        .with_controller_id(controller.into())
        .with_brokers(brokers)
        .with_cluster_authorized_operations(operations)
}
