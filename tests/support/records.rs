//! Record batches by kafka-protocol's codec, which the product does not use: a second opinion on every batch.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

/// What an idempotent producer says of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerState {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub first_sequence: i32,
}

impl ProducerState {
    pub const NONE: Self = Self { producer_id: -1, producer_epoch: -1, first_sequence: -1 };
}

/// One batch of records without keys.
pub fn encode(producer: ProducerState, timestamp: i64, values: &[Bytes]) -> Bytes {
    let records: Vec<Record> = (0..).zip(values).map(|(index, value)| record(producer, timestamp, index, value)).collect();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("records of ours");
    bytes.freeze()
}

fn record(producer: ProducerState, timestamp: i64, index: i32, value: &Bytes) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: producer.producer_id,
        producer_epoch: producer.producer_epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        // The codec starts a new batch where offset and sequence do not go in step, so -1 counts up too; the header has the first.
        sequence: producer.first_sequence + index,
        timestamp,
        key: None,
        value: Some(value.clone()),
        headers: Vec::<(StrBytes, Option<Bytes>)>::new().into_iter().collect(),
    }
}

/// All records of back-to-back batches, a cut last batch left out as Kafka's consumers do.
pub fn decode(mut bytes: Bytes) -> Vec<Record> {
    let mut records = Vec::new();
    while bytes.len() >= 12 {
        let length = i32::from_be_bytes(bytes.slice(8..12).as_ref().try_into().expect("four bytes"));
        let length = 12 + usize::try_from(length).expect("a batch length");
        if bytes.len() < length {
            break;
        }
        let mut batch = bytes.split_to(length);
        records.extend(RecordBatchDecoder::decode(&mut batch).expect("a whole batch").records);
    }
    records
}
