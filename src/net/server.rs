//! Starting and stopping: listeners bound, connections handed to workers, everything drained at the end.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::budget::Budget;
use super::connection::{Conversation, End};
use super::door::{ConnectionLimits, Door, Place};
use super::pool::BufferPool;
use super::{ConnectionContext, ServerStatistics, Service, listener};
use crate::config::ListenerPurpose;
use crate::seams::{Clock, Execution, Incoming, Lane, LineLimiter, Net};

/// The bounds of the room, each by the setting that names it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `socket.request.max.bytes`: largest frame.
    pub max_request_bytes: usize,
    /// `queued.max.request.bytes`: requests in flight on all connections; `None` for no bound.
    pub max_queued_request_bytes: Option<usize>,
    /// Which connections are let in.
    pub connections: ConnectionLimits,
    /// `connections.max.idle.ms`.
    pub max_idle: Duration,
    /// `klamm.connection.max.pipelined.requests`: requests of one connection that may be unanswered at a time.
    pub max_pipelined_requests: usize,
    /// `klamm.connection.max.unanswered.bytes`: bytes of them; a single larger request is taken when it is alone.
    pub max_unanswered_bytes: usize,
    /// `klamm.connection.max.unsent.bytes`: answers that a connection's peer has not taken, above which it gets no more.
    pub max_unsent_bytes: usize,
}

/// One address of one listener.
#[derive(Clone, Debug)]
pub struct ListenAddress {
    /// The listener's name; several addresses may share it.
    pub listener: Arc<str>,
    pub purpose: ListenerPurpose,
    pub address: SocketAddr,
}

/// What [`serve`] needs.
pub struct ServeOptions {
    pub net: Arc<dyn Net>,
    pub execution: Arc<dyn Execution>,
    pub clock: Arc<dyn Clock>,
    pub addresses: Vec<ListenAddress>,
    pub limits: Limits,
}

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (listener {listener}): {source}")]
pub struct ServeError {
    pub listener: Arc<str>,
    pub address: SocketAddr,
    pub source: io::Error,
}

/// Lines about refused connections in a second.
const REFUSAL_LINES: u32 = 1;

/// How far the server's life has gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    /// Addresses are bound, nothing is accepted.
    Binding,
    Serving,
    /// Nothing is accepted or read; what is in flight is answered.
    Draining,
    Closed,
}

/// What all listeners and connections share.
pub(super) struct Shared {
    /// Set before anything is accepted.
    service: OnceLock<Arc<dyn Service>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) execution: Arc<dyn Execution>,
    pub(super) limits: Limits,
    pub(super) budget: Arc<Budget>,
    pub(super) door: Arc<Door>,
    workers: Vec<Worker>,
    next_connection: AtomicU64,
    pub(super) statistics: Arc<ServerStatistics>,
    /// Of lines about connections that were refused.
    refusals: LineLimiter,
}

#[derive(Default)]
struct Worker {
    connections: AtomicUsize,
    pool: Arc<BufferPool>,
}

/// A running server. Dropping it closes everything at once.
#[derive(Debug)]
pub struct ServerHandle {
    addresses: Vec<ListenAddress>,
    door: Arc<Door>,
    phase: watch::Sender<Phase>,
    /// Ends when the last task of the server is gone.
    alive: mpsc::Receiver<Infallible>,
}

/// A server that has its addresses and does not accept yet.
pub struct BoundServer {
    handle: ServerHandle,
    shared: Arc<Shared>,
}

/// Binds all addresses. Nothing is accepted before [`BoundServer::serve`]; who connects meanwhile waits in the kernel's queue.
///
/// # Errors
/// When an address cannot be bound; then none is kept. A loopback or interface address that the machine does not have (a machine without
/// IPv6) is left out with a warning as long as its listener has another.
pub async fn bind(options: ServeOptions) -> Result<BoundServer, ServeError> {
    let ServeOptions { net, execution, clock, addresses, limits } = options;
    let workers = execution.workers();
    let budget = Arc::new(Budget::new(limits.max_queued_request_bytes));
    let listeners = addresses.iter().map(|address| &address.listener);
    let shared = Arc::new(Shared {
        service: OnceLock::new(),
        clock,
        statistics: Arc::new(ServerStatistics::new(listeners, Arc::clone(&budget))),
        budget,
        door: Door::new(limits.connections.clone()),
        limits,
        workers: (0..workers).map(|_| Worker::default()).collect(),
        next_connection: AtomicU64::new(0),
        refusals: LineLimiter::new(REFUSAL_LINES),
        execution: Arc::clone(&execution),
    });
    let (phase, phases) = watch::channel(Phase::Binding);
    let (alive, alive_receiver) = mpsc::channel(1);
    let mut reports = Vec::new();
    for (index, address) in addresses.into_iter().enumerate() {
        let (report, reported) = oneshot::channel();
        let life = Life { phases: phases.clone(), _alive: alive.clone() };
        let task = listener::run(Arc::clone(&net), address.clone(), Arc::clone(&shared), life, report);
        execution.spawn(Lane::Worker(index % workers), Box::pin(task));
        reports.push((address, reported));
    }
    let mut addresses: Vec<ListenAddress> = Vec::with_capacity(reports.len());
    let mut absent = Vec::new();
    for (ListenAddress { listener, purpose, address }, reported) in reports {
        match reported.await.unwrap_or_else(|_| Err(io::Error::other("the process is going down"))) {
            Ok(address) => addresses.push(ListenAddress { listener, purpose, address }),
            Err(source) if is_absent(&source) => absent.push(ServeError { listener, address, source }),
            Err(source) => return Err(ServeError { listener, address, source }),
        }
    }
    for error in absent {
        if !addresses.iter().any(|bound| bound.listener == error.listener) {
            return Err(error);
        }
        tracing::warn!(%error, "left out: this machine does not have the address");
    }
    Ok(BoundServer { handle: ServerHandle { addresses, door: Arc::clone(&shared.door), phase, alive: alive_receiver }, shared })
}

