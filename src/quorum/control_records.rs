//! The control records of the metadata log and its snapshots: Kafka's schemas, and what of the engine's state they carry.
//!
//! What the engine must know and Kafka's schemas have no field for stands in a tagged field that Kafka's readers skip:
//! in KRaftVoters the joint sets and learners of a membership, in SnapshotHeader the last log id and the membership.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::leader_change_message::{LeaderChangeMessage, Voter as LeaderChangeVoter};
use kafka_protocol::messages::voters_record::{Endpoint, KRaftVersionFeature, Voter, VotersRecord};
use kafka_protocol::messages::{BrokerId, SnapshotFooterRecord, SnapshotHeaderRecord};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use serde::{Deserialize, Serialize};

use super::VoterEndpoint;
use super::engine::{LogId, Membership, SnapshotMeta, StoredMembership, VoterNode, engine_id, node_id};
use crate::record::{BatchOptions, ControlType, control_batch};
use crate::types::{DirectoryId, NodeId, Timestamp};

/// Our tagged field. Kafka's own tags count from 0.
const ENGINE_TAG: i32 = 10_000;
/// Of KRaftVersion: voters have directory ids and change by records in the log.
const KRAFT_VERSION: i16 = 1;
/// Of LeaderChange. Version 1 has directory ids, but Kafka 4.3 writes 0 and its readers take every such record for one of
/// version 0 (ControlRecordUtils.java).
const LEADER_CHANGE_VERSION: i16 = 0;

/// Records in a membership's batch: the kraft version and the voters.
pub(super) const MEMBERSHIP_RECORDS: i32 = 2;

/// A batch that says that `leader` was elected. `leader` is `None` when the elections before are not known any more.
pub(super) fn leader_change_batch(
    options: BatchOptions,
    timestamp: Timestamp,
    leader: Option<NodeId>,
    membership: Option<&Membership>,
) -> Vec<u8> {
    let voter = |id: u64| LeaderChangeVoter::default().with_voter_id(node_id(id).0);
    let voters: BTreeSet<u64> = membership.iter().flat_map(|membership| membership.voter_ids()).collect();
    let message = LeaderChangeMessage::default()
        .with_version(LEADER_CHANGE_VERSION)
        .with_leader_id(BrokerId(leader.map_or(-1, |leader| leader.0)))
        .with_voters(voters.into_iter().map(voter).collect())
        .with_granting_voters(leader.into_iter().map(|leader| voter(engine_id(leader))).collect());
    control_batch(options, timestamp, &[(ControlType::LeaderChange, &encoded(&message, LEADER_CHANGE_VERSION))])
}

/// A batch that says who votes from here on.
pub(super) fn membership_batch(options: BatchOptions, timestamp: Timestamp, membership: &Membership) -> Vec<u8> {
    control_batch(
        options,
        timestamp,
        &[
            (ControlType::KraftVersion, &kraft_version_record()),
            (ControlType::KraftVoters, &encoded(&voters_record(membership), 0)),
        ],
    )
}

/// The membership that a KRaftVoters record holds.
///
/// # Errors
/// What is wrong with the record.
pub(super) fn read_voters(value: &[u8]) -> Result<Membership, String> {
    let record: VotersRecord = decoded(value, "KRaftVoters")?;
    if let Some(tag) = record.unknown_tagged_fields.get(&ENGINE_TAG) {
        return serde_json::from_slice::<MembershipTag>(tag).map_err(|error| error.to_string())?.into_membership();
    }
    let nodes: BTreeMap<u64, VoterNode> = record.voters.into_iter().map(voter_node).collect::<Result<_, String>>()?;
    Membership::new(vec![nodes.keys().copied().collect()], nodes).map_err(|error| error.to_string())
}

/// The first batch of a snapshot.
pub(super) fn snapshot_header_batch(
    options: BatchOptions,
    timestamp: Timestamp,
    last_contained: Timestamp,
    meta: &SnapshotMeta,
) -> Vec<u8> {
    let tag = serde_json::to_vec(&SnapshotTag::of(meta)).expect("maps with string keys and numbers are JSON");
    let header = SnapshotHeaderRecord::default()
        .with_last_contained_log_timestamp(last_contained.0)
        .with_unknown_tagged_field(ENGINE_TAG, Bytes::from(tag));
    let header = encoded(&header, 0);
    let version = kraft_version_record();
    let mut records: Vec<(ControlType, &[u8])> = vec![(ControlType::SnapshotHeader, &header)];
    let voters = encoded(&voters_record(meta.last_membership.membership()), 0);
    if meta.last_membership.log_id().is_some() {
        records.extend([(ControlType::KraftVersion, version.as_slice()), (ControlType::KraftVoters, &voters)]);
    }
    control_batch(options, timestamp, &records)
}

