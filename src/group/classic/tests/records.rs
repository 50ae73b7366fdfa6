use super::*;
use crate::coordinator::{Coordinator, Origin};
use crate::group::classic::ClassicGroup;
use crate::types::Now;

#[test]
fn a_group_is_written_when_it_comes_into_being_and_when_a_generation_is_complete() {
    let mut bench = Bench::new(config());
    let mut join = bench.join(request(""));
    assert_eq!(bench.written(), 1);
    let empty = bench.replay().groups[&g()].value();
    assert_eq!(
        (empty.generation, &*empty.protocol_type, empty.since, empty.members.len()),
        (0, "", Some(bench.moment().timestamp), 0)
    );
    bench.pass(Duration::ZERO);
    let member = joined(&mut join).member;
    assert_eq!(bench.written(), 1);
    bench.assign(std::slice::from_ref(&member), 1);
    assert_eq!(bench.written(), 2);

    let value = bench.replay().groups[&g()].value();
    let expected = MemberValue {
        member: member.clone(),
        instance: None,
        client_id: "c".into(),
        client_host: "/10.0.0.1".into(),
        rebalance_timeout_ms: 30_000,
        session_timeout_ms: 10_000,
        subscription: subscription(&["t"]),
        assignment: Bytes::from_static(b"0"),
    };
    let expected = GroupValue {
        protocol_type: "consumer".into(),
        generation: 1,
        protocol: Some("range".into()),
        leader: Some(member),
        since: Some(bench.moment().timestamp),
        members: vec![expected],
    };
    assert_eq!(value, expected);
    assert_eq!(value, bench.in_group(|group| group.value()));
}

#[test]
fn members_go_on_after_a_restart_and_their_sessions_begin_anew() {
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![request(""), of_instance("i", "")]);
    bench.pass(seconds(9));
    bench.restart();
    bench.pass(seconds(9));
    assert_eq!(bench.heartbeat(&members[0], 1), Ok(()));
    assert_eq!(&synced(&mut bench.sync(&members[1], 1, &[])).assignment[..], b"1");
    bench.pass(seconds(1));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(bench.described().members.len(), 1, "the other fell silent");
}

#[test]
fn a_rebalance_that_a_restart_cuts_off_begins_again() {
    let (mut bench, members) = group_of(2);
    let joins: Vec<_> = members.iter().map(|member| bench.join(request(member.as_str()))).collect();
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
    bench.restart();
    drop(joins);
    // The generation that was not written is not known.
    assert_eq!(synced(&mut bench.sync(&members[0], 2, &[])).refusal, Some(Refusal::IllegalGeneration));
    let mut joins = [0, 1].map(|at: usize| bench.join(request(members[at].as_str())));
    assert_eq!(joins.each_mut().map(|join| joined(join).generation), [2, 2]);
    bench.assign(&members, 2);
}

#[test]
fn a_loaded_group_that_is_too_large_rebalances_and_turns_the_last_away() {
    let (mut bench, members) = group_of(3);
    bench.config = GroupConfig { max_size: 2, ..config() }.into();
    bench.restart();
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(bench.in_group(|group| group.validate_commit(&members[2], None, 1)), Ok(()), "what was done can be committed");
    let mut joins = [0, 1].map(|at: usize| bench.join(request(members[at].as_str())));
    assert!(joins.iter_mut().all(is_parked));
    assert_eq!(joined(&mut bench.join(request(members[2].as_str()))).refusal, Some(Refusal::GroupMaxSizeReached));
    assert_eq!(joins.each_mut().map(|join| joined(join).generation), [2, 2]);
}

#[test]
fn a_replayed_tombstone_of_an_unknown_group_does_nothing() {
    let mut bench = Bench::new(config());
    bench.decide(|groups, _| groups.apply_group(g(), None, Origin::Replay { now: Now::default() }));
    assert_eq!(bench.decide(|groups, _| groups.list()), []);
}

#[test]
fn a_record_that_contradicts_itself_makes_a_group_that_goes_on() {
    let member = |member: &str, instance: Option<&str>| MemberValue {
        member: id(member),
        instance: instance.map(Into::into),
        client_id: "".into(),
        client_host: "".into(),
        rebalance_timeout_ms: -1,
        session_timeout_ms: -5,
        subscription: Bytes::new(),
        assignment: Bytes::new(),
    };
    let value = GroupValue {
        protocol_type: "".into(),
        generation: i32::MAX,
        protocol: None,
        leader: Some(id("stranger")),
        since: None,
        members: vec![member("a", Some("i")), member("b", Some("i")), member("a", None)],
    };
    let mut bench = Bench::new(config());
    bench.decide(|groups, context| {
        groups.apply_group(g(), Some(value), Origin::Replay { now: context.now });
        groups.loaded(context);
    });
    bench.pass(Duration::ZERO);
    assert_eq!(bench.state(), GroupState::Empty);
    assert_eq!(bench.in_group(|group| group.value().generation), 1);
}

#[test]
fn a_group_of_consumers_is_subscribed_to_the_topics_of_all_its_members() {
    let topics = |topics: &[&str]| JoinGroup {
        protocols: vec![Protocol { name: "range".into(), metadata: subscription(topics) }],
        ..request("")
    };
    let mut bench = Bench::new(config());
    let members = bench.stable(vec![topics(&["t", "u"]), topics(&["v"]), topics(&[])]);
    for (topic, is_subscribed) in [("t", true), ("u", true), ("v", true), ("w", false)] {
        assert_eq!(bench.in_group(|group| group.is_subscribed(topic)), is_subscribed, "{topic}");
        assert_eq!(bench.replay().groups[&g()].is_subscribed(topic), is_subscribed, "{topic}");
    }
    let everybody: Vec<_> = members.iter().map(|member| (member.as_str(), None)).collect();
    assert_eq!(bench.leave(&everybody), Ok(vec![None; 3]));
    assert!(!bench.in_group(|group| group.is_subscribed("t")));
}

#[test]
fn a_group_of_something_else_is_subscribed_to_nothing_and_one_that_cannot_be_read_to_everything() {
    let with = |metadata: Bytes| JoinGroup { protocols: vec![Protocol { name: "range".into(), metadata }], ..request("") };
    let mut bench = Bench::new(config());
    bench.stable(vec![JoinGroup { protocol_type: "connect".into(), ..request("") }]);
    assert!(!bench.in_group(|group| group.is_subscribed("t")));
    assert!(!ClassicGroup::new(g()).is_subscribed("t"));

    let whole = subscription(&["t"]);
    // Where a number should stand.
    for length in [0, 1, 2, 5, 7, 9, 12] {
        let malformed = whole.slice(..length);
        let mut bench = Bench::new(config());
        bench.stable(vec![with(malformed.clone())]);
        assert!(bench.in_group(|group| group.is_subscribed("whatever")), "{malformed:?}");
    }
    // What stands behind is not read, and user data may be there.
    for longer in [[&whole[..], &[1, 2, 3]].concat(), vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 7, 7]] {
        let mut bench = Bench::new(config());
        bench.stable(vec![with(longer.into())]);
        assert!(!bench.in_group(|group| group.is_subscribed("whatever")));
    }
}
