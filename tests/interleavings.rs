//! What waits and what wakes it, under every order of threads that a checker can think of.
//!
//! The files under test are the product's own, built here on shuttle's primitives: it chooses after each use of a lock who goes on, and
//! says so when nobody can. Each property stands beside a mutation that breaks it, which the checker has to find.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code, reason = "tests; parts of the included files are not used here")]

#[path = "../src/replica/pending.rs"]
mod pending;
#[path = "../src/broker/sync_queue.rs"]
mod sync_queue;

/// What stands in the product's place of the same name.
mod sync {
    pub(super) use shuttle::sync::{Arc, Mutex, Weak};
}

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pending::{Keep, PendingList, Slot};
use shuttle::future::block_on;
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;
use sync_queue::{SyncQueue, Syncs};

/// Orders that are tried of each property.
const ORDERS: usize = 3_000;

fn holds(property: fn()) {
    shuttle::check_pct(property, ORDERS, 3);
    shuttle::check_random(property, ORDERS);
}

/// The checker finds an order in which the property fails.
fn breaks(property: fn()) {
    let held = catch_unwind(|| holds(property));
    assert!(held.is_err(), "the mutation was not found");
}

/// A partition as far as waiting goes: a high watermark, one byte an offset, and who waits for it.
#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
}

#[derive(Default)]
struct LogState {
    end: i64,
    /// Each with the offset up to which its slot was credited.
    pending: PendingList<i64>,
}

impl Log {
    fn advance(&self) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock().unwrap();
        state.end += 1;
        let end = state.end;
        state.pending.advance(&mut wakers, |from| {
            let credit = end - *from;
            *from = end;
            (credit, Keep::Yes)
        });
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn look(&self) -> i64 {
        self.state.lock().unwrap().end
    }

    /// The product's way: look again and register in one hold of the lock.
    fn wait(&self, seen: i64, slot: &Arc<Slot>) {
        let mut state = self.state.lock().unwrap();
        let end = state.end;
        state.pending.register(end, slot);
        drop(state);
        credit(slot, end - seen);
    }

    /// The mutation: the lock is let go between the two.
    fn wait_carelessly(&self, seen: i64, slot: &Arc<Slot>) {
        let end = self.look();
        credit(slot, end - seen);
        let mut state = self.state.lock().unwrap();
        let from = state.end;
        state.pending.register(from, slot);
    }
}

fn credit(slot: &Slot, amount: i64) {
    if amount > 0
        && let Some(waker) = slot.credit(amount)
    {
        waker.wake();
    }
}

/// Counts how often it is used.
struct CountedWaker {
    waker: Waker,
    wakes: Arc<AtomicUsize>,
}

impl Wake for CountedWaker {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}

/// Waits for the slot as a connection's task does. It may have been done already, or be woken, but once only.
fn wait_until_done(slot: &Slot) {
    let wakes = Arc::new(AtomicUsize::new(0));
    block_on(poll_fn(|context| {
        let waker = Waker::from(Arc::new(CountedWaker { waker: context.waker().clone(), wakes: Arc::clone(&wakes) }));
        slot.poll(&Context::from_waker(&waker))
    }));
    let wakes = wakes.load(Ordering::Relaxed);
    assert!(wakes <= 1, "woken {wakes} times");
}

/// A fetch over two partitions waits for three bytes that come one at a time.
fn a_fetch_waits(wait: fn(&Log, i64, &Arc<Slot>)) {
    let logs: Arc<[Log; 2]> = Arc::default();
    let writers: Vec<_> = [0, 1, 0]
        .map(|number| {
            let logs = Arc::clone(&logs);
            thread::spawn(move || logs.get(number).unwrap().advance())
        })
        .into();
    let seen: Vec<i64> = logs.iter().map(Log::look).collect();
    let slot = Slot::new(3 - seen.iter().sum::<i64>());
    for (log, seen) in logs.iter().zip(seen) {
        wait(log, seen, &slot);
    }
    wait_until_done(&slot);
    assert_eq!(logs.iter().map(Log::look).sum::<i64>(), 3, "woken before all was there");
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}

#[test]
fn no_wake_up_is_lost_between_the_look_and_the_registration() {
    holds(|| a_fetch_waits(Log::wait));
    breaks(|| a_fetch_waits(Log::wait_carelessly));
}

/// A slot that looks whether it is done and leaves its waker in two steps.
struct CarelessSlot {
    missing: Mutex<i64>,
    waker: Mutex<Option<Waker>>,
}

impl CarelessSlot {
    fn credit(&self, amount: i64) -> Option<Waker> {
        let mut missing = self.missing.lock().unwrap();
        *missing -= amount;
        let is_done = *missing <= 0;
        drop(missing);
        if is_done { self.waker.lock().unwrap().take() } else { None }
    }

    fn poll(&self, waker: &Waker) -> Poll<()> {
        if *self.missing.lock().unwrap() <= 0 {
            return Poll::Ready(());
        }
        *self.waker.lock().unwrap() = Some(waker.clone());
        Poll::Pending
    }
}

