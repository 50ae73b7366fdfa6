//! Kafka's bytes: OffsetCommitKey 0 and 1 with OffsetCommitValue 0 to 4, GroupMetadataKey 2 with GroupMetadataValue 0 to 4.
//!
//! Written are the versions that Apache Kafka 4.3 writes: OffsetCommitValue 4, or 1 when the commit said how long to keep the offset, and
//! GroupMetadataValue 3. A key's version is also the kind of its record; those from 3 on belong to newer kinds of groups.

use std::sync::Arc;

use bytes::Bytes;

use super::{GroupRecord, GroupValue, MemberValue};
use crate::coordinator::{EncodedRecord, UnreadableRecord};
use crate::group::CommittedOffset;
use crate::protocol::DecodeError;
use crate::protocol::codec::{Reader, Writer};
use crate::types::{GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

/// Two versions of the key with the same fields; the newer one is written.
const OFFSET_KEYS: std::ops::RangeInclusive<i16> = 0..=1;
const GROUP_KEY: i16 = 2;

/// OffsetCommitValue without a time to expire at.
const OFFSET_VALUE: i16 = 4;
/// The only OffsetCommitValue that has a time to expire at.
const EXPIRING_OFFSET_VALUE: i16 = 1;
const GROUP_VALUE: i16 = 3;

/// From here on strings, bytes and arrays are compact and tagged fields follow; the same in both kinds of values.
const FLEXIBLE: i16 = 4;
/// The one tagged field of OffsetCommitValue.
const TOPIC_ID_TAG: u32 = 0;

/// Longest text that the formats have room for, in bytes.
pub(super) const LONGEST_TEXT: usize = i16::MAX as usize;

type Result<T> = std::result::Result<T, DecodeError>;

/// # Panics
/// When one of the texts is longer than [`LONGEST_TEXT`]: decisions ask a [`super::Room`] first.
pub(in crate::group) fn encode(record: &GroupRecord) -> EncodedRecord {
    let mut key = Writer::new();
    let value = match record {
        GroupRecord::Offset { group, topic, partition, value } => {
            key.i16(*OFFSET_KEYS.end());
            key.string(group.as_str());
            key.string(topic.as_str());
            key.i32(partition.0);
            value.as_ref().map(encode_offset)
        }
        GroupRecord::Group { group, value } => {
            key.i16(GROUP_KEY);
            key.string(group.as_str());
            value.as_ref().map(encode_group)
        }
    };
    EncodedRecord { key: key.into_inner().into(), value: value.map(|value| value.into_inner().into()) }
}

fn encode_offset(offset: &CommittedOffset) -> Writer {
    let mut to = Writer::new();
    if let Some(expires) = offset.expire_timestamp {
        to.i16(EXPIRING_OFFSET_VALUE);
        to.i64(offset.offset.0);
        to.string(&offset.metadata);
        to.i64(offset.commit_timestamp.0);
        to.i64(expires.0);
        return to;
    }
    to.i16(OFFSET_VALUE);
    to.i64(offset.offset.0);
    to.i32(offset.leader_epoch.map_or(-1, |epoch| epoch.0));
    to.compact_string(&offset.metadata);
    to.i64(offset.commit_timestamp.0);
    to.tagged_fields([(TOPIC_ID_TAG, offset.topic_id.map(|id| Writer::apart(|to| to.uuid(id.0))))]);
    to
}

fn encode_group(group: &GroupValue) -> Writer {
    let mut to = Writer::new();
    to.i16(GROUP_VALUE);
    to.string(&group.protocol_type);
    to.i32(group.generation);
    to.nullable_string(group.protocol.as_deref());
    to.nullable_string(group.leader.as_ref().map(MemberId::as_str));
    to.i64(group.since.map_or(-1, |since| since.0));
    to.array_of(&group.members, |to, member| {
        to.string(member.member.as_str());
        to.nullable_string(member.instance.as_deref());
        to.string(&member.client_id);
        to.string(&member.client_host);
        to.i32(member.rebalance_timeout_ms);
        to.i32(member.session_timeout_ms);
        to.bytes(&member.subscription);
        to.bytes(&member.assignment);
    });
    to
}

/// Bytes that key and value of a record take, told without writing them: their texts, and what stands around these.
pub(super) fn length(record: &GroupRecord) -> usize {
    const OFFSET_KEY: usize = 2 + 2 + 2 + 4;
    const EXPIRING_OFFSET: usize = 2 + 8 + 2 + 8 + 8;
    const OFFSET: usize = 2 + 8 + 4 + 8 + 1;
    const TOPIC_ID: usize = 1 + 1 + 16;
    const GROUP_KEY: usize = 2 + 2;
    const GROUP: usize = 2 + 2 + 4 + 2 + 2 + 8 + 4;
    const MEMBER: usize = 4 * 2 + 4 * 4;
    match record {
        GroupRecord::Offset { group, topic, value, .. } => {
            let of_value = |value: &CommittedOffset| {
                let text = value.metadata.len();
                // The length of a compact text stands before it, plus one, seven bits a byte.
                let compact = 1 + usize::from(text >= 127) + usize::from(text >= 16_383);
                let numbers = match value.expire_timestamp {
                    Some(_) => EXPIRING_OFFSET,
                    None => OFFSET + compact + value.topic_id.map_or(0, |_| TOPIC_ID),
                };
                text + numbers
            };
            OFFSET_KEY + group.as_str().len() + topic.as_str().len() + value.as_ref().map_or(0, of_value)
        }
        GroupRecord::Group { group, value } => {
            let of_member = |member: &MemberValue| {
                let texts = member.member.as_str().len() + member.client_id.len() + member.client_host.len();
                let instance = member.instance.as_ref().map_or(0, |instance| instance.len());
                MEMBER + texts + instance + member.subscription.len() + member.assignment.len()
            };
            let of_value = |value: &GroupValue| {
                let names = [value.protocol.as_deref(), value.leader.as_ref().map(MemberId::as_str)];
                let names = names.into_iter().flatten().map(str::len).sum::<usize>();
                GROUP + value.protocol_type.len() + names + value.members.iter().map(of_member).sum::<usize>()
            };
            GROUP_KEY + group.as_str().len() + value.as_ref().map_or(0, of_value)
        }
    }
}

/// `None` for a kind that we do not know. Bytes behind the last field are left unread, as Kafka does.
pub(in crate::group) fn decode(key: &[u8], value: Option<&[u8]>) -> std::result::Result<Option<GroupRecord>, UnreadableRecord> {
    let from = &mut Reader::new(key);
    let kind = from.i16().map_err(|error| UnreadableRecord(format!("the kind: {error}")))?;
    if OFFSET_KEYS.contains(&kind) {
        let (group, topic, partition) = decode_offset_key(from).map_err(|error| unreadable("OffsetCommitKey", &error))?;
        let value = value.map(decode_offset).transpose()?;
        Ok(Some(GroupRecord::Offset { group, topic, partition, value }))
    } else if kind == GROUP_KEY {
        let group = from.string().map_err(|error| unreadable("GroupMetadataKey", &error))?;
        let value = value.map(decode_group).transpose()?;
        Ok(Some(GroupRecord::Group { group: GroupId::new(group), value }))
    } else {
        Ok(None)
    }
}

fn unreadable(what: &str, error: &DecodeError) -> UnreadableRecord {
    UnreadableRecord(format!("{what}: {error}"))
}

fn decode_offset_key(from: &mut Reader<'_>) -> Result<(GroupId, TopicName, PartitionIndex)> {
    Ok((GroupId::new(from.string()?), TopicName::new(from.string()?), PartitionIndex(from.i32()?)))
}

fn decode_offset(bytes: &[u8]) -> std::result::Result<CommittedOffset, UnreadableRecord> {
    let (version, from) = versioned("OffsetCommitValue", bytes)?;
    offset_fields(version, from).map_err(|error| unreadable("OffsetCommitValue", &error))
}

fn decode_group(bytes: &[u8]) -> std::result::Result<GroupValue, UnreadableRecord> {
    let (version, from) = versioned("GroupMetadataValue", bytes)?;
    group_fields(version, from).map_err(|error| unreadable("GroupMetadataValue", &error))
}

/// The version of a value, and its fields.
fn versioned<'a>(what: &str, bytes: &'a [u8]) -> std::result::Result<(i16, Fields<'a>), UnreadableRecord> {
    let mut from = Reader::new(bytes);
    let version = from.i16().map_err(|error| unreadable(what, &error))?;
    if !(0..=FLEXIBLE).contains(&version) {
        return Err(UnreadableRecord(format!("{what} of version {version}")));
    }
    Ok((version, Fields { from, flexible: version >= FLEXIBLE }))
}

