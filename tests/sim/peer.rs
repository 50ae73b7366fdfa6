//! A client that goes on whatever happens to its connection.

use std::time::Duration;

use kafka_protocol::protocol::Request;
use turmoil::net::TcpStream;

use crate::node::BROKER;
use crate::support::client::Client;

/// A simulated connection may fall silent for ever: whoever waits longer than this gives it up.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Peer {
    name: &'static str,
    connection: Option<Client<TcpStream>>,
}

impl Peer {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, connection: None }
    }

    /// One try. `None` when there was no answer: whether the request took effect is not known.
    pub(crate) async fn attempt<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        let answer = tokio::time::timeout(PATIENCE, self.call(version, request)).await.ok().flatten();
        if answer.is_none() {
            self.connection = None;
            tokio::time::sleep(PAUSE).await;
        }
        answer
    }

    /// Tries until there is an answer.
    pub(crate) async fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        loop {
            if let Some(answer) = self.attempt(version, request).await {
                return answer;
            }
        }
    }

    /// Breaks the connection off.
    pub(crate) fn hang_up(&mut self) {
        self.connection = None;
    }

    async fn call<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        if self.connection.is_none() {
            self.connection = Some(Client::new(TcpStream::connect(BROKER).await.ok()?, self.name));
        }
        self.connection.as_mut()?.call(version, request).await.ok()
    }
}

/// Lets the broker get on with what it said it is not ready for.
pub(crate) async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
