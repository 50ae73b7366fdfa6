//! The second stage: typed, checked values that the broker starts from.

use std::path::PathBuf;
use std::time::Duration;

use super::groups::{self, CoordinatorLogConfig, GroupConfig};
use super::listeners::{self, BindAddress, Listener, ListenerName};
use super::raw::{Problem, RawConfig};
use super::settings::Settings;
use super::topic::{ConfigMap, DynamicConfigs, TopicSettings};
use crate::types::NodeId;

/// Everything the broker is started with. Holds every broker key; the typed fields are those that something acts on.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub node_id: NodeId,
    /// `klamm.cluster.id`: for directories that have none yet.
    pub cluster_id: Option<String>,
    pub rack: Option<String>,
    /// `log.dirs`, else `log.dir`; at least one, each once.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, else the first of the log directories.
    pub metadata_log_dir: PathBuf,
    pub network: NetworkConfig,
    pub topic_creation: TopicCreationConfig,
    pub fetch: FetchConfig,
    /// `max.request.partition.size.limit`: partitions that one DescribeTopicPartitions answer holds.
    pub max_request_partitions: usize,
    pub storage: StorageConfig,
    pub metadata_log: MetadataLogConfig,
    pub groups: GroupConfig,
    pub coordinator_log: CoordinatorLogConfig,
    pub offsets_topic: InternalTopicConfig,
    pub transaction_state_topic: InternalTopicConfig,
    pub share_state_topic: InternalTopicConfig,
    /// `transaction.max.timeout.ms`, in milliseconds: the longest transaction that a producer may ask for.
    pub transaction_max_timeout_ms: i32,
    /// `klamm.controller.max.queued.requests`.
    pub controller_queue: usize,
    /// `klamm.metrics.max.series`: topics, partitions and the like that the metrics tell of.
    pub metrics_max_series: usize,
    pub logging: LoggingConfig,
    /// Every key as it was written, for describing and for what topics inherit.
    pub settings: Settings,
}

/// Descriptors for what is neither a segment file nor a client's connection: listeners, runtimes, the metadata log, a checkpoint
/// being written, the admin server.
const OTHER_DESCRIPTORS: usize = 64;

impl ServerConfig {
    /// `min.insync.replicas` as the file has it; what holds is in the metadata (KIP-966).
    #[must_use]
    pub fn min_insync_replicas(&self) -> i32 {
        TopicSettings::resolve(&self.settings, DynamicConfigs::none(), &ConfigMap::new()).min_insync_replicas
    }

    /// Bounds segment files and connections by what the system allows the process to open, files by half of it. Without that a
    /// flood of connections would leave none for a checkpoint, and its directory would go offline.
    pub fn share_descriptors(&mut self, limit: usize) {
        let shared = limit.saturating_sub(OTHER_DESCRIPTORS);
        let files = self.storage.max_open_segment_files.min(shared / 2);
        self.storage.max_open_segment_files = files;
        self.network.most_connections = shared - files;
        self.network.max_connections = self.network.max_connections.min(shared - files);
    }

    /// The network's settings as they are after changes while the node runs: who is let in can change.
    #[must_use]
    pub fn network_changed_by(&self, dynamic: DynamicConfigs<'_>) -> NetworkConfig {
        let settings = self.settings.changed_by(dynamic);
        let max_connections: usize = narrow(settings.integer("max.connections"));
        NetworkConfig {
            max_connections: max_connections.min(self.network.most_connections),
            max_connection_rate: narrow(settings.integer("max.connection.creation.rate")),
            max_connections_per_ip: narrow(settings.integer("max.connections.per.ip")),
            max_connections_overrides: overrides(&settings.text("max.connections.per.ip.overrides"))
                .unwrap_or_else(|_| self.network.max_connections_overrides.clone()),
            ..self.network.clone()
        }
    }
}

