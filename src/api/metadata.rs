//! Metadata (3), versions 0 to 13.
//!
//! Hides topics without Describe from "all topics", and answers TOPIC_AUTHORIZATION_FAILED when they are named. A named topic that does not
//! exist is created in the background if that is allowed (and the right to create is there); this first answer says
//! UNKNOWN_TOPIC_OR_PARTITION all the same, as Kafka's does, and the client asks again (traps 10 to 13).

use std::sync::Arc;

use indexmap::IndexSet;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};
use uuid::Uuid;

use super::context::{OPERATIONS_NOT_ASKED, RequestContext, wire, wire_topic};
use crate::broker::{Broker, is_internal_topic};
use crate::controller::check_topic_name;
use crate::metadata::{MetadataImage, PartitionImage, TopicImage};
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation, Resource, TOPIC_OPERATIONS};
use crate::types::{NodeId, TopicId, TopicName, java_hash};

/// First version that may name topics by id.
const TOPIC_IDS: i16 = 12;
/// Versions that carry the cluster's authorised operations.
const CLUSTER_OPERATIONS_VERSIONS: std::ops::RangeInclusive<i16> = 8..=10;

pub(super) async fn handle(broker: &Arc<Broker>, context: &RequestContext, request: MetadataRequest) -> MetadataResponse {
    let image = broker.image();
    let brokers = live_brokers(&image, &context.connection.listener);
    // Any live broker will do, since every broker forwards; spread over them.
    let controller =
        usize::try_from(broker.clock.random()).unwrap_or(0).checked_rem(brokers.len()).and_then(|index| brokers.get(index));
    let mut response = MetadataResponse::default()
        .with_cluster_id(Some(wire(&broker.cluster_id.0)))
        .with_controller_id(controller.map_or((-1).into(), |broker| broker.node_id));
    if request.include_cluster_authorized_operations && CLUSTER_OPERATIONS_VERSIONS.contains(&context.version) {
        response.cluster_authorized_operations = context.cluster_operations(broker);
    }
    response.brokers = brokers;
    response.topics = match selection(context.version, request.topics) {
        Selection::All => all_topics(broker, context, &image, request.include_topic_authorized_operations),
        Selection::Malformed(topics) => return refuse_all(response, topics),
        Selection::Ids(ids) => {
            let operations = request.include_topic_authorized_operations;
            let found = ids.into_iter().map(|id| topic_by_id(broker, context, &image, id, operations));
            let mut found: Vec<_> = found.collect();
            found.sort_by_key(|topic| topic.error_code != ErrorCode::UnknownTopicId.number());
            found
        }
        Selection::Names(names) => {
            let create = request.allow_auto_topic_creation && broker.config.topic_creation.auto_create_topics;
            named_topics(broker, context, &image, names, create, request.include_topic_authorized_operations)
        }
    };
    response
}

/// Which topics are asked for.
enum Selection {
    All,
    Names(IndexSet<TopicName>),
    Ids(IndexSet<TopicId>),
    /// An id, or no name, where the version allows neither.
    Malformed(Vec<MetadataRequestTopic>),
}

fn selection(version: i16, topics: Option<Vec<MetadataRequestTopic>>) -> Selection {
    let Some(topics) = topics else { return Selection::All };
    if version == 0 && topics.is_empty() {
        return Selection::All;
    }
    if version < TOPIC_IDS && topics.iter().any(|topic| topic.name.is_none() || !topic.topic_id.is_nil()) {
        return Selection::Malformed(topics);
    }
    if topics.iter().any(|topic| !topic.topic_id.is_nil()) {
        return Selection::Ids(
            topics.iter().filter(|topic| !topic.topic_id.is_nil()).map(|topic| TopicId(topic.topic_id)).collect(),
        );
    }
    Selection::Names(topics.iter().filter_map(|topic| topic.name.as_ref()).map(|name| TopicName::new(name)).collect())
}

/// INVALID_REQUEST for every topic named, as Kafka's error answer does; without brokers.
fn refuse_all(_: MetadataResponse, topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let topics = topics.into_iter().map(|topic| {
        let name = topic.name.unwrap_or_default();
        topic_error(ErrorCode::InvalidRequest, Some(&TopicName::new(&name)), topic.topic_id).with_is_internal(false)
    });
    MetadataResponse::default().with_cluster_id(None).with_topics(topics.collect())
}

fn topic_error(code: ErrorCode, name: Option<&TopicName>, id: Uuid) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_error_code(code.number())
        .with_is_internal(name.is_some_and(|name| is_internal_topic(name.as_str())))
        .with_name(name.map(wire_topic))
        .with_topic_id(id)
        .with_topic_authorized_operations(OPERATIONS_NOT_ASKED)
}

fn all_topics(broker: &Broker, context: &RequestContext, image: &MetadataImage, operations: bool) -> Vec<MetadataResponseTopic> {
    let visible = image.topics().iter().filter_map(|topic| {
        Some((broker.security.authorize(&context.principal, Operation::Describe, topic.name.clone())?, topic))
    });
    let mut visible: Vec<_> = visible.collect();
    let buckets = hash_buckets(visible.len());
    visible.sort_by_cached_key(|(_, topic)| place_in_hash_set(topic.name.as_str(), buckets));
    visible.iter().map(|(authorized, topic)| describe(broker, context, image, authorized, topic, operations)).collect()
}

