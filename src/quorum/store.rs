//! The engine's log store: `__cluster_metadata-0`, kept by `log/`, with the vote beside it.
//!
//! Appends are written on the control lane and synced on the metadata sync thread, one sync at a time: what is appended
//! meanwhile waits for the next one. The vote, truncations and purges wait until all appends before them are synced, so
//! vote and log are one stream.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use openraft::{OptionalSend, RaftTypeConfig};

use super::engine::{Engine, Entry, LogId, Membership, Vote};
use super::entry::{WriteContext, decode_entry, encode_entry, read_control};
use super::failure::Failure;
use super::index::{BatchIndex, BatchPosition, ScannedBatch};
use super::quorum_state::{CommittedFile, read_vote, write_vote};
use super::snapshot::SnapshotDirectory;
use super::{QuorumFault, QuorumSettings};
use crate::log::{CleanupPolicy, Log, LogConfig, OpenFiles, OpenOptions, ReadPlan, ReadResult, SyncWork};
use crate::record::{BatchHeader, Batches};
use crate::seams::{Blocking, Clock, Disk, Execution, run_blocking};
use crate::types::{NodeId, Offset};

/// Bytes read at once, on open and for the engine.
const READ_BYTES: usize = 1 << 20;
/// Segment files kept open.
const OPEN_FILES: usize = 16;

/// What the store is opened with.
#[derive(Debug)]
pub(super) struct StoreOptions {
    pub(super) node_id: NodeId,
    /// `__cluster_metadata-0`.
    pub(super) directory: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) execution: Arc<dyn Execution>,
    pub(super) snapshots: Arc<SnapshotDirectory>,
    pub(super) failure: Failure,
    pub(super) settings: QuorumSettings,
}

/// The store, and a reader of it: all handles share one log.
#[derive(Clone, Debug)]
pub(super) struct LogStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: StoreOptions,
    core: Mutex<Core>,
}

/// Locked for short, never across an await.
#[derive(Debug)]
struct Core {
    log: Log,
    index: BatchIndex,
    vote: Option<Vote>,
    committed: Option<LogId>,
    committed_file: CommittedFile,
    syncing: bool,
    /// Who waits for the log to be synced up to an offset, in order.
    waiting: VecDeque<(Offset, Flushed)>,
}

/// A waiter; the callback has no Debug of its own.
struct Flushed(IOFlushed<Engine>);

impl Debug for Flushed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Flushed")
    }
}

impl LogStore {
    /// Opens the log, scans it and numbers its batches. Blocks.
    ///
    /// # Errors
    /// What the disk reports; files that contradict each other.
    pub(super) fn open(options: StoreOptions) -> Result<Self, QuorumFault> {
        let now = options.clock.timestamp();
        let mut log = Log::open(OpenOptions {
            disk: Arc::clone(&options.disk),
            directory: options.directory.clone(),
            topic_id: None,
            config: log_config(&options.settings),
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            clean_shutdown: false,
            now,
            open_files: OpenFiles::new(OPEN_FILES),
        })?;
        let corrupt = |problem| QuorumFault::Corrupt { path: options.directory.clone(), problem };
        let scanned = scan(&log).map_err(|source| QuorumFault::Io { path: options.directory.clone(), action: "scan", source })?;
        let newest = options.snapshots.newest();
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        let index = match BatchIndex::build(scanned, start, end, newest.as_ref()).map_err(corrupt)? {
            Some(index) => index,
            None => {
                // A snapshot was installed, and power went before the log was started anew behind it.
                let snapshot = newest.expect("batches end below a snapshot");
                log.restart_at(snapshot.end.offset, now)?;
                BatchIndex::behind(&snapshot)
            }
        };
        let vote = read_vote(&*options.disk, &options.directory, options.node_id)?;
        let (committed_file, committed) = CommittedFile::open(&*options.disk, &options.directory)?;
        if let Some(committed) =
            committed.filter(|committed| Some(*committed) > index.last() && index.is_lone_voter(options.node_id))
        {
            // A lone voter commits what it has synced. Less than that is not a torn tail, it is damage.
            let last = index.last().map_or_else(|| "nothing".to_owned(), |last| last.to_string());
            return Err(corrupt(format!("batches were committed up to {committed}, the log holds {last}")));
        }
        let core = Core { log, index, vote, committed, committed_file, syncing: false, waiting: VecDeque::new() };
        Ok(Self(Arc::new(Shared { options, core: Mutex::new(core) })))
    }

