//! Snapshots in Kafka's format: `<20-digit end offset>-<10-digit epoch>.checkpoint`.
//!
//! A header control batch, batches of metadata records, a footer control batch, offsets counted from 0 within the file. A
//! snapshot is written beside its name, synced and renamed: under its name it is always whole. What the engine must know
//! about it stands inside (control_records.rs), so the rename is one atomic fact.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::QuorumFault;
use super::control_records::{read_snapshot_header, snapshot_footer_batch, snapshot_header_batch};
use super::engine::SnapshotMeta;
use super::entry::read_values;
use crate::record::{
    BatchBuilder, BatchHeader, BatchOptions, ControlType, HEADER_LENGTH, NewRecord, OutputBudget, Records, check_crc,
    control_type,
};
use crate::seams::{Disk, File, OpenMode};
use crate::types::{LeaderEpoch, Offset, OffsetAndEpoch, Timestamp};

const SUFFIX: &str = ".checkpoint";
const PART_SUFFIX: &str = ".checkpoint.part";
/// Records are gathered into batches of about this size.
const BATCH_BYTES: usize = 1 << 20;
/// A batch of a snapshot may be as large as one of the log.
const RECORDS_BUDGET: OutputBudget = OutputBudget(64 << 20);

/// A snapshot without its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SnapshotId {
    pub(super) end: OffsetAndEpoch,
    pub(super) last_timestamp: Timestamp,
    pub(super) meta: SnapshotMeta,
}

/// An open snapshot file, as it travels through the engine.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFile {
    pub(super) file: Arc<dyn File>,
    pub(super) end: OffsetAndEpoch,
}

/// The snapshots of one metadata log; at most one stays, the newest.
#[derive(Debug)]
pub(super) struct SnapshotDirectory {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    newest: watch::Sender<Option<SnapshotId>>,
}

impl SnapshotDirectory {
    /// Looks for the newest snapshot and reads it; removes what is older or was never finished.
    ///
    /// # Errors
    /// What the disk reports; a snapshot that cannot be read.
    pub(super) fn open(disk: Arc<dyn Disk>, directory: PathBuf) -> Result<(Self, Vec<Bytes>), QuorumFault> {
        let this = Self { disk, directory, newest: watch::Sender::new(None) };
        let fault = |action| {
            let path = this.directory.clone();
            move |source| QuorumFault::Io { path, action, source }
        };
        let entries = this.disk.read_directory(&this.directory).map_err(fault("list"))?;
        let newest = entries.iter().filter_map(|entry| parse_name(&entry.name)).max();
        for entry in &entries {
            let stale = entry.name.ends_with(PART_SUFFIX) || parse_name(&entry.name).is_some_and(|id| Some(id) != newest);
            if stale {
                this.disk.remove_file(&this.directory.join(&entry.name)).map_err(fault("remove"))?;
            }
        }
        let Some(end) = newest else { return Ok((this, Vec::new())) };
        let path = this.path(end);
        let file = this.disk.open(&path, OpenMode::Read).map_err(fault("open"))?;
        let (id, records) = read(&*file, end).map_err(|error| QuorumFault::Corrupt { path, problem: error.to_string() })?;
        this.newest.send_replace(Some(id));
        Ok((this, records))
    }

