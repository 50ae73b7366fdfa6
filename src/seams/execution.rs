//! Where work runs: worker runtimes, the control thread, blocking jobs, the sync threads.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which runtime a task runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// One of the data-plane runtimes, 0 to `workers() - 1`.
    Worker(usize),
    /// The runtime of the quorum, the controller, heartbeats and image publication.
    Control,
}

/// Which thread a job that blocks runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocking {
    /// Reads of cold data and other file work: a bounded pool.
    Read,
    /// Syncs of one log directory, by its position in `log.dirs`: one thread each, so one sync is in flight per directory.
    Sync(usize),
    /// Syncs of the metadata log.
    MetadataSync,
}

/// The only maker of runtimes, threads and tasks.
pub trait Execution: Send + Sync + Debug {
    /// Number of data-plane runtimes, at least 1.
    fn workers(&self) -> usize;

    fn spawn(&self, lane: Lane, task: BoxFuture<'static, ()>);

    /// Runs a job off the runtimes; jobs of one `Blocking::Sync` run in the order given. In the simulator a job is a timed event. Blocks
    /// while the queue is full: whoever runs on a worker bounds the jobs that it brings.
    fn block(&self, place: Blocking, job: Box<dyn FnOnce() + Send>);
}

/// Runs `job` off the runtimes and resolves to what it returns; `None` when the process is going down.
pub fn run_blocking<T: Send + 'static>(
    execution: &dyn Execution,
    place: Blocking,
    job: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Option<T>> + Send + 'static {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    execution.block(place, Box::new(move || drop(sender.send(job()))));
    async move { receiver.await.ok() }
}
