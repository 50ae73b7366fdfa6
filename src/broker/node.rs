//! A whole node: started in order, stopped in the opposite one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::coordinators::Coordinators;
use super::core::Broker;
use super::phases::Phases;
use super::storage::{OpenDirectory, Storage};
use super::{
    ControllerError, ControllerHandle, DiskReads, Found, LogDirectory, Loggers, Metrics, Partitions, PartitionsOptions,
    ProducerIds, Publisher, SyncQueue, controller_task, coordinators, maintenance,
};
use crate::config::{ConfigMap, DynamicConfigs, Listener, ListenerPurpose, NetworkConfig, ServerConfig};
use crate::controller::{Bootstrap, BrokerHeartbeat, RegisterBroker, RegisterController, TopicDefaults};
use crate::disk::WatchedDisk;
use crate::log::LogFault;
use crate::metadata::features;
use crate::metadata::records::{Endpoint, SupportedFeature};
use crate::net::{
    self, BoundServer, ConnectionLimits, Limits, ListenAddress, Room, ServeError, ServeOptions, ServerHandle, Service,
};
use crate::quorum::{MetadataQuorum, Quorum, QuorumFault, QuorumOptions, QuorumSettings, VoterEndpoint};
use crate::replica::FetchSessions;
use crate::seams::{Blocking, Clock, DirectoryLock, Disk, Execution, Lane, Net, run_blocking};
use crate::security::{Authorizer, Security};
use crate::types::{BrokerEpoch, IncarnationId, Now};

/// The world as the node sees it.
#[derive(Clone, Debug)]
pub struct Seams {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub execution: Arc<dyn Execution>,
    pub net: Arc<dyn Net>,
}

/// What a node is started with.
#[derive(Debug)]
pub struct NodeOptions {
    pub config: Arc<ServerConfig>,
    pub seams: Seams,
    pub authorizer: Arc<dyn Authorizer>,
    pub loggers: Arc<dyn Loggers>,
    /// Metadata is snapshotted after so many batches; for simulations.
    pub snapshot_max_entries: Option<u64>,
}

