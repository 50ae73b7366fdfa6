//! Fetch (1), versions 4 to 18.
//!
//! Needs Read on each topic (Describe's absence hides it: TOPIC_AUTHORIZATION_FAILED). Sessions as KIP-227. A partition that the metadata
//! does not know does not cut a wait short; an error of one that it knows does. Record bytes go from the log to the socket uncopied.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData};

use super::context::{RequestContext, wire_topic};
use super::errors::{partition_error, session_refusal};
use crate::broker::{Broker, FetchJob, Fetched, Partition};
use crate::net::{Outcome, Response};
use crate::protocol::{ErrorCode, encode_fetch_response, response};
use crate::replica::{FetchTarget, PartitionAnswer, PartitionRequest, SessionRequest, SessionView, TopicKey};
use crate::security::{Authorized, Operation};
use crate::types::{LeaderEpoch, Offset, PartitionIndex, TopicId, TopicIdPartition, TopicName};

/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;
/// First version that carries sessions; older ones are as if they closed one.
const SESSIONS: i16 = 7;
/// First version whose answer names the leader of a partition that is led elsewhere.
const NAMES_LEADER: i16 = 16;
const READ_COMMITTED: i8 = 1;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: FetchRequest) -> Outcome {
    let read_committed = request.isolation_level == READ_COMMITTED;
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(broker.config.fetch.max_bytes);
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or(0).min(max_bytes as u64);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let is_replica = replica_id(&request) >= 0;
    let session = session_request(context.version, request);
    let now = broker.clock.now();
    let mut view = match broker.sessions().begin(session, now) {
        Ok(view) => view,
        Err(refusal) => return error(context, session_refusal(refusal)),
    };
    // Partitions that the metadata does not know, or that may not be read, come last in the answer.
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for (target, asked) in view.partitions.drain(..) {
        match find(broker, context, &target) {
            // No broker follows another one here.
            Ok(_) if is_replica => refused.push(((target, asked), ErrorCode::NotLeaderOrFollower)),
            Ok(partition) => found.push(((target, asked), (partition, asked))),
            // A session remembers the name behind an id, so a topic that was deleted meanwhile is missing by its name.
            Err(ErrorCode::UnknownTopicId) if view.known.contains(&target) => {
                refused.push(((target, asked), ErrorCode::UnknownTopicOrPartition));
            }
            Err(code) => refused.push(((target, asked), code)),
        }
    }
    // Unknown ids first, as Kafka looks for them first.
    refused.sort_by_key(|(_, code)| *code != ErrorCode::UnknownTopicId);
    let (targets, partitions): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    context.see_own_writes(partitions.iter().map(|(partition, _)| partition)).await;
    let job = FetchJob { partitions, max_wait, min_bytes, max_bytes };
    let fetched = job.serve(broker).await;
    let mut data: Vec<PartitionData> = targets
        .iter()
        .zip(fetched)
        .map(|((target, _), fetched)| match fetched {
            Ok(fetched) => partition_data(target.partition.0, fetched, read_committed),
            Err(error) => {
                response::fetched_partition(target.partition.0, partition_error(&error)).with_aborted_transactions(None)
            }
        })
        .collect();
    data.extend(refused.iter().map(|((target, _), code)| refused_partition(broker, context, target, *code)));
    view.partitions = targets.into_iter().chain(refused.into_iter().map(|(target, _)| target)).collect();
    respond(broker, context, &view, data)
}

/// Who asks: -1 for a consumer, below that a debugger, else a broker that follows.
fn replica_id(request: &FetchRequest) -> i32 {
    request.replica_id.0.max(request.replica_state.replica_id.0)
}

/// Who does not lead says who does.
fn refused_partition(broker: &Broker, context: &RequestContext, target: &FetchTarget, code: ErrorCode) -> PartitionData {
    let mut refused = response::fetched_partition(target.partition.0, code);
    if code != ErrorCode::NotLeaderOrFollower {
        return refused;
    }
    refused.aborted_transactions = None;
    if context.version >= NAMES_LEADER {
        let image = broker.image();
        let topic = match &target.topic {
            TopicKey::Name(name) => image.topics().by_name(name.as_str()),
            TopicKey::Id(id) => image.topics().by_id(*id),
        };
        if let Some(partition) = topic.and_then(|topic| topic.partition(target.partition)) {
            refused.current_leader = LeaderIdAndEpoch::default()
                .with_leader_id(partition.leader.map_or(-1, |leader| leader.0).into())
                .with_leader_epoch(partition.leader_epoch.0);
        }
    }
    refused
}

