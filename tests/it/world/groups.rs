//! A member of a group, as far as its requests go.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};

use super::requests::{text, topic_name};
use super::{Client, soon};

pub const JOIN_GROUP: i16 = 9;
pub const SYNC_GROUP: i16 = 5;
pub const HEARTBEAT: i16 = 4;
pub const LEAVE_GROUP: i16 = 5;
/// The newest that the crate writes.
pub const OFFSET_COMMIT: i16 = 9;
pub const OFFSET_FETCH: i16 = 9;

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;

pub fn group_id(group: &str) -> GroupId {
    text(group).into()
}

/// A consumer's metadata: version 0, the topic `t`, no user data.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";

/// Joins with one protocol, `range`.
pub fn join(group: &str, member: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(Bytes::from_static(SUBSCRIPTION));
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_member_id(text(member))
        .with_group_instance_id(None)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
        .with_reason(None)
}

pub fn sync(group: &str, member: &str, generation: i32, assignments: &[(&str, &'static str)]) -> SyncGroupRequest {
    let assignments = assignments.iter().map(|(member, assignment)| {
        SyncGroupRequestAssignment::default()
            .with_member_id(text(member))
            .with_assignment(Bytes::from_static(assignment.as_bytes()))
    });
    SyncGroupRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(generation)
        .with_member_id(text(member))
        .with_group_instance_id(None)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments.collect())
}

pub fn heartbeat(group: &str, member: &str, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(generation)
        .with_member_id(text(member))
        .with_group_instance_id(None)
}

pub fn leave(group: &str, member: &str) -> LeaveGroupRequest {
    let member = MemberIdentity::default().with_member_id(text(member)).with_group_instance_id(None).with_reason(None);
    LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(vec![member])
}

pub fn commit(group: &str, member: &str, generation: i32, offsets: &[(&str, i32, i64)]) -> OffsetCommitRequest {
    let topics = offsets.iter().map(|(topic, partition, offset)| {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(*partition)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text("kept")));
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition])
    });
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(text(member))
        .with_group_instance_id(None)
        .with_topics(topics.collect())
}

pub fn fetch_offsets(group: &str, topics: Option<&[(&str, &[i32])]>) -> OffsetFetchRequest {
    let topics = topics.map(|topics| {
        let topics = topics.iter().map(|(topic, partitions)| {
            OffsetFetchRequestTopics::default().with_name(topic_name(topic)).with_partition_indexes(partitions.to_vec())
        });
        topics.collect()
    });
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![group])
}

impl Client {
    /// Waits until the group's coordinator serves.
    pub async fn coordinator(&mut self, group: &str) {
        let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![text(group)]);
        soon(async {
            loop {
                let code = self.call(4, &find).await.coordinators[0].error_code;
                // A group that nobody knows has nothing to tell; what matters is who says so.
                let ready = code == 0 && {
                    let answer = self.call(OFFSET_FETCH, &fetch_offsets(group, None)).await;
                    let code = answer.groups[0].error_code;
                    ![COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR].contains(&code)
                };
                if ready {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Joins as a new dynamic member, by way of the id that has to be asked for first.
    pub async fn join(&mut self, group: &str) -> JoinGroupResponse {
        let refused = self.call(JOIN_GROUP, &join(group, "")).await;
        assert_eq!(refused.error_code, 79, "the member id comes first");
        self.call(JOIN_GROUP, &join(group, &refused.member_id)).await
    }

    /// Joins alone and takes the assignment `all`; returns member id and generation.
    pub async fn join_alone(&mut self, group: &str) -> (String, i32) {
        let joined = self.join(group).await;
        assert_eq!((joined.error_code, &joined.leader), (0, &joined.member_id));
        let synced =
            self.call(SYNC_GROUP, &sync(group, &joined.member_id, joined.generation_id, &[(&joined.member_id, "all")])).await;
        assert_eq!((synced.error_code, &*synced.assignment), (0, &b"all"[..]));
        (joined.member_id.to_string(), joined.generation_id)
    }

    /// The committed offset of one partition; -1 for none.
    pub async fn committed(&mut self, group: &str, topic: &str, partition: i32) -> i64 {
        let answer = self.call(OFFSET_FETCH, &fetch_offsets(group, Some(&[(topic, &[partition])]))).await;
        assert_eq!(answer.groups[0].error_code, 0);
        answer.groups[0].topics[0].partitions[0].committed_offset
    }
}
