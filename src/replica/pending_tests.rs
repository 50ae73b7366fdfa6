//! Slots and lists, one thread at a time; `tests/interleavings.rs` has the several.
//! They stand outside `pending.rs`, which that file includes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{Keep, PendingList, Slot};

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls with a waker of its own; what it counts, and whether the slot is done.
fn poll(slot: &Slot) -> (Arc<Counter>, Poll<()>) {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let polled = slot.poll(&Context::from_waker(&waker));
    (counter, polled)
}

fn count(counter: &Counter) -> usize {
    counter.0.load(Ordering::Relaxed)
}

#[test]
fn a_slot_hands_out_its_newest_waker_with_the_last_credit_only() {
    let slot = Slot::new(3);
    let (old, polled) = poll(&slot);
    assert!(polled.is_pending() && slot.credit(1).is_none());
    let (new, polled) = poll(&slot);
    assert!(polled.is_pending() && slot.credit(1).is_none() && !slot.is_done());
    slot.credit(5).unwrap().wake();
    assert_eq!((count(&old), count(&new)), (0, 1));
    assert!(slot.credit(1).is_none() && slot.finish().is_none(), "done once");
    assert!(poll(&slot).1.is_ready() && slot.is_done());
}

#[test]
fn a_slot_that_is_done_before_anybody_waits_wakes_nobody() {
    let slot = Slot::new(1);
    assert!(slot.finish().is_none());
    assert!(poll(&slot).1.is_ready());
    assert!(poll(&Slot::new(0)).1.is_ready() && poll(&Slot::new(-4)).1.is_ready());
}

#[test]
fn an_advance_credits_what_it_is_told_and_drops_what_is_done_or_gone() {
    let mut list = PendingList::default();
    let (first, second, gone) = (Slot::new(2), Slot::new(1), Slot::new(1));
    for slot in [&first, &second, &gone] {
        list.register(0, slot);
        assert!(poll(slot).1.is_pending());
    }
    drop(gone);
    let mut wakers = Vec::new();
    list.advance(&mut wakers, |seen| {
        *seen += 1;
        (1, Keep::Yes)
    });
    assert_eq!((wakers.len(), list.len()), (1, 1), "the second is done, the third was given up");
    list.advance(&mut wakers, |seen| {
        assert_eq!(*seen, 1, "what an entry waits for is its own");
        (0, Keep::No)
    });
    assert!(list.is_empty() && !first.is_done());
}

#[test]
fn finishing_all_wakes_each_once_even_where_one_waits_twice() {
    let mut list = PendingList::default();
    let slot = Slot::new(10);
    list.register((), &slot);
    list.register((), &slot);
    assert!(poll(&slot).1.is_pending());
    let mut wakers = Vec::new();
    list.finish_all(&mut wakers);
    assert_eq!((wakers.len(), list.len()), (1, 0));
    assert!(slot.is_done());
}

/// Long polls that end by their deadline leave entries behind on a partition where nothing happens.
#[test]
fn entries_of_requests_that_are_gone_do_not_pile_up() {
    let mut list = PendingList::default();
    let waiting: Vec<_> = (0..10).map(|_| Slot::new(1)).collect();
    for slot in &waiting {
        list.register((), slot);
    }
    for _ in 0..10_000 {
        list.register((), &Slot::new(1));
        assert!(list.len() <= 2 * waiting.len(), "{}", list.len());
    }
    let mut wakers = Vec::new();
    list.finish_all(&mut wakers);
    assert!(waiting.iter().all(|slot| slot.is_done()));
}
