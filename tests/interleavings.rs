//! What waits and what wakes it, under every order of threads that a checker can think of.
//!
//! The files under test are the product's own, built here on shuttle's primitives: it chooses after each use of a lock who goes on, and
//! says so when nobody can. Each property stands beside a mutation that breaks it, which the checker has to find.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code, reason = "tests; parts of the included files are not used here")]

#[path = "../src/coordinator/machine.rs"]
mod machine;
#[path = "../src/replica/pending.rs"]
mod pending;
#[path = "../src/coordinator/shard.rs"]
mod shard;
#[path = "../src/broker/sync_queue.rs"]
mod sync_queue;
#[path = "../src/coordinator/ticket.rs"]
mod ticket;

/// What stands in the product's place of the same name.
mod sync {
    pub(super) use shuttle::sync::{Arc, Mutex, Weak};
}

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

// The included files name it so.
use klamm::types;
use machine::{Coordinator, EncodedRecord, Origin, Token, UnreadableRecord};
use pending::{Keep, PendingList, Slot};
use shard::{Decided, Journal, Moment, Shard, Unavailable};
use shuttle::future::block_on;
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;
use sync_queue::{SyncQueue, Syncs};
use ticket::{Promise, Ticket, ticket};
use types::{Now, Offset, Timestamp};

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

/// A coordinator whose every record says how many were applied when it was decided, and which keeps who waits.
#[derive(Debug, Default)]
struct Counter {
    applied: Vec<usize>,
    waiting: Vec<Token>,
}

impl Coordinator for Counter {
    type Record = usize;
    type Reply = usize;
    type Event = ();

    fn encode(&self, record: &usize) -> EncodedRecord {
        EncodedRecord { key: record.to_be_bytes().into(), value: None }
    }

    fn decode(_: &[u8], _: Option<&[u8]>) -> Result<Option<usize>, UnreadableRecord> {
        unreachable!("nothing is replayed")
    }

    fn apply(&mut self, record: usize, offset: Offset, _: Origin) {
        assert_eq!(Ok(offset.0), i64::try_from(self.applied.len()), "applied in the order of the log");
        self.applied.push(record);
    }

    fn loaded(&mut self, _: &mut machine::Context<'_, Self>) {}

    fn expire(&mut self, _: &mut machine::Context<'_, Self>) {}

    fn next_deadline(&self) -> Option<Now> {
        None
    }
}

/// How many records were appended.
#[derive(Debug, Default)]
struct CountedJournal(Mutex<i64>);

impl Journal for CountedJournal {
    fn max_batch_bytes(&self) -> usize {
        1_000
    }

    fn append(&self, records: &[EncodedRecord], _: Timestamp) -> Result<Offset, Unavailable> {
        let mut end = self.0.lock().unwrap();
        let first = *end;
        *end += i64::try_from(records.len()).unwrap();
        Ok(Offset(first))
    }
}

type CounterShard = Shard<Counter, CountedJournal>;

fn counter_shard() -> Arc<CounterShard> {
    Arc::new(Shard::new(Counter::default(), Offset(0), CountedJournal::default(), Box::new(|_| {})))
}

fn moment() -> Moment {
    Moment { now: Now::default(), timestamp: Timestamp(0) }
}

/// Decides one record that says what was seen.
fn count(shard: &CounterShard) -> Result<Decided<usize>, Unavailable> {
    shard.decide(moment(), &mut || 0, |counter, context| {
        context.record(counter.applied.len());
        counter.applied.len()
    })
}

/// The mutation: the lock is let go while the record is appended.
#[derive(Default)]
struct CarelessShard {
    journal: CountedJournal,
    counter: Mutex<Counter>,
}

impl CarelessShard {
    fn count(&self) -> Result<Decided<usize>, Unavailable> {
        let reply = self.counter.lock().unwrap().applied.len();
        let record = self.counter.lock().unwrap().encode(&reply);
        let offset = self.journal.append(&[record], Timestamp(0))?;
        self.counter.lock().unwrap().apply(reply, offset, Origin::Append);
        Ok(Decided { reply, end: offset.next() })
    }
}

/// Each decision sees all that were decided before it, and its reply waits for its own record.
fn decisions_race<S: Send + Sync + 'static>(shard: Arc<S>, count: fn(&S) -> Result<Decided<usize>, Unavailable>) {
    let deciders: Vec<_> = (0..3)
        .map(|_| {
            let shard = Arc::clone(&shard);
            thread::spawn(move || {
                for _ in 0..2 {
                    let Decided { reply, end } = count(&shard).unwrap();
                    assert_eq!(Ok(end.0), i64::try_from(reply + 1), "it saw everything below its record");
                }
            })
        })
        .collect();
    deciders.into_iter().for_each(|decider| decider.join().unwrap());
}

#[test]
fn decisions_are_applied_in_the_order_of_the_log() {
    holds(|| decisions_race(counter_shard(), count));
    breaks(|| decisions_race(Arc::new(CarelessShard::default()), CarelessShard::count));
}

/// Where requests wait for an answer that a decision gives, until it is given up.
trait Parks: Send + Sync + 'static {
    fn park(&self) -> Option<Ticket<Decided<usize>>>;
    fn answer(&self);
    fn give_up(&self);
}

