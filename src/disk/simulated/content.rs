//! What one file holds: in memory, and on the device.

use std::collections::BTreeSet;

use crate::seams::Random;

/// Bytes that reach the device together or not at all.
pub(super) const SECTOR: usize = 512;

/// A file's bytes as its readers see them, and what the device has of them.
///
/// Sectors written since the last sync may or may not be on the device. A sector that is written again may have been written
/// back in between, so the device can hold any of its unsynced versions.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    current: Vec<u8>,
    /// May be longer than `device_length`: sectors can arrive before the length that makes them visible.
    device: Vec<u8>,
    device_length: usize,
    unsynced: BTreeSet<usize>,
    /// Smallest and largest length since the last sync; the device has the old length, or any from here.
    unsynced_lengths: Option<(usize, usize)>,
}

impl Content {
    pub(super) fn length(&self) -> usize {
        self.current.len()
    }

    /// Up to `length` bytes from `position`.
    pub(super) fn read(&self, position: usize, length: usize) -> &[u8] {
        let end = position.saturating_add(length).min(self.current.len());
        self.current.get(position..end).unwrap_or_default()
    }

    pub(super) fn write(&mut self, position: usize, bytes: &[u8], random: &mut Random) {
        if bytes.is_empty() {
            return;
        }
        let end = position + bytes.len();
        self.maybe_write_back(position.min(self.current.len())..end, random);
        if end > self.current.len() {
            self.change_length(end);
        }
        self.current.get_mut(position..end).expect("the length was just made to reach").copy_from_slice(bytes);
        self.unsynced.extend(position / SECTOR..end.div_ceil(SECTOR));
    }

    pub(super) fn set_length(&mut self, length: usize, random: &mut Random) {
        if length != self.current.len() {
            let (from, to) = (length.min(self.current.len()), length.max(self.current.len()));
            self.maybe_write_back(from..to, random);
            self.change_length(length);
        }
    }

    /// Everything is on the device.
    pub(super) fn sync(&mut self) {
        for sector in std::mem::take(&mut self.unsynced) {
            self.write_back(sector);
        }
        self.device.resize(self.current.len(), 0);
        self.device_length = self.current.len();
        self.unsynced_lengths = None;
    }

