//! The same seed gives the same run, to every disk call, frame, timer and random number.

use crate::seeds::CALLS;
use crate::story::Story;

const SEEDS: u64 = 20;

#[test]
fn twenty_seeds_run_twice_agree_and_differ_from_one_another() {
    let hashes: Vec<u64> = (0..SEEDS)
        .map(|seed| {
            let [first, second] = [(); 2].map(|()| Story::with_cuts(seed, CALLS).run().unwrap());
            assert_eq!((first.trace_hash, first.events), (second.trace_hash, second.events), "seed {seed}");
            first.trace_hash
        })
        .collect();
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash), "two seeds gave one run");
    }
}
