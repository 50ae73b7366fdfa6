//! Up to three power cuts at drawn calls, over seeds.

use crate::invariants;
use crate::story::Story;

/// Seeds of a bounded run.
const SEEDS: u64 = 20;

/// `KLAMM_SIM_SEEDS`, or the bounded number.
#[expect(clippy::disallowed_methods, reason = "a test is told by its environment how long to run")]
pub(crate) fn count(bounded: u64) -> u64 {
    std::env::var("KLAMM_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(bounded)
}

/// About how many disk calls a story makes.
pub(crate) const CALLS: u64 = 400;

#[test]
fn drawn_power_cuts_lose_nothing() {
    let runs = (0..count(SEEDS)).map(|seed| Story::with_cuts(seed, CALLS).run().unwrap().evaluated);
    invariants::add_up(runs.collect::<Vec<_>>());
}
