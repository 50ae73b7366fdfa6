//! How long the disks take, and a line when one is slow.

use std::path::Path;
use std::time::Duration;

use super::{Count, Durations, DurationsSeen};
use crate::disk::{DiskWatcher, Work};
use crate::seams::LineLimiter;
use crate::types::Now;

/// Lines about slow disks in a second.
const LINES: u32 = 1;

#[derive(Debug)]
pub struct DiskMetrics {
    /// `klamm.disk.slow.ms`.
    bound: Duration,
    /// In the order of [`Work::ALL`].
    times: [(Durations, Count); Work::ALL.len()],
    lines: LineLimiter,
}

/// What was seen of one kind of work.
#[derive(Debug)]
pub struct DiskSeen {
    pub work: Work,
    pub durations: DurationsSeen,
    /// Of these, how many took longer than `klamm.disk.slow.ms`.
    pub slow: u64,
}

impl DiskMetrics {
    #[must_use]
    pub fn new(bound: Duration) -> Self {
        Self { bound, times: Default::default(), lines: LineLimiter::new(LINES) }
    }

    pub fn seen(&self) -> impl Iterator<Item = DiskSeen> + '_ {
        let entries = Work::ALL.into_iter().zip(&self.times);
        entries.map(|(work, (durations, slow))| DiskSeen { work, durations: durations.seen(), slow: slow.now() })
    }

    fn of(&self, work: Work) -> &(Durations, Count) {
        let [read, write, sync] = &self.times;
        match work {
            Work::Read => read,
            Work::Write => write,
            Work::Sync => sync,
        }
    }
}

impl DiskWatcher for DiskMetrics {
    fn took(&self, work: Work, path: &Path, start: Now, end: Now) {
        let (durations, slow) = self.of(work);
        let time = end.since(start);
        durations.record(time);
        if time > self.bound {
            slow.add(1);
            self.lines.write(end, |held_back| {
                tracing::warn!(path = %path.display(), held_back, "slow disk: a {} took {} ms", work.name(), time.as_millis());
            });
        }
    }
}
