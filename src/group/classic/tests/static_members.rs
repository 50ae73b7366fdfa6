use super::*;

/// A stable group of generation 1: i leads, j follows.
fn of_two() -> (Bench, MemberId, MemberId) {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![of_instance("i", ""), of_instance("j", "")]);
    (bench, members[0].clone(), members[1].clone())
}

fn heartbeat_as(bench: &mut Bench, instance: &str, member: &MemberId, generation: i32) -> Result<(), Refusal> {
    let heartbeat = Heartbeat { group: g(), member: member.clone(), instance: Some(instance.into()), generation };
    bench.decide(|groups, context| groups.heartbeat(context, &heartbeat))
}

fn sync_as(bench: &mut Bench, instance: &str, member: &MemberId, generation: i32) -> SyncReply {
    let (member, instance) = (member.clone(), Some(instance.into()));
    synced(&mut bench.sync_as(SyncGroup {
        group: g(),
        member,
        instance,
        generation,
        protocol_type: None,
        protocol: None,
        assignments: Vec::new(),
    }))
}

#[test]
fn a_static_member_that_comes_back_keeps_its_share_and_nobody_rebalances() {
    let (mut bench, leader, old) = of_two();
    let before = bench.written();
    let back = joined(&mut bench.join(of_instance("j", "")));
    assert_eq!((back.refusal, back.generation, &back.leader, back.members.len()), (None, 1, &leader, 0));
    assert_ne!(back.member, old);
    assert_eq!((bench.state(), bench.written()), (GroupState::Stable, before + 1));
    assert_eq!(&sync_as(&mut bench, "j", &back.member, 1).assignment[..], b"1");
    assert_eq!(heartbeat_as(&mut bench, "i", &leader, 1), Ok(()));

    // The new id stands in the record.
    bench.restart();
    assert_eq!(heartbeat_as(&mut bench, "j", &back.member, 1), Ok(()));
    assert_eq!(heartbeat_as(&mut bench, "j", &old, 1), Err(Refusal::FencedInstanceId));
}

// KIP-345.
#[test]
fn whoever_held_the_instance_before_is_fenced() {
    let (mut bench, _, old) = of_two();
    let new = joined(&mut bench.join(of_instance("j", ""))).member;
    assert_eq!(heartbeat_as(&mut bench, "j", &old, 1), Err(Refusal::FencedInstanceId));
    assert_eq!(sync_as(&mut bench, "j", &old, 1).refusal, Some(Refusal::FencedInstanceId));
    assert_eq!(joined(&mut bench.join(of_instance("j", old.as_str()))).refusal, Some(Refusal::FencedInstanceId));
    assert_eq!(bench.leave(&[(old.as_str(), Some("j"))]), Ok(vec![Some(Refusal::FencedInstanceId)]));
    assert_eq!(bench.in_group(|group| group.validate_commit(&old, Some("j"), 1)), Err(Refusal::FencedInstanceId));
    // Without its instance it is a stranger.
    assert_eq!(bench.heartbeat(&old, 1), Err(Refusal::UnknownMemberId));
    // An instance that nobody holds is unknown, whatever the member.
    assert_eq!(heartbeat_as(&mut bench, "k", &new, 1), Err(Refusal::UnknownMemberId));
    assert_eq!(joined(&mut bench.join(of_instance("k", new.as_str()))).refusal, Some(Refusal::UnknownMemberId));
    assert_eq!(heartbeat_as(&mut bench, "j", &new, 1), Ok(()));
}

// KIP-814.
#[test]
fn a_leader_that_comes_back_to_a_stable_group_is_told_to_skip_the_assignment() {
    let (mut bench, _, other) = of_two();
    let back = joined(&mut bench.join(of_instance("i", "")));
    assert_eq!((&back.leader, back.skip_assignment), (&back.member, true));
    let members: Vec<&MemberId> = back.members.iter().map(|member| &member.member).collect();
    assert!(members.len() == 2 && members.contains(&&back.member) && members.contains(&&other));
    assert_eq!(bench.state(), GroupState::Stable);
}

// KIP-814.
#[test]
fn a_leader_of_an_old_version_is_told_that_it_follows() {
    let (mut bench, old, _) = of_two();
    let back = joined(&mut bench.join(JoinGroup { can_skip_assignment: false, ..of_instance("i", "") }));
    assert_eq!((&back.leader, back.skip_assignment, back.members.len()), (&old, false, 0));
    // The group knows better: when the leader joins again, it rebalances.
    let mut again = bench.join(of_instance("i", back.member.as_str()));
    assert!(is_parked(&mut again));
}

