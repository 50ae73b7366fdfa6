//! Group commit: one sync cycle at a time per log directory, while the next batch gathers.
//!
//! An append marks its partition dirty and arms the queue; the sync thread takes all dirty partitions, syncs each without its lock,
//! then moves flushed end and high watermark under the lock and wakes who waited. What is appended meanwhile goes into the next cycle.
//! This file knows only its parent's `sync` module, so that `tests/interleavings.rs` can build it on checked primitives.

use std::fmt;

use super::sync::{Arc, Mutex};

/// What a queue syncs: a partition.
pub trait Syncs: Send + Sync + 'static {
    /// Makes durable what was written before the call, and tells who waits for it. What is written from the call's beginning on has to
    /// arm the queue again. Blocks on the disk.
    fn sync(&self);
}

/// One cycle, for the thread that may block.
pub type Cycle = Box<dyn FnOnce() + Send>;

/// The dirty partitions of one directory. Holds each partition at most once, so it is bounded by their number.
pub struct SyncQueue<T> {
    /// Hands a cycle to the directory's sync thread.
    start: Box<dyn Fn(Cycle) + Send + Sync>,
    state: Mutex<State<T>>,
}

struct State<T> {
    dirty: Vec<Arc<T>>,
    /// A cycle is running or given to the sync thread.
    running: bool,
}

impl<T: Syncs> SyncQueue<T> {
    #[must_use]
    pub fn new(start: impl Fn(Cycle) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { start: Box::new(start), state: Mutex::new(State { dirty: Vec::new(), running: false }) })
    }

    fn lock(&self) -> impl std::ops::DerefMut<Target = State<T>> + '_ {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Puts a partition on the list and starts a cycle if none runs. The caller sees to it that a partition is put on once.
    pub fn arm(self: &Arc<Self>, partition: Arc<T>) {
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
        (self.start)(Box::new(move || queue.cycle()));
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

impl<T> fmt::Debug for SyncQueue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SyncQueue").finish_non_exhaustive()
    }
}
