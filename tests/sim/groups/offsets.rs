//! Commits and fetches of offsets, noted in the history.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};
use kafka_protocol::protocol::StrBytes;

use super::history::Fetched;
use super::member::{NONE, Shared, is_passing};
use super::{group_id, topic_name};
use crate::peer::Peer;

/// Commits a fresh offset; returns the answer's code, if there is one.
pub(super) async fn commit(peer: &mut Peer, history: &Shared, member: &str, generation: i32, partition: i32) -> Option<i16> {
    let (index, offset) = history.lock().unwrap().begin_commit(partition);
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(-1)
        .with_committed_metadata(Some(StrBytes::default()));
    let topic = OffsetCommitRequestTopic::default().with_name(topic_name()).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id())
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(StrBytes::from_string(member.to_owned()))
        .with_group_instance_id(None)
        .with_topics(vec![topic]);
    let code = peer.attempt(8, &request).await?.topics[0].partitions[0].error_code;
    let mut history = history.lock().unwrap();
    if code == NONE {
        history.commits[index].acknowledged = Some(history.now());
    } else if !is_passing(code) {
        // Refused for good: it never took effect.
        history.commits[index].partition = -1;
    }
    Some(code)
}

/// Fetches one offset; no answer, or one that has to be waited for, is no observation.
pub(super) async fn fetch(peer: &mut Peer, history: &Shared, partition: i32) -> Result<Option<i64>, String> {
    let topic = OffsetFetchRequestTopics::default().with_name(topic_name()).with_partition_indexes(vec![partition]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(group_id())
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(Some(vec![topic]));
    let request = OffsetFetchRequest::default().with_groups(vec![group]);
    let begun = history.lock().unwrap().now();
    let Some(answer) = peer.attempt(8, &request).await else { return Ok(None) };
    let group = &answer.groups[0];
    match group.error_code {
        NONE => {
            let offset = group.topics[0].partitions[0].committed_offset;
            let mut history = history.lock().unwrap();
            let ended = history.now();
            history.fetched.push(Fetched { begun, ended, partition, offset });
            Ok(Some(offset))
        }
        code if is_passing(code) => Ok(None),
        code => Err(format!("fetching an offset: error {code}")),
    }
}
