//! The process's own threads, with syncs that can be held back and wake-ups that are counted.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use klamm::broker::execution::{ExecutionSizes, ThreadedExecution};
use klamm::seams::{Blocking, BoxFuture, Execution, Lane};

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub struct TestExecution {
    threads: Arc<ThreadedExecution>,
    held: Mutex<Held>,
    /// For each task of a worker, how often it ran.
    runs: Mutex<Vec<Arc<AtomicUsize>>>,
}

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
        Self { threads: Arc::new(ThreadedExecution::start(sizes).unwrap()), held: Mutex::default(), runs: Mutex::default() }
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
        if matches!(lane, Lane::Worker(_)) {
            self.runs.lock().unwrap().push(Arc::clone(&runs));
        }
        self.threads.spawn(lane, Box::pin(Counted { task, runs }));
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
}

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.task.as_mut().poll(context)
    }
}
