//! Lanes, read threads and sync threads as tasks of the one runtime that a simulated host has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use klamm::seams::{Blocking, BoxFuture, Execution, Lane, Random};
use tokio::sync::mpsc;

use super::Trace;

/// Jobs that may wait for one sync thread. The real one makes its caller wait; here too many are a failure.
const QUEUED_JOBS: usize = 4096;

/// Two lanes at least, so that what depends on there being more than one is met.
const WORKERS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(super) struct SimulatedExecution {
    random: Arc<Mutex<Random>>,
    /// By place; made when first used.
    sync_threads: Mutex<BTreeMap<usize, mpsc::Sender<Job>>>,
    trace: Trace,
}

impl SimulatedExecution {
    pub(super) fn new(random: Random, trace: Trace) -> Self {
        Self { random: Arc::new(Mutex::new(random)), sync_threads: Mutex::default(), trace }
    }

    /// A task that does one job after the other; each takes its time, then happens at once.
    fn start_sync_thread(&self, place: usize) -> mpsc::Sender<Job> {
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUED_JOBS);
        let (random, trace) = (Arc::clone(&self.random), self.trace.clone());
        start(async move {
            while let Some(job) = jobs.recv().await {
                let time = sync_time(&mut random.lock().unwrap());
                tokio::time::sleep(time).await;
                trace.event("sync job", &[place as u64], &[]);
                job();
            }
        });
        sender
    }
}

impl Execution for SimulatedExecution {
    fn workers(&self) -> usize {
        WORKERS
    }

    fn spawn(&self, lane: Lane, task: BoxFuture<'static, ()>) {
        let lane = match lane {
            Lane::Worker(index) => {
                assert!(index < WORKERS, "there is no worker {index}");
                index as u64
            }
            Lane::Control => u64::MAX,
        };
        self.trace.event("spawn", &[lane], &[]);
        start(task);
    }

    fn block(&self, place: Blocking, job: Job) {
        let place = match place {
            Blocking::Read => {
                let time = Duration::from_micros(100 + self.random.lock().unwrap().below(1_000));
                let trace = self.trace.clone();
                start(async move {
                    tokio::time::sleep(time).await;
                    trace.event("read job", &[], &[]);
                    job();
                });
                return;
            }
            Blocking::MetadataSync => 0,
            Blocking::Sync(directory) => directory + 1,
        };
        let mut threads = self.sync_threads.lock().unwrap();
        let thread = threads.entry(place).or_insert_with(|| self.start_sync_thread(place));
        assert!(thread.try_send(job).is_ok(), "too many jobs wait for sync thread {place}, or it is gone");
    }
}

/// About 2 ms; a device that is busy takes longer now and then.
fn sync_time(random: &mut Random) -> Duration {
    let usual = 1_000 + random.below(2_000);
    Duration::from_micros(if random.chance(5) { usual * 10 } else { usual })
}

#[expect(clippy::disallowed_methods, reason = "the Execution seam itself")]
fn start(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
