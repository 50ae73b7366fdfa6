//! One file per API key: authorise, to domain, call, to wire.
//!
//! Owns: the one match on the API key, the translation between wire messages and the node's own terms.
//! Never does: decide anything that a core should decide; touch a log or a socket.
//! Invariants: a refusal is part of the answer, never a dropped connection; what has to be checked arrives at the cores as an
//! `Authorized` value; everything a request does happens before its handler first waits.

mod alter_configs;
mod api_versions;
mod configs;
mod context;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod elect_leaders;
mod errors;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod request_log;
mod sync_group;
mod update_features;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

use crate::broker::Broker;
use crate::net::{ConnectionContext, Outcome, Reply, Service};
use crate::protocol::{ApiKey, RequestHeader, decode_offset_commit, decode_offset_fetch, decode_request};
use context::RequestContext;
use request_log::RequestLine;

/// Serves Kafka's protocol for one node.
#[derive(Debug)]
pub struct Api {
    broker: Arc<Broker>,
}

impl Api {
    #[must_use]
    pub fn new(broker: Arc<Broker>) -> Self {
        Self { broker }
    }
}

/// A longer request than this may have an answer of many megabytes, so no other is taken from its connection meanwhile (Kafka never takes
/// one). A Produce has a short answer, and that of a Fetch has a bound of its own.
const SIDE_BY_SIDE_BYTES: usize = 4 << 10;

impl Service for Api {
    fn call(&self, connection: &Arc<ConnectionContext>, frame: BytesMut) -> Reply {
        let header = match RequestHeader::parse(&frame) {
            Ok(header) => header,
            Err(error) => return Reply::Close(format!("request header: {error}")),
        };
        let context = RequestContext::new(connection, &header, &frame);
        if header.is_served(connection.purpose) {
            let line = RequestLine::begin(&self.broker, &context, frame.len());
            let is_alone = frame.len() > SIDE_BY_SIDE_BYTES && !matches!(header.api_key, ApiKey::Produce | ApiKey::Fetch);
            let reply = match poll_once(dispatch(Arc::clone(&self.broker), context, frame, header.body_position())) {
                Reply::Later(outcome) if is_alone => Reply::Alone(outcome),
                reply @ (Reply::Now(_) | Reply::Later(_) | Reply::Alone(_) | Reply::Nothing | Reply::Close(_)) => reply,
            };
            match line {
                Some(line) => line.told_by(reply),
                None => reply,
            }
        } else if header.api_key == ApiKey::ApiVersions {
            api_versions::unsupported(context).into()
        } else {
            Reply::Close(format!(
                "{} version {} is not served on listener {}",
                header.api_key.name(),
                header.api_version,
                connection.listener
            ))
        }
    }

    fn disconnected(&self, _: &ConnectionContext) {}
}

/// Runs a handler up to its first wait, here and now; only the wait is left to the connection.
fn poll_once(handler: impl Future<Output = Outcome> + Send + 'static) -> Reply {
    let mut handler = Box::pin(handler);
    match handler.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome.into(),
        Poll::Pending => Reply::Later(handler),
    }
}

/// The keys that are not served yet; they are turned away by their version before the match.
macro_rules! later_keys {
    () => {
        ApiKey::SaslHandshake
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::EndTxn
            | ApiKey::WriteTxnMarkers
            | ApiKey::TxnOffsetCommit
            | ApiKey::DescribeAcls
            | ApiKey::CreateAcls
            | ApiKey::DeleteAcls
            | ApiKey::AlterReplicaLogDirs
            | ApiKey::SaslAuthenticate
            | ApiKey::CreateDelegationToken
            | ApiKey::RenewDelegationToken
            | ApiKey::ExpireDelegationToken
            | ApiKey::DescribeDelegationToken
            | ApiKey::AlterPartitionReassignments
            | ApiKey::DescribeClientQuotas
            | ApiKey::AlterClientQuotas
            | ApiKey::DescribeUserScramCredentials
            | ApiKey::AlterUserScramCredentials
            | ApiKey::Vote
            | ApiKey::BeginQuorumEpoch
            | ApiKey::EndQuorumEpoch
            | ApiKey::AlterPartition
            | ApiKey::Envelope
            | ApiKey::FetchSnapshot
            | ApiKey::BrokerRegistration
            | ApiKey::BrokerHeartbeat
            | ApiKey::UnregisterBroker
            | ApiKey::DescribeTransactions
            | ApiKey::ListTransactions
            | ApiKey::AllocateProducerIds
            | ApiKey::ConsumerGroupHeartbeat
            | ApiKey::ConsumerGroupDescribe
            | ApiKey::ControllerRegistration
            | ApiKey::GetTelemetrySubscriptions
            | ApiKey::PushTelemetry
            | ApiKey::AssignReplicasToDirs
            | ApiKey::ShareGroupHeartbeat
            | ApiKey::ShareGroupDescribe
            | ApiKey::ShareFetch
            | ApiKey::ShareAcknowledge
            | ApiKey::AddRaftVoter
            | ApiKey::RemoveRaftVoter
            | ApiKey::UpdateRaftVoter
            | ApiKey::InitializeShareGroupState
            | ApiKey::ReadShareGroupState
            | ApiKey::WriteShareGroupState
            | ApiKey::DeleteShareGroupState
            | ApiKey::ReadShareGroupStateSummary
            | ApiKey::StreamsGroupHeartbeat
            | ApiKey::StreamsGroupDescribe
            | ApiKey::DescribeShareGroupOffsets
            | ApiKey::AlterShareGroupOffsets
            | ApiKey::DeleteShareGroupOffsets
    };
}

