use super::*;
use crate::coordinator::{Coordinator, Origin};

#[test]
fn a_dynamic_member_that_does_not_join_in_time_is_left_behind() {
    let (mut bench, members) = group_of(3);
    let mut joins = [bench.join(with_protocols(&["range", "x"], members[2].as_str())), bench.join(request(members[1].as_str()))];
    // The first heartbeats and does not join: its session does not save it.
    bench.pass_alive(REBALANCE - Duration::from_millis(1), &[&members[0]], 1);
    assert!(joins.iter_mut().all(is_parked));
    bench.pass(Duration::from_millis(1));
    let [first, second] = joins.each_mut().map(joined);
    assert_eq!((first.generation, second.generation), (2, 2));
    assert_eq!(bench.heartbeat(&members[0], 1), Err(Refusal::UnknownMemberId));
    // It led.
    assert_eq!(first.members.len() + second.members.len(), 2);
    assert!(members[1..].contains(&first.leader));
}

#[test]
fn the_rebalance_timeout_is_the_longest_of_all_members() {
    let mut bench = Bench::new(config());
    let timeout = |rebalance_timeout_ms| JoinGroup { rebalance_timeout_ms, ..request("") };
    let members = bench.stable(vec![timeout(20_000), timeout(60_000)]);
    let mut join = bench.join(JoinGroup { rebalance_timeout_ms: 20_000, ..request(members[0].as_str()) });
    bench.pass_alive(Duration::from_millis(59_999), &[&members[1]], 1);
    assert!(is_parked(&mut join));
    bench.pass(Duration::from_millis(1));
    assert_eq!(joined(&mut join).generation, 2);
}

#[test]
fn the_rebalance_timeout_holds_where_sessions_are_longer() {
    let mut bench = Bench::new(config());
    let long = |member: &str| JoinGroup { session_timeout_ms: 100_000, ..request(member) };
    let members = bench.stable(vec![long(""), long("")]);
    // The time to sync is over, so only the sessions' ends are near.
    bench.pass_alive(REBALANCE * 2, &[&members[0], &members[1]], 1);
    let mut join = bench.join(long(members[0].as_str()));
    bench.pass(REBALANCE);
    assert_eq!(joined(&mut join).generation, 2);
}

#[test]
fn a_member_whose_session_ends_is_waited_for_no_more() {
    let (mut bench, members) = group_of(2);
    let mut join = bench.join(request(members[0].as_str()));
    bench.pass(SESSION);
    assert_eq!(joined(&mut join).generation, 2);
    assert_eq!(bench.described().members.len(), 1);
}

#[test]
fn who_waits_for_a_generation_does_not_expire_but_a_new_member_does_after_five_minutes() {
    let mut bench = Bench::new(config());
    let slow = |member: &str| JoinGroup { rebalance_timeout_ms: 1_200_000, ..request(member) };
    let members = bench.stable(vec![slow(""), slow("")]);
    let mut new = bench.join(slow(""));
    let mut again = bench.join(slow(members[1].as_str()));
    bench.pass_alive(seconds(299), &[&members[0]], 1);
    assert!(is_parked(&mut new));
    bench.pass_alive(seconds(1), &[&members[0]], 1);
    let refused = joined(&mut new);
    assert_eq!((refused.refusal, refused.member), (Some(Refusal::UnknownMemberId), id("")));
    assert!(is_parked(&mut again));
    assert_eq!(bench.described().members.len(), 2);
}

#[test]
fn static_members_that_are_silent_are_kept_until_their_sessions_end() {
    let mut bench = Bench::new(config());
    let patient = |instance: &str| JoinGroup { session_timeout_ms: 100_000, ..of_instance(instance, "") };
    let members = bench.stable(vec![request(""), patient("i")]);
    let mut join = bench.join(request(members[0].as_str()));
    bench.pass(REBALANCE);
    // It is in the new generation without having joined it.
    let reply = joined(&mut join);
    assert_eq!((reply.generation, reply.members.len()), (2, 2));
    assert_eq!(bench.heartbeat(&members[1], 2), Ok(()));
}

