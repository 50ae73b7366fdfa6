//! The world's time, and seeded randomness.

use std::sync::Mutex;

use klamm::seams::{Clock, Random};
use klamm::types::{Now, Timestamp};

use super::Trace;

#[derive(Debug)]
pub(super) struct SimulatedClock {
    random: Mutex<Random>,
    trace: Trace,
}

impl SimulatedClock {
    pub(super) fn new(random: Random, trace: Trace) -> Self {
        Self { random: Mutex::new(random), trace }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Now {
        self.trace.event("now", &[], &[]);
        // Outside of a running host there are only destructors, after a crash.
        Now(turmoil::sim_elapsed().unwrap_or_default())
    }

    fn timestamp(&self) -> Timestamp {
        self.trace.event("timestamp", &[], &[]);
        let since = turmoil::since_epoch().unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).expect("this age"))
    }

    fn random(&self) -> u64 {
        let number = self.random.lock().unwrap().number();
        self.trace.event("random", &[number], &[]);
        number
    }
}
