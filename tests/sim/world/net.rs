//! The world's network behind the Net seam.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use klamm::disk::SimulatedDisk;
use klamm::seams::{BoxFuture, Connection, Incoming, Listener, Net, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

use super::Trace;

/// A machine's network card.
#[derive(Clone, Debug)]
pub(super) struct SimulatedNet {
    /// Tells whether the power is on: without it nothing is sent any more.
    pub(super) power: SimulatedDisk,
    pub(super) trace: Trace,
}

#[derive(Debug)]
struct SimulatedListener {
    listener: Debugless<TcpListener>,
    address: SocketAddr,
    net: SimulatedNet,
}

#[derive(Debug)]
struct SimulatedStream {
    stream: TcpStream,
    net: SimulatedNet,
}

impl SimulatedNet {
    fn require_power(&self) -> io::Result<()> {
        if self.power.has_crashed() { Err(io::ErrorKind::NetworkDown.into()) } else { Ok(()) }
    }

    fn stream(&self, stream: TcpStream) -> Box<dyn Stream> {
        Box::new(SimulatedStream { stream, net: self.clone() })
    }
}

impl Net for SimulatedNet {
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            self.require_power()?;
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            self.trace.event("bind", &[u64::from(address.port())], &[]);
            Ok(Box::new(SimulatedListener { listener: Debugless(listener), address, net: self.clone() }) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            self.require_power()?;
            let stream = TcpStream::connect(address).await?;
            self.trace.event("connect", &[u64::from(address.port())], &[]);
            Ok(Connection::Simulated(self.stream(stream)))
        })
    }
}

impl Listener for SimulatedListener {
    fn local_address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Incoming, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.0.accept().await?;
            self.net.trace.event("accept", &[u64::from(peer.port())], &[]);
            Ok((Incoming::Simulated(self.net.stream(stream)), peer))
        })
    }
}

impl Stream for SimulatedStream {}

impl AsyncRead for SimulatedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.net.require_power()?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        this.net.trace.event("received", &[], &buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.net.require_power()?;
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, bytes))?;
        this.net.trace.event("sent", &[], &bytes[..written]);
        Poll::Ready(Ok(written))
    }

    /// One write of all pieces, as a kernel does it.
    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_write(context, &pieces.iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<u8>>())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.net.require_power()?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

/// turmoil's listener cannot be printed.
struct Debugless<T>(T);

impl<T> std::fmt::Debug for Debugless<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("..")
    }
}
