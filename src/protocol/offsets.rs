//! OffsetCommit 10 and OffsetFetch 10, which name topics by id (KIP-848); kafka-protocol reads both requests up to version 9.

use bytes::Bytes;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};
use kafka_protocol::protocol::StrBytes;

use super::codec::Reader;
use super::{DecodeError, decode_request};

/// First version that names topics by id.
const TOPIC_IDS: i16 = 10;

/// An OffsetCommit request of any version served.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_offset_commit(version: i16, body: Bytes) -> Result<OffsetCommitRequest, DecodeError> {
    if version < TOPIC_IDS {
        return decode_request(version, body);
    }
    let from = &mut Reader::new(&body);
    let request = OffsetCommitRequest::default()
        .with_group_id(text(from)?.into())
        .with_generation_id_or_member_epoch(from.i32()?)
        .with_member_id(text(from)?)
        .with_group_instance_id(nullable_text(from)?)
        .with_topics(from.compact_array_of(commit_topic)?);
    from.skip_tagged_fields()?;
    Ok(request)
}

fn commit_topic(from: &mut Reader<'_>) -> Result<OffsetCommitRequestTopic, DecodeError> {
    let topic =
        OffsetCommitRequestTopic::default().with_topic_id(from.uuid()?).with_partitions(from.compact_array_of(commit_partition)?);
    from.skip_tagged_fields()?;
    Ok(topic)
}

fn commit_partition(from: &mut Reader<'_>) -> Result<OffsetCommitRequestPartition, DecodeError> {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(from.i32()?)
        .with_committed_offset(from.i64()?)
        .with_committed_leader_epoch(from.i32()?)
        .with_committed_metadata(nullable_text(from)?);
    from.skip_tagged_fields()?;
    Ok(partition)
}

/// An OffsetFetch request of any version served.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_offset_fetch(version: i16, body: Bytes) -> Result<OffsetFetchRequest, DecodeError> {
    if version < TOPIC_IDS {
        return decode_request(version, body);
    }
    let from = &mut Reader::new(&body);
    let groups = from.compact_array_of(fetch_group)?;
    let request = OffsetFetchRequest::default().with_groups(groups).with_require_stable(from.bool()?);
    from.skip_tagged_fields()?;
    Ok(request)
}

fn fetch_group(from: &mut Reader<'_>) -> Result<OffsetFetchRequestGroup, DecodeError> {
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(text(from)?.into())
        .with_member_id(nullable_text(from)?)
        .with_member_epoch(from.i32()?)
        .with_topics(from.compact_nullable_array_of(fetch_topic)?);
    from.skip_tagged_fields()?;
    Ok(group)
}

fn fetch_topic(from: &mut Reader<'_>) -> Result<OffsetFetchRequestTopics, DecodeError> {
    let topic = OffsetFetchRequestTopics::default()
        .with_topic_id(from.uuid()?)
        .with_partition_indexes(from.compact_array_of(Reader::i32)?);
    from.skip_tagged_fields()?;
    Ok(topic)
}

fn text(from: &mut Reader<'_>) -> Result<StrBytes, DecodeError> {
    Ok(StrBytes::from_string(from.compact_string()?.to_owned()))
}

fn nullable_text(from: &mut Reader<'_>) -> Result<Option<StrBytes>, DecodeError> {
    Ok(from.compact_nullable_string()?.map(|text| StrBytes::from_string(text.to_owned())))
}
