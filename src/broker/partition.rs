//! One partition on this broker: its log, its leader state and who waits for it, behind one short lock.
//!
//! Under the lock: check the producer, stamp, write to the page cache, publish the log end, register the waiter, mark dirty. Never an
//! await, never a sync.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use arc_swap::ArcSwap;

use super::metrics::Traffic;
use super::{LogDirectory, Syncs};
use crate::config::{FlushMode, TopicSettings};
use crate::log::{
    ActiveProducer, AppendError, AppendRefusal, Appended, Log, LogFault, LogShape, ReadPlan, ReadRefusal, TimestampPlan,
    TimestampTarget, Validated,
};
use crate::replica::{Keep, Leader, PartitionRequest, PendingList, Slot};
use crate::seams::lock;
use crate::types::{Acks, LeaderEpoch, Offset, OffsetAndEpoch, Timestamp, TopicIdPartition, TopicName, TopicPartition};

/// What a partition is made of.
#[derive(Debug)]
pub struct PartitionOptions {
    pub topic: TopicName,
    pub id: TopicIdPartition,
    pub directory: Arc<LogDirectory>,
    pub log: Log,
    pub settings: Arc<TopicSettings>,
    pub leader_epoch: LeaderEpoch,
    /// This broker leads the partition.
    pub is_leader: bool,
    pub flush_mode: FlushMode,
}

#[derive(Debug)]
pub struct Partition {
    pub topic: TopicName,
    pub id: TopicIdPartition,
    pub directory: Arc<LogDirectory>,
    pub traffic: Traffic,
    settings: ArcSwap<TopicSettings>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Log,
    leader: Leader,
    pending: PendingList<Waiting>,
    /// Stands on the directory's list of dirty partitions.
    queued: bool,
    /// Another broker leads, or nobody.
    leads: bool,
    /// The topic was deleted or the node stops: nothing is served any more.
    closed: bool,
}

/// What an entry on the pending list waits for.
#[derive(Debug)]
enum Waiting {
    /// A produce with acks=all, or the reader of one's own writes: the high watermark at or past this offset.
    Written(Offset),
    /// A fetch: bytes between `from` and the high watermark, at most `room` of them, for the partition's limit lets no more be sent.
    /// Both move along as bytes are credited.
    Fetch { from: Offset, room: i64 },
}

/// Why a partition cannot do what is asked; each has one Kafka code.
#[derive(Debug)]
pub enum PartitionError {
    /// NOT_LEADER_OR_FOLLOWER: led elsewhere, or closed here meanwhile.
    NotLeader,
    /// KAFKA_STORAGE_ERROR: the directory is offline, or the append met a full or failing disk.
    Storage,
    /// CORRUPT_MESSAGE: what stands on the disk is no longer what was written.
    Damaged,
    /// FENCED_LEADER_EPOCH.
    FencedLeaderEpoch,
    /// UNKNOWN_LEADER_EPOCH.
    UnknownLeaderEpoch,
    /// OFFSET_OUT_OF_RANGE.
    OffsetOutOfRange,
    /// POLICY_VIOLATION: records of a topic that only compacts are not deleted by offset.
    CompactedOnly,
    /// UNKNOWN_SERVER_ERROR, Kafka's answer to a negative number of bytes when there is something to read.
    NegativeMaxBytes,
    Append(AppendRefusal),
}

/// What a fetch sees of a partition under one look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchLook {
    pub high_watermark: Offset,
    pub log_start_offset: Offset,
    /// Bytes that could be served, not above the partition's limit.
    pub available: u64,
    /// The client's log parts from ours: the largest epoch at or below its own, and where that ends here (KIP-595).
    pub diverging: Option<OffsetAndEpoch>,
}

