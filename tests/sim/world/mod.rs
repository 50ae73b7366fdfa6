//! A machine of the simulation: the four seams, and the power switch.

mod clock;
mod execution;
mod net;
mod trace;

use std::error::Error;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use klamm::broker::Seams;
use klamm::disk::SimulatedDisk;
use klamm::seams::Random;

use clock::SimulatedClock;
use execution::SimulatedExecution;
use net::SimulatedNet;
pub(crate) use trace::Trace;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// What one step of the simulation adds to the time.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// The world's clock starts at this second: in November 2026.
const EPOCH_SECONDS: u64 = 1_795_000_000;

/// A computer whose disk outlives its crashes.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    pub(crate) trace: Trace,
    /// The disk as the machine that now runs has mounted it.
    mounted: Arc<Mutex<SimulatedDisk>>,
    random: Arc<Mutex<Random>>,
}

/// A world of the given seed, without machines; it ends itself after `limit`.
pub(crate) fn world(seed: u64, limit: Duration) -> turmoil::Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(seed)
        .epoch(UNIX_EPOCH + Duration::from_secs(EPOCH_SECONDS))
        .tick_duration(TICK)
        .simulation_duration(limit)
        .min_message_latency(Duration::from_micros(100))
        .max_message_latency(Duration::from_millis(3))
        // Segments that wait on a connection; above it turmoil panics.
        .tcp_capacity(65_536)
        .build()
}

impl Machine {
    pub(crate) fn new(name: &'static str, seed: u64) -> Self {
        Self::with_disk(name, seed, SimulatedDisk::new(Random::mix(seed)))
    }

    /// A machine that finds this disk.
    pub(crate) fn with_disk(name: &'static str, seed: u64, disk: SimulatedDisk) -> Self {
        let trace = Trace::default();
        disk.on_done(trace.of_disk());
        Self { name, trace, mounted: Arc::new(Mutex::new(disk)), random: Arc::new(Mutex::new(Random::new(seed))) }
    }

    /// The disk, for faults and for a look at what is on it.
    pub(crate) fn disk(&self) -> SimulatedDisk {
        self.mounted.lock().unwrap().clone()
    }

    pub(crate) fn has_lost_power(&self) -> bool {
        self.mounted.lock().unwrap().has_crashed()
    }

    /// Puts the machine into a world. `software` is started with the machine, and again each time it is; when it returns, the
    /// machine stays on and does nothing.
    pub(crate) fn install<F, Software>(&self, sim: &mut turmoil::Sim<'_>, software: Software)
    where
        Software: Fn(Seams) -> F + Clone + 'static,
        F: Future<Output = Outcome> + 'static,
    {
        let machine = self.clone();
        sim.host(self.name, move || {
            let (machine, software) = (machine.clone(), software.clone());
            async move {
                let disk = machine.disk();
                let outcome = software(machine.boot(&disk)).await;
                // What software says after the power has gone nobody hears.
                if disk.has_crashed() || outcome.is_ok() { pending().await } else { outcome }
            }
        });
    }

    /// Runs the world until its clients are done. A machine that loses its power is dark for a while, then started again.
    pub(crate) fn run(&self, sim: &mut turmoil::Sim<'_>) -> Outcome {
        loop {
            if sim.step()? {
                return Ok(());
            }
            if self.has_lost_power() {
                sim.crash(self.name);
                let dark = self.random.lock().unwrap().below(20);
                for _ in 0..dark {
                    sim.step()?;
                }
                let mut mounted = self.mounted.lock().unwrap();
                *mounted = mounted.mount();
                drop(mounted);
                self.trace.event("started again", &[dark], &[]);
                sim.bounce(self.name);
            }
        }
    }

    pub(crate) fn boot(&self, disk: &SimulatedDisk) -> Seams {
        let mut random = self.random.lock().unwrap();
        let mut seeded = || Random::new(random.number());
        let clock = SimulatedClock::new(seeded(), self.trace.clone());
        let execution = SimulatedExecution::new(seeded(), self.trace.clone());
        let net = SimulatedNet { power: disk.clone(), trace: self.trace.clone() };
        Seams { disk: Arc::new(disk.clone()), clock: Arc::new(clock), net: Arc::new(net), execution: Arc::new(execution) }
    }
}
