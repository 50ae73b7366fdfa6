#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::format::{LONGEST_TEXT, length};
use super::{GroupRecord, GroupValue, MemberValue, Room, decode, encode};
use crate::coordinator::{Context, EncodedRecord};
use crate::group::CommittedOffset;
use crate::record::{BatchBuilder, BatchOptions, NewRecord};
use crate::types::{GroupId, LeaderEpoch, MemberId, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn offset_record(group: &str, partition: i32, value: Option<CommittedOffset>) -> GroupRecord {
    GroupRecord::Offset {
        group: GroupId::new(group),
        topic: TopicName::new("topic-a"),
        partition: PartitionIndex(partition),
        value,
    }
}

fn committed(offset: i64, epoch: Option<i32>, metadata: &str, timestamp: i64) -> CommittedOffset {
    CommittedOffset {
        offset: Offset(offset),
        leader_epoch: epoch.map(LeaderEpoch),
        metadata: Arc::from(metadata),
        commit_timestamp: Timestamp(timestamp),
        expire_timestamp: None,
        topic_id: Some("DOYh0Ry9SFyU9hzLuViH6A".parse().unwrap()),
    }
}

/// What stood in `__consumer_offsets` of Apache Kafka 4.3.0 with the metadata of its release: key, value ("" for a tombstone), and what it
/// means. Made on a topic of three partitions by OffsetCommit 7 and 9, OffsetCommit 4 with a retention of one day, OffsetDelete 0, and a
/// console consumer with a group.instance.id, whose join wrote the group twice.
fn golden() -> Vec<(&'static str, &'static str, GroupRecord)> {
    let expiring = CommittedOffset {
        expire_timestamp: Some(Timestamp(1_795_607_923_963)),
        topic_id: None,
        ..committed(5, None, "kept", 1_795_521_523_963)
    };
    let group = |value| GroupRecord::Group { group: GroupId::new("golden"), value: Some(value) };
    let new = GroupValue {
        protocol_type: Arc::from(""),
        generation: 0,
        protocol: None,
        leader: None,
        since: Some(Timestamp(1_795_521_544_195)),
        members: Vec::new(),
    };
    let member = MemberId::new("i1-ae22c8a1-8e9d-4340-8fcb-267c3ae7f1b5");
    let subscription = "0003000000010007746f7069632d61ffffffff00000000ffffffffffff";
    let assignment = "0003000000010007746f7069632d6100000003000000000000000100000002ffffffff";
    let stable = GroupValue {
        protocol_type: Arc::from("consumer"),
        generation: 1,
        protocol: Some(Arc::from("range")),
        leader: Some(member.clone()),
        since: Some(Timestamp(1_795_521_547_211)),
        members: vec![MemberValue {
            member,
            instance: Some(Arc::from("i1")),
            client_id: Arc::from("console-consumer"),
            client_host: Arc::from("/127.0.0.1"),
            rebalance_timeout_ms: 300_000,
            session_timeout_ms: 45_000,
            subscription: Bytes::from(bytes(subscription)),
            assignment: Bytes::from(bytes(assignment)),
        }],
    };
    vec![
        (
            "0001000673696d706c650007746f7069632d6100000000",
            "0004000000000000002a00000003056e6f7465000001a20d6c30d50100100ce621d11cbd485c94f61ccbb95887e8",
            offset_record("simple", 0, Some(committed(42, Some(3), "note", 1_795_521_523_925))),
        ),
        (
            "0001000673696d706c650007746f7069632d6100000001",
            "00040000000000000007ffffffff01000001a20d6c30d50100100ce621d11cbd485c94f61ccbb95887e8",
            offset_record("simple", 1, Some(committed(7, None, "", 1_795_521_523_925))),
        ),
        (
            "0001000673696d706c650007746f7069632d6100000002",
            "0001000000000000000500046b657074000001a20d6c30fb000001a212928cfb",
            offset_record("simple", 2, Some(expiring)),
        ),
        (
            "0001000673696d706c650007746f7069632d6100000000",
            "0004000000000000002b00000003066e6f74c3a9000001a20d6c30ff0100100ce621d11cbd485c94f61ccbb95887e8",
            offset_record("simple", 0, Some(committed(43, Some(3), "noté", 1_795_521_523_967))),
        ),
        ("0001000673696d706c650007746f7069632d6100000001", "", offset_record("simple", 1, None)),
        ("00020006676f6c64656e", "0003000000000000ffffffff000001a20d6c800300000000", group(new)),
        (
            "00020006676f6c64656e",
            "00030008636f6e73756d657200000001000572616e6765002769312d61653232633861312d386539642d343334302d386663622d32363763\
             3361653766316235000001a20d6c8bcb00000001002769312d61653232633861312d386539642d343334302d386663622d32363763336165\
             3766316235000269310010636f6e736f6c652d636f6e73756d6572000a2f3132372e302e302e31000493e00000afc80000001d0003000000\
             010007746f7069632d61ffffffff00000000ffffffffffff000000230003000000010007746f7069632d6100000003000000000000000100\
             000002ffffffff",
            group(stable),
        ),
    ]
}

#[test]
fn records_have_the_bytes_that_kafka_4_3_writes() {
    for (key, value, record) in golden() {
        let encoded = EncodedRecord { key: bytes(key), value: Some(bytes(value)).filter(|value| !value.is_empty()) };
        assert_eq!(encode(&record), encoded, "{record:?}");
        assert_eq!(decode(&encoded.key, encoded.value.as_deref()).unwrap(), Some(record));
    }
}

#[test]
fn offsets_of_older_versions_are_read() {
    let key = bytes("0000000167000174ffffffff");
    let read = |value: &str| match decode(&key, Some(&bytes(value))).unwrap() {
        Some(GroupRecord::Offset { value: Some(offset), .. }) => offset,
        other => panic!("{other:?}"),
    };
    let plain = CommittedOffset { topic_id: None, ..committed(9, None, "m", 5) };
    assert_eq!(read("0000 0000000000000009 00016d 0000000000000005".replace(' ', "").as_str()), plain);
    let v1 = |expires: &str| read(&format!("000100000000000000090001 6d0000000000000005{expires}").replace(' ', ""));
    assert_eq!(v1("ffffffffffffffff"), plain, "no time to expire at");
    assert_eq!(v1("0000000000000007"), CommittedOffset { expire_timestamp: Some(Timestamp(7)), ..plain.clone() });
    assert_eq!(read("0002000000000000000900016d0000000000000005"), plain);
    let with_epoch = CommittedOffset { leader_epoch: Some(LeaderEpoch(4)), ..plain.clone() };
    assert_eq!(read("000300000000000000090000000400016d0000000000000005"), with_epoch);
    assert_eq!(read("00040000000000000009ffffffff026d000000000000000500"), plain, "no topic id");
    assert_eq!(read("00040000000000000009ffffffff026d0000000000000005010901ff"), plain, "a tag of the future");
}

#[test]
fn groups_of_older_versions_are_read() {
    let read = |value: &str| match decode(&bytes("0002000167"), Some(&bytes(&value.replace(' ', "")))).unwrap() {
        Some(GroupRecord::Group { value: Some(group), .. }) => group,
        other => panic!("{other:?}"),
    };
    let member = MemberValue {
        member: MemberId::new("m"),
        instance: None,
        client_id: Arc::from("c"),
        client_host: Arc::from("h"),
        rebalance_timeout_ms: 6,
        session_timeout_ms: 6,
        subscription: Bytes::from_static(b"s"),
        assignment: Bytes::from_static(b"a"),
    };
    let oldest = GroupValue {
        protocol_type: Arc::from("t"),
        generation: 2,
        protocol: Some(Arc::from("p")),
        leader: Some(MemberId::new("m")),
        since: None,
        members: vec![member.clone()],
    };
    let head = "000174 00000002 000170 00016d";
    let (names, bytes_of) = ("00016d 000163 000168", "00000001 73 00000001 61");
    assert_eq!(read(&format!("0000 {head} 00000001 {names} 00000006 {bytes_of}")), oldest, "one timeout for both");
    let with_timeouts = GroupValue { members: vec![MemberValue { rebalance_timeout_ms: 7, ..member.clone() }], ..oldest.clone() };
    assert_eq!(read(&format!("0001 {head} 00000001 {names} 00000007 00000006 {bytes_of}")), with_timeouts);
    let with_time = GroupValue { since: Some(Timestamp(8)), ..with_timeouts.clone() };
    assert_eq!(read(&format!("0002 {head} 0000000000000008 00000001 {names} 00000007 00000006 {bytes_of}")), with_time);
    let newest = GroupValue {
        members: vec![MemberValue { instance: Some(Arc::from("i")), rebalance_timeout_ms: 7, ..member }],
        ..with_time
    };
    let flexible = "0274 00000002 0270 026d 0000000000000008 02 026d 0269 0263 0268 00000007 00000006 0273 0261 00 00";
    assert_eq!(read(&format!("0004 {flexible}")), newest);
}

#[test]
fn kinds_of_newer_groups_are_stepped_over_and_newer_values_are_not_guessed_at() {
    for kind in (3..24).chain([-1, i16::MAX]) {
        assert_eq!(decode(&[&kind.to_be_bytes()[..], b"?"].concat(), Some(b"?")), Ok(None));
    }
    let problem = |key: &str, value: &str| decode(&bytes(key), Some(&bytes(value))).unwrap_err().0;
    assert_eq!(problem("000100016700017400000000", "0005"), "OffsetCommitValue of version 5");
    assert_eq!(problem("0002000167", "ffff"), "GroupMetadataValue of version -1");
    assert!(problem("0002000167", "0003").starts_with("GroupMetadataValue: "));
    assert!(decode(&[0], None).is_err() && decode(&[0, 1, 0, 9], None).is_err());
}

fn text() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,12}".prop_map(|text: String| Arc::from(text.as_str()))
}

