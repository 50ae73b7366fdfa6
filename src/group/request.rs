//! What is asked of the group coordinator, and what it replies, in its own terms. Ids and metadata are owned: never slices of a request's frame.

use std::sync::Arc;

use bytes::Bytes;

use super::Refusal;
use crate::types::{GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, TopicId, TopicName};

/// One protocol (assignor) that a member supports, with the member's metadata for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protocol {
    pub name: Arc<str>,
    pub metadata: Bytes,
}

/// JoinGroup. The group id was checked not to be empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroup {
    pub group: GroupId,
    /// "" for a member that has none yet.
    pub member: MemberId,
    /// `group.instance.id` of a static member.
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    /// The client's address as Kafka shows it: a slash and the number.
    pub client_host: Arc<str>,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    pub protocol_type: Arc<str>,
    /// In the member's order of preference.
    pub protocols: Vec<Protocol>,
    /// From version 4 a new dynamic member gets its id first and joins with it (KIP-394).
    pub requires_member_id: bool,
    /// From version 9 a leader may be told not to compute an assignment (KIP-814).
    pub can_skip_assignment: bool,
}

/// What a leader is told of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedMember {
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    pub metadata: Bytes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinReply {
    pub refusal: Option<Refusal>,
    /// -1 with a refusal.
    pub generation: i32,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// "" when there is none.
    pub leader: MemberId,
    pub member: MemberId,
    /// For the leader alone.
    pub members: Vec<JoinedMember>,
    pub skip_assignment: bool,
}

/// SyncGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncGroup {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    pub generation: i32,
    /// `None` before version 5.
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// From the leader.
    pub assignments: Vec<(MemberId, Bytes)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncReply {
    pub refusal: Option<Refusal>,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub assignment: Bytes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    pub generation: i32,
}

/// Who leaves. With an empty member id the instance is meant, whoever holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaving {
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveGroup {
    pub group: GroupId,
    pub members: Vec<Leaving>,
}

/// State of a classic group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GroupState {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
}

impl GroupState {
    /// As tools show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedMember {
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    /// Empty unless the group is stable.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedGroup {
    pub group: GroupId,
    pub state: GroupState,
    /// "" when there is none.
    pub protocol_type: Arc<str>,
    /// "" unless the group is stable.
    pub protocol: Arc<str>,
    pub members: Vec<DescribedMember>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    pub group: GroupId,
    pub protocol_type: Arc<str>,
    pub state: GroupState,
}

/// One partition's offset in a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOffset {
    pub topic: TopicName,
    /// Which life of the topic is meant, if the broker knows.
    pub topic_id: Option<TopicId>,
    pub partition: PartitionIndex,
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    pub metadata: Arc<str>,
}

/// OffsetCommit; what it may not commit was sorted out before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitOffsets {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<Arc<str>>,
    /// -1 from clients that use no group management.
    pub generation: i32,
    /// Milliseconds to keep the offsets, as versions 2 to 4 may say; `None` for the broker's own rule.
    pub retention_ms: Option<i64>,
    /// From version 9 a missing group is GROUP_ID_NOT_FOUND.
    pub knows_group_id_not_found: bool,
    pub offsets: Vec<NewOffset>,
}

/// What OffsetFetch asks of one topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskedTopic {
    pub topic: TopicName,
    /// From clients that named the topic by its id: offsets of another life of it are not meant.
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<PartitionIndex>,
}

/// OffsetFetch of one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchOffsets {
    pub group: GroupId,
    /// From version 9; `None` before.
    pub member: Option<MemberId>,
    /// -1 when the client says nothing of it.
    pub member_epoch: i32,
    /// `None` for all that the group has.
    pub partitions: Option<Vec<AskedTopic>>,
    /// Offsets that a transaction may still change are not told: their partitions say so instead (KIP-447).
    pub require_stable: bool,
}

/// OffsetDelete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteOffsets {
    pub group: GroupId,
    pub partitions: Vec<(TopicName, PartitionIndex)>,
}
