//! What the server counts about its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::budget::Budget;

#[derive(Debug)]
pub struct ServerStatistics {
    /// Each listener's open connections, in the order in which the listeners were bound.
    open: Vec<(Arc<str>, AtomicU64)>,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    budget: Arc<Budget>,
}

impl ServerStatistics {
    pub(super) fn new<'a>(listeners: impl Iterator<Item = &'a Arc<str>>, budget: Arc<Budget>) -> Self {
        let mut open: Vec<(Arc<str>, AtomicU64)> = Vec::new();
        for name in listeners {
            if !open.iter().any(|(known, _)| known == name) {
                open.push((Arc::clone(name), AtomicU64::new(0)));
            }
        }
        Self { open, accepted: AtomicU64::new(0), refused: AtomicU64::new(0), budget }
    }

    pub(super) fn opened(&self, listener: &str) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.change(listener, |open| open.fetch_add(1, Ordering::Relaxed));
    }

    pub(super) fn closed(&self, listener: &str) {
        self.change(listener, |open| open.fetch_sub(1, Ordering::Relaxed));
    }

    fn change(&self, listener: &str, change: impl FnOnce(&AtomicU64) -> u64) {
        if let Some((_, open)) = self.open.iter().find(|(name, _)| **name == *listener) {
            change(open);
        }
    }

    /// Open connections by listener.
    pub fn connections(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.open.iter().map(|(name, open)| (name, open.load(Ordering::Relaxed)))
    }

    /// Connections that were ever taken on.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections that were turned away, or closed for what their peer sent.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Bytes of `queued.max.request.bytes` that requests hold; `None` if there is no bound.
    #[must_use]
    pub fn budget_in_use(&self) -> Option<usize> {
        self.budget.in_use()
    }

    /// Connections that wait for the budget.
    #[must_use]
    pub fn waiting_for_budget(&self) -> usize {
        self.budget.waiting()
    }
}
