//! How long each step of a start takes.

use std::sync::Arc;

use crate::seams::Clock;
use crate::types::Now;

/// Writes a line when a step is done.
#[derive(Debug)]
pub(super) struct Phases {
    clock: Arc<dyn Clock>,
    began: Now,
    step: Now,
}

impl Phases {
    pub(super) fn begin(clock: &Arc<dyn Clock>) -> Self {
        let now = clock.now();
        Self { clock: Arc::clone(clock), began: now, step: now }
    }

    /// `step` took the time since the last one.
    pub(super) fn done(&mut self, step: &str) {
        let now = self.clock.now();
        tracing::info!("start: {step} {} ms", now.since(self.step).as_millis());
        self.step = now;
    }

    /// The end of the last step, and how long all took.
    pub(super) fn serving(self) {
        tracing::info!("start: {} ms in all, clients are served", self.clock.now().since(self.began).as_millis());
    }
}
