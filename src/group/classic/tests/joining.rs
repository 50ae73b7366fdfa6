use super::*;

// Trap 19.
#[test]
fn a_new_dynamic_member_is_told_its_id_first_and_joins_with_it() {
    let mut bench = Bench::new(config());
    let told = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") }));
    assert_eq!((told.refusal, told.generation), (Some(Refusal::MemberIdRequired), -1));
    assert_eq!(bench.state(), GroupState::Empty);

    let mut join = bench.join(JoinGroup { requires_member_id: true, ..request(told.member.as_str()) });
    assert!(is_parked(&mut join));
    bench.pass(Duration::ZERO);
    let reply = joined(&mut join);
    assert_eq!((reply.refusal, reply.generation, &reply.member, &reply.leader), (None, 1, &told.member, &told.member));
}

// Trap 19.
#[test]
fn an_id_that_does_not_come_back_within_its_session_is_forgotten() {
    let mut bench = Bench::new(config());
    let told = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") }));
    bench.pass(SESSION);
    let late = joined(&mut bench.join(request(told.member.as_str())));
    assert_eq!((late.refusal, late.member), (Some(Refusal::UnknownMemberId), told.member));
}

// Trap 19.
#[test]
fn a_rebalance_waits_for_an_id_that_was_given_out() {
    let (mut bench, members) = group_of(1);
    let told = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") }));
    let mut join = bench.join(request(members[0].as_str()));
    assert!(is_parked(&mut join));
    // The id expires, and nobody is waited for any more.
    bench.pass(SESSION);
    assert_eq!(joined(&mut join).generation, 2);
    assert_eq!(bench.heartbeat(&told.member, 2), Err(Refusal::UnknownMemberId));
}

// Trap 19.
#[test]
fn a_member_of_an_old_version_and_a_static_one_join_at_once() {
    let mut bench = Bench::new(config());
    let mut old = bench.join(request(""));
    let mut of_instance = bench.join(JoinGroup { requires_member_id: true, ..of_instance("i", "") });
    bench.pass(Duration::ZERO);
    assert_eq!((joined(&mut old).refusal, joined(&mut of_instance).refusal), (None, None));
}

// Trap 49.
#[test]
fn a_member_id_is_the_name_of_the_client_or_the_instance_and_a_random_uuid() {
    let mut bench = Bench::new(config());
    for (request, prefix) in
        [(request(""), "c-"), (of_instance("i", ""), "i-"), (JoinGroup { client_id: "".into(), ..request("") }, "-")]
    {
        let mut join = bench.join(request);
        bench.pass(Duration::ZERO);
        let unique = match answer(&mut join) {
            Some(Reply::Join(reply)) => reply.member.as_str().strip_prefix(prefix).unwrap().to_owned(),
            // The second and the third are waited for, their ids show in the description.
            _ => bench.described().members.last().unwrap().member.as_str().strip_prefix(prefix).unwrap().to_owned(),
        };
        assert_eq!(uuid::Uuid::parse_str(&unique).unwrap().get_version_num(), 4);
    }
}

// Trap 20.
#[test]
fn a_session_timeout_is_between_the_brokers_bounds() {
    let mut bench = Bench::new(config());
    for (session_timeout_ms, fits) in [(5_999, false), (6_000, true), (1_800_000, true), (1_800_001, false)] {
        let reply = joined(&mut bench.join(JoinGroup { session_timeout_ms, requires_member_id: true, ..request("") }));
        assert_eq!(reply.refusal, Some(if fits { Refusal::MemberIdRequired } else { Refusal::InvalidSessionTimeout }));
    }
}

// Trap 20.
#[test]
fn a_member_id_is_unknown_to_a_group_that_does_not_exist_and_makes_none() {
    let mut bench = Bench::new(config());
    let reply = joined(&mut bench.join(request("c-1")));
    assert_eq!((reply.refusal, reply.member), (Some(Refusal::UnknownMemberId), id("c-1")));
    assert_eq!(bench.decide(|groups, _| groups.describe(&g())), None);
    assert_eq!(bench.written(), 0);
}