impl Partition {
    /// # Errors
    /// A fault when the new leader epoch cannot be recorded.
    pub fn new(options: PartitionOptions) -> Result<Arc<Self>, LogFault> {
        let PartitionOptions { topic, id, directory, mut log, settings, leader_epoch, is_leader, flush_mode } = options;
        if is_leader {
            log.assign_epoch(leader_epoch)?;
        }
        // Recovery kept only what is whole on the device, and a lone replica has nobody to ask for more.
        let leader = Leader::new(leader_epoch, log.flushed_offset(), flush_mode);
        let state = State { log, leader, pending: PendingList::default(), queued: false, leads: is_leader, closed: false };
        let settings = ArcSwap::new(settings);
        Ok(Arc::new(Self { topic, id, directory, traffic: Traffic::default(), settings, state: Mutex::new(state) }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, PartitionError> {
        if self.directory.is_offline() {
            return Err(PartitionError::Storage);
        }
        let state = self.lock();
        if state.closed || !state.leads { Err(PartitionError::NotLeader) } else { Ok(state) }
    }

    #[must_use]
    pub fn settings(&self) -> Arc<TopicSettings> {
        self.settings.load_full()
    }

    /// Appends one validated batch. With a slot and acks=all the slot is credited by one when the batch is below the high watermark.
    ///
    /// # Errors
    /// Refusals of the producer's sequence; storage errors.
    pub fn append(
        self: &Arc<Self>,
        batch: Validated<'_>,
        acks: Acks,
        slot: Option<&Arc<Slot>>,
        now: Timestamp,
    ) -> Result<Appended, PartitionError> {
        self.append_in(self.open()?, batch, acks, slot, now)
    }

    /// Appends one batch as the leader of `leader_epoch`: a coordinator that was replaced meanwhile writes nothing.
    ///
    /// # Errors
    /// FENCED when the partition is led in a later epoch; storage errors.
    pub fn append_as(
        self: &Arc<Self>,
        leader_epoch: LeaderEpoch,
        batch: Validated<'_>,
        now: Timestamp,
    ) -> Result<Appended, PartitionError> {
        self.traffic.produce();
        let state = self.open()?;
        state.check_epoch(Some(leader_epoch))?;
        let (bytes, records) = (batch.bytes.len(), batch.header.record_count);
        let appended = self.append_in(state, batch, Acks::Leader, None, now)?;
        self.traffic.appended(bytes, records);
        Ok(appended)
    }

    fn append_in(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        batch: Validated<'_>,
        acks: Acks,
        slot: Option<&Arc<Slot>>,
        now: Timestamp,
    ) -> Result<Appended, PartitionError> {
        let mut wakers = Vec::new();
        let leader_epoch = state.leader.epoch();
        let appended = match state.log.append(batch, leader_epoch, now) {
            Ok(appended) => appended,
            Err(error) => {
                drop(state);
                return Err(self.append_failed(error));
            }
        };
        state.advance(&mut wakers);
        let end = appended.last_offset.next();
        if let (Acks::All, Some(slot)) = (acks, slot) {
            if state.leader.high_watermark() >= end {
                wakers.extend(slot.credit(1));
            } else {
                state.pending.register(Waiting::Written(end), slot);
            }
        }
        let arm = !state.queued && state.log.flushed_offset() < state.log.log_end_offset() && self.must_sync(&state, now);
        state.queued |= arm;
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        if arm {
            self.directory.syncs.arm(Arc::clone(self));
        }
        Ok(appended)
    }

    /// In durable mode every append arms the sync; in page-cache mode only `flush.messages` and `flush.ms` do.
    fn must_sync(&self, state: &State, now: Timestamp) -> bool {
        match state.leader.mode() {
            FlushMode::Durable => true,
            FlushMode::PageCache => state.log.sync_due(now),
        }
    }

    fn append_failed(&self, error: AppendError) -> PartitionError {
        match error {
            AppendError::Refused(refusal) => PartitionError::Append(refusal),
            AppendError::Fault(fault) => {
                self.fault(&fault);
                PartitionError::Storage
            }
        }
    }

    /// No space costs this one request; anything else takes the directory offline.
    fn fault(&self, fault: &LogFault) {
        match fault {
            LogFault::NoSpace { .. } => tracing::warn!(partition = %self.name(), %fault, "append refused"),
            LogFault::Io { .. } | LogFault::Corrupt { .. } => {
                self.directory.fail(&fault.to_string());
                self.finish_waiters();
            }
        }
    }

    #[must_use]
    pub fn name(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.id.partition }
    }

    /// Arms a sync if `flush.ms` says so; for the node's timer.
    pub(super) fn sync_if_due(self: &Arc<Self>, now: Timestamp) {
        let mut state = self.lock();
        let arm =
            !state.closed && !state.queued && state.log.flushed_offset() < state.log.log_end_offset() && state.log.sync_due(now);
        state.queued |= arm;
        drop(state);
        if arm {
            self.directory.syncs.arm(Arc::clone(self));
        }
    }

    /// Tells every waiting request to look again.
    pub(super) fn finish_waiters(&self) {
        let mut wakers = Vec::new();
        self.lock().pending.finish_all(&mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether everything below `end` may be acknowledged to acks=all.
    ///
    /// # Errors
    /// The partition went away or its directory failed.
    pub fn is_acknowledged(&self, end: Offset) -> Result<bool, PartitionError> {
        Ok(self.open()?.leader.high_watermark() >= end)
    }

    /// Waits until everything below `end` may be acknowledged to acks=all.
    ///
    /// # Errors
    /// The partition went away or its directory failed.
    pub async fn acknowledged(&self, end: Offset) -> Result<(), PartitionError> {
        loop {
            let slot = {
                let mut state = self.open()?;
                if state.leader.high_watermark() >= end {
                    return Ok(());
                }
                let slot = Slot::new(1);
                state.pending.register(Waiting::Written(end), &slot);
                slot
            };
            std::future::poll_fn(|context| slot.poll(context)).await;
        }
    }

    /// Behind the last record written, committed or not.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn log_end(&self) -> Result<Offset, PartitionError> {
        Ok(self.open()?.log.log_end_offset())
    }

    /// `None` once it is closed or offline.
    pub(super) fn log_shape(&self) -> Option<LogShape> {
        let state = self.lock();
        (!state.closed && !self.directory.is_offline()).then(|| state.log.shape())
    }

    /// Looks at what a fetch of `request` would find.
    ///
    /// # Errors
    /// Epoch checks, offset out of range, closed, offline.
    pub fn look(&self, request: &PartitionRequest) -> Result<FetchLook, PartitionError> {
        self.open()?.look(request)
    }

    /// Looks again and, in the same hold of the lock, registers a waiting fetch. `seen` is what an earlier look found available:
    /// bytes that came since are credited at once.
    ///
    /// # Errors
    /// As [`Partition::look`]; then nothing is registered.
    pub fn wait(&self, request: &PartitionRequest, seen: u64, slot: &Arc<Slot>) -> Result<(), PartitionError> {
        let mut state = self.open()?;
        let look = state.look(request)?;
        let from = request.fetch_offset.max(look.high_watermark);
        let room = i64::from(request.max_bytes).saturating_sub_unsigned(look.available).max(0);
        state.pending.register(Waiting::Fetch { from, room }, slot);
        drop(state);
        let news = i64::try_from(look.available.saturating_sub(seen)).unwrap_or(i64::MAX);
        if news > 0
            && let Some(waker) = slot.credit(news)
        {
            waker.wake();
        }
        Ok(())
    }

    /// Plans the read of a fetch; a diverging client is told so and gets no records.
    ///
    /// # Errors
    /// As [`Partition::look`].
    pub fn plan_fetch(
        &self,
        request: &PartitionRequest,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<(FetchLook, Option<ReadPlan>), PartitionError> {
        let state = self.open()?;
        let look = state.look(request)?;
        if look.diverging.is_some() {
            return Ok((look, None));
        }
        let limit = look.high_watermark.max(request.fetch_offset);
        let plan = state.log.plan_read(request.fetch_offset, limit, max_bytes, at_least_one)?;
        Ok((look, Some(plan)))
    }

    /// What a read that failed means: damaged bytes cost those who ask for them, a failing disk costs the directory.
    #[must_use]
    pub fn read_failed(&self, error: &io::Error) -> PartitionError {
        if error.kind() == io::ErrorKind::InvalidData {
            tracing::error!(partition = %self.name(), %error, "damaged records");
            return PartitionError::Damaged;
        }
        self.directory.fail(&format!("read of {}: {error}", self.name()));
        self.finish_waiters();
        PartitionError::Storage
    }

    /// Checks the epoch that a client believes in; `None` is no check.
    ///
    /// # Errors
    /// FENCED or UNKNOWN.
    pub fn check_epoch(&self, believed: Option<LeaderEpoch>) -> Result<(), PartitionError> {
        self.open()?.check_epoch(believed)
    }

    /// Log start, high watermark and current leader epoch.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn offsets(&self) -> Result<(Offset, Offset, LeaderEpoch), PartitionError> {
        let state = self.open()?;
        Ok((state.log.log_start_offset(), state.leader.high_watermark(), state.leader.epoch()))
    }

    /// The epoch that `offset` was written in, for ListOffsets.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn epoch_at(&self, offset: Offset) -> Result<Option<LeaderEpoch>, PartitionError> {
        Ok(self.open()?.log.epoch_at(offset))
    }

    /// Plans a search by time below the high watermark.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn plan_timestamp(&self, target: TimestampTarget) -> Result<TimestampPlan, PartitionError> {
        let state = self.open()?;
        Ok(state.log.plan_timestamp(target, state.leader.high_watermark()))
    }

    /// Where the epoch ends, for OffsetForLeaderEpoch: the largest epoch at or below the one asked for and its end.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn end_of_epoch(&self, epoch: LeaderEpoch) -> Result<Option<OffsetAndEpoch>, PartitionError> {
        Ok(self.open()?.end_of_epoch(epoch))
    }

