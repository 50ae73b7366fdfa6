//! DescribeCluster (60), versions 0 to 2.
//!
//! Needs Describe on the cluster: CLUSTER_AUTHORIZATION_FAILED without it is told only in the bit field (0), as Kafka does. A client listener
//! tells of brokers and a controller's listener of controllers; asked for the others: MISMATCHED_ENDPOINT_TYPE, and INVALID_REQUEST in
//! version 0, which knows no types; asked for anything unknown: UNSUPPORTED_ENDPOINT_TYPE.

use std::sync::Arc;

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::context::{OPERATIONS_NOT_ASKED, RequestContext, wire};
use crate::broker::Broker;
use crate::config::ListenerPurpose;
use crate::metadata::MetadataImage;
use crate::metadata::records::Endpoint;
use crate::protocol::ErrorCode;
use crate::types::NodeId;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let own = match context.connection.purpose {
        ListenerPurpose::Broker => BROKERS,
        ListenerPurpose::Controller => CONTROLLERS,
    };
    let refusal = match request.endpoint_type {
        asked if asked == own => None,
        BROKERS | CONTROLLERS if context.version == 0 => Some(ErrorCode::InvalidRequest),
        BROKERS | CONTROLLERS => Some(ErrorCode::MismatchedEndpointType),
        _ => Some(ErrorCode::UnsupportedEndpointType),
    };
    if let Some(code) = refusal {
        let message = "a client's listener tells of brokers (endpoint type 1), a controller's of controllers (2)";
        return DescribeClusterResponse::default().with_error_code(code.number()).with_error_message(Some(wire(message)));
    }
    let image = broker.image();
    let listener = &context.connection.listener;
    let (nodes, controller) = match context.connection.purpose {
        ListenerPurpose::Broker => (brokers(&image, listener, request.include_fenced_brokers), any_broker(&image)),
        ListenerPurpose::Controller => (controllers(&image, listener), broker.config.node_id.0),
    };
    let operations =
        if request.include_cluster_authorized_operations { context.cluster_operations(broker) } else { OPERATIONS_NOT_ASKED };
    DescribeClusterResponse::default()
        .with_error_message(None)
        .with_endpoint_type(request.endpoint_type)
        .with_cluster_id(wire(&broker.cluster_id.0))
        .with_controller_id(controller.into())
        .with_brokers(nodes)
        .with_cluster_authorized_operations(operations)
}

fn brokers(image: &MetadataImage, listener: &str, with_fenced: bool) -> Vec<DescribeClusterBroker> {
    let shown = image.brokers().values().filter(|broker| with_fenced || broker.is_active());
    let wired = shown.filter_map(|broker| {
        let told = node(broker.id, broker.endpoint(listener)?);
        Some(told.with_rack(broker.rack.as_deref().map(wire)).with_is_fenced(broker.fenced))
    });
    wired.collect()
}

/// Brokers forward, so any of them does; a client that asks for a controller gets one that it can reach.
fn any_broker(image: &MetadataImage) -> i32 {
    image.brokers().values().find(|broker| broker.is_active()).map_or(-1, |broker| broker.id.0)
}

fn controllers(image: &MetadataImage, listener: &str) -> Vec<DescribeClusterBroker> {
    let registered = image.controllers().values();
    let wired = registered.filter_map(|controller| {
        let endpoint = controller.endpoints.iter().find(|endpoint| endpoint.name == listener)?;
        Some(node(controller.id, endpoint).with_rack(None))
    });
    wired.collect()
}

fn node(id: NodeId, endpoint: &Endpoint) -> DescribeClusterBroker {
    DescribeClusterBroker::default()
        .with_broker_id(id.0.into())
        .with_host(wire(&endpoint.host))
        .with_port(i32::from(endpoint.port))
}
