//! What topics a group consumes, as far as its members' metadata tells.
//!
//! A group of consumers carries Kafka's ConsumerProtocolSubscription as its metadata. Every version of it begins as version 0 does: the
//! version, the topics, the user's data.

use std::collections::BTreeSet;

use super::group::ClassicGroup;

/// The protocol type of consumers.
const CONSUMER: &str = "consumer";

impl ClassicGroup {
    /// Whether the group consumes the topic. A group of consumers whose metadata cannot be read may consume any.
    pub(in crate::group) fn is_subscribed(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.protocol_type() == Some(CONSUMER),
        }
    }

    /// The topics of all members; `None` if they are no consumers, or if what one says of itself cannot be read.
    pub(super) fn read_subscriptions(&self) -> Option<BTreeSet<Box<str>>> {
        if self.protocol_type() != Some(CONSUMER) {
            return None;
        }
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let metadata = member.metadata(self.protocol.as_deref()?);
            topics.extend(subscribed_topics(&metadata)?.into_iter().map(Box::from));
        }
        Some(topics)
    }
}

fn subscribed_topics(mut metadata: &[u8]) -> Option<Vec<&str>> {
    let _version = i16::from_be_bytes(take(&mut metadata)?);
    let count = u32::try_from(i32::from_be_bytes(take(&mut metadata)?)).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(i16::from_be_bytes(take(&mut metadata)?)).ok()?;
        let (topic, rest) = metadata.split_at_checked(length)?;
        topics.push(std::str::from_utf8(topic).ok()?);
        metadata = rest;
    }
    // The user's data, -1 for none.
    let length = i32::from_be_bytes(take(&mut metadata)?);
    let is_whole = length < 0 || usize::try_from(length).is_ok_and(|length| length <= metadata.len());
    is_whole.then_some(topics)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}
