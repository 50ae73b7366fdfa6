//! Conversations with strangers, over seeds. `make fuzz` has inputs that learn.

use klamm::seams::Random;

use crate::seeds::count;
use crate::stranger::converse;

/// Conversations of a bounded run.
const SEEDS: u64 = 40;
/// Bytes of an input.
const INPUT: usize = 2_000;

fn input(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..INPUT).map(|_| random.number().to_le_bytes()[0]).collect()
}

#[test]
fn whatever_a_stranger_says_what_was_promised_holds() {
    let (mut requests, mut answers, mut successes, mut batches, mut commits) = (0, 0, 0, 0, 0);
    for seed in 0..count(SEEDS) {
        let told = converse(&input(seed)).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        requests += told.requests;
        answers += told.answers;
        successes += told.successes;
        batches += told.batches;
        commits += told.commits;
    }
    println!(
        "{requests} requests, {answers} answers, {successes} without an error, {batches} batches and {commits} commits kept"
    );
    assert!(answers > requests / 2 && successes > requests / 10 && batches > 0 && commits > 0, "the stranger says too little");
}