    /// The producers that the partition remembers.
    ///
    /// # Errors
    /// Closed, offline.
    pub fn active_producers(&self) -> Result<Vec<ActiveProducer>, PartitionError> {
        Ok(self.open()?.log.active_producers().collect())
    }

    /// Deletes what lies below `offset`, or below the high watermark where it is `None`; returns where the log starts now. The caller
    /// makes it durable (Partition.deleteRecordsOnLeader).
    ///
    /// # Errors
    /// A topic that only compacts; an offset that is negative or above the high watermark; closed, offline, a fault.
    pub(super) fn delete_records(&self, offset: Option<Offset>) -> Result<Offset, PartitionError> {
        let mut state = self.open()?;
        if state.log.only_compacts() {
            return Err(PartitionError::CompactedOnly);
        }
        let high_watermark = state.leader.high_watermark();
        let offset = offset.unwrap_or(high_watermark);
        if offset < Offset(0) || offset > high_watermark {
            return Err(PartitionError::OffsetOutOfRange);
        }
        let raised = state.log.raise_log_start(offset);
        let log_start = state.log.log_start_offset();
        drop(state);
        match raised {
            Ok(()) => Ok(log_start),
            Err(fault) => {
                self.fault(&fault);
                Err(PartitionError::Storage)
            }
        }
    }

