//! Reads that clients ask for and that the disk has to work for: as jobs of the readers' threads, no more at once than fit.
//!
//! Whoever gives a job to a queue that is full blocks until there is room. Clients' requests run on threads that serve thousands of
//! connections, so here they wait as tasks instead, before they come to the queue.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::seams::{Blocking, Execution, run_blocking};

/// The way of clients' reads to the disk.
#[derive(Debug)]
pub struct DiskReads {
    execution: Arc<dyn Execution>,
    room: Arc<Semaphore>,
}

impl DiskReads {
    /// `queued_jobs` is what the readers' queue takes. Clients get half of it, one at least: the node's own chores wait there too, and
    /// those come from the control thread.
    #[must_use]
    pub fn new(execution: Arc<dyn Execution>, queued_jobs: usize) -> Self {
        let room = Arc::new(Semaphore::new((queued_jobs / 2).clamp(1, Semaphore::MAX_PERMITS)));
        Self { execution, room }
    }

    /// Runs a read on a reader's thread; `None` when the process is going down.
    pub async fn run<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = Arc::clone(&self.room).acquire_owned().await.expect("the semaphore is never closed");
        // The job holds the permit: a client that goes away leaves its job in the queue.
        let job = move || {
            let result = read();
            drop(permit);
            result
        };
        run_blocking(&*self.execution, Blocking::Read, job).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::*;
    use crate::broker::execution::{ExecutionSizes, ThreadedExecution};
    use crate::seams::Lane;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn more_reads_than_the_queue_takes_stop_no_worker() {
        let sizes = ExecutionSizes { workers: 1, readers: 1, log_directories: 0, queued_jobs: 4 };
        let execution = Arc::new(ThreadedExecution::start(sizes).unwrap());
        let reads = Arc::new(DiskReads::new(Arc::clone(&execution) as _, sizes.queued_jobs));
        // The disk is slow: the reader waits in the first read until it is let go.
        let (let_go, gate) = sync_channel::<()>(0);
        execution.block(Blocking::Read, Box::new(move || gate.recv().unwrap_or_default()));
        let (done, results) = sync_channel(20);
        for number in 0..20 {
            let (reads, done) = (Arc::clone(&reads), done.clone());
            let task = async move { done.send(reads.run(move || number).await.unwrap()).unwrap() };
            execution.spawn(Lane::Worker(0), Box::pin(task));
        }
        let (sender, alive) = sync_channel(1);
        execution.spawn(Lane::Worker(0), Box::pin(async move { sender.send(()).unwrap() }));
        alive.recv_timeout(PATIENCE).expect("the worker goes on");
        assert_eq!(results.try_iter().count(), 0);
        drop(let_go);
        let read: BTreeSet<_> = (0..20).map(|_| results.recv_timeout(PATIENCE).unwrap()).collect();
        assert_eq!(read.len(), 20);
        execution.shut_down(PATIENCE).unwrap();
    }

    #[test]
    fn a_read_whose_client_went_away_keeps_its_place_until_it_is_done() {
        let sizes = ExecutionSizes { workers: 1, readers: 1, log_directories: 0, queued_jobs: 2 };
        let execution = Arc::new(ThreadedExecution::start(sizes).unwrap());
        let reads = DiskReads::new(Arc::clone(&execution) as _, sizes.queued_jobs);
        let (let_go, gate) = sync_channel::<()>(0);
        let mut read = Box::pin(reads.run(move || gate.recv().unwrap_or_default()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(read.as_mut().poll(&mut context).is_pending());
        drop(read);
        assert_eq!(reads.room.available_permits(), 0);
        drop(let_go);
        execution.shut_down(PATIENCE).unwrap();
        assert_eq!(reads.room.available_permits(), 1);
    }
}
