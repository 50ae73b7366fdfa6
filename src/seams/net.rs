//! Connections and listeners.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::BoxFuture;

/// A simulated byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + Debug {}

/// One connection, bound to the runtime it is used on.
#[derive(Debug)]
pub enum Connection {
    Tcp(tokio::net::TcpStream),
    Simulated(Box<dyn Stream>),
}

/// An accepted connection that no runtime holds yet, so that any worker can take it.
#[derive(Debug)]
pub enum Incoming {
    /// Already set to non-blocking.
    Tcp(std::net::TcpStream),
    Simulated(Box<dyn Stream>),
}

impl Incoming {
    /// Binds the connection to the runtime that this is called on.
    ///
    /// # Errors
    /// When the reactor cannot take the socket.
    pub fn into_connection(self) -> io::Result<Connection> {
        Ok(match self {
            Self::Tcp(stream) => Connection::Tcp(tokio::net::TcpStream::from_std(stream)?),
            Self::Simulated(stream) => Connection::Simulated(stream),
        })
    }
}

pub trait Listener: Send + Debug {
    /// The address in fact bound, its port never 0.
    fn local_address(&self) -> SocketAddr;

    /// The next connection and its peer. Errors such as EMFILE leave the listener usable.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Incoming, SocketAddr)>>;
}

pub trait Net: Send + Sync + Debug {
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;

    /// Connects on the runtime that this is called on.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>>;
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Simulated(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Simulated(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Simulated(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Simulated(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Simulated(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
