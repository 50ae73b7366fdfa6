use super::*;

// Trap 26.
#[test]
fn protocol_and_metadata_are_told_of_a_stable_group_alone() {
    let (mut bench, members) = group_of(2);
    let described = bench.described();
    assert_eq!((described.state, &*described.protocol_type, &*described.protocol), (GroupState::Stable, "consumer", "range"));
    let first = DescribedMember {
        member: members[0].clone(),
        instance: None,
        client_id: "c".into(),
        client_host: "/10.0.0.1".into(),
        metadata: subscription(&["t"]),
        assignment: Bytes::from_static(b"0"),
    };
    assert_eq!(described.members[0], first);

    drop(bench.join(of_instance("i", "")));
    let described = bench.described();
    assert_eq!((described.state, &*described.protocol_type), (GroupState::PreparingRebalance, "consumer"));
    assert_eq!((&*described.protocol, described.members.len()), ("", 3));
    assert!(described.members.iter().all(|member| member.metadata.is_empty()));
    assert_eq!(described.members[2].instance.as_deref(), Some("i"));
}

// Trap 26.
#[test]
fn a_group_that_does_not_exist_is_not_described() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.decide(|groups, _| groups.describe(&g())), None);
}

// Trap 32.
#[test]
fn all_groups_are_listed_with_their_state() {
    let (mut bench, _) = group_of(1);
    drop(bench.join(JoinGroup { group: GroupId::new("new"), requires_member_id: true, ..request("") }));
    let listed = bench.decide(|groups, _| groups.list());
    let listed: Vec<_> = listed.iter().map(|group| (group.group.as_str(), &*group.protocol_type, group.state.name())).collect();
    assert_eq!(listed, [("g", "consumer", "Stable"), ("new", "", "Empty")]);
}

// Trap 29.
#[test]
fn a_group_is_deleted_when_it_is_there_and_has_no_members() {
    let mut bench = Bench::new(config());
    let delete = |bench: &mut Bench| bench.decide(|groups, context| groups.delete_group(context, &g()));
    assert_eq!(delete(&mut bench), Err(Refusal::GroupIdNotFound));
    let members = bench.stable(vec![request("")]);
    assert_eq!(delete(&mut bench), Err(Refusal::NonEmptyGroup));
    assert_eq!(bench.leave(&[(members[0].as_str(), None)]), Ok(vec![None]));
    let pending = joined(&mut bench.join(JoinGroup { requires_member_id: true, ..request("") })).member;
    assert_eq!(delete(&mut bench), Ok(()));
    assert_eq!(delete(&mut bench), Err(Refusal::GroupIdNotFound));
    assert_eq!(bench.replay().describe(&g()), None);

    // The id that was given out went with it, and so did its timer.
    assert_eq!(bench.decide(|groups, _| groups.members_deadline()), None);
    assert_eq!(joined(&mut bench.join(request(pending.as_str()))).refusal, Some(Refusal::UnknownMemberId));
}