fn offset_fields(version: i16, mut fields: Fields<'_>) -> Result<CommittedOffset> {
    let offset = Offset(fields.from.i64()?);
    let leader_epoch = if version >= 3 { some(fields.from.i32()?).map(LeaderEpoch) } else { None };
    let metadata = fields.string()?;
    let commit_timestamp = Timestamp(fields.from.i64()?);
    let expire_timestamp = if version == EXPIRING_OFFSET_VALUE { some(fields.from.i64()?).map(Timestamp) } else { None };
    let mut topic_id = None;
    fields.end(|tag, from| {
        if tag == TOPIC_ID_TAG {
            topic_id = Some(TopicId(from.uuid()?)).filter(|id| !id.is_nil());
        }
        Ok(tag == TOPIC_ID_TAG)
    })?;
    Ok(CommittedOffset { offset, leader_epoch, metadata: shared(metadata), commit_timestamp, expire_timestamp, topic_id })
}

fn group_fields(version: i16, mut fields: Fields<'_>) -> Result<GroupValue> {
    let protocol_type = shared(fields.string()?);
    let generation = fields.from.i32()?;
    let protocol = fields.nullable_string()?.map(shared);
    let leader = fields.nullable_string()?.map(MemberId::new);
    let since = if version >= 2 { some(fields.from.i64()?).map(Timestamp) } else { None };
    let members = fields.array_of(|fields| member_fields(version, fields))?;
    fields.end(|_, _| Ok(false))?;
    Ok(GroupValue { protocol_type, generation, protocol, leader, since, members })
}

