//! ListPartitionReassignments (46), version 0.
//!
//! Needs Describe on the cluster. A null list stands for all partitions. Only those whose replicas are on the move are told, so one that is
//! not there is left out as well (ReplicationControlManager.listPartitionReassignments).

use std::sync::Arc;

use kafka_protocol::messages::list_partition_reassignments_response::{OngoingPartitionReassignment, OngoingTopicReassignment};
use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::context::{RequestContext, wire, wire_topic};
use super::metadata::wire_nodes;
use crate::broker::Broker;
use crate::metadata::{PartitionImage, TopicImage};
use crate::protocol::ErrorCode;
use crate::security::{Cluster, Operation};
use crate::types::PartitionIndex;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let response = ListPartitionReassignmentsResponse::default().with_error_message(None);
    if broker.security.authorize(&context.principal, Operation::Describe, Cluster).is_none() {
        let code = ErrorCode::ClusterAuthorizationFailed.number();
        return response.with_error_code(code).with_error_message(Some(wire("Cluster authorization failed.")));
    }
    let image = broker.image();
    let topics = match request.topics {
        None => image.topics().iter().filter_map(|topic| ongoing(topic, topic.partitions.keys().copied())).collect(),
        Some(named) => {
            let found = named.iter().filter_map(|asked| Some((image.topics().by_name(&asked.name)?, asked)));
            found
                .filter_map(|(topic, asked)| ongoing(topic, asked.partition_indexes.iter().copied().map(PartitionIndex)))
                .collect()
        }
    };
    response.with_topics(topics)
}

/// Those of the partitions that are on the move; `None` when there are none.
fn ongoing(topic: &TopicImage, indexes: impl Iterator<Item = PartitionIndex>) -> Option<OngoingTopicReassignment> {
    let moving = |partition: &PartitionImage| !partition.adding_replicas.is_empty() || !partition.removing_replicas.is_empty();
    let partitions = indexes.filter_map(|index| {
        let partition = topic.partition(index).filter(|partition| moving(partition))?;
        let told = OngoingPartitionReassignment::default()
            .with_partition_index(index.0)
            .with_replicas(wire_nodes(&partition.replicas))
            .with_adding_replicas(wire_nodes(&partition.adding_replicas))
            .with_removing_replicas(wire_nodes(&partition.removing_replicas));
        Some(told)
    });
    let partitions: Vec<_> = partitions.collect();
    (!partitions.is_empty())
        .then(|| OngoingTopicReassignment::default().with_name(wire_topic(&topic.name)).with_partitions(partitions))
}