    /// The last entry and the vote: what tells a directory in use from a new one.
    pub(super) fn state(&self) -> (Option<LogId>, Option<Vote>) {
        let core = self.0.core();
        (core.index.last(), core.vote)
    }

    /// The newest membership in the log or its snapshot.
    pub(super) fn membership(&self) -> Option<Membership> {
        self.0.core().index.membership().cloned()
    }

    /// Behind the last record written, committed or not.
    pub(super) fn log_end_offset(&self) -> Offset {
        self.0.core().log.log_end_offset()
    }

    /// Waits for the sync in flight, then syncs and closes the log.
    pub(super) async fn close(&self) -> io::Result<()> {
        self.settled().await?;
        let shared = Arc::clone(&self.0);
        self.in_order(move || {
            let now = shared.options.clock.timestamp();
            shared.core().log.close(now).map_err(io::Error::other)
        })
        .await
    }

    /// Resolves when all that is appended is synced.
    async fn settled(&self) -> io::Result<()> {
        let (sender, receiver) = Engine::oneshot();
        let end = self.0.core().index.end_offset();
        self.0.when_synced(end, IOFlushed::signal(sender));
        receiver.await.unwrap_or_else(|_| Err(going_down()))
    }

    /// Runs a job on the metadata sync thread; an error fails the quorum.
    async fn in_order<T: Send + 'static>(&self, job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let done = run_blocking(&*self.0.options.execution, Blocking::MetadataSync, job).await;
        self.0.options.failure.note(done.unwrap_or_else(|| Err(going_down())))
    }

    /// Reads entries from `start` on, below `end`, about [`READ_BYTES`] of them; none if there are none.
    async fn read_some(&self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let Some((first, plan)) = self.0.plan_read(start, end)? else { return Ok(Vec::new()) };
        let bytes = match plan.read(true)? {
            ReadResult::Records(bytes) => bytes,
            ReadResult::NotCached => {
                let read = run_blocking(&*self.0.options.execution, Blocking::Read, move || plan.read(false)).await;
                read.unwrap_or_else(|| Err(going_down())).and_then(whole)?
            }
        };
        let mut entries = Vec::new();
        for batch in Batches::new(&bytes) {
            let (header, range) = batch.map_err(damaged)?;
            entries.push(decode_entry(bytes.slice(range), &header, first + entries.len() as u64).map_err(damaged)?);
        }
        Ok(entries)
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().expect("no panic while the lock is held")
    }

    /// Writes entries to the page cache; returns the log's end behind them.
    fn write(&self, entries: impl Iterator<Item = Entry>) -> io::Result<Offset> {
        let now = self.options.clock.timestamp();
        let mut core = self.core();
        let Core { log, index, vote, .. } = &mut *core;
        let mut bytes = Vec::new();
        for entry in entries {
            let base_offset = index.end_offset();
            let context = WriteContext { base_offset, vote: vote.as_ref(), membership: index.membership(), timestamp: now };
            let batch = encode_entry(&entry, &context).map_err(io::Error::other)?;
            let header = BatchHeader::parse(&batch).expect("a batch that was just built");
            let position = BatchPosition { base_offset, leader_epoch: header.leader_epoch };
            index.push(entry.log_id.index, position, header.last_offset().next(), entry.get_membership().as_ref());
            bytes.extend(batch);
        }
        if !bytes.is_empty() {
            log.append_as_is(&bytes, now).map_err(io::Error::other)?;
        }
        Ok(index.end_offset())
    }

    /// Calls back once the log is synced up to `end`, and sees to it that it will be.
    fn when_synced(self: &Arc<Self>, end: Offset, callback: IOFlushed<Engine>) {
        if let Some(problem) = self.options.failure.get() {
            return callback.io_completed(Err(io::Error::other(problem)));
        }
        let mut core = self.core();
        core.waiting.push_back((end, Flushed(callback)));
        if !core.syncing {
            let synced = self.next_sync(&mut core);
            drop(core);
            complete(synced, None);
        }
    }

    /// Starts the next sync; returns the waiters that need none.
    fn next_sync(self: &Arc<Self>, core: &mut Core) -> Vec<Flushed> {
        if core.waiting.is_empty() {
            return Vec::new();
        }
        let Some(work) = core.log.begin_sync() else { return core.waiting.drain(..).map(|(_, waiter)| waiter).collect() };
        core.syncing = true;
        let shared = Arc::clone(self);
        self.options.execution.block(Blocking::MetadataSync, Box::new(move || shared.sync(&work)));
        Vec::new()
    }

    /// On the sync thread. A failed sync fails the quorum: all that wait and all that come later get the error.
    fn sync(self: &Arc<Self>, work: &SyncWork) {
        let problem = self.options.failure.note(work.run()).err().map(|error| error.to_string());
        let mut core = self.core();
        let waiters = if problem.is_none() {
            core.syncing = false;
            core.log.finish_sync(work);
            let flushed = core.log.flushed_offset();
            let synced = core.waiting.iter().take_while(|(end, _)| *end <= flushed).count();
            let mut waiters: Vec<Flushed> = core.waiting.drain(..synced).map(|(_, waiter)| waiter).collect();
            waiters.extend(self.next_sync(&mut core));
            waiters
        } else {
            // `syncing` stays set: nothing is ever synced again.
            core.waiting.drain(..).map(|(_, waiter)| waiter).collect()
        };
        drop(core);
        complete(waiters, problem.as_deref());
    }

    fn plan_read(&self, start: u64, end: u64) -> io::Result<Option<(u64, ReadPlan)>> {
        let core = self.core();
        let (start, end) = (start.max(core.index.first()), end.min(core.index.next()));
        let offset_of = |index| core.index.base_offset(index).expect("an index in the log");
        if start >= end {
            return Ok(None);
        }
        let plan = core.log.plan_read(offset_of(start), offset_of(end), READ_BYTES, true);
        let plan = plan.map_err(|refusal| damaged(format!("batch {start} cannot be read: {refusal:?}")))?;
        Ok(Some((start, plan)))
    }

    fn save_vote(&self, vote: Vote) -> io::Result<()> {
        let directory_of = |core: &Core| Some(core.index.membership()?.get_node(&vote.leader_id.voted_for)?.directory_id);
        let directory = directory_of(&self.core()).unwrap_or_default();
        write_vote(&*self.options.disk, &self.options.directory, &vote, directory)?;
        self.core().vote = Some(vote);
        Ok(())
    }

    fn truncate_after(&self, last: Option<LogId>) -> io::Result<()> {
        let now = self.options.clock.timestamp();
        let mut core = self.core();
        let Core { log, index, .. } = &mut *core;
        match index.truncate_from(last.map_or(0, |last| last.index + 1)) {
            Some(offset) => log.truncate(offset, now).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    /// Cuts the log up to a batch that the newest snapshot covers; starts it anew behind the snapshot if it ends below.
    /// The cut falls on whole segments, so a new one begins with each.
    fn purge(&self, upto: LogId) -> io::Result<()> {
        let now = self.options.clock.timestamp();
        let mut core = self.core();
        let Core { log, index, .. } = &mut *core;
        if upto.index >= index.next() {
            let covering = self.options.snapshots.newest().filter(|snapshot| snapshot.meta.last_log_id == Some(upto));
            let snapshot = covering.ok_or_else(|| damaged(format!("no snapshot covers batch {upto}, up to which to purge")))?;
            log.restart_at(snapshot.end.offset, now).map_err(io::Error::other)?;
            *index = BatchIndex::behind(&snapshot);
            return Ok(());
        }
        if let Some(start) = index.purge(upto) {
            log.advance_log_start(start, now).map_err(io::Error::other)?;
            log.roll(now).map_err(io::Error::other)?;
            log.remove_deleted(now).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// Tells the waiters, outside the lock.
fn complete(waiters: Vec<Flushed>, problem: Option<&str>) {
    for Flushed(waiter) in waiters {
        waiter.io_completed(problem.map_or(Ok(()), |problem| Err(io::Error::other(problem))));
    }
}

/// Finds all batches.
fn scan(log: &Log) -> io::Result<Vec<ScannedBatch>> {
    let mut scanned = Vec::new();
    let (mut offset, end) = (log.log_start_offset(), log.log_end_offset());
    while offset < end {
        let plan = log.plan_read(offset, end, READ_BYTES, true);
        let plan = plan.map_err(|refusal| damaged(format!("offset {offset} cannot be read: {refusal:?}")))?;
        let bytes = plan.read(false).and_then(whole)?;
        if bytes.is_empty() {
            return Err(damaged(format!("nothing can be read at offset {offset}")));
        }
        for batch in Batches::new(&bytes) {
            let (header, range) = batch.map_err(damaged)?;
            let position = BatchPosition { base_offset: header.base_offset, leader_epoch: header.leader_epoch };
            let batch = bytes.get(range).expect("a range of these bytes");
            let membership = if header.attributes.is_control() { read_control(batch).map_err(damaged)? } else { None };
            scanned.push(ScannedBatch { position, membership });
            offset = header.last_offset().next();
        }
    }
    Ok(scanned)
}

/// Nothing in the metadata log expires; it is cut below snapshots.
fn log_config(settings: &QuorumSettings) -> LogConfig {
    LogConfig {
        segment_bytes: settings.segment_bytes,
        segment_ms: settings.segment_ms,
        retention_ms: None,
        retention_bytes: None,
        file_delete_delay_ms: 0,
        cleanup_policy: CleanupPolicy { delete: false, compact: false },
        ..LogConfig::default()
    }
}

fn whole(read: ReadResult) -> io::Result<Bytes> {
    match read {
        ReadResult::Records(bytes) => Ok(bytes),
        ReadResult::NotCached => Err(damaged("a read that may wait for the disk did not")),
    }
}

fn damaged(problem: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}

fn going_down() -> io::Error {
    io::Error::other("the process is going down")
}

fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end + 1,
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

impl RaftLogReader<Engine> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let (mut start, end) = bounds(&range);
        let mut entries = Vec::new();
        loop {
            let some = self.0.options.failure.note(self.read_some(start, end).await)?;
            let Some(last) = some.last() else { return Ok(entries) };
            start = last.log_id.index + 1;
            entries.extend(some);
        }
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.0.options.failure.note(self.read_some(start, end).await)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.0.core().vote)
    }
}

impl RaftLogStorage<Engine> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Engine>> {
        let core = self.0.core();
        Ok(LogState { last_purged_log_id: core.index.purged(), last_log_id: core.index.last() })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.settled().await?;
        let (shared, vote) = (Arc::clone(&self.0), *vote);
        self.in_order(move || shared.save_vote(vote)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let mut core = self.0.core();
        core.committed = committed;
        let written = committed.map_or(Ok(()), |committed| core.committed_file.write(committed));
        self.0.options.failure.note(written)
    }

    /// What was known to be committed, or the whole log if it ends below: then what is left is a part of that.
    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let core = self.0.core();
        Ok(core.committed.min(core.index.last()))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Engine>) -> io::Result<()>
    where
        I: IntoIterator<Item = <Engine as RaftTypeConfig>::Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        match self.0.options.failure.note(self.0.write(entries.into_iter())) {
            Ok(end) => {
                self.0.when_synced(end, callback);
                Ok(())
            }
            Err(error) => {
                callback.io_completed(Err(io::Error::other(error.to_string())));
                Err(error)
            }
        }
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.settled().await?;
        let shared = Arc::clone(&self.0);
        self.in_order(move || shared.truncate_after(last)).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.settled().await?;
        let shared = Arc::clone(&self.0);
        self.in_order(move || shared.purge(upto)).await
    }
}
