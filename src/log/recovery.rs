//! Opening a log, after a clean stop or after a crash (LogLoader.java).
//!
//! The steps, each in a function of its own, in this order:
//! 1. `leftovers`: files of interrupted deletions, cleanings and swaps are settled.
//! 2. `load`: the segments are listed; indexes that are missing or impossible are made anew.
//! 3. The place of a journal's replay: a journal that holds bytes which were made durable in their segments' stead writes them back
//!    here, when the segments are known and before their ends are judged. There is no journal yet.
//! 4. `scan`: above the recovery point every batch is checked; the log is cut at the first that is not whole, what lies behind goes.
//! 5. `epochs` and `producers`: made to agree with the batches.
//!
//! Below the recovery point the bytes were durable. Damage there is not a torn tail: it is reported, never cut off.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::epochs::{self, LeaderEpochs};
use super::files::{FileKind, Place, SegmentFiles, parse_file_name};
use super::leftovers::settle_leftovers;
use super::partition_log::{Log, OpenOptions};
use super::producers::Producers;
use super::recent::RecentBatches;
use super::scan::Located;
use super::segment::Segment;
use super::sync::Dirty;
use super::{LogConfig, LogFault, checkpoint, partition_metadata, snapshot, transaction_index};
use crate::record::check_crc;
use crate::types::{LeaderEpoch, Offset, Timestamp};

impl Log {
    /// Opens or makes the directory. Recovers what lies above the recovery point: scans, cuts at the first batch that is not whole,
    /// rebuilds indexes and producer state. What was recovered is synced on return, so all of the log counts as flushed.
    ///
    /// # Errors
    /// A fault of the disk, files that are not Kafka's, or damage below the recovery point.
    pub fn open(options: OpenOptions) -> Result<Self, LogFault> {
        let OpenOptions { disk, directory, topic_id, config, recovery_point, log_start_offset, clean_shutdown, now, open_files } =
            options;
        let place = Arc::new(Place { disk, directory, open_files });
        make_directory(&place, clean_shutdown)?;
        let bears_new_id =
            topic_id.map_or(Ok(false), |topic_id| partition_metadata::settle(&*place.disk, &place.directory, topic_id))?;
        settle_leftovers(&place)?;
        let segments = load(&place, &config, clean_shutdown, now)?;
        let mut log = Self {
            place,
            config,
            segments,
            log_start_offset,
            next_offset: log_start_offset,
            flushed_offset: log_start_offset,
            generation: 0,
            dirty: Dirty::default(),
            epochs: LeaderEpochs::default(),
            producers: Producers::default(),
            snapshot_offset: None,
            recent: RecentBatches::default(),
            deleted: Vec::new(),
            deletions: 0,
            deletions_synced: 0,
            fault: None,
        };
        let has_new_files = log.recover(if clean_shutdown { None } else { Some(recovery_point) }, now)?;
        if bears_new_id || has_new_files {
            log.sync_directory()?;
        }
        Ok(log)
    }

    /// `recovery_point` is `None` after a clean stop. True if the directory is to be synced.
    fn recover(&mut self, recovery_point: Option<Offset>, now: Timestamp) -> Result<bool, LogFault> {
        let mut epochs_are_known = self.load_epochs()?;
        // Step 3 of the module's list, the replay of a journal, comes here.
        let scan_from = match recovery_point {
            // The segment that ends at the recovery point too: its indexes are only synced some time after it is rolled.
            Some(recovery_point) => Some((self.segment_of(recovery_point.plus(-1)), recovery_point)),
            None if self.end_is_whole()? => None,
            // The stop was said to be clean, but the last segment has been written to since.
            None => self.segments.last().map(|last| (self.segments.len() - 1, last.base_offset())),
        };
        // What the producers were is known for sure up to where the scan begins.
        let mut producers_from = None;
        if let Some((first, recovery_point)) = scan_from {
            producers_from = self.segments.get(first).map(Segment::base_offset);
            epochs_are_known &= self.epochs_agree_before(first)?;
            epochs_are_known &= self.scan(first, recovery_point)?;
        }
        let last_epoch = self.find_end()?;
        let starts_empty = self.next_offset < self.log_start_offset || self.segments.is_empty();
        if starts_empty {
            self.remove_segments_from(0)?;
            self.epochs.clear();
            self.start_empty(self.log_start_offset, now)?;
        }
        self.flushed_offset = self.next_offset;
        let first = self.segments.first().map_or(Offset::ZERO, Segment::base_offset);
        self.log_start_offset = self.log_start_offset.max(first);
        self.settle_epochs(epochs_are_known, last_epoch)?;
        self.remove_stray_snapshots(producers_from.unwrap_or(self.next_offset))?;
        self.load_producers(producers_from, now)?;
        Ok(starts_empty || scan_from.is_some())
    }

