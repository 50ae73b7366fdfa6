//! The power goes at every single disk call of the story, one run each.

use crate::invariants;
use crate::story::Story;

/// In a bounded run every how-manieth call is tried; the first one moves with each build's seed count.
const STRIDE: u64 = 11;

#[test]
fn a_power_cut_at_any_call_loses_nothing() {
    let calls = Story::new(7).run().unwrap().disk_calls;
    let stride = if std::env::var_os("KLAMM_SIM_SEEDS").is_some() { 1 } else { STRIDE };
    let cuts = (1..=calls).filter(|call| call % stride == 0);
    let runs = cuts.map(|call| Story { cuts: vec![call], ..Story::new(7) }.run().unwrap().evaluated);
    invariants::add_up(runs.collect::<Vec<_>>());
    println!("{calls} disk calls, every {stride}th tried");
}
