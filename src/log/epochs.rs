//! Which leader epoch starts at which offset (LeaderEpochFileCache.java), kept in `leader-epoch-checkpoint`.

use std::io;
use std::path::Path;

use super::checkpoint::{format_table, parse_table};
use crate::seams::{Disk, OpenMode, replace_file};
use crate::types::{LeaderEpoch, Offset, OffsetAndEpoch};

pub(super) const FILE_NAME: &str = "leader-epoch-checkpoint";

/// Start of one epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Start {
    epoch: LeaderEpoch,
    offset: Offset,
}

/// The epochs of a log, rising in epoch and in offset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct LeaderEpochs {
    starts: Vec<Start>,
}

impl LeaderEpochs {
    /// Reads the text of the file; `None` if it is torn or no such file, and then it has to be made from the batches.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        // A number cut short is still a number: only a whole last line is believed.
        let rows = text.ends_with(b"\n").then(|| parse_table::<2>(text).ok()).flatten()?;
        let starts = rows
            .iter()
            .map(|[epoch, offset]| Some(Start { epoch: LeaderEpoch(epoch.parse().ok()?), offset: Offset(offset.parse().ok()?) }))
            .collect::<Option<Vec<_>>>()?;
        let rising = starts.is_sorted_by(|left, right| left.epoch < right.epoch && left.offset <= right.offset);
        rising.then_some(Self { starts })
    }

    pub(super) fn write(&self, disk: &dyn Disk, directory: &Path) -> io::Result<()> {
        replace_file(disk, &directory.join(FILE_NAME), self.text().as_bytes())
    }

    /// Writes the file without a sync, for an empty log: a crash may take it or leave a part, and what a log holds of epochs is made from its
    /// batches then.
    pub(super) fn write_first(&self, disk: &dyn Disk, directory: &Path) -> io::Result<()> {
        let file = disk.open(&directory.join(FILE_NAME), OpenMode::CreateOrOpen)?;
        file.set_length(0)?;
        file.write_at(0, self.text().as_bytes())
    }

    fn text(&self) -> String {
        format_table(self.starts.iter().map(|start| format!("{} {}", start.epoch, start.offset)))
    }

    pub(super) fn latest(&self) -> Option<LeaderEpoch> {
        self.starts.last().map(|start| start.epoch)
    }

    pub(super) fn first_offset(&self) -> Option<Offset> {
        self.starts.first().map(|start| start.offset)
    }

    /// Adds the epochs of a later part of the log.
    pub(super) fn extend(&mut self, later: &Self) {
        for start in &later.starts {
            self.assign(start.epoch, start.offset);
        }
    }

    /// Lets `epoch` start at `offset`; entries that contradict it go. True if anything changed, and then the file is to be written.
    pub(super) fn assign(&mut self, epoch: LeaderEpoch, offset: Offset) -> bool {
        if epoch.0 < 0 || self.starts.last().is_some_and(|last| last.epoch == epoch && last.offset <= offset) {
            return false;
        }
        while self.starts.last().is_some_and(|last| last.epoch >= epoch || last.offset >= offset) {
            self.starts.pop();
        }
        self.starts.push(Start { epoch, offset });
        true
    }

    /// The end of the largest epoch at or below the one asked for. Below all known epochs it is the start of the first, under the
    /// epoch asked for, as Kafka answers; above all of them there is none.
    pub(super) fn end_offset(&self, epoch: LeaderEpoch, log_end_offset: Offset) -> Option<OffsetAndEpoch> {
        if self.latest()? == epoch {
            return Some(OffsetAndEpoch { offset: log_end_offset, leader_epoch: epoch });
        }
        let above = self.starts.partition_point(|start| start.epoch <= epoch);
        let offset = self.starts.get(above)?.offset;
        let leader_epoch = above.checked_sub(1).and_then(|below| self.starts.get(below)).map_or(epoch, |start| start.epoch);
        Some(OffsetAndEpoch { offset, leader_epoch })
    }

    pub(super) fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let above = self.starts.partition_point(|start| start.offset <= offset);
        above.checked_sub(1).and_then(|below| self.starts.get(below)).map(|start| start.epoch)
    }

    /// Drops the epochs that start at or above the new end of the log. True if anything changed.
    pub(super) fn truncate_from_end(&mut self, end: Offset) -> bool {
        let kept = self.starts.partition_point(|start| start.offset < end);
        let changed = kept < self.starts.len();
        self.starts.truncate(kept);
        changed
    }

    /// Drops the epochs that end at or below the new start of the log; the one that holds it starts there. True if anything changed.
    pub(super) fn truncate_from_start(&mut self, start: Offset) -> bool {
        let Some(holding) = self.starts.partition_point(|entry| entry.offset <= start).checked_sub(1) else { return false };
        self.starts.drain(..holding);
        let first = self.starts.first_mut().expect("the entry that holds the start stays");
        let changed = holding > 0 || first.offset != start;
        first.offset = start;
        changed
    }

    pub(super) fn clear(&mut self) -> bool {
        let changed = !self.starts.is_empty();
        self.starts.clear();
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for (epoch, offset) in entries {
            assert!(epochs.assign(LeaderEpoch(*epoch), Offset(*offset)));
        }
        epochs
    }

    fn end(epochs: &LeaderEpochs, epoch: i32) -> Option<(i64, i32)> {
        epochs.end_offset(LeaderEpoch(epoch), Offset(100)).map(|end| (end.offset.0, end.leader_epoch.0))
    }

    #[test]
    fn ends_of_epochs_are_those_of_kafka() {
        let epochs = epochs(&[(2, 10), (4, 20), (7, 30)]);
        assert_eq!(end(&epochs, 7), Some((100, 7)));
        assert_eq!(end(&epochs, 8), None);
        assert_eq!(end(&epochs, 5), Some((30, 4)));
        assert_eq!(end(&epochs, 4), Some((30, 4)));
        assert_eq!(end(&epochs, 3), Some((20, 2)));
        assert_eq!(end(&epochs, 1), Some((10, 1)), "below the first epoch: its start, under the epoch asked for");
        assert_eq!(end(&LeaderEpochs::default(), 1), None);
    }

    #[test]
    fn an_epoch_without_records_gives_way() {
        let mut epochs = epochs(&[(2, 10), (4, 20)]);
        assert!(!epochs.assign(LeaderEpoch(4), Offset(25)), "the same epoch goes on");
        assert!(epochs.assign(LeaderEpoch(5), Offset(20)));
        assert_eq!(epochs, self::epochs(&[(2, 10), (5, 20)]));
        assert!(!epochs.assign(LeaderEpoch(-1), Offset(21)), "batches without an epoch say nothing");
    }

    #[test]
    fn epochs_follow_both_ends_of_the_log() {
        let mut epochs = epochs(&[(2, 10), (4, 20), (7, 30)]);
        assert!(epochs.truncate_from_start(Offset(25)));
        assert_eq!(epochs, self::epochs(&[(4, 25), (7, 30)]));
        assert!(!epochs.truncate_from_start(Offset(25)));
        assert!(!epochs.truncate_from_end(Offset(31)));
        assert!(epochs.truncate_from_end(Offset(30)));
        assert_eq!(epochs.latest(), Some(LeaderEpoch(4)));
        assert_eq!(epochs.epoch_at(Offset(24)), None);
        assert_eq!(epochs.epoch_at(Offset(29)), Some(LeaderEpoch(4)));
    }

    #[test]
    fn a_torn_or_foreign_file_is_not_believed() {
        assert_eq!(LeaderEpochs::parse(b"0\n2\n1 0\n3 7\n"), Some(epochs(&[(1, 0), (3, 7)])));
        for torn in ["", "0\n", "0\n2\n1 0\n", "0\n1\n1 0", "0\n2\n3 7\n1 0\n", "1\n0\n", "0\n1\nx 0\n", "\0\0\0\0"] {
            assert_eq!(LeaderEpochs::parse(torn.as_bytes()), None, "{torn:?}");
        }
    }
}