    /// Reads the epochs; false if the file cannot be believed or is not there. A log that is new has neither file nor epochs.
    fn load_epochs(&mut self) -> Result<bool, LogFault> {
        let text = checkpoint::read_file(&*self.place.disk, &self.place.directory.join(epochs::FILE_NAME))?;
        let is_new = text.is_none() && self.segments.is_empty();
        let parsed = text.and_then(|text| LeaderEpochs::parse(&text));
        let is_known = parsed.is_some() || is_new;
        self.epochs = parsed.unwrap_or_default();
        Ok(is_known)
    }

    /// Checks every batch of the segments from number `first` on, and makes their indexes anew. Ends the log at the first batch that
    /// is not whole, does not continue the log, or is of an older epoch. True if the epochs of the file agree with the batches.
    fn scan(&mut self, first: usize, recovery_point: Offset) -> Result<bool, LogFault> {
        let mut expected: Option<Offset> = None;
        let mut latest_epoch = None;
        let mut agree = true;
        let mut number = first;
        while let Some(segment) = self.segments.get_mut(number) {
            // A gap in what was durable is what compaction leaves.
            let is_trusted = segment.base_offset() <= recovery_point;
            if let Some(end) = expected.filter(|expected| !is_trusted && !joins(segment, *expected)) {
                if end < recovery_point {
                    let problem = format!("the segment before ends at {end}, below the recovery point {recovery_point}");
                    return Err(LogFault::corrupt(&segment.files().path(FileKind::Log), problem));
                }
                // The segment before has lost its tail: what follows the hole was never acknowledged.
                self.remove_segments_from(number)?;
                break;
            }
            let path = segment.files().path(FileKind::Log);
            let scanned = scan_segment(segment, &self.config, recovery_point, &mut latest_epoch)
                .map_err(|error| LogFault::io(&path, "recover", error))?
                .map_err(|problem| LogFault::corrupt(&path, format!("{problem}, below the recovery point {recovery_point}")))?;
            expected = Some(scanned.next_offset);
            agree &= self.merge_epochs(&scanned.epochs);
            number += 1;
            if scanned.was_cut {
                self.remove_segments_from(number)?;
                break;
            }
        }
        Ok(agree)
    }

    /// Whether the epochs of the file agree with the last batch below the segments that are to be scanned.
    fn epochs_agree_before(&mut self, first: usize) -> Result<bool, LogFault> {
        let Some(segment) = first.checked_sub(1).and_then(|before| self.segments.get_mut(before)) else { return Ok(true) };
        let path = segment.files().path(FileKind::Log);
        let (last, _) = segment.last_batch().map_err(|error| LogFault::io(&path, "read", error))?;
        Ok(last.is_none_or(|Located { header, .. }| {
            header.leader_epoch.0 < 0 || self.agrees(header.leader_epoch, header.last_offset())
        }))
    }

    /// Adds the epochs that the file does not have yet; false if it contradicts one.
    fn merge_epochs(&mut self, scanned: &[EpochSpan]) -> bool {
        let mut agree = true;
        for span in scanned {
            if self.latest_epoch().is_none_or(|latest| latest < span.epoch) {
                self.epochs.assign(span.epoch, span.first);
            }
            agree &= self.agrees(span.epoch, span.first) && self.agrees(span.epoch, span.last);
        }
        agree
    }

    /// Whether the epochs allow a batch of this epoch at this offset; they say nothing of what lies below the log start.
    fn agrees(&self, epoch: LeaderEpoch, offset: Offset) -> bool {
        self.epochs.first_offset().is_none_or(|first| offset < first) || self.epoch_at(offset) == Some(epoch)
    }

    /// Whether the last segment ends with a whole batch.
    fn end_is_whole(&mut self) -> Result<bool, LogFault> {
        let Some(last) = self.segments.last_mut() else { return Ok(true) };
        let path = last.files().path(FileKind::Log);
        Ok(last.last_batch().map_err(|error| LogFault::io(&path, "read", error))?.1)
    }