#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// In the order written; at least one for clients.
    pub listeners: Vec<Listener>,
    /// `klamm.admin.listener`; `None` turns the admin server off.
    pub admin_listener: Option<BindAddress>,
    /// `klamm.worker.threads`; `None` for one per core.
    pub worker_threads: Option<usize>,
    /// Largest request frame in bytes.
    pub socket_request_max_bytes: usize,
    /// Bytes that all requests in flight may hold together; `None` for no bound.
    pub queued_max_request_bytes: Option<usize>,
    /// `None` for never.
    pub connections_max_idle: Option<Duration>,
    /// `max.connections` and `max.connection.creation.rate`.
    pub max_connections: usize,
    /// What the system's descriptors allow.
    most_connections: usize,
    pub max_connection_rate: u32,
    /// The same keys of single listeners (`listener.name.NAME.KEY`); `None` where there is none.
    pub listener_limits: Vec<(ListenerName, Option<usize>, Option<u32>)>,
    pub max_connections_per_ip: usize,
    /// Hosts with another bound.
    pub max_connections_overrides: Vec<(String, usize)>,
    /// Connections that may wait to be accepted.
    pub listen_backlog: i32,
    /// Requests of one connection that may be unanswered.
    pub max_pipelined_requests: usize,
    /// Bytes of these requests.
    pub max_unanswered_bytes: usize,
    /// Bytes of answers that a connection's peer has not taken yet.
    pub max_unsent_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct TopicCreationConfig {
    pub auto_create_topics: bool,
    pub delete_topics: bool,
    pub num_partitions: i32,
    pub default_replication_factor: i16,
}

#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// Bytes of one fetch response.
    pub max_bytes: usize,
    pub max_incremental_fetch_sessions: usize,
}

/// When an acknowledged record is safe; see `klamm.flush.mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlushMode {
    Durable,
    PageCache,
}

#[derive(Clone, Debug)]
pub struct StorageConfig {
    pub flush_mode: FlushMode,
    pub max_open_segment_files: usize,
    /// Threads for reads that have to wait for the disk.
    pub reader_threads: usize,
    /// Jobs that may wait for one of them, or for one of the threads that sync.
    pub max_queued_jobs: usize,
    /// Delay before retention runs for the first time.
    pub initial_task_delay: Duration,
    pub retention_check_interval: Duration,
    pub recovery_point_checkpoint_interval: Duration,
    pub log_start_offset_checkpoint_interval: Duration,
    pub high_watermark_checkpoint_interval: Duration,
    pub producer_id_expiration_check_interval: Duration,
    /// `klamm.disk.slow.ms`: what takes longer is slow.
    pub slow_disk: Duration,
    /// How long a stop waits for the logs to be closed.
    pub shutdown_timeout: Duration,
}

#[derive(Clone, Debug)]
pub struct MetadataLogConfig {
    pub segment_bytes: u64,
    /// `None` for never.
    pub segment_age: Option<Duration>,
    pub max_record_bytes_between_snapshots: u64,
    /// `None` for never by time.
    pub max_snapshot_interval: Option<Duration>,
}

/// How an internal topic is made when it is first needed.
#[derive(Clone, Debug)]
pub struct InternalTopicConfig {
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub segment_bytes: u64,
    /// `None` where the topic has no such setting of its own.
    pub min_insync_replicas: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    Text,
    Json,
}

/// The program's own log lines.
#[derive(Clone, Debug)]
pub struct LoggingConfig {
    pub format: LogFormat,
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

/// A configuration that passed, with what is worth telling about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: ServerConfig,
    pub warnings: Vec<String>,
}

impl Default for ServerConfig {
    /// What `klamm` starts with when nothing is configured.
    fn default() -> Self {
        Self::load(RawConfig::default()).expect("the defaults are valid").config
    }
}

