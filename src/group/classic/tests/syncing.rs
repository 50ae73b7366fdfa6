use super::*;

/// Generation 2 of a group, whose assignment is awaited.
fn completing(count: usize) -> (Bench, Vec<MemberId>) {
    let (mut bench, members) = group_of(count);
    let joins: Vec<_> = members.iter().map(|member| bench.join(request(member.as_str()))).collect();
    drop(joins);
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
    (bench, members)
}

// Trap 24.
#[test]
fn everybody_gets_its_share_when_the_leader_has_spoken_and_the_forgotten_an_empty_one() {
    let (mut bench, members) = completing(3);
    let mut waits = bench.sync(&members[1], 2, &[]);
    assert!(is_parked(&mut waits));
    let before = bench.written();
    let mut leader = bench.sync(&members[0], 2, &[(&members[1], "one"), (&id("stranger"), "x"), (&members[0], "zero")]);
    let told = synced(&mut leader);
    assert_eq!((told.refusal, told.protocol_type.as_deref(), told.protocol.as_deref()), (None, Some("consumer"), Some("range")));
    assert_eq!((&told.assignment[..], &synced(&mut waits).assignment[..]), (&b"zero"[..], &b"one"[..]));
    assert_eq!((bench.state(), bench.written()), (GroupState::Stable, before + 1));
    // Who comes later gets it at once.
    let late = synced(&mut bench.sync(&members[2], 2, &[]));
    assert_eq!((late.refusal, late.assignment.len()), (None, 0));
}

#[test]
fn a_new_assignment_leaves_nothing_of_the_one_before() {
    let (mut bench, members) = completing(2);
    drop(bench.sync(&members[0], 2, &[]));
    let shares = bench.described().members.into_iter().map(|member| member.assignment.len());
    assert_eq!(shares.collect::<Vec<_>>(), [0, 0]);
}

// Trap 24.
#[test]
fn a_sync_that_names_another_protocol_is_refused_and_one_that_names_none_is_not() {
    let (mut bench, members) = completing(2);
    let sync = |protocol_type: Option<&str>, protocol: Option<&str>| SyncGroup {
        group: g(),
        member: members[1].clone(),
        instance: None,
        generation: 2,
        protocol_type: protocol_type.map(Into::into),
        protocol: protocol.map(Into::into),
        assignments: Vec::new(),
    };
    for wrong in [sync(Some("connect"), Some("range")), sync(Some("consumer"), Some("sticky"))] {
        let told = synced(&mut bench.sync_as(wrong));
        assert_eq!((told.refusal, told.protocol_type, told.protocol), (Some(Refusal::InconsistentGroupProtocol), None, None));
    }
    assert!(is_parked(&mut bench.sync_as(sync(None, None))));
}

#[test]
fn a_sync_of_a_stranger_of_another_generation_or_of_no_group_is_refused() {
    let mut bench = Bench::new(config());
    assert_eq!(synced(&mut bench.sync(&id("c-1"), 1, &[])).refusal, Some(Refusal::UnknownMemberId));
    let (mut bench, members) = completing(2);
    assert_eq!(synced(&mut bench.sync(&id("c-1"), 2, &[])).refusal, Some(Refusal::UnknownMemberId));
    for generation in [-1, 1, 3] {
        assert_eq!(synced(&mut bench.sync(&members[0], generation, &[])).refusal, Some(Refusal::IllegalGeneration));
    }
}

#[test]
fn a_sync_while_a_rebalance_is_prepared_is_told_to_join() {
    let (mut bench, members) = group_of(2);
    drop(bench.join(request("")));
    assert_eq!(synced(&mut bench.sync(&members[0], 1, &[])).refusal, Some(Refusal::RebalanceInProgress));
}

#[test]
fn a_sync_that_comes_again_answers_the_older_one() {
    let (mut bench, members) = completing(2);
    let mut given_up = bench.sync(&members[1], 2, &[]);
    let mut again = bench.sync(&members[1], 2, &[]);
    assert_eq!(synced(&mut given_up).refusal, Some(Refusal::RebalanceInProgress));
    drop(bench.sync(&members[0], 2, &[(&members[1], "one")]));
    assert_eq!(&synced(&mut again).assignment[..], b"one");
}

