//! Group commit: one sync cycle at a time per log directory, while the next batch gathers.
//!
//! An append marks its partition dirty and arms the queue; the sync thread takes all dirty partitions, syncs each without its lock,
//! then moves flushed end and high watermark under the lock and wakes who waited. What is appended meanwhile goes into the next cycle.

use std::sync::{Arc, Mutex, PoisonError};

use super::Partition;
use crate::seams::{Blocking, Execution};

/// The dirty partitions of one directory. Holds each partition at most once, so it is bounded by their number.
#[derive(Debug)]
pub struct SyncQueue {
    place: Blocking,
    execution: Arc<dyn Execution>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    dirty: Vec<Arc<Partition>>,
    /// A cycle is running or given to the sync thread.
    running: bool,
}

impl SyncQueue {
    #[must_use]
    pub fn new(place: Blocking, execution: Arc<dyn Execution>) -> Arc<Self> {
        Arc::new(Self { place, execution, state: Mutex::default() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a partition on the list and starts a cycle if none runs. The caller sees to it that a partition is put on once.
    pub(super) fn arm(self: &Arc<Self>, partition: Arc<Partition>) {
        let mut state = self.lock();
        state.dirty.push(partition);
        if !state.running {
            state.running = true;
            drop(state);
            self.start_cycle();
        }
    }

    fn start_cycle(self: &Arc<Self>) {
        let queue = Arc::clone(self);
        self.execution.block(self.place, Box::new(move || queue.cycle()));
    }

    fn cycle(self: Arc<Self>) {
        let dirty = std::mem::take(&mut self.lock().dirty);
        for partition in dirty {
            partition.sync();
        }
        let mut state = self.lock();
        if state.dirty.is_empty() {
            state.running = false;
        } else {
            drop(state);
            self.start_cycle();
        }
    }
}
