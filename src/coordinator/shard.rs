//! One partition of a coordinator's topic: its state machine behind a short lock.
//!
//! Under the lock: decide, append, apply. A reply comes with the position that its decision saw; whoever sends it waits, without the lock,
//! until that is committed. This file knows its parent's `sync` module for locks, so that `tests/interleavings.rs` can build it on checked
//! primitives.

use std::collections::BTreeMap;
use std::fmt;
use std::task::Waker;

use super::machine::{Context, Coordinator, EncodedRecord, Origin, Token};
use super::sync::Mutex;
use super::ticket::{Promise, Ticket, ticket};
use crate::types::{Now, Offset, Timestamp};

/// The log that a shard appends to.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Bytes that one batch may take.
    fn max_batch_bytes(&self) -> usize;

    /// Appends the records as one batch and returns the offset of the first; durability comes later.
    ///
    /// # Errors
    /// Nothing was written, and the shard is to be loaded anew.
    fn append(&self, records: &[EncodedRecord], timestamp: Timestamp) -> Result<Offset, Unavailable>;
}

/// Sets off [`Shard::tick`] at a moment; called when that moment comes closer, and at once when an append failed.
pub type Alarm = Box<dyn Fn(Now) + Send + Sync>;

/// Told of what decisions did, outside the shard's lock.
pub type Listener<E> = Box<dyn Fn(Vec<E>) + Send + Sync>;

/// The shard decides nothing any more: its partition is led elsewhere, or an append failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the coordinator of this key is not here")]
pub struct Unavailable;

/// A reply, and the end of what has to be committed before it may be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided<T> {
    pub reply: T,
    pub end: Offset,
}

/// The moment of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    pub now: Now,
    pub timestamp: Timestamp,
}

pub struct Shard<C: Coordinator, J> {
    journal: J,
    alarm: Alarm,
    listener: Option<Listener<C::Event>>,
    state: Mutex<State<C>>,
}

/// What is left to do once the lock is let go.
struct Aftermath<E> {
    wakers: Vec<Waker>,
    events: Vec<E>,
}

impl<E> Default for Aftermath<E> {
    fn default() -> Self {
        Self { wakers: Vec::new(), events: Vec::new() }
    }
}

type Parked<C> = BTreeMap<Token, Promise<Decided<<C as Coordinator>::Reply>>>;

struct State<C: Coordinator> {
    /// `None` once the shard is given up.
    coordinator: Option<C>,
    /// Behind the last record appended or replayed.
    end: Offset,
    /// Requests that are parked. Bounded by the requests in flight.
    parked: Parked<C>,
    next_token: u64,
    /// What the alarm is set to.
    alarm: Option<Now>,
}

impl<C: Coordinator, J: Journal> Shard<C, J> {
    /// A shard whose machine has replayed everything below `end`.
    #[must_use]
    pub fn new(coordinator: C, end: Offset, journal: J, alarm: Alarm) -> Self {
        let state = State { coordinator: Some(coordinator), end, parked: BTreeMap::new(), next_token: 0, alarm: None };
        Self { journal, alarm, listener: None, state: Mutex::new(state) }
    }

    /// Has somebody told of what decisions do.
    #[must_use]
    pub fn telling(mut self, listener: Listener<C::Event>) -> Self {
        self.listener = Some(listener);
        self
    }

