//! OffsetCommit.

use super::*;

#[test]
fn a_commit_without_membership_makes_a_group_of_its_own() {
    // Trap 21.
    let mut bench = bench();
    assert_eq!(commit(&mut bench, &simple("g", vec![new_offset("t", 0, 7)])), Ok(vec![None]));
    let described = bench.decide(|groups, _| groups.describe(&group_id("g"))).unwrap();
    assert_eq!((described.state, &*described.protocol_type), (GroupState::Empty, ""));
    assert_eq!(written(&bench), 1, "the group has no record of its own");
    bench.restart();
    assert_eq!(state(&mut bench, "g"), Some(GroupState::Empty));
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 7)]);
}

#[test]
fn a_commit_without_membership_is_for_groups_without_members() {
    // Trap 21.
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("s", 0, 3)])).unwrap();
    let request = simple("g", vec![new_offset("t", 0, 7)]);
    assert_eq!(commit(&mut bench, &request), Err(Refusal::UnknownMemberId));
    let waiting = disturb(&mut bench, "g");
    assert_eq!(commit(&mut bench, &request), Err(Refusal::UnknownMemberId), "nor while it rebalances");
    drop(waiting);
    bench.pass(2 * SESSION);
    assert_eq!(state(&mut bench, "g"), Some(GroupState::Empty), "all fell silent");
    assert_eq!(commit(&mut bench, &request), Ok(vec![None]));
    assert_eq!(commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, 8)])), Err(Refusal::UnknownMemberId));
    assert_eq!(numbers(&mut bench, "g"), [("s".into(), 0, 3), ("t".into(), 0, 7)]);
}

#[test]
fn a_generation_of_a_group_that_does_not_exist_is_refused_as_the_version_knows_it() {
    // Trap 21.
    let mut bench = bench();
    let newer = by_member("g", &(MemberId::new("m"), 0), vec![new_offset("t", 0, 7)]);
    assert_eq!(commit(&mut bench, &newer), Err(Refusal::GroupIdNotFound));
    let older = CommitOffsets { knows_group_id_not_found: false, ..newer };
    assert_eq!(commit(&mut bench, &older), Err(Refusal::IllegalGeneration));
    assert_eq!((state(&mut bench, "g"), written(&bench)), (None, 0));
}

#[test]
fn members_commit_in_their_generation() {
    let mut bench = bench();
    let (member, generation) = consume(&mut bench, "g", &["t"]);
    let by = |member: &MemberId, generation| by_member("g", &(member.clone(), generation), vec![new_offset("t", 0, 7)]);
    assert_eq!(commit(&mut bench, &by(&member, generation)), Ok(vec![None]));
    assert_eq!(commit(&mut bench, &by(&member, generation + 1)), Err(Refusal::IllegalGeneration));
    assert_eq!(commit(&mut bench, &by(&member, generation - 1)), Err(Refusal::IllegalGeneration));
    assert_eq!(commit(&mut bench, &by(&MemberId::new("other"), generation)), Err(Refusal::UnknownMemberId));
    let as_instance = CommitOffsets { instance: Some(Arc::from("i")), ..by(&member, generation) };
    assert_eq!(commit(&mut bench, &as_instance), Err(Refusal::UnknownMemberId));
}

#[test]
fn a_member_that_has_no_assignment_yet_is_told_to_rejoin() {
    // Trap 22: CompletingRebalance.
    let mut bench = bench();
    let member = join(&mut bench, "g", "consumer", subscription(&["t"]));
    assert_eq!(state(&mut bench, "g"), Some(GroupState::CompletingRebalance));
    let request = by_member("g", &member, vec![new_offset("t", 0, 7)]);
    assert_eq!(commit(&mut bench, &request), Err(Refusal::RebalanceInProgress));
    sync(&mut bench, "g", &member);
    assert_eq!(commit(&mut bench, &request), Ok(vec![None]));
}

#[test]
fn a_commit_while_a_rebalance_is_prepared_is_taken_and_counts_as_a_heartbeat() {
    // Trap 22: PreparingRebalance. The rebalance is given more time than a session takes, so that silence alone ends the membership.
    let session_passes = |commits: bool| {
        let mut bench = bench();
        let mut request = join_request("g", &MemberId::new(""), "consumer", subscription(&["t"]));
        (request.session_timeout_ms, request.rebalance_timeout_ms) = (6_000, 60_000);
        let mut waiting = bench.park(|groups, context, token| groups.join(context, request, token));
        bench.pass(Duration::ZERO);
        let Some(Reply::Join(JoinReply { member, generation, .. })) = answer(&mut waiting) else { unreachable!("it is alone") };
        sync(&mut bench, "g", &(member.clone(), generation));
        let _waiting = disturb(&mut bench, "g");
        for offset in 0..3 {
            bench.pass(Duration::from_secs(4));
            if commits {
                let request = by_member("g", &(member.clone(), generation), vec![new_offset("t", 0, offset)]);
                assert_eq!(commit(&mut bench, &request), Ok(vec![None]));
            }
        }
        let members = bench.decide(|groups, _| groups.describe(&group_id("g"))).unwrap().members;
        members.iter().any(|described| described.member == member)
    };
    assert!(session_passes(true));
    assert!(!session_passes(false), "whoever does not commit is gone");
}

#[test]
fn a_commit_in_a_stable_group_counts_as_a_heartbeat() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    for offset in 0..3 {
        bench.pass(SESSION * 2 / 3);
        assert_eq!(commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, offset)])), Ok(vec![None]));
    }
    bench.pass(SESSION);
    assert_eq!(state(&mut bench, "g"), Some(GroupState::Empty));
}