/// How many buckets Scala's `mutable.HashSet` has once it holds this many: a power of two, doubled when three quarters would be filled.
///
/// Kafka lists all topics in the order of such a set. The protocol promises none, but tools print what comes in the order in which it comes,
/// and a broker that takes another one's place should not shuffle their output.
fn hash_buckets(elements: usize) -> usize {
    (elements.saturating_mul(4) / 3).saturating_add(1).next_power_of_two().max(16)
}

/// Where such a set keeps this name: by bucket, and within one by hash.
fn place_in_hash_set(name: &str, buckets: usize) -> (u32, i32) {
    let hash = java_hash(name).cast_unsigned();
    let spread = hash ^ (hash >> 16);
    let mask = u32::try_from(buckets - 1).unwrap_or(u32::MAX);
    (spread & mask, spread.cast_signed())
}

fn topic_by_id(
    broker: &Broker,
    context: &RequestContext,
    image: &MetadataImage,
    id: TopicId,
    operations: bool,
) -> MetadataResponseTopic {
    let Some(topic) = image.topics().by_id(id) else { return topic_error(ErrorCode::UnknownTopicId, None, id.0) };
    match broker.security.authorize(&context.principal, Operation::Describe, topic.name.clone()) {
        Some(authorized) => describe(broker, context, image, &authorized, topic, operations),
        // An id gives nothing away, so it may be told that it exists.
        None => topic_error(ErrorCode::TopicAuthorizationFailed, None, id.0),
    }
}

fn named_topics(
    broker: &Arc<Broker>,
    context: &RequestContext,
    image: &MetadataImage,
    names: IndexSet<TopicName>,
    create: bool,
    operations: bool,
) -> Vec<MetadataResponseTopic> {
    let mut missing = Vec::new();
    let mut topics: Vec<(Place, MetadataResponseTopic)> = Vec::with_capacity(names.len());
    for name in names {
        topics.push(named_topic(broker, context, image, name, create, operations, &mut missing));
    }
    topics.sort_by_key(|(place, _)| *place);
    if !missing.is_empty() {
        broker.auto_create(missing);
    }
    topics.into_iter().map(|(_, topic)| topic).collect()
}

/// Kafka answers about named topics in this order, within each as they were named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    There,
    Absent,
    MayNotBeCreated,
    MayNotBeDescribed,
}

fn named_topic(
    broker: &Broker,
    context: &RequestContext,
    image: &MetadataImage,
    name: TopicName,
    create: bool,
    operations: bool,
    missing: &mut Vec<Authorized<TopicName>>,
) -> (Place, MetadataResponseTopic) {
    let Some(authorized) = broker.security.authorize(&context.principal, Operation::Describe, name.clone()) else {
        // Not even that the name is one of the internal ones.
        let answer = topic_error(ErrorCode::TopicAuthorizationFailed, Some(&name), Uuid::nil()).with_is_internal(false);
        return (Place::MayNotBeDescribed, answer);
    };
    if let Some(topic) = image.topics().by_name(name.as_str()) {
        return (Place::There, describe(broker, context, image, &authorized, topic, operations));
    }
    let code = absent(broker, context, &name, create, missing);
    let answer = topic_error(code, Some(&name), Uuid::nil());
    if code == ErrorCode::TopicAuthorizationFailed {
        return (Place::MayNotBeCreated, answer);
    }
    let operations = if operations { topic_operations(broker, context, &name) } else { OPERATIONS_NOT_ASKED };
    (Place::Absent, answer.with_topic_authorized_operations(operations))
}

/// The code for a topic that does not exist; puts it on the list of those to create if that is wanted and allowed.
fn absent(
    broker: &Broker,
    context: &RequestContext,
    name: &TopicName,
    create: bool,
    missing: &mut Vec<Authorized<TopicName>>,
) -> ErrorCode {
    if check_topic_name(name.as_str()).is_err() {
        return ErrorCode::InvalidTopicException;
    }
    if create {
        match may_create(broker, context, name.clone()) {
            Some(authorized) => missing.push(authorized),
            None => return ErrorCode::TopicAuthorizationFailed,
        }
    }
    ErrorCode::UnknownTopicOrPartition
}

pub(super) fn topic_operations(broker: &Broker, context: &RequestContext, name: &TopicName) -> i32 {
    broker.security.operations(&context.principal, Resource::Topic(name.as_str()), TOPIC_OPERATIONS)
}

fn may_create(broker: &Broker, context: &RequestContext, name: TopicName) -> Option<Authorized<TopicName>> {
    broker.security.authorize_by_cluster(&context.principal, Operation::Create, Operation::Create, name)
}

