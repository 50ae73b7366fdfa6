//! `klamm`: arguments, configuration, start, wait for a signal, stop.

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use klamm::api::Api;
use klamm::broker::clock::SystemClock;
use klamm::broker::execution::{ExecutionSizes, ThreadedExecution, cores};
use klamm::broker::{Loggers, Node, NodeOptions, Seams};
use klamm::cli::{self, Command};
use klamm::config::ServerConfig;
use klamm::disk::RealDisk;
use klamm::net::{self, TcpNet};
use klamm::ops::{self, AdminServer, Health};
use klamm::seams::{Execution, Lane};
use klamm::security::AllowAll;
use tokio::signal::unix::{SignalKind, signal};

// Buffers of all sizes come and go on several threads; this allocator gives idle memory back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long threads get to end.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match cli::command(cli::arguments(), environment(), &RealDisk) {
        Ok(Command::Serve { config, warnings }) => serve(*config, &warnings),
        Ok(Command::Print { text, warnings }) => {
            warnings.iter().for_each(|warning| eprintln!("{warning}"));
            // Whoever reads may stop reading.
            drop(std::io::stdout().write_all(text.as_bytes()));
            ExitCode::SUCCESS
        }
        Err(refused) => {
            eprintln!("{refused}");
            ExitCode::from(2)
        }
    }
}

/// What is no text in it is in no key either.
fn environment() -> cli::Environment {
    let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

fn serve(mut config: ServerConfig, warnings: &[String]) -> ExitCode {
    let log = ops::start_logging(&config.logging);
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    abort_on_panic();
    match net::raise_descriptor_limit() {
        Ok(limit) => config.share_descriptors(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))),
        Err(error) => tracing::warn!(%error, "the limit on open descriptors could not be raised"),
    }
    let sizes = ExecutionSizes {
        workers: config.network.worker_threads.unwrap_or_else(cores),
        readers: config.storage.reader_threads,
        log_directories: config.log_dirs.len(),
        queued_jobs: config.storage.max_queued_jobs,
    };
    let execution = match ThreadedExecution::start(sizes) {
        Ok(execution) => Arc::new(execution),
        Err(error) => {
            eprintln!("threads cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (done, outcome) = mpsc::sync_channel(1);
    let seams = Seams {
        disk: Arc::new(RealDisk),
        clock: Arc::new(SystemClock::new()),
        execution: Arc::clone(&execution) as _,
        net: Arc::new(TcpNet { backlog: config.network.listen_backlog }),
    };
    let life = async move { drop(done.send(live(config, seams, log).await)) };
    execution.spawn(Lane::Control, Box::pin(life));
    let outcome = outcome.recv().unwrap_or_else(|_| Err("the control thread ended".to_owned()));
    if let Err(error) = execution.shut_down(LAST_PATIENCE) {
        tracing::warn!(%error, "not all threads ended in time");
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// A bug ends the process at once: what is on disk is whole, and a thread that died must not leave others waiting.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}

/// The node's life, from start to stop.
async fn live(config: ServerConfig, seams: Seams, loggers: Arc<dyn Loggers>) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("signals cannot be caught: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("signals cannot be caught: {error}"))?;
    let health = Health::default();
    if let Some(address) = &config.network.admin_listener {
        let addresses = net::resolve(address.host.as_deref(), address.port)
            .map_err(|error| format!("klamm.admin.listener {address}: {error}"))?;
        for address in addresses.into_iter().take(1) {
            let started = AdminServer::start(&*seams.net, &*seams.execution, address, health.clone()).await;
            started.map_err(|error| format!("cannot listen on {address} (klamm.admin.listener): {error}"))?;
        }
    }
    let authorizer = Arc::new(AllowAll);
    let options = NodeOptions { config: Arc::new(config), seams, authorizer, loggers, snapshot_max_entries: None };
    let node = Node::start(options, |broker| Arc::new(Api::new(broker))).await.map_err(|error| error.to_string())?;
    health.ready(Arc::clone(node.broker()));
    for bound in node.addresses() {
        tracing::info!(listener = %bound.listener, address = %bound.address, "serving");
    }
    let mut fatal = node.fatal();
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        failed = fatal.wait_for(Option::is_some) => failed.ok().and_then(|failed| failed.clone()),
    };
    tracing::info!("stopping");
    let stopped = node.stop().await.map_err(|fault| format!("the stop is not a clean one: {fault}"));
    reason.map_or(stopped, Err)
}
