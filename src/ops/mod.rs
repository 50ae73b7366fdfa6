//! What an operator sees: log lines, health, metrics.
//!
//! Owns: the admin server and how log lines are written.
//! Never does: change anything in the node; it reads.
//! Invariants: the admin server is bound before the node says it is ready, and answers as long as the process lives.

mod admin;
mod logging;
mod metrics;

pub use admin::{AdminServer, Health};
pub use logging::{Log, REQUEST_LOGGER, log, start_logging};
pub use metrics::{metrics_documentation, metrics_text};
