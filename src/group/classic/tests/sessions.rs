use super::super::timers::Timers;
use super::*;
use crate::types::Now;

// Trap 23.
#[test]
fn a_heartbeat_hears_of_a_rebalance_only_while_members_have_to_join() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.heartbeat(&id("c-1"), 0), Err(Refusal::UnknownMemberId), "no group");
    drop(bench.join(JoinGroup { requires_member_id: true, ..request("") }));
    assert_eq!(bench.heartbeat(&id("c-1"), 0), Err(Refusal::UnknownMemberId), "Empty");

    let (mut bench, members) = group_of(2);
    assert_eq!(bench.heartbeat(&members[0], 1), Ok(()), "Stable");
    let mut joins = vec![bench.join(request(members[0].as_str()))];
    assert_eq!(bench.heartbeat(&members[1], 1), Err(Refusal::RebalanceInProgress), "PreparingRebalance");
    joins.push(bench.join(request(members[1].as_str())));
    assert_eq!(bench.heartbeat(&members[1], 2), Ok(()), "CompletingRebalance");
}

#[test]
fn a_heartbeat_of_another_generation_is_refused() {
    let (mut bench, members) = group_of(1);
    for generation in [-1, 0, 2] {
        assert_eq!(bench.heartbeat(&members[0], generation), Err(Refusal::IllegalGeneration));
    }
}

#[test]
fn a_silent_member_is_removed_when_its_session_ends_and_the_others_rebalance() {
    let (mut bench, members) = group_of(2);
    bench.pass_alive(SESSION - Duration::from_millis(1), &[&members[0]], 1);
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(bench.heartbeat(&members[1], 1), Err(Refusal::UnknownMemberId));
    assert_eq!(bench.heartbeat(&members[0], 1), Err(Refusal::RebalanceInProgress));
}

#[test]
fn a_heartbeat_leaves_the_timers_as_they_are_and_the_session_ends_when_it_should() {
    let (mut bench, members) = group_of(2);
    let all: Vec<&MemberId> = members.iter().collect();
    let mut looks = Vec::new();
    for _ in 0..100 {
        bench.pass_alive(seconds(3), &all, 1);
        let due = bench.decide(|groups, _| groups.members_deadline()).unwrap();
        assert!(due > bench.now && due <= bench.now.plus(SESSION), "never later than what is due");
        looks.push(due);
    }
    looks.dedup();
    assert!(looks.len() <= 50, "the group was looked at {} times in 300 seconds", looks.len());
    // The last heartbeat was now.
    bench.pass(SESSION - Duration::from_millis(1));
    assert_eq!(bench.state(), GroupState::Stable);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.state(), GroupState::Empty);
}

/// As in Kafka: who can heartbeat is no newcomer any more, whatever it waits for.
#[test]
fn a_new_member_that_was_heard_of_has_its_session_and_no_more() {
    let (mut bench, members) = group_of(1);
    let told = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") })).member;
    let mut join = bench.join(request(told.as_str()));
    assert_eq!(bench.heartbeat(&told, 1), Err(Refusal::RebalanceInProgress));
    bench.pass_alive(SESSION, &[&members[0]], 1);
    assert_eq!(joined(&mut join).refusal, Some(Refusal::UnknownMemberId));
}

#[test]
fn a_session_timeout_that_becomes_shorter_holds_from_the_next_generation() {
    let mut bench = Bench::new(config());
    let session = |session_timeout_ms, member: &str| JoinGroup { session_timeout_ms, ..request(member) };
    let members = bench.stable(vec![session(100_000, "")]);
    let mut again = bench.join(session(6_000, members[0].as_str()));
    assert_eq!(joined(&mut again).generation, 2);
    bench.assign(&members, 2);
    bench.pass(seconds(6));
    assert_eq!(bench.state(), GroupState::Empty);
}

