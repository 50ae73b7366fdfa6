//! Time and randomness.

use std::fmt::Debug;

use crate::types::{Now, Timestamp};

/// The only source of time and randomness. Sleeping is tokio's: its clock is virtual in the simulator.
pub trait Clock: Send + Sync + Debug {
    /// Monotonic time, for timers and deadlines.
    fn now(&self) -> Now;

    /// Wall-clock time, for records.
    fn timestamp(&self) -> Timestamp;

    /// A random number; seeded in the simulator.
    fn random(&self) -> u64;
}