#[test]
fn metadata_is_measured_in_utf_16_and_refused_for_its_partition_alone() {
    let mut bench = bench();
    let with = |partition, metadata: String| NewOffset { metadata: Arc::from(metadata), ..new_offset("t", partition, 1) };
    // 4,096 units each: as many letters of two bytes, half as many pairs of surrogates.
    let fitting = [with(0, "é".repeat(4_096)), with(1, "\u{1f600}".repeat(2_048))];
    let too_long = [with(2, "é".repeat(4_097)), with(3, "x".repeat(4_097))];
    let offsets = [too_long[0].clone(), fitting[0].clone(), too_long[1].clone(), fitting[1].clone()];
    let refused = Some(Refusal::OffsetMetadataTooLarge);
    assert_eq!(commit(&mut bench, &simple("g", offsets.to_vec())), Ok(vec![refused, None, refused, None]));
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 1), ("t".into(), 1, 1)]);
}

#[test]
fn a_commit_of_which_nothing_can_be_stored_makes_no_group() {
    let mut bench = bench();
    let offset = NewOffset { metadata: Arc::from("x".repeat(4_097)), ..new_offset("t", 0, 1) };
    assert_eq!(commit(&mut bench, &simple("g", vec![offset])), Ok(vec![Some(Refusal::OffsetMetadataTooLarge)]));
    assert_eq!((state(&mut bench, "g"), written(&bench)), (None, 0));
}

#[test]
fn a_commit_that_does_not_fit_into_one_batch_is_refused_whole() {
    let mut bench = bench();
    *lock(&bench.journal.max_batch_bytes) = 1_000;
    let offsets = |count| (0..count).map(|partition| new_offset("t", partition, 1)).collect();
    assert_eq!(commit(&mut bench, &simple("g", offsets(100))), Err(Refusal::InvalidCommitOffsetSize));
    assert_eq!(written(&bench), 0);
    assert_eq!(commit(&mut bench, &simple("g", offsets(5))), Ok(vec![None; 5]));
    let long = "g".repeat(40_000);
    *lock(&bench.journal.max_batch_bytes) = 1 << 20;
    assert_eq!(
        commit(&mut bench, &simple(&long, offsets(1))),
        Err(Refusal::InvalidCommitOffsetSize),
        "no key holds this group's name"
    );
}

#[test]
fn all_of_a_commit_is_kept_over_a_restart() {
    let mut bench = bench();
    let offset = NewOffset { leader_epoch: Some(LeaderEpoch(4)), metadata: Arc::from("note"), ..new_offset("t", 2, 9) };
    commit(&mut bench, &simple("g", vec![offset.clone(), new_offset("s", 0, 3)])).unwrap();
    commit(
        &mut bench,
        &CommitOffsets { retention_ms: Some(5_000), ..simple("g", vec![NewOffset { partition: PartitionIndex(3), ..offset }]) },
    )
    .unwrap();
    let committed = |partition| {
        move |offsets: &OffsetsOfGroup| match &offsets[1].1[partition] {
            (_, FetchedOffset::Committed(offset)) => offset.clone(),
            other => panic!("{other:?}"),
        }
    };
    let before = fetch_all(&mut bench, "g");
    let kept = CommittedOffset {
        offset: Offset(9),
        leader_epoch: Some(LeaderEpoch(4)),
        metadata: Arc::from("note"),
        commit_timestamp: bench.moment().timestamp,
        expire_timestamp: None,
        topic_id: Some(topic_id(1)),
    };
    let expires = Some(Timestamp(kept.commit_timestamp.0 + 5_000));
    assert_eq!(committed(0)(&before), kept);
    let expiring = CommittedOffset { expire_timestamp: expires, leader_epoch: None, topic_id: None, ..kept };
    assert_eq!(committed(1)(&before), expiring, "as its record will say");
    bench.restart();
    assert_eq!(fetch_all(&mut bench, "g"), before);
}

#[test]
fn a_retention_beyond_all_time_is_one_that_lasts_and_a_negative_one_has_passed() {
    for (retention_ms, lasts) in [(i64::MAX, true), (i64::MIN, false), (0, false)] {
        let mut bench = bench();
        let request = CommitOffsets { retention_ms: Some(retention_ms), ..simple("g", vec![new_offset("t", 0, 1)]) };
        assert_eq!(commit(&mut bench, &request), Ok(vec![None]));
        assert_eq!(bench.replay().durable_records(), bench.decide(|groups, _| groups.durable_records()));
        bench.pass(CHECK);
        assert_eq!(numbers(&mut bench, "g").len(), usize::from(lasts), "{retention_ms}");
    }
}

#[test]
fn the_names_of_a_groups_offsets_are_kept_once() {
    let mut bench = bench();
    for partition in [3, 1, 2] {
        commit(&mut bench, &simple("g", vec![new_offset("t", partition, 1)])).unwrap();
    }
    bench.restart();
    let names: Vec<_> = bench.decide(|groups, _| {
        let names = groups.offsets.iter().map(|(place, _)| (place.group.as_str().as_ptr(), place.topic.as_str().as_ptr()));
        names.collect()
    });
    assert_eq!(names, [names[0]; 3]);
    assert_eq!(bench.decide(|groups, _| groups.groups.keys().next().unwrap().as_str().as_ptr()), names[0].0);
}
