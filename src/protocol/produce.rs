//! The Produce request, decoded by hand: record batches stay where they are in the frame.

use std::ops::Range;

use super::DecodeError;
use super::codec::Reader;
use crate::types::{PartitionIndex, TopicId, TopicName};

/// Most topics and partitions together that one request may name: as each takes a few bytes on the wire and some dozens in memory,
/// the frame's length alone would not bound the memory.
const MOST_ENTRIES: usize = 100_000;

/// A Produce request of versions 3 to 13. Records are positions in the frame, so that a batch can be stamped in place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProduceRequest {
    pub transactional_id: Option<String>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topics: Vec<ProduceTopic>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProduceTopic {
    pub topic: ProduceTopicKey,
    pub partitions: Vec<ProducePartition>,
}

/// How a request names a topic: by name up to version 12, by id from 13 on (KIP-516).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ProduceTopicKey {
    Name(TopicName),
    Id(TopicId),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducePartition {
    pub index: PartitionIndex,
    /// Where the record batch stands in the frame; `None` when null was sent.
    pub records: Option<Range<usize>>,
}

/// First version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 9;
/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;

impl ProduceRequest {
    /// Reads the body that starts at `body_position` of `frame`. Bytes after the last field are left unread, as Kafka does.
    ///
    /// # Errors
    /// When the version is not one of 3 to 13, the body is malformed or names more than 100,000 topics and partitions.
    pub fn decode(frame: &[u8], body_position: usize, version: i16) -> Result<Self, DecodeError> {
        if !(3..=TOPIC_IDS).contains(&version) {
            return Err(DecodeError::UnknownVersion { api: "Produce", version });
        }
        let mut reader = Reader::new(frame);
        reader.take(body_position)?;
        let mut body = Body { reader, flexible: version >= FLEXIBLE, topic_ids: version >= TOPIC_IDS, entries: 0 };
        body.request()
    }
}

struct Body<'a> {
    reader: Reader<'a>,
    flexible: bool,
    topic_ids: bool,
    /// Topics and partitions so far.
    entries: usize,
}