#[test]
fn a_static_leader_that_does_not_join_is_followed_by_one_who_has() {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![of_instance("i", ""), request("")]);
    let mut join = bench.join(with_protocols(&["range", "x"], members[1].as_str()));
    bench.pass_alive(REBALANCE - Duration::from_millis(1), &[&members[0]], 1);
    bench.pass(Duration::from_millis(1));
    let reply = joined(&mut join);
    assert_eq!((&reply.leader, reply.members.len()), (&members[1], 2));
}

#[test]
fn when_nobody_joins_and_static_members_are_left_the_rebalance_is_postponed() {
    let mut bench = Bench::new(config());
    let patient = |instance: &str| JoinGroup { session_timeout_ms: 100_000, ..of_instance(instance, "") };
    let members = bench.stable(vec![request(""), patient("i"), patient("j")]);
    // The dynamic member falls silent; the static ones heartbeat and do not join.
    bench.pass(SESSION);
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    bench.pass_alive(REBALANCE * 3, &[&members[1], &members[2]], 1);
    assert_eq!((bench.state(), bench.described().members.len()), (GroupState::PreparingRebalance, 2));
    // They fall silent too.
    bench.pass(seconds(100));
    assert_eq!((bench.state(), bench.described().members.len()), (GroupState::Empty, 0));
}

#[test]
fn silent_static_members_without_a_rebalance_timeout_do_not_make_the_group_spin() {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![of_instance("i", ""), of_instance("j", "")]);
    // Only a record can say so: in a group without a rebalance timeout nobody has time to sync.
    let mut value = bench.in_group(|group| group.value());
    value.members.iter_mut().for_each(|member| (member.rebalance_timeout_ms, member.session_timeout_ms) = (0, 30_000));
    bench.decide(|groups, context| {
        groups.apply_group(g(), Some(value), Origin::Replay { now: context.now });
        groups.loaded(context);
    });
    assert_eq!(bench.leave(&[(members[0].as_str(), None)]), Ok(vec![None]));
    let mut ticks = 0;
    while bench.state() == GroupState::PreparingRebalance {
        bench.now = bench.now.max(bench.decide(|groups, _| groups.members_deadline()).unwrap());
        bench.shard.tick(bench.moment(), &mut || 0);
        ticks += 1;
    }
    assert!(ticks <= 32, "{ticks} looks at the group within 30 seconds");
}

#[test]
fn a_group_whose_last_member_goes_is_empty_in_a_new_generation_and_says_so_in_its_record() {
    let (mut bench, members) = group_of(1);
    let before = bench.written();
    assert_eq!(bench.leave(&[(members[0].as_str(), None)]), Ok(vec![None]));
    assert_eq!((bench.state(), bench.written()), (GroupState::Empty, before + 1));
    let value = bench.in_group(|group| group.value());
    assert_eq!((value.generation, &*value.protocol_type, value.protocol, value.leader), (2, "consumer", None, None));
    // The next generation is the third: numbers are never used again.
    bench.pass(Duration::ZERO);
    let mut join = bench.join(request(""));
    bench.pass(Duration::ZERO);
    assert_eq!(joined(&mut join).generation, 3);
}

#[test]
fn members_that_come_and_go_in_the_initial_delay_leave_it_running() {
    let mut bench = Bench::new(GroupConfig { initial_rebalance_delay: seconds(3), ..config() });
    let told = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") })).member;
    let mut gone = bench.join(request(told.as_str()));
    let mut stays = bench.join(request(""));
    assert_eq!(bench.leave(&[(told.as_str(), None)]), Ok(vec![None]));
    assert_eq!(joined(&mut gone).refusal, Some(Refusal::UnknownMemberId));
    assert!(is_parked(&mut stays));
    bench.pass(seconds(6));
    assert_eq!(joined(&mut stays).generation, 1);
}