/// The last batch of a snapshot.
pub(super) fn snapshot_footer_batch(options: BatchOptions, timestamp: Timestamp) -> Vec<u8> {
    let footer = encoded(&SnapshotFooterRecord::default(), 0);
    control_batch(options, timestamp, &[(ControlType::SnapshotFooter, &footer)])
}

/// What a snapshot's header says: the timestamp of its last record and where the engine stood.
///
/// # Errors
/// What is wrong with the record; a header that Kafka wrote lacks the engine's part.
pub(super) fn read_snapshot_header(value: &[u8]) -> Result<(Timestamp, SnapshotMeta), String> {
    let header: SnapshotHeaderRecord = decoded(value, "SnapshotHeader")?;
    let tag = header.unknown_tagged_fields.get(&ENGINE_TAG).ok_or("the snapshot was not written by Klamm")?;
    let tag: SnapshotTag = serde_json::from_slice(tag).map_err(|error| error.to_string())?;
    Ok((Timestamp(header.last_contained_log_timestamp), tag.into_meta()?))
}

/// KRaftVersionRecord.json: version of the record, level of the feature, no tagged fields.
fn kraft_version_record() -> Vec<u8> {
    let mut record = 0_i16.to_be_bytes().to_vec();
    record.extend(KRAFT_VERSION.to_be_bytes());
    record.push(0);
    record
}

/// A joint membership is written as its incoming set, the rest of it in the tagged field.
fn voters_record(membership: &Membership) -> VotersRecord {
    let configs = membership.get_joint_config();
    let voters = configs.last().into_iter().flatten().map(|id| {
        let node = membership.get_node(id).cloned().unwrap_or_default();
        let endpoint = |endpoint: VoterEndpoint| {
            Endpoint::default()
                .with_name(StrBytes::from_string(endpoint.name))
                .with_host(StrBytes::from_string(endpoint.host))
                .with_port(endpoint.port)
        };
        Voter::default()
            .with_voter_id(BrokerId(node_id(*id).0))
            .with_voter_directory_id(node.directory_id.0)
            .with_endpoints(node.endpoints.into_iter().map(endpoint).collect())
            .with_k_raft_version_feature(KRaftVersionFeature::default().with_max_supported_version(KRAFT_VERSION))
    });
    let record = VotersRecord::default().with_voters(voters.collect());
    if configs.len() == 1 && membership.learner_ids().next().is_none() {
        return record;
    }
    let tag = serde_json::to_vec(&MembershipTag::of(membership)).expect("maps with string keys and numbers are JSON");
    record.with_unknown_tagged_field(ENGINE_TAG, Bytes::from(tag))
}

fn voter_node(voter: Voter) -> Result<(u64, VoterNode), String> {
    let id = u64::try_from(voter.voter_id.0).map_err(|_| format!("voter id {} is negative", voter.voter_id.0))?;
    let endpoint = |endpoint: Endpoint| VoterEndpoint {
        name: endpoint.name.to_string(),
        host: endpoint.host.to_string(),
        port: endpoint.port,
    };
    let endpoints = voter.endpoints.into_iter().map(endpoint).collect();
    Ok((id, VoterNode { directory_id: DirectoryId(voter.voter_directory_id), endpoints }))
}

fn encoded(record: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    record.encode(&mut bytes, version).expect("the fields set are those of the version");
    bytes.freeze()
}

/// The bytes lay behind a valid CRC.
fn decoded<T: Decodable>(value: &[u8], name: &str) -> Result<T, String> {
    T::decode(&mut Bytes::copy_from_slice(value), 0).map_err(|error| format!("{name}: {error}"))
}

/// A log id in JSON.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct LogIdTag {
    term: u64,
    index: u64,
}

impl From<LogId> for LogIdTag {
    fn from(id: LogId) -> Self {
        Self { term: *id.leader_id, index: id.index }
    }
}

impl From<LogIdTag> for LogId {
    fn from(id: LogIdTag) -> Self {
        Self { leader_id: id.term.into(), index: id.index }
    }
}

/// A membership in JSON: the sets of voters (two while it is joint), all nodes; those in no set are learners.
#[derive(Serialize, Deserialize)]
struct MembershipTag {
    configs: Vec<BTreeSet<u64>>,
    nodes: BTreeMap<u64, VoterNode>,
}

impl MembershipTag {
    fn of(membership: &Membership) -> Self {
        let nodes = membership.nodes().map(|(id, node)| (*id, node.clone())).collect();
        Self { configs: membership.get_joint_config().clone(), nodes }
    }

    fn into_membership(self) -> Result<Membership, String> {
        if self.configs.is_empty() && self.nodes.is_empty() {
            return Ok(Membership::default());
        }
        Membership::new(self.configs, self.nodes).map_err(|error| error.to_string())
    }
}

/// Where the engine stood at a snapshot, in JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotTag {
    last_log_id: Option<LogIdTag>,
    membership_log_id: Option<LogIdTag>,
    membership: MembershipTag,
}