/// Why a node does not start: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ServeError),
    #[error("the address {address} of listener {listener} cannot be resolved: {source}")]
    Resolve { listener: String, address: String, source: std::io::Error },
    #[error("the host {host} of max.connections.per.ip.overrides cannot be resolved: {source}")]
    ResolveOverride { host: String, source: std::io::Error },
    #[error(transparent)]
    Storage(#[from] LogFault),
    #[error(transparent)]
    Quorum(#[from] QuorumFault),
    #[error("the controller refused this node: {0}")]
    Controller(#[from] ControllerError),
    #[error("the process is going down")]
    GoingDown,
}

/// How long a stop waits for requests in flight.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running node.
#[derive(Debug)]
pub struct Node {
    broker: Arc<Broker>,
    broker_epoch: BrokerEpoch,
    seams: Seams,
    server: ServerHandle,
    quorum: Arc<dyn MetadataQuorum>,
    fatal: watch::Receiver<Option<String>>,
    _locks: Vec<Box<dyn DirectoryLock>>,
}

impl Node {
    /// Starts everything; on return clients are served. `service` makes what the connections talk to.
    ///
    /// # Errors
    /// Anything that is in the way. Nothing has been written if an address is taken or a directory is not this node's.
    pub async fn start(options: NodeOptions, service: impl FnOnce(Arc<Broker>) -> Arc<dyn Service>) -> Result<Self, StartError> {
        let NodeOptions { config, mut seams, authorizer, loggers, snapshot_max_entries } = options;
        let metrics = Arc::new(Metrics::new(&config));
        seams.disk = Arc::new(WatchedDisk::new(seams.disk, Arc::clone(&seams.clock), Arc::clone(&metrics.disk) as _));
        let mut phases = Phases::begin(&seams.clock);
        let bound = bind(&config, &seams).await?;
        phases.done("listeners");
        let Storage { cluster_id, log_directories, metadata_directory, metadata_directory_id, locks } =
            open_storage(&config, &seams).await?;
        phases.done("storage");
        let (fatal_sender, fatal) = watch::channel(None);
        let partitions = partitions(log_directories, &seams, &config, &metrics, &fatal_sender);
        let directory_ids = partitions.directories().iter().map(|directory| directory.id).collect();
        let publisher = Publisher::new();
        let settings = quorum_settings(&config, snapshot_max_entries);
        let quorum = Quorum::start(QuorumOptions {
            node_id: config.node_id,
            directory_id: metadata_directory_id,
            cluster_id: cluster_id.clone(),
            metadata_directory,
            endpoints: voter_endpoints(&config, &bound),
            disk: Arc::clone(&seams.disk),
            clock: Arc::clone(&seams.clock),
            execution: Arc::clone(&seams.execution),
            state_machine: Arc::clone(&publisher) as _,
            settings: settings.clone(),
        })
        .await?;
        watch_quorum(&*seams.execution, &*quorum, fatal_sender.clone());
        publish(&seams, &*quorum, &publisher, &partitions);
        let controller = start_controller(&config, &seams, &quorum, &publisher, proposals(&settings), fatal_sender);
        led(&*quorum, &mut phases).await;
        let broker_epoch = register(&controller, &config, &seams, &bound, directory_ids).await?;
        controller.ask(alive(&config, broker_epoch, &publisher)).await?;
        let opened = Arc::clone(&partitions);
        run_blocking(&*seams.execution, Blocking::Read, move || opened.finish_start()).await.ok_or(StartError::GoingDown)?;
        phases.done("partitions");
        let broker = Arc::new(Broker {
            sessions: Mutex::new(FetchSessions::new(config.fetch.max_incremental_fetch_sessions)),
            producer_ids: ProducerIds::new(config.node_id, broker_epoch),
            disk_reads: DiskReads::new(Arc::clone(&seams.execution), config.storage.max_queued_jobs),
            config,
            cluster_id,
            security: Security::new(authorizer),
            clock: Arc::clone(&seams.clock),
            execution: Arc::clone(&seams.execution),
            metrics,
            loggers,
            server: bound.statistics(),
            coordinators: Coordinators::default(),
            controller,
            quorum: Arc::clone(&quorum),
            publisher,
            partitions,
            creating: Mutex::default(),
            stopping: watch::Sender::new(false),
        });
        spawn_tasks(&broker);
        let server = bound.serve(service(Arc::clone(&broker)));
        broker.execution.spawn(Lane::Control, Box::pin(follow_limits(Arc::clone(&broker), server.updater())));
        phases.serving();
        Ok(Self { broker, broker_epoch, seams, server, quorum, fatal, _locks: locks })
    }

    #[must_use]
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// The addresses in fact listened on.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        self.server.addresses()
    }

    /// Turns `Some` when the node cannot go on: the process has to end with this text.
    #[must_use]
    pub fn fatal(&self) -> watch::Receiver<Option<String>> {
        self.fatal.clone()
    }

    /// Answers what is in flight, syncs and closes all logs, and leaves the mark of a clean stop in each directory that is in order.
    /// A disk that hangs is waited for as long as `klamm.shutdown.timeout.ms` says.
    ///
    /// # Errors
    /// When a log could not be closed, or not in time: the next start recovers it.
    pub async fn stop(self) -> Result<(), LogFault> {
        let Self { broker, broker_epoch, seams, server, quorum, fatal, _locks } = self;
        let failed = fatal.borrow().is_some();
        broker.stopping.send_replace(true);
        broker.partitions.end_fetches();
        broker.coordinators.stop();
        server.stop(PATIENCE).await;
        let deadline = Deadline { at: seams.clock.now().plus(broker.config.storage.shutdown_timeout), clock: &*seams.clock };
        let closed = close(&broker, &seams, &deadline, (!failed).then_some(broker_epoch)).await;
        closed.and(deadline.wait(&broker.config.metadata_log_dir, quorum.shut_down()).await)
    }
}

/// When a stop no longer waits for a disk.
struct Deadline<'a> {
    at: Now,
    clock: &'a dyn Clock,
}

impl Deadline<'_> {
    /// Waits for work on the disk that holds `path`.
    async fn wait<T>(&self, path: &Path, work: impl Future<Output = T>) -> Result<T, LogFault> {
        let done = tokio::time::timeout(self.at.since(self.clock.now()), work).await;
        done.map_err(|_| LogFault::Io { path: path.to_owned(), action: "close", source: std::io::ErrorKind::TimedOut.into() })
    }
}

/// Waits until this node leads; what follows says so if it never does.
async fn led(quorum: &dyn MetadataQuorum, phases: &mut Phases) {
    let _ = quorum.leader().wait_for(|leader| leader.is_active).await;
    phases.done("metadata");
}