impl Parks for CounterShard {
    fn park(&self) -> Option<Ticket<Decided<usize>>> {
        self.decide_later(moment(), &mut || 0, |counter, _, token| counter.waiting.push(token)).ok()
    }

    fn answer(&self) {
        // Given up: they were told.
        let _ = self.decide(moment(), &mut || 0, |counter, context| {
            counter.waiting.drain(..).for_each(|token| context.reply(token, 1));
        });
    }

    fn give_up(&self) {
        Self::give_up(self);
    }
}

/// The mutation: whether it is given up is looked at before the lock that parks is taken.
#[derive(Default)]
struct CarelessPlaces {
    is_given_up: Mutex<bool>,
    parked: Mutex<Vec<Promise<Decided<usize>>>>,
}

impl Parks for CarelessPlaces {
    fn park(&self) -> Option<Ticket<Decided<usize>>> {
        if *self.is_given_up.lock().unwrap() {
            return None;
        }
        let (promise, ticket) = ticket();
        self.parked.lock().unwrap().push(promise);
        Some(ticket)
    }

    fn answer(&self) {
        let parked = std::mem::take(&mut *self.parked.lock().unwrap());
        let wakers = parked.into_iter().filter_map(|promise| promise.keep(Decided { reply: 1, end: Offset(0) }));
        wakers.for_each(Waker::wake);
    }

    fn give_up(&self) {
        *self.is_given_up.lock().unwrap() = true;
        drop(std::mem::take(&mut *self.parked.lock().unwrap()));
    }
}

/// Whoever was parked hears something: the answer, or that there will be none.
fn answers_race_giving_up<P: Parks>(places: Arc<P>) {
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            let places = Arc::clone(&places);
            thread::spawn(move || {
                if let Some(ticket) = places.park() {
                    assert!(block_on(ticket).is_none_or(|decided| decided.reply == 1));
                }
            })
        })
        .collect();
    let answering = {
        let places = Arc::clone(&places);
        thread::spawn(move || places.answer())
    };
    places.give_up();
    waiters.into_iter().chain([answering]).for_each(|thread| thread.join().unwrap());
}

#[test]
fn nobody_who_is_parked_is_forgotten_when_the_shard_is_given_up() {
    holds(|| answers_race_giving_up(counter_shard()));
    breaks(|| answers_race_giving_up(Arc::<CarelessPlaces>::default()));
}

/// A ticket that looks for its answer and leaves its waker in two steps.
#[derive(Default)]
struct CarelessTicket {
    answer: Mutex<Option<usize>>,
    waker: Mutex<Option<Waker>>,
}

fn an_answer_races_a_poll() {
    let (promise, ticket) = ticket();
    let answering = thread::spawn(move || {
        if let Some(waker) = promise.keep(1) {
            waker.wake();
        }
    });
    assert_eq!(block_on(ticket), Some(1));
    answering.join().unwrap();
}

fn an_answer_races_a_careless_poll() {
    let ticket = Arc::<CarelessTicket>::default();
    let answering = {
        let ticket = Arc::clone(&ticket);
        thread::spawn(move || {
            *ticket.answer.lock().unwrap() = Some(1);
            if let Some(waker) = ticket.waker.lock().unwrap().take() {
                waker.wake();
            }
        })
    };
    let answer = block_on(poll_fn(|context| {
        if let Some(answer) = *ticket.answer.lock().unwrap() {
            return Poll::Ready(answer);
        }
        *ticket.waker.lock().unwrap() = Some(context.waker().clone());
        Poll::Pending
    }));
    assert_eq!(answer, 1);
    answering.join().unwrap();
}

#[test]
fn an_answer_that_comes_while_its_ticket_is_polled_is_seen() {
    holds(an_answer_races_a_poll);
    breaks(an_answer_races_a_careless_poll);
}
