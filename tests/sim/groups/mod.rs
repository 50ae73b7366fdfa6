//! A group in the simulated world: members that come and go, lost answers, power cuts; and what must be true of it.

pub(crate) mod history;
mod member;
mod offsets;
mod story;

use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;

const GROUP: &str = "g";
const TOPIC: &str = "shared";
const PARTITIONS: i32 = 4;
const SESSION_MS: u64 = 1_000;

fn group_id() -> GroupId {
    StrBytes::from_static_str(GROUP).into()
}

fn topic_name() -> TopicName {
    StrBytes::from_static_str(TOPIC).into()
}
