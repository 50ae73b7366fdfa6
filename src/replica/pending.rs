//! Requests that wait on partitions: a slot per request, an entry per partition it waits on.
//!
//! A slot counts what is missing (bytes for a fetch, partitions for a produce) and is woken once, when nothing is missing any
//! more. Entries are registered under the partition's lock, after a last look at its offsets, so no advance is missed; wakers
//! are handed to the caller, who wakes them after letting go of the lock. This file knows only its parent's `sync` module, so
//! that `tests/interleavings.rs` can build it on checked primitives.

use std::fmt::Debug;
use std::task::{Context, Poll, Waker};

use super::sync::{Arc, Mutex, Weak};

/// One waiting request.
#[derive(Debug)]
pub struct Slot {
    state: Mutex<SlotState>,
}

#[derive(Debug)]
struct SlotState {
    missing: i64,
    waker: Option<Waker>,
}

impl Slot {
    /// A slot that is done once `missing` has been credited; with `missing <= 0` it is done already.
    #[must_use]
    pub fn new(missing: i64) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(SlotState { missing, waker: None }) })
    }

    fn lock(&self) -> impl std::ops::DerefMut<Target = SlotState> + '_ {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes `amount` off what is missing. Returns the waker to wake when this was the last of it, and only then.
    pub fn credit(&self, amount: i64) -> Option<Waker> {
        let mut state = self.lock();
        let was_missing = state.missing > 0;
        state.missing = state.missing.saturating_sub(amount);
        if was_missing && state.missing <= 0 { state.waker.take() } else { None }
    }

    /// Nothing more to wait for, whatever is missing: an error has to be told at once.
    pub fn finish(&self) -> Option<Waker> {
        self.credit(i64::MAX)
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        self.lock().missing <= 0
    }

    /// Ready once nothing is missing; else remembers the waker.
    pub fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.missing <= 0 {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// The entries of one partition, kept under its lock: slots with what each waits for (`W`).
/// Slots whose request is gone are swept when the list has doubled, so it stays within twice the requests in flight.
#[derive(Debug)]
pub struct PendingList<W> {
    entries: Vec<(W, Weak<Slot>)>,
    sweep_at: usize,
}

/// The list is not swept below this length.
const SMALLEST_SWEEP: usize = 16;

impl<W> Default for PendingList<W> {
    fn default() -> Self {
        Self { entries: Vec::new(), sweep_at: SMALLEST_SWEEP }
    }
}

impl<W> PendingList<W> {
    pub fn register(&mut self, waits_for: W, slot: &Arc<Slot>) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|(_, slot)| slot.strong_count() > 0);
            self.sweep_at = (self.entries.len() * 2).max(SMALLEST_SWEEP);
        }
        self.entries.push((waits_for, Arc::downgrade(slot)));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Shows every entry to `judge`, which says how much to credit and whether the entry stays. Gone and done slots are dropped.
    /// The wakers of slots that are now done go to `wakers`.
    pub fn advance(&mut self, wakers: &mut Vec<Waker>, mut judge: impl FnMut(&mut W) -> (i64, Keep)) {
        self.entries.retain_mut(|(waits_for, slot)| {
            let Some(slot) = slot.upgrade() else { return false };
            let (amount, keep) = judge(waits_for);
            if amount > 0 {
                wakers.extend(slot.credit(amount));
            }
            keep == Keep::Yes && !slot.is_done()
        });
    }

    /// Finishes every slot: the partition went away or offline.
    pub fn finish_all(&mut self, wakers: &mut Vec<Waker>) {
        for (_, slot) in self.entries.drain(..) {
            if let Some(slot) = slot.upgrade() {
                wakers.extend(slot.finish());
            }
        }
    }
}

/// Whether an entry stays on the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    Yes,
    No,
}