fn start_controller(
    config: &ServerConfig,
    seams: &Seams,
    quorum: &Arc<dyn MetadataQuorum>,
    publisher: &Arc<Publisher>,
    proposals: usize,
    fatal: watch::Sender<Option<String>>,
) -> ControllerHandle {
    controller_task::start(controller_task::ControllerOptions {
        quorum: Arc::clone(quorum),
        publisher: Arc::clone(publisher),
        clock: Arc::clone(&seams.clock),
        execution: Arc::clone(&seams.execution),
        defaults: topic_defaults(config),
        queue: config.controller_queue,
        disk: Arc::clone(&seams.disk),
        metadata_directory: config.metadata_log_dir.clone(),
        proposals,
        fatal,
    })
}

/// What goes on for as long as the node runs.
fn spawn_tasks(broker: &Arc<Broker>) {
    broker.execution.spawn(Lane::Control, Box::pin(maintenance::run(Arc::clone(broker))));
    broker.execution.spawn(Lane::Control, Box::pin(maintenance::turn_windows(Arc::clone(broker))));
    broker.execution.spawn(Lane::Control, Box::pin(coordinators::run(Arc::clone(broker))));
}

/// Closes all logs, each directory's on its own sync thread.
async fn close(broker: &Broker, seams: &Seams, deadline: &Deadline<'_>, clean: Option<BrokerEpoch>) -> Result<(), LogFault> {
    let partitions = Arc::clone(&broker.partitions);
    let begun = run_blocking(&*seams.execution, Blocking::Read, move || partitions.begin_close());
    deadline.wait(&broker.config.metadata_log_dir, begun).await?;
    let now = seams.clock.timestamp();
    let directories = broker.partitions.directories();
    let jobs = directories.iter().cloned().enumerate().map(|(position, directory)| {
        let partitions = Arc::clone(&broker.partitions);
        run_blocking(&*seams.execution, Blocking::Sync(position), move || partitions.close(&directory, now, clean))
    });
    // All are begun before the first is waited for.
    let jobs: Vec<_> = jobs.collect();
    let mut result = Ok(());
    for (directory, job) in directories.iter().zip(jobs) {
        let closed = deadline.wait(&directory.path, job).await.and_then(|closed| closed.unwrap_or(Ok(())));
        result = result.and(closed);
    }
    result
}

/// # Errors
/// When a host of `max.connections.per.ip.overrides` cannot be resolved.
fn connection_limits(network: &NetworkConfig) -> Result<ConnectionLimits, StartError> {
    let mut overrides = BTreeMap::new();
    for (host, most) in &network.max_connections_overrides {
        let resolved =
            net::resolve(Some(host), 0).map_err(|source| StartError::ResolveOverride { host: host.clone(), source })?;
        overrides.extend(resolved.into_iter().map(|address| (address.ip(), *most)));
    }
    let node = Room { max: network.max_connections, rate: network.max_connection_rate };
    let listeners = network.listener_limits.iter().map(|(name, max, rate)| {
        let room = Room { max: max.unwrap_or(usize::MAX), rate: rate.unwrap_or(u32::MAX) };
        (name.as_str().to_owned(), room)
    });
    Ok(ConnectionLimits { node, listeners: listeners.collect(), max_per_ip: network.max_connections_per_ip, overrides })
}

/// Lets in whom the published settings let in, for as long as the node runs.
async fn follow_limits(broker: Arc<Broker>, update: impl Fn(ConnectionLimits) + Send + Sync + 'static) {
    let (mut published, mut stopping) = (broker.publisher.subscribe(), broker.stopping.subscribe());
    let mut held = (ConfigMap::new(), ConfigMap::new());
    loop {
        let image = broker.image();
        let configs = image.configs();
        let now = (configs.broker(broker.config.node_id).clone(), configs.cluster_default().clone());
        if now != held {
            held = now;
            let network = broker.config.network_changed_by(DynamicConfigs { broker: &held.0, cluster: &held.1 });
            // Names of hosts may have to be looked up.
            match run_blocking(&*broker.execution, Blocking::Read, move || connection_limits(&network)).await {
                Some(Ok(limits)) => update(limits),
                Some(Err(error)) => tracing::warn!(%error, "the limits of connections stay as they were"),
                None => return,
            }
        }
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            changed = published.changed() => if changed.is_err() { return },
        }
    }
}

