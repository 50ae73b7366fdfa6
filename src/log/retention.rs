//! What a log gives up: by time, by size, below its start (UnifiedLog.deleteOldSegments).

use super::files::{DELETED, FileKind};
use super::segment::Segment;
use super::{Log, LogFault};
use crate::types::{Offset, Timestamp};

impl Log {
    /// Retention by time, size and log start offset; expired files are renamed to `.deleted`. Never below `keep_from`
    /// (the high watermark). Returns whether the log start moved.
    ///
    /// A topic that is to be compacted keeps all that lies above its log start: until there is compaction, nothing of it goes by
    /// time or size.
    ///
    /// # Errors
    /// A fault.
    pub fn apply_retention(&mut self, now: Timestamp, keep_from: Offset) -> Result<bool, LogFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.again());
        }
        let before = self.log_start_offset;
        let result = self.retain(now, keep_from);
        self.keep_fault(result)?;
        Ok(self.log_start_offset > before)
    }

    fn retain(&mut self, now: Timestamp, keep_from: Offset) -> Result<(), LogFault> {
        let below_start = self.count_below(self.log_start_offset);
        let policy = self.config.cleanup_policy;
        let mut expired = below_start;
        if policy.delete && !policy.compact {
            expired = expired.max(self.count_oversize()).max(self.count_expired(now)?);
        }
        expired = expired.min(self.count_below(keep_from));
        if expired == self.segments.len() && self.active().size() > 0 {
            self.roll(now)?;
            // The only segment that stays says where the log ends: it must outlast the others.
            self.sync_directory()?;
        }
        self.delete_first(expired.min(self.segments.len() - 1), now)
    }

    /// How many segments at the start of the log end at or below `offset`. All, if the log does.
    fn count_below(&self, offset: Offset) -> usize {
        let ends = self.segments.iter().skip(1).map(Segment::base_offset).chain([self.next_offset]);
        ends.take_while(|end| *end <= offset).count()
    }

    /// How many segments at the start can go without the rest becoming smaller than `retention.bytes`.
    fn count_oversize(&self) -> usize {
        let Some(limit) = self.config.retention_bytes else { return 0 };
        let mut excess = self.size().saturating_sub(limit);
        let goes = |segment: &&Segment| {
            let fits = segment.size() <= excess && excess > 0;
            excess = excess.saturating_sub(segment.size());
            fits
        };
        self.segments.iter().take_while(goes).count()
    }

    /// How many segments at the start have had no record for `retention.ms`.
    fn count_expired(&mut self, now: Timestamp) -> Result<usize, LogFault> {
        let Some(limit) = self.config.retention_ms else { return Ok(0) };
        let mut count = 0;
        for segment in &mut self.segments {
            let path = segment.files().path(FileKind::TimeIndex);
            let largest = segment.largest_timestamp().map_err(|error| LogFault::io(&path, "read", error))?;
            let newest = largest.map_or(segment.created(), |largest| largest.timestamp);
            if segment.size() == 0 || now.0.saturating_sub(newest.0) <= limit {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    /// Takes the first `count` segments out of the log; their files are removed later. Each deletion is durable before the next is
    /// made, else a crash could undo one and not the other, and leave a hole. One at a time, as is usual, costs no sync: the next
    /// sync of the log covers it.
    fn delete_first(&mut self, count: usize, now: Timestamp) -> Result<(), LogFault> {
        if count == 0 {
            return Ok(());
        }
        self.move_log_start(self.segments.get(count).map_or(self.next_offset, Segment::base_offset))?;
        for _ in 0..count {
            if self.deletions_synced < self.deletions {
                self.sync_directory()?;
            }
            self.rename_to_deleted(0, now)?;
            self.segments.remove(0);
            self.deletions += 1;
            self.dirty.directory = true;
        }
        Ok(())
    }

    fn rename_to_deleted(&mut self, number: usize, now: Timestamp) -> Result<(), LogFault> {
        let Some(segment) = self.segments.get(number) else { return Ok(()) };
        let due = Timestamp(now.0.saturating_add(self.config.file_delete_delay_ms));
        for kind in FileKind::ALL {
            let path = self.place.path(segment.base_offset(), kind);
            let mut renamed = path.clone().into_os_string();
            renamed.push(DELETED);
            match self.place.disk.rename(&path, renamed.as_ref()) {
                Ok(()) => self.deleted.push((due, renamed.into())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LogFault::io(&path, "rename to .deleted", error)),
            }
        }
        segment.files().mark_deleted();
        Ok(())
    }

    fn move_log_start(&mut self, offset: Offset) -> Result<(), LogFault> {
        if offset <= self.log_start_offset {
            return Ok(());
        }
        self.log_start_offset = offset;
        let mut epochs = self.epochs.clone();
        if epochs.truncate_from_start(offset) { self.replace_epochs(epochs) } else { Ok(()) }
    }

    /// Removes `.deleted` files whose delay has passed.
    ///
    /// # Errors
    /// A fault.
    pub fn remove_deleted(&mut self, now: Timestamp) -> Result<(), LogFault> {
        for (_, path) in self.deleted.extract_if(.., |(due, _)| *due <= now) {
            match self.place.disk.remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LogFault::io(&path, "remove", error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Moves the log start forward (DeleteRecords), at most to the log end; whole segments below go with the next retention. Where the
    /// log starts is durable once the caller has written it to log-start-offset-checkpoint.
    ///
    /// # Errors
    /// A fault.
    pub fn raise_log_start(&mut self, offset: Offset) -> Result<(), LogFault> {
        let result = self.move_log_start(offset.min(self.next_offset));
        self.keep_fault(result)
    }

    /// Moves the log start forward (snapshots of the metadata log), at most to the log end; whole segments below go,
    /// but not the active one. Where the log starts is durable once the caller has written it to log-start-offset-checkpoint.
    ///
    /// # Errors
    /// A fault.
    pub fn advance_log_start(&mut self, offset: Offset, now: Timestamp) -> Result<(), LogFault> {
        let offset = offset.min(self.next_offset);
        let result = self.move_log_start(offset).and_then(|()| {
            let below = self.count_below(self.log_start_offset).min(self.segments.len() - 1);
            self.delete_first(below, now)
        });
        self.keep_fault(result)
    }
}