fn describe(
    broker: &Broker,
    context: &RequestContext,
    image: &MetadataImage,
    authorized: &Authorized<TopicName>,
    topic: &TopicImage,
    operations: bool,
) -> MetadataResponseTopic {
    let name = authorized.get();
    let operations = if operations { topic_operations(broker, context, name) } else { OPERATIONS_NOT_ASKED };
    let partitions =
        topic.partitions.iter().map(|(index, partition)| describe_partition(broker, context, image, index.0, partition));
    MetadataResponseTopic::default()
        .with_name(Some(wire_topic(name)))
        .with_topic_id(topic.id.0)
        .with_is_internal(is_internal_topic(name.as_str()))
        .with_partitions(partitions.collect())
        .with_topic_authorized_operations(operations)
}

fn describe_partition(
    broker: &Broker,
    context: &RequestContext,
    image: &MetadataImage,
    index: i32,
    partition: &PartitionImage,
) -> MetadataResponsePartition {
    let reachable = Reachable { image, listener: &context.connection.listener };
    let leader = reachable.leader(partition);
    let code = match (partition.leader, leader) {
        (_, Some(_)) => ErrorCode::None,
        (Some(id), None) if context.version >= 6 && image.broker(id).is_some_and(|broker| broker.is_active()) => {
            ErrorCode::ListenerNotFound
        }
        _ => ErrorCode::LeaderNotAvailable,
    };
    MetadataResponsePartition::default()
        .with_error_code(code.number())
        .with_partition_index(index)
        .with_leader_id(leader.map_or(-1, |leader| leader.0).into())
        .with_leader_epoch(partition.leader_epoch.0)
        .with_replica_nodes(wire_nodes(&partition.replicas))
        .with_isr_nodes(wire_nodes(&partition.isr))
        .with_offline_replicas(wire_nodes(&reachable.offline(broker, partition)))
}

/// Which brokers clients of a listener can reach.
pub(super) struct Reachable<'a> {
    pub(super) image: &'a MetadataImage,
    pub(super) listener: &'a str,
}

impl Reachable<'_> {
    fn is_reachable(&self, id: NodeId) -> bool {
        self.image.broker(id).is_some_and(|broker| broker.is_active() && broker.endpoint(self.listener).is_some())
    }

    /// The partition's leader, if it can be reached.
    pub(super) fn leader(&self, partition: &PartitionImage) -> Option<NodeId> {
        partition.leader.filter(|leader| self.is_reachable(*leader))
    }

    /// Replicas on brokers that cannot be reached, or in directories that are offline.
    pub(super) fn offline(&self, broker: &Broker, partition: &PartitionImage) -> Vec<NodeId> {
        let is_offline = |id: &NodeId| !self.is_reachable(*id) || broker.is_replica_offline(*id, partition);
        partition.replicas.iter().copied().filter(is_offline).collect()
    }
}

pub(super) fn wire_nodes(ids: &[NodeId]) -> Vec<BrokerId> {
    ids.iter().map(|id| id.0.into()).collect()
}

/// Brokers that are not fenced, by the listener that the request came in on.
fn live_brokers(image: &MetadataImage, listener: &str) -> Vec<MetadataResponseBroker> {
    let live = image.brokers().values().filter(|broker| broker.is_active()).filter_map(|broker| {
        let endpoint = broker.endpoint(listener)?;
        let wired = MetadataResponseBroker::default()
            .with_node_id(broker.id.0.into())
            .with_host(wire(&endpoint.host))
            .with_port(i32::from(endpoint.port))
            .with_rack(broker.rack.as_deref().map(wire));
        Some(wired)
    });
    live.collect()
}

#[cfg(test)]
mod tests {
    use super::{hash_buckets, place_in_hash_set};

    fn in_order(names: &[&'static str]) -> Vec<&'static str> {
        let mut names = names.to_vec();
        let buckets = hash_buckets(names.len());
        names.sort_by_key(|name| place_in_hash_set(name, buckets));
        names
    }

    /// As Apache Kafka 4.3.0 listed these topics, before and after the twelfth was made.
    #[test]
    fn all_topics_come_in_kafkas_order() {
        let eleven = [
            "a.b",
            "compacted",
            "alpha",
            "payments",
            "delta",
            "clicks",
            "orders",
            "__consumer_offsets",
            "beta",
            "gamma",
            "users",
        ];
        let twelve = [
            "compacted",
            "payments",
            "delta",
            "users",
            "a.b",
            "audit",
            "alpha",
            "clicks",
            "orders",
            "__consumer_offsets",
            "beta",
            "gamma",
        ];
        let mut names = twelve.to_vec();
        names.sort_unstable();
        assert_eq!(in_order(&names), twelve);
        names.retain(|name| *name != "audit");
        assert_eq!(in_order(&names), eleven);
    }

    #[test]
    fn a_hash_set_doubles_when_the_next_element_would_fill_three_quarters() {
        let grown = [(0, 16), (11, 16), (12, 32), (23, 32), (24, 64), (47, 64), (48, 128), (95, 128), (96, 256)];
        for (elements, buckets) in grown {
            assert_eq!(hash_buckets(elements), buckets, "{elements}");
        }
    }
}
