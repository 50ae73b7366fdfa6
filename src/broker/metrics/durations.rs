//! How long something took, as counts in buckets that grow with what they count: four to each doubling, so that a quantile is right to
//! within a quarter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets to a doubling, as a power of two.
const STEP_BITS: u32 = 2;
const STEPS: u64 = 1 << STEP_BITS;
/// The last bucket begins at 2^28 microseconds (268 seconds) and takes all that is longer.
const LONGEST_BIT: u32 = 28;
const BUCKETS: usize = ((LONGEST_BIT - STEP_BITS + 1) << STEP_BITS) as usize + 1;

/// Bucket of a number of microseconds: below 4 each has its own, then the two bits behind the highest say which quarter of the doubling.
fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return usize::try_from(micros).unwrap_or(0);
    }
    let highest = micros.ilog2();
    let quarter = (micros >> (highest - STEP_BITS)) & (STEPS - 1);
    let index = (u64::from(highest - STEP_BITS + 1) << STEP_BITS) + quarter;
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The least number of microseconds in a bucket.
fn least(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = (bucket >> STEP_BITS) - 1;
    (STEPS + (bucket & (STEPS - 1))) << shift
}

/// Counts durations. Never reset.
#[derive(Debug)]
pub struct Durations {
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], micros: AtomicU64::new(0) }
    }
}

impl Durations {
    /// Two additions.
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket(micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    #[must_use]
    pub fn seen(&self) -> DurationsSeen {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        DurationsSeen { counts, micros: self.micros.load(Ordering::Relaxed) }
    }
}

/// [`Durations`] as they were seen at a moment, or what came between two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DurationsSeen {
    counts: Box<[u64]>,
    micros: u64,
}

impl DurationsSeen {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        Duration::from_micros(self.micros)
    }

    /// What came after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.saturating_sub(*then)).collect();
        Self { counts, micros: self.micros.saturating_sub(earlier.micros) }
    }

    /// The duration that a share of them (0 to 1) does not exceed, evenly spread within its bucket; zero if there are none.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate: counts and bounds of buckets are far below 2^52, and the share lies between 0 and 1"
    )]
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count() as f64) * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut before = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            if *count > 0 && before + count >= rank {
                let (from, to) = (least(bucket), least(bucket + 1));
                let within = rank.saturating_sub(before) as f64 / *count as f64;
                return Duration::from_micros(from + ((to - from) as f64 * within) as u64);
            }
            before += count;
        }
        Duration::ZERO
    }

    /// A histogram's buckets: each bound with how many stayed below it, in rising order. Bounds are powers of four, in microseconds, from 16
    /// to 67 seconds.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        (4..=26).step_by(2).map(|bit| {
            let bound = 1 << bit;
            (Duration::from_micros(bound), self.counts.iter().take(bucket(bound)).sum())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn buckets_cover_all_numbers_without_gap_or_overlap() {
        for index in 0..BUCKETS - 1 {
            let (from, to) = (least(index), least(index + 1));
            assert!(from < to && 4 * (to - from) <= from.max(4), "{index}: {from} to {to}");
            assert_eq!([bucket(from), bucket(to - 1)], [index, index]);
        }
        assert_eq!(least(BUCKETS - 1), 1 << LONGEST_BIT);
        assert_eq!([bucket(1 << LONGEST_BIT), bucket(u64::MAX)], [BUCKETS - 1; 2]);
    }

    #[test]
    fn quantiles_are_right_to_within_a_quarter() {
        let durations = Durations::default();
        for micros in 1..=10_000 {
            durations.record(Duration::from_micros(micros));
        }
        let seen = durations.seen();
        assert_eq!((seen.count(), seen.sum()), (10_000, Duration::from_micros(50_005_000)));
        for (share, exact) in [(0.0, 1), (0.5, 5_000), (0.75, 7_500), (0.95, 9_500), (0.99, 9_900), (0.999, 9_990), (1.0, 10_000)]
        {
            let estimate = u64::try_from(seen.quantile(share).as_micros()).unwrap();
            assert!(4 * estimate.abs_diff(exact) <= exact.max(4), "{share}: {estimate}, exactly {exact}");
        }
    }

    #[test]
    fn nothing_has_no_quantiles_and_the_longest_fit() {
        let durations = Durations::default();
        assert_eq!(durations.seen().quantile(0.99), Duration::ZERO);
        durations.record(Duration::from_secs(100_000));
        assert!(durations.seen().quantile(0.5) >= Duration::from_secs(268));
    }

    #[test]
    fn a_difference_knows_only_what_came_between() {
        let durations = Durations::default();
        durations.record(Duration::from_secs(1));
        let earlier = durations.seen();
        durations.record(Duration::from_millis(1));
        let between = durations.seen().since(&earlier);
        assert_eq!((between.count(), between.sum()), (1, Duration::from_millis(1)));
        assert!(between.quantile(0.999) < Duration::from_millis(2));
    }

    #[test]
    fn a_histogram_counts_what_lies_below_its_bounds() {
        let durations = Durations::default();
        [10, 20, 2_000, 100_000_000].iter().for_each(|micros| durations.record(Duration::from_micros(*micros)));
        let seen = durations.seen();
        let buckets: Vec<_> = seen.cumulative().map(|(bound, count)| (bound.as_micros(), count)).collect();
        assert_eq!(buckets.len(), 12);
        assert_eq!(
            buckets.iter().take(6).copied().collect::<Vec<_>>(),
            [(16, 1), (64, 2), (256, 2), (1_024, 2), (4_096, 3), (16_384, 3)]
        );
        assert_eq!(buckets.last(), Some(&(67_108_864, 3)));
    }
}
