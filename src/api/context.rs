//! What a handler knows of the request beside its body.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use kafka_protocol::protocol::{Encodable, StrBytes};

use crate::broker::{Broker, Partition, own_writes_are_visible};
use crate::net::{ConnectionContext, Outcome, Response};
use crate::protocol::{ApiKey, EncodeError, RequestHeader, encode_response};
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
}

/// A wire string of our own text.
pub(super) fn wire(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A topic's name for the wire.
pub(super) fn wire_topic(name: &TopicName) -> kafka_protocol::messages::TopicName {
    wire(name.as_str()).into()
}

/// "Not asked for", in the fields of authorised operations.
pub(super) const OPERATIONS_NOT_ASKED: i32 = i32::MIN;
