//! Offsets that nobody needs any more. The retention is seven days; a look every ten minutes.

use super::*;

const RETENTION: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Just before the first look at which something that began now has to be gone.
fn pass_until_nearly_expired(bench: &mut Bench) {
    bench.pass(RETENTION - Duration::from_secs(1));
}

#[test]
fn offsets_of_a_group_without_membership_count_from_their_commit() {
    let mut bench = bench();
    commit(&mut bench, &simple("g", vec![new_offset("t", 0, 1), new_offset("t", 1, 1)])).unwrap();
    bench.pass(DAY);
    commit(&mut bench, &simple("g", vec![new_offset("t", 1, 2)])).unwrap();
    pass_until_nearly_expired(&mut bench);
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 1, 2)]);
    bench.pass(CHECK);
    assert_eq!((numbers(&mut bench, "g"), state(&mut bench, "g")), (Vec::new(), None), "and the group with the last one");
    assert_eq!(bench.decide(|groups, _| groups.durable_records()), []);
    assert_eq!(bench.replay().durable_records(), []);
}

#[test]
fn an_offset_is_kept_for_the_whole_retention_and_not_much_longer() {
    let mut bench = bench();
    bench.pass(CHECK / 2);
    commit(&mut bench, &simple("g", vec![new_offset("t", 0, 1)])).unwrap();
    pass_until_nearly_expired(&mut bench);
    assert_eq!(numbers(&mut bench, "g").len(), 1);
    bench.pass(CHECK / 2);
    assert_eq!(numbers(&mut bench, "g").len(), 1, "no look has come yet");
    bench.pass(Duration::from_secs(1));
    assert_eq!(numbers(&mut bench, "g").len(), 0);
}

#[test]
fn offsets_of_members_count_from_when_the_group_became_empty() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, 1)])).unwrap();
    live(&mut bench, "g", &member, 3 * DAY);
    leave(&mut bench, "g", &member);
    pass_until_nearly_expired(&mut bench);
    assert_eq!(numbers(&mut bench, "g").len(), 1);
    bench.restart();
    bench.pass(2 * CHECK);
    assert_eq!((numbers(&mut bench, "g"), state(&mut bench, "g")), (Vec::new(), None));
}

#[test]
fn a_live_group_keeps_the_offsets_of_its_topics_for_ever_and_others_from_their_commit() {
    // G4: no expiry while the group is live.
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t", "s"]);
    commit(&mut bench, &by_member("g", &member, ["r", "s", "t"].map(|topic| new_offset(topic, 0, 1)).to_vec())).unwrap();
    live(&mut bench, "g", &member, RETENTION - HOUR);
    assert_eq!(numbers(&mut bench, "g").len(), 3);
    live(&mut bench, "g", &member, 2 * HOUR);
    assert_eq!(numbers(&mut bench, "g"), [("s".into(), 0, 1), ("t".into(), 0, 1)]);
    live(&mut bench, "g", &member, 2 * RETENTION);
    bench.restart();
    live(&mut bench, "g", &member, DAY);
    assert_eq!(numbers(&mut bench, "g").len(), 2, "a restarted coordinator knows the subscription too");
}

#[test]
fn the_look_at_which_the_last_member_falls_silent_takes_no_offset() {
    // G4: the offsets are older than the retention, and the group has just become empty.
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, 1)])).unwrap();
    live(&mut bench, "g", &member, 2 * RETENTION);
    assert_eq!(SESSION.as_secs() % CHECK.as_secs(), 0, "session and look end together");
    bench.pass(SESSION);
    assert_eq!((state(&mut bench, "g"), numbers(&mut bench, "g").len()), (Some(GroupState::Empty), 1));
    pass_until_nearly_expired(&mut bench);
    assert_eq!(numbers(&mut bench, "g").len(), 1);
}

#[test]
fn nothing_expires_while_a_group_rebalances() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("unread", 0, 1)])).unwrap();
    live(&mut bench, "g", &member, RETENTION - CHECK);
    let mut request = join_request("g", &MemberId::new(""), "consumer", subscription(&["t"]));
    request.rebalance_timeout_ms = i32::try_from(3 * CHECK.as_millis()).unwrap();
    let _waiting = bench.park(|groups, context, token| groups.join(context, request, token));
    bench.pass(2 * CHECK);
    assert_eq!((state(&mut bench, "g"), numbers(&mut bench, "g").len()), (Some(GroupState::PreparingRebalance), 1));
}

#[test]
fn nothing_expires_in_a_group_whose_members_do_not_say_what_they_read() {
    for (protocol_type, metadata) in [("connect", subscription(&["t"])), ("consumer", Bytes::from_static(b"?"))] {
        let mut bench = bench();
        let member = join(&mut bench, "g", protocol_type, metadata);
        sync(&mut bench, "g", &member);
        commit(&mut bench, &by_member("g", &member, vec![new_offset("unread", 0, 1)])).unwrap();
        live(&mut bench, "g", &member, 2 * RETENTION);
        assert_eq!(numbers(&mut bench, "g").len(), 1, "{protocol_type}");
        leave(&mut bench, "g", &member);
        bench.pass(RETENTION + CHECK);
        assert_eq!(numbers(&mut bench, "g").len(), 0, "{protocol_type}");
    }
}