    fn lock(&self) -> impl std::ops::DerefMut<Target = State<C>> + '_ {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// Decides a request that is answered at once.
    ///
    /// # Errors
    /// The shard was given up, now or before.
    pub fn decide<T>(
        &self,
        moment: Moment,
        random: &mut dyn FnMut() -> u64,
        decide: impl FnOnce(&mut C, &mut Context<'_, C>) -> T,
    ) -> Result<Decided<T>, Unavailable> {
        let mut after = Aftermath::default();
        let mut state = self.lock();
        let decided = self.step(&mut state, moment, random, &mut after, decide);
        drop(state);
        self.conclude(after);
        decided
    }

    /// Decides a request whose answer may come later, under the token given to `decide`.
    ///
    /// # Errors
    /// The shard was given up, now or before.
    pub fn decide_later(
        &self,
        moment: Moment,
        random: &mut dyn FnMut() -> u64,
        decide: impl FnOnce(&mut C, &mut Context<'_, C>, Token),
    ) -> Result<Ticket<Decided<C::Reply>>, Unavailable> {
        let mut after = Aftermath::default();
        let mut state = self.lock();
        if state.coordinator.is_none() {
            return Err(Unavailable);
        }
        let token = Token(state.next_token);
        state.next_token += 1;
        let (promise, ticket) = ticket();
        state.parked.insert(token, promise);
        let decided =
            self.step(&mut state, moment, random, &mut after, |coordinator, context| decide(coordinator, context, token));
        drop(state);
        self.conclude(after);
        decided.map(|_| ticket)
    }

    /// Does what is due, and says when it wants to be called again.
    pub fn tick(&self, moment: Moment, random: &mut dyn FnMut() -> u64) -> Option<Now> {
        let mut after = Aftermath::default();
        let mut state = self.lock();
        // Whoever ticks is told of what comes next, and needs no alarm for it.
        state.alarm = Some(moment.now);
        let due = state.coordinator.as_ref().and_then(Coordinator::next_deadline).is_some_and(|deadline| deadline <= moment.now);
        if due {
            // Given up: whoever asks next is told.
            let _ = self.step(&mut state, moment, random, &mut after, |coordinator, context| coordinator.expire(context));
        }
        let next = state.coordinator.as_ref().and_then(Coordinator::next_deadline);
        state.alarm = next;
        drop(state);
        self.conclude(after);
        next
    }

    /// Looks at the state without deciding.
    ///
    /// # Errors
    /// The shard was given up.
    pub fn read<T>(&self, look: impl FnOnce(&C) -> T) -> Result<Decided<T>, Unavailable> {
        let state = self.lock();
        let reply = look(state.coordinator.as_ref().ok_or(Unavailable)?);
        Ok(Decided { reply, end: state.end })
    }

    /// Whether the shard was given up and has to be loaded anew.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.lock().coordinator.is_none()
    }

    /// Decides nothing any more; parked requests are told.
    pub fn give_up(&self) {
        let mut state = self.lock();
        let (coordinator, parked) = state.give_up();
        drop(state);
        drop(parked);
        drop(coordinator);
    }

    fn step<T>(
        &self,
        state: &mut State<C>,
        moment: Moment,
        random: &mut dyn FnMut() -> u64,
        after: &mut Aftermath<C::Event>,
        decide: impl FnOnce(&mut C, &mut Context<'_, C>) -> T,
    ) -> Result<Decided<T>, Unavailable> {
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable)?;
        let max_batch_bytes = self.journal.max_batch_bytes();
        let Moment { now, timestamp } = moment;
        let mut context =
            Context { now, timestamp, random, max_batch_bytes, records: Vec::new(), replies: Vec::new(), events: Vec::new() };
        let reply = decide(coordinator, &mut context);
        let Context { records, replies, events, .. } = context;
        if let Err(unavailable) = self.append(state, records, timestamp) {
            // Promises that are dropped tell their tickets.
            let (_, parked) = state.give_up();
            after.wakers.extend(parked.into_values().filter_map(Promise::abandon));
            (self.alarm)(now);
            return Err(unavailable);
        }
        for (token, reply) in replies {
            let promise = state.parked.remove(&token);
            after.wakers.extend(promise.and_then(|promise| promise.keep(Decided { reply, end: state.end })));
        }
        after.events = events;
        self.set_alarm(state);
        Ok(Decided { reply, end: state.end })
    }

    fn conclude(&self, after: Aftermath<C::Event>) {
        after.wakers.into_iter().for_each(Waker::wake);
        if let Some(listener) = self.listener.as_ref().filter(|_| !after.events.is_empty()) {
            listener(after.events);
        }
    }

    fn append(&self, state: &mut State<C>, records: Vec<C::Record>, timestamp: Timestamp) -> Result<(), Unavailable> {
        let Some(coordinator) = state.coordinator.as_mut().filter(|_| !records.is_empty()) else { return Ok(()) };
        let encoded: Vec<EncodedRecord> = records.iter().map(|record| coordinator.encode(record)).collect();
        let mut offset = self.journal.append(&encoded, timestamp)?;
        for record in records {
            coordinator.apply(record, offset, Origin::Append);
            offset = offset.next();
        }
        state.end = offset;
        Ok(())
    }

    /// Lets the alarm know when the next deadline comes closer. One that moves away costs nothing: the tick finds nothing to do.
    fn set_alarm(&self, state: &mut State<C>) {
        let next = state.coordinator.as_ref().and_then(Coordinator::next_deadline);
        if let Some(deadline) = next
            && state.alarm.is_none_or(|set| deadline < set)
        {
            state.alarm = Some(deadline);
            (self.alarm)(deadline);
        }
    }
}

impl<C: Coordinator> State<C> {
    fn give_up(&mut self) -> (Option<C>, Parked<C>) {
        (self.coordinator.take(), std::mem::take(&mut self.parked))
    }
}

impl<C: Coordinator, J: fmt::Debug> fmt::Debug for Shard<C, J> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shard").field("journal", &self.journal).finish_non_exhaustive()
    }
}
