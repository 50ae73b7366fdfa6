//! A stranger: a client that says anything. Its requests are made up from an input, of every API that is served, and follow up on what
//! earlier answers told; after each one an auditor looks whether all that was promised still holds.
//!
//! Reading order: this file runs a conversation, `talk.rs` makes and sends requests, `model.rs` keeps what was promised, `audit.rs` asks
//! whether it holds.

mod audit;
mod model;
mod talk;

use std::cell::Cell;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use klamm::broker::Seams;

use crate::node::{self, BROKER, Running};
use crate::world::{Machine, Outcome, world};
use talk::Stranger;

/// The world's time after which a conversation has failed.
const LIMIT: Duration = Duration::from_secs(3600);
const SETTINGS: &str = "auto.create.topics.enable=false\noffsets.topic.num.partitions=1\ntransaction.state.log.num.partitions=1\n\
                        group.initial.rebalance.delay.ms=0\nnode.id=1\n";

/// What a conversation was.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Told {
    pub(crate) requests: usize,
    pub(crate) answers: usize,
    /// Answers without any error in them.
    pub(crate) successes: usize,
    pub(crate) batches: usize,
    pub(crate) commits: usize,
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// A task that panics takes only its connection along, so panics are counted where they happen.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// Holds the conversation that the input describes with a fresh node.
pub(crate) fn converse(input: &[u8]) -> Result<Told, String> {
    count_panics();
    let panics = PANICS.get();
    let mut sim = world(0, LIMIT);
    let machine = Machine::new(BROKER.0, 0);
    let (running, config) = (Running::default(), node::config(SETTINGS));
    machine.install(&mut sim, move |seams: Seams| node::run(Arc::clone(&config), Arc::clone(&running), seams));
    let told = Arc::new(Mutex::new(Told::default()));
    let (shared, input) = (Arc::clone(&told), input.to_vec());
    sim.client("stranger", async move {
        let stranger: Outcome = Stranger::new(&input, shared).talk().await.map_err(Into::into);
        stranger
    });
    machine.run(&mut sim).map_err(|error| error.to_string())?;
    if PANICS.get() != panics {
        return Err("the node panicked".to_owned());
    }
    let told = *told.lock().unwrap();
    Ok(told)
}
