//! Which of several things that are wrong with a request is the one that the client is told: as Apache Kafka 4.3.0 chose it.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::{InitProducerIdRequest, TransactionalId};

use crate::world::requests::{Topic, batch, produce, produced, text};
use crate::world::{Client, Setup};

const CORRUPT_MESSAGE: i16 = 2;
const INVALID_REQUIRED_ACKS: i16 = 21;
const UNSUPPORTED_VERSION: i16 = 35;
const INVALID_REQUEST: i16 = 42;
const INVALID_TRANSACTION_TIMEOUT: i16 = 50;
const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;

/// Newest version in which zstd may not be used.
const NO_ZSTD: i16 = 6;

/// Position of the attributes' lower byte in a batch.
const ATTRIBUTES: usize = 22;
/// Position of the last byte of the checksum.
const CHECKSUM: usize = 20;

fn with_byte(batch: &Bytes, position: usize, change: impl FnOnce(u8) -> u8) -> Bytes {
    let mut bytes = BytesMut::from(&batch[..]);
    bytes[position] = change(bytes[position]);
    bytes.freeze()
}

/// Names partition 0 once for each of the batches; the answer's code and offset.
async fn produce_all(client: &mut Client, topic: &Topic, acks: i16, batches: &[&Bytes]) -> (i16, i64) {
    let mut request = produce(NO_ZSTD, acks, &[(topic, 0, Bytes::new())]);
    let data = |records: &&Bytes| PartitionProduceData::default().with_index(0).with_records(Some((*records).clone()));
    request.topic_data[0].partition_data = batches.iter().map(data).collect();
    let answer = produced(client.call(NO_ZSTD, &request).await);
    (answer.error_code, answer.base_offset)
}

#[tokio::test]
async fn a_batch_that_no_log_is_asked_about_decides_the_answer_of_its_partition() {
    let running = Setup::new().start().await;
    let mut client = running.client().await;
    let topic = &client.create("t", 1, &[]).await;
    let good = &batch(&["a"]);
    let zstd = &with_byte(good, ATTRIBUTES, |attributes| attributes | 4);
    let damaged = &with_byte(good, CHECKSUM, |byte| !byte);
    for acks in [1, -1] {
        assert_eq!(produce_all(&mut client, topic, acks, &[damaged]).await, (CORRUPT_MESSAGE, -1));
        for batches in [&[zstd][..], &[zstd, good], &[good, zstd], &[zstd, damaged]] {
            assert_eq!(produce_all(&mut client, topic, acks, batches).await, (UNSUPPORTED_COMPRESSION_TYPE, -1), "acks {acks}");
        }
    }
    assert_eq!(produce_all(&mut client, topic, 2, &[good]).await, (INVALID_REQUIRED_ACKS, -1));
    assert_eq!(produce_all(&mut client, topic, 2, &[zstd, good]).await, (UNSUPPORTED_COMPRESSION_TYPE, -1));
    // The good ones beside zstd were appended all the same.
    assert_eq!(produce_all(&mut client, topic, -1, &[good]).await, (0, 4));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_transactional_producer_is_told_what_is_wrong_before_that_there_are_no_transactions() {
    let running = Setup::new().with("transaction.max.timeout.ms", "5000").start().await;
    let mut client = running.client().await;
    for (id, epoch, timeout, code) in [
        ("x", -1, 5000, UNSUPPORTED_VERSION),
        ("x", -1, 5001, INVALID_TRANSACTION_TIMEOUT),
        ("x", -1, 0, INVALID_TRANSACTION_TIMEOUT),
        ("x", 3, 0, INVALID_REQUEST),
        ("", -1, 0, INVALID_REQUEST),
    ] {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(text(id))))
            .with_transaction_timeout_ms(timeout)
            .with_producer_id((-1).into())
            .with_producer_epoch(epoch);
        let answer = client.call(5, &request).await;
        assert_eq!((answer.error_code, answer.producer_id.0), (code, -1), "{request:?}");
    }
    running.stop().await.unwrap();
}
