//! The engine's state machine: counts offsets, hands committed batches to the metadata image, makes snapshots of it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};
use tokio::sync::Notify;

use super::engine::{Applied, Engine, Entry, LogId, Proposal, SnapshotMeta, StoredMembership, epoch_of_term};
use super::entry::{offsets_of, read_values};
use super::failure::Failure;
use super::snapshot::{SnapshotDirectory, SnapshotFile, SnapshotId};
use super::{CommittedBatch, MetadataStateMachine, QuorumSettings, Snapshot, SnapshotRecords, UnreadableRecord};
use crate::record::BatchHeader;
use crate::seams::{Blocking, Clock, Execution, is_full, run_blocking};
use crate::types::{LeaderEpoch, Offset, OffsetAndEpoch, Timestamp};

type EngineSnapshot = openraft::alias::SnapshotOf<Engine, SnapshotFile>;

/// How far the state machine is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) last: Option<LogId>,
    /// Behind the last applied record.
    pub(super) end_offset: Offset,
    pub(super) last_timestamp: Timestamp,
}

impl Position {
    fn end(&self) -> OffsetAndEpoch {
        let leader_epoch = self.last.map_or(LeaderEpoch(0), |last| epoch_of_term(*last.leader_id));
        OffsetAndEpoch { offset: self.end_offset, leader_epoch }
    }
}

/// What the rest of the quorum sees of the state machine.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<ProgressState>,
    /// Notified when an epoch's first batch is applied, and when a snapshot falls due.
    pub(super) attention: Notify,
}

#[derive(Debug)]
struct ProgressState {
    position: Position,
    new_batches: u64,
    new_bytes: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        let position = Position { last: None, end_offset: Offset::ZERO, last_timestamp: Timestamp(-1) };
        Self { state: Mutex::new(ProgressState { position, new_batches: 0, new_bytes: 0 }), attention: Notify::new() }
    }

    pub(super) fn position(&self) -> Position {
        self.with(|state| state.position)
    }

    /// Whether anything was applied since the newest snapshot was captured.
    pub(super) fn has_news(&self) -> bool {
        self.with(|state| state.new_batches > 0)
    }

    pub(super) fn is_snapshot_due(&self, settings: &QuorumSettings) -> bool {
        self.with(|state| {
            state.new_bytes >= settings.snapshot_max_new_bytes
                || settings.snapshot_max_entries.is_some_and(|most| state.new_batches >= most)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut ProgressState) -> T) -> T {
        act(&mut self.state.lock().expect("no panic while the lock is held"))
    }
}

/// What the state machine is made of.
pub(super) struct Parts {
    pub(super) target: Arc<dyn MetadataStateMachine>,
    pub(super) snapshots: Arc<SnapshotDirectory>,
    pub(super) progress: Arc<Progress>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) execution: Arc<dyn Execution>,
    pub(super) failure: Failure,
    pub(super) settings: QuorumSettings,
}

/// Owned by the engine's worker task.
pub(super) struct StateMachine {
    parts: Arc<Parts>,
    membership: StoredMembership,
}

impl StateMachine {
    /// Starts from the newest snapshot, whose records these are, or from nothing.
    ///
    /// # Errors
    /// A record that the target cannot read.
    pub(super) fn open(parts: Parts, records: Vec<Bytes>) -> Result<Self, UnreadableRecord> {
        let newest = parts.snapshots.newest();
        let mut this = Self { parts: Arc::new(parts), membership: StoredMembership::default() };
        if let Some(id) = newest {
            this.load(id, records)?;
        }
        Ok(this)
    }

    fn load(&mut self, id: SnapshotId, records: Vec<Bytes>) -> Result<(), UnreadableRecord> {
        let SnapshotId { end, last_timestamp, meta } = id;
        self.parts.target.load(Snapshot { end, last_timestamp, records })?;
        let position = Position { last: meta.last_log_id, end_offset: end.offset, last_timestamp };
        self.parts.progress.with(|state| *state = ProgressState { position, new_batches: 0, new_bytes: 0 });
        self.membership = meta.last_membership;
        Ok(())
    }

