//! Upkeep by the clock: retention, checkpoints, expired producers, files of deleted segments and partitions, timed syncs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Broker, LogDirectory, Partition, Partitions};
use crate::config::{ConfigMap, DynamicConfigs, FlushMode, TopicSettings};
use crate::log::checkpoint::{LOG_START_OFFSET, RECOVERY_POINT, REPLICATION_OFFSET, write_offsets};
use crate::log::directory::write_clean_shutdown;
use crate::log::{Log, LogFault};
use crate::seams::{Blocking, Disk, run_blocking};
use crate::types::{BrokerEpoch, Now, Offset, Timestamp, TopicPartition};

/// What is done from time to time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chore {
    Retention,
    RemoveDeleted,
    ExpireProducers,
    RecoveryPoints,
    LogStarts,
    HighWatermarks,
    TimedSyncs,
}

/// Quantiles of durations are those of the last one to two of these.
const RECENT: Duration = Duration::from_secs(60);

/// How often files whose deletion delay has passed are looked for: four times in that delay, as the node's default has it, within these.
const REMOVAL_INTERVALS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(15));
/// How exactly `flush.ms` is kept; only page-cache mode needs it.
const SYNC_TICK: Duration = Duration::from_millis(100);

/// Does the chores for as long as the node runs.
pub(super) async fn run(broker: Arc<Broker>) {
    let storage = &broker.config.storage;
    let mut plan = vec![
        (Chore::Retention, storage.retention_check_interval),
        (Chore::RemoveDeleted, removal_interval(&broker)),
        (Chore::ExpireProducers, storage.producer_id_expiration_check_interval),
        (Chore::RecoveryPoints, storage.recovery_point_checkpoint_interval),
        (Chore::LogStarts, storage.log_start_offset_checkpoint_interval),
        (Chore::HighWatermarks, storage.high_watermark_checkpoint_interval),
    ];
    if storage.flush_mode == FlushMode::PageCache {
        plan.push((Chore::TimedSyncs, SYNC_TICK));
    }
    let start = broker.clock.now();
    let first = |chore, interval: Duration| if chore == Chore::Retention { storage.initial_task_delay } else { interval };
    let mut agenda: Vec<(Now, Chore, Duration)> =
        plan.into_iter().map(|(chore, interval)| (start.plus(first(chore, interval)), chore, interval)).collect();
    let mut stopping = broker.stopping.subscribe();
    loop {
        let Some(due) = agenda.iter().map(|(due, ..)| *due).min() else { return };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(due.since(broker.clock.now())) => {}
        }
        let now = broker.clock.now();
        let mut chores = Vec::new();
        for (due, chore, interval) in &mut agenda {
            if *due <= now {
                chores.push(*chore);
                *due = now.plus((*interval).max(Duration::from_millis(1)));
            }
        }
        let (partitions, timestamp) = (Arc::clone(&broker.partitions), broker.clock.timestamp());
        let work = move || chores.into_iter().for_each(|chore| partitions.chore(chore, timestamp));
        if run_blocking(&*broker.execution, Blocking::Read, work).await.is_none() {
            return;
        }
    }
}

/// Lets what the metrics call the last minutes move on, for as long as the node runs.
pub(super) async fn turn_windows(broker: Arc<Broker>) {
    let mut stopping = broker.stopping.subscribe();
    while tokio::time::timeout(RECENT, stopping.wait_for(|stopping| *stopping)).await.is_err() {
        broker.metrics.requests.turn_window();
    }
}

fn removal_interval(broker: &Broker) -> Duration {
    let defaults = TopicSettings::resolve(&broker.config.settings, DynamicConfigs::none(), &ConfigMap::new());
    let delay = Duration::from_millis(u64::try_from(defaults.file_delete_delay_ms).unwrap_or(0));
    (delay / 4).clamp(REMOVAL_INTERVALS.0, REMOVAL_INTERVALS.1)
}

impl Partitions {
    pub(super) fn chore(&self, chore: Chore, now: Timestamp) {
        match chore {
            Chore::Retention => self.each(|log, high_watermark| log.apply_retention(now, high_watermark).map(drop)),
            Chore::RemoveDeleted => {
                self.each(|log, _| log.remove_deleted(now));
                self.remove_deleted();
                // Now there may be space for them.
                self.open_unopened();
            }
            Chore::ExpireProducers => self.each(|log, _| {
                log.expire_producers(now);
                Ok(())
            }),
            Chore::RecoveryPoints => self.checkpoint_unless_closed(RECOVERY_POINT, |log, _| log.flushed_offset()),
            Chore::LogStarts => self.checkpoint_unless_closed(LOG_START_OFFSET, |log, _| log.log_start_offset()),
            Chore::HighWatermarks => self.checkpoint_unless_closed(REPLICATION_OFFSET, |_, high_watermark| high_watermark),
            Chore::TimedSyncs => self.all().iter().for_each(|partition| partition.sync_if_due(now)),
        }
    }

