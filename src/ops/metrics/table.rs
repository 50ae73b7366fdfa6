//! The table of metrics: what each is called, what it means, how it is read off what was seen. The page of documentation comes from here too.

use std::time::Duration;

use super::exposition::{Kind, Samples};
use crate::broker::{CommittedSeen, DiskSeen, Observation, RequestsSeen, TrafficSeen};
use crate::group::GroupState;
use crate::log::LogShape;
use crate::protocol::ApiKey;

/// One metric.
pub(super) struct Metric {
    /// Without the suffix of its kind.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    /// What it is called in Apache Kafka; `None` for one of our own.
    pub(super) bean: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) samples: fn(&Observation, &mut Samples<'_>),
}

const fn metric(name: &'static str, kind: Kind, help: &'static str, samples: fn(&Observation, &mut Samples<'_>)) -> Metric {
    Metric { name, kind, labels: &[], bean: None, help, samples }
}

const fn counter(name: &'static str, help: &'static str, samples: fn(&Observation, &mut Samples<'_>)) -> Metric {
    metric(name, Kind::Counter, help, samples)
}

const fn gauge(name: &'static str, help: &'static str, samples: fn(&Observation, &mut Samples<'_>)) -> Metric {
    metric(name, Kind::Gauge, help, samples)
}

impl Metric {
    const fn kafka(mut self, bean: &'static str) -> Self {
        self.bean = Some(bean);
        self
    }

    const fn by(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }
}

/// All metrics, by subject.
pub(super) const SUBJECTS: &[(&str, &[Metric])] = &[
    ("Topics", TOPICS),
    ("Replicas", REPLICAS),
    ("Controller", CONTROLLER),
    ("Requests", REQUESTS),
    ("Groups", GROUPS),
    ("Logs", LOGS),
    ("The node", NODE),
];

#[rustfmt::skip]
const TOPICS: &[Metric] = &[
    counter("kafka_server_brokertopicmetrics_messagesin", "Records appended.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.records_in))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec"),
    counter("kafka_server_brokertopicmetrics_bytesin", "Bytes of record batches appended, as they were sent.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.bytes_in))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec"),
    counter("kafka_server_brokertopicmetrics_bytesout", "Bytes of record batches sent to consumers.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.bytes_out))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec"),
    counter("kafka_server_brokertopicmetrics_bytesrejected", "Bytes of record batches that were larger than max.message.bytes.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.bytes_rejected))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=BytesRejectedPerSec"),
    counter("kafka_server_brokertopicmetrics_totalproducerequests", "Appends asked for, one for each partition of a request.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.produce_requests))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=TotalProduceRequestsPerSec"),
    counter("kafka_server_brokertopicmetrics_totalfetchrequests", "Reads asked for, one for each partition of a request.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.fetch_requests))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=TotalFetchRequestsPerSec"),
    counter("kafka_server_brokertopicmetrics_failedproducerequests",
        "Appends that failed, but for errors that are part of a cluster's life: a partition led elsewhere, a disk offline, a batch too large or damaged.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.failed_produce_requests))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=FailedProduceRequestsPerSec"),
    counter("kafka_server_brokertopicmetrics_failedfetchrequests",
        "Reads that failed, but for errors that are part of a cluster's life: a partition led elsewhere, another epoch, an offset out of range, a disk offline.",
        |seen, samples| by_topic(seen, samples, |traffic| traffic.failed_fetch_requests))
        .by(&["topic"]).kafka("kafka.server:type=BrokerTopicMetrics,name=FailedFetchRequestsPerSec"),
];

#[rustfmt::skip]
const REPLICAS: &[Metric] = &[
    gauge("kafka_server_replicamanager_partitioncount", "Partitions that have a replica on this node.",
        |seen, samples| samples.value(&[], seen.replicas.partitions)).kafka("kafka.server:type=ReplicaManager,name=PartitionCount"),
    gauge("kafka_server_replicamanager_leadercount", "Partitions that this node leads.",
        |seen, samples| samples.value(&[], seen.replicas.led)).kafka("kafka.server:type=ReplicaManager,name=LeaderCount"),
    gauge("kafka_server_replicamanager_offlinereplicacount", "Replicas on this node whose log directory is offline or had no space for them.",
        |seen, samples| samples.value(&[], seen.replicas.offline)).kafka("kafka.server:type=ReplicaManager,name=OfflineReplicaCount"),
    gauge("kafka_server_replicamanager_underreplicatedpartitions", "Partitions led here whose ISR lacks a replica.",
        |seen, samples| samples.value(&[], seen.replicas.under_replicated)).kafka("kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions"),
    gauge("kafka_server_replicamanager_underminisrpartitioncount", "Partitions led here with fewer replicas in the ISR than min.insync.replicas.",
        |seen, samples| samples.value(&[], seen.replicas.under_min_isr)).kafka("kafka.server:type=ReplicaManager,name=UnderMinIsrPartitionCount"),
    gauge("kafka_server_replicamanager_atminisrpartitioncount", "Partitions led here with just as many replicas in the ISR as min.insync.replicas.",
        |seen, samples| samples.value(&[], seen.replicas.at_min_isr)).kafka("kafka.server:type=ReplicaManager,name=AtMinIsrPartitionCount"),
    counter("kafka_server_replicamanager_isrshrinks", "Times that the ISR of a partition led here shrank.",
        |seen, samples| samples.value(&[], seen.isr_shrinks)).kafka("kafka.server:type=ReplicaManager,name=IsrShrinksPerSec"),
    counter("kafka_server_replicamanager_isrexpands", "Times that the ISR of a partition led here grew.",
        |seen, samples| samples.value(&[], seen.isr_expands)).kafka("kafka.server:type=ReplicaManager,name=IsrExpandsPerSec"),
];

#[rustfmt::skip]
const CONTROLLER: &[Metric] = &[
    gauge("kafka_controller_kafkacontroller_activecontrollercount", "1 if this node's controller decides for the cluster.",
        |seen, samples| samples.value(&[], u8::from(seen.cluster.is_active_controller))).kafka("kafka.controller:type=KafkaController,name=ActiveControllerCount"),
    gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader.",
        |seen, samples| samples.value(&[], seen.cluster.offline_partitions)).kafka("kafka.controller:type=KafkaController,name=OfflinePartitionsCount"),
    gauge("kafka_controller_kafkacontroller_preferredreplicaimbalancecount", "Partitions that are not led by the first of their replicas.",
        |seen, samples| samples.value(&[], seen.cluster.not_led_by_preferred)).kafka("kafka.controller:type=KafkaController,name=PreferredReplicaImbalanceCount"),
    gauge("kafka_controller_kafkacontroller_globaltopiccount", "Topics of the cluster.",
        |seen, samples| samples.value(&[], seen.cluster.topics)).kafka("kafka.controller:type=KafkaController,name=GlobalTopicCount"),
    gauge("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster.",
        |seen, samples| samples.value(&[], seen.cluster.partitions)).kafka("kafka.controller:type=KafkaController,name=GlobalPartitionCount"),
    gauge("kafka_controller_kafkacontroller_activebrokercount", "Brokers that are registered and not fenced.",
        |seen, samples| samples.value(&[], seen.cluster.active_brokers)).kafka("kafka.controller:type=KafkaController,name=ActiveBrokerCount"),
    gauge("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are registered and fenced.",
        |seen, samples| samples.value(&[], seen.cluster.fenced_brokers)).kafka("kafka.controller:type=KafkaController,name=FencedBrokerCount"),
];

#[rustfmt::skip]
const REQUESTS: &[Metric] = &[
    counter("kafka_network_requestmetrics_requests", "Requests, those that are being served included.", requests)
        .by(&["request", "version"]).kafka("kafka.network:type=RequestMetrics,name=RequestsPerSec"),
    metric("kafka_network_requestmetrics_totaltimems", Kind::Summary,
        "Milliseconds from a request's whole frame to its answer; the quantiles are those of the last one to two minutes.", total_times)
        .by(&["request", "quantile"]).kafka("kafka.network:type=RequestMetrics,name=TotalTimeMs"),
    metric("klamm_request_duration_seconds", Kind::Histogram, "The same times since the start, as a histogram.", durations)
        .by(&["api", "le"]),
    gauge("klamm_requests_in_flight", "Requests that are being served.",
        |seen, samples| seen.requests.iter().for_each(|api| samples.value(&[("api", &api.key.name())], api.in_flight()))).by(&["api"]),
    gauge("kafka_server_delayedoperationpurgatory_purgatorysize",
        "Requests that wait: of Produce for the disk (or replicas) with acks=all, of Fetch for records.", purgatories)
        .by(&["delayedoperation"]).kafka("kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize"),
];

#[rustfmt::skip]
const GROUPS: &[Metric] = &[
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroups", "Groups that this node coordinates.",
        |seen, samples| samples.value(&[], all_groups(seen))).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance", "Of these, those that wait for their members to join.",
        |seen, samples| groups_in(seen, samples, GroupState::PreparingRebalance)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsPreparingRebalance"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance", "Those that wait for the assignment.",
        |seen, samples| groups_in(seen, samples, GroupState::CompletingRebalance)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsCompletingRebalance"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroupsstable", "Those whose members have their assignments.",
        |seen, samples| groups_in(seen, samples, GroupState::Stable)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsStable"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroupsempty", "Those without members.",
        |seen, samples| groups_in(seen, samples, GroupState::Empty)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsEmpty"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numgroupsdead", "Those that are gone and not forgotten; here there are none.",
        |seen, samples| groups_in(seen, samples, GroupState::Dead)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumGroupsDead"),
    gauge("kafka_coordinator_group_groupmetadatamanager_numoffsets", "Committed offsets of all groups.",
        |seen, samples| samples.value(&[], seen.groups.offsets)).kafka("kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets"),
    gauge("kafka_server_group_coordinator_metrics_group_count", "Groups by their protocol.",
        |seen, samples| samples.value(&[("protocol", &"classic")], all_groups(seen)))
        .by(&["protocol"]).kafka("kafka.server:type=group-coordinator-metrics,protocol=*, group-count"),
    gauge("kafka_consumergroup_current_offset", "What a group has committed of a partition. Apache Kafka has no such metric: the name is that of the usual exporter.",
        |seen, samples| by_committed(seen, samples, |committed| Some(committed.offset.0)))
        .by(&["consumergroup", "topic", "partition"]),
    gauge("kafka_consumergroup_lag", "Records that could be read behind it. The name as above.",
        |seen, samples| by_committed(seen, samples, |committed| committed.lag))
        .by(&["consumergroup", "topic", "partition"]),
];

#[rustfmt::skip]
const LOGS: &[Metric] = &[
    gauge("kafka_log_log_size", "Bytes in the partition's segments.",
        |seen, samples| by_partition(seen, samples, |log| log.size))
        .by(&["topic", "partition"]).kafka("kafka.log:type=Log,name=Size"),
    gauge("kafka_log_log_numlogsegments", "Segments of the partition.",
        |seen, samples| by_partition(seen, samples, |log| log.segments as u64))
        .by(&["topic", "partition"]).kafka("kafka.log:type=Log,name=NumLogSegments"),
    gauge("kafka_log_log_logstartoffset", "The partition's first offset.",
        |seen, samples| by_partition(seen, samples, |log| log.log_start_offset))
        .by(&["topic", "partition"]).kafka("kafka.log:type=Log,name=LogStartOffset"),
    gauge("kafka_log_log_logendoffset", "The offset behind the partition's last record. A group's lag is its distance from what the group committed.",
        |seen, samples| by_partition(seen, samples, |log| log.log_end_offset))
        .by(&["topic", "partition"]).kafka("kafka.log:type=Log,name=LogEndOffset"),
    gauge("kafka_log_logmanager_offlinelogdirectorycount", "Log directories that failed; they come back with a restart.",
        |seen, samples| samples.value(&[], seen.offline_log_directories)).kafka("kafka.log:type=LogManager,name=OfflineLogDirectoryCount"),
];

#[rustfmt::skip]
const NODE: &[Metric] = &[
    gauge("kafka_server_kafkaserver_brokerstate", "3: clients are served. 7: the node stops.",
        |seen, samples| samples.value(&[], if seen.is_stopping { 7 } else { 3 })).kafka("kafka.server:type=KafkaServer,name=BrokerState"),
    gauge("kafka_server_socket_server_metrics_connection_count", "Open connections. The thread that serves them is the JMX exporter's label, and not told here.",
        |seen, samples| seen.server.connections().for_each(|(listener, open)| samples.value(&[("listener", listener)], open)))
        .by(&["listener"]).kafka("kafka.server:type=socket-server-metrics,listener=*, connection-count"),
    counter("klamm_connections_accepted", "Connections that were taken on.", |seen, samples| samples.value(&[], seen.server.accepted())),
    counter("klamm_connections_refused", "Connections that were turned away, or closed for what their peer sent.",
        |seen, samples| samples.value(&[], seen.server.refused())),
    gauge("klamm_request_budget_used_bytes", "Bytes of queued.max.request.bytes that requests hold; nothing if that is no bound.",
        |seen, samples| seen.server.budget_in_use().into_iter().for_each(|bytes| samples.value(&[], bytes))),
    gauge("klamm_request_budget_waiting", "Connections that wait for a part of that budget.",
        |seen, samples| samples.value(&[], seen.server.waiting_for_budget())),
    metric("klamm_disk_duration_seconds", Kind::Histogram, "How long work of the disks takes: syncs, writes to the page cache, reads of what it does not hold.", disk_times)
        .by(&["work", "le"]),
    counter("klamm_disk_slow", "Of these, how many took longer than klamm.disk.slow.ms.",
        |seen, samples| seen.disk.iter().for_each(|seen| samples.value(&[("work", &seen.work.name())], seen.slow))).by(&["work"]),
    gauge("klamm_fetches_waiting", "Fetches that wait for records.", |seen, samples| samples.value(&[], seen.fetches_waiting)),
    gauge("klamm_metrics_left_out", "Topics, partitions and the like that are not told of here, for there are more than klamm.metrics.max.series.", left_out)
        .by(&["of"]),
];

/// The node's sum, then each topic.
fn by_topic(seen: &Observation, samples: &mut Samples<'_>, of: fn(&TrafficSeen) -> u64) {
    samples.value(&[], of(&seen.traffic));
    for (topic, traffic) in &seen.topics.shown {
        samples.value(&[("topic", topic)], of(traffic));
    }
}

fn by_partition<T: std::fmt::Display>(seen: &Observation, samples: &mut Samples<'_>, of: fn(&LogShape) -> T) {
    for (topic, partition, log) in &seen.logs.shown {
        samples.value(&[("topic", topic), ("partition", partition)], of(log));
    }
}

/// What Kafka calls an API's requests. A consumer's fetch is counted under two names; a follower's would be too.
fn names(key: ApiKey) -> impl Iterator<Item = &'static str> {
    [Some(key.name()), (key == ApiKey::Fetch).then_some("FetchConsumer")].into_iter().flatten()
}