#[test]
fn a_static_member_that_comes_back_with_other_topics_is_written_down_with_them() {
    let (mut bench, ..) = of_two();
    let moved = Protocol { name: "range".into(), metadata: subscription(&["u"]) };
    drop(bench.join(JoinGroup { protocols: vec![moved], ..of_instance("j", "") }));
    assert_eq!(bench.state(), GroupState::Stable);
    assert!(bench.in_group(|group| group.is_subscribed("t") && group.is_subscribed("u")));
}

#[test]
fn a_static_member_that_changes_the_choice_of_the_protocol_begins_a_rebalance() {
    let mut bench = Bench::new(config());
    let of = |instance: &str, names: &[&str]| JoinGroup { instance: Some(instance.into()), ..with_protocols(names, "") };
    let mut joins = [bench.join(of("i", &["range", "sticky"])), bench.join(of("j", &["range", "sticky"]))];
    bench.pass(Duration::ZERO);
    let members = joins.each_mut().map(|join| joined(join).member);
    bench.assign(&members, 1);
    let mut back = bench.join(of("j", &["sticky"]));
    assert!(is_parked(&mut back));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    let rejoins = JoinGroup { member: members[0].clone(), ..of("i", &["range", "sticky"]) };
    drop(bench.join(rejoins));
    let back = joined(&mut back);
    assert_eq!((back.generation, back.protocol.as_deref()), (2, Some("sticky")));
}

#[test]
fn a_static_member_that_comes_back_while_the_assignment_is_awaited_begins_another_rebalance() {
    let (mut bench, leader, old) = of_two();
    drop([bench.join(of_instance("i", leader.as_str())), bench.join(of_instance("j", old.as_str()))]);
    let mut parked = bench.sync(&old, 2, &[]);
    let mut back = bench.join(of_instance("j", ""));
    assert_eq!(synced(&mut parked).refusal, Some(Refusal::FencedInstanceId));
    assert!(is_parked(&mut back));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_static_member_that_comes_back_while_its_join_is_parked_fences_it() {
    let (mut bench, leader, old) = of_two();
    let mut first = bench.join(of_instance("i", leader.as_str()));
    let mut second = bench.join(of_instance("i", ""));
    let fenced = joined(&mut first);
    assert_eq!((fenced.refusal, fenced.member), (Some(Refusal::FencedInstanceId), leader));
    drop(bench.join(of_instance("j", old.as_str())));
    let second = joined(&mut second);
    assert_eq!((second.generation, &second.leader, second.members.len()), (2, &second.member, 2));
}

#[test]
fn a_static_member_that_would_make_the_group_too_large_is_refused_and_the_old_one_stays() {
    let (mut bench, leader, old) = of_two();
    let large = Protocol { name: "range".into(), metadata: vec![0; 1 << 20].into() };
    let sorted = |bench: &mut Bench| {
        let mut value = bench.in_group(|group| group.value());
        value.members.sort_by(|one, other| one.member.cmp(&other.member));
        (value, bench.written())
    };
    let before = sorted(&mut bench);
    for instance in ["i", "j"] {
        let refused = joined(&mut bench.join(JoinGroup { protocols: vec![large.clone()], ..of_instance(instance, "") }));
        assert_eq!((refused.refusal, refused.member), (Some(Refusal::GroupTooLarge), id("")));
        assert_eq!(sorted(&mut bench), before);
    }
    assert_eq!(heartbeat_as(&mut bench, "i", &leader, 1), Ok(()));
    assert_eq!(heartbeat_as(&mut bench, "j", &old, 1), Ok(()));
    assert!(is_parked(&mut bench.join(of_instance("i", leader.as_str()))), "it still leads");
}

#[test]
fn a_static_members_session_begins_anew_when_it_comes_back() {
    let (mut bench, leader, _) = of_two();
    bench.pass_alive(seconds(9), &[&leader], 1);
    let back = joined(&mut bench.join(of_instance("j", ""))).member;
    bench.pass_alive(seconds(9), &[&leader], 1);
    assert_eq!(heartbeat_as(&mut bench, "j", &back, 1), Ok(()));
}

#[test]
fn a_static_member_goes_when_its_session_ends() {
    let (mut bench, leader, _) = of_two();
    bench.pass_alive(SESSION, &[&leader], 1);
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(joined(&mut bench.join(of_instance("j", "c-1"))).refusal, Some(Refusal::UnknownMemberId));
}