#[test]
fn who_does_not_sync_in_time_is_removed_and_the_others_rebalance() {
    let (mut bench, members) = completing(3);
    let mut parked = bench.sync(&members[1], 2, &[]);
    bench.pass_alive(REBALANCE - Duration::from_millis(1), &[&members[0], &members[2]], 2);
    assert!(is_parked(&mut parked));
    bench.pass(Duration::from_millis(1));
    // The leader never sent an assignment.
    assert_eq!(synced(&mut parked).refusal, Some(Refusal::RebalanceInProgress));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    let left: Vec<MemberId> = bench.described().members.into_iter().map(|member| member.member).collect();
    assert_eq!(left, [members[1].clone()]);
}

#[test]
fn a_follower_of_a_stable_group_has_to_fetch_its_share_too() {
    let (mut bench, members) = completing(3);
    drop(bench.sync(&members[0], 2, &[]));
    assert_eq!(synced(&mut bench.sync(&members[1], 2, &[])).refusal, None);
    bench.pass_alive(REBALANCE - Duration::from_millis(1), &members.iter().collect::<Vec<_>>(), 2);
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(Duration::from_millis(1));
    assert_eq!((bench.state(), bench.described().members.len()), (GroupState::PreparingRebalance, 2));
}

#[test]
fn a_rebalance_forgives_the_syncs_that_were_owed_before() {
    let (mut bench, members) = completing(2);
    drop(bench.sync(&members[0], 2, &[]));
    bench.pass_alive(seconds(20), &members.iter().collect::<Vec<_>>(), 2);
    let mut join = bench.join(request(members[0].as_str()));
    // 30 seconds after generation 2 began, the second has had 10 to join the next.
    bench.pass_alive(seconds(12), &[&members[1]], 2);
    assert!(is_parked(&mut join));
    assert_eq!(bench.described().members.len(), 2);
}

/// Generation 1 of a leader with a long session and a follower with a short one, whose SyncGroup is parked for longer than that.
fn parked_beyond_its_session() -> (Bench, Vec<MemberId>, Waiting) {
    let mut bench = Bench::new(config());
    let patient = |session_timeout_ms| JoinGroup { session_timeout_ms, rebalance_timeout_ms: 60_000, ..request("") };
    let mut joins = [bench.join(patient(100_000)), bench.join(patient(10_000))];
    bench.pass(Duration::ZERO);
    let members = joins.each_mut().map(|join| joined(join).member).to_vec();
    let mut parked = bench.sync(&members[1], 1, &[]);
    bench.pass(SESSION + seconds(1));
    assert!(is_parked(&mut parked));
    (bench, members, parked)
}

#[test]
fn a_session_begins_anew_with_the_answer_to_a_parked_sync() {
    let (mut bench, members, mut parked) = parked_beyond_its_session();
    drop(bench.sync(&members[0], 1, &[]));
    assert_eq!(synced(&mut parked).refusal, None);
    bench.pass(SESSION - Duration::from_millis(1));
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(Duration::from_millis(1));
    assert_eq!((bench.state(), bench.described().members.len()), (GroupState::PreparingRebalance, 1));

    // Also when the answer is that there is another rebalance.
    let (mut bench, members, mut parked) = parked_beyond_its_session();
    let join = bench.join(with_protocols(&["range", "x"], members[0].as_str()));
    assert_eq!(synced(&mut parked).refusal, Some(Refusal::RebalanceInProgress));
    bench.pass(SESSION - Duration::from_millis(1));
    assert_eq!(bench.described().members.len(), 2);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.described().members.len(), 1);
    drop(join);
}

#[test]
fn when_all_have_synced_the_deadline_passes_without_a_trace() {
    let (mut bench, members) = group_of(2);
    bench.pass_alive(REBALANCE * 2, &members.iter().collect::<Vec<_>>(), 1);
    assert_eq!(bench.state(), GroupState::Stable);
}

#[test]
fn a_generation_that_is_too_large_to_be_written_is_given_up_and_another_begun() {
    let (mut bench, members) = completing(2);
    let mut waits = bench.sync(&members[1], 2, &[]);
    let before = bench.written();
    let mut leader = bench.sync(&members[0], 2, &[(&members[1], &"x".repeat(1 << 20))]);
    assert_eq!(synced(&mut leader).refusal, Some(Refusal::GroupTooLarge));
    assert_eq!(synced(&mut waits).refusal, Some(Refusal::GroupTooLarge));
    assert_eq!((bench.state(), bench.written()), (GroupState::PreparingRebalance, before));
    assert!(bench.described().members.iter().all(|member| member.assignment.is_empty()));
    let mut joins = [0, 1].map(|at: usize| bench.join(request(members[at].as_str())));
    assert_eq!(joins.each_mut().map(|join| joined(join).generation), [3, 3]);
    bench.assign(&members, 3);
}