fn member_fields(version: i16, fields: &mut Fields<'_>) -> Result<MemberValue> {
    let member = MemberId::new(fields.string()?);
    let instance = if version >= 3 { fields.nullable_string()?.map(shared) } else { None };
    let client_id = shared(fields.string()?);
    let client_host = shared(fields.string()?);
    let rebalance_timeout_ms = if version >= 1 { some(fields.from.i32()?) } else { None };
    let session_timeout_ms = fields.from.i32()?;
    let subscription = Bytes::copy_from_slice(fields.bytes()?);
    let assignment = Bytes::copy_from_slice(fields.bytes()?);
    fields.end(|_, _| Ok(false))?;
    // Members of old had one timeout for both.
    let rebalance_timeout_ms = rebalance_timeout_ms.unwrap_or(session_timeout_ms);
    Ok(MemberValue {
        member,
        instance,
        client_id,
        client_host,
        rebalance_timeout_ms,
        session_timeout_ms,
        subscription,
        assignment,
    })
}

/// The fields of a value in the classic or the compact form.
struct Fields<'a> {
    from: Reader<'a>,
    flexible: bool,
}

impl<'a> Fields<'a> {
    fn string(&mut self) -> Result<&'a str> {
        if self.flexible { self.from.compact_string() } else { self.from.string() }
    }

    fn nullable_string(&mut self) -> Result<Option<&'a str>> {
        if self.flexible { self.from.compact_nullable_string() } else { self.from.nullable_string() }
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        if self.flexible { self.from.compact_bytes() } else { self.from.bytes() }
    }

    fn array_of<T>(&mut self, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = if self.flexible { self.from.compact_nullable_array_count() } else { self.from.nullable_array_count() };
        (0..count?.ok_or(DecodeError::Null)?).map(|_| element(self)).collect()
    }

    /// Reads the tagged fields that end a struct.
    fn end(&mut self, field: impl FnMut(u32, &mut Reader<'a>) -> Result<bool>) -> Result<()> {
        if self.flexible { self.from.tagged_fields(field) } else { Ok(()) }
    }
}

/// -1 stands for nothing.
fn some<T: PartialEq + From<i8>>(value: T) -> Option<T> {
    (value != T::from(-1)).then_some(value)
}

/// An empty text takes no memory of its own.
fn shared(text: &str) -> Arc<str> {
    if text.is_empty() { Arc::default() } else { Arc::from(text) }
}