    /// Bytes of the log, and how far its end is behind the high watermark. Of any replica, whoever leads; `None` once closed.
    pub(super) fn stored(&self) -> Option<(u64, i64)> {
        let state = self.lock();
        let lag = state.leader.high_watermark().0.saturating_sub(state.log.log_end_offset().0).max(0);
        (!state.closed).then(|| (state.log.size(), lag))
    }

    /// What the metadata says of the leadership: a new epoch starts at the log end, durably before any batch of it.
    pub(super) fn lead(&self, leader_epoch: LeaderEpoch, is_leader: bool) {
        let mut state = self.lock();
        let begun = if is_leader { state.log.assign_epoch(leader_epoch) } else { Ok(()) };
        state.leader.set_epoch(leader_epoch);
        state.leads = is_leader;
        drop(state);
        if let Err(fault) = begun {
            self.fault(&fault);
        }
        if !is_leader {
            self.finish_waiters();
        }
    }

    /// New settings of the topic.
    pub(super) fn configure(&self, settings: Arc<TopicSettings>, log: crate::log::LogConfig) {
        self.settings.store(settings);
        self.lock().log.configure(log);
    }

    /// Runs upkeep on the log (retention, checkpoints); a fault takes the directory offline. `None` when the partition is not open.
    pub(super) fn maintain<T>(&self, work: impl FnOnce(&mut Log, Offset) -> Result<T, LogFault>) -> Option<T> {
        let mut state = self.open().ok()?;
        let high_watermark = state.leader.high_watermark();
        let result = work(&mut state.log, high_watermark);
        let log_start = state.log.log_start_offset();
        state.leader.raise_to_log_start(log_start);
        drop(state);
        result.map_err(|fault| self.fault(&fault)).ok()
    }

