//! The process's own threads, with syncs that can be held back and wake-ups that are counted.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use klamm::broker::execution::{ExecutionSizes, ThreadedExecution};
use klamm::seams::{Blocking, BoxFuture, Execution, Lane};

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub struct TestExecution {
    threads: Arc<ThreadedExecution>,
    held: Mutex<Held>,
    /// For each task of a worker, how often it ran.
    runs: Mutex<Vec<Arc<AtomicUsize>>>,
    turns: Arc<LongestTurn>,
}

/// The longest time for which a task kept its worker to itself, in microseconds.
#[derive(Default, Debug)]
struct LongestTurn(AtomicU64);

#[derive(Default)]
struct Held {
    syncs: bool,
    metadata_syncs: bool,
    jobs: Vec<(Blocking, Job)>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Held").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl TestExecution {
    pub fn start(log_directories: usize) -> Self {
        let sizes = ExecutionSizes { workers: 1, readers: 2, log_directories, queued_jobs: 1024 };
        Self {
            threads: Arc::new(ThreadedExecution::start(sizes).unwrap()),
            held: Mutex::default(),
            runs: Mutex::default(),
            turns: Arc::default(),
        }
    }

    /// Holds back the syncs of log directories that begin from now on.
    pub fn hold_syncs(&self) {
        self.held.lock().unwrap().syncs = true;
    }

    /// Holds back those of the metadata log.
    pub fn hold_metadata_syncs(&self) {
        self.held.lock().unwrap().metadata_syncs = true;
    }

    pub fn held_syncs(&self) -> usize {
        self.held.lock().unwrap().jobs.len()
    }

    /// Lets them go, before those that begin later.
    pub fn release_syncs(&self) {
        let mut held = self.held.lock().unwrap();
        (held.syncs, held.metadata_syncs) = (false, false);
        held.jobs.drain(..).for_each(|(place, job)| self.threads.block(place, job));
    }

    /// Counts how often the newest task of a worker (the newest connection) has run.
    pub fn newest_task(&self) -> Arc<AtomicUsize> {
        Arc::clone(self.runs.lock().unwrap().last().unwrap())
    }

    /// The longest time that a task kept its worker to itself, since it was last forgotten.
    pub fn longest_turn(&self) -> Duration {
        Duration::from_micros(self.turns.0.load(Ordering::SeqCst))
    }

    pub fn forget_turns(&self) {
        self.turns.0.store(0, Ordering::SeqCst);
    }

    pub fn shut_down(&self) {
        self.threads.shut_down(Duration::from_secs(30)).unwrap();
    }
}

impl Execution for TestExecution {
    fn workers(&self) -> usize {
        self.threads.workers()
    }

    fn spawn(&self, lane: Lane, task: BoxFuture<'static, ()>) {
        let runs = Arc::new(AtomicUsize::new(0));
        if !matches!(lane, Lane::Worker(_)) {
            return self.threads.spawn(lane, task);
        }
        self.runs.lock().unwrap().push(Arc::clone(&runs));
        self.threads.spawn(lane, Box::pin(Counted { task, runs, turns: Arc::clone(&self.turns) }));
    }

    fn block(&self, place: Blocking, job: Job) {
        let mut held = self.held.lock().unwrap();
        let is_held = match place {
            Blocking::Sync(_) => held.syncs,
            Blocking::MetadataSync => held.metadata_syncs,
            Blocking::Read => false,
        };
        if is_held {
            return held.jobs.push((place, job));
        }
        self.threads.block(place, job);
    }
}

struct Counted {
    task: BoxFuture<'static, ()>,
    runs: Arc<AtomicUsize>,
    turns: Arc<LongestTurn>,
}

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let since = now();
        let polled = self.task.as_mut().poll(context);
        self.turns.0.fetch_max(since.elapsed().as_micros() as u64, Ordering::SeqCst);
        polled
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a worker is kept busy is real time")]
fn now() -> Instant {
    Instant::now()
}
