//! What must be true of every run. Each file holds one invariant: `check` returns how often it was evaluated, or what it found.

pub(crate) mod acknowledged_records_survive;
pub(crate) mod deletions_survive;
pub(crate) mod groups;
pub(crate) mod metadata_survives;
pub(crate) mod records_come_once_in_order;

use std::collections::BTreeMap;

use crate::ledger::Ledger;

/// How often each invariant was evaluated.
pub(crate) type Evaluated = BTreeMap<&'static str, usize>;

/// Checks all of them.
pub(crate) fn check(ledger: &Ledger) -> Result<Evaluated, String> {
    let mut evaluated = Evaluated::new();
    evaluated.insert("acknowledged records survive", acknowledged_records_survive::check(ledger)?);
    evaluated.insert("records come once, in order", records_come_once_in_order::check(ledger)?);
    evaluated.insert("deletions survive", deletions_survive::check(ledger)?);
    evaluated.insert("metadata survives", metadata_survives::check(ledger)?);
    Ok(evaluated)
}

/// Adds up over runs; an invariant that was never evaluated has shown nothing.
pub(crate) fn add_up(runs: impl IntoIterator<Item = Evaluated>) -> Evaluated {
    let mut total = Evaluated::new();
    for (invariant, times) in runs.into_iter().flatten() {
        *total.entry(invariant).or_default() += times;
    }
    for (invariant, times) in &total {
        println!("{invariant}: evaluated {times} times");
        assert!(*times > 0, "{invariant}: never evaluated");
    }
    total
}