    /// Finds the log end; gives the epoch of the last batch. Looks up what appends need to know of the active segment.
    fn find_end(&mut self) -> Result<Option<LeaderEpoch>, LogFault> {
        let Some(last) = self.segments.last_mut() else { return Ok(None) };
        let path = last.files().path(FileKind::Log);
        let failed = |error| LogFault::io(&path, "read", error);
        let (batch, _) = last.last_batch().map_err(failed)?;
        last.largest_timestamp().map_err(failed)?;
        self.next_offset = batch.map_or(last.base_offset(), |batch| batch.header.last_offset().next());
        Ok(batch.map(|batch| batch.header.leader_epoch))
    }

    /// Makes the epochs agree with the batches: from the file as far as it can be believed, else from the batches themselves.
    fn settle_epochs(&mut self, are_known: bool, last_epoch: Option<LeaderEpoch>) -> Result<(), LogFault> {
        let before = self.epochs.clone();
        let is_stale = last_epoch.is_some_and(|last| last.0 >= 0 && self.epochs.latest().is_none_or(|latest| latest < last));
        if is_stale || !are_known {
            self.epochs.clear();
        }
        // The log start that the epochs were cut to may not have reached its checkpoint.
        let known_from = self.epochs.first_offset().unwrap_or(self.next_offset);
        if known_from > self.log_start_offset {
            let mut epochs = LeaderEpochs::default();
            for number in self.segment_of(self.log_start_offset)..=self.segment_of(known_from) {
                self.collect_epochs(number, known_from, &mut epochs)?;
            }
            epochs.extend(&self.epochs);
            self.epochs = epochs;
        }
        self.epochs.truncate_from_end(self.next_offset);
        self.epochs.truncate_from_start(self.log_start_offset);
        if !are_known || self.epochs != before { self.replace_epochs(self.epochs.clone()) } else { Ok(()) }
    }

    /// The epochs of the batches of one segment that start below `end`.
    fn collect_epochs(&self, number: usize, end: Offset, epochs: &mut LeaderEpochs) -> Result<(), LogFault> {
        let Some(segment) = self.segments.get(number) else { return Ok(()) };
        let path = segment.files().path(FileKind::Log);
        let failed = |error| LogFault::io(&path, "read", error);
        let mut scanner = segment.scanner(0, segment.size()).map_err(failed)?;
        while let Some(Ok(Located { header, .. })) = scanner.next().map_err(failed)? {
            if header.base_offset >= end {
                break;
            }
            epochs.assign(header.leader_epoch, header.base_offset);
        }
        Ok(())
    }

    /// Loads the newest snapshot that can be believed and takes in the batches after it. After a scan, `scanned_from` is where it
    /// began: the transaction indexes from there on are empty and are filled again.
    pub(super) fn load_producers(&mut self, scanned_from: Option<Offset>, now: Timestamp) -> Result<(), LogFault> {
        let mut start = self.log_start_offset;
        self.producers = Producers::default();
        self.snapshot_offset = None;
        for offset in self.snapshot_offsets()?.into_iter().rev() {
            if offset > self.next_offset || offset < self.log_start_offset {
                continue;
            }
            let path = self.place.path(offset, FileKind::ProducerSnapshot);
            let found = checkpoint::read_file(&*self.place.disk, &path)?;
            if let Some(known) = found.and_then(|bytes| snapshot::decode(&bytes)) {
                self.producers = Producers::from_snapshot(known);
                self.snapshot_offset = Some(offset);
                start = offset;
                break;
            }
            self.place.disk.remove_file(&path).map_err(|error| LogFault::io(&path, "remove torn snapshot", error))?;
        }
        for number in self.segment_of(start)..self.segments.len() {
            let base_offset = self.segments.get(number).map_or(start, Segment::base_offset);
            if scanned_from.is_some_and(|from| base_offset > from)
                && let Some(file) = self.write_snapshot(base_offset)?
            {
                file.sync().map_err(|error| LogFault::io(&self.place.directory, "sync producer snapshot", error))?;
            }
            self.take_in_producers(number, start, scanned_from.is_some_and(|from| base_offset >= from))?;
        }
        self.producers.expire(now, self.config.producer_id_expiration_ms);
        Ok(())
    }

