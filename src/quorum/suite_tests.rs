//! The engine's own storage suite on our store and state machine.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{OptionalSend, StorageError};

use super::engine::{Engine, Entry, LogId, SnapshotMeta, StoredMembership, Vote, epoch_of_term};
use super::failure::Failure;
use super::snapshot::{SnapshotDirectory, SnapshotId};
use super::state_machine::{Parts, Progress, StateMachine};
use super::store::{LogStore, StoreOptions};
use super::testing::{NODE, Recorder, TestClock, TestExecution, live};
use super::{MetadataStateMachine, QuorumSettings};
use crate::disk::RealDisk;
use crate::seams::{Clock, Disk, Execution};
use crate::types::{Offset, OffsetAndEpoch, Timestamp};

/// The store. The suite purges beyond the log's end without a snapshot that covers it, which the engine never does; here
/// such a snapshot is made first.
#[derive(Debug)]
struct SuiteStore {
    store: LogStore,
    snapshots: Arc<SnapshotDirectory>,
}

impl RaftLogStorage<Engine> for SuiteStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> io::Result<LogState<Engine>> {
        self.store.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.store.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.store.save_vote(vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.store.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        self.store.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Engine>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.store.append(entries, callback).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.store.truncate_after(last).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        if self.store.state().0.is_none_or(|last| last.index < upto.index) {
            let end = OffsetAndEpoch { offset: Offset(1000), leader_epoch: epoch_of_term(*upto.leader_id) };
            let meta = SnapshotMeta { last_log_id: Some(upto), last_membership: StoredMembership::default() };
            self.snapshots.write(SnapshotId { end, last_timestamp: Timestamp(0), meta }, Timestamp(0), &[])?;
        }
        self.store.purge(upto).await
    }
}

struct Builder;

impl StoreBuilder<Engine, SuiteStore, StateMachine, tempfile::TempDir> for Builder {
    async fn build(&self) -> Result<(tempfile::TempDir, SuiteStore, StateMachine), StorageError<Engine>> {
        let root = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let clock: Arc<dyn Clock> = Arc::new(TestClock::new(1));
        let execution: Arc<dyn Execution> = Arc::new(TestExecution::default());
        let (snapshots, _) = SnapshotDirectory::open(Arc::clone(&disk), root.path().to_owned()).unwrap();
        let (snapshots, failure, settings) = (Arc::new(snapshots), Failure::new(), QuorumSettings::default());
        let store = LogStore::open(StoreOptions {
            node_id: NODE,
            directory: root.path().to_owned(),
            disk,
            clock: Arc::clone(&clock),
            execution: Arc::clone(&execution),
            snapshots: Arc::clone(&snapshots),
            failure: failure.clone(),
            settings: settings.clone(),
        });
        let target: Arc<dyn MetadataStateMachine> = Arc::new(Recorder::default());
        let (snapshots_of_state, progress) = (Arc::clone(&snapshots), Arc::new(Progress::new()));
        let parts = Parts { target, snapshots: snapshots_of_state, progress, clock, execution, failure, settings };
        let state_machine = StateMachine::open(parts, Vec::new()).unwrap();
        Ok((root, SuiteStore { store: store.unwrap(), snapshots }, state_machine))
    }
}

#[test]
fn the_engines_storage_suite_passes() {
    live(async { Suite::test_all(Builder).await.unwrap() });
}