#[test]
fn a_member_id_is_unknown_to_a_group_that_has_others() {
    let (mut bench, _) = group_of(1);
    assert_eq!(joined(&mut bench.join(request("c-1"))).refusal, Some(Refusal::UnknownMemberId));
    assert_eq!(bench.state(), GroupState::Stable);
}

// Trap 25.
#[test]
fn without_an_initial_delay_the_first_generation_begins_at_once() {
    let mut bench = Bench::new(config());
    let mut join = bench.join(request(""));
    bench.pass(Duration::ZERO);
    assert_eq!(joined(&mut join).generation, 1);
}

// Trap 25.
#[test]
fn the_initial_delay_begins_again_with_each_new_member_up_to_the_rebalance_timeout() {
    let mut bench = Bench::new(GroupConfig { initial_rebalance_delay: seconds(3), ..config() });
    let limited = || JoinGroup { rebalance_timeout_ms: 10_000, ..request("") };
    let mut joins = vec![bench.join(limited())];
    let begun = bench.now;
    // Somebody joins in each of the delays, which end after 3, 6, 9 and, for no more is left, 10 seconds.
    for _ in 0..4 {
        bench.pass(seconds(2));
        assert!(joins.iter_mut().all(is_parked), "after {:?}", bench.now.since(begun));
        joins.push(bench.join(limited()));
    }
    bench.pass(Duration::from_millis(1_999));
    assert!(joins.iter_mut().all(is_parked));
    bench.pass(Duration::from_millis(1));
    let generations: Vec<i32> = joins.iter_mut().map(|join| joined(join).generation).collect();
    assert_eq!((generations, bench.now.since(begun)), (vec![1; 5], seconds(10)));
}

// Trap 25.
#[test]
fn the_initial_delay_ends_when_nobody_came_meanwhile_and_holds_for_empty_groups_alone() {
    let mut bench = Bench::new(GroupConfig { initial_rebalance_delay: seconds(3), ..config() });
    let mut first = bench.join(request(""));
    bench.pass(Duration::from_millis(2_999));
    assert!(is_parked(&mut first));
    bench.pass(Duration::from_millis(1));
    let first = joined(&mut first).member;
    bench.assign(std::slice::from_ref(&first), 1);

    // The group is not empty: the next generation begins when all are there.
    let mut second = bench.join(request(""));
    assert!(is_parked(&mut second));
    let mut again = bench.join(request(first.as_str()));
    assert_eq!((joined(&mut second).generation, joined(&mut again).generation), (2, 2));
}

#[test]
fn the_leader_is_told_of_all_members_and_the_others_of_none() {
    let mut bench = Bench::new(config());
    let mut joins = [bench.join(request("")), bench.join(of_instance("i", ""))];
    bench.pass(Duration::ZERO);
    let [leader, other] = joins.each_mut().map(joined);
    assert_eq!(leader.leader, leader.member);
    assert_eq!(other, JoinReply { member: other.member.clone(), members: Vec::new(), ..leader.clone() });
    let (protocol_type, protocol) = (leader.protocol_type.as_deref(), leader.protocol.as_deref());
    assert_eq!((leader.generation, protocol_type, protocol, leader.skip_assignment), (1, Some("consumer"), Some("range"), false));
    let told = |member: &MemberId, instance: Option<&str>| JoinedMember {
        member: member.clone(),
        instance: instance.map(Into::into),
        metadata: subscription(&["t"]),
    };
    assert_eq!(leader.members, [told(&leader.member, None), told(&other.member, Some("i"))]);
}

