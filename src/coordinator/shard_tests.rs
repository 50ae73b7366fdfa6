//! The shard's promises, on a coordinator that keeps a list of numbers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt;

use super::test_support::MemoryJournal;
use super::*;
use crate::seams::lock;
use crate::types::{Now, Offset, Timestamp};

/// Applies numbers, with the offsets of their records.
#[derive(Debug, Default)]
struct Numbers {
    applied: Vec<(i64, u8)>,
    deadline: Option<Now>,
    /// The deadline after the next one.
    then: Option<Now>,
    expired: Vec<Now>,
}

impl Coordinator for Numbers {
    type Record = u8;
    type Reply = &'static str;
    type Event = &'static str;

    fn encode(&self, record: &u8) -> EncodedRecord {
        EncodedRecord { key: vec![*record], value: None }
    }

    fn decode(key: &[u8], _: Option<&[u8]>) -> Result<Option<u8>, UnreadableRecord> {
        Ok(key.first().copied())
    }

    fn apply(&mut self, record: u8, offset: Offset, origin: Origin) {
        assert_eq!(origin, Origin::Append);
        self.applied.push((offset.0, record));
    }

    fn loaded(&mut self, _: &mut Context<'_, Self>) {}

    fn expire(&mut self, context: &mut Context<'_, Self>) {
        self.expired.push(context.now);
        self.deadline = self.then.take();
        context.record(99);
    }

    fn next_deadline(&self) -> Option<Now> {
        self.deadline
    }
}

struct Bench {
    shard: Shard<Numbers, MemoryJournal>,
    journal: MemoryJournal,
    /// What the alarm was set to.
    alarms: Arc<Mutex<Vec<Now>>>,
}

fn seconds(seconds: u64) -> Now {
    Now(Duration::from_secs(seconds))
}

/// The records of 100 offsets were replayed.
fn bench() -> Bench {
    let (journal, alarms) = (MemoryJournal::default(), Arc::<Mutex<Vec<Now>>>::default());
    lock(&journal.records).extend((0..100).map(|_| EncodedRecord { key: vec![0], value: None }));
    let set = Arc::clone(&alarms);
    let shard = Shard::new(Numbers::default(), Offset(100), journal.clone(), Box::new(move |at| lock(&set).push(at)));
    Bench { shard, journal, alarms }
}

impl Bench {
    fn at(second: u64) -> Moment {
        Moment { now: seconds(second), timestamp: Timestamp(7) }
    }