    /// Takes in the producers' batches of one segment from `start` on.
    fn take_in_producers(&mut self, number: usize, start: Offset, fill_transaction_index: bool) -> Result<(), LogFault> {
        let Some(segment) = self.segments.get(number) else { return Ok(()) };
        if start >= self.next_offset {
            // A snapshot of the log end, as a clean stop leaves it: a search above the end would read the whole segment.
            return Ok(());
        }
        let files = segment.files().clone();
        let path = files.path(FileKind::Log);
        let failed = |error| LogFault::io(&path, "read", error);
        let Some(first) = segment.find(start.max(segment.base_offset())).map_err(failed)? else { return Ok(()) };
        let mut scanner = segment.scanner(first.position, segment.size()).map_err(failed)?;
        while let Some(Ok(located)) = scanner.next().map_err(failed)? {
            if located.header.producer_id.is_none() || located.header.last_offset() < start {
                continue;
            }
            // Only markers are looked into.
            let bytes = if located.header.attributes.is_control() { scanner.batch(&located).map_err(failed)? } else { &[] };
            let aborted = self.producers.apply(&located.header, bytes).filter(|_| fill_transaction_index);
            if let Some(aborted) = aborted {
                transaction_index::append(&files, &aborted).and_then(|file| file.sync()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Offsets of the producer snapshots on disk, rising.
    pub(super) fn snapshot_offsets(&self) -> Result<Vec<Offset>, LogFault> {
        let entries = list(&self.place)?;
        Ok(entries.filter_map(|(offset, kind, _)| (kind == FileKind::ProducerSnapshot).then_some(offset)).collect())
    }

    /// Keeps the snapshots at the starts of segments and the newest one above them (ProducerStateManager.removeStraySnapshots), none
    /// of them above `believed`.
    fn remove_stray_snapshots(&mut self, believed: Offset) -> Result<(), LogFault> {
        let newest_segment = self.active().base_offset();
        let offsets = self.snapshot_offsets()?;
        let newest = offsets.iter().rev().find(|offset| **offset <= believed).copied();
        for offset in offsets {
            let is_start = self.segments.binary_search_by_key(&offset, Segment::base_offset).is_ok();
            let is_newest = newest == Some(offset) && offset > newest_segment;
            if offset > believed || !(is_start || is_newest) {
                let path = self.place.path(offset, FileKind::ProducerSnapshot);
                self.place.disk.remove_file(&path).map_err(|error| LogFault::io(&path, "remove stray snapshot", error))?;
            }
        }
        Ok(())
    }
}

/// What the scan of a segment found.
struct Scanned {
    next_offset: Offset,
    was_cut: bool,
    /// The epochs of its batches.
    epochs: Vec<EpochSpan>,
}

/// First and last offset that a scan has met in an epoch.
struct EpochSpan {
    epoch: LeaderEpoch,
    first: Offset,
    last: Offset,
}

/// Whether a segment goes on where the one before it ended. A gap is meant only where no segment could have spanned it.
fn joins(segment: &Segment, expected: Offset) -> bool {
    let base_offset = segment.base_offset();
    base_offset == expected || base_offset.0.saturating_sub(expected.0) > i64::from(i32::MAX) / 2
}

/// Checks the batches of a segment, makes its indexes anew, cuts it where they end, and syncs it. The inner error is damage below
/// the recovery point.
fn scan_segment(
    segment: &mut Segment,
    config: &LogConfig,
    recovery_point: Offset,
    latest_epoch: &mut Option<LeaderEpoch>,
) -> io::Result<Result<Scanned, String>> {
    let size = segment.size();
    let mut found = Scanned { next_offset: segment.base_offset(), was_cut: false, epochs: Vec::new() };
    segment.reset()?;
    transaction_index::truncate(segment.files(), segment.base_offset())?;
    let mut scanner = segment.scanner(0, size)?;
    let problem = loop {
        let located = match scanner.next()? {
            None => break None,
            Some(Err(problem)) => break Some(problem.to_string()),
            Some(Ok(located)) => located,
        };
        if let Err(problem) = check_crc(scanner.batch(&located)?) {
            break Some(problem.to_string());
        }
        if let Some(problem) = breaks_order(&located, found.next_offset, *latest_epoch, segment) {
            break Some(problem);
        }
        let epoch = located.header.leader_epoch;
        let (first, last) = (located.header.base_offset, located.header.last_offset());
        match found.epochs.last_mut() {
            _ if epoch.0 < 0 => {}
            Some(span) if span.epoch == epoch => span.last = last,
            _ => found.epochs.push(EpochSpan { epoch, first, last }),
        }
        *latest_epoch = (*latest_epoch).max(Some(epoch).filter(|epoch| epoch.0 >= 0));
        segment.note(&located, config.index_interval_bytes);
        if segment.index_write_is_due() {
            segment.write_indexes()?;
        }
        found.next_offset = last.next();
    };
    if let Some(problem) = problem {
        if found.next_offset < recovery_point {
            return Ok(Err(format!("at byte {}: {problem}", segment.size())));
        }
        segment.files().open(FileKind::Log)?.set_length(segment.size())?;
        found.was_cut = true;
    }
    segment.finish_indexes()?;
    segment.sync()?;
    Ok(Ok(found))
}

fn breaks_order(located: &Located, expected: Offset, latest: Option<LeaderEpoch>, segment: &Segment) -> Option<String> {
    let header = &located.header;
    if header.base_offset < expected || segment.relative(header.last_offset()).is_none() {
        return Some(format!("offset {} where {expected} or more was expected", header.base_offset));
    }
    let falls = header.leader_epoch.0 >= 0 && latest.is_some_and(|latest| header.leader_epoch < latest);
    falls.then(|| format!("leader epoch {} after {latest:?}", header.leader_epoch))
}

/// Makes the partition's directory. A crash may have come between making one and syncing its entry.
fn make_directory(place: &Place, clean_shutdown: bool) -> Result<(), LogFault> {
    let (disk, directory) = (&*place.disk, &place.directory);
    let failed = |error| LogFault::io(directory, "make directory", error);
    if disk.exists(directory).map_err(failed)? {
        if clean_shutdown {
            return Ok(());
        }
    } else {
        disk.create_directory(directory).map_err(failed)?;
    }
    directory.parent().map_or(Ok(()), |parent| disk.sync_directory(parent)).map_err(failed)
}

/// The segment files of the directory, by offset and kind, with their lengths.
fn list(place: &Place) -> Result<impl Iterator<Item = (Offset, FileKind, u64)>, LogFault> {
    let entries = place.disk.read_directory(&place.directory).map_err(|error| LogFault::io(&place.directory, "list", error))?;
    Ok(entries
        .into_iter()
        .filter(|entry| !entry.is_directory)
        .filter_map(|entry| parse_file_name(&entry.name).map(|(offset, kind)| (offset, kind, entry.length))))
}

/// Lists the segments; removes indexes without a log; makes indexes anew that are missing or cannot be right.
fn load(place: &Arc<Place>, config: &LogConfig, clean_shutdown: bool, now: Timestamp) -> Result<Vec<Segment>, LogFault> {
    let files: BTreeMap<_, _> = list(place)?.map(|(offset, kind, length)| ((offset, kind), length)).collect();
    let mut segments = Vec::new();
    for (&(offset, kind), &length) in &files {
        let path = place.path(offset, kind);
        if kind == FileKind::Log {
            let lengths = [FileKind::OffsetIndex, FileKind::TimeIndex].map(|kind| files.get(&(offset, kind)).copied());
            let [offsets, times] = lengths.map(Option::unwrap_or_default);
            let mut segment = Segment::found(SegmentFiles::new(place.clone(), offset), length, offsets, times, now);
            let possible = !lengths.contains(&None) && offsets % 8 == 0 && times % 12 == 0;
            let failed = |error| LogFault::io(&path, "check the indexes of", error);
            if !possible || !(clean_shutdown || segment.indexes_are_sane().map_err(failed)?) {
                rebuild_indexes(&mut segment, place, config).map_err(failed)?;
            }
            segments.push(segment);
        } else if FileKind::INDEXES.contains(&kind) && !files.contains_key(&(offset, FileKind::Log)) {
            place.disk.remove_file(&path).map_err(|error| LogFault::io(&path, "remove index without a log", error))?;
        }
    }
    Ok(segments)
}

/// Makes the indexes of a segment anew from its batches, without judging them.
fn rebuild_indexes(segment: &mut Segment, place: &Place, config: &LogConfig) -> io::Result<()> {
    let size = segment.size();
    segment.reset()?;
    let mut scanner = segment.scanner(0, size)?;
    while let Some(Ok(located)) = scanner.next()? {
        segment.note(&located, config.index_interval_bytes);
        if segment.index_write_is_due() {
            segment.write_indexes()?;
        }
    }
    segment.finish_indexes()?;
    segment.set_size(size);
    segment.sync()?;
    place.disk.sync_directory(&place.directory)
}
