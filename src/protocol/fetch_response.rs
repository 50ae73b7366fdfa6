//! The Fetch answer as pieces, so that records go from the log to the socket without a copy.
//!
//! The layout is written here field by field, because kafka-protocol copies the records into its output. The values are the
//! crate's, and the tests hold our bytes equal to its own in every version.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, NodeEndpoint, PartitionData};

use super::codec::Writer;
use super::response::{EncodeError, SIZE_PREFIX, put_response_header};
use super::{ApiKey, VersionRange};

/// Records shorter than this are copied beside their heads: a piece of its own costs more than the copy.
const SHORTEST_PIECE: usize = 1024;

/// First version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 12;
/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;

/// The whole answer to a Fetch request, size prefix and header included. Records of 1 KiB and more are handed on as they are.
///
/// # Errors
/// When the version is not one of 4 to 18, or the answer is longer than 2^31-1 bytes.
pub fn encode_fetch_response(version: i16, correlation_id: i32, response: &FetchResponse) -> Result<Vec<Bytes>, EncodeError> {
    let refuse = |reason: String| EncodeError { api: ApiKey::Fetch, version, reason };
    if !(VersionRange { min: 4, max: 18 }).contains(version) {
        return Err(refuse("no such version".to_owned()));
    }
    let mut frame = BytesMut::with_capacity(256);
    put_response_header(&mut frame, 0, ApiKey::Fetch, version, correlation_id);
    let mut body = Body { version, head: Writer::append_to(frame), cuts: Vec::new() };
    body.response(response);
    let Body { head, cuts, .. } = body;
    let mut head = head.into_inner();

    let size = head.len() - SIZE_PREFIX + cuts.iter().map(|(_, records)| records.len()).sum::<usize>();
    let announced = i32::try_from(size).map_err(|_| refuse(format!("{size} bytes are too many")))?;
    head.iter_mut().zip(announced.to_be_bytes()).for_each(|(place, byte)| *place = byte);

    let head = head.freeze();
    let mut pieces = Vec::with_capacity(2 * cuts.len() + 1);
    let mut start = 0;
    for (cut, records) in cuts {
        pieces.extend([head.slice(start..cut), records]);
        start = cut;
    }
    if start < head.len() {
        pieces.push(head.slice(start..));
    }
    Ok(pieces)
}

/// Everything but the records, and the places in it where they belong.
struct Body {
    version: i16,
    head: Writer,
    cuts: Vec<(usize, Bytes)>,
}

impl Body {
    const fn is_flexible(&self) -> bool {
        self.version >= FLEXIBLE
    }

    fn response(&mut self, response: &FetchResponse) {
        self.head.i32(response.throttle_time_ms);
        if self.version >= 7 {
            self.head.i16(response.error_code);
            self.head.i32(response.session_id);
        }
        self.count(Some(response.responses.len()));
        for topic in &response.responses {
            self.topic(topic);
        }
        if self.is_flexible() {
            let endpoints = Some(&response.node_endpoints).filter(|endpoints| self.version >= 16 && !endpoints.is_empty());
            let endpoints = endpoints.map(|endpoints| Writer::apart(|value| value.compact_array_of(endpoints, put_endpoint)));
            self.head.tagged_fields([(0, endpoints)]);
        }
    }

    fn topic(&mut self, topic: &FetchableTopicResponse) {
        if self.version >= TOPIC_IDS {
            self.head.uuid(topic.topic_id);
        } else if self.is_flexible() {
            self.head.compact_string(&topic.topic);
        } else {
            self.head.string(&topic.topic);
        }
        self.count(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            self.partition(partition);
        }
        if self.is_flexible() {
            self.head.no_tagged_fields();
        }
    }

    fn partition(&mut self, partition: &PartitionData) {
        self.head.i32(partition.partition_index);
        self.head.i16(partition.error_code);
        self.head.i64(partition.high_watermark);
        self.head.i64(partition.last_stable_offset);
        if self.version >= 5 {
            self.head.i64(partition.log_start_offset);
        }
        self.aborted_transactions(partition.aborted_transactions.as_deref());
        if self.version >= 11 {
            self.head.i32(partition.preferred_read_replica.0);
        }
        self.records(partition.records.as_ref());
        if self.is_flexible() {
            self.partition_tags(partition);
        }
    }

    fn aborted_transactions(&mut self, aborted: Option<&[AbortedTransaction]>) {
        self.count(aborted.map(<[_]>::len));
        for transaction in aborted.unwrap_or_default() {
            self.head.i64(transaction.producer_id.0);
            self.head.i64(transaction.first_offset);
            if self.is_flexible() {
                self.head.no_tagged_fields();
            }
        }
    }

    fn records(&mut self, records: Option<&Bytes>) {
        self.count(records.map(Bytes::len));
        match records {
            Some(records) if records.len() >= SHORTEST_PIECE => self.cuts.push((self.head.length(), records.clone())),
            Some(records) => self.head.raw(records),
            None => {}
        }
    }

    fn partition_tags(&mut self, partition: &PartitionData) {
        let diverging = &partition.diverging_epoch;
        let diverging = (diverging.epoch != -1 || diverging.end_offset != -1).then(|| {
            Writer::apart(|value| {
                value.i32(diverging.epoch);
                value.i64(diverging.end_offset);
                value.no_tagged_fields();
            })
        });
        let leader = &partition.current_leader;
        let leader = (leader.leader_id.0 != -1 || leader.leader_epoch != -1).then(|| {
            Writer::apart(|value| {
                value.i32(leader.leader_id.0);
                value.i32(leader.leader_epoch);
                value.no_tagged_fields();
            })
        });
        let snapshot = &partition.snapshot_id;
        let snapshot = (snapshot.end_offset != -1 || snapshot.epoch != -1).then(|| {
            Writer::apart(|value| {
                value.i64(snapshot.end_offset);
                value.i32(snapshot.epoch);
                value.no_tagged_fields();
            })
        });
        self.head.tagged_fields([(0, diverging), (1, leader), (2, snapshot)]);
    }

