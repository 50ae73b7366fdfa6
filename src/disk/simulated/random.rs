//! Seeded randomness of the simulated disk.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and any seed will do.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to `limit - 1`; 0 if there is nothing to choose.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // The bias of a remainder is of no weight at these sizes.
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