/// Binds all listeners, the controller's too.
async fn bind(config: &ServerConfig, seams: &Seams) -> Result<BoundServer, StartError> {
    let network = &config.network;
    let mut addresses = Vec::new();
    for listener in &network.listeners {
        for address in &listener.addresses {
            let resolved = net::resolve(address.host.as_deref(), address.port).map_err(|source| StartError::Resolve {
                listener: listener.name.as_str().to_owned(),
                address: address.to_string(),
                source,
            })?;
            let name: Arc<str> = Arc::from(listener.name.as_str());
            addresses.extend(resolved.into_iter().map(|address| ListenAddress {
                listener: Arc::clone(&name),
                purpose: listener.purpose,
                address,
            }));
        }
    }
    let limits = Limits {
        max_request_bytes: network.socket_request_max_bytes,
        max_queued_request_bytes: network.queued_max_request_bytes,
        connections: connection_limits(network)?,
        max_idle: network.connections_max_idle.unwrap_or(Duration::MAX),
        max_pipelined_requests: network.max_pipelined_requests,
        max_unanswered_bytes: network.max_unanswered_bytes,
        max_unsent_bytes: network.max_unsent_bytes,
    };
    let options = ServeOptions {
        net: Arc::clone(&seams.net),
        execution: Arc::clone(&seams.execution),
        clock: Arc::clone(&seams.clock),
        addresses,
        limits,
    };
    Ok(net::bind(options).await?)
}

async fn open_storage(config: &Arc<ServerConfig>, seams: &Seams) -> Result<Storage, StartError> {
    let (config, disk, clock) = (Arc::clone(config), Arc::clone(&seams.disk), Arc::clone(&seams.clock));
    let opened = run_blocking(&*seams.execution, Blocking::Read, move || Storage::open(&config, &*disk, &*clock)).await;
    Ok(opened.ok_or(StartError::GoingDown)??)
}

/// The table of partitions, empty yet, over the directories that were opened.
fn partitions(
    opened: Vec<OpenDirectory>,
    seams: &Seams,
    config: &Arc<ServerConfig>,
    metrics: &Arc<Metrics>,
    fatal: &watch::Sender<Option<String>>,
) -> Arc<Partitions> {
    let (directories, found) = directories(opened, seams, config, fatal);
    Partitions::new(PartitionsOptions {
        config: Arc::clone(config),
        disk: Arc::clone(&seams.disk),
        clock: Arc::clone(&seams.clock),
        metrics: Arc::clone(metrics),
        directories,
        found,
    })
}

/// The directories with their sync queues. Losing the metadata directory, or the last one, ends the node.
fn directories(
    opened: Vec<OpenDirectory>,
    seams: &Seams,
    config: &ServerConfig,
    fatal: &watch::Sender<Option<String>>,
) -> (Vec<Arc<LogDirectory>>, Vec<Found>) {
    let alive = Arc::new(std::sync::atomic::AtomicUsize::new(opened.len()));
    let make = |(position, directory): (usize, OpenDirectory)| {
        let execution = Arc::clone(&seams.execution);
        let syncs = SyncQueue::new(move |cycle| execution.block(Blocking::Sync(position), cycle));
        let is_essential = directory.path == config.metadata_log_dir;
        let made = LogDirectory::new(directory.path, directory.id, syncs, is_essential, Arc::clone(&alive), fatal.clone());
        (made, directory.found)
    };
    opened.into_iter().enumerate().map(make).unzip()
}

fn quorum_settings(config: &ServerConfig, snapshot_max_entries: Option<u64>) -> QuorumSettings {
    let metadata = &config.metadata_log;
    QuorumSettings {
        snapshot_max_new_bytes: metadata.max_record_bytes_between_snapshots,
        snapshot_interval: metadata.max_snapshot_interval,
        snapshot_max_entries,
        segment_bytes: metadata.segment_bytes,
        segment_ms: metadata.segment_age.map_or(i64::MAX, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)),
        ..QuorumSettings::default()
    }
}

fn topic_defaults(config: &ServerConfig) -> TopicDefaults {
    let ServerConfig { topic_creation, .. } = config;
    TopicDefaults { partitions: topic_creation.num_partitions, replication_factor: topic_creation.default_replication_factor }
}

/// Half of what the engine's queue takes: the engine has messages of its own there.
fn proposals(settings: &QuorumSettings) -> usize {
    usize::try_from(settings.max_queued_proposals / 2).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}

