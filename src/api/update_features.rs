//! UpdateFeatures (57), versions 0 to 2.
//!
//! Needs Alter on the cluster. All updates hold or none: what is wrong with one is told for the whole request; only when all is well do
//! versions 0 and 1 name each feature (QuorumController.updateFeatures). `allow_downgrade` of version 0 means nothing any more.

use std::sync::Arc;

use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::context::{RequestContext, wire};
use super::errors::controller_error;
use crate::broker::Broker;
use crate::controller::{FeatureUpdate, UpdateKind};
use crate::protocol::ErrorCode;
use crate::security::{Cluster, Operation};

/// First version that names no feature in its answer.
const ONE_RESULT: i16 = 2;
/// What Kafka says beside a feature that was updated: the name of its code.
const UPDATED: &str = "NONE";

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let Some(authorized) = broker.security.authorize(&context.principal, Operation::Alter, Cluster) else {
        return answer(ErrorCode::ClusterAuthorizationFailed, Some("Cluster authorization failed."));
    };
    let updates = request.feature_updates.iter().map(update).collect();
    let decided = broker.update_features(&authorized, updates, request.validate_only);
    match decided.await {
        Ok(()) if context.version < ONE_RESULT => {
            let result = |asked: FeatureUpdateKey| {
                UpdatableFeatureResult::default().with_feature(asked.feature).with_error_message(Some(wire(UPDATED)))
            };
            answer(ErrorCode::None, None).with_results(request.feature_updates.into_iter().map(result).collect())
        }
        Ok(()) => answer(ErrorCode::None, None),
        Err(error) => {
            let (code, message) = controller_error(&error);
            answer(code, Some(&message))
        }
    }
}

fn update(asked: &FeatureUpdateKey) -> FeatureUpdate {
    FeatureUpdate {
        feature: asked.feature.to_string(),
        level: asked.max_version_level,
        kind: UpdateKind::from_code(asked.upgrade_type),
    }
}

fn answer(code: ErrorCode, message: Option<&str>) -> UpdateFeaturesResponse {
    UpdateFeaturesResponse::default().with_error_code(code.number()).with_error_message(message.map(wire))
}
