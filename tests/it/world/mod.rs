//! Nodes for tests: started with a few settings over a simulated disk, stopped or crashed, started again.

mod execution;
pub mod groups;
pub mod requests;
mod scrape;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::protocol::Request;
use klamm::api::Api;
use klamm::broker::clock::SystemClock;
use klamm::broker::{Broker, Loggers, NoLoggers, Node, NodeOptions, Seams, StartError};
use klamm::config::{RawConfig, ServerConfig};
use klamm::disk::SimulatedDisk;
use klamm::log::LogFault;
use klamm::net::TcpNet;
use klamm::seams::{Disk, Execution, Lane, OpenMode};
use klamm::security::{AllowAll, Authorizer};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

pub use execution::TestExecution;
pub use scrape::Scrape;

use crate::support::client::{self, Sent};

/// Longer than anything here takes on a busy machine: what is not there by then never comes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a node is made. Clones start the same node again.
#[derive(Clone, Debug)]
pub struct Setup {
    pub disk: SimulatedDisk,
    /// Instead of the simulated one.
    pub real_disk: Option<Arc<dyn Disk>>,
    pub authorizer: Arc<dyn Authorizer>,
    pub loggers: Arc<dyn Loggers>,
    pub settings: Vec<(String, String)>,
}

impl Setup {
    /// A node with one log directory, `/data`, on an empty disk in memory.
    pub fn new() -> Self {
        let settings = [
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
            ("log.dirs", "/data"),
            ("klamm.admin.listener", "none"),
            ("auto.create.topics.enable", "false"),
        ];
        Self {
            disk: SimulatedDisk::new(1),
            real_disk: None,
            authorizer: Arc::new(AllowAll),
            loggers: Arc::new(NoLoggers),
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        }
    }

    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn with_authorizer(mut self, authorizer: impl Authorizer + 'static) -> Self {
        self.authorizer = Arc::new(authorizer);
        self
    }

    fn config(&self) -> ServerConfig {
        let mut raw = RawConfig::default();
        for (key, value) in &self.settings {
            raw.set(&format!("{key}={value}")).unwrap();
        }
        ServerConfig::load(raw).unwrap().config
    }

    pub async fn start(&self) -> Running {
        self.try_start().await.unwrap()
    }

    pub async fn try_start(&self) -> Result<Running, StartError> {
        let config = Arc::new(self.config());
        let execution = Arc::new(TestExecution::start(config.log_dirs.len()));
        let disk = self.disk.mount();
        let seams = Seams {
            disk: self.real_disk.clone().unwrap_or_else(|| Arc::new(disk.clone())),
            clock: Arc::new(SystemClock::new()),
            execution: Arc::clone(&execution) as _,
            net: Arc::new(TcpNet { backlog: 50 }),
        };
        let (authorizer, loggers) = (Arc::clone(&self.authorizer), Arc::clone(&self.loggers));
        let options = NodeOptions { config, seams, authorizer, loggers, snapshot_max_entries: None };
        let started = on_control(&execution, async move { Node::start(options, |broker| Arc::new(Api::new(broker))).await });
        match started.await {
            Ok(node) => Ok(Running { node, execution, disk }),
            Err(error) => {
                execution.shut_down();
                Err(error)
            }
        }
    }
}

/// A node that runs.
#[derive(Debug)]
pub struct Running {
    pub node: Node,
    pub execution: Arc<TestExecution>,
    pub disk: SimulatedDisk,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.node.addresses()[0].address
    }

    pub fn broker(&self) -> &Arc<Broker> {
        self.node.broker()
    }

    /// What /metrics would tell.
    pub fn metrics(&self) -> String {
        klamm::ops::metrics_text(self.broker())
    }

    pub async fn client(&self) -> Client {
        self.client_of(self.address()).await
    }

    pub async fn client_of(&self, address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client(client::Client::new(stream, "it"))
    }

    /// Stops the node as SIGTERM does.
    pub async fn stop(self) -> Result<(), LogFault> {
        let Self { node, execution, .. } = self;
        let stopped = soon(on_control(&execution, async move { node.stop().await })).await;
        execution.shut_down();
        stopped
    }

    /// Begins to stop and gives back what ends when the node has stopped.
    pub fn begin_stop(self) -> impl Future<Output = Result<(), LogFault>> {
        let Self { node, execution, .. } = self;
        let stopping = on_control(&execution, async move { node.stop().await });
        async move {
            let stopped = soon(stopping).await;
            execution.shut_down();
            stopped
        }
    }

    /// Cuts the power: what was not synced may be gone.
    pub fn crash(self) {
        self.disk.crash();
        self.execution.shut_down();
        drop(self.node);
    }

    /// Names of the entries of a directory.
    pub fn list(&self, path: impl AsRef<Path>) -> Vec<String> {
        list(&self.disk, path)
    }

    /// A file of text.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<String> {
        let file = self.disk.open(path.as_ref(), OpenMode::Read)?;
        let mut bytes = Vec::new();
        file.read_at(0, usize::try_from(file.length()?).unwrap(), &mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// Waits until the node says that it cannot go on.
    pub async fn fatal(&self) -> String {
        let mut fatal = self.node.fatal();
        let reason = soon(fatal.wait_for(Option::is_some)).await.unwrap();
        reason.clone().unwrap()
    }
}

/// Names of the entries of a directory.
pub fn list(disk: &SimulatedDisk, path: impl AsRef<Path>) -> Vec<String> {
    disk.mount().read_directory(path.as_ref()).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// Runs `work` where the node's own control work runs, as the program does.
pub fn on_control<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    execution: &TestExecution,
    work: F,
) -> impl Future<Output = T> + use<T, F> {
    let (sender, receiver) = oneshot::channel();
    execution.spawn(Lane::Control, Box::pin(async move { drop(sender.send(work.await)) }));
    async move { receiver.await.unwrap() }
}

/// What does not come soon never comes.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("this takes far too long")
}

/// Waits until `reached` says so; looks often.
pub async fn until(mut reached: impl FnMut() -> bool) {
    soon(async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A connection to a node. Whatever goes wrong with it ends the test.
#[derive(Debug)]
pub struct Client(client::Client<TcpStream>);

impl Client {
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        soon(self.0.call(version, request)).await.unwrap()
    }

    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> Sent<R> {
        soon(self.0.send(version, request)).await.unwrap()
    }

    pub async fn receive<R: Request>(&mut self, sent: Sent<R>) -> R::Response {
        soon(self.0.receive(sent)).await.unwrap()
    }

    /// The node closes the connection without a further answer.
    pub async fn is_closed(&mut self) {
        soon(self.0.receive_frame()).await.unwrap_err();
    }

    /// Frames of one's own making.
    pub fn raw(&mut self) -> &mut client::Client<TcpStream> {
        &mut self.0
    }
}