fn requests(seen: &Observation, samples: &mut Samples<'_>) {
    for api in &seen.requests {
        for name in names(api.key) {
            api.versions.iter().for_each(|(version, count)| samples.value(&[("request", &name), ("version", version)], count));
        }
    }
}

fn total_times(seen: &Observation, samples: &mut Samples<'_>) {
    const SHARES: [f64; 5] = [0.5, 0.75, 0.95, 0.99, 0.999];
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    for api in &seen.requests {
        for name in names(api.key) {
            let quantiles = SHARES.iter().map(|share| (*share, milliseconds(api.recent.quantile(*share))));
            samples.summary(&[("request", &name)], quantiles, milliseconds(api.durations.sum()), api.durations.count());
        }
    }
}

fn durations(seen: &Observation, samples: &mut Samples<'_>) {
    for RequestsSeen { key, durations, .. } in &seen.requests {
        samples.histogram(&[("api", &key.name())], durations.cumulative(), durations.sum(), durations.count());
    }
}

/// A produce waits only for what it wrote, so all that are in flight wait.
fn purgatories(seen: &Observation, samples: &mut Samples<'_>) {
    let produces = seen.requests.iter().find(|api| api.key == ApiKey::Produce).map_or(0, RequestsSeen::in_flight);
    samples.value(&[("delayedoperation", &"Produce")], produces);
    samples.value(&[("delayedoperation", &"Fetch")], seen.fetches_waiting);
}

fn all_groups(seen: &Observation) -> usize {
    seen.groups.by_state.values().sum()
}

fn groups_in(seen: &Observation, samples: &mut Samples<'_>, state: GroupState) {
    samples.value(&[], seen.groups.by_state.get(&state).copied().unwrap_or(0));
}

fn by_committed<T: std::fmt::Display>(seen: &Observation, samples: &mut Samples<'_>, of: fn(&CommittedSeen) -> Option<T>) {
    for committed in &seen.committed.shown {
        let CommittedSeen { group, topic, partition, .. } = committed;
        if let Some(value) = of(committed) {
            samples.value(&[("consumergroup", group), ("topic", topic), ("partition", partition)], value);
        }
    }
}

fn disk_times(seen: &Observation, samples: &mut Samples<'_>) {
    for DiskSeen { work, durations, .. } in &seen.disk {
        samples.histogram(&[("work", &work.name())], durations.cumulative(), durations.sum(), durations.count());
    }
}

fn left_out(seen: &Observation, samples: &mut Samples<'_>) {
    samples.value(&[("of", &"topics")], seen.topics.left_out);
    samples.value(&[("of", &"partitions")], seen.logs.left_out);
    samples.value(&[("of", &"committed offsets")], seen.committed.left_out);
}