    fn decide<T>(&self, decide: impl FnOnce(&mut Numbers, &mut Context<'_, Numbers>) -> T) -> Result<Decided<T>, Unavailable> {
        self.shard.decide(Self::at(1), &mut || 4, decide)
    }

    /// Parks a request; returns what it is known by.
    fn park(&self) -> (Token, Ticket<Decided<&'static str>>) {
        let mut known_as = None;
        let ticket = self.shard.decide_later(Self::at(1), &mut || 4, |_, _, token| known_as = Some(token)).unwrap();
        (known_as.unwrap(), ticket)
    }

    fn fail(&self, fails: bool) {
        *lock(&self.journal.fails) = fails;
    }

    fn applied(&self) -> Vec<(i64, u8)> {
        self.shard.read(|numbers| numbers.applied.clone()).unwrap().reply
    }

    fn set_deadline(&self, deadline: Option<u64>) {
        self.decide(|numbers, _| numbers.deadline = deadline.map(seconds)).unwrap();
    }
}

#[test]
fn a_decision_is_appended_as_one_batch_then_applied_and_its_reply_tells_the_end() {
    let bench = bench();
    let decided = bench.decide(|numbers, context| {
        context.record(5);
        context.record(6);
        assert_eq!(numbers.applied, [], "not before they are appended");
        (context.now, context.timestamp, (context.random)(), context.max_batch_bytes)
    });
    let reply = (seconds(1), Timestamp(7), 4, 1 << 20);
    assert_eq!(decided, Ok(Decided { reply, end: Offset(102) }));
    assert_eq!(bench.applied(), [(100, 5), (101, 6)]);
    assert_eq!(lock(&bench.journal.records)[100..], [5, 6].map(|key| EncodedRecord { key: vec![key], value: None }));
}

#[test]
fn the_next_decision_sees_the_last_and_has_to_wait_for_it_even_if_it_only_looks() {
    let bench = bench();
    assert_eq!(bench.decide(|_, context| context.record(5)).unwrap().end, Offset(101));
    let decided = bench.decide(|numbers, _| numbers.applied.clone()).unwrap();
    assert_eq!(decided, Decided { reply: vec![(100, 5)], end: Offset(101) });
    assert_eq!(bench.shard.read(|numbers| numbers.applied.len()), Ok(Decided { reply: 1, end: Offset(101) }));
    assert_eq!(lock(&bench.journal.records).len(), 101, "a decision without records appends nothing");
}

#[test]
fn a_parked_request_is_answered_by_a_later_decision_with_the_end_of_that_one() {
    let bench = bench();
    let (first, mut waits) = bench.park();
    let (second, mut other) = bench.park();
    assert_ne!(first, second);
    assert_eq!((&mut waits).now_or_never(), None);
    let answer = |_: &mut Numbers, context: &mut Context<'_, Numbers>| {
        context.reply(first, "done");
        context.record(5);
    };
    bench.decide(answer).unwrap();
    assert_eq!(waits.now_or_never(), Some(Some(Decided { reply: "done", end: Offset(101) })));
    assert_eq!((&mut other).now_or_never(), None, "the other one waits on");
    bench.decide(|_, context| context.reply(first, "again")).unwrap();
    bench.decide(|_, context| context.reply(second, "late")).unwrap();
    assert_eq!(other.now_or_never(), Some(Some(Decided { reply: "late", end: Offset(101) })));
}

#[test]
fn a_request_may_be_answered_by_the_decision_that_parks_it() {
    let bench = bench();
    let ticket = bench.shard.decide_later(Bench::at(1), &mut || 4, |_, context, token| context.reply(token, "at once"));
    assert_eq!(ticket.unwrap().now_or_never(), Some(Some(Decided { reply: "at once", end: Offset(100) })));
}

#[test]
fn a_failed_append_gives_the_shard_up_and_tells_everyone() {
    let bench = bench();
    let (token, waits) = bench.park();
    let (_, other) = bench.park();
    bench.fail(true);
    assert_eq!(bench.decide(|_, _| "nothing to append"), Ok(Decided { reply: "nothing to append", end: Offset(100) }));
    let refused = bench.decide(|numbers, context| {
        numbers.deadline = Some(seconds(9));
        context.record(5);
        context.reply(token, "never sent");
    });
    assert_eq!(refused, Err(Unavailable));
    assert!(bench.shard.is_given_up());
    assert_eq!((waits.now_or_never(), other.now_or_never()), (Some(None), Some(None)), "no answer, and nobody waits on");
    assert_eq!(*lock(&bench.alarms), [seconds(1)], "whoever loads it anew is called at once");
    bench.fail(false);
    assert_eq!(bench.decide(|_, _| unreachable!("nothing is decided on what was given up")), Err::<Decided<()>, _>(Unavailable));
    assert_eq!(bench.shard.read(|_| ()), Err(Unavailable));
    assert_eq!(bench.shard.tick(Bench::at(10), &mut || 4), None);
    assert_eq!(lock(&bench.journal.records).len(), 100);
}

#[test]
fn a_request_whose_own_append_fails_or_that_comes_too_late_gets_no_ticket() {
    let bench = bench();
    bench.fail(true);
    let park = |_: &mut Numbers, context: &mut Context<'_, Numbers>, _| context.record(5);
    assert!(bench.shard.decide_later(Bench::at(1), &mut || 4, park).is_err());
    bench.fail(false);
    assert!(bench.shard.decide_later(Bench::at(1), &mut || 4, park).is_err());
}

/// Counts, and looks at the shard: whoever is woken may go on at once.
struct Looks {
    bench: Bench,
    woken: Mutex<usize>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        *lock(&self.woken) += 1;
        let _ = self.bench.shard.is_given_up();
    }
}