    /// Tells waiting fetches to answer with what there is; producers go on waiting for their sync.
    pub(super) fn end_fetches(&self) {
        let mut wakers = Vec::new();
        self.lock().pending.advance(&mut wakers, |waiting| match waiting {
            Waiting::Fetch { .. } => (i64::MAX, Keep::No),
            Waiting::Written(_) => (0, Keep::Yes),
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Serves nothing from now on; whoever waits is told to look again. With `keep` the log is closed cleanly, unless its directory
    /// failed: a sync is not tried again. Returns its end.
    ///
    /// # Errors
    /// A fault while closing: then the stop is not a clean one.
    pub(super) fn close(&self, keep: Option<Timestamp>) -> Result<Offset, LogFault> {
        let result = {
            let mut state = self.lock();
            state.closed = true;
            let end = state.log.log_end_offset();
            let keep = keep.filter(|_| !self.directory.is_offline());
            keep.map_or(Ok(()), |now| state.log.close(now)).map(|()| end)
        };
        self.finish_waiters();
        result
    }
}

impl Syncs for Partition {
    /// Syncs what is dirty: on the sync thread, without the lock while the device works.
    fn sync(&self) {
        let work = {
            let mut state = self.lock();
            state.queued = false;
            if state.closed || self.directory.is_offline() { None } else { state.log.begin_sync() }
        };
        let Some(work) = work else {
            // Nothing was dirty any more; or the directory failed meanwhile, and whoever waits has to be told.
            if self.directory.is_offline() {
                self.finish_waiters();
            }
            return;
        };
        if let Err(source) = work.run() {
            let fault = LogFault::Io { path: self.directory.path.join(self.name().to_string()), action: "sync", source };
            self.lock().log.mark_failed(&fault);
            return self.fault(&fault);
        }
        let mut wakers = Vec::new();
        let mut state = self.lock();
        state.log.finish_sync(&work);
        state.advance(&mut wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Moves the high watermark as far as the log allows and credits who waited for it.
    fn advance(&mut self, wakers: &mut Vec<Waker>) {
        let (flushed, end) = (self.log.flushed_offset(), self.log.log_end_offset());
        if self.leader.advance(flushed, end).is_none() {
            return;
        }
        let high_watermark = self.leader.high_watermark();
        let log = &self.log;
        self.pending.advance(wakers, |waiting| match waiting {
            Waiting::Written(end) if high_watermark >= *end => (1, Keep::No),
            Waiting::Written(_) => (0, Keep::Yes),
            Waiting::Fetch { from, room } if high_watermark > *from => {
                let bytes = log.bytes_between(*from, high_watermark);
                *from = high_watermark;
                let credit = i64::try_from(bytes).unwrap_or(i64::MAX).min(*room);
                *room -= credit;
                (credit, Keep::Yes)
            }
            Waiting::Fetch { .. } => (0, Keep::Yes),
        });
    }

    fn check_epoch(&self, believed: Option<LeaderEpoch>) -> Result<(), PartitionError> {
        match believed {
            Some(epoch) if epoch < self.leader.epoch() => Err(PartitionError::FencedLeaderEpoch),
            Some(epoch) if epoch > self.leader.epoch() => Err(PartitionError::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    fn look(&self, request: &PartitionRequest) -> Result<FetchLook, PartitionError> {
        self.check_epoch(request.current_leader_epoch)?;
        let (start, end) = (self.log.log_start_offset(), self.log.log_end_offset());
        let high_watermark = self.leader.high_watermark();
        let diverging = self.diverging(request)?;
        if diverging.is_some() {
            return Ok(FetchLook { high_watermark, log_start_offset: start, available: 0, diverging });
        }
        if request.fetch_offset < start || request.fetch_offset > end {
            return Err(PartitionError::OffsetOutOfRange);
        }
        if request.max_bytes < 0 && request.fetch_offset < high_watermark {
            return Err(PartitionError::NegativeMaxBytes);
        }
        let limit = u64::try_from(request.max_bytes).unwrap_or(0);
        let available =
            if request.fetch_offset < high_watermark { self.log.bytes_between(request.fetch_offset, high_watermark) } else { 0 };
        Ok(FetchLook { high_watermark, log_start_offset: start, available: available.min(limit), diverging: None })
    }

    /// Compares the epoch of the client's last record with ours (Partition.readRecords).
    fn diverging(&self, request: &PartitionRequest) -> Result<Option<OffsetAndEpoch>, PartitionError> {
        let Some(epoch) = request.last_fetched_epoch else { return Ok(None) };
        let end = self.end_of_epoch(epoch).ok_or(PartitionError::OffsetOutOfRange)?;
        Ok((end.leader_epoch < epoch || end.offset < request.fetch_offset).then_some(end))
    }

    fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<OffsetAndEpoch> {
        if epoch == self.leader.epoch() {
            return Some(OffsetAndEpoch { offset: self.log.log_end_offset(), leader_epoch: epoch });
        }
        self.log.end_offset_for_epoch(epoch)
    }
}

impl From<ReadRefusal> for PartitionError {
    fn from(refusal: ReadRefusal) -> Self {
        match refusal {
            ReadRefusal::OutOfRange { .. } => Self::OffsetOutOfRange,
        }
    }
}