#[test]
fn a_member_must_share_type_and_a_protocol_with_the_others() {
    let mut bench = Bench::new(config());
    let nothing = JoinGroup { protocols: Vec::new(), ..request("") };
    let no_type = JoinGroup { protocol_type: "".into(), ..request("") };
    for first in [nothing.clone(), no_type] {
        assert_eq!(joined(&mut bench.join(first)).refusal, Some(Refusal::InconsistentGroupProtocol));
        // As in Kafka, who asks makes the group.
        assert_eq!(bench.state(), GroupState::Empty);
    }
    let members = bench.stable(vec![with_protocols(&["range", "sticky"], ""), with_protocols(&["sticky", "range"], "")]);
    let other_type = JoinGroup { protocol_type: "connect".into(), ..request("") };
    for other in [nothing, other_type, with_protocols(&["other"], ""), with_protocols(&["other"], members[0].as_str())] {
        assert_eq!(joined(&mut bench.join(other)).refusal, Some(Refusal::InconsistentGroupProtocol));
        assert_eq!(bench.state(), GroupState::Stable);
    }
}

#[test]
fn very_many_protocols_or_a_name_too_long_to_be_written_are_refused() {
    let mut bench = Bench::new(config());
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(32_731);
    let long_client = JoinGroup { client_id: long.as_str().into(), ..request("") };
    for bad in [with_protocols(&many, ""), with_protocols(&[&long], ""), of_instance(&long, ""), long_client] {
        assert_eq!(joined(&mut bench.join(bad)).refusal, Some(Refusal::InvalidRequest));
    }
    assert_eq!(bench.written(), 0);
    let fits = joined(&mut bench.join(JoinGroup {
        requires_member_id: true,
        client_id: long[1..].into(),
        ..with_protocols(&many[1..], "")
    }));
    assert_eq!((fits.refusal, fits.member.as_str().len()), (Some(Refusal::MemberIdRequired), 32_767));
}

/// A group that is stuck does not stay so: members whose joins are parked do not expire, so nothing else would end it.
#[test]
fn members_that_contradict_themselves_keep_the_others_waiting_for_five_minutes_and_are_sent_away() {
    let (mut bench, members) = group_of(3);
    let lie = Protocol { name: "range".into(), metadata: b"bytes:3".as_slice().into() };
    let mut bad = bench.join(JoinGroup { protocols: vec![lie], ..request(members[1].as_str()) });
    let mut good = [0, 2].map(|index: usize| bench.join(request(members[index].as_str())));
    bench.pass(seconds(200));
    // Who asks again prolongs nothing.
    good[1] = bench.join(request(members[2].as_str()));
    bench.pass(seconds(99));
    assert!(is_parked(&mut bad) && good.iter_mut().all(is_parked));
    bench.pass(seconds(1));
    assert_eq!(joined(&mut bad).refusal, Some(Refusal::UnknownMemberId));
    for waiting in &mut good {
        assert_eq!(joined(waiting).refusal, None);
    }
    assert_eq!((bench.state(), bench.described().members.len()), (GroupState::CompletingRebalance, 2));

    let (mut bench, members) = group_of(1);
    let mut bad = bench.join(with_protocols(&["range", "range"], members[0].as_str()));
    bench.pass(seconds(299));
    assert!(is_parked(&mut bad));
    bench.pass(seconds(1));
    assert_eq!(joined(&mut bad).refusal, Some(Refusal::UnknownMemberId));
    assert_eq!(bench.state(), GroupState::Empty);
}

/// Kafka's coordinator stumbles over such members where the generation should begin, and leaves the group as it is. The way out is that they go.
#[test]
fn no_generation_begins_with_members_whose_protocols_or_metadata_contradict_themselves() {
    let lie = Protocol { name: "range".into(), metadata: b"bytes:3".as_slice().into() };
    let lying = JoinGroup { protocols: vec![lie], ..request("") };
    for bad in [lying, with_protocols(&["range", "range"], "")] {
        let mut bench = Bench::new(config());
        let mut waiting = bench.join(bad);
        bench.pass(Duration::from_secs(60));
        assert!(answer(&mut waiting).is_none());
        assert_eq!((bench.state(), bench.in_group(|group| group.value().generation)), (GroupState::PreparingRebalance, 1));
        bench.pass(Duration::from_secs(300));
        assert_eq!(
            joined(&mut waiting).refusal,
            Some(Refusal::UnknownMemberId),
            "a new member's first join ends in five minutes"
        );
        let mut good = bench.join(request(""));
        bench.pass(Duration::from_secs(1));
        assert_eq!(joined(&mut good).refusal, None, "others go on");
    }
}

