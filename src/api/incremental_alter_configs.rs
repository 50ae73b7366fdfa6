//! IncrementalAlterConfigs (44), versions 0 and 1: some settings of resources are set, deleted, or lists made longer or shorter (KIP-339).
//!
//! See [`super::configs`] for rights and checks.

use std::sync::Arc;

use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::configs::{Asked, AskedSetting, Way, alter};
use super::context::{RequestContext, wire_message};
use crate::broker::Broker;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let asked: Vec<Asked> = request.resources.into_iter().map(asked).collect();
    let way = Way { replaces: false, validate_only: request.validate_only };
    let answers = alter(broker, context, &asked, way).await;
    let responses = asked.into_iter().zip(answers).map(|(asked, answer)| {
        AlterConfigsResourceResponse::default()
            .with_error_code(answer.code.number())
            .with_error_message(answer.message.as_deref().map(wire_message))
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.name)
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

fn asked(resource: AlterConfigsResource) -> Asked {
    let settings = resource.configs.into_iter().map(|setting| AskedSetting {
        name: setting.name,
        operation: setting.config_operation,
        value: setting.value,
    });
    Asked { resource_type: resource.resource_type, name: resource.resource_name, settings: settings.collect() }
}
