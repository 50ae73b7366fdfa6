//! One budget for the bytes of all requests in flight (`queued.max.request.bytes`).
//!
//! Each connection has an allowance of its own, one read ([`Charge::allowance`]); what it holds beyond that it pays for when the
//! bytes have arrived, before it reads on, and gets the price back when the request is answered. So small requests never wait
//! here, whoever holds the budget. When the budget is used up, connections with more to pay for wait in line, sockets unread.
//!
//! Half-read frames hold budget too, so without more they could use it up and then all wait for each other. Therefore the waiters
//! also line up for *the turn*: who has it may go beyond the budget until its frame is complete and answered, one connection at
//! a time. The memory is thus bounded by the budget, plus one frame of the greatest size, plus one read per connection.
//! A peer that holds budget or the turn and does not send on would keep the others waiting: while anyone waits, such connections
//! are closed ([`Budget::is_contended`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

#[derive(Debug)]
pub(super) struct Budget {
    /// `None`: no bound.
    free: Option<Arc<Semaphore>>,
    bytes: usize,
    turn: Arc<Mutex<()>>,
    waiting: AtomicUsize,
}

/// What has been paid for some bytes; dropping it pays back.
#[derive(Debug, Default)]
pub(super) struct Charge {
    permit: Option<OwnedSemaphorePermit>,
    /// Bytes beyond the budget: unbounded, or held by the turn.
    beyond: usize,
    /// Bytes of the connection's allowance.
    allowance: usize,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Budget {
    pub(super) fn new(bytes: Option<usize>) -> Self {
        let bytes = bytes.map(|bytes| bytes.min(Semaphore::MAX_PERMITS));
        Self {
            free: bytes.map(|bytes| Arc::new(Semaphore::new(bytes))),
            bytes: bytes.unwrap_or(0),
            turn: Arc::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Adds `bytes` to `charge` if that needs no waiting.
    pub(super) fn try_charge(&self, bytes: usize, charge: &mut Charge) -> bool {
        let Some(free) = &self.free else {
            charge.beyond += bytes;
            return true;
        };
        match Arc::clone(free).try_acquire_many_owned(permits(bytes)) {
            Ok(permit) => charge.add(Charge { permit: Some(permit), ..Charge::default() }),
            Err(_) if charge.turn.is_some() => charge.beyond += bytes,
            Err(_) => return false,
        }
        true
    }

    /// Waits in line for `bytes`, or for the turn, whichever comes first.
    pub(super) async fn charge(self: Arc<Self>, bytes: usize) -> Charge {
        let mut charge = Charge::default();
        let Some(free) = self.free.clone() else {
            charge.beyond = bytes;
            return charge;
        };
        let _waiting = Waiting::new(&self.waiting);
        tokio::select! {
            biased;
            permit = free.acquire_many_owned(permits(bytes)) => {
                charge.permit = Some(permit.expect("the semaphore is never closed"));
            }
            turn = Arc::clone(&self.turn).lock_owned() => {
                charge.beyond = bytes;
                charge.turn = Some(turn);
            }
        }
        charge
    }

    /// Bytes that are paid for; `None` without a bound.
    pub(super) fn in_use(&self) -> Option<usize> {
        self.free.as_ref().map(|free| self.bytes.saturating_sub(free.available_permits()))
    }

    /// Connections that wait in line.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether anyone waits. Then connections that hold budget for a frame that does not come on have to go.
    pub(super) fn is_contended(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Nobody charges 4 GiB at once; if so, it waits for the turn.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Charge {
    /// What each connection may hold without paying.
    pub(super) fn allowance(bytes: usize) -> Self {
        Self { allowance: bytes, ..Self::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.allowance + self.beyond + self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    pub(super) const fn has_turn(&self) -> bool {
        self.turn.is_some()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.beyond += other.beyond;
        self.allowance += other.allowance;
        match (&mut self.permit, other.permit) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        if other.turn.is_some() {
            self.turn = other.turn;
        }
    }

    /// The part of one frame, from what was paid first; the turn goes with it, as it was given to complete this frame.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let permit = self.permit.as_mut().and_then(|permit| permit.split(bytes.min(permit.num_permits())));
        let unpaid = bytes - permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let beyond = unpaid.min(self.beyond);
        let allowance = (unpaid - beyond).min(self.allowance);
        self.beyond -= beyond;
        self.allowance -= allowance;
        Self { permit, beyond, allowance, turn: self.turn.take() }
    }

    /// Pays back to the budget; what is left is the part of the connection's allowance.
    pub(super) fn pay_back(self) -> Self {
        Self::allowance(self.allowance)
    }
}

/// Counts who waits, also when the wait is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_frames_part_is_paid_back_when_it_is_dropped() {
        let budget = Budget::new(Some(100));
        let mut charge = Charge::default();
        assert!(budget.try_charge(60, &mut charge) && budget.try_charge(40, &mut charge));
        assert!(!budget.try_charge(1, &mut Charge::default()));
        let part = charge.split(70);
        assert_eq!((part.bytes(), charge.bytes()), (70, 30));
        drop(part);
        assert!(budget.try_charge(70, &mut Charge::default()));
    }

    #[test]
    fn the_allowance_is_used_after_what_was_paid_and_comes_back_to_the_connection() {
        let budget = Budget::new(Some(10));
        let mut charge = Charge::allowance(20);
        assert!(budget.try_charge(10, &mut charge));
        let (large, small) = (charge.split(15), charge.split(5));
        assert_eq!((large.bytes(), small.bytes(), charge.bytes()), (15, 5, 10));
        charge.add(small.pay_back());
        assert!(!budget.try_charge(1, &mut Charge::default()));
        charge.add(large.pay_back());
        assert_eq!(charge.bytes(), 20);
        assert!(budget.try_charge(10, &mut Charge::default()));
    }

    #[test]
    fn without_a_bound_nothing_waits() {
        let mut charge = Charge::default();
        assert!(Budget::new(None).try_charge(usize::MAX / 2, &mut charge));
        assert_eq!(charge.split(10).bytes(), 10);
        assert_eq!(charge.bytes(), usize::MAX / 2 - 10);
    }

    #[test]
    fn one_waiter_has_the_turn_and_goes_beyond_the_others_wait() {
        let budget = Arc::new(Budget::new(Some(10)));
        let mut held = Charge::default();
        assert!(budget.try_charge(10, &mut held));

        let mut first = Arc::clone(&budget).charge(8).now_or_never().expect("the turn is free");
        assert!(first.has_turn() && budget.try_charge(50, &mut first), "who has the turn need not wait again");
        let mut second = Box::pin(Arc::clone(&budget).charge(8));
        assert!((&mut second).now_or_never().is_none() && budget.is_contended());

        drop(first.split(58));
        assert!((&mut second).now_or_never().expect("the turn came round").has_turn());
        drop(second);
        assert!(!budget.is_contended());
    }

    #[test]
    fn freed_budget_ends_a_wait() {
        let budget = Arc::new(Budget::new(Some(10)));
        let mut held = Charge::default();
        assert!(budget.try_charge(10, &mut held));
        let turn = Arc::clone(&budget).charge(1).now_or_never().unwrap();
        let mut waiter = Box::pin(Arc::clone(&budget).charge(5));
        assert!((&mut waiter).now_or_never().is_none());
        drop(held);
        let charge = waiter.now_or_never().expect("there is budget again");
        assert!(!charge.has_turn() && turn.has_turn());
    }
}