/// The machine does not have the address, or not its family.
fn is_absent(error: &io::Error) -> bool {
    let family = Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == family
}

impl BoundServer {
    /// The addresses in fact bound, in the order asked for.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        self.handle.addresses()
    }

    /// What is counted about its connections.
    #[must_use]
    pub fn statistics(&self) -> Arc<ServerStatistics> {
        Arc::clone(&self.shared.statistics)
    }

    /// Starts to accept; frames go to `service`.
    #[must_use]
    pub fn serve(self, service: Arc<dyn Service>) -> ServerHandle {
        // A bound server serves once: it is consumed.
        drop(self.shared.service.set(service));
        self.handle.phase.send_replace(Phase::Serving);
        self.handle
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BoundServer").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl ServerHandle {
    /// The addresses in fact bound, in the order asked for.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Changes who is let in; connections that are open stay.
    pub fn updater(&self) -> impl Fn(ConnectionLimits) + Send + Sync + 'static {
        let door = Arc::clone(&self.door);
        move |limits| door.update(limits)
    }

    /// Accepts and reads no more, answers what is in flight, closes. What is not answered within `patience` is cut off; returns
    /// whether nothing was.
    pub async fn stop(mut self, patience: Duration) -> bool {
        self.phase.send_replace(Phase::Draining);
        let drained = tokio::time::timeout(patience, self.alive.recv()).await.is_ok();
        self.phase.send_replace(Phase::Closed);
        self.alive.recv().await;
        drained
    }
}

/// What a task of the server holds: word of the server's phase, and the sign that it is alive.
#[derive(Clone)]
pub(super) struct Life {
    phases: watch::Receiver<Phase>,
    _alive: mpsc::Sender<Infallible>,
}

impl Life {
    /// Ends when the server has come to `phase`, or its handle is gone.
    pub(super) async fn reaches(&self, phase: Phase) {
        let mut phases = self.phases.clone();
        let _ = phases.wait_for(|now| *now >= phase).await;
    }
}

impl Shared {
    /// There is one from the moment that anything is accepted.
    pub(super) fn service(&self) -> Option<&dyn Service> {
        self.service.get().map(|service| &**service)
    }

    /// Hands a new connection to the worker that has the fewest. `place` is kept until its end.
    pub(super) fn take_on(
        self: &Arc<Self>,
        incoming: Incoming,
        peer: SocketAddr,
        listener: &ListenAddress,
        life: Life,
        place: Place,
    ) {
        let load = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
        let Some((index, worker)) = self.workers.iter().enumerate().min_by_key(|(_, worker)| load(worker)) else { return };
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let context = Arc::new(ConnectionContext {
            id,
            listener: Arc::clone(&listener.listener),
            purpose: listener.purpose,
            peer,
            wrote_ahead: AtomicBool::new(false),
        });
        self.statistics.opened(&context.listener);
        let pool = Arc::clone(&worker.pool);
        let guest = Guest { shared: Arc::clone(self), context, worker: index };
        self.execution.spawn(
            Lane::Worker(index),
            Box::pin(async move {
                guest.talk(incoming, pool, life).await;
                drop(place);
            }),
        );
    }

    pub(super) fn log_refusal(&self, peer: SocketAddr, listener: &str, reason: &str) {
        self.statistics.refused.fetch_add(1, Ordering::Relaxed);
        self.refusals.write(self.clock.now(), |held_back| {
            tracing::info!(%peer, %listener, reason, held_back, "closed a connection");
        });
    }
}

/// A connection on its worker; dropping it tells the service, however the task ends.
struct Guest {
    shared: Arc<Shared>,
    context: Arc<ConnectionContext>,
    worker: usize,
}

impl Guest {
    async fn talk(&self, incoming: Incoming, pool: Arc<BufferPool>, life: Life) {
        let Self { shared, context, .. } = self;
        let stream = match incoming.into_connection() {
            Ok(stream) => stream,
            Err(error) => return shared.log_refusal(context.peer, &context.listener, &error.to_string()),
        };
        let draining = {
            let life = life.clone();
            Box::pin(async move { life.reaches(Phase::Draining).await })
        };
        let conversation = Conversation::new(stream, Arc::clone(context), Arc::clone(shared), pool, draining);
        let end = tokio::select! {
            end = conversation.run() => end,
            () = life.reaches(Phase::Closed) => End::Usual,
        };
        match end {
            End::Usual => {}
            End::Idle => tracing::debug!(peer = %context.peer, "closed an idle connection"),
            End::Broken(error) => tracing::debug!(peer = %context.peer, %error, "a connection broke"),
            End::Refused(reason) => shared.log_refusal(context.peer, &context.listener, &reason),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(worker) = self.shared.workers.get(self.worker) {
            worker.connections.fetch_sub(1, Ordering::Relaxed);
        }
        self.shared.statistics.closed(&self.context.listener);
        if let Some(service) = self.shared.service() {
            service.disconnected(&self.context);
        }
    }
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { addresses, limits, .. } = self;
        formatter.debug_struct("ServeOptions").field("addresses", addresses).field("limits", limits).finish_non_exhaustive()
    }
}
