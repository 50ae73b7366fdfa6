//! Conversations with a node in the simulated world: the input is what a stranger says, see tests/sim/stranger/.

#![no_main]
#![allow(dead_code, unreachable_pub, reason = "modules of the tests, of which this one uses a part")]

#[path = "../../sim/node.rs"]
mod node;
#[path = "../../sim/stranger/mod.rs"]
mod stranger;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../../sim/world/mod.rs"]
mod world;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(wrong) = stranger::converse(input) {
        panic!("{wrong}");
    }
});
