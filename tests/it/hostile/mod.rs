//! The longest requests there can be, of every API that is served: each list of its schema filled up to the limit, with one element over
//! and over, and with as many different ones. The node answers or closes the connection, in bounded time and with a bounded answer, and
//! its other connections are served meanwhile.
//!
//! `KLAMM_FLOOD_BYTES` sets how long the bodies are: a short length by default, the longest that an API takes in `make test-long`.

mod floods;

use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_protocol::messages::ListGroupsRequest;
use klamm::config::ListenerPurpose;
use klamm::protocol::ApiKey;
use serde_json::json;

use crate::support::made_up::Pools;
use crate::support::schema::Schemas;
use crate::world::groups::commit;
use crate::world::requests::Topic;
use crate::world::{Client, Running, Setup, soon};
use floods::{Flood, floods};

/// Bytes of a bounded run's bodies.
const SHORT: usize = 16 << 10;

/// Most bytes of an answer beyond what its request is worth: `ANSWER_BYTES` of src/api/context.rs and one more group.
const ANSWER_BYTES: usize = 33 << 20;
/// An element of a request has a byte or more, and a refusal of it some dozen.
const PER_BYTE: usize = 64;
/// Longer answers are not read: as fields they would take gigabytes.
const READ_BYTES: usize = 2 << 20;
/// No task keeps its worker for longer, in a build without optimisation on a busy machine. What grows faster than its request exceeds it.
const LONGEST_TURN: Duration = Duration::from_secs(6);

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment how long to run")]
fn body_bytes() -> usize {
    std::env::var("KLAMM_FLOOD_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(SHORT)
}

fn served() -> impl Iterator<Item = ApiKey> {
    ApiKey::ALL.iter().copied().filter(|key| key.advertised(ListenerPurpose::Broker).is_some())
}

fn schemas() -> Schemas {
    Schemas::read(include_str!("../../golden/answers/schemas.json"))
}

/// A node with something to tell of: the topic `t`, the group `g` with a member and offsets with long metadata.
async fn prepared() -> (Running, Client, Topic) {
    let settings = [("offsets.topic.num.partitions", "1"), ("group.initial.rebalance.delay.ms", "0")];
    let running = settings.iter().fold(Setup::new(), |setup, (key, value)| setup.with(key, value)).start().await;
    let mut client = running.client().await;
    let topic = client.create("t", 50, &[]).await;
    client.produce(&topic, 0, &["a", "b"]).await;
    client.coordinator("g").await;
    let (member, generation) = client.join_alone("g").await;
    let offsets: Vec<_> = (0..50).map(|partition| ("t", partition, 1)).collect();
    let mut request = commit("g", &member, generation, &offsets);
    for topic in &mut request.topics {
        topic.partitions[0].committed_metadata = Some(crate::world::requests::text(&"m".repeat(1000)));
    }
    assert_eq!(client.call(9, &request).await.topics[0].partitions[0].error_code, 0);
    (running, client, topic)
}

#[tokio::test]
async fn no_request_however_long_is_answered_at_any_length_or_keeps_others_waiting() {
    let schemas = schemas();
    let mut shown = 0;
    for key in served() {
        let (running, mut bystander, topic) = prepared().await;
        let pools = Pools { topic_ids: vec![json!(topic.id.simple().to_string())], ..Pools::default() };
        for flood in floods(&schemas, key, &pools, body_bytes()) {
            let mut client = running.client().await;
            running.execution.forget_turns();
            client.raw().send_frame(&flood.frame).await.unwrap();
            let answer = soon(client.raw().receive_frame()).await;
            drop(client);
            // There is one worker: when the bystander is answered, the turn of the flood is over.
            bystander.call(4, &ListGroupsRequest::default()).await;
            let turn = running.execution.longest_turn();
            report(&flood, answer.as_ref().ok(), turn);
            assert!(turn < LONGEST_TURN, "{flood}: {turn:?}");
            if let Ok(answer) = answer {
                check(&schemas, &flood, answer);
            }
            shown += 1;
        }
        assert_eq!(*running.node.fatal().borrow(), None);
        running.stop().await.unwrap();
    }
    assert!(shown >= 2 * served().count(), "{shown}");
}

fn report(flood: &Flood, answer: Option<&Bytes>, turn: Duration) {
    let answered = answer.map_or_else(|| "closed".to_owned(), |answer| answer.len().to_string());
    println!("{flood}: {} bytes in, {answered} out, longest turn {} ms", flood.frame.len(), turn.as_millis());
}

/// The answer is not too long, and can be read in full.
fn check(schemas: &Schemas, flood: &Flood, mut answer: Bytes) {
    let most = ANSWER_BYTES + PER_BYTE * flood.frame.len();
    assert!(answer.len() <= most, "{flood}: {} bytes", answer.len());
    if answer.len() > READ_BYTES {
        return;
    }
    answer.advance(4);
    if flood.key.response_header_version(flood.version) > 0 {
        answer.advance(1);
    }
    let read = schemas.response(flood.key.name(), flood.version).decode(&mut answer);
    assert!(read.is_ok(), "{flood}: {:?}", read.err());
}
