//! The broker in a simulated world: network, time, disk and chance come from one seed, and a failure replays from it.
//!
//! Reading order: world/ is what a machine of the simulation consists of; node.rs puts the production node on one; story.rs is what
//! clients do to it; ledger.rs keeps what they were promised; invariants/ holds what must be true of that, a file each; the other files
//! are the tests. stranger/ is a client that says anything; `make fuzz` runs it, too. `KLAMM_SIM_SEEDS` names how many seeds the longer ones run.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod groups;
mod invariants;
mod ledger;
mod node;
mod peer;
mod story;
mod world;

mod crash_points;
mod deletion;
mod determinism;
mod mutations;
mod net_story;
mod seeds;
mod stranger;
mod strangers;
