//! The generator behind every source of randomness.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and any seed will do. Not for keys.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The golden ratio's odd fraction of 2^64: how far the state moves with each number.
    pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The number that belongs to a state.
    #[must_use]
    pub fn mix(state: u64) -> u64 {
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        Self::mix(self.0)
    }

    /// Evenly from 0 to `limit - 1`; 0 if there is nothing to choose.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of a remainder is of no weight at the sizes that are asked for.
        self.number().checked_rem(limit).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let numbers = [(); 3].map(|()| random.number());
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