#[test]
fn a_commit_that_said_how_long_is_kept_so_long() {
    let mut bench = bench();
    let kept_for = |time: Duration, partition| CommitOffsets {
        retention_ms: Some(i64::try_from(time.as_millis()).unwrap()),
        ..simple("g", vec![new_offset("t", partition, 1)])
    };
    commit(&mut bench, &kept_for(HOUR, 0)).unwrap();
    commit(&mut bench, &kept_for(2 * RETENTION, 1)).unwrap();
    bench.pass(HOUR - Duration::from_secs(1));
    assert_eq!(numbers(&mut bench, "g").len(), 2);
    bench.restart();
    bench.pass(2 * CHECK);
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 1, 1)]);
    bench.pass(RETENTION + DAY);
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 1, 1)]);
    bench.pass(RETENTION);
    assert_eq!(numbers(&mut bench, "g"), []);
}

#[test]
fn a_live_group_keeps_even_what_was_to_be_kept_for_a_time() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    let request = by_member("g", &member, vec![new_offset("t", 0, 1), new_offset("unread", 0, 1)]);
    commit(&mut bench, &CommitOffsets { retention_ms: Some(1_000), ..request }).unwrap();
    live(&mut bench, "g", &member, HOUR);
    assert_eq!(numbers(&mut bench, "g"), [("t".into(), 0, 1)]);
}

#[test]
fn a_group_whose_record_does_not_tell_since_when_it_is_empty_counts_from_the_commits() {
    let mut bench = bench();
    let member = consume(&mut bench, "g", &["t"]);
    commit(&mut bench, &by_member("g", &member, vec![new_offset("t", 0, 1)])).unwrap();
    leave(&mut bench, "g", &member);
    // Written by a Kafka before 2.1.
    let empty = GroupValue {
        protocol_type: Arc::from("consumer"),
        generation: 2,
        protocol: None,
        leader: None,
        since: None,
        members: Vec::new(),
    };
    let record = GroupRecord::Group { group: group_id("g"), value: Some(empty) };
    let encoded = bench.shard.read(|groups| groups.encode(&record)).unwrap().reply;
    lock(&bench.journal.records).push(encoded);
    bench.restart();
    pass_until_nearly_expired(&mut bench);
    assert_eq!(numbers(&mut bench, "g").len(), 1);
    bench.pass(CHECK);
    assert_eq!(numbers(&mut bench, "g").len(), 0);
}

#[test]
fn an_empty_group_without_offsets_goes_with_the_next_look_and_one_with_members_does_not() {
    let mut bench = bench();
    let leaver = consume(&mut bench, "left", &["t"]);
    leave(&mut bench, "left", &leaver);
    let member = consume(&mut bench, "live", &["t"]);
    commit(&mut bench, &by_member("live", &member, vec![new_offset("unread", 0, 1)])).unwrap();
    commit(&mut bench, &simple("kept", vec![new_offset("t", 0, 1)])).unwrap();
    live(&mut bench, "live", &member, CHECK);
    assert_eq!((state(&mut bench, "left"), state(&mut bench, "kept")), (None, Some(GroupState::Empty)));
    live(&mut bench, "live", &member, 2 * RETENTION);
    assert_eq!((numbers(&mut bench, "live").len(), state(&mut bench, "live")), (0, Some(GroupState::Stable)));
}

#[test]
fn what_expires_at_once_goes_batch_by_batch() {
    let mut bench = bench();
    for group in 0..20 {
        let offsets = (0..50).map(|partition| new_offset("t", partition, 1)).collect();
        commit(&mut bench, &simple(&format!("g{group}"), offsets)).unwrap();
    }
    *lock(&bench.journal.max_batch_bytes) = 2_000;
    let begun = bench.now;
    let next = |bench: &mut Bench| bench.shard.read(GroupCoordinator::next_deadline).unwrap().reply.unwrap();
    bench.pass(RETENTION - CHECK);
    bench.now = next(&mut bench);
    let mut ticks = 0;
    while next(&mut bench) <= bench.now {
        let (moment, before) = (bench.moment(), written(&bench));
        bench.shard.tick(moment, &mut || 0);
        ticks += 1;
        assert!(written(&bench) - before < 60, "a batch of 2,000 bytes");
    }
    assert_eq!((bench.now, next(&mut bench)), (begun.plus(RETENTION), begun.plus(RETENTION + CHECK)));
    assert!(ticks > 20, "{ticks}");
    assert_eq!(written(&bench), 1_000 + 1_000 + 20, "offsets, their tombstones, those of the groups");
    assert_eq!(bench.decide(|groups, _| groups.durable_records()), []);
}

#[test]
fn looks_begin_one_interval_after_the_partition_was_loaded() {
    let mut bench = Bench::new(config());
    let next = |bench: &Bench| bench.shard.read(GroupCoordinator::next_deadline).unwrap().reply;
    assert_eq!(next(&bench), None);
    bench.decide(GroupCoordinator::loaded);
    assert_eq!(next(&bench), Some(bench.now.plus(CHECK)));
    bench.pass(CHECK);
    assert_eq!(next(&bench), Some(bench.now.plus(CHECK)));
}
