//! What a connection hands its frames to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::{Bytes, BytesMut};

use crate::config::ListenerPurpose;
use crate::seams::BoxFuture;

/// What is known of the connection that a request came in on.
#[derive(Debug)]
pub struct ConnectionContext {
    /// Unique within the process.
    pub id: u64,
    /// Name of the listener it came in on; answers give addresses of that listener.
    pub listener: Arc<str>,
    /// What that listener is for.
    pub purpose: ListenerPurpose,
    pub peer: SocketAddr,
    /// Set once a produce of this connection was answered before what it wrote was durable: its reads see to it that they see it.
    pub wrote_ahead: AtomicBool,
}

/// An answer, its size prefix and header included, as pieces that are written without being joined.
#[derive(Debug, Default)]
pub struct Response {
    pub pieces: Vec<Bytes>,
}

/// What became of a frame.
pub enum Reply {
    /// The answer is ready.
    Now(Response),
    /// All effects have happened; the answer comes later.
    Later(BoxFuture<'static, Outcome>),
    /// As `Later`, and until it is answered nothing more is taken from the connection: its answer may be long.
    Alone(BoxFuture<'static, Outcome>),
    /// Nothing is answered (Produce with acks=0).
    Nothing,
    /// The connection is closed without an answer; the reason is logged.
    Close(String),
}

/// How a [`Reply::Later`] ends: never `Later` again.
#[derive(Debug)]
pub enum Outcome {
    Response(Response),
    Nothing,
    Close(String),
}

/// Takes whole frames (without the size prefix). Called on the connection's runtime, one frame after the other, in arrival
/// order; it must not block. Everything that a request does happens before `call` returns or by what `call` set going; only
/// waiting is left to the returned future, so several waits of one connection overlap.
pub trait Service: Send + Sync + 'static {
    fn call(&self, context: &Arc<ConnectionContext>, frame: BytesMut) -> Reply;

    /// The connection is gone.
    fn disconnected(&self, context: &ConnectionContext);
}

impl Outcome {
    /// Bytes of the answer.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Response(Response { pieces }) => pieces.iter().map(Bytes::len).sum(),
            Self::Nothing | Self::Close(_) => 0,
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Response(response) => Self::Now(response),
            Outcome::Nothing => Self::Nothing,
            Outcome::Close(reason) => Self::Close(reason),
        }
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(response) => formatter.debug_tuple("Now").field(response).finish(),
            Self::Later(_) => formatter.write_str("Later"),
            Self::Alone(_) => formatter.write_str("Alone"),
            Self::Nothing => formatter.write_str("Nothing"),
            Self::Close(reason) => formatter.debug_tuple("Close").field(reason).finish(),
        }
    }
}
