//! The admin server: `/healthz` (the process lives), `/readyz` (clients are served), `/metrics` (OpenMetrics text).

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::metrics_text;
use crate::broker::Broker;
use crate::seams::{Connection, Execution, Incoming, Lane, Listener, Net};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin server tells of; the node is put in once it serves.
#[derive(Clone, Debug, Default)]
pub struct Health {
    broker: Arc<OnceLock<Arc<Broker>>>,
}

impl Health {
    /// Clients are served from now on.
    pub fn ready(&self, broker: Arc<Broker>) {
        // A process serves one node.
        drop(self.broker.set(broker));
    }

    fn serving(&self) -> Option<&Arc<Broker>> {
        self.broker.get().filter(|broker| !broker.is_stopping())
    }
}

/// The admin server; it lives as long as the process.
#[derive(Debug)]
pub struct AdminServer {
    pub address: SocketAddr,
}

impl AdminServer {
    /// Binds the address and serves on the control lane.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(net: &dyn Net, execution: &dyn Execution, address: SocketAddr, health: Health) -> io::Result<Self> {
        let listener = net.bind(address).await?;
        let address = listener.local_address();
        let routes = Router::new()
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(health);
        let serving = async move {
            if let Err(error) = axum::serve(Accepting(listener), routes).await {
                tracing::error!(%error, "the admin server ended");
            }
        };
        execution.spawn(Lane::Control, Box::pin(serving));
        Ok(Self { address })
    }
}

async fn readyz(State(health): State<Health>) -> (StatusCode, &'static str) {
    match health.serving() {
        Some(_) => (StatusCode::OK, "ready\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    match health.broker.get() {
        Some(broker) => (StatusCode::OK, [(header::CONTENT_TYPE, OPEN_METRICS)], metrics_text(broker)),
        None => (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "text/plain")], "not ready\n".to_owned()),
    }
}

/// Our listener as the HTTP library takes one.
struct Accepting(Box<dyn Listener>);

impl axum::serve::Listener for Accepting {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let accepted = self.0.accept().await.and_then(|(incoming, peer)| Ok((Incoming::into_connection(incoming)?, peer)));
            match accepted {
                Ok(connection) => return connection,
                Err(error) => {
                    tracing::debug!(%error, "the admin server could not accept");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local_address())
    }
}
