//! What a handler knows of the request beside its body.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use kafka_protocol::protocol::{Encodable, StrBytes};

use crate::broker::{Broker, Partition, own_writes_are_visible};
use crate::net::{ConnectionContext, Outcome, Response};
use crate::protocol::{ApiKey, EncodeError, ListResponse, RequestHeader, encode_response};
use crate::security::{CLUSTER_OPERATIONS, Cluster, Operation, Principal, Resource};
use crate::types::TopicName;

#[derive(Debug)]
pub(super) struct RequestContext {
    pub(super) connection: Arc<ConnectionContext>,
    pub(super) key: ApiKey,
    pub(super) version: i16,
    pub(super) correlation_id: i32,
    /// "" when the client sent none.
    pub(super) client_id: Box<str>,
    pub(super) principal: Principal,
}

impl RequestContext {
    pub(super) fn new(connection: &Arc<ConnectionContext>, header: &RequestHeader, frame: &[u8]) -> Self {
        Self {
            connection: Arc::clone(connection),
            key: header.api_key,
            version: header.api_version,
            correlation_id: header.correlation_id,
            client_id: header.client_id(frame).into(),
            principal: Principal::anonymous(),
        }
    }

    /// Notes that this connection was answered, or will be, before what it wrote is durable.
    pub(super) fn wrote_ahead(&self) {
        self.connection.wrote_ahead.store(true, Ordering::Relaxed);
    }

    /// Lets a connection that writes ahead see what it wrote; others do not wait.
    pub(super) async fn see_own_writes(&self, partitions: impl Iterator<Item = &Arc<Partition>>) {
        if self.connection.wrote_ahead.load(Ordering::Relaxed) {
            own_writes_are_visible(&partitions.cloned().collect::<Vec<_>>()).await;
        }
    }

    /// The bit field of what may be done to the cluster; 0 without Describe on it.
    pub(super) fn cluster_operations(&self, broker: &Broker) -> i32 {
        match broker.security.authorize(&self.principal, Operation::Describe, Cluster) {
            Some(_) => broker.security.operations(&self.principal, Resource::Cluster, CLUSTER_OPERATIONS),
            None => 0,
        }
    }

    /// Encodes an answer. One that does not fit its version is a bug of ours: logged, and the connection is closed.
    pub(super) fn respond<R: Encodable>(&self, response: &R) -> Outcome {
        self.respond_with(encode_response(self.key, self.version, self.correlation_id, response))
    }

    /// As [`RequestContext::respond`], with an answer that a codec of its own has encoded.
    pub(super) fn respond_with(&self, encoded: Result<Bytes, EncodeError>) -> Outcome {
        match encoded {
            Ok(frame) => Outcome::Response(Response { pieces: vec![frame] }),
            Err(error) => {
                tracing::error!(api = self.key.name(), version = self.version, %error, "an answer could not be encoded");
                Outcome::Close(error.to_string())
            }
        }
    }

    /// Begins an answer whose long list stands at its end: `empty`, with as many elements as will be pushed.
    pub(super) fn list(&self, empty: &impl Encodable, count: usize) -> ListAnswer<'_> {
        let encoded = ListResponse::begin(self.key, self.version, self.correlation_id, empty, count);
        ListAnswer { context: self, encoded, turn_began: 0, in_turn: 0 }
    }
}

/// An answer that is encoded element by element, so that its size is known, and others have their turn, while it grows.
pub(super) struct ListAnswer<'a> {
    context: &'a RequestContext,
    encoded: Result<ListResponse, EncodeError>,
    /// Bytes that there were when this turn of the worker began, and elements since.
    turn_began: usize,
    in_turn: usize,
}

impl ListAnswer<'_> {
    fn bytes(&self) -> usize {
        self.encoded.as_ref().map_or(0, ListResponse::bytes)
    }

    /// What the next element may tell; if there is none left, it is to be a refusal.
    pub(super) fn room(&self) -> Room {
        Room::beside(self.bytes())
    }

    pub(super) async fn push(&mut self, element: &impl Encodable) {
        let Ok(answer) = &mut self.encoded else { return };
        if let Err(error) = answer.push(element) {
            self.encoded = Err(error);
        }
        self.in_turn += 1;
        if self.in_turn == TURN_ELEMENTS || self.bytes().saturating_sub(self.turn_began) >= TURN_BYTES {
            tokio::task::yield_now().await;
            (self.turn_began, self.in_turn) = (self.bytes(), 0);
        }
    }

    pub(super) fn finish(self) -> Outcome {
        self.context.respond_with(self.encoded.and_then(ListResponse::finish))
    }
}

/// Most bytes of an answer that can tell the same over and over, or much of what does not exist: a request of 2 MiB could name one group
/// 260,000 times, and Kafka would tell it as often. What does not fit any more is refused with INVALID_REQUEST. Honest clients name each
/// thing once: the settings of ten thousand topics with all their synonyms fit.
const ANSWER_BYTES: usize = 32 << 20;

/// After so much of an answer the worker's other connections have their turn: a few milliseconds.
const TURN_BYTES: usize = 256 << 10;
const TURN_ELEMENTS: usize = 256;

/// What is left of [`ANSWER_BYTES`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(usize);

impl Room {
    /// Room of an answer that already takes so many bytes.
    pub(super) const fn beside(used: usize) -> Self {
        Self(ANSWER_BYTES.saturating_sub(used))
    }

    pub(super) const fn is_left(self) -> bool {
        self.0 > 0
    }

    /// Takes so many bytes; false if none were left.
    pub(super) const fn take(&mut self, bytes: usize) -> bool {
        let is_left = self.is_left();
        self.0 = self.0.saturating_sub(bytes);
        is_left
    }
}

/// A wire string of our own text.
pub(super) fn wire(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Most bytes of an error message: those that quote what was sent must still fit a string of the wire, and not make answers of one topic's
/// name many times as long as their requests.
const MESSAGE_BYTES: usize = 1024;

/// An error message, cut if it is long.
pub(super) fn wire_message(message: &str) -> StrBytes {
    match message.char_indices().find(|(at, character)| at + character.len_utf8() > MESSAGE_BYTES) {
        Some((end, _)) => wire(&format!("{}...", message.get(..end).unwrap_or_default())),
        None => wire(message),
    }
}

/// A topic's name for the wire.
pub(super) fn wire_topic(name: &TopicName) -> kafka_protocol::messages::TopicName {
    wire(name.as_str()).into()
}

/// "Not asked for", in the fields of authorised operations.
pub(super) const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES, wire_message};

    #[test]
    fn long_messages_are_cut_between_characters() {
        let fits = "ä".repeat(MESSAGE_BYTES / 2);
        assert_eq!(*wire_message(&fits), *fits);
        assert_eq!(*wire_message(&format!("{fits}x")), format!("{fits}..."));
        assert_eq!(wire_message(&format!("x{fits}")).len(), MESSAGE_BYTES - 1 + 3);
    }
}
