//! What topics a group consumes, as far as its members' metadata tells.
//!
//! A group of consumers carries Kafka's ConsumerProtocolSubscription as its metadata: the version, the topics, the user's data; from later
//! versions on the partitions that it owns, its generation, its rack. Versions above the newest are read as that.

use std::collections::BTreeSet;

use super::group::ClassicGroup;
use super::member::Member;

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

    /// The topics of all members; `None` if they are no consumers, or if the metadata of one ends too early.
    ///
    /// # Errors
    /// The metadata of one contradicts itself.
    pub(super) fn read_subscriptions(&self) -> Result<Option<BTreeSet<Box<str>>>, Contradiction> {
        let mut topics = BTreeSet::new();
        if self.protocol_type() != Some(CONSUMER) {
            return Ok(None);
        }
        if self.members.is_empty() {
            return Ok(Some(topics));
        }
        let Some(protocol) = self.protocol.as_deref() else { return Ok(None) };
        for member in self.members.values() {
            match subscribed_topics(&member.metadata(protocol)) {
                Ok(of_member) => topics.extend(of_member),
                Err(Unreadable::Short) => return Ok(None),
                Err(Unreadable::Contradictory) => return Err(Contradiction),
            }
        }
        Ok(Some(topics))
    }

    /// Whether a member is one with which no generation begins: it names a protocol twice, or its metadata contradicts itself.
    pub(super) fn is_contradictory(&self, member: &Member) -> bool {
        let names: BTreeSet<&str> = member.protocols.iter().map(|protocol| &*protocol.name).collect();
        let lies = |metadata: &[u8]| subscribed_topics(metadata) == Err(Unreadable::Contradictory);
        names.len() < member.protocols.len()
            || self.protocol_type() == Some(CONSUMER) && member.protocols.iter().any(|protocol| lies(&protocol.metadata))
    }
}

/// A count or length in a member's metadata that cannot be. Kafka's coordinator stumbles over it where it begins a generation, so that a group with
/// such a member does not come to one; neither does it here, until the member is sent away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Contradiction;

/// What is wrong with a subscription. The two are told apart as Kafka's generated readers do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unreadable {
    /// It ends where a number should stand, or its version is negative.
    Short,
    /// A count or length is negative or above what is left.
    Contradictory,
}

/// First versions of what follows the topics and the user's data.
const OWNED_PARTITIONS: i16 = 1;
const GENERATION: i16 = 2;
const RACK: i16 = 3;

fn subscribed_topics(bytes: &[u8]) -> Result<Vec<Box<str>>, Unreadable> {
    let mut from = Metadata(bytes);
    let version = i16::from_be_bytes(from.array()?);
    if version < 0 {
        return Err(Unreadable::Short);
    }
    let count = from.count()?;
    let topics = (0..count).map(|_| from.text()).collect::<Result<Vec<_>, _>>()?;
    let user_data = i32::from_be_bytes(from.array()?);
    if user_data >= 0 {
        from.take(user_data)?;
    }
    if version >= OWNED_PARTITIONS {
        for _ in 0..from.count()? {
            from.text()?;
            let partitions = from.count()?;
            for _ in 0..partitions {
                from.array::<4>()?;
            }
        }
    }
    if version >= GENERATION {
        from.array::<4>()?;
    }
    if version >= RACK {
        let length = i16::from_be_bytes(from.array()?);
        if length >= 0 {
            from.take(i32::from(length))?;
        }
    }
    Ok(topics)
}

/// What is left of a member's metadata.
struct Metadata<'a>(&'a [u8]);

impl<'a> Metadata<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: i32) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable::Contradictory)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Contradictory)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Every element takes at least one byte.
    fn count(&mut self) -> Result<usize, Unreadable> {
        let count = usize::try_from(i32::from_be_bytes(self.array()?)).map_err(|_| Unreadable::Contradictory)?;
        if count > self.0.len() { Err(Unreadable::Contradictory) } else { Ok(count) }
    }

    fn text(&mut self) -> Result<Box<str>, Unreadable> {
        let length = i16::from_be_bytes(self.array()?);
        Ok(String::from_utf8_lossy(self.take(i32::from(length))?).into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn metadata_is_read_and_what_is_wrong_with_it_told_apart_as_in_kafka() {
        let topics = [&[0, 3][..], &[0, 0, 0, 1], &[0, 1], b"t"].concat();
        let no_data = [0xff; 4];
        let rest = [&[0; 4][..], &[0, 0, 0, 7], &[0xff; 2]].concat();
        let whole = [&topics[..], &no_data, &rest].concat();
        assert_eq!(subscribed_topics(&whole), Ok(vec!["t".into()]));
        assert_eq!(subscribed_topics(&whole[..whole.len() - 1]), Err(Unreadable::Short), "it ends within the rack's length");
        assert_eq!(subscribed_topics(&topics), Err(Unreadable::Short));
        assert_eq!(subscribed_topics(&[0xff; 12]), Err(Unreadable::Short), "the version is negative");
        assert_eq!(subscribed_topics(b"bytes:3"), Err(Unreadable::Contradictory), "a count of 1,952,805,690");
        assert_eq!(subscribed_topics(&[&topics[..], &[0, 0, 0, 9]].concat()), Err(Unreadable::Contradictory));
    }
}