impl Body<'_> {
    fn request(&mut self) -> Result<ProduceRequest, DecodeError> {
        let transactional_id =
            if self.flexible { self.reader.compact_nullable_string()? } else { self.reader.nullable_string()? }
                .map(str::to_owned);
        let acks = self.reader.i16()?;
        let timeout_ms = self.reader.i32()?;
        let topics = self.list(Self::topic)?;
        self.end_of_struct()?;
        Ok(ProduceRequest { transactional_id, acks, timeout_ms, topics })
    }

    fn topic(&mut self) -> Result<ProduceTopic, DecodeError> {
        let topic = if self.topic_ids {
            ProduceTopicKey::Id(TopicId(self.reader.uuid()?))
        } else {
            ProduceTopicKey::Name(TopicName::new(if self.flexible {
                self.reader.compact_string()?
            } else {
                self.reader.string()?
            }))
        };
        let partitions = self.list(Self::partition)?;
        self.end_of_struct()?;
        Ok(ProduceTopic { topic, partitions })
    }

    fn partition(&mut self) -> Result<ProducePartition, DecodeError> {
        let index = PartitionIndex(self.reader.i32()?);
        let records = if self.flexible { self.reader.compact_nullable_bytes()? } else { self.reader.nullable_bytes()? };
        let end = self.reader.position();
        let records = records.map(|records| end - records.len()..end);
        self.end_of_struct()?;
        Ok(ProducePartition { index, records })
    }

    fn list<T>(&mut self, element: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let count =
            if self.flexible { self.reader.compact_nullable_array_count()? } else { self.reader.nullable_array_count()? };
        let count = count.ok_or(DecodeError::Null)?;
        self.entries += count;
        if self.entries > MOST_ENTRIES {
            return Err(DecodeError::TooMany { api: "Produce", limit: MOST_ENTRIES });
        }
        let mut list = Vec::with_capacity(count.min(16));
        for _ in 0..count {
            list.push(element(self)?);
        }
        Ok(list)
    }

    fn end_of_struct(&mut self) -> Result<(), DecodeError> {
        if self.flexible { self.reader.skip_tagged_fields() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{self, TransactionalId};
    use kafka_protocol::protocol::{Encodable, StrBytes};
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::codec::Writer;
    use crate::protocol::decode_request;

    const HEADER: usize = 5;

    fn partition() -> impl Strategy<Value = PartitionProduceData> {
        (any::<i32>(), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)))
            .prop_map(|(index, records)| PartitionProduceData::default().with_index(index).with_records(records.map(Bytes::from)))
    }

    fn topic() -> impl Strategy<Value = TopicProduceData> {
        (".{0,12}", any::<u128>(), proptest::collection::vec(partition(), 0..4)).prop_map(|(name, id, partitions)| {
            TopicProduceData::default()
                .with_name(messages::TopicName(StrBytes::from_string(name)))
                .with_topic_id(uuid::Uuid::from_u128(id))
                .with_partition_data(partitions)
        })
    }

    fn request() -> impl Strategy<Value = messages::ProduceRequest> {
        (proptest::option::of(".{0,9}"), any::<i16>(), any::<i32>(), proptest::collection::vec(topic(), 0..4)).prop_map(
            |(id, acks, timeout_ms, topics)| {
                messages::ProduceRequest::default()
                    .with_transactional_id(id.map(|id| TransactionalId(StrBytes::from_string(id))))
                    .with_acks(acks)
                    .with_timeout_ms(timeout_ms)
                    .with_topic_data(topics)
            },
        )
    }

    /// The frame of a request, with some bytes before the body, as a header would be.
    fn frame(request: &messages::ProduceRequest, version: i16) -> BytesMut {
        let mut frame = BytesMut::from(&[0xee; HEADER][..]);
        request.encode(&mut frame, version).unwrap();
        frame
    }

    fn assert_same(ours: &ProduceRequest, theirs: &messages::ProduceRequest, frame: &[u8], version: i16) {
        assert_eq!(ours.transactional_id.as_deref(), theirs.transactional_id.as_ref().map(|id| id.0.as_str()));
        assert_eq!((ours.acks, ours.timeout_ms, ours.topics.len()), (theirs.acks, theirs.timeout_ms, theirs.topic_data.len()));
        for (topic, expected) in ours.topics.iter().zip(&theirs.topic_data) {
            match &topic.topic {
                ProduceTopicKey::Name(name) => assert_eq!(name.as_str(), expected.name.as_str()),
                ProduceTopicKey::Id(id) => assert_eq!(id.0, expected.topic_id),
            }
            assert_eq!(matches!(topic.topic, ProduceTopicKey::Id(_)), version >= 13);
            assert_eq!(topic.partitions.len(), expected.partition_data.len());
            for (partition, expected) in topic.partitions.iter().zip(&expected.partition_data) {
                assert_eq!(partition.index.0, expected.index);
                assert_eq!(partition.records.clone().map(|range| &frame[range]), expected.records.as_deref());
            }
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_the_crate_writes(request in request(), version in 3_i16..=13) {
            let frame = frame(&request, version);
            let theirs = decode_request::<messages::ProduceRequest>(version, frame.clone().split_off(HEADER).freeze()).unwrap();
            assert_same(&ProduceRequest::decode(&frame, HEADER, version).unwrap(), &theirs, &frame, version);
        }

        /// Damage anywhere: refused by both, or read alike by both.
        #[test]
        fn it_refuses_what_the_crate_refuses(
            request in request(), version in 3_i16..=13, at in any::<proptest::sample::Index>(), value: u8, cut in any::<proptest::sample::Index>(),
        ) {
            let mut frame = frame(&request, version);
            let at = HEADER + at.index(frame.len() - HEADER);
            frame[at] = value;
            frame.truncate(HEADER + cut.index(2 * (frame.len() - HEADER)));
            let theirs = decode_request::<messages::ProduceRequest>(version, frame.clone().split_off(HEADER).freeze());
            match (ProduceRequest::decode(&frame, HEADER, version), theirs) {
                (Ok(ours), Ok(theirs)) => assert_same(&ours, &theirs, &frame, version),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?} but {theirs:?}"),
            }
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for version in [-1, 2, 14] {
            assert_eq!(ProduceRequest::decode(&[], 0, version), Err(DecodeError::UnknownVersion { api: "Produce", version }));
        }
    }

    #[test]
    fn the_number_of_topics_is_bounded() {
        let decoded = |topics| {
            let mut writer = Writer::new();
            writer.raw(&[0, 0, 1, 0, 0, 0, 0]);
            writer.compact_nullable_array_count(Some(topics));
            writer.raw(&[1, 1, 0].repeat(topics));
            writer.no_tagged_fields();
            ProduceRequest::decode(writer.as_slice(), 0, 9)
        };
        assert!(decoded(MOST_ENTRIES).is_ok());
        assert!(matches!(decoded(MOST_ENTRIES + 1), Err(DecodeError::TooMany { api: "Produce", limit: MOST_ENTRIES })));
    }
}