    fn apply_entry(&mut self, entry: Entry) -> io::Result<Applied> {
        let Position { end_offset: base_offset, last_timestamp, .. } = self.parts.progress.position();
        let end_offset = base_offset.plus(i64::from(offsets_of(&entry.payload).map_err(io::Error::other)?));
        let mut timestamp = last_timestamp;
        let mut records = Vec::new();
        let mut bytes = 0;
        match &entry.payload {
            EntryPayload::Blank => {}
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
            }
            EntryPayload::Normal(Proposal(batch)) => {
                let header = BatchHeader::parse(batch).map_err(io::Error::other)?;
                if header.base_offset != base_offset {
                    let problem = format!("the batch of offset {} would be applied at {base_offset}", header.base_offset);
                    return Err(io::Error::other(problem));
                }
                timestamp = header.max_timestamp;
                records = read_values(batch).map_err(io::Error::other)?;
                bytes = batch.len() as u64;
            }
        }
        let leader_epoch = epoch_of_term(*entry.log_id.leader_id);
        let last_offset = end_offset.plus(-1);
        let batch = CommittedBatch { base_offset, leader_epoch, timestamp, records, last_offset };
        self.parts.target.apply(batch).map_err(io::Error::other)?;
        let position = Position { last: Some(entry.log_id), end_offset, last_timestamp: timestamp };
        self.parts.progress.with(|state| {
            state.position = position;
            state.new_batches += 1;
            state.new_bytes += bytes;
        });
        let starts_epoch = matches!(entry.payload, EntryPayload::Blank);
        if starts_epoch || self.parts.progress.is_snapshot_due(&self.parts.settings) {
            self.parts.progress.attention.notify_one();
        }
        Ok(Applied { base_offset: base_offset.0 })
    }

    /// The newest snapshot, opened.
    fn newest(parts: &Parts) -> io::Result<Option<EngineSnapshot>> {
        let newest = parts.snapshots.open_newest()?;
        Ok(newest.map(|(id, snapshot)| EngineSnapshot { meta: id.meta, snapshot }))
    }
}

impl RaftStateMachine<Engine> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.parts.progress.position().last, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Engine>>> + Unpin + OptionalSend,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            let applied = self.apply_entry(entry);
            let applied = self.parts.failure.note(applied)?;
            if let Some(responder) = responder {
                responder.send(applied);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        let position = self.parts.progress.with(|state| {
            (state.new_batches, state.new_bytes) = (0, 0);
            state.position
        });
        SnapshotBuilder {
            parts: Arc::clone(&self.parts),
            id: SnapshotId {
                end: position.end(),
                last_timestamp: position.last_timestamp,
                meta: SnapshotMeta { last_log_id: position.last, last_membership: self.membership.clone() },
            },
            records: self.parts.target.snapshot(),
        }
    }

    async fn install_snapshot(&mut self, _meta: &SnapshotMeta, snapshot: SnapshotFile) -> io::Result<()> {
        let parts = Arc::clone(&self.parts);
        let installed = run_blocking(&*self.parts.execution, Blocking::Read, move || parts.snapshots.install(&snapshot)).await;
        let (id, records) = self.parts.failure.note(installed.unwrap_or_else(|| Err(going_down())))?;
        let loaded = self.load(id, records);
        self.parts.failure.note(loaded).map_err(io::Error::other)
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<EngineSnapshot>> {
        self.parts.failure.note(Self::newest(&self.parts))
    }
}

/// A captured state that becomes a snapshot beside further applies.
pub(super) struct SnapshotBuilder {
    parts: Arc<Parts>,
    id: SnapshotId,
    records: SnapshotRecords,
}

/// How long a snapshot that found no space waits before it is tried again.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(30);

impl SnapshotBuilder {
    async fn try_to_build(&self) -> io::Result<EngineSnapshot> {
        let (parts, id, records) = (Arc::clone(&self.parts), self.id.clone(), Arc::clone(&self.records));
        let job = move || {
            parts.snapshots.write(id, parts.clock.timestamp(), &records())?;
            StateMachine::newest(&parts)?.ok_or_else(|| io::Error::other("the snapshot was just written"))
        };
        run_blocking(&*self.parts.execution, Blocking::Read, job).await.unwrap_or_else(|| Err(going_down()))
    }
}

impl RaftSnapshotBuilder<Engine> for SnapshotBuilder {
    type SnapshotData = SnapshotFile;

    /// Without space it waits for some: the log goes on without the snapshot, it only cannot be cut. Nothing waits for this but the next
    /// snapshot.
    async fn build_snapshot(&mut self) -> io::Result<EngineSnapshot> {
        loop {
            match self.try_to_build().await {
                Err(error) if is_full(&error) => {
                    tracing::warn!(%error, "no space for a snapshot of the metadata; it is tried again");
                    tokio::time::sleep(FULL_DISK_PAUSE).await;
                }
                built => return self.parts.failure.note(built),
            }
        }
    }
}

fn going_down() -> io::Error {
    io::Error::other("the process is going down")
}
