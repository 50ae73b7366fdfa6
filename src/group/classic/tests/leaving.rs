use super::*;

// Trap 29.
#[test]
fn each_member_is_told_by_itself_whether_it_left() {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![request(""), of_instance("i", ""), of_instance("j", ""), request("")]);
    let pending = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") })).member;
    let left = bench.leave(&[
        (members[3].as_str(), None),
        ("", Some("i")),
        (members[2].as_str(), Some("j")),
        (pending.as_str(), None),
        ("stranger", None),
        ("", Some("k")),
        ("", None),
        ("stranger", Some("i")),
    ]);
    let unknown = Some(Refusal::UnknownMemberId);
    assert_eq!(left, Ok(vec![None, None, None, None, unknown, unknown, unknown, unknown]));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    let still_there: Vec<MemberId> = bench.described().members.into_iter().map(|member| member.member).collect();
    assert_eq!(still_there, [members[0].clone()]);
}

// Trap 29.
#[test]
fn nobody_leaves_a_group_that_does_not_exist() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.leave(&[("c-1", None)]), Err(Refusal::UnknownMemberId));
}

#[test]
fn a_leave_that_removes_nobody_begins_no_rebalance() {
    let (mut bench, _) = group_of(1);
    assert_eq!(bench.leave(&[("stranger", None)]), Ok(vec![Some(Refusal::UnknownMemberId)]));
    assert_eq!(bench.state(), GroupState::Stable);
}

#[test]
fn who_leaves_is_waited_for_no_more() {
    let (mut bench, members) = group_of(2);
    let mut join = bench.join(request(members[0].as_str()));
    assert_eq!(bench.leave(&[(members[1].as_str(), None)]), Ok(vec![None]));
    assert_eq!(joined(&mut join).generation, 2);
}

#[test]
fn parked_requests_of_those_who_are_removed_are_answered() {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![of_instance("i", ""), of_instance("j", "")]);
    let mut join = bench.join(of_instance("i", members[0].as_str()));
    assert_eq!(bench.leave(&[("", Some("i"))]), Ok(vec![None]));
    let refused = joined(&mut join);
    assert_eq!((refused.refusal, refused.member), (Some(Refusal::UnknownMemberId), id("")));

    let mut join = bench.join(of_instance("j", members[1].as_str()));
    assert_eq!(joined(&mut join).generation, 2);
    let mut other = bench.join(of_instance("i", ""));
    drop(bench.join(of_instance("j", members[1].as_str())));
    let other = joined(&mut other).member;
    let mut sync = bench.sync(&other, 3, &[]);
    assert_eq!(bench.leave(&[("", Some("i"))]), Ok(vec![None]));
    assert_eq!(synced(&mut sync).refusal, Some(Refusal::UnknownMemberId));
}

#[test]
fn a_leader_that_leaves_is_followed_by_another() {
    let (mut bench, members) = group_of(3);
    assert_eq!(bench.leave(&[(members[0].as_str(), None)]), Ok(vec![None]));
    let mut joins = [1, 2].map(|at: usize| bench.join(request(members[at].as_str())));
    let [one, other] = joins.each_mut().map(joined);
    assert!(one.leader == other.leader && members[1..].contains(&one.leader));
}
