//! Threads and runtimes of a real process.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::seams::{Blocking, BoxFuture, Execution, Lane, lock};

/// How many threads there are, and how much may wait for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExecutionSizes {
    /// Data-plane runtimes, one thread each; at least 1.
    pub workers: usize,
    /// Threads for blocking reads; at least 1.
    pub readers: usize,
    /// Entries of `log.dirs`, one sync thread each.
    pub log_directories: usize,
    /// Jobs that may wait in one queue; whoever brings one more waits for room. At least 1.
    pub queued_jobs: usize,
}

/// Cores that this process may use; at least 1.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A thread with a current_thread runtime for each worker and for control, and plain threads for the jobs that block.
///
/// A job or a task that panics is a bug: its thread's panic is left to the process's panic policy.
#[derive(Debug)]
pub struct ThreadedExecution {
    workers: Vec<Handle>,
    control: Handle,
    stop: watch::Sender<bool>,
    /// `None` once shut down.
    queues: Mutex<Option<Queues>>,
    threads: Mutex<Threads>,
}

type Job = Box<dyn FnOnce() + Send>;

/// Where jobs are put. When the senders are gone the threads finish what waits, and end.
#[derive(Debug)]
struct Queues {
    reads: SyncSender<Job>,
    syncs: Vec<SyncSender<Job>>,
    metadata_syncs: SyncSender<Job>,
}

/// Every thread holds a clone of `alive` while it runs, so that a wait for all of them can have a deadline.
#[derive(Debug)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    alive: Option<SyncSender<()>>,
    all_ended: Receiver<()>,
}

impl ThreadedExecution {
    /// Starts all threads.
    ///
    /// # Errors
    /// When the system gives no more threads or descriptors; those already started end.
    pub fn start(sizes: ExecutionSizes) -> io::Result<Self> {
        let mut threads = Threads::new();
        let (stop, stopped) = watch::channel(false);
        let workers = (0..sizes.workers.max(1))
            .map(|index| threads.start_runtime(format!("klamm-worker-{index}"), stopped.clone()))
            .collect::<io::Result<_>>()?;
        let control = threads.start_runtime("klamm-control".to_owned(), stopped)?;
        let queues = Queues {
            reads: threads.start_readers(sizes.readers.max(1), sizes.queued_jobs)?,
            syncs: (0..sizes.log_directories)
                .map(|index| threads.start_queue(format!("klamm-sync-{index}"), sizes.queued_jobs))
                .collect::<io::Result<_>>()?,
            metadata_syncs: threads.start_queue("klamm-sync-meta".to_owned(), sizes.queued_jobs)?,
        };
        Ok(Self { workers, control, stop, queues: Mutex::new(Some(queues)), threads: Mutex::new(threads) })
    }

    /// Ends everything: tasks are dropped at the point where they wait, jobs already given are done, then all threads are
    /// joined. What is spawned or given later is dropped. To be called from a thread that is none of these.
    ///
    /// # Errors
    /// `TimedOut` when some thread is still busy after `timeout`; it is left behind.
    pub fn shut_down(&self, timeout: Duration) -> io::Result<()> {
        self.stop.send_replace(true);
        drop(lock(&self.queues).take());
        lock(&self.threads).join(timeout)
    }
}

impl Execution for ThreadedExecution {
    fn workers(&self) -> usize {
        self.workers.len()
    }

    fn spawn(&self, lane: Lane, task: BoxFuture<'static, ()>) {
        let runtime = match lane {
            Lane::Worker(index) => self.workers.get(index).expect("a lane is below workers()"),
            Lane::Control => &self.control,
        };
        drop(runtime.spawn(task));
    }

    fn block(&self, place: Blocking, job: Job) {
        let queue = lock(&self.queues).as_ref().map(|queues| match place {
            Blocking::Read => queues.reads.clone(),
            Blocking::Sync(directory) => queues.syncs.get(directory).expect("a position in log.dirs").clone(),
            Blocking::MetadataSync => queues.metadata_syncs.clone(),
        });
        // Going down: the job is dropped, and whoever waits for it learns so.
        let _ = queue.map(|queue| queue.send(job));
    }
}

impl Threads {
    fn new() -> Self {
        let (alive, all_ended) = sync_channel(1);
        Self { handles: Vec::new(), alive: Some(alive), all_ended }
    }

    fn start(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let alive = self.alive.clone();
        let handle = thread::Builder::new().name(name).spawn(move || {
            work();
            drop(alive);
        })?;
        self.handles.push(handle);
        Ok(())
    }

    fn start_runtime(&mut self, name: String, mut stopped: watch::Receiver<bool>) -> io::Result<Handle> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        self.start(name, move || {
            // An error means that the sender is gone: then too it is over.
            let _ = runtime.block_on(async move { stopped.wait_for(|stopped| *stopped).await.map(drop) });
            runtime.shutdown_background();
        })?;
        Ok(handle)
    }

    fn start_queue(&mut self, name: String, capacity: usize) -> io::Result<SyncSender<Job>> {
        let (sender, jobs) = sync_channel::<Job>(capacity.max(1));
        self.start(name, move || jobs.iter().for_each(|job| job()))?;
        Ok(sender)
    }

    fn start_readers(&mut self, readers: usize, capacity: usize) -> io::Result<SyncSender<Job>> {
        let (sender, jobs) = sync_channel::<Job>(capacity.max(1));
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..readers {
            let jobs = Arc::clone(&jobs);
            // One reader waits in the queue, the others for its place there.
            let next = move || lock(&jobs).recv().ok();
            self.start(format!("klamm-read-{index}"), move || {
                while let Some(job) = next() {
                    job();
                }
            })?;
        }
        Ok(sender)
    }

    fn join(&mut self, timeout: Duration) -> io::Result<()> {
        drop(self.alive.take());
        if self.all_ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        for handle in self.handles.drain(..) {
            // A panic was reported where it happened.
            drop(handle.join());
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "execution_tests.rs"]
mod tests;
