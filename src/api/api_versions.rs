//! ApiVersions (18), versions 0 to 4.
//!
//! Needs no right. Answers any version, in the layout of version 0 with UNSUPPORTED_VERSION when it is not served (KIP-511). INVALID_REQUEST
//! when the client's software name or version is not one (version 3 and later).

use std::sync::Arc;

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::context::RequestContext;
use crate::broker::Broker;
use crate::metadata::features;
use crate::net::Outcome;
use crate::protocol::{
    ErrorCode, FinalizedFeatures, SupportedFeature, VersionRange, api_versions_response, is_software_name,
    refused_api_versions_response, unsupported_api_versions_response,
};

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: ApiVersionsRequest) -> ApiVersionsResponse {
    let named = is_software_name(&request.client_software_name) && is_software_name(&request.client_software_version);
    if context.version >= 3 && !named {
        return refused_api_versions_response(ErrorCode::InvalidRequest);
    }
    let image = broker.image();
    let supported: Vec<SupportedFeature> = features::SUPPORTED
        .iter()
        .map(|feature| SupportedFeature {
            name: feature.name,
            levels: VersionRange { min: feature.min_supported_version, max: feature.max_supported_version },
        })
        .collect();
    let finalized = FinalizedFeatures {
        epoch: image.end().0 - 1,
        levels: image.features().iter().map(|(name, level)| (name.clone(), *level)).collect(),
    };
    api_versions_response(context.version, context.connection.purpose, &supported, &finalized)
}

/// The answer to a version that is not served: it names the versions that are, in the oldest layout.
pub(super) fn unsupported(mut context: RequestContext) -> Outcome {
    context.version = 0;
    context.respond(&unsupported_api_versions_response())
}
