//! DescribeQuorum (55), versions 0 to 2.
//!
//! Needs Describe on the cluster. There is one thing to ask for, partition 0 of the metadata's log, and alone: whatever else is named is
//! UNKNOWN_TOPIC_OR_PARTITION, each partition of it (KafkaRaftClient.handleDescribeQuorumRequest). One node has no observers.

use std::sync::Arc;

use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};

use super::context::{RequestContext, wire};
use crate::broker::Broker;
use crate::protocol::ErrorCode;
use crate::quorum::{QuorumDescription, VoterDescription};
use crate::security::{Cluster, Operation};

/// Topic of the metadata's log, whose only partition is 0.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// First version with the times of replicas.
const TIMES: i16 = 1;
/// First version with messages, directory ids and the nodes' listeners.
const NODES: i16 = 2;

pub(super) async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    let Some(authorized) = broker.security.authorize(&context.principal, Operation::Describe, Cluster) else {
        return refused(context, ErrorCode::ClusterAuthorizationFailed, "Cluster authorization failed.");
    };
    if !is_the_metadata(&request) {
        return unknown(context, request);
    }
    let Some(quorum) = broker.describe_quorum(&authorized) else {
        return refused(context, ErrorCode::NotLeaderOrFollower, "This node does not lead the metadata quorum.");
    };
    let now = broker.clock.timestamp().0;
    let voters = quorum.voters.iter().map(|voter| replica(context.version, &quorum, voter, now));
    let partition = PartitionData::default()
        .with_leader_id(quorum.leader.0.into())
        .with_leader_epoch(quorum.epoch.0)
        .with_high_watermark(quorum.high_watermark.0)
        .with_current_voters(voters.collect());
    let topic = TopicData::default().with_topic_name(wire(METADATA_TOPIC).into()).with_partitions(vec![partition]);
    let nodes = if context.version >= NODES { quorum.voters.iter().map(node).collect() } else { Vec::new() };
    DescribeQuorumResponse::default().with_topics(vec![topic]).with_nodes(nodes)
}

fn is_the_metadata(request: &DescribeQuorumRequest) -> bool {
    match request.topics.as_slice() {
        [topic] => {
            topic.topic_name.as_str() == METADATA_TOPIC
                && matches!(&*topic.partitions, [partition] if partition.partition_index == 0)
        }
        _ => false,
    }
}

/// The leader has fetched from itself just now; of others nothing is known.
fn replica(version: i16, quorum: &QuorumDescription, voter: &VoterDescription, now: i64) -> ReplicaState {
    let time = if voter.id == quorum.leader && version >= TIMES { now } else { -1 };
    let state = ReplicaState::default()
        .with_replica_id(voter.id.0.into())
        .with_log_end_offset(voter.log_end_offset.map_or(-1, |end| end.0))
        .with_last_fetch_timestamp(time)
        .with_last_caught_up_timestamp(time);
    if version >= NODES { state.with_replica_directory_id(voter.directory_id.0) } else { state }
}

fn node(voter: &VoterDescription) -> Node {
    let listeners = voter.endpoints.iter().map(|endpoint| {
        Listener::default().with_name(wire(&endpoint.name)).with_host(wire(&endpoint.host)).with_port(endpoint.port)
    });
    Node::default().with_node_id(voter.id.0.into()).with_listeners(listeners.collect())
}

fn unknown(context: &RequestContext, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let told = PartitionData::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(ErrorCode::UnknownTopicOrPartition.number());
            if context.version >= NODES { told.with_error_message(Some(wire("There is no such partition."))) } else { told }
        });
        TopicData::default().with_topic_name(topic.topic_name).with_partitions(partitions.collect())
    });
    DescribeQuorumResponse::default().with_topics(topics.collect())
}

fn refused(context: &RequestContext, code: ErrorCode, message: &str) -> DescribeQuorumResponse {
    let response = DescribeQuorumResponse::default().with_error_code(code.number());
    if context.version >= NODES { response.with_error_message(Some(wire(message))) } else { response }
}
