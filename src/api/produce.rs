//! Produce (0), versions 3 to 13.
//!
//! Needs Write on each topic. The body is decoded by hand and the batches are stamped inside the frame, so that records are never copied
//! but into the page cache. With acks=0 nothing is answered, and an error closes the connection (trap 9). Transactional batches are
//! refused with INVALID_TXN_STATE: InitProducerId gives out no transactional producer yet.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use indexmap::IndexMap;
use kafka_protocol::messages::ProduceResponse;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};

use super::context::{RequestContext, wire, wire_topic};
use super::errors::{batch_refusal, partition_error};
use crate::broker::{Broker, Partition, PartitionError, is_internal_topic};
use crate::config::TopicCompression;
use crate::log::{Appended, Validated};
use crate::net::Outcome;
use crate::protocol::produce::{ProducePartition, ProduceRequest, ProduceTopicKey};
use crate::protocol::{ErrorCode, response};
use crate::record::{
    BatchHeader, OutputBudget, ProduceRules, RecordRefusal, Refusal, TimestampRules, check_produced_bytes, validate_produce,
};
use crate::replica::Slot;
use crate::security::{Authorized, Operation, Resource};
use crate::types::{Acks, Offset, PartitionIndex, Timestamp, TimestampType, TopicIdPartition, TopicName};

/// Client id that may write to internal topics (Kafka's AdminUtils.ADMIN_CLIENT_ID).
const ADMIN_CLIENT: &str = "__admin_client";
/// First version whose answer names the leader when the partition is not led here (KIP-951).
const NAMES_LEADER: i16 = 10;
/// zstd is refused below this version.
const ZSTD: i16 = 7;

/// One partition on its way through.
enum Progress {
    Refused(PartitionProduceResponse),
    Appended { partition: Arc<Partition>, end: Offset, answer: PartitionProduceResponse },
}

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, mut frame: BytesMut, body: usize) -> Outcome {
    let request = match ProduceRequest::decode(&frame, body, context.version) {
        Ok(request) => request,
        Err(error) => return Outcome::Close(format!("Produce version {}: {error}", context.version)),
    };
    let acks = match request.acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    };
    let asked = distinct(&request, &frame, context.version >= ZSTD);
    let slot = Slot::new(i64::try_from(asked.len()).unwrap_or(i64::MAX));
    let authorized = may_produce(broker, context, &request, &frame);
    let progress: Vec<_> = asked
        .into_iter()
        .map(|asked| {
            let progress = match authorized {
                Ok(()) => append(broker, context, &mut frame, &asked, acks, &slot).unwrap_or_else(Progress::Refused),
                Err(code) => Progress::Refused(response::produce_refusal(asked.index.0, code)),
            };
            if matches!(progress, Progress::Refused(_)) {
                slot.credit(1);
            }
            (asked.topic, progress)
        })
        .collect();
    let all = acks == Some(Acks::All);
    if all {
        let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
        // Whether it was reached or ran out is asked of each partition below.
        let _ = tokio::time::timeout(timeout, std::future::poll_fn(|context| slot.poll(context))).await;
    } else {
        context.wrote_ahead();
    }
    drop(frame);
    let mut responses: IndexMap<&ProduceTopicKey, TopicProduceResponse> = IndexMap::new();
    for (topic, progress) in progress {
        responses.entry(topic).or_insert_with(|| topic_response(topic)).partition_responses.push(conclude(progress, all));
    }
    answer(context, acks, ProduceResponse::default().with_responses(responses.into_values().collect()))
}

/// The partitions that the request names, topic by topic. Of one that stands several times Kafka takes the last records that are one batch
/// at all, and answers INVALID_RECORD all the same if any of the others was not.
fn distinct<'a>(request: &'a ProduceRequest, frame: &[u8], zstd_allowed: bool) -> Vec<Asked<'a>> {
    let mut distinct: IndexMap<(&ProduceTopicKey, PartitionIndex), Asked<'_>> = IndexMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let bytes = partition.records.clone().and_then(|range| frame.get(range)).unwrap_or_default();
            let refusal = check_produced_bytes(bytes, zstd_allowed).err();
            let key = (&topic.topic, partition.index);
            let before = distinct.get(&key);
            let last = if refusal.is_none() { Some(partition) } else { before.and_then(|before| before.partition) };
            let refusal = refusal.or_else(|| before.and_then(|before| before.refusal.clone()));
            distinct.insert(key, Asked { topic: &topic.topic, index: partition.index, partition: last, refusal });
        }
    }
    distinct.into_values().collect()
}