fn positive() -> impl Strategy<Value = i64> {
    0..i64::MAX
}

prop_compose! {
    fn any_offset()(
        offset: i64, epoch in prop::option::of(0..i32::MAX), metadata in text(), commit in positive(),
        expires in prop::option::of(positive()), id in prop::option::of(1..u128::MAX),
    ) -> CommittedOffset {
        CommittedOffset {
            offset: Offset(offset),
            leader_epoch: epoch.map(LeaderEpoch).filter(|_| expires.is_none()),
            metadata,
            commit_timestamp: Timestamp(commit),
            expire_timestamp: expires.map(Timestamp),
            topic_id: id.map(|id| TopicId(uuid::Uuid::from_u128(id))).filter(|_| expires.is_none()),
        }
    }
}

prop_compose! {
    fn any_member()(
        member in text(), instance in prop::option::of(text()), client_id in text(), client_host in text(),
        timeouts in (0..i32::MAX, 0..i32::MAX), subscription: Vec<u8>, assignment: Vec<u8>,
    ) -> MemberValue {
        MemberValue {
            member: MemberId::new(&member),
            instance,
            client_id,
            client_host,
            rebalance_timeout_ms: timeouts.0,
            session_timeout_ms: timeouts.1,
            subscription: subscription.into(),
            assignment: assignment.into(),
        }
    }
}