#[test]
fn a_member_whose_metadata_no_record_could_hold_is_refused_at_once() {
    let mut bench = Bench::new(config());
    let half = |name: &str, bytes: usize| Protocol { name: name.into(), metadata: vec![0; bytes].into() };
    let of = |bytes| JoinGroup { protocols: vec![half("range", 1 << 19), half("x", bytes)], ..request("") };
    assert_eq!(joined(&mut bench.join(of((1 << 19) + 1))).refusal, Some(Refusal::GroupTooLarge));
    assert_eq!(bench.written(), 0, "not even the group comes into being");
    assert!(is_parked(&mut bench.join(of(1 << 19))));
}

#[test]
fn the_members_vote_for_one_of_the_protocols_that_all_know() {
    let choice = |preferences: &[&[&str]]| {
        let mut bench = Bench::new(config());
        let mut joins: Vec<Waiting> = preferences.iter().map(|names| bench.join(with_protocols(names, ""))).collect();
        bench.pass(Duration::ZERO);
        joined(&mut joins[0]).protocol.unwrap().to_string()
    };
    assert_eq!(choice(&[&["a", "b"], &["b", "a"], &["b", "a"]]), "b");
    assert_eq!(choice(&[&["x", "a"], &["y", "x", "a"], &["a", "z"]]), "a", "what one does not know cannot be chosen");
    assert_eq!(choice(&[&["a", "b"], &["b", "a"]]), "a", "of equals the first voted for");
}

#[test]
fn a_full_group_takes_nobody_more() {
    let mut bench = Bench::new(GroupConfig { max_size: 2, ..config() });
    let members = bench.stable(vec![request(""), request("")]);
    // Whoever has an id already learns it when it comes with it.
    for asks in [request(""), JoinGroup { requires_member_id: true, ..request("") }] {
        let refused = joined(&mut bench.join(asks));
        assert_eq!((refused.refusal, refused.member), (Some(Refusal::GroupMaxSizeReached), id("")));
    }
    assert_eq!(bench.state(), GroupState::Stable);
    // Members may join again.
    assert_eq!(joined(&mut bench.join(request(members[1].as_str()))).refusal, None);
}

// Kafka turns it away until its session ends.
#[test]
fn a_static_member_that_comes_back_to_a_full_group_takes_its_own_place() {
    let mut bench = Bench::new(GroupConfig { max_size: 2, ..config() });
    bench.stable(vec![request(""), of_instance("i", "")]);
    assert_eq!(joined(&mut bench.join(of_instance("i", ""))).refusal, None);
    assert_eq!(joined(&mut bench.join(of_instance("j", ""))).refusal, Some(Refusal::GroupMaxSizeReached));
    assert_eq!(bench.described().members.len(), 2);
}

#[test]
fn while_a_rebalance_is_prepared_those_who_wait_fill_the_group() {
    let mut bench = Bench::new(GroupConfig { max_size: 2, ..config() });
    let mut joins = [bench.join(request("")), bench.join(request(""))];
    assert_eq!(joined(&mut bench.join(request(""))).refusal, Some(Refusal::GroupMaxSizeReached));
    bench.pass(Duration::ZERO);
    assert_eq!(joins.each_mut().map(|join| joined(join).generation), [1, 1]);
}

