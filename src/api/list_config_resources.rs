//! ListConfigResources (74), versions 0 and 1: what settings can be asked for by name; version 0 lists subscriptions to client metrics
//! only (KIP-1142).
//!
//! Needs DescribeConfigs on the cluster. All topics and brokers stand here; groups and subscriptions only if they have settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::context::{RequestContext, wire};
use crate::broker::Broker;
use crate::metadata::MetadataImage;
use crate::metadata::records::ConfigResourceType;
use crate::protocol::ErrorCode;
use crate::security::{Cluster, Operation};

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let answer = ListConfigResourcesResponse::default();
    if broker.security.authorize(&context.principal, Operation::DescribeConfigs, Cluster).is_none() {
        return answer.with_error_code(ErrorCode::ClusterAuthorizationFailed.number());
    }
    let Some(types) = types(context.version, &request.resource_types) else {
        return answer.with_error_code(ErrorCode::UnsupportedVersion.number());
    };
    let image = broker.image();
    // Kafka's order: groups, client metrics, loggers, brokers, topics.
    answer.with_config_resources(types.into_iter().rev().flat_map(|resource_type| resources(&image, resource_type)).collect())
}

/// The types asked for, each once; all of them if none is named. `None` if there is one that nobody knows.
fn types(version: i16, asked: &[i8]) -> Option<BTreeSet<ConfigResourceType>> {
    match asked {
        _ if version == 0 => Some(BTreeSet::from([ConfigResourceType::ClientMetrics])),
        [] => Some(ConfigResourceType::ALL.iter().copied().collect()),
        asked => asked.iter().map(|code| ConfigResourceType::from_code(*code)).collect(),
    }
}

fn resources(image: &MetadataImage, resource_type: ConfigResourceType) -> Vec<ConfigResource> {
    let named = |name: &str| ConfigResource::default().with_resource_name(wire(name)).with_resource_type(resource_type.code());
    match resource_type {
        ConfigResourceType::Topic => image.topics().iter().map(|topic| named(topic.name.as_str())).collect(),
        ConfigResourceType::Broker | ConfigResourceType::BrokerLogger => {
            image.brokers().keys().map(|id| named(&id.to_string())).collect()
        }
        ConfigResourceType::ClientMetrics | ConfigResourceType::Group => {
            image.configs().names(resource_type).map(named).collect()
        }
    }
}
