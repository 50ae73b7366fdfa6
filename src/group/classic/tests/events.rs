use super::*;
use crate::group::GroupEvent::{Emptied, MemberGone, RebalanceFinished, RebalanceStarted};

fn gone(member: &MemberId, why: Departure) -> GroupEvent {
    MemberGone { group: g(), member: member.clone(), why }
}

fn started(generation: i32, members: usize) -> GroupEvent {
    RebalanceStarted { group: g(), generation, members }
}

fn finished(generation: i32, members: usize) -> GroupEvent {
    RebalanceFinished { group: g(), generation, members, protocol: Some("range".into()) }
}

#[test]
fn people_are_told_of_rebalances_and_of_members_that_go() {
    let (mut bench, members) = group_of(2);
    assert_eq!(bench.take_events(), [started(0, 1), finished(1, 2)]);
    // One leaves, the other joins again.
    assert_eq!(bench.leave(&[(members[1].as_str(), None)]), Ok(vec![None]));
    let mut join = bench.join(request(members[0].as_str()));
    assert_eq!(joined(&mut join).generation, 2);
    bench.assign(&members[..1], 2);
    assert_eq!(bench.take_events(), [gone(&members[1], Departure::Left), started(1, 1), finished(2, 1)]);
    // And falls silent.
    bench.pass(SESSION);
    assert_eq!(bench.take_events(), [gone(&members[0], Departure::Silent), Emptied { group: g(), generation: 3 }]);
    assert_eq!(bench.heartbeat(&members[0], 2), Err(Refusal::UnknownMemberId));
    assert_eq!(bench.take_events(), [], "a heartbeat is no event");
}

#[test]
fn who_does_not_do_its_part_in_time_is_told_of_with_the_reason() {
    let (mut bench, members) = group_of(2);
    bench.take_events();
    // The second does not join again.
    let mut join =
        bench.join(JoinGroup { protocols: vec![protocol("range"), protocol("other")], ..request(members[0].as_str()) });
    bench.pass_alive(REBALANCE - seconds(1), &[&members[1]], 1);
    bench.pass(seconds(1));
    assert_eq!(joined(&mut join).generation, 2);
    assert_eq!(bench.take_events(), [started(1, 2), gone(&members[1], Departure::DidNotJoin)]);
    // The first does not sync.
    bench.pass_alive(REBALANCE - seconds(1), &[&members[0]], 2);
    bench.pass(seconds(1));
    assert!(bench.take_events().starts_with(&[gone(&members[0], Departure::DidNotSync)]));
}