#[test]
fn whoever_waits_is_woken_with_no_lock_held() {
    let ends: [fn(&Bench, Token); 3] = [
        |bench, token| assert!(bench.decide(|_, context| context.reply(token, "done")).is_ok()),
        |bench, _| {
            bench.fail(true);
            assert_eq!(bench.decide(|_, context| context.record(5)), Err(Unavailable));
        },
        |bench, _| bench.shard.give_up(),
    ];
    for end in ends {
        let looks = Arc::new(Looks { bench: bench(), woken: Mutex::default() });
        let (token, mut ticket) = looks.bench.park();
        let waker = Waker::from(Arc::clone(&looks));
        assert_eq!(ticket.poll_unpin(&mut TaskContext::from_waker(&waker)), Poll::Pending);
        end(&looks.bench, token);
        assert_eq!(*lock(&looks.woken), 1);
        assert!(ticket.poll_unpin(&mut TaskContext::from_waker(&waker)).is_ready());
    }
}

#[test]
fn the_alarm_is_set_when_the_deadline_comes_closer_and_only_then() {
    let bench = bench();
    let alarms = || std::mem::take(&mut *lock(&bench.alarms));
    bench.set_deadline(None);
    assert_eq!(alarms(), []);
    bench.set_deadline(Some(20));
    bench.set_deadline(Some(20));
    assert_eq!(alarms(), [seconds(20)]);
    bench.set_deadline(Some(30));
    bench.set_deadline(Some(25));
    assert_eq!(alarms(), [], "it is set to 20 yet");
    bench.set_deadline(Some(10));
    assert_eq!(alarms(), [seconds(10)]);
    assert_eq!(bench.shard.tick(Bench::at(5), &mut || 4), Some(seconds(10)));
    bench.set_deadline(Some(10));
    assert_eq!(alarms(), [], "whoever ticks was told");
    bench.set_deadline(Some(40));
    assert_eq!(bench.shard.tick(Bench::at(10), &mut || 4), Some(seconds(40)));
    bench.set_deadline(Some(35));
    assert_eq!(alarms(), [seconds(35)]);
    bench.decide(|numbers, _| numbers.then = Some(seconds(50))).unwrap();
    assert_eq!(bench.shard.tick(Bench::at(35), &mut || 4), Some(seconds(50)));
    assert_eq!(alarms(), [], "whoever ticks was told of what its own decision led to");
    bench.set_deadline(Some(45));
    assert_eq!(alarms(), [seconds(45)]);
}

#[test]
fn a_tick_does_what_is_due_and_nothing_else() {
    let bench = bench();
    assert_eq!(bench.shard.tick(Bench::at(5), &mut || 4), None);
    bench.set_deadline(Some(10));
    assert_eq!(bench.shard.tick(Bench::at(9), &mut || 4), Some(seconds(10)));
    assert_eq!(bench.applied(), []);
    assert_eq!(bench.shard.tick(Bench::at(10), &mut || 4), None);
    assert_eq!(bench.applied(), [(100, 99)], "what it decides is appended and applied");
    assert_eq!(bench.shard.read(|numbers| numbers.expired.clone()).unwrap().reply, [seconds(10)]);
    bench.set_deadline(Some(10));
    bench.fail(true);
    assert_eq!(bench.shard.tick(Bench::at(11), &mut || 4), None);
    assert!(bench.shard.is_given_up());
}

#[test]
fn giving_up_from_outside_tells_whoever_is_parked() {
    let bench = bench();
    let (_, waits) = bench.park();
    bench.shard.give_up();
    bench.shard.give_up();
    assert_eq!(waits.now_or_never(), Some(None));
    assert!(bench.shard.is_given_up());
    assert_eq!(bench.shard.journal().max_batch_bytes(), 1 << 20);
}

#[test]
fn people_are_told_of_what_was_written_and_of_nothing_else() {
    let told = Arc::<Mutex<Vec<&str>>>::default();
    let Bench { shard, journal, .. } = bench();
    let hear = Arc::clone(&told);
    let shard = shard.telling(Box::new(move |events| lock(&hear).extend(events)));
    let decide = |event: &'static str| {
        shard.decide(Bench::at(1), &mut || 4, |_, context| {
            context.record(1);
            context.tell(event);
        })
    };
    decide("written").unwrap();
    assert_eq!(*lock(&told), ["written"]);
    *lock(&journal.fails) = true;
    decide("lost").unwrap_err();
    assert_eq!(*lock(&told), ["written"]);
}
