//! Two clocks that must not be mixed: the time written into records and the time that timers run on.

use std::time::Duration;

use super::number;

number! {
    /// Record time: milliseconds since 1970 UTC. Never compared with [`Now`].
    Timestamp(i64)
}

/// Monotonic time since the start of the process (or of the simulation). Drives timers and deadlines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Now(pub Duration);

impl Now {
    /// The moment `later` after this one; saturates.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