// Kafka has the others wait for the rebalance timeout.
#[test]
fn who_is_turned_away_is_waited_for_no_more() {
    let mut bench = Bench::new(GroupConfig { max_size: 2, ..config() });
    let members = bench.stable(vec![request("")]);
    let mut told = [(); 2].map(|()| joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") })).member);
    told.reverse();
    let mut joins = [bench.join(request(members[0].as_str())), bench.join(request(told[0].as_str()))];
    assert!(joins.iter_mut().all(is_parked), "the third is awaited");
    assert_eq!(joined(&mut bench.join(request(told[1].as_str()))).refusal, Some(Refusal::GroupMaxSizeReached));
    assert_eq!(joins.each_mut().map(|join| joined(join).generation), [2, 2]);
}

#[test]
fn ids_given_out_are_bounded_and_the_oldest_is_forgotten() {
    let mut bench = Bench::new(config());
    let asks = || JoinGroup { requires_member_id: true, ..request("") };
    let mut told: Vec<MemberId> =
        (0..=super::super::group::MAX_PENDING_MEMBERS).map(|_| joined(&mut bench.join(asks())).member).collect();
    let second = told.swap_remove(1);
    assert_eq!(joined(&mut bench.join(request(told[0].as_str()))).refusal, Some(Refusal::UnknownMemberId));
    assert!(is_parked(&mut bench.join(request(second.as_str()))));
}

#[test]
fn a_join_that_comes_again_answers_the_older_one() {
    let (mut bench, members) = group_of(2);
    let mut given_up = bench.join(request(members[0].as_str()));
    let mut again = bench.join(request(members[0].as_str()));
    let refused = joined(&mut given_up);
    assert_eq!((refused.refusal, refused.member), (Some(Refusal::RebalanceInProgress), members[0].clone()));
    let mut other = bench.join(request(members[1].as_str()));
    assert_eq!((joined(&mut again).generation, joined(&mut other).generation), (2, 2));
}

#[test]
fn a_follower_that_changes_nothing_is_told_of_the_generation_that_runs() {
    let (mut bench, members) = group_of(2);
    let reply = joined(&mut bench.join(request(members[1].as_str())));
    assert_eq!((reply.refusal, reply.generation, &reply.leader, reply.members.len()), (None, 1, &members[0], 0));
    assert_eq!(bench.state(), GroupState::Stable);
}

#[test]
fn a_leader_that_joins_again_or_a_member_that_changes_begins_a_rebalance() {
    let (mut bench, members) = group_of(2);
    assert!(is_parked(&mut bench.join(request(members[0].as_str()))));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);

    let (mut bench, members) = group_of(2);
    assert!(is_parked(&mut bench.join(with_protocols(&["range", "sticky"], members[1].as_str()))));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}

#[test]
fn who_missed_the_answer_is_told_again_while_the_assignment_is_awaited() {
    let (mut bench, members) = group_of(2);
    let joins = members.iter().map(|member| bench.join(request(member.as_str()))).collect::<Vec<_>>();
    drop(joins);
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
    let [leader, other] = [0, 1].map(|at: usize| joined(&mut bench.join(request(members[at].as_str()))));
    assert_eq!((leader.generation, leader.members.len(), other.generation, other.members.len()), (2, 2, 2, 0));
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
}

#[test]
fn who_changes_while_the_assignment_is_awaited_begins_another_rebalance_and_parked_syncs_are_told() {
    let (mut bench, members) = group_of(3);
    let joins = members.iter().map(|member| bench.join(request(member.as_str()))).collect::<Vec<_>>();
    drop(joins);
    let mut syncs = [bench.sync(&members[1], 2, &[]), bench.sync(&members[2], 2, &[])];
    let mut changed = bench.join(with_protocols(&["range", "sticky"], members[1].as_str()));
    assert!(is_parked(&mut changed));
    let told = syncs.each_mut().map(|sync| synced(sync).refusal);
    assert_eq!(told, [Some(Refusal::RebalanceInProgress); 2]);
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}
