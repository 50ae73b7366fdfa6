//! What groups do with offsets, in a few words each, for the tests below.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod committing;
mod deleting;
mod expiring;
mod fetching;
mod model;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{CommittedOffset, FetchedOffset, OffsetsOfGroup};
use crate::coordinator::Coordinator;
use crate::group::test_support::{Bench, answer, config};
use crate::group::*;
use crate::seams::lock;
use crate::types::{GroupId, LeaderEpoch, MemberId, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

/// The longest that a member may be silent for.
const SESSION: Duration = Duration::from_secs(1_800);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Between two looks for expired offsets.
const CHECK: Duration = Duration::from_secs(600);

fn group_id(group: &str) -> GroupId {
    GroupId::new(group)
}

fn topic_id(number: u128) -> TopicId {
    TopicId(uuid::Uuid::from_u128(number))
}

/// A loaded coordinator.
fn bench() -> Bench {
    let mut bench = Bench::new(config());
    bench.decide(GroupCoordinator::loaded);
    bench
}

fn new_offset(topic: &str, partition: i32, offset: i64) -> NewOffset {
    NewOffset {
        topic: TopicName::new(topic),
        topic_id: Some(topic_id(1)),
        partition: PartitionIndex(partition),
        offset: Offset(offset),
        leader_epoch: None,
        metadata: Arc::from(""),
    }
}

/// From a client without group management.
fn simple(group: &str, offsets: Vec<NewOffset>) -> CommitOffsets {
    CommitOffsets {
        group: group_id(group),
        member: MemberId::new(""),
        instance: None,
        generation: -1,
        retention_ms: None,
        knows_group_id_not_found: true,
        offsets,
    }
}

fn commit(bench: &mut Bench, request: &CommitOffsets) -> Result<Vec<Option<Refusal>>, Refusal> {
    bench.decide(|groups, context| groups.commit_offsets(context, request))
}

fn fetch_all(bench: &mut Bench, group: &str) -> OffsetsOfGroup {
    let request =
        FetchOffsets { group: group_id(group), member: None, member_epoch: -1, partitions: None, require_stable: false };
    bench.decide(|groups, _| groups.fetch_offsets(&request)).unwrap()
}

/// All offsets of a group as topic, partition and number.
fn numbers(bench: &mut Bench, group: &str) -> Vec<(String, i32, i64)> {
    let topics = fetch_all(bench, group).into_iter();
    let numbers = topics.flat_map(|(topic, partitions)| {
        partitions.into_iter().map(move |(partition, fetched)| match fetched {
            FetchedOffset::Committed(offset) => (topic.to_string(), partition.0, offset.offset.0),
            FetchedOffset::Nothing | FetchedOffset::Unstable => panic!("all are told that are committed"),
        })
    });
    numbers.collect()
}

fn delete(bench: &mut Bench, group: &str, partitions: &[(&str, i32)]) -> Result<Vec<Option<Refusal>>, Refusal> {
    let partitions = partitions.iter().map(|(topic, partition)| (TopicName::new(topic), PartitionIndex(*partition)));
    let request = DeleteOffsets { group: group_id(group), partitions: partitions.collect() };
    bench.decide(|groups, context| groups.delete_offsets(context, &request))
}

fn state(bench: &mut Bench, group: &str) -> Option<GroupState> {
    bench.decide(|groups, _| groups.describe(&group_id(group))).map(|group| group.state)
}

/// Records written so far.
fn written(bench: &Bench) -> usize {
    lock(&bench.journal.records).len()
}

/// A consumer's metadata: version 0, topics, no user data.
fn subscription(topics: &[&str]) -> Bytes {
    let names = topics.iter().flat_map(|topic| [&u16::try_from(topic.len()).unwrap().to_be_bytes(), topic.as_bytes()].concat());
    let mut bytes = vec![0, 0];
    bytes.extend(u32::try_from(topics.len()).unwrap().to_be_bytes());
    bytes.extend(names);
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn join_request(group: &str, member: &MemberId, protocol_type: &str, metadata: Bytes) -> JoinGroup {
    JoinGroup {
        group: group_id(group),
        member: member.clone(),
        instance: None,
        client_id: Arc::from("client"),
        client_host: Arc::from("/10.0.0.1"),
        session_timeout_ms: i32::try_from(SESSION.as_millis()).unwrap(),
        rebalance_timeout_ms: 60_000,
        protocol_type: Arc::from(protocol_type),
        protocols: vec![Protocol { name: Arc::from("range"), metadata }],
        requires_member_id: false,
        can_skip_assignment: false,
    }
}

/// A member and its generation.
type Membership = (MemberId, i32);

/// The only member of a group, which waits for its assignment.
fn join(bench: &mut Bench, group: &str, protocol_type: &str, metadata: Bytes) -> Membership {
    let request = join_request(group, &MemberId::new(""), protocol_type, metadata);
    let mut waiting = bench.park(|groups, context, token| groups.join(context, request, token));
    bench.pass(Duration::ZERO);
    match answer(&mut waiting) {
        Some(Reply::Join(JoinReply { refusal: None, member, generation, .. })) => (member, generation),
        other => panic!("{other:?}"),
    }
}

fn sync(bench: &mut Bench, group: &str, (member, generation): &Membership) {
    let request = SyncGroup {
        group: group_id(group),
        member: member.clone(),
        instance: None,
        generation: *generation,
        protocol_type: None,
        protocol: None,
        assignments: vec![(member.clone(), Bytes::from_static(b"all"))],
    };
    let mut waiting = bench.park(|groups, context, token| groups.sync(context, request, token));
    assert!(matches!(answer(&mut waiting), Some(Reply::Sync(SyncReply { refusal: None, .. }))));
}

/// A stable group of one consumer of these topics.
fn consume(bench: &mut Bench, group: &str, topics: &[&str]) -> Membership {
    let membership = join(bench, group, "consumer", subscription(topics));
    sync(bench, group, &membership);
    membership
}

/// Lets another member come, so that the group rebalances; returns its place, which a test holds for as long as it is to wait.
fn disturb(bench: &mut Bench, group: &str) -> crate::group::test_support::Waiting {
    let request = join_request(group, &MemberId::new(""), "consumer", subscription(&["t"]));
    let waiting = bench.park(|groups, context, token| groups.join(context, request, token));
    assert_eq!(state(bench, group), Some(GroupState::PreparingRebalance));
    waiting
}

fn by_member(group: &str, (member, generation): &Membership, offsets: Vec<NewOffset>) -> CommitOffsets {
    CommitOffsets { member: member.clone(), generation: *generation, ..simple(group, offsets) }
}

fn heartbeat(bench: &mut Bench, group: &str, (member, generation): &Membership) -> Result<(), Refusal> {
    let request = Heartbeat { group: group_id(group), member: member.clone(), instance: None, generation: *generation };
    bench.decide(|groups, context| groups.heartbeat(context, &request))
}

/// Lets time pass in which the member lives.
fn live(bench: &mut Bench, group: &str, membership: &Membership, time: Duration) {
    let end = bench.now.plus(time);
    while bench.now < end {
        bench.pass((SESSION / 2).min(end.since(bench.now)));
        heartbeat(bench, group, membership).unwrap();
    }
}

fn leave(bench: &mut Bench, group: &str, (member, _): &Membership) {
    let request = LeaveGroup { group: group_id(group), members: vec![Leaving { member: member.clone(), instance: None }] };
    assert_eq!(bench.decide(|groups, context| groups.leave(context, &request)), Ok(vec![None]));
}
