//! DescribeLogDirs (35), versions 1 to 5.
//!
//! Needs Describe on the cluster; without it the answer is empty, from version 3 on with CLUSTER_AUTHORIZATION_FAILED. A null list asks for
//! all partitions; of those named, the ones that this node does not hold are left out without a word (KafkaApis, ReplicaManager.describeLogDirs).

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

use super::context::{RequestContext, wire, wire_topic};
use crate::broker::{Broker, DescribedDirectory, DescribedLog};
use crate::net::Outcome;
use crate::protocol::{ErrorCode, encode_described_log_dirs};
use crate::security::{Cluster, Operation};
use crate::types::{PartitionIndex, TopicName, TopicPartition};

/// First version with a code for the whole answer; the crate refuses to encode one below it.
const ERROR_CODE: i16 = 3;
/// First version that tells sizes of disks.
const SPACE: i16 = 4;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: DescribeLogDirsRequest) -> Outcome {
    let (response, cordoned) = answer(broker, context, request).await;
    context.respond_with(encode_described_log_dirs(context.version, context.correlation_id, &response, &cordoned))
}

/// The answer, and for each of its results whether the directory is cordoned.
async fn answer(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> (DescribeLogDirsResponse, Vec<bool>) {
    let Some(authorized) = broker.security.authorize(&context.principal, Operation::Describe, Cluster) else {
        let code = if context.version >= ERROR_CODE { ErrorCode::ClusterAuthorizationFailed } else { ErrorCode::None };
        return (DescribeLogDirsResponse::default().with_error_code(code.number()), Vec::new());
    };
    let wanted = wanted(request);
    let is_wanted = move |partition: &TopicPartition| wanted.as_ref().is_none_or(|wanted| wanted.contains(partition));
    let directories = broker.describe_log_directories(&authorized, is_wanted).await.unwrap_or_default();
    let results = directories.iter().map(|directory| describe(context.version, directory)).collect();
    (
        DescribeLogDirsResponse::default().with_results(results),
        directories.iter().map(|directory| directory.is_cordoned).collect(),
    )
}

/// `None` for all.
fn wanted(request: DescribeLogDirsRequest) -> Option<HashSet<TopicPartition>> {
    let named = request.topics?.into_iter().flat_map(|topic| {
        let name = TopicName::new(&topic.topic);
        topic.partitions.into_iter().map(move |index| TopicPartition { topic: name.clone(), partition: PartitionIndex(index) })
    });
    Some(named.collect())
}

fn describe(version: i16, directory: &DescribedDirectory) -> DescribeLogDirsResult {
    let result = DescribeLogDirsResult::default().with_log_dir(wire(&directory.path.to_string_lossy()));
    let Some(space) = directory.space else {
        return result.with_error_code(ErrorCode::KafkaStorageError.number());
    };
    let topics = directory.logs.chunk_by(|log, next| log.partition.topic == next.partition.topic).filter_map(topic);
    let result = result.with_topics(topics.collect());
    if version < SPACE {
        return result;
    }
    result.with_total_bytes(signed(space.total)).with_usable_bytes(signed(space.usable))
}

fn topic(logs: &[DescribedLog]) -> Option<DescribeLogDirsTopic> {
    let name = &logs.first()?.partition.topic;
    let partitions = logs.iter().map(|log| {
        DescribeLogDirsPartition::default()
            .with_partition_index(log.partition.partition.0)
            .with_partition_size(signed(log.size))
            .with_offset_lag(log.offset_lag)
    });
    Some(DescribeLogDirsTopic::default().with_name(wire_topic(name)).with_partitions(partitions.collect()))
}

/// What a disk says that is larger than the field is told as the largest, as by Kafka.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