/// What a request asks of one partition.
struct Asked<'a> {
    topic: &'a ProduceTopicKey,
    index: PartitionIndex,
    /// What is to be appended.
    partition: Option<&'a ProducePartition>,
    /// Why some of the bytes are refused before anybody looks at the log.
    refusal: Option<Refusal>,
}

/// A request with a transactional batch needs a transactional id, and the right to it, whatever else is in the request
/// (RequestUtils.hasTransactionalRecords).
fn may_produce(broker: &Broker, context: &RequestContext, request: &ProduceRequest, frame: &[u8]) -> Result<(), ErrorCode> {
    let is_transactional = |partition: &ProducePartition| {
        let bytes = partition.records.clone().and_then(|range| frame.get(range)).unwrap_or_default();
        BatchHeader::parse(bytes).is_ok_and(|header| header.attributes.is_transactional())
    };
    if !request.topics.iter().flat_map(|topic| &topic.partitions).any(is_transactional) {
        return Ok(());
    }
    let allowed = request
        .transactional_id
        .as_deref()
        .is_some_and(|id| broker.security.allows(&context.principal, Operation::Write, Resource::TransactionalId(id)));
    if allowed { Ok(()) } else { Err(ErrorCode::TransactionalIdAuthorizationFailed) }
}

fn answer(context: &RequestContext, acks: Option<Acks>, response: ProduceResponse) -> Outcome {
    if acks != Some(Acks::None) {
        return context.respond(&response);
    }
    let failed =
        response.responses.iter().flat_map(|topic| &topic.partition_responses).find(|partition| partition.error_code != 0);
    match failed {
        None => Outcome::Nothing,
        Some(partition) => Outcome::Close(format!("a produce with acks=0 failed with error {}", partition.error_code)),
    }
}

/// The wait is over: what was appended counts if the high watermark has passed it.
fn conclude(progress: Progress, wait_for_all: bool) -> PartitionProduceResponse {
    match progress {
        Progress::Refused(answer) => answer,
        Progress::Appended { answer, .. } if !wait_for_all || answer.error_code != 0 => answer,
        Progress::Appended { partition, end, answer } => match partition.is_acknowledged(end) {
            Ok(true) => answer,
            Ok(false) => response::produce_refusal(answer.index, ErrorCode::RequestTimedOut),
            Err(error) => response::produce_refusal(answer.index, partition_error(&error)),
        },
    }
}

fn topic_response(topic: &ProduceTopicKey) -> TopicProduceResponse {
    match topic {
        ProduceTopicKey::Name(name) => TopicProduceResponse::default().with_name(wire_topic(name)),
        ProduceTopicKey::Id(id) => TopicProduceResponse::default().with_topic_id(id.0),
    }
}

/// The proof that the topic may be written to.
fn find_topic(broker: &Broker, context: &RequestContext, key: &ProduceTopicKey) -> Result<Authorized<TopicName>, ErrorCode> {
    let name = match key {
        ProduceTopicKey::Name(name) => name.clone(),
        ProduceTopicKey::Id(id) => {
            broker.image().topics().by_id(*id).map(|topic| topic.name.clone()).ok_or(ErrorCode::UnknownTopicId)?
        }
    };
    broker.security.authorize(&context.principal, Operation::Write, name).ok_or(ErrorCode::TopicAuthorizationFailed)
}

