//! One number for everything that happened: every disk call, frame, job, timer reading and random number, each with its time.

use std::sync::{Arc, Mutex};

use klamm::disk;
use klamm::seams::Random;

/// Shared by all seams of a machine.
#[derive(Clone, Default, Debug)]
pub(crate) struct Trace(Arc<Mutex<State>>);

#[derive(Default, Debug)]
struct State {
    hash: u64,
    events: u64,
}

impl Trace {
    /// Notes an event at the present time.
    pub(crate) fn event(&self, what: &str, numbers: &[u64], bytes: &[u8]) {
        let time = turmoil::sim_elapsed().unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        state.events += 1;
        let elapsed = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let texts = [u64::from(crc32c::crc32c(what.as_bytes())), elapsed, bytes.len() as u64, u64::from(crc32c::crc32c(bytes))];
        for number in texts.iter().chain(numbers) {
            state.hash = Random::mix(state.hash.rotate_left(5) ^ number);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.lock().unwrap().hash
    }

    pub(crate) fn events(&self) -> u64 {
        self.0.lock().unwrap().events
    }

    /// The callback that notes the calls of a disk.
    pub(super) fn of_disk(&self) -> disk::Trace {
        let trace = self.clone();
        Box::new(move |call, error| {
            let what = format!("disk {:?} {} {error:?}", call.operation, call.path.display());
            trace.event(&what, &[call.position, call.length], call.bytes);
        })
    }
}
