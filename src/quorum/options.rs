//! What the quorum is started with, and why it may not start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::MetadataStateMachine;
use crate::log::LogFault;
use crate::seams::{Clock, Disk, Execution};
use crate::types::{ClusterId, DirectoryId, NodeId};

/// Everything that `Quorum::start` needs.
pub struct QuorumOptions {
    pub node_id: NodeId,
    /// Id of the metadata log directory, from its meta.properties.
    pub directory_id: DirectoryId,
    pub cluster_id: ClusterId,
    /// `metadata.log.dir`, which exists and is locked by the caller; the quorum's files lie in `__cluster_metadata-0` below it.
    pub metadata_directory: PathBuf,
    /// Where other voters would reach this one; written into the voters record. Empty for a lone node without a controller listener.
    pub endpoints: Vec<VoterEndpoint>,
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub execution: Arc<dyn Execution>,
    pub state_machine: Arc<dyn MetadataStateMachine>,
    pub settings: QuorumSettings,
}

/// One listener of a voter, as in Kafka's VotersRecord.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct VoterEndpoint {
    pub name: String,
    pub host: String,
    pub port: u16,
}

/// The quorum's settings; each names the Kafka key it comes from, where there is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumSettings {
    /// A snapshot is made after so many new bytes of records: `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_max_new_bytes: u64,
    /// And after this time, if anything is new; `None` for never: `metadata.log.max.snapshot.interval.ms`.
    pub snapshot_interval: Option<Duration>,
    /// And after so many new batches; for simulations.
    pub snapshot_max_entries: Option<u64>,
    /// Batches below the newest snapshot that stay in the log, for voters and observers that are a little behind.
    pub log_entries_kept: u64,
    /// `metadata.log.segment.bytes`.
    pub segment_bytes: u64,
    /// `metadata.log.segment.ms`.
    pub segment_ms: i64,
    /// A follower stands for election when it has not heard of a leader for this time to twice this time:
    /// `controller.quorum.election.timeout.ms`. At least four times `heartbeat_interval`.
    pub election_timeout: Duration,
    /// How often a leader that has nothing to send reports to its followers.
    pub heartbeat_interval: Duration,
    /// Proposals that may wait for the engine before [`super::ProposeError::Busy`].
    pub max_queued_proposals: u64,
}

impl Default for QuorumSettings {
    /// Kafka 4.3's defaults.
    fn default() -> Self {
        Self {
            snapshot_max_new_bytes: 20 << 20,
            snapshot_interval: Some(Duration::from_secs(3600)),
            snapshot_max_entries: None,
            log_entries_kept: 1000,
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3600 * 1000,
            election_timeout: Duration::from_secs(1),
            heartbeat_interval: Duration::from_millis(250),
            max_queued_proposals: 1024,
        }
    }
}

/// Why the quorum does not start.
#[derive(Debug, thiserror::Error)]
pub enum QuorumFault {
    #[error(transparent)]
    Log(#[from] LogFault),
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: std::io::Error },
    /// Files that contradict each other or are not Kafka's.
    #[error("{}: {problem}", path.display())]
    Corrupt { path: PathBuf, problem: String },
    /// The directory belongs to another voter.
    #[error("{}: holds the metadata log of {found}, this is {expected}", path.display())]
    Foreign { path: PathBuf, found: String, expected: String },
    #[error("the metadata quorum cannot start: {0}")]
    Engine(String),
}
