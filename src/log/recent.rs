//! Where the newest batches of the active segment stand: reads at the tail need no index, and long polls learn exact byte counts.

use std::collections::VecDeque;

use super::scan::Located;
use crate::types::Offset;

/// Batches remembered.
const REMEMBERED: usize = 64;

/// Base offset and file position of up to 64 batches, rising.
#[derive(Debug, Default)]
pub(super) struct RecentBatches {
    batches: VecDeque<(Offset, u64)>,
}

impl RecentBatches {
    pub(super) fn push(&mut self, located: &Located) {
        if self.batches.len() == REMEMBERED {
            self.batches.pop_front();
        }
        self.batches.push_back((located.header.base_offset, located.position));
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
    }

    /// Position of the last remembered batch that starts at or below `offset`.
    pub(super) fn floor(&self, offset: Offset) -> Option<u64> {
        let above = self.batches.partition_point(|(base, _)| *base <= offset);
        self.batches.get(above.checked_sub(1)?).map(|(_, position)| *position)
    }

    /// Position of the first remembered batch that starts at or above `offset`.
    pub(super) fn ceiling(&self, offset: Offset) -> Option<u64> {
        let at = self.batches.partition_point(|(base, _)| *base < offset);
        self.batches.get(at).map(|(_, position)| *position)
    }
}