    /// The device refused. Like Linux, forgets which sectors it had still to write: a later sync will not bring them there,
    /// although they can be read until the power goes.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        for sector in std::mem::take(&mut self.unsynced) {
            if random.chance(50) {
                self.write_back(sector);
            }
        }
        self.device_length = self.surviving_length(random);
        self.unsynced_lengths = None;
    }

    /// The power is gone: each unsynced sector is on the device with a chance of `kept` percent.
    pub(super) fn crash(&mut self, kept: u64, random: &mut Random) {
        for sector in std::mem::take(&mut self.unsynced) {
            if random.chance(kept) {
                self.write_back(sector);
            }
        }
        self.device_length = match kept {
            0 => self.device_length,
            100 => self.current.len(),
            _ => self.surviving_length(random),
        };
        self.device.resize(self.device_length, 0);
        self.unsynced_lengths = None;
        self.current.clone_from(&self.device);
    }

    fn surviving_length(&self, random: &mut Random) -> usize {
        let Some((shortest, longest)) = self.unsynced_lengths else { return self.device_length };
        match random.below(4) {
            0 => self.device_length,
            1 => self.current.len(),
            2 => shortest.max(longest / SECTOR * SECTOR),
            _ => shortest + usize::try_from(random.below((longest - shortest + 1) as u64)).unwrap_or(0),
        }
    }

    /// The sectors that are about to change may just have been written back as they are.
    fn maybe_write_back(&mut self, range: std::ops::Range<usize>, random: &mut Random) {
        let sectors = range.start / SECTOR..range.end.div_ceil(SECTOR);
        let due: Vec<usize> = self.unsynced.range(sectors).copied().filter(|_| random.chance(50)).collect();
        due.into_iter().for_each(|sector| self.write_back(sector));
    }

    fn write_back(&mut self, sector: usize) {
        let (start, end) = (sector * SECTOR, (sector + 1) * SECTOR);
        if self.device.len() < end {
            self.device.resize(end, 0);
        }
        let device = self.device.get_mut(start..end).expect("the device was just made to reach");
        device.fill(0);
        let now = self.current.get(start.min(self.current.len())..end.min(self.current.len())).unwrap_or_default();
        device.get_mut(..now.len()).expect("no longer than a sector").copy_from_slice(now);
    }

    /// All sectors between the lengths change: they become zeros, or cease to be.
    fn change_length(&mut self, length: usize) {
        let before = self.current.len();
        let (shortest, longest) = self.unsynced_lengths.unwrap_or((self.device_length, self.device_length));
        self.unsynced_lengths = Some((shortest.min(length), longest.max(length)));
        self.unsynced.extend(before.min(length) / SECTOR..before.max(length).div_ceil(SECTOR));
        self.current.resize(length, 0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use std::collections::BTreeSet;

    use super::{Content, SECTOR};
    use crate::seams::Random;

    fn synced(byte: u8, length: usize) -> Content {
        let mut content = Content::default();
        content.write(0, &vec![byte; length], &mut Random::new(0));
        content.sync();
        content
    }

    /// Each distinct content that a crash in 400 left.
    fn outcomes(prepare: impl Fn(&mut Random) -> Content) -> BTreeSet<Vec<u8>> {
        (0..400)
            .map(|seed| {
                let mut random = Random::new(seed);
                let mut content = prepare(&mut random);
                content.crash(50, &mut random);
                content.read(0, usize::MAX).to_vec()
            })
            .collect()
    }

    #[test]
    fn what_was_synced_survives_and_nothing_else_must() {
        let mut content = synced(1, 2_000);
        let mut random = Random::new(5);
        content.write(100, &[2; 1_900], &mut random);
        content.crash(0, &mut random);
        assert_eq!(content.read(0, 5_000), [1; 2_000]);
        content.write(100, &[2; 3_000], &mut random);
        content.crash(100, &mut random);
        assert_eq!((content.length(), content.read(100, 5_000)), (3_100, &[2; 3_000][..]));
    }

    #[test]
    fn any_subset_of_unsynced_sectors_is_lost_and_a_sector_never_tears() {
        let seen = outcomes(|random| {
            let mut content = synced(1, 3 * SECTOR);
            content.write(0, &[2; 3 * SECTOR], random);
            content
        });
        assert_eq!(seen.len(), 8);
        for outcome in seen {
            assert_eq!(outcome.len(), 3 * SECTOR);
            outcome.chunks(SECTOR).for_each(|sector| assert!(sector.iter().all(|byte| *byte == sector[0])));
        }
    }

    #[test]
    fn a_tail_tears_at_any_byte_and_lost_sectors_in_it_are_zeros() {
        let seen = outcomes(|random| {
            let mut content = synced(1, 100);
            content.write(100, &[2; 2_000], random);
            content
        });
        assert!(seen.len() > 50);
        for outcome in seen {
            assert!((100..=2_100).contains(&outcome.len()));
            assert_eq!(outcome[..100], [1; 100]);
            assert!(outcome[100..].iter().all(|byte| [0, 2].contains(byte)));
        }
    }

    #[test]
    fn of_a_sector_written_twice_any_version_may_survive() {
        let seen = outcomes(|random| {
            let mut content = synced(1, SECTOR);
            content.write(0, &[2; SECTOR], random);
            content.write(0, &[3; SECTOR], random);
            content
        });
        let bytes: Vec<u8> = seen.iter().map(|outcome| outcome[0]).collect();
        assert_eq!(bytes, [1, 2, 3]);
    }

    #[test]
    fn an_unsynced_cut_may_come_undone_and_bring_back_what_was_there() {
        let seen = outcomes(|random| {
            let mut content = synced(1, 4 * SECTOR);
            content.set_length(SECTOR, random);
            content.write(SECTOR, &[2; SECTOR], random);
            content
        });
        assert!(seen.contains(&vec![1; 4 * SECTOR]), "all undone");
        assert!(seen.contains(&[[1; SECTOR], [2; SECTOR]].concat()), "all done");
        let mixed = seen.iter().any(|bytes| bytes.len() == 4 * SECTOR && bytes[SECTOR] == 2 && bytes[2 * SECTOR] == 1);
        assert!(mixed, "the new bytes with the old ones behind them");
    }

    #[test]
    fn after_a_failed_sync_the_next_one_brings_nothing_to_the_device() {
        let lost = (0..20).filter(|seed| {
            let mut random = Random::new(*seed);
            let mut content = synced(1, SECTOR);
            content.write(0, &[2; SECTOR], &mut random);
            content.fail_sync(&mut random);
            content.sync();
            assert_eq!(content.read(0, SECTOR), [2; SECTOR]);
            content.crash(100, &mut random);
            content.read(0, SECTOR) == [1; SECTOR]
        });
        assert!((5..16).contains(&lost.count()));
    }
}
