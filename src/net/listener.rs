//! One address: bound, then accepting until the server stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::server::{Life, ListenAddress, Phase, Shared};
use crate::seams::{Listener, Net};

/// Pause after an accept that failed, as when no descriptor is free: the connection stays in the kernel's queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Binds, reports the address or the failure, and accepts from the moment that the server serves.
pub(super) async fn run(
    net: Arc<dyn Net>,
    address: ListenAddress,
    shared: Arc<Shared>,
    life: Life,
    report: oneshot::Sender<io::Result<SocketAddr>>,
) {
    let mut listener = match net.bind(address.address).await {
        Ok(listener) => listener,
        Err(error) => {
            let _ = report.send(Err(error));
            return;
        }
    };
    if report.send(Ok(listener.local_address())).is_err() {
        return;
    }
    life.reaches(Phase::Serving).await;
    tokio::select! {
        () = accept(&mut *listener, &address, &shared, &life) => {}
        () = life.reaches(Phase::Draining) => {}
    }
}

async fn accept(listener: &mut dyn Listener, address: &ListenAddress, shared: &Arc<Shared>, life: &Life) {
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((incoming, peer)) => {
                if std::mem::take(&mut failing) {
                    tracing::info!(listener = %address.listener, "connections are accepted again");
                }
                match shared.door.enter(&address.listener, peer.ip(), &*shared.clock).await {
                    Ok(place) => shared.take_on(incoming, peer, address, life.clone(), place),
                    Err(refused) => shared.log_refusal(peer, &address.listener, &refused.to_string()),
                }
            }
            // The peer gave up while it waited; the next one is none the worse.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(listener = %address.listener, %error, "cannot accept connections; trying again");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