#[expect(clippy::result_large_err, reason = "a refusal is the partition's whole answer, moved once into the response")]
fn append(
    broker: &Broker,
    context: &RequestContext,
    frame: &mut BytesMut,
    asked: &Asked<'_>,
    acks: Option<Acks>,
    slot: &Arc<Slot>,
) -> Result<Progress, PartitionProduceResponse> {
    let index = asked.index.0;
    let refuse = |code| response::produce_refusal(index, code);
    let topic = &find_topic(broker, context, asked.topic).map_err(refuse)?;
    let image = broker.topic(topic).ok_or_else(|| refuse(ErrorCode::UnknownTopicOrPartition))?;
    let id = TopicIdPartition { topic_id: image.id, partition: asked.index };
    if image.partition(asked.index).is_none() {
        return Err(refuse(ErrorCode::UnknownTopicOrPartition));
    }
    let Some(refusal) = &asked.refusal else { return append_records(broker, context, frame, asked, (topic, id), acks, slot) };
    // What is wrong with any of its bytes is the partition's answer, but what can be appended is (KafkaApis.handleProduceRequest).
    let refused = refuse(batch_refusal(refusal));
    match append_records(broker, context, frame, asked, (topic, id), acks, slot) {
        Ok(Progress::Appended { partition, end, .. }) => Ok(Progress::Appended { partition, end, answer: refused }),
        _ => Err(refused),
    }
}

/// Appends what is asked of a partition that exists and may be written to.
#[expect(clippy::result_large_err, reason = "a refusal is the partition's whole answer, moved once into the response")]
fn append_records(
    broker: &Broker,
    context: &RequestContext,
    frame: &mut BytesMut,
    asked: &Asked<'_>,
    (topic, id): (&Authorized<TopicName>, TopicIdPartition),
    acks: Option<Acks>,
    slot: &Arc<Slot>,
) -> Result<Progress, PartitionProduceResponse> {
    let index = asked.index.0;
    let refuse = |code| response::produce_refusal(index, code);
    let records = asked.partition.ok_or_else(|| refuse(ErrorCode::InvalidRecord))?;
    let acks = acks.ok_or_else(|| refuse(ErrorCode::InvalidRequiredAcks))?;
    let partition = broker.partition(topic, id).map_err(|error| {
        broker.metrics.elsewhere.produce();
        refuse(partition_error(&error))
    })?;
    partition.traffic.produce();
    let bytes = records.records.clone().and_then(|range| frame.get_mut(range)).unwrap_or_default();
    let settings = partition.settings();
    let now = broker.clock.timestamp();
    let rules = ProduceRules {
        now,
        max_message_bytes: settings.max_message_bytes,
        segment_bytes: usize::try_from(settings.segment_bytes).unwrap_or(usize::MAX),
        timestamps: TimestampRules {
            timestamp_type: settings.timestamp_type,
            before_max_ms: settings.timestamp_before_max_ms,
            after_max_ms: settings.timestamp_after_max_ms,
        },
        compacted: settings.cleanup_compact,
        target_compression: match settings.compression {
            TopicCompression::Producer => None,
            TopicCompression::Always(codec, level) => Some((codec, level)),
        },
        zstd_allowed: context.version >= ZSTD,
        decompression_budget: OutputBudget(decompression_budget(settings.max_message_bytes)),
    };
    if is_internal_topic(topic.get().as_str()) && *context.client_id != *ADMIN_CLIENT {
        return Err(refuse(ErrorCode::InvalidTopicException));
    }
    let sent_bytes = bytes.len();
    let valid = validate_produce(bytes, &rules).map_err(|refusal| refused_batch(index, &partition, sent_bytes, refusal))?;
    if valid.header.attributes.is_transactional() {
        return Err(refuse(ErrorCode::InvalidTxnState));
    }
    let record_count = valid.header.record_count;
    let mut rewritten = valid.rewritten;
    let bytes = match &mut rewritten {
        Some(bytes) => bytes.as_mut_slice(),
        None => bytes,
    };
    let batch = Validated { bytes, header: valid.header, max_timestamp_delta: valid.max_timestamp_delta };
    match partition.append(batch, acks, Some(slot), now) {
        Ok(appended) => {
            partition.traffic.appended(sent_bytes, record_count);
            let answer = appended_answer(index, &appended, settings.timestamp_type, now);
            Ok(Progress::Appended { partition, end: appended.last_offset.next(), answer })
        }
        Err(error) => Err(refused_append(context, index, &partition, broker, &error)),
    }
}