prop_compose! {
    fn any_group()(
        protocol_type in text(), generation: i32, protocol in prop::option::of(text()), leader in prop::option::of(text()),
        since in prop::option::of(positive()), members in prop::collection::vec(any_member(), 0..4),
    ) -> GroupValue {
        let leader = leader.map(|leader| MemberId::new(&leader));
        GroupValue { protocol_type, generation, protocol, leader, since: since.map(Timestamp), members }
    }
}

fn any_record() -> impl Strategy<Value = GroupRecord> {
    let group = || text().prop_map(|group| GroupId::new(&group));
    let offset = (group(), text(), any::<i32>(), prop::option::of(any_offset())).prop_map(|(group, topic, partition, value)| {
        GroupRecord::Offset { group, topic: TopicName::new(&topic), partition: PartitionIndex(partition), value }
    });
    let group = (group(), prop::option::of(any_group())).prop_map(|(group, value)| GroupRecord::Group { group, value });
    prop_oneof![offset, group]
}

/// A decision in a batch of that many bytes, which made the records already.
fn room_beside(records: &[GroupRecord], max_batch_bytes: usize) -> Room {
    let (now, timestamp) = (Now::default(), Timestamp(0));
    Room::left(&Context {
        now,
        timestamp,
        random: &mut || 0,
        max_batch_bytes,
        records: records.to_vec(),
        replies: Vec::new(),
        events: Vec::new(),
    })
}