    pub(super) fn newest(&self) -> Option<SnapshotId> {
        self.newest.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<SnapshotId>> {
        self.newest.subscribe()
    }

    fn path(&self, end: OffsetAndEpoch) -> PathBuf {
        self.directory.join(format!("{:020}-{:010}{SUFFIX}", end.offset.0, end.leader_epoch.0))
    }

    /// Opens the newest snapshot.
    ///
    /// # Errors
    /// What the disk reports.
    pub(super) fn open_newest(&self) -> io::Result<Option<(SnapshotId, SnapshotFile)>> {
        let Some(id) = self.newest() else { return Ok(None) };
        let file = self.disk.open(&self.path(id.end), OpenMode::Read)?;
        let end = id.end;
        Ok(Some((id, SnapshotFile { file, end })))
    }

    /// Writes a snapshot of these records and makes it the newest one. Blocks.
    ///
    /// # Errors
    /// What the disk reports; then the newest snapshot is the one it was.
    pub(super) fn write(&self, id: SnapshotId, now: Timestamp, records: &[Bytes]) -> io::Result<()> {
        self.put(&id, |file| write(file, &id, now, records))
    }

    /// Takes over another voter's snapshot and makes it the newest one; returns its records. Blocks.
    ///
    /// # Errors
    /// What the disk reports; a snapshot that cannot be read.
    pub(super) fn install(&self, snapshot: &SnapshotFile) -> io::Result<(SnapshotId, Vec<Bytes>)> {
        let (id, records) = read(&*snapshot.file, snapshot.end)?;
        self.put(&id, |file| copy(&*snapshot.file, file))?;
        Ok((id, records))
    }

    fn put(&self, id: &SnapshotId, fill: impl FnOnce(&dyn File) -> io::Result<()>) -> io::Result<()> {
        let path = self.path(id.end);
        let part = self.directory.join(format!("{:020}-{:010}{PART_SUFFIX}", id.end.offset.0, id.end.leader_epoch.0));
        self.write_part(&part, fill).inspect_err(|_| {
            // On a full disk it would take what is left. One that stays is removed at the next start.
            drop(self.disk.remove_file(&part));
        })?;
        self.disk.rename(&part, &path)?;
        self.disk.sync_directory(&self.directory)?;
        let previous = self.newest.send_replace(Some(id.clone()));
        if let Some(previous) = previous.filter(|previous| previous.end != id.end) {
            self.disk.remove_file(&self.path(previous.end))?;
        }
        Ok(())
    }

    fn write_part(&self, part: &Path, fill: impl FnOnce(&dyn File) -> io::Result<()>) -> io::Result<()> {
        let file = self.disk.open(part, OpenMode::CreateOrOpen)?;
        file.set_length(0)?;
        fill(&*file)?;
        file.sync()
    }
}

/// End offset and epoch of a finished snapshot's name.
fn parse_name(name: &str) -> Option<OffsetAndEpoch> {
    let (offset, epoch) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let id = OffsetAndEpoch { offset: Offset(offset.parse().ok()?), leader_epoch: LeaderEpoch(epoch.parse().ok()?) };
    (offset.len() == 20 && epoch.len() == 10).then_some(id)
}

fn write(file: &dyn File, id: &SnapshotId, now: Timestamp, records: &[Bytes]) -> io::Result<()> {
    let mut writer = BatchWriter { file, position: 0, next_offset: Offset::ZERO, leader_epoch: id.end.leader_epoch };
    writer
        .append(|options| snapshot_header_batch(BatchOptions { control: true, ..options }, now, id.last_timestamp, &id.meta))?;
    let mut rest = records;
    while !rest.is_empty() {
        let mut size = 0;
        let fits = rest.iter().take_while(|record| {
            let first = size == 0;
            size += record.len().max(1);
            first || size <= BATCH_BYTES
        });
        let (batch, behind) = rest.split_at(fits.count());
        writer.append(|options| data_batch(options, now, batch))?;
        rest = behind;
    }
    writer.append(|options| snapshot_footer_batch(BatchOptions { control: true, ..options }, now))
}

fn data_batch(options: BatchOptions, now: Timestamp, records: &[Bytes]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        builder.push(&NewRecord { timestamp: now, value: Some(record), ..NewRecord::default() });
    }
    builder.finish()
}

/// Appends batches to a file, their offsets counted on.
struct BatchWriter<'a> {
    file: &'a dyn File,
    position: u64,
    next_offset: Offset,
    leader_epoch: LeaderEpoch,
}

impl BatchWriter<'_> {
    fn append(&mut self, build: impl FnOnce(BatchOptions) -> Vec<u8>) -> io::Result<()> {
        let options = BatchOptions { base_offset: self.next_offset, leader_epoch: self.leader_epoch, ..BatchOptions::default() };
        let batch = build(options);
        let header = BatchHeader::parse(&batch).expect("a batch that was just built");
        self.file.write_at(self.position, &batch)?;
        self.position += batch.len() as u64;
        self.next_offset = header.last_offset().next();
        Ok(())
    }
}

/// Reads a whole snapshot, batch by batch, each CRC checked.
fn read(file: &dyn File, end: OffsetAndEpoch) -> io::Result<(SnapshotId, Vec<Bytes>)> {
    let mut position = 0;
    let mut header = None;
    let mut finished = false;
    let mut records = Vec::new();
    while let Some((batch, is_control)) = read_batch(file, &mut position)? {
        if finished {
            return Err(damaged("something follows the footer"));
        }
        if !is_control {
            records.extend(read_values(&batch).map_err(damaged)?);
            continue;
        }
        let control = Records::read(&batch, RECORDS_BUDGET).map_err(damaged)?;
        for record in control.iter() {
            let value = record.value.unwrap_or_default();
            match record.key.and_then(control_type) {
                Some(ControlType::SnapshotHeader) => header = Some(read_snapshot_header(value).map_err(damaged)?),
                Some(ControlType::SnapshotFooter) => finished = true,
                _ => {}
            }
        }
    }
    let (last_timestamp, meta) = header.ok_or_else(|| damaged("there is no header"))?;
    if !finished {
        return Err(damaged("there is no footer"));
    }
    Ok((SnapshotId { end, last_timestamp, meta }, records))
}

fn read_batch(file: &dyn File, position: &mut u64) -> io::Result<Option<(Vec<u8>, bool)>> {
    let left = file.length()?.saturating_sub(*position);
    if left == 0 {
        return Ok(None);
    }
    let mut batch = Vec::with_capacity(HEADER_LENGTH);
    file.read_at(*position, HEADER_LENGTH, &mut batch)?;
    let header = BatchHeader::parse(&batch).map_err(damaged)?;
    if header.length as u64 > left {
        return Err(damaged(format!("a batch of {} bytes, {left} are left", header.length)));
    }
    file.read_at(*position + HEADER_LENGTH as u64, header.length - HEADER_LENGTH, &mut batch)?;
    check_crc(&batch).map_err(damaged)?;
    *position += header.length as u64;
    Ok(Some((batch, header.attributes.is_control())))
}

fn copy(from: &dyn File, to: &dyn File) -> io::Result<()> {
    let mut position = 0;
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let length = from.read_at(position, BATCH_BYTES, &mut piece)?;
        if length == 0 {
            return Ok(());
        }
        to.write_at(position, &piece)?;
        position += length as u64;
    }
}

fn damaged(problem: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}
