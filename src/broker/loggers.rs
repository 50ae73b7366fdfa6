//! The levels of the process's loggers, as far as a broker has to do with them: `ops/` has the log itself.

use std::fmt::Debug;

use crate::config::LogLevel;

/// The loggers that clients may look at and change.
pub trait Loggers: Send + Sync + Debug {
    /// All loggers by name, each with the level that holds: its own, or of the nearest above it.
    fn levels(&self) -> Vec<(String, LogLevel)>;

    fn exists(&self, name: &str) -> bool;

    /// Gives a logger a level of its own, or takes it away. One that does not exist is left alone.
    fn set(&self, name: &str, level: Option<LogLevel>);
}

/// A process without a log: no logger to change.
#[derive(Debug)]
pub struct NoLoggers;

impl Loggers for NoLoggers {
    fn levels(&self) -> Vec<(String, LogLevel)> {
        Vec::new()
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn set(&self, _: &str, _: Option<LogLevel>) {}
}