/// Publishes once this node leads. Before that, how much of the log is committed may be known less well than before a power cut; and in
/// older metadata a topic that was deleted would claim the directories of the one that has its name now.
fn publish(seams: &Seams, quorum: &dyn MetadataQuorum, publisher: &Arc<Publisher>, partitions: &Arc<Partitions>) {
    let publishing = Arc::clone(publisher).run(Arc::clone(partitions), Arc::clone(&seams.execution));
    let mut leader = quorum.leader();
    let publishing = async move {
        if leader.wait_for(|leader| leader.is_active).await.is_ok() {
            publishing.await;
        }
    };
    seams.execution.spawn(Lane::Control, Box::pin(publishing));
}

fn watch_quorum(execution: &dyn Execution, quorum: &dyn MetadataQuorum, fatal: watch::Sender<Option<String>>) {
    let mut failure = quorum.failure();
    let watching = async move {
        if let Ok(failed) = failure.wait_for(Option::is_some).await {
            fatal.send_replace(failed.clone());
        }
    };
    execution.spawn(Lane::Control, Box::pin(watching));
}

/// Makes the cluster's first records if it has none, and registers this run of the node.
async fn register(
    controller: &ControllerHandle,
    config: &ServerConfig,
    seams: &Seams,
    bound: &BoundServer,
    log_dirs: Vec<crate::types::DirectoryId>,
) -> Result<BrokerEpoch, StartError> {
    controller.ask(Bootstrap { min_insync_replicas: config.min_insync_replicas() }).await?;
    if let Some(registration) = controller_registration(config, seams, bound) {
        controller.ask(registration).await?;
    }
    Ok(controller.ask(registration(config, seams, bound, log_dirs)).await?)
}

fn registration(
    config: &ServerConfig,
    seams: &Seams,
    bound: &BoundServer,
    log_dirs: Vec<crate::types::DirectoryId>,
) -> RegisterBroker {
    RegisterBroker {
        broker_id: config.node_id,
        incarnation_id: IncarnationId::from_random(|| seams.clock.random()),
        endpoints: endpoints(config, bound, ListenerPurpose::Broker),
        features: supported_features(),
        rack: config.rack.clone(),
        log_dirs,
        has_session: false,
    }
}

/// `None` for a node without a listener for controllers: nobody could use what the record says.
fn controller_registration(config: &ServerConfig, seams: &Seams, bound: &BoundServer) -> Option<RegisterController> {
    let endpoints = endpoints(config, bound, ListenerPurpose::Controller);
    (!endpoints.is_empty()).then(|| RegisterController {
        controller_id: config.node_id,
        incarnation_id: IncarnationId::from_random(|| seams.clock.random()),
        endpoints,
        features: supported_features(),
    })
}

fn supported_features() -> Vec<SupportedFeature> {
    let supported = features::SUPPORTED.iter().map(|feature| SupportedFeature {
        name: feature.name.to_owned(),
        min_supported_version: feature.min_supported_version,
        max_supported_version: feature.max_supported_version,
    });
    supported.collect()
}

/// What the voters' record says of this node.
fn voter_endpoints(config: &ServerConfig, bound: &BoundServer) -> Vec<VoterEndpoint> {
    let endpoints = endpoints(config, bound, ListenerPurpose::Controller).into_iter();
    endpoints.map(|Endpoint { name, host, port, .. }| VoterEndpoint { name, host, port }).collect()
}

fn endpoints(config: &ServerConfig, bound: &BoundServer, purpose: ListenerPurpose) -> Vec<Endpoint> {
    let listeners = config.network.listeners.iter().filter(|listener| listener.purpose == purpose);
    listeners.map(|listener| endpoint(listener, bound.addresses())).collect()
}

/// What clients of a listener are told: as advertised, else this machine and the port in fact bound.
fn endpoint(listener: &Listener, bound: &[ListenAddress]) -> Endpoint {
    let port = || bound.iter().find(|bound| *bound.listener == *listener.name.as_str()).map_or(0, |bound| bound.address.port());
    Endpoint {
        name: listener.name.as_str().to_owned(),
        host: listener.advertised.host.clone().unwrap_or_else(net::machine_name),
        port: listener.advertised.port.filter(|port| *port != 0).unwrap_or_else(port),
        security_protocol: listener.protocol as i16,
    }
}

/// A lone node is alive as soon as it has folded its own registration.
fn alive(config: &ServerConfig, broker_epoch: BrokerEpoch, publisher: &Publisher) -> BrokerHeartbeat {
    BrokerHeartbeat {
        broker_id: config.node_id,
        broker_epoch,
        current_metadata_offset: Some(publisher.image().end().plus(-1)),
        want_fence: false,
        want_shut_down: false,
        cordoned_log_dirs: None,
        is_drained: false,
    }
}