#[test]
fn everything_due_in_one_moment_is_done_and_fits_into_batches() {
    let mut bench = Bench::new(config());
    let name = |number: usize| GroupId::new(&format!("{number}{}", "x".repeat(30_000)));
    let mut joins: Vec<Waiting> = (0..100).map(|number| bench.join(JoinGroup { group: name(number), ..request("") })).collect();
    bench.pass(Duration::ZERO);
    for (number, join) in joins.iter_mut().enumerate() {
        let member = joined(join).member;
        let (protocol_type, protocol, assignments) = (None, None, Vec::new());
        drop(bench.sync_as(SyncGroup {
            group: name(number),
            member,
            instance: None,
            generation: 1,
            protocol_type,
            protocol,
            assignments,
        }));
    }
    let (before, at) = (bench.written(), bench.now);
    bench.pass(SESSION);
    let states = bench.decide(|groups, _| groups.list());
    assert!(states.iter().all(|group| group.state == GroupState::Empty), "100 groups with 3 MB of records");
    assert_eq!((bench.written() - before, bench.now), (100, at.plus(SESSION)));
}

// Trap 21.
#[test]
fn a_commit_without_membership_is_taken_while_the_group_is_empty_alone() {
    let mut bench = Bench::new(config());
    drop(bench.join(JoinGroup { requires_member_id: true, ..request("") }));
    let commit = |bench: &mut Bench, member: &str, generation| {
        bench.in_group(|group| group.validate_commit(&id(member), None, generation))
    };
    assert_eq!(commit(&mut bench, "", -1), Ok(()));
    assert_eq!(commit(&mut bench, "whoever", -1), Ok(()));
    assert_eq!(commit(&mut bench, "", 0), Err(Refusal::UnknownMemberId));

    let (mut bench, members) = group_of(1);
    assert_eq!(commit(&mut bench, "", -1), Err(Refusal::UnknownMemberId));
    assert_eq!(commit(&mut bench, "stranger", 1), Err(Refusal::UnknownMemberId));
    assert_eq!(commit(&mut bench, members[0].as_str(), -1), Err(Refusal::IllegalGeneration));
    assert_eq!(commit(&mut bench, members[0].as_str(), 2), Err(Refusal::IllegalGeneration));
    assert_eq!(commit(&mut bench, members[0].as_str(), 1), Ok(()));
}

// Trap 22.
#[test]
fn a_commit_is_taken_while_a_rebalance_is_prepared_and_not_while_the_assignment_is_awaited() {
    let (mut bench, members) = group_of(2);
    let commit = |bench: &mut Bench, generation| bench.in_group(|group| group.validate_commit(&members[1], None, generation));
    let mut joins = vec![bench.join(request(members[0].as_str()))];
    assert_eq!((bench.state(), commit(&mut bench, 1)), (GroupState::PreparingRebalance, Ok(())));
    joins.push(bench.join(request(members[1].as_str())));
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
    assert_eq!(commit(&mut bench, 2), Err(Refusal::RebalanceInProgress));
    assert_eq!(commit(&mut bench, 1), Err(Refusal::IllegalGeneration));
}

// Trap 22.
#[test]
fn a_commit_counts_as_a_heartbeat() {
    let (mut bench, members) = group_of(1);
    bench.pass(seconds(9));
    let now = bench.now;
    bench.in_group(|group| {
        group.touch(&members[0], now, &mut Timers::default());
        group.touch(&id("stranger"), now, &mut Timers::default());
    });
    bench.pass(seconds(9));
    assert_eq!(bench.heartbeat(&members[0], 1), Ok(()));
}

#[test]
fn a_group_of_500_has_one_timer() {
    let (bench, _) = group_of(500);
    let due = bench.shard.read(|groups| format!("{:?}", groups.timers).matches(&format!("{:?}", g())).count()).unwrap().reply;
    assert_eq!(due, 1);
    assert!(bench.shard.read(crate::coordinator::Coordinator::next_deadline).unwrap().reply > Some(Now::default()));
}
