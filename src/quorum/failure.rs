//! The first fault, for good.

use std::fmt::Display;
use std::sync::Arc;

use tokio::sync::watch;

/// Shared by all that can fail the quorum; the first one to speak is heard.
#[derive(Clone, Debug)]
pub(super) struct Failure(Arc<watch::Sender<Option<String>>>);

impl Failure {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    pub(super) fn set(&self, problem: impl Display) {
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                tracing::error!(%problem, "the metadata quorum has failed");
                *first = Some(problem.to_string());
            }
            is_first
        });
    }

    pub(super) fn get(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.0.subscribe()
    }

    /// Takes note of an error on its way to the engine.
    pub(super) fn note<T, E: Display>(&self, result: Result<T, E>) -> Result<T, E> {
        result.inspect_err(|error| self.set(error))
    }
}
