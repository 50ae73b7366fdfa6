//! What the node counts: plain atomics, added to where things happen. `ops/metrics/` shows them, and counts the rest when it is asked.
//!
//! Counting takes no lock and no memory: a relaxed addition, or two looks at the clock for a duration. What can be counted by looking
//! (partitions, sizes, groups) is not kept here at all but gathered in [`observation`](super::observation).

mod disk;
mod durations;
mod requests;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::ServerConfig;
pub use disk::{DiskMetrics, DiskSeen};
pub use durations::{Durations, DurationsSeen};
pub use requests::{RequestMetrics, RequestsSeen, Timed};
pub use traffic::{Traffic, TrafficSeen};

/// The node's counters.
#[derive(Debug)]
pub struct Metrics {
    pub disk: Arc<DiskMetrics>,
    pub requests: RequestMetrics,
    /// What belongs to no partition of this node: of topics that are gone, or of partitions that are not open.
    pub elsewhere: Traffic,
    pub fetches_waiting: Level,
    /// Times that a replica left the ISR of a partition that this node leads, and came back.
    pub isr_shrinks: Count,
    pub isr_expands: Count,
}

impl Metrics {
    #[must_use]
    pub fn new(config: &ServerConfig) -> Self {
        Self {
            disk: Arc::new(DiskMetrics::new(config.storage.slow_disk)),
            requests: RequestMetrics::default(),
            elsewhere: Traffic::default(),
            fetches_waiting: Level::default(),
            isr_shrinks: Count::default(),
            isr_expands: Count::default(),
        }
    }
}

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more, until what is returned is dropped.
    #[must_use]
    pub fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that counts in a [`Level`].
#[derive(Debug)]
pub struct Entered<'a>(&'a Level);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
