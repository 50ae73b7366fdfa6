//! One log line per request, while the logger `kafka.request.logger` is at DEBUG. Bodies are not shown: they hold other people's secrets.

use std::sync::Arc;

use super::context::RequestContext;
use crate::broker::Broker;
use crate::net::{Outcome, Reply};
use crate::seams::BoxFuture;
use crate::types::Now;

/// Most letters of a client's id in a line.
const CLIENT_ID_LETTERS: usize = 100;

/// A request that will be told of once it is answered.
pub(super) struct RequestLine {
    broker: Arc<Broker>,
    begun: Now,
    head: String,
}

impl RequestLine {
    /// `None`, and nothing done, unless somebody listens.
    pub(super) fn begin(broker: &Arc<Broker>, context: &RequestContext, request_bytes: usize) -> Option<Self> {
        tracing::enabled!(target: "kafka.request.logger", tracing::Level::DEBUG).then(|| {
            let client: String = context.client_id.chars().take(CLIENT_ID_LETTERS).collect();
            let RequestContext { key, version, correlation_id, connection, principal, .. } = context;
            let head = format!(
                "{key} version {version} correlation {correlation_id} client {client:?} from {} listener {} principal {} bytes {request_bytes}",
                connection.peer, connection.listener, principal.name
            );
            Self { broker: Arc::clone(broker), begun: broker.clock.now(), head }
        })
    }

    /// The same reply, told of when it is there.
    pub(super) fn told_by(self, reply: Reply) -> Reply {
        match reply {
            Reply::Now(response) => self.tell(Outcome::Response(response)).into(),
            Reply::Nothing => self.tell(Outcome::Nothing).into(),
            Reply::Close(reason) => self.tell(Outcome::Close(reason)).into(),
            Reply::Later(waiting) => Reply::Later(self.told_when_done(waiting)),
            Reply::Alone(waiting) => Reply::Alone(self.told_when_done(waiting)),
        }
    }

    fn told_when_done(self, waiting: BoxFuture<'static, Outcome>) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let outcome = waiting.await;
            self.tell(outcome)
        })
    }

    fn tell(&self, outcome: Outcome) -> Outcome {
        let milliseconds = self.broker.clock.now().since(self.begun).as_secs_f64() * 1000.0;
        let end = match &outcome {
            Outcome::Response(response) => {
                let bytes: usize = response.pieces.iter().map(bytes::Bytes::len).sum();
                format!("answered with {bytes} bytes")
            }
            Outcome::Nothing => "not answered".to_owned(),
            Outcome::Close(reason) => format!("connection closed: {reason}"),
        };
        tracing::debug!(target: "kafka.request.logger", "Completed request: {} {end} in {milliseconds:.3} ms", self.head);
        outcome
    }
}
