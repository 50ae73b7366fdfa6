//! Records are deleted from the start of a partition: what was told of it holds after every power cut.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};

use crate::ledger::Deletion;
use crate::peer::{Peer, pause};
use crate::story::{NONE, NOT_LEADER, Shared, UNKNOWN_TOPIC, offset, read_to, send, topic_name};
use crate::support::records::{self, ProducerState};
use crate::world::Outcome;

/// The topic, of one partition.
const SHRINKING: &str = "a";
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
const BATCHES: usize = 4;
/// In the middle of a batch, with whole batches on both sides.
const BELOW: i64 = 3;

/// Writes some batches and deletes what lies below an offset in their middle.
pub(crate) async fn delete_some(peer: &mut Peer, ledger: &Shared) -> Outcome {
    let mut kept = BTreeMap::new();
    for batch in 0..BATCHES {
        let values = [Bytes::from(format!("{batch} first")), Bytes::from(format!("{batch} second"))];
        let base = send(peer, SHRINKING, 0, records::encode(ProducerState::NONE, 1_795_000_000_000, &values)).await?;
        kept.extend((base..).zip(values));
    }
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(BELOW);
    let topic = DeleteRecordsTopic::default().with_name(topic_name(SHRINKING)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000);
    loop {
        let answer = peer.ask(2, &request).await;
        let answer = &answer.topics[0].partitions[0];
        match (answer.error_code, answer.low_watermark) {
            (NONE, BELOW) => break,
            (UNKNOWN_TOPIC | NOT_LEADER, _) => pause().await,
            (code, low_watermark) => return Err(format!("deleting records: error {code}, low watermark {low_watermark}").into()),
        }
    }
    kept.retain(|offset, _| *offset >= BELOW);
    ledger.lock().unwrap().deletion = Some(Deletion { below: BELOW, kept, found_start: None, found: BTreeMap::new() });
    Ok(())
}

/// Reads what is left.
pub(crate) async fn look(peer: &mut Peer, ledger: &Shared) -> Outcome {
    let (start, end) = (offset(peer, SHRINKING, 0, EARLIEST).await?, offset(peer, SHRINKING, 0, LATEST).await?);
    let found = read_to(peer, SHRINKING, 0, start, end).await?;
    if let Some(deletion) = &mut ledger.lock().unwrap().deletion {
        (deletion.found_start, deletion.found) = (Some(start), found);
    }
    Ok(())
}
