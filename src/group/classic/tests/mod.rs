//! What members of a group do, in a few words each, for the tests below.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod describing;
mod events;
mod joining;
mod leaving;
mod model;
mod rebalancing;
mod records;
mod sessions;
mod static_members;
mod syncing;

use std::time::Duration;

use bytes::Bytes;

use crate::group::test_support::{Bench, Waiting, answer, config};
use crate::group::*;
use crate::types::{GroupId, MemberId};

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(30);

fn g() -> GroupId {
    GroupId::new("g")
}

fn id(member: &str) -> MemberId {
    MemberId::new(member)
}

/// A consumer's metadata: version 0, topics, no user data.
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as u32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as u16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn protocol(name: &str) -> Protocol {
    Protocol { name: name.into(), metadata: subscription(&["t"]) }
}

/// Of a dynamic member of an old version, which joins at once.
fn request(member: &str) -> JoinGroup {
    JoinGroup {
        group: g(),
        member: id(member),
        instance: None,
        client_id: "c".into(),
        client_host: "/10.0.0.1".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        protocol_type: "consumer".into(),
        protocols: vec![protocol("range")],
        requires_member_id: false,
        can_skip_assignment: true,
    }
}

fn of_instance(instance: &str, member: &str) -> JoinGroup {
    JoinGroup { instance: Some(instance.into()), ..request(member) }
}

fn with_protocols(names: &[&str], member: &str) -> JoinGroup {
    JoinGroup { protocols: names.iter().map(|name| protocol(name)).collect(), ..request(member) }
}

fn joined(waiting: &mut Waiting) -> JoinReply {
    match answer(waiting).expect("the join is answered") {
        Reply::Join(reply) => reply,
        Reply::Sync(reply) => panic!("{reply:?}"),
    }
}

fn synced(waiting: &mut Waiting) -> SyncReply {
    match answer(waiting).expect("the sync is answered") {
        Reply::Sync(reply) => reply,
        Reply::Join(reply) => panic!("{reply:?}"),
    }
}

fn is_parked(waiting: &mut Waiting) -> bool {
    answer(waiting).is_none()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Bench {
    fn join(&mut self, request: JoinGroup) -> Waiting {
        self.park(|groups, context, token| groups.join(context, request, token))
    }

    fn sync_as(&mut self, request: SyncGroup) -> Waiting {
        self.park(|groups, context, token| groups.sync(context, request, token))
    }

    fn sync(&mut self, member: &MemberId, generation: i32, assignments: &[(&MemberId, &str)]) -> Waiting {
        let assignments = assignments.iter().map(|(member, share)| ((*member).clone(), Bytes::copy_from_slice(share.as_bytes())));
        let (member, assignments) = (member.clone(), assignments.collect());
        self.sync_as(SyncGroup {
            group: g(),
            member,
            instance: None,
            generation,
            protocol_type: None,
            protocol: None,
            assignments,
        })
    }

    fn heartbeat(&mut self, member: &MemberId, generation: i32) -> Result<(), Refusal> {
        let heartbeat = Heartbeat { group: g(), member: member.clone(), instance: None, generation };
        self.decide(|groups, context| groups.heartbeat(context, &heartbeat))
    }

    fn leave(&mut self, leaving: &[(&str, Option<&str>)]) -> Result<Vec<Option<Refusal>>, Refusal> {
        let leaving = leaving.iter().map(|(member, instance)| Leaving { member: id(member), instance: instance.map(Into::into) });
        let request = LeaveGroup { group: g(), members: leaving.collect() };
        self.decide(|groups, context| groups.leave(context, &request))
    }

    fn described(&mut self) -> DescribedGroup {
        self.decide(|groups, _| groups.describe(&g())).expect("the group is there")
    }

    fn state(&mut self) -> GroupState {
        self.described().state
    }

    fn in_group<T>(&mut self, look: impl FnOnce(&mut super::ClassicGroup) -> T) -> T {
        self.decide(|groups, _| look(groups.groups.get_mut(&g()).expect("the group is there")))
    }

    /// Records that were written so far.
    fn written(&self) -> usize {
        crate::seams::lock(&self.journal.records).len()
    }

    /// A stable group of generation 1; the first member leads, and each one's share is its place.
    fn stable(&mut self, requests: Vec<JoinGroup>) -> Vec<MemberId> {
        let mut joins: Vec<Waiting> = requests.into_iter().map(|request| self.join(request)).collect();
        self.pass(Duration::ZERO);
        let members: Vec<MemberId> = joins.iter_mut().map(|join| joined(join).member).collect();
        self.assign(&members, 1);
        members
    }

    /// All members sync, the leader, who comes first, last.
    fn assign(&mut self, members: &[MemberId], generation: i32) {
        let shares: Vec<String> = (0..members.len()).map(|place| place.to_string()).collect();
        let assignments: Vec<(&MemberId, &str)> = members.iter().zip(shares.iter().map(String::as_str)).collect();
        let mut syncs: Vec<Waiting> = members[1..].iter().map(|member| self.sync(member, generation, &[])).collect();
        syncs.insert(0, self.sync(&members[0], generation, &assignments));
        for (sync, share) in syncs.iter_mut().zip(&shares) {
            assert_eq!(synced(sync).assignment, share.as_bytes());
        }
    }

    /// Lets time pass in which the members send their heartbeats.
    fn pass_alive(&mut self, time: Duration, members: &[&MemberId], generation: i32) {
        let end = self.now.plus(time);
        while self.now < end {
            self.pass(seconds(3).min(end.since(self.now)));
            for member in members {
                let heard = self.heartbeat(member, generation);
                assert!(matches!(heard, Ok(()) | Err(Refusal::RebalanceInProgress)), "{heard:?}");
            }
        }
    }
}

/// A group of `count` dynamic members.
fn group_of(count: usize) -> (Bench, Vec<MemberId>) {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![request(""); count]);
    (bench, members)
}
