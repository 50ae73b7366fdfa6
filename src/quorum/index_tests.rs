//! The numbering of batches, case by case.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::engine::{Membership, StoredMembership, VoterNode};
use super::super::snapshot::SnapshotId;
use super::*;
use crate::types::{OffsetAndEpoch, Timestamp};

/// Batches as (base offset, epoch).
fn batches(positions: &[(i64, i32)]) -> Vec<ScannedBatch> {
    let position =
        |(offset, epoch): &(i64, i32)| BatchPosition { base_offset: Offset(*offset), leader_epoch: LeaderEpoch(*epoch) };
    positions.iter().map(|batch| ScannedBatch { position: position(batch), membership: None }).collect()
}

fn snapshot(end: i64, epoch: i32, last_index: u64) -> SnapshotId {
    let membership = Membership::new(vec![[1].into()], BTreeMap::from([(1, VoterNode::default())])).unwrap();
    let meta = super::super::engine::SnapshotMeta {
        last_log_id: Some(log_id(LeaderEpoch(epoch), last_index)),
        last_membership: StoredMembership::new(Some(log_id(LeaderEpoch(0), 0)), membership),
    };
    let end = OffsetAndEpoch { offset: Offset(end), leader_epoch: LeaderEpoch(epoch) };
    SnapshotId { end, last_timestamp: Timestamp(0), meta }
}

fn build(positions: &[(i64, i32)], end: i64, snapshot: Option<SnapshotId>) -> Result<Option<BatchIndex>, String> {
    let start = positions.first().map_or(end, |(offset, _)| *offset);
    BatchIndex::build(batches(positions), Offset(start), Offset(end), snapshot.as_ref())
}

fn id(epoch: i32, index: u64) -> Option<LogId> {
    Some(log_id(LeaderEpoch(epoch), index))
}

#[test]
fn without_a_snapshot_the_log_begins_at_index_0() {
    let index = build(&[(0, 0), (2, 1), (3, 1)], 7, None).unwrap().unwrap();
    assert_eq!((index.first(), index.next(), index.purged(), index.last()), (0, 3, None, id(1, 2)));
    assert_eq!(
        [0, 1, 2, 3, 4].map(|number| index.base_offset(number)),
        [Some(0), Some(2), Some(3), Some(7), None].map(|offset| offset.map(Offset))
    );
    assert!(build(&[(5, 1)], 7, None).is_err(), "what lies below is lost");
    let empty = build(&[], 0, None).unwrap().unwrap();
    assert_eq!((empty.next(), empty.last()), (0, None));
}

#[test]
fn a_snapshot_says_where_to_count_from() {
    // Whole log, a snapshot in its middle.
    let index = build(&[(0, 0), (2, 1), (3, 1)], 7, Some(snapshot(3, 1, 1))).unwrap().unwrap();
    assert_eq!((index.first(), index.purged(), index.last()), (0, None, id(1, 2)));
    // A log that was cut: its first batch counts as purged.
    let index = build(&[(20, 1), (22, 1), (25, 2)], 30, Some(snapshot(25, 1, 11))).unwrap().unwrap();
    assert_eq!((index.first(), index.purged(), index.last()), (11, id(1, 10), id(2, 12)));
    assert!(index.membership().is_some(), "known from the snapshot");
    // A log that begins where the snapshot ends, with and without batches.
    let index = build(&[(25, 2)], 30, Some(snapshot(25, 1, 11))).unwrap().unwrap();
    assert_eq!((index.first(), index.purged(), index.last()), (12, id(1, 11), id(2, 12)));
    let index = build(&[], 25, Some(snapshot(25, 1, 11))).unwrap().unwrap();
    assert_eq!((index.next(), index.purged(), index.last()), (12, id(1, 11), id(1, 11)));
}

#[test]
fn a_log_below_the_snapshot_is_told_and_a_contradiction_is_an_error() {
    assert!(build(&[(0, 0), (2, 1)], 3, Some(snapshot(25, 1, 11))).unwrap().is_none());
    for (positions, end, snapshot) in [
        (vec![(0, 0), (2, 1), (30, 1)], 31, snapshot(25, 1, 11)), // no batch begins at 25
        (vec![(20, 1), (25, 2)], 30, snapshot(25, 2, 11)),        // another epoch before 25
        (vec![(26, 2)], 30, snapshot(25, 1, 11)),                 // a gap behind the snapshot
        (vec![(0, 0), (2, 1)], 3, snapshot(3, 1, 5)),             // two batches cannot be six
        (vec![(20, 1), (21, 1), (22, 1)], 23, snapshot(23, 1, 1)), // three batches cannot be two
    ] {
        let built = build(&positions, end, Some(snapshot));
        assert!(built.is_err(), "{positions:?}: {built:?}");
    }
}

#[test]
fn cut_at_either_end() {
    let mut index = build(&[(0, 0), (2, 1), (3, 1), (7, 2)], 9, None).unwrap().unwrap();
    assert_eq!(index.truncate_from(9), None);
    assert_eq!(index.truncate_from(3), Some(Offset(7)));
    assert_eq!((index.last(), index.end_offset()), (id(1, 2), Offset(7)));
    assert_eq!(index.purge(log_id(LeaderEpoch(1), 1)), Some(Offset(3)));
    assert_eq!((index.first(), index.purged()), (2, id(1, 1)));
    assert_eq!(index.purge(log_id(LeaderEpoch(0), 0)), None, "purged already");
    assert_eq!(index.truncate_from(0), Some(Offset(3)));
    assert_eq!((index.last(), index.next()), (id(1, 1), 2));
}