impl ServerConfig {
    /// Judges everything that was written.
    ///
    /// # Errors
    /// All that is wrong, not only the first.
    pub fn load(raw: RawConfig) -> Result<Loaded, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let mut settings = Settings::read(raw, &mut problems, &mut warnings);
        let mut checks = Checks { problems: &mut problems };
        checks.identity(&mut settings);
        checks.roles(&settings);
        checks.limits(&settings);
        checks.retention(&settings);
        let listeners = listeners::read(&settings, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Loaded { config: Self::assemble(settings, listeners), warnings })
    }

    /// Of settings that passed all checks.
    fn assemble(settings: Settings, listeners: Vec<Listener>) -> Self {
        let log_dirs = log_dirs(&settings);
        let metadata_log_dir = settings.optional_text("metadata.log.dir").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            node_id: NodeId(narrow(settings.integer("node.id"))),
            cluster_id: settings.optional_text("klamm.cluster.id"),
            rack: settings.optional_text("broker.rack"),
            metadata_log_dir: metadata_log_dir.or_else(|| log_dirs.first().cloned()).expect("log.dir has a default"),
            log_dirs,
            network: network(&settings, listeners),
            topic_creation: TopicCreationConfig {
                auto_create_topics: settings.boolean("auto.create.topics.enable"),
                delete_topics: settings.boolean("delete.topic.enable"),
                num_partitions: narrow(settings.integer("num.partitions")),
                default_replication_factor: narrow(settings.integer("default.replication.factor")),
            },
            fetch: FetchConfig {
                max_bytes: narrow(settings.integer("fetch.max.bytes")),
                max_incremental_fetch_sessions: narrow(settings.integer("max.incremental.fetch.session.cache.slots")),
            },
            max_request_partitions: narrow(settings.integer("max.request.partition.size.limit")),
            storage: storage(&settings),
            metadata_log: metadata_log(&settings),
            groups: groups::groups(&settings),
            coordinator_log: groups::coordinator_log(&settings),
            offsets_topic: internal_topic(&settings, "offsets.topic"),
            transaction_state_topic: internal_topic(&settings, "transaction.state.log"),
            share_state_topic: internal_topic(&settings, "share.coordinator.state.topic"),
            transaction_max_timeout_ms: narrow(settings.integer("transaction.max.timeout.ms")),
            controller_queue: narrow(settings.integer("klamm.controller.max.queued.requests")),
            metrics_max_series: narrow(settings.integer("klamm.metrics.max.series")),
            logging: LoggingConfig {
                format: if settings.text("klamm.log.format") == "json" { LogFormat::Json } else { LogFormat::Text },
                level: settings.text("klamm.log.level"),
            },
            settings,
        }
    }
}

fn log_dirs(settings: &Settings) -> Vec<PathBuf> {
    let key = if settings.is_set("log.dirs") { "log.dirs" } else { "log.dir" };
    settings.list(key).into_iter().map(PathBuf::from).collect()
}

fn limits_of_listeners(settings: &Settings, listeners: &[Listener]) -> Vec<(ListenerName, Option<usize>, Option<u32>)> {
    let of = |listener: &Listener| {
        let number = |key| settings.of_listener(listener.name.as_str(), key);
        (listener.name.clone(), number("max.connections").map(narrow), number("max.connection.creation.rate").map(narrow))
    };
    listeners.iter().map(of).filter(|(_, max, rate)| max.is_some() || rate.is_some()).collect()
}

/// `host:count` entries; the message of what is wrong.
fn overrides(text: &str) -> Result<Vec<(String, usize)>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let read = |entry: &str| {
        let (host, count) = entry.rsplit_once(':').filter(|(host, _)| !host.is_empty())?;
        Some((host.trim_matches(['[', ']']).to_owned(), count.trim().parse().ok()?))
    };
    entries.map(|entry| read(entry).ok_or_else(|| format!("'{entry}' is not of the form host:count"))).collect()
}

