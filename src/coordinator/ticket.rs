//! A parked request's place: its answer comes here.
//!
//! This file knows only its parent's `sync` module, so that `tests/interleavings.rs` can build it on checked primitives.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::sync::{Arc, Mutex};

/// Resolves to the answer, or to `None` when whoever would have given it is gone.
#[derive(Debug)]
pub struct Ticket<R>(Arc<Mutex<State<R>>>);

/// The other end. Dropping it without an answer resolves the ticket to `None`.
#[derive(Debug)]
pub(super) struct Promise<R>(Arc<Mutex<State<R>>>);

#[derive(Debug)]
enum State<R> {
    Waiting(Option<Waker>),
    Done(Option<R>),
}

fn lock<R>(state: &Mutex<State<R>>) -> impl std::ops::DerefMut<Target = State<R>> + '_ {
    state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(super) fn ticket<R>() -> (Promise<R>, Ticket<R>) {
    let state = Arc::new(Mutex::new(State::Waiting(None)));
    (Promise(Arc::clone(&state)), Ticket(state))
}

impl<R> Promise<R> {
    /// Gives the answer; the waker has to be woken once no lock is held.
    pub(super) fn keep(self, answer: R) -> Option<Waker> {
        self.end(Some(answer))
    }

    /// Ends it without an answer; the waker has to be woken once no lock is held.
    pub(super) fn abandon(self) -> Option<Waker> {
        self.end(None)
    }

    fn end(&self, answer: Option<R>) -> Option<Waker> {
        let mut state = lock(&self.0);
        match &mut *state {
            State::Waiting(waker) => {
                let waker = waker.take();
                *state = State::Done(answer);
                waker
            }
            State::Done(_) => None,
        }
    }
}

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        if let Some(waker) = self.end(None) {
            waker.wake();
        }
    }
}

impl<R> Future for Ticket<R> {
    type Output = Option<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<R>> {
        let mut state = lock(&self.0);
        match &mut *state {
            State::Waiting(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            State::Done(answer) => Poll::Ready(answer.take()),
        }
    }
}