impl SnapshotTag {
    fn of(meta: &SnapshotMeta) -> Self {
        Self {
            last_log_id: meta.last_log_id.map(LogIdTag::from),
            membership_log_id: meta.last_membership.log_id().map(LogIdTag::from),
            membership: MembershipTag::of(meta.last_membership.membership()),
        }
    }

    fn into_meta(self) -> Result<SnapshotMeta, String> {
        let membership = self.membership.into_membership()?;
        Ok(SnapshotMeta {
            last_log_id: self.last_log_id.map(LogId::from),
            last_membership: StoredMembership::new(self.membership_log_id.map(LogId::from), membership),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::record::{OutputBudget, Records, control_type};

    fn node(number: u128) -> VoterNode {
        let endpoint = VoterEndpoint { name: "CONTROLLER".to_owned(), host: format!("host-{number}"), port: 9093 };
        VoterNode { directory_id: DirectoryId(uuid::Uuid::from_u128(number)), endpoints: vec![endpoint] }
    }

    /// Types and values of a control batch's records.
    fn records(batch: &[u8]) -> Vec<(ControlType, Vec<u8>)> {
        let records = Records::read(batch, OutputBudget(1 << 20)).unwrap();
        let record =
            |record: crate::record::Record<'_>| (control_type(record.key.unwrap()).unwrap(), record.value.unwrap().to_vec());
        records.iter().map(record).collect()
    }

    #[test]
    fn memberships_come_back_as_they_were_written() {
        let nodes = BTreeMap::from([(1, node(1)), (2, node(2)), (7, node(7))]);
        let simple = Membership::new(vec![[1, 2, 7].into()], nodes.clone()).unwrap();
        let with_learner = Membership::new(vec![[1, 2].into()], nodes.clone()).unwrap();
        let joint = Membership::new(vec![[1, 2].into(), [1, 7].into()], nodes).unwrap();
        for (membership, voters, has_tag) in
            [(simple, vec![1, 2, 7], false), (with_learner, vec![1, 2], true), (joint, vec![1, 7], true)]
        {
            let batch = membership_batch(BatchOptions::default(), Timestamp(5), &membership);
            let records = records(&batch);
            assert_eq!(
                records.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
                [ControlType::KraftVersion, ControlType::KraftVoters]
            );
            let (_, value) = records.last().unwrap();
            let record: VotersRecord = decoded(value, "KRaftVoters").unwrap();
            assert_eq!(record.voters.iter().map(|voter| voter.voter_id.0).collect::<Vec<_>>(), voters, "the incoming set");
            assert_eq!(record.unknown_tagged_fields.contains_key(&ENGINE_TAG), has_tag);
            assert_eq!(read_voters(value).unwrap(), membership);
        }
    }

    #[test]
    fn a_leader_change_names_leader_and_voters() {
        let membership = Membership::new(vec![[1, 2].into()], BTreeMap::from([(1, node(1)), (2, node(2))])).unwrap();
        let batch = leader_change_batch(BatchOptions::default(), Timestamp(5), Some(NodeId(2)), Some(&membership));
        let records = records(&batch);
        let [(ControlType::LeaderChange, value)] = records.as_slice() else { panic!("{records:?}") };
        let message = LeaderChangeMessage::decode(&mut Bytes::copy_from_slice(value), LEADER_CHANGE_VERSION).unwrap();
        assert_eq!((message.version, message.leader_id), (0, BrokerId(2)));
        let named = |voters: &[LeaderChangeVoter]| voters.iter().map(|voter| voter.voter_id).collect::<Vec<_>>();
        assert_eq!((named(&message.voters), named(&message.granting_voters)), (vec![1, 2], vec![2]));
    }

    #[test]
    fn a_snapshot_header_keeps_where_the_engine_stood() {
        let membership = Membership::new(vec![[1, 2].into()], BTreeMap::from([(1, node(1)), (2, node(2))])).unwrap();
        let log_id = |term: u64, index| LogId { leader_id: term.into(), index };
        let known = SnapshotMeta {
            last_log_id: Some(log_id(4, 99)),
            last_membership: StoredMembership::new(Some(log_id(2, 7)), membership),
        };
        for (meta, count) in [(known, 3), (SnapshotMeta::default(), 1)] {
            let batch = snapshot_header_batch(BatchOptions::default(), Timestamp(5), Timestamp(4), &meta);
            let records = records(&batch);
            assert_eq!(records.len(), count);
            let (kind, value) = records.first().unwrap();
            assert_eq!(*kind, ControlType::SnapshotHeader);
            assert_eq!(read_snapshot_header(value).unwrap(), (Timestamp(4), meta));
        }
        let kafkas = encoded(&SnapshotHeaderRecord::default(), 0);
        assert!(read_snapshot_header(&kafkas).is_err(), "a snapshot of Kafka's cannot be counted from");
    }
}
