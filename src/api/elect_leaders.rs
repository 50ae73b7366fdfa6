//! ElectLeaders (43), versions 0 to 2.
//!
//! Needs Alter on the cluster. A null list stands for all partitions, of which those that need no election are left out; one that is named
//! says ELECTION_NOT_NEEDED (trap 46). A kind of election that is not known is INVALID_REQUEST. No time to do it in is REQUEST_TIMED_OUT.

use std::sync::Arc;

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::context::{RequestContext, wire, wire_topic};
use super::errors::{controller_error, reason};
use crate::broker::Broker;
use crate::controller::{ElectLeaders, ElectionType, Elections};
use crate::protocol::ErrorCode;
use crate::security::{Cluster, Operation};
use crate::types::{PartitionIndex, TopicName};

/// First version that names the kind of election, and has a code for the whole answer; before, elections are preferred ones.
const ELECTION_TYPE: i16 = 1;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let Some(authorized) = broker.security.authorize(&context.principal, Operation::Alter, Cluster) else {
        return refuse_all(context, &request, ErrorCode::ClusterAuthorizationFailed, Some("Cluster authorization failed."));
    };
    let election = match request.election_type {
        _ if context.version < ELECTION_TYPE => ElectionType::Preferred,
        0 => ElectionType::Preferred,
        1 => ElectionType::Unclean,
        _ => return refuse_all(context, &request, ErrorCode::InvalidRequest, Some("The kind of election is not known.")),
    };
    if request.timeout_ms <= 0 {
        return refuse_all(context, &request, ErrorCode::RequestTimedOut, None);
    }
    let partitions = request.topic_partitions.as_ref().map(|topics| topics.iter().map(named).collect());
    match broker.elect_leaders(&authorized, ElectLeaders { election, partitions }).await {
        Ok(elections) => ElectLeadersResponse::default().with_replica_election_results(results(&elections)),
        Err(error) => {
            let (code, message) = controller_error(&error);
            refuse_all(context, &request, code, Some(&message))
        }
    }
}

fn named(topic: &TopicPartitions) -> (TopicName, Vec<PartitionIndex>) {
    (TopicName::new(&topic.topic), topic.partitions.iter().copied().map(PartitionIndex).collect())
}

fn results(elections: &Elections) -> Vec<ReplicaElectionResult> {
    let topics = elections.iter().map(|(topic, partitions)| {
        let partitions = partitions.iter().map(|(index, result)| match result {
            Ok(()) => partition(index.0, ErrorCode::None, None),
            Err(refusal) => partition(index.0, reason(refusal.reason), Some(&refusal.message)),
        });
        ReplicaElectionResult::default().with_topic(wire_topic(topic)).with_partition_result(partitions.collect())
    });
    topics.collect()
}

/// The same for every partition that is named, and from version 1 on for the whole.
fn refuse_all(
    context: &RequestContext,
    request: &ElectLeadersRequest,
    code: ErrorCode,
    message: Option<&str>,
) -> ElectLeadersResponse {
    let topics = request.topic_partitions.iter().flatten().map(|topic| {
        let partitions = topic.partitions.iter().map(|index| partition(*index, code, message));
        ReplicaElectionResult::default().with_topic(topic.topic.clone()).with_partition_result(partitions.collect())
    });
    let whole = if context.version >= ELECTION_TYPE { code } else { ErrorCode::None };
    ElectLeadersResponse::default().with_error_code(whole.number()).with_replica_election_results(topics.collect())
}

fn partition(index: i32, code: ErrorCode, message: Option<&str>) -> PartitionResult {
    PartitionResult::default().with_partition_id(index).with_error_code(code.number()).with_error_message(message.map(wire))
}
