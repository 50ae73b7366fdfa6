//! Starting the quorum: open the files, load the snapshot, build the engine, bootstrap or stand for election.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use openraft::Raft;
use tokio::sync::{oneshot, watch};

use super::attendant::{Attendant, NO_LEADER, Proposer};
use super::engine::{StoredMembership, VoterNode, engine_config, engine_id};
use super::failure::Failure;
use super::handle::Quorum;
use super::network::NoPeers;
use super::runtime::with_clock;
use super::snapshot::SnapshotDirectory;
use super::state_machine::{Parts, Progress, StateMachine};
use super::store::{LogStore, StoreOptions};
use super::{MetadataQuorum, QuorumFault, QuorumOptions};
use crate::seams::{Blocking, Lane, run_blocking};

/// Kafka's name for the directory of the metadata log.
const LOG_DIRECTORY: &str = "__cluster_metadata-0";

impl fmt::Debug for QuorumOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("QuorumOptions");
        fields.field("node_id", &self.node_id).field("metadata_directory", &self.metadata_directory).finish_non_exhaustive()
    }
}

/// The files, open.
struct Storage {
    store: LogStore,
    snapshots: Arc<SnapshotDirectory>,
    /// Of the newest snapshot.
    records: Vec<Bytes>,
}

impl Quorum {
    /// Starts the quorum on the control lane. The first start of an empty directory makes a quorum of this one voter. Returns
    /// before anyone leads: wait on [`MetadataQuorum::leader`].
    ///
    /// # Errors
    /// A fault of the disk, files that cannot be or belong to another voter, a snapshot that cannot be read.
    pub async fn start(options: QuorumOptions) -> Result<Arc<dyn MetadataQuorum>, QuorumFault> {
        let (sender, receiver) = oneshot::channel();
        let (execution, clock) = (Arc::clone(&options.execution), Arc::clone(&options.clock));
        let start = async move { drop(sender.send(Self::start_here(options).await)) };
        execution.spawn(Lane::Control, Box::pin(with_clock(clock, start)));
        let started = receiver.await.map_err(|_| QuorumFault::Engine("the process is going down".to_owned()))??;
        Ok(Arc::new(started))
    }

    async fn start_here(options: QuorumOptions) -> Result<Self, QuorumFault> {
        let failure = Failure::new();
        let storage = open_storage(&options, &failure).await?;
        let (last, vote) = storage.store.state();
        let is_new = last.is_none();
        if let Some(vote) = vote.filter(|vote| is_new && vote.leader_id.term > 0) {
            let problem = format!("quorum-state knows epoch {}, but the metadata log is empty", vote.leader_id.term);
            return Err(QuorumFault::Corrupt { path: directory(&options), problem });
        }
        let progress = Arc::new(Progress::new());
        let parts = Parts {
            target: Arc::clone(&options.state_machine),
            snapshots: Arc::clone(&storage.snapshots),
            progress: Arc::clone(&progress),
            clock: Arc::clone(&options.clock),
            execution: Arc::clone(&options.execution),
            failure: failure.clone(),
            settings: options.settings.clone(),
        };
        let state_machine = StateMachine::open(parts, storage.records)
            .map_err(|error| QuorumFault::Corrupt { path: directory(&options), problem: error.to_string() })?;
        let config = engine_config(&options.settings, &options.cluster_id)?;
        let id = engine_id(options.node_id);
        let raft = Raft::new(id, config, NoPeers, storage.store.clone(), state_machine).await.map_err(engine_fault)?;
        let voter = VoterNode { directory_id: options.directory_id, endpoints: options.endpoints.clone() };
        if is_new {
            raft.initialize(BTreeMap::from([(id, voter)])).await.map_err(engine_fault)?;
        } else {
            let membership =
                raft.with_raft_state(|state| state.membership_state.effective().clone()).await.map_err(engine_fault)?;
            check_voter(&options, &membership, &voter)?;
            // Without waiting for the election timeout: a lone voter then leads after two syncs.
            raft.trigger().elect(true).await.map_err(engine_fault)?;
        }
        let (leader, watched) = watch::channel(NO_LEADER);
        let proposer = Arc::new(Mutex::new(Proposer::default()));
        let attendant = Attendant {
            node_id: options.node_id,
            raft: raft.clone(),
            progress: Arc::clone(&progress),
            proposer: Arc::clone(&proposer),
            leader,
            failure: failure.clone(),
            settings: options.settings.clone(),
        };
        options.execution.spawn(Lane::Control, Box::pin(attendant.run()));
        let (store, snapshots, clock) = (storage.store, storage.snapshots, options.clock);
        Ok(Self { raft, store, snapshots, progress, proposer, leader: watched, failure, clock })
    }
}

fn directory(options: &QuorumOptions) -> PathBuf {
    options.metadata_directory.join(LOG_DIRECTORY)
}

async fn open_storage(options: &QuorumOptions, failure: &Failure) -> Result<Storage, QuorumFault> {
    let (disk, parent, directory) = (Arc::clone(&options.disk), options.metadata_directory.clone(), directory(options));
    let (clock, execution, failure) = (Arc::clone(&options.clock), Arc::clone(&options.execution), failure.clone());
    let (node_id, settings) = (options.node_id, options.settings.clone());
    let open = move || {
        let made = disk.create_directory(&directory).and_then(|()| disk.sync_directory(&parent));
        made.map_err(|source| QuorumFault::Io { path: directory.clone(), action: "make", source })?;
        let (snapshots, records) = SnapshotDirectory::open(Arc::clone(&disk), directory.clone())?;
        let snapshots = Arc::new(snapshots);
        let store_options =
            StoreOptions { node_id, directory, disk, clock, execution, snapshots: Arc::clone(&snapshots), failure, settings };
        Ok(Storage { store: LogStore::open(store_options)?, snapshots, records })
    };
    let opened = run_blocking(&*options.execution, Blocking::MetadataSync, open).await;
    opened.ok_or_else(|| QuorumFault::Engine("the process is going down".to_owned()))?
}

/// The directory must be that of this voter.
fn check_voter(options: &QuorumOptions, membership: &StoredMembership, voter: &VoterNode) -> Result<(), QuorumFault> {
    let known = membership.membership().get_node(&engine_id(options.node_id));
    if known.is_some_and(|known| known.directory_id == voter.directory_id) {
        return Ok(());
    }
    let name = |id: &u64, node: &VoterNode| format!("voter {id} with directory {}", node.directory_id);
    let found: Vec<String> = membership.membership().nodes().map(|(id, node)| name(id, node)).collect();
    Err(QuorumFault::Foreign {
        path: directory(options),
        found: found.join(", "),
        expected: name(&engine_id(options.node_id), voter),
    })
}

fn engine_fault(error: impl fmt::Display) -> QuorumFault {
    QuorumFault::Engine(error.to_string())
}