    fn each(&self, mut work: impl FnMut(&mut Log, Offset) -> Result<(), LogFault>) {
        for partition in self.all() {
            partition.maintain(&mut work);
        }
    }

    /// A closed partition has no offsets to tell any more: what would be written now would be less than what the stop has written.
    fn checkpoint_unless_closed(&self, file: &str, offset: impl Fn(&Log, Offset) -> Offset) {
        if let Some(_changing) = self.changing() {
            self.checkpoint(file, offset);
        }
    }

    /// Writes one checkpoint file in each directory that works; a directory that cannot be written to goes offline. The caller holds
    /// the right of [`Partitions::changing`].
    pub(super) fn checkpoint(&self, file: &str, offset: impl Fn(&Log, Offset) -> Offset) {
        for directory in self.directories().iter().filter(|directory| !directory.is_offline()) {
            // Recovery takes a little longer; nothing is lost.
            drop(self.checkpoint_in(directory, file, &offset));
        }
    }

    /// As [`Partitions::checkpoint`], in one directory.
    ///
    /// # Errors
    /// No space, which is logged, or a fault, with which the directory goes offline: the old file stands.
    pub(super) fn checkpoint_in(
        &self,
        directory: &LogDirectory,
        file: &str,
        offset: impl Fn(&Log, Offset) -> Offset,
    ) -> Result<(), LogFault> {
        let all = self.all();
        let here = all.iter().filter(|partition| std::ptr::eq(&*partition.directory, directory));
        let mut offsets: Vec<(TopicPartition, Offset)> = here.filter_map(|partition| read(partition, &offset)).collect();
        offsets.extend(self.unopened().offsets_in(&directory.path, file));
        write(self.disk(), &directory.path, file, &offsets).inspect_err(|fault| match fault {
            LogFault::NoSpace { .. } => tracing::warn!(%fault, file, "checkpoint not written"),
            LogFault::Io { .. } | LogFault::Corrupt { .. } => directory.fail(&fault.to_string()),
        })
    }

    /// Tells every waiting fetch to answer with what there is.
    pub(super) fn end_fetches(&self) {
        self.all().iter().for_each(|partition| partition.end_fetches());
    }

    /// Begins to close: the table and the checkpoint files are as they are from now on, but for what [`Partitions::close`] writes. Waits
    /// for whoever changes them. Blocks on the disk.
    pub(super) fn begin_close(&self) {
        if let Some(mut changing) = self.changing() {
            self.checkpoint(LOG_START_OFFSET, |log, _| log.log_start_offset());
            changing.closed = true;
        }
    }

    /// Closes every log in one directory and, for a clean stop, writes checkpoints and the mark of it with the broker's epoch. To be run
    /// on the directory's sync thread: a sync that is under way then ends first, and what it reports counts.
    ///
    /// # Errors
    /// The first log that could not be closed; then the directory gets no mark.
    pub(super) fn close(&self, directory: &LogDirectory, now: Timestamp, clean: Option<BrokerEpoch>) -> Result<(), LogFault> {
        let all = self.all();
        let here = all.iter().filter(|partition| std::ptr::eq(&*partition.directory, directory));
        // All are closed, whatever becomes of one of them.
        let ends: Vec<_> = here.map(|partition| partition.close(Some(now)).map(|end| (partition.name(), end))).collect();
        let mut offsets = ends.into_iter().collect::<Result<Vec<_>, _>>()?;
        if directory.is_offline() {
            return Ok(());
        }
        write(self.disk(), &directory.path, REPLICATION_OFFSET, &offsets)?;
        let unopened = self.unopened().offsets_in(&directory.path, RECOVERY_POINT);
        // What could not be opened has yet to be recovered.
        let clean = clean.filter(|_| unopened.is_empty());
        offsets.extend(unopened);
        write(self.disk(), &directory.path, RECOVERY_POINT, &offsets)?;
        clean.map_or(Ok(()), |epoch| write_clean_shutdown(self.disk(), &directory.path, epoch))
    }
}

fn read(partition: &Partition, offset: impl Fn(&Log, Offset) -> Offset) -> Option<(TopicPartition, Offset)> {
    Some((partition.name(), partition.maintain(|log, high_watermark| Ok(offset(log, high_watermark)))?))
}

fn write(disk: &dyn Disk, directory: &Path, file: &str, offsets: &[(TopicPartition, Offset)]) -> Result<(), LogFault> {
    write_offsets(disk, directory, file, offsets.iter().map(|(partition, offset)| (partition, *offset)))
}