fn network(settings: &Settings, listeners: Vec<Listener>) -> NetworkConfig {
    NetworkConfig {
        admin_listener: listeners::admin_listener(&settings.text("klamm.admin.listener")).expect("judged with its key"),
        worker_threads: settings.optional_integer("klamm.worker.threads").map(narrow),
        socket_request_max_bytes: narrow(settings.integer("socket.request.max.bytes")),
        queued_max_request_bytes: bounded(settings, "queued.max.request.bytes").filter(|bytes| *bytes > 0).map(narrow),
        connections_max_idle: bounded(settings, "connections.max.idle.ms").map(milliseconds),
        max_connections: narrow(settings.integer("max.connections")),
        most_connections: usize::MAX,
        max_connection_rate: narrow(settings.integer("max.connection.creation.rate")),
        listener_limits: limits_of_listeners(settings, &listeners),
        max_connections_per_ip: narrow(settings.integer("max.connections.per.ip")),
        max_connections_overrides: overrides(&settings.text("max.connections.per.ip.overrides")).expect("judged with the others"),
        listeners,
        listen_backlog: narrow(settings.integer("socket.listen.backlog.size")),
        max_pipelined_requests: narrow(settings.integer("klamm.connection.max.pipelined.requests")),
        max_unanswered_bytes: narrow(settings.integer("klamm.connection.max.unanswered.bytes")),
        max_unsent_bytes: narrow(settings.integer("klamm.connection.max.unsent.bytes")),
    }
}

fn storage(settings: &Settings) -> StorageConfig {
    let interval = |key| milliseconds(settings.integer(key));
    StorageConfig {
        flush_mode: if settings.text("klamm.flush.mode") == "page-cache" { FlushMode::PageCache } else { FlushMode::Durable },
        max_open_segment_files: narrow(settings.integer("klamm.log.max.open.segment.files")),
        reader_threads: narrow(settings.integer("klamm.disk.reader.threads")),
        max_queued_jobs: narrow(settings.integer("klamm.disk.max.queued.jobs")),
        initial_task_delay: interval("log.initial.task.delay.ms"),
        retention_check_interval: interval("log.retention.check.interval.ms"),
        recovery_point_checkpoint_interval: interval("log.flush.offset.checkpoint.interval.ms"),
        log_start_offset_checkpoint_interval: interval("log.flush.start.offset.checkpoint.interval.ms"),
        high_watermark_checkpoint_interval: interval("replica.high.watermark.checkpoint.interval.ms"),
        producer_id_expiration_check_interval: interval("producer.id.expiration.check.interval.ms"),
        slow_disk: milliseconds(settings.integer("klamm.disk.slow.ms")),
        shutdown_timeout: interval("klamm.shutdown.timeout.ms"),
    }
}

fn metadata_log(settings: &Settings) -> MetadataLogConfig {
    let positive = |key| bounded(settings, key).filter(|value| *value > 0);
    MetadataLogConfig {
        segment_bytes: narrow(settings.integer("metadata.log.segment.bytes")),
        segment_age: positive("metadata.log.segment.ms").map(milliseconds),
        max_record_bytes_between_snapshots: narrow(settings.integer("metadata.log.max.record.bytes.between.snapshots")),
        max_snapshot_interval: positive("metadata.log.max.snapshot.interval.ms").map(milliseconds),
    }
}

fn internal_topic(settings: &Settings, prefix: &str) -> InternalTopicConfig {
    let integer = |suffix: &str| settings.integer(&format!("{prefix}.{suffix}"));
    InternalTopicConfig {
        num_partitions: narrow(integer("num.partitions")),
        replication_factor: narrow(integer("replication.factor")),
        segment_bytes: narrow(integer("segment.bytes")),
        // Kafka's offsets topic has none: it goes by min.insync.replicas.
        min_insync_replicas: (prefix != "offsets.topic").then(|| narrow(integer("min.isr"))),
    }
}

/// A value that its key's type and validator keep in the target's range.
fn narrow<N: TryFrom<i64>>(number: i64) -> N {
    N::try_from(number).ok().expect("the key's validator keeps it in range")
}

