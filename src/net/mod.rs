//! Sockets: listeners, connections, frames in and out.
//!
//! Owns: accepting, framing with limits, the budget of bytes in flight, pipelining, idle connections; the real Net seam.
//! Never does: decode a body; know an API. Frames go to a [`Service`] handed in at start.
//! Invariants: memory grows as bytes arrive, never by an announced size; answers leave in request order; a request's effects
//! happen in arrival order.

mod budget;
mod connection;
mod door;
mod listener;
mod pool;
mod real;
mod server;
mod service;
mod statistics;

#[cfg(test)]
mod tests;

pub use door::{ConnectionLimits, Room};
pub use real::{TcpNet, machine_name, raise_descriptor_limit, resolve};
pub use server::{BoundServer, Limits, ListenAddress, ServeError, ServeOptions, ServerHandle, bind};
pub use service::{ConnectionContext, Outcome, Reply, Response, Service};
pub use statistics::ServerStatistics;