/// The one match: every key stands here; those that are not served were turned away before.
async fn dispatch(broker: Arc<Broker>, context: RequestContext, frame: BytesMut, body_start: usize) -> Outcome {
    let broker = &broker;
    let _timed = broker.metrics.requests.begin(context.key, context.version, &*broker.clock);
    /// Decodes the body, runs the handler, encodes its answer.
    macro_rules! answer {
        ($module:ident) => {
            answer!($module, decode_request)
        };
        ($module:ident, $decode:ident) => {
            match $decode(context.version, frame.freeze().slice(body_start..)) {
                Ok(request) => context.respond(&$module::handle(broker, &context, request).await),
                Err(error) => Outcome::Close(format!("{} version {}: {error}", context.key.name(), context.version)),
            }
        };
    }
    /// As above, with a handler that encodes its answer itself.
    macro_rules! outcome {
        ($module:ident) => {
            outcome!($module, decode_request)
        };
        ($module:ident, $decode:ident) => {
            match $decode(context.version, frame.freeze().slice(body_start..)) {
                Ok(request) => $module::handle(broker, &context, request).await,
                Err(error) => Outcome::Close(format!("{} version {}: {error}", context.key.name(), context.version)),
            }
        };
    }
    match context.key {
        ApiKey::Produce => produce::handle(broker, &context, frame, body_start).await,
        ApiKey::Fetch => outcome!(fetch),
        ApiKey::DescribeLogDirs => outcome!(describe_log_dirs),
        ApiKey::ListOffsets => answer!(list_offsets),
        ApiKey::Metadata => answer!(metadata),
        ApiKey::OffsetCommit => answer!(offset_commit, decode_offset_commit),
        ApiKey::OffsetFetch => outcome!(offset_fetch, decode_offset_fetch),
        ApiKey::FindCoordinator => outcome!(find_coordinator),
        ApiKey::JoinGroup => answer!(join_group),
        ApiKey::Heartbeat => answer!(heartbeat),
        ApiKey::LeaveGroup => answer!(leave_group),
        ApiKey::SyncGroup => answer!(sync_group),
        ApiKey::DescribeGroups => outcome!(describe_groups),
        ApiKey::ListGroups => answer!(list_groups),
        ApiKey::ApiVersions => answer!(api_versions),
        ApiKey::CreateTopics => answer!(create_topics),
        ApiKey::DeleteTopics => answer!(delete_topics),
        ApiKey::InitProducerId => answer!(init_producer_id),
        ApiKey::OffsetForLeaderEpoch => answer!(offset_for_leader_epoch),
        ApiKey::DescribeConfigs => outcome!(describe_configs),
        ApiKey::AlterConfigs => answer!(alter_configs),
        ApiKey::IncrementalAlterConfigs => answer!(incremental_alter_configs),
        ApiKey::ListConfigResources => answer!(list_config_resources),
        ApiKey::DeleteGroups => answer!(delete_groups),
        ApiKey::ElectLeaders => answer!(elect_leaders),
        ApiKey::ListPartitionReassignments => answer!(list_partition_reassignments),
        ApiKey::OffsetDelete => answer!(offset_delete),
        ApiKey::DescribeQuorum => answer!(describe_quorum),
        ApiKey::UpdateFeatures => answer!(update_features),
        ApiKey::DescribeCluster => answer!(describe_cluster),
        ApiKey::DeleteRecords => answer!(delete_records),
        ApiKey::DescribeProducers => answer!(describe_producers),
        ApiKey::DescribeTopicPartitions => answer!(describe_topic_partitions),
        ApiKey::CreatePartitions => answer!(create_partitions),
        later_keys!() => Outcome::Close(format!("{} is not served", context.key.name())),
    }
}
