//! The engine's types, filled in with ours, and its settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::impls::leader_id_std;
use openraft::{Config, SnapshotPolicy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::runtime::EngineRuntime;
use super::{QuorumFault, QuorumSettings, VoterEndpoint};
use crate::types::{ClusterId, DirectoryId, LeaderEpoch, NodeId};

openraft::declare_raft_types!(
    /// One leader per term, so that a log id can be rebuilt from a batch: term = leader epoch.
    pub(super) Engine:
        D = Proposal,
        R = Applied,
        NodeId = u64,
        Node = VoterNode,
        Term = u64,
        LeaderId = leader_id_std::LeaderId<u64, u64>,
        AsyncRuntime = EngineRuntime,
);

pub(super) type LogId = openraft::alias::LogIdOf<Engine>;
pub(super) type Vote = openraft::alias::VoteOf<Engine>;
pub(super) type Entry = openraft::alias::EntryOf<Engine>;
pub(super) type Membership = openraft::Membership<u64, VoterNode>;
pub(super) type StoredMembership = openraft::alias::StoredMembershipOf<Engine>;
pub(super) type SnapshotMeta = openraft::alias::SnapshotMetaOf<Engine>;

/// A proposed batch of metadata records, whole: its base offset is the predicted one, its epoch is stamped by the log store.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proposal(pub(super) Bytes);

impl fmt::Debug for Proposal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a batch of {} bytes", self.0.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl Serialize for Proposal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Proposal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|bytes| Self(Bytes::from(bytes)))
    }
}

/// What the engine hands back for an applied entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Applied {
    pub(super) base_offset: i64,
}

/// What a voter is beside its id: its metadata log directory and its listeners.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoterNode {
    #[serde(serialize_with = "write_directory", deserialize_with = "read_directory")]
    pub(super) directory_id: DirectoryId,
    pub(super) endpoints: Vec<VoterEndpoint>,
}

fn write_directory<S: Serializer>(id: &DirectoryId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn read_directory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DirectoryId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// A log id of Kafka's terms.
pub(super) fn log_id(epoch: LeaderEpoch, index: u64) -> LogId {
    let term = u64::try_from(epoch.0).expect("epochs in the metadata log are not negative");
    LogId { leader_id: term.into(), index }
}

/// The engine counts terms in u64, Kafka in i32.
pub(super) fn epoch_of_term(term: u64) -> LeaderEpoch {
    LeaderEpoch(i32::try_from(term).expect("2^31 elections take centuries"))
}

pub(super) fn engine_id(id: NodeId) -> u64 {
    u64::try_from(id.0).expect("node ids are not negative")
}

/// The engine's ids come from ours.
pub(super) fn node_id(id: u64) -> NodeId {
    NodeId(i32::try_from(id).expect("the engine knows only ids that were i32"))
}

/// The engine's settings. Of those that are not ours to choose:
/// - A leader that restarts must not lead again in its old term: the engine commits on any majority, so entries of that
///   term may be acknowledged that this disk lost, and their log ids would be given out twice.
/// - Pre-vote keeps a node that was cut off from deposing a healthy leader; the probe lets a leader that lost its quorum
///   fall silent, so that another can be elected through nodes that hear both.
/// - Snapshots are made when [`QuorumSettings`] say so, which count bytes and time; the engine counts only entries.
pub(super) fn engine_config(settings: &QuorumSettings, cluster_id: &ClusterId) -> Result<Arc<Config>, QuorumFault> {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 8);
    let election_timeout = milliseconds(settings.election_timeout);
    let config = Config {
        cluster_name: cluster_id.to_string(),
        election_timeout_min: election_timeout,
        election_timeout_max: election_timeout * 2,
        heartbeat_interval: milliseconds(settings.heartbeat_interval),
        quorum_loss_probe_interval: Some(election_timeout * 4),
        enable_pre_vote: Some(true),
        enable_leader_restore: Some(false),
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: settings.log_entries_kept,
        api_channel_size: Some(settings.max_queued_proposals),
        ..Config::default()
    };
    let config = config.validate().map_err(|error| QuorumFault::Engine(error.to_string()))?;
    assert_eq!(config.enable_leader_restore, Some(false), "a restarted leader must be elected anew");
    Ok(Arc::new(config))
}
