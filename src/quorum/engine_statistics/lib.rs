//! Histograms for the Raft engine's own statistics.
//!
//! The engine counts its batches in histograms of the crate `base2histogram`, which keeps 20 MB of tables for finer steps than anyone
//! here looks at (docs/adr/0005). This crate takes its place in `Cargo.toml`: the same names, no more than the engine calls, and a few
//! hundred bytes for each histogram that counts something. A value is known to within its power of two.

use std::fmt;
use std::marker::PhantomData;

/// One bucket for zero, and one for the values of each number of significant bits.
const BUCKETS: usize = 1 + u64::BITS as usize;

/// How often values of each size came. `T` is the engine's, which never sets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram<T = ()> {
    /// Values by their number of significant bits; as long as the largest needs it.
    counts: Vec<u64>,
    data: PhantomData<T>,
}

/// Values of a histogram in rising order, each above the named share of all. All zero when nothing was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PercentileStats {
    /// Values recorded.
    pub samples: u64,
    pub p0_1: u64,
    pub p1: u64,
    pub p5: u64,
    pub p10: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
}

/// Histograms side by side, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct AsciiChart<T = ()> {
    series: Vec<(String, Histogram<T>)>,
}

impl<T> Histogram<T> {
    #[must_use]
    pub fn new() -> Self {
        Self { counts: Vec::new(), data: PhantomData }
    }

    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// Records `value` as often as `count` says; counts stop at the largest number.
    pub fn record_n(&mut self, value: u64, count: u64) {
        if count == 0 {
            return;
        }
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        self.counts.resize(self.counts.len().max(bucket + 1), 0);
        let counted = self.counts.get_mut(bucket).expect("made long enough");
        *counted = counted.saturating_add(count);
    }

    /// Values recorded.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    #[must_use]
    pub fn percentile_stats(&self) -> PercentileStats {
        PercentileStats {
            samples: self.total(),
            p0_1: self.per_mille(1),
            p1: self.per_mille(10),
            p5: self.per_mille(50),
            p10: self.per_mille(100),
            p50: self.per_mille(500),
            p90: self.per_mille(900),
            p99: self.per_mille(990),
            p99_9: self.per_mille(999),
        }
    }

    /// The smallest value that `share` thousandths of all do not exceed, as if the values of a bucket lay evenly in it.
    fn per_mille(&self, share: u64) -> u64 {
        let rank = (u128::from(self.total()) * u128::from(share)).div_ceil(1000);
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            let count = u128::from(*count);
            if count > 0 && below + count >= rank {
                let (least, width) = span(bucket);
                let place = (rank.max(1) - below) * 2 - 1;
                return u64::try_from(least + width * place / (2 * count)).unwrap_or(u64::MAX);
            }
            below += count;
        }
        0
    }
}

/// The least value of a bucket, and how many values it has.
fn span(bucket: usize) -> (u128, u128) {
    match bucket.min(BUCKETS - 1) {
        0 => (0, 1),
        bits => (1 << (bits - 1), 1 << (bits - 1)),
    }
}

impl<T> Default for Histogram<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> AsciiChart<T> {
    #[must_use]
    pub fn new() -> Self {
        Self { series: Vec::new() }
    }

    #[must_use]
    pub fn add(mut self, name: &str, histogram: Histogram<T>) -> Self {
        self.series.push((name.to_owned(), histogram));
        self
    }
}

impl<T> Default for AsciiChart<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for PercentileStats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { samples, p0_1, p1, p5, p10, p50, p90, p99, p99_9 } = self;
        write!(
            out,
            "[{samples} values; 0.1%: {p0_1}, 1%: {p1}, 5%: {p5}, 10%: {p10}, 50%: {p50}, 90%: {p90}, 99%: {p99}, 99.9%: {p99_9}]"
        )
    }
}

/// A line for each bucket that holds something: its least value, how often, and a bar beside the fullest.
impl<T> fmt::Display for AsciiChart<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BAR: u128 = 40;
        for (name, histogram) in &self.series {
            writeln!(out, "{name}: {}", histogram.percentile_stats())?;
            let fullest = u128::from(histogram.counts.iter().copied().max().unwrap_or(1));
            for (bucket, count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let bar = usize::try_from(u128::from(*count) * BAR / fullest).unwrap_or(0);
                writeln!(out, "{:>20} {count:>10} {}", span(bucket).0, "#".repeat(bar))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn nothing_recorded_is_nothing_known() {
        let mut histogram = Histogram::<()>::new();
        histogram.record_n(7, 0);
        assert_eq!(histogram, Histogram::default());
        assert_eq!(histogram.total(), 0);
        assert_eq!(histogram.percentile_stats().p50, 0);
        assert_eq!(histogram.counts.capacity(), 0);
    }

    #[test]
    fn percentiles_lie_within_the_power_of_two_of_the_true_value() {
        let mut histogram = Histogram::<()>::new();
        (1..=1000).for_each(|value| histogram.record(value));
        let stats = histogram.percentile_stats();
        assert_eq!(stats.samples, 1000);
        let found = [stats.p0_1, stats.p1, stats.p5, stats.p10, stats.p50, stats.p90, stats.p99, stats.p99_9];
        for (found, exact) in found.into_iter().zip([1, 10, 50, 100, 500, 900, 990, 999_u64]) {
            assert_eq!(found.ilog2(), exact.ilog2(), "{found} for {exact}");
        }
        assert!(found.is_sorted());
    }

    #[test]
    fn the_smallest_values_are_exact_and_the_largest_has_its_bucket() {
        let mut histogram = Histogram::<()>::new();
        histogram.record_n(0, 98);
        histogram.record(1);
        histogram.record(u64::MAX);
        let stats = histogram.percentile_stats();
        assert_eq!((stats.p50, stats.p99), (0, 1));
        assert!(stats.p99_9 >= 1 << 63);
        assert_eq!(histogram.counts.len(), BUCKETS);
        histogram.record_n(0, u64::MAX);
        assert_eq!(histogram.total(), u64::MAX);
    }

    #[test]
    fn charts_show_what_was_added() {
        let mut histogram = Histogram::<()>::new();
        histogram.record_n(5, 3);
        let chart = AsciiChart::new().add("first", histogram).add("second", Histogram::new()).to_string();
        let lines: Vec<_> = chart.lines().collect();
        assert!(lines[0].starts_with("first: [3 values") && lines[1].contains("4          3 ####"), "{chart}");
        assert!(lines[2].starts_with("second: [0 values"), "{chart}");
    }
}
