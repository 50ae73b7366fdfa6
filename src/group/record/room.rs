//! How much fits into a batch: a decision's records are appended as one.

use super::format::{self, LONGEST_TEXT};
use super::{GroupRecord, GroupValue};
use crate::coordinator::Context;
use crate::group::GroupCoordinator;
use crate::record::HEADER_LENGTH;
use crate::types::MemberId;

/// What a record takes in a batch beside key and value, at most: five varints, attributes and the time's difference, which is 0.
const RECORD_FRAME: usize = 5 * 5 + 2;

/// What is left of the batch that the records of one decision have to fit into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::group) struct Room(usize);

impl Room {
    /// The room beside what was decided already.
    pub(in crate::group) fn left(context: &Context<'_, GroupCoordinator>) -> Self {
        let taken: usize = context.records.iter().map(length).sum();
        Self(context.max_batch_bytes.saturating_sub(HEADER_LENGTH + taken))
    }

    /// Takes a record's part. False, and nothing is taken, when it does not fit or when Kafka's format has no room for one of its texts.
    #[must_use]
    pub(in crate::group) fn take(&mut self, record: &GroupRecord) -> bool {
        let left = if can_be_written(record) { self.0.checked_sub(length(record)) } else { None };
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

fn length(record: &GroupRecord) -> usize {
    RECORD_FRAME + format::length(record)
}

fn can_be_written(record: &GroupRecord) -> bool {
    let fits = |text: &str| text.len() <= LONGEST_TEXT;
    match record {
        GroupRecord::Offset { group, topic, value, .. } => {
            fits(group.as_str()) && fits(topic.as_str()) && value.as_ref().is_none_or(|value| fits(&value.metadata))
        }
        GroupRecord::Group { group, value } => {
            fits(group.as_str()) && value.as_ref().is_none_or(|value| texts_of(value).all(fits))
        }
    }
}

fn texts_of(group: &GroupValue) -> impl Iterator<Item = &str> {
    let members = group.members.iter().flat_map(|member| {
        let instance = member.instance.as_deref().unwrap_or_default();
        [member.member.as_str(), instance, &*member.client_id, &*member.client_host]
    });
    let own = [
        &*group.protocol_type,
        group.protocol.as_deref().unwrap_or_default(),
        group.leader.as_ref().map_or("", MemberId::as_str),
    ];
    own.into_iter().chain(members)
}