    /// A count or a length; `None` for null.
    fn count(&mut self, count: Option<usize>) {
        if self.is_flexible() {
            self.head.compact_nullable_array_count(count);
        } else {
            self.head.nullable_array_count(count);
        }
    }
}

fn put_endpoint(writer: &mut Writer, endpoint: &NodeEndpoint) {
    writer.i32(endpoint.node_id.0);
    writer.compact_string(&endpoint.host);
    writer.i32(endpoint.port);
    writer.compact_nullable_string(endpoint.rack.as_deref());
    writer.no_tagged_fields();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use kafka_protocol::messages::fetch_response::{EpochEndOffset, LeaderIdAndEpoch, SnapshotId};
    use kafka_protocol::messages::{BrokerId, ProducerId, TopicName};
    use kafka_protocol::protocol::StrBytes;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::encode_response;

    fn aborted() -> impl Strategy<Value = Option<Vec<AbortedTransaction>>> {
        let one = (any::<i64>(), any::<i64>())
            .prop_map(|(id, offset)| AbortedTransaction::default().with_producer_id(ProducerId(id)).with_first_offset(offset));
        proptest::option::of(proptest::collection::vec(one, 0..3))
    }

    fn records() -> impl Strategy<Value = Option<Bytes>> {
        let length = prop_oneof![Just(0), 1_usize..20, Just(1023), Just(1024), 1025_usize..3000, Just(20_000)];
        proptest::option::of(length.prop_map(|length| Bytes::from(vec![0xab; length])))
    }

    fn partition() -> impl Strategy<Value = PartitionData> {
        (any::<[i32; 4]>(), any::<i16>(), any::<[i64; 5]>(), aborted(), records(), any::<[bool; 4]>()).prop_map(
            |(ints, error, longs, aborted, records, set)| {
                let mut partition = PartitionData::default()
                    .with_partition_index(ints[0])
                    .with_error_code(error)
                    .with_high_watermark(longs[0])
                    .with_last_stable_offset(longs[1])
                    .with_log_start_offset(longs[2])
                    .with_aborted_transactions(aborted)
                    .with_records(records);
                if set[0] {
                    partition.diverging_epoch = EpochEndOffset::default().with_epoch(ints[1]).with_end_offset(longs[3]);
                }
                if set[1] {
                    partition.current_leader = LeaderIdAndEpoch::default().with_leader_id(BrokerId(ints[2]));
                }
                if set[2] {
                    partition.snapshot_id = SnapshotId::default().with_end_offset(longs[4]).with_epoch(ints[3]);
                }
                if set[3] {
                    partition.preferred_read_replica = BrokerId(ints[1]);
                }
                partition
            },
        )
    }

    fn response() -> impl Strategy<Value = FetchResponse> {
        let topic = (".{0,9}", any::<u128>(), proptest::collection::vec(partition(), 0..4)).prop_map(|(name, id, partitions)| {
            FetchableTopicResponse::default()
                .with_topic(TopicName(StrBytes::from_string(name)))
                .with_topic_id(uuid::Uuid::from_u128(id))
                .with_partitions(partitions)
        });
        let endpoint =
            (any::<i32>(), ".{0,9}", any::<i32>(), proptest::option::of(".{0,5}")).prop_map(|(id, host, port, rack)| {
                NodeEndpoint::default()
                    .with_node_id(BrokerId(id))
                    .with_host(StrBytes::from_string(host))
                    .with_port(port)
                    .with_rack(rack.map(StrBytes::from_string))
            });
        let (topics, endpoints) = (proptest::collection::vec(topic, 0..3), proptest::collection::vec(endpoint, 0..3));
        (any::<[i32; 2]>(), any::<i16>(), topics, endpoints).prop_map(|(ints, error, topics, endpoints)| {
            FetchResponse::default()
                .with_throttle_time_ms(ints[0])
                .with_session_id(ints[1])
                .with_error_code(error)
                .with_responses(topics)
                .with_node_endpoints(endpoints)
        })
    }

    /// What the crate refuses to leave out of an old version; ours has nowhere to put it.
    fn drop_what_the_version_lacks(response: &mut FetchResponse, version: i16) {
        if version < 7 {
            (response.error_code, response.session_id) = (0, 0);
        }
        for partition in response.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if version < 11 {
                partition.preferred_read_replica = BrokerId(-1);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn the_pieces_joined_are_the_crates_bytes(mut response in response(), version in 4_i16..=18) {
            drop_what_the_version_lacks(&mut response, version);
            let pieces = encode_fetch_response(version, 5, &response).unwrap();
            let theirs = encode_response(ApiKey::Fetch, version, 5, &response).unwrap();
            prop_assert_eq!(pieces.concat(), theirs);
            for records in response.responses.iter().flat_map(|topic| &topic.partitions).filter_map(|p| p.records.as_ref()) {
                if records.len() >= SHORTEST_PIECE {
                    prop_assert!(pieces.iter().any(|piece| piece.as_ptr() == records.as_ptr()), "large records are not copied");
                }
            }
        }
    }

    #[test]
    fn other_versions_are_refused() {
        assert!([3, 19].into_iter().all(|version| encode_fetch_response(version, 1, &FetchResponse::default()).is_err()));
    }
}