/// The partition, if it is known and may be read.
fn find(broker: &Broker, context: &RequestContext, target: &FetchTarget) -> Result<Arc<Partition>, ErrorCode> {
    let name = match &target.topic {
        TopicKey::Name(name) => name.clone(),
        TopicKey::Id(id) => {
            broker.image().topics().by_id(*id).map(|topic| topic.name.clone()).ok_or(ErrorCode::UnknownTopicId)?
        }
    };
    let topic: Authorized<TopicName> =
        broker.security.authorize(&context.principal, Operation::Read, name).ok_or(ErrorCode::TopicAuthorizationFailed)?;
    let image = broker.topic(&topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    image.partition(target.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let id = TopicIdPartition { topic_id: image.id, partition: target.partition };
    broker.partition(&topic, id).map_err(|error| partition_error(&error))
}

fn session_request(version: i16, request: FetchRequest) -> SessionRequest {
    let uses_topic_ids = version >= TOPIC_IDS;
    let key = |name: &str, id: uuid::Uuid| {
        if uses_topic_ids { TopicKey::Id(TopicId(id)) } else { TopicKey::Name(TopicName::new(name)) }
    };
    let partitions = request.topics.iter().flat_map(|topic| {
        let key = key(&topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |asked| {
            let target = FetchTarget { topic: key.clone(), partition: PartitionIndex(asked.partition) };
            let epoch = |epoch: i32| (epoch >= 0).then_some(LeaderEpoch(epoch));
            let request = PartitionRequest {
                fetch_offset: Offset(asked.fetch_offset),
                max_bytes: asked.partition_max_bytes,
                current_leader_epoch: epoch(asked.current_leader_epoch),
                last_fetched_epoch: epoch(asked.last_fetched_epoch),
            };
            (target, request)
        })
    });
    let forgotten = request.forgotten_topics_data.iter().flat_map(|topic| {
        let key = key(&topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |index| FetchTarget { topic: key.clone(), partition: PartitionIndex(*index) })
    });
    let sessionless = version < SESSIONS;
    // Of a partition that stands several times the last request counts.
    let distinct: IndexMap<FetchTarget, PartitionRequest> = partitions.collect();
    SessionRequest {
        session_id: if sessionless { 0 } else { request.session_id },
        session_epoch: if sessionless { -1 } else { request.session_epoch },
        uses_topic_ids,
        partitions: distinct.into_iter().collect(),
        forgotten: forgotten.collect(),
    }
}

fn partition_data(index: i32, fetched: Fetched, read_committed: bool) -> PartitionData {
    let Fetched { look, records, first_batch_too_large } = fetched;
    // Kafka has no list of them where it did not come to read: for a diverging client, and for a batch that does not fit.
    let lists_aborted = read_committed && look.diverging.is_none() && !first_batch_too_large;
    let mut data = response::fetched_partition(index, ErrorCode::None)
        .with_high_watermark(look.high_watermark.0)
        // No transaction is ever open yet, so all below the high watermark is stable.
        .with_last_stable_offset(look.high_watermark.0)
        .with_log_start_offset(look.log_start_offset.0)
        .with_aborted_transactions(lists_aborted.then(Vec::new))
        .with_records(Some(records));
    if let Some(end) = look.diverging {
        data.diverging_epoch = EpochEndOffset::default().with_epoch(end.leader_epoch.0).with_end_offset(end.offset.0);
    }
    data
}

/// Closes the books of the session and sends what it has to tell.
fn respond(broker: &Broker, context: &RequestContext, view: &SessionView, data: Vec<PartitionData>) -> Outcome {
    let answers: Vec<PartitionAnswer> = data.iter().map(summary).collect();
    let finished = broker.sessions().finish(view, &answers, broker.clock.now(), || broker.clock.random());
    let (session_id, told) = match finished {
        Ok(finished) => finished,
        Err(refusal) => return error(context, session_refusal(refusal)),
    };
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    let mut last: Option<&TopicKey> = None;
    for (((target, _), told), partition) in view.partitions.iter().zip(told).zip(data) {
        if !told {
            continue;
        }
        if last != Some(&target.topic) {
            last = Some(&target.topic);
            responses.push(topic_response(&target.topic));
        }
        if let Some(topic) = responses.last_mut() {
            topic.partitions.push(partition);
        }
    }
    send(context, &FetchResponse::default().with_session_id(session_id).with_responses(responses))
}

fn topic_response(topic: &TopicKey) -> FetchableTopicResponse {
    match topic {
        TopicKey::Name(name) => FetchableTopicResponse::default().with_topic(wire_topic(name)),
        TopicKey::Id(id) => FetchableTopicResponse::default().with_topic_id(id.0),
    }
}

fn summary(partition: &PartitionData) -> PartitionAnswer {
    let is_error = partition.error_code != 0;
    PartitionAnswer {
        high_watermark: partition.high_watermark,
        log_start_offset: partition.log_start_offset,
        has_records: partition.records.as_ref().is_some_and(|records| !records.is_empty()),
        is_topic_known: partition.error_code != ErrorCode::UnknownTopicId.number(),
        must_tell: is_error || partition.diverging_epoch.epoch >= 0,
        is_error,
    }
}

fn error(context: &RequestContext, code: ErrorCode) -> Outcome {
    send(context, &FetchResponse::default().with_error_code(code.number()))
}

fn send(context: &RequestContext, response: &FetchResponse) -> Outcome {
    match encode_fetch_response(context.version, context.correlation_id, response) {
        Ok(pieces) => Outcome::Response(Response { pieces }),
        Err(error) => Outcome::Close(error.to_string()),
    }
}
