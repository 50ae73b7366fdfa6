//! A partition's leader: its epoch and its high watermark.

use crate::config::FlushMode;
use crate::types::{LeaderEpoch, Offset};

/// Leader state of one partition whose ISR is this replica alone.
#[derive(Debug)]
pub struct Leader {
    epoch: LeaderEpoch,
    high_watermark: Offset,
    mode: FlushMode,
}

impl Leader {
    /// Takes up leadership. Everything up to `known` (exclusive) was below the high watermark before.
    #[must_use]
    pub fn new(epoch: LeaderEpoch, known: Offset, mode: FlushMode) -> Self {
        Self { epoch, high_watermark: known, mode }
    }

    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    #[must_use]
    pub fn mode(&self) -> FlushMode {
        self.mode
    }

    /// Exclusive: all below may be read by consumers.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Moves the high watermark to what this replica has; returns where it stood when it moved.
    pub fn advance(&mut self, flushed: Offset, log_end: Offset) -> Option<Offset> {
        assert!(flushed <= log_end, "flushed {flushed} lies beyond the log end {log_end}");
        let reached = match self.mode {
            FlushMode::Durable => flushed,
            FlushMode::PageCache => log_end,
        };
        if reached <= self.high_watermark {
            return None;
        }
        let before = self.high_watermark;
        self.high_watermark = reached;
        Some(before)
    }

    /// The log start moved past the high watermark (records deleted): the watermark follows.
    pub fn raise_to_log_start(&mut self, log_start: Offset) {
        self.high_watermark = self.high_watermark.max(log_start);
    }

    /// A new epoch of the same leader.
    pub fn set_epoch(&mut self, epoch: LeaderEpoch) {
        assert!(epoch >= self.epoch, "leader epoch fell from {} to {epoch}", self.epoch);
        self.epoch = epoch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durable_watermark_is_the_flushed_end() {
        let mut leader = Leader::new(LeaderEpoch(0), Offset(3), FlushMode::Durable);
        assert_eq!(leader.advance(Offset(3), Offset(9)), None);
        assert_eq!(leader.advance(Offset(7), Offset(9)), Some(Offset(3)));
        assert_eq!(leader.high_watermark(), Offset(7));
        assert_eq!(leader.advance(Offset(5), Offset(9)), None, "it never falls");
        assert_eq!(leader.high_watermark(), Offset(7));
    }

    #[test]
    fn page_cache_watermark_is_the_log_end() {
        let mut leader = Leader::new(LeaderEpoch(0), Offset(0), FlushMode::PageCache);
        assert_eq!(leader.advance(Offset(0), Offset(4)), Some(Offset(0)));
        assert_eq!(leader.high_watermark(), Offset(4));
    }

    #[test]
    #[should_panic(expected = "leader epoch fell")]
    fn an_older_epoch_is_a_bug() {
        Leader::new(LeaderEpoch(4), Offset(0), FlushMode::Durable).set_epoch(LeaderEpoch(3));
    }
}