/// The last credit of one partition races another's failure: the waiter ends, and one of the two wakes it, not both.
fn credit_races_finish() {
    let slot = Slot::new(1);
    let woken = Arc::new(AtomicUsize::new(0));
    let ends: [fn(&Slot) -> Option<Waker>; 2] = [|slot| slot.credit(1), Slot::finish];
    let enders = ends.map(|end| {
        let (slot, woken) = (Arc::clone(&slot), Arc::clone(&woken));
        thread::spawn(move || {
            if let Some(waker) = end(&slot) {
                woken.fetch_add(1, Ordering::Relaxed);
                waker.wake();
            }
        })
    });
    wait_until_done(&slot);
    enders.into_iter().for_each(|ender| ender.join().unwrap());
    assert!(slot.is_done() && woken.load(Ordering::Relaxed) <= 1);
}

fn credit_races_a_careless_poll() {
    let slot = Arc::new(CarelessSlot { missing: Mutex::new(1), waker: Mutex::new(None) });
    let ender = {
        let slot = Arc::clone(&slot);
        thread::spawn(move || {
            if let Some(waker) = slot.credit(1) {
                waker.wake();
            }
        })
    };
    block_on(poll_fn(|context| slot.poll(context.waker())));
    ender.join().unwrap();
}

#[test]
fn the_last_credit_and_a_failure_wake_once() {
    holds(credit_races_finish);
    breaks(credit_races_a_careless_poll);
}

/// A node stops, or a directory fails, while a request registers: who is on the list is finished, who comes later has to see it.
fn registers_while_it_ends(looks_after_registering: bool) {
    let log: Arc<Log> = Arc::default();
    let ended = Arc::new(Mutex::new(false));
    let ending = {
        let (log, ended) = (Arc::clone(&log), Arc::clone(&ended));
        thread::spawn(move || {
            *ended.lock().unwrap() = true;
            let mut wakers = Vec::new();
            log.state.lock().unwrap().pending.finish_all(&mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        })
    };
    let slot = Slot::new(1);
    let seen_before = *ended.lock().unwrap();
    log.wait(0, &slot);
    let seen = if looks_after_registering { *ended.lock().unwrap() } else { seen_before };
    if !seen {
        wait_until_done(&slot);
    }
    ending.join().unwrap();
}

#[test]
fn whoever_registers_while_it_ends_is_told() {
    holds(|| registers_while_it_ends(true));
    breaks(|| registers_while_it_ends(false));
}

/// A partition as far as syncing goes.
struct Dirty {
    state: Mutex<DirtyState>,
    synced: Condvar,
    /// The directory's device: one sync at a time.
    device: Arc<AtomicUsize>,
    /// The mutation: the mark is taken off only after the sync.
    is_careless: bool,
}

#[derive(Default)]
struct DirtyState {
    written: u64,
    synced: u64,
    queued: bool,
}

impl Dirty {
    /// Appends, arms the queue as a partition does, and waits for the sync.
    fn produce(self: &Arc<Self>, queue: &Arc<SyncQueue<Self>>) {
        let mut state = self.state.lock().unwrap();
        state.written += 1;
        let end = state.written;
        let arm = !state.queued;
        state.queued = true;
        drop(state);
        if arm {
            queue.arm(Arc::clone(self));
        }
        let mut state = self.state.lock().unwrap();
        while state.synced < end {
            state = self.synced.wait(state).unwrap();
        }
    }
}

impl Syncs for Dirty {
    fn sync(&self) {
        let up_to = {
            let mut state = self.state.lock().unwrap();
            state.queued = self.is_careless && state.queued;
            state.written
        };
        assert_eq!(self.device.fetch_add(1, Ordering::Relaxed), 0, "two syncs of one directory at a time");
        thread::yield_now();
        self.device.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap();
        state.queued = !self.is_careless && state.queued;
        state.synced = up_to;
        drop(state);
        self.synced.notify_all();
    }
}

fn producers_wait_for_syncs(is_careless: bool) {
    let queue = SyncQueue::new(|cycle| drop(thread::spawn(cycle)));
    let device = Arc::new(AtomicUsize::new(0));
    let partitions: [Arc<Dirty>; 2] = std::array::from_fn(|_| {
        Arc::new(Dirty { state: Mutex::default(), synced: Condvar::new(), device: Arc::clone(&device), is_careless })
    });
    let producers: Vec<_> = [0, 0, 1]
        .map(|number| {
            let (queue, partition) = (Arc::clone(&queue), Arc::clone(partitions.get(number).unwrap()));
            thread::spawn(move || (0..2).for_each(|_| partition.produce(&queue)))
        })
        .into();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
}

#[test]
fn every_append_is_synced_and_one_cycle_runs_at_a_time() {
    holds(|| producers_wait_for_syncs(false));
    breaks(|| producers_wait_for_syncs(true));
}
