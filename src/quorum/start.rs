//! Starting the quorum: open the files, load the snapshot, build the engine, bootstrap or stand for election.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use openraft::Raft;
use tokio::sync::{oneshot, watch};

use super::attendant::{Attendant, NO_LEADER, Proposer};
use super::engine::{VoterNode, engine_config, engine_id};
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
        let Storage { store, snapshots, records } = open_storage(&options, &failure).await?;
        let voter = VoterNode { directory_id: options.directory_id, endpoints: options.endpoints.clone() };
        let is_new = check(&options, &store, &voter)?;
        let progress = Arc::new(Progress::new());
        let parts = Parts {
            target: Arc::clone(&options.state_machine),
            snapshots: Arc::clone(&snapshots),
            progress: Arc::clone(&progress),
            clock: Arc::clone(&options.clock),
            execution: Arc::clone(&options.execution),
            failure: failure.clone(),
            settings: options.settings.clone(),
        };
        let state_machine = StateMachine::open(parts, records)
            .map_err(|error| QuorumFault::Corrupt { path: directory(&options), problem: error.to_string() })?;
        let config = engine_config(&options.settings, &options.cluster_id)?;
        let id = engine_id(options.node_id);
        let raft = Raft::new(id, config, NoPeers, store.clone(), state_machine).await.map_err(engine_fault)?;
        if is_new {
            raft.initialize(BTreeMap::from([(id, voter)])).await.map_err(engine_fault)?;
        } else {
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
            settings: options.settings,
        };
        options.execution.spawn(Lane::Control, Box::pin(attendant.run()));
        Ok(Self { raft, store, snapshots, progress, proposer, leader: watched, failure, clock: options.clock })
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

/// Whether the directory is new; if not, it must be that of this voter. Looks only: nothing was written before.
fn check(options: &QuorumOptions, store: &LogStore, voter: &VoterNode) -> Result<bool, QuorumFault> {
    let (last, vote) = store.state();
    if let Some(vote) = vote.filter(|vote| last.is_none() && vote.leader_id.term > 0) {
        let problem = format!("quorum-state knows epoch {}, but the metadata log is empty", vote.leader_id.term);
        return Err(QuorumFault::Corrupt { path: directory(options), problem });
    }
    let Some(membership) = store.membership() else { return Ok(last.is_none()) };
    let id = engine_id(options.node_id);
    if membership.get_node(&id).is_some_and(|known| known.directory_id == voter.directory_id) {
        return Ok(false);
    }
    let name = |id: &u64, node: &VoterNode| format!("voter {id} with directory {}", node.directory_id);
    let found: Vec<String> = membership.nodes().map(|(id, node)| name(id, node)).collect();
    Err(QuorumFault::Foreign { path: directory(options), found: found.join(", "), expected: name(&id, voter) })
}

fn engine_fault(error: impl fmt::Display) -> QuorumFault {
    QuorumFault::Engine(error.to_string())
}
