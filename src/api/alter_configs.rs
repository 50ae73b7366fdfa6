//! AlterConfigs (33), versions 0 to 2: all settings of resources are replaced; what is not named goes back to what holds without it. Old
//! clients only: newer ones use IncrementalAlterConfigs.
//!
//! See [`super::configs`] for rights and checks. Resources that stand twice are refused; Apache Kafka 4.3.0 gives no answer then.

use std::sync::Arc;

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::configs::{Asked, AskedSetting, Way, alter};
use super::context::{RequestContext, wire_message};
use crate::broker::Broker;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let asked: Vec<Asked> = request.resources.into_iter().map(asked).collect();
    let way = Way { replaces: true, validate_only: request.validate_only };
    let answers = alter(broker, context, &asked, way).await;
    let responses = asked.into_iter().zip(answers).map(|(asked, answer)| {
        AlterConfigsResourceResponse::default()
            .with_error_code(answer.code.number())
            .with_error_message(answer.message.as_deref().map(wire_message))
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.name)
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

fn asked(resource: AlterConfigsResource) -> Asked {
    let settings =
        resource.configs.into_iter().map(|setting| AskedSetting { name: setting.name, operation: 0, value: setting.value });
    Asked { resource_type: resource.resource_type, name: resource.resource_name, settings: settings.collect() }
}