/// Kafka's -1 as `None`.
fn bounded(settings: &Settings, key: &str) -> Option<i64> {
    Some(settings.integer(key)).filter(|number| *number >= 0)
}

/// For values that their key's validator keeps at 0 or more.
fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(narrow(number))
}

/// Accepts what `klamm.cluster.id` may be. Kafka takes anything; what clients print and directories keep should be printable.
pub(super) fn read_cluster_id(text: &str) -> Result<(), String> {
    let is_id = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_id { Ok(()) } else { Err("must be 1 to 255 visible characters of ASCII".to_owned()) }
}

/// The checks that one key alone cannot make.
struct Checks<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Checks<'_> {
    fn complain(&mut self, settings: &Settings, key: &str, reason: &str) {
        let value = settings.value(key).map_or_else(String::new, |value| format!("={}", value.to_text()));
        self.problems.push(Problem { origin: settings.origin(key), message: format!("{key}{value}: {reason}") });
    }

    /// `broker.id` is the old name of `node.id`.
    fn identity(&mut self, settings: &mut Settings) {
        settings.imply("node.id", "broker.id");
        settings.imply("broker.id", "node.id");
        if settings.integer("node.id") != settings.integer("broker.id") {
            self.complain(settings, "broker.id", "must be the same as node.id if both are set");
        }
        if settings.integer("node.id") < 0 {
            self.complain(settings, "broker.id", "must be 0 or more");
        }
    }

    fn roles(&mut self, settings: &Settings) {
        const VOTERS: &str = "controller.quorum.voters";
        let roles = settings.list("process.roles");
        if roles.len() < 2 {
            let reason = "a node of one role is part of a larger cluster, which this version cannot form yet; \
                          use broker,controller or leave it out";
            self.complain(settings, "process.roles", reason);
        }
        for key in [VOTERS, "controller.quorum.bootstrap.servers"] {
            if settings.list(key).len() > 1 {
                self.complain(settings, key, "this version cannot form a cluster of several nodes yet");
            }
        }
        let own = format!("{}@", settings.integer("node.id"));
        if settings.list(VOTERS).first().is_some_and(|voter| !voter.starts_with(&own)) {
            self.complain(settings, VOTERS, "a controller's own node.id must be among the voters");
        }
    }

    fn limits(&mut self, settings: &Settings) {
        let largest_request = settings.integer("socket.request.max.bytes");
        let all_requests = settings.integer("queued.max.request.bytes");
        if all_requests > 0 && all_requests < largest_request {
            let reason = format!("must be at least socket.request.max.bytes ({largest_request}), or -1 for no bound");
            self.complain(settings, "queued.max.request.bytes", &reason);
        }
        const OVERRIDES: &str = "max.connections.per.ip.overrides";
        if let Err(reason) = overrides(&settings.text(OVERRIDES)) {
            self.complain(settings, OVERRIDES, &reason);
        }
        if settings.integer("max.connections.per.ip") == 0 && !settings.is_set(OVERRIDES) {
            self.complain(settings, "max.connections.per.ip", "can only be 0 with max.connections.per.ip.overrides");
        }
        if i16::try_from(settings.integer("default.replication.factor")).map_or(true, |factor| factor < 1) {
            self.complain(settings, "default.replication.factor", "must be between 1 and 32767");
        }
        // Kafka has no bound here; a time of 0 would keep a processor busy.
        if settings.integer("replica.high.watermark.checkpoint.interval.ms") < 1 {
            self.complain(settings, "replica.high.watermark.checkpoint.interval.ms", "must be at least 1");
        }
    }

    /// Kafka refuses a retention of zero, whichever key says it.
    fn retention(&mut self, settings: &Settings) {
        for key in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
            match settings.optional_integer(key) {
                Some(0) => return self.complain(settings, key, "must be -1 (keep forever) or at least 1"),
                Some(_) => return,
                None => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