/// At least 16 MiB, and 64 times the largest batch: no honest codec gains more on data worth sending.
fn decompression_budget(max_message_bytes: usize) -> usize {
    max_message_bytes.saturating_mul(64).max(16 << 20)
}

fn appended_answer(index: i32, appended: &Appended, timestamps: TimestampType, now: Timestamp) -> PartitionProduceResponse {
    // Of a duplicate Kafka tells the time that it knows, whosever it is (UnifiedLog.append).
    let log_append_time = match timestamps {
        _ if appended.duplicate => appended.timestamp.0,
        TimestampType::CreateTime => -1,
        TimestampType::LogAppendTime => now.0,
    };
    PartitionProduceResponse::default()
        .with_index(index)
        .with_base_offset(appended.base_offset.0)
        .with_log_append_time_ms(log_append_time)
        .with_log_start_offset(appended.log_start_offset.0)
        .with_error_message(None)
}

/// What refusals of a batch tell; -1 when the partition is not served any more.
fn log_start(partition: &Partition) -> i64 {
    partition.offsets().map_or(-1, |(log_start, ..)| log_start.0)
}

fn refused_append(
    context: &RequestContext,
    index: i32,
    partition: &Partition,
    broker: &Broker,
    error: &PartitionError,
) -> PartitionProduceResponse {
    let mut refusal = response::produce_refusal(index, partition_error(error)).with_error_message(None);
    if matches!(error, PartitionError::Append(_)) {
        partition.traffic.produce_failed();
        refusal.log_start_offset = log_start(partition);
    }
    if context.version >= NAMES_LEADER && matches!(error, PartitionError::NotLeader) {
        let image = broker.image();
        if let Some(image) = image.topics().partition(partition.id) {
            refusal.current_leader = LeaderIdAndEpoch::default()
                .with_leader_id(image.leader.map_or(-1, |leader| leader.0).into())
                .with_leader_epoch(image.leader_epoch.0);
        }
    }
    refusal
}

/// Batches that are too large or damaged are no failure of the broker's, says Kafka (ReplicaManager.appendToLocalLog).
fn count_refusal(partition: &Partition, bytes: usize, refusal: &Refusal) {
    match refusal {
        Refusal::TooLarge { .. } => partition.traffic.rejected(bytes),
        Refusal::Corrupt(_) | Refusal::LargerThanSegment { .. } => {}
        Refusal::InvalidRecord { .. }
        | Refusal::InvalidTimestamp { .. }
        | Refusal::NotOneBatch(_)
        | Refusal::UnsupportedCompression(_) => partition.traffic.produce_failed(),
    }
}

/// Kafka tells the log start with refusals of what is in the batch, and a message with those that name records
/// (ReplicaManager.appendRecordsToLeader).
fn refused_batch(index: i32, partition: &Partition, bytes: usize, refusal: Refusal) -> PartitionProduceResponse {
    count_refusal(partition, bytes, &refusal);
    let mut answer = response::produce_refusal(index, batch_refusal(&refusal));
    if matches!(refusal, Refusal::InvalidRecord { .. } | Refusal::InvalidTimestamp { .. }) {
        answer.log_start_offset = log_start(partition);
    }
    match refusal {
        Refusal::InvalidRecord { records, .. } | Refusal::InvalidTimestamp { records, .. } if records.is_empty() => {
            answer.with_error_message(None)
        }
        Refusal::InvalidRecord { message, records } | Refusal::InvalidTimestamp { message, records } => {
            answer.with_error_message(Some(wire(&message))).with_record_errors(records.into_iter().map(record_error).collect())
        }
        Refusal::Corrupt(_)
        | Refusal::TooLarge { .. }
        | Refusal::LargerThanSegment { .. }
        | Refusal::NotOneBatch(_)
        | Refusal::UnsupportedCompression(_) => answer,
    }
}

fn record_error(refusal: RecordRefusal) -> BatchIndexAndErrorMessage {
    BatchIndexAndErrorMessage::default()
        .with_batch_index(refusal.batch_index)
        .with_batch_index_error_message(refusal.message.map(|text| wire(&text)))
}
