//! The real network: TCP by tokio.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::seams::{BoxFuture, Connection, Incoming, Listener, Net};

/// TCP sockets of this machine.
#[derive(Clone, Copy, Debug)]
pub struct TcpNet {
    /// Connections that may wait to be accepted (`socket.listen.backlog.size`); the kernel has a bound of its own.
    pub backlog: i32,
}

impl Net for TcpNet {
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            // A restart must not wait for the connections of the last run to time out.
            socket.set_reuse_address(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            socket.listen(self.backlog)?;
            let listener = TcpListener::from_std(socket.into())?;
            let address = listener.local_addr()?;
            Ok(Box::new(RealListener { listener, address }) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Connection::Tcp(stream))
        })
    }
}

#[derive(Debug)]
struct RealListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener for RealListener {
    fn local_address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Incoming, SocketAddr)>> {
        Box::pin(async {
            let (stream, peer) = self.listener.accept().await?;
            // Answers are written whole, so there is nothing to wait for.
            stream.set_nodelay(true)?;
            Ok((Incoming::Tcp(stream.into_std()?), peer))
        })
    }
}

/// The addresses of a host and port; without a host, all interfaces. Asks the system's resolver when the host is a name.
///
/// # Errors
/// When the name is unknown.
pub fn resolve(host: Option<&str>, port: u16) -> io::Result<Vec<SocketAddr>> {
    // One socket on the IPv6 wildcard takes IPv4 too.
    let host = host.unwrap_or(if has_ipv6() { "::" } else { "0.0.0.0" });
    (host, port).to_socket_addrs().map(Iterator::collect)
}

fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).is_ok()
}

/// This machine's own name, as clients elsewhere may know it.
#[must_use]
pub fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Raises the number of descriptors that this process may open to what the system allows it; returns that number.
///
/// # Errors
/// When the system refuses; the process can go on with what it has.
pub fn raise_descriptor_limit() -> io::Result<Option<u64>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok(limit.maximum)
}
