//! The production node on a simulated machine.

use std::sync::{Arc, Mutex};

use klamm::api::Api;
use klamm::broker::{Broker, NoLoggers, Node, NodeOptions, Seams};
use klamm::config::{RawConfig, ServerConfig};
use klamm::security::AllowAll;

use crate::world::Outcome;

/// Name of the machine, and the port of its broker.
pub(crate) const BROKER: (&str, u16) = ("broker", 9092);

/// Snapshots of the metadata are forced this often.
const SNAPSHOT_ENTRIES: u64 = 20;

/// The node that runs now, for a look inside.
pub(crate) type Running = Arc<Mutex<Option<Arc<Broker>>>>;

/// Settings of the node; `extra` are lines of a server.properties.
pub(crate) fn config(extra: &str) -> Arc<ServerConfig> {
    let text = format!(
        "listeners=PLAINTEXT://0.0.0.0:9092\nadvertised.listeners=PLAINTEXT://broker:9092\nlog.dirs=/data\n\
         klamm.admin.listener=none\nklamm.worker.threads=2\n{extra}"
    );
    let raw = RawConfig::parse("simulated", text.as_bytes()).expect("properties");
    Arc::new(ServerConfig::load(raw).map_err(|problems| format!("{problems:?}")).expect("valid settings").config)
}

/// Runs the node until the power goes; a node that ends by itself has failed.
pub(crate) async fn run(config: Arc<ServerConfig>, running: Running, seams: Seams) -> Outcome {
    let (authorizer, loggers) = (Arc::new(AllowAll), Arc::new(NoLoggers));
    let options = NodeOptions { config, seams, authorizer, loggers, snapshot_max_entries: Some(SNAPSHOT_ENTRIES) };
    let node = Node::start(options, |broker| Arc::new(Api::new(broker))).await?;
    *running.lock().unwrap() = Some(Arc::clone(node.broker()));
    let mut fatal = node.fatal();
    let reason = fatal.wait_for(Option::is_some).await?.clone();
    Err(reason.unwrap_or_default().into())
}