fn batch_length(records: &[GroupRecord]) -> usize {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for record in records {
        let EncodedRecord { key, value } = encode(record);
        builder.push(&NewRecord { timestamp: Timestamp(1), key: Some(&key), value: value.as_deref(), headers: Vec::new() });
    }
    builder.finish().len()
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in any_record()) {
        let EncodedRecord { key, value } = encode(&record);
        prop_assert_eq!(decode(&key, value.as_deref()), Ok(Some(record)));
    }

    #[test]
    fn no_bytes_break_the_reader(kind in 0..3_i16, key: Vec<u8>, version in 0..5_i16, value: Vec<u8>) {
        let (key, value) = ([&kind.to_be_bytes()[..], &key].concat(), [&version.to_be_bytes()[..], &value].concat());
        let _ = decode(&key, Some(&value));
    }

    #[test]
    fn what_finds_room_fits_into_the_batch(records in prop::collection::vec(any_record(), 1..20), limit in 61..4_000_usize) {
        let mut room = room_beside(&[], limit);
        let taken: Vec<_> = records.iter().filter(|record| room.take(record)).cloned().collect();
        prop_assert!(taken.is_empty() || batch_length(&taken) <= limit);
        prop_assert_eq!(room_beside(&taken, limit), room, "counted as they are taken and afterwards alike");
    }
}

#[test]
fn a_records_length_is_told_without_writing_it() {
    let texts = [0, 126, 127, 16_382, 16_383, LONGEST_TEXT].map(|length| "m".repeat(length));
    let offsets = texts.iter().map(|text| offset_record("group", 3, Some(committed(i64::MAX, Some(7), text, 1))));
    for record in golden().into_iter().map(|(_, _, record)| record).chain(offsets) {
        let encoded = encode(&record);
        assert_eq!(length(&record), encoded.key.len() + encoded.value.map_or(0, |value| value.len()), "{record:?}");
    }
}

#[test]
fn a_batch_is_filled_but_for_a_few_bytes_a_record() {
    let record = offset_record("group", 0, Some(committed(1, None, "", 1)));
    let count = (batch_length(&vec![record.clone(); 10_000]) - 61) / 10_000;
    let mut room = room_beside(&[], 1 << 20);
    let taken = std::iter::repeat_with(|| room.take(&record)).take_while(|taken| *taken).count();
    assert!(taken * (count + 20) > (1 << 20) - 200, "{taken} records of {count} bytes");
}

#[test]
fn a_text_that_the_format_cannot_hold_finds_no_room() {
    let (fits, too_long) = ("x".repeat(LONGEST_TEXT), "x".repeat(LONGEST_TEXT + 1));
    let mut room = room_beside(&[], 1 << 20);
    assert!(room.take(&offset_record(&fits, 0, None)) && !room.take(&offset_record(&too_long, 0, None)));
    assert!(room.take(&offset_record("g", 0, Some(committed(0, None, &fits, 0)))));
    assert!(!room.take(&offset_record("g", 0, Some(committed(0, None, &too_long, 0)))));
    let (_, _, stable) = golden().pop().unwrap();
    let GroupRecord::Group { group, value: Some(value) } = stable else { unreachable!("the last one is a group") };
    let with = |change: &dyn Fn(&mut GroupValue)| {
        let mut value = value.clone();
        change(&mut value);
        GroupRecord::Group { group: group.clone(), value: Some(value) }
    };
    let long: Arc<str> = Arc::from(too_long.as_str());
    assert!(!room.take(&GroupRecord::Group { group: GroupId::new(&too_long), value: None }));
    assert!(!room.take(&with(&|group| group.protocol_type = Arc::clone(&long))));
    assert!(!room.take(&with(&|group| group.protocol = Some(Arc::clone(&long)))));
    assert!(!room.take(&with(&|group| group.leader = Some(MemberId::new(&long)))));
    assert!(!room.take(&with(&|group| group.members[0].member = MemberId::new(&long))));
    assert!(!room.take(&with(&|group| group.members[0].instance = Some(Arc::clone(&long)))));
    assert!(!room.take(&with(&|group| group.members[0].client_id = Arc::clone(&long))));
    assert!(!room.take(&with(&|group| group.members[0].client_host = Arc::clone(&long))));
    assert!(room.take(&with(&|_| {})));
}
