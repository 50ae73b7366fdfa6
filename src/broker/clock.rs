//! The process's clock and its randomness.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::seams::{Clock, Random};
use crate::types::{Now, Timestamp};

/// The operating system's time, and a generator that it seeds once.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    /// State of [`Random`], which moves by a constant: one atomic addition gives each caller a state of its own.
    state: AtomicU64,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the Clock seam itself")]
    pub fn new() -> Self {
        // The standard library's hasher is keyed from the operating system's randomness: the only way to it without unsafe
        // code or another dependency.
        let seed = RandomState::new().build_hasher().finish();
        Self { started: Instant::now(), state: AtomicU64::new(seed) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now(self.started.elapsed())
    }

    /// Saturates; 0 if the clock stands before 1970.
    #[expect(clippy::disallowed_methods, reason = "the Clock seam itself")]
    fn timestamp(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Unpredictable enough for ids and jitter, not for keys.
    fn random(&self) -> u64 {
        Random::mix(self.state.fetch_add(Random::STEP, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_is_after_2026() {
        let clock = SystemClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(clock.timestamp() > Timestamp(1_767_225_600_000));
    }

    #[test]
    fn random_numbers_differ_within_and_between_clocks() {
        let (left, right) = (SystemClock::new(), SystemClock::new());
        let numbers: std::collections::BTreeSet<u64> = (0..1_000).flat_map(|_| [left.random(), right.random()]).collect();
        assert_eq!(numbers.len(), 2_000);
        let ones: u32 = numbers.iter().map(|number| number.count_ones()).sum();
        assert!((63_000..65_000).contains(&ones), "{ones} of 128,000 bits are set");
    }
}
