//! Sessions by KIP-227's rules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

fn target(topic: &str, partition: i32) -> FetchTarget {
    FetchTarget { topic: TopicKey::Name(TopicName::new(topic)), partition: PartitionIndex(partition) }
}

fn from(offset: i64) -> PartitionRequest {
    PartitionRequest { fetch_offset: Offset(offset), max_bytes: 100, current_leader_epoch: None, last_fetched_epoch: None }
}

fn answer(high_watermark: i64) -> PartitionAnswer {
    PartitionAnswer {
        high_watermark,
        log_start_offset: 0,
        has_records: false,
        must_tell: false,
        is_error: false,
        is_topic_known: true,
    }
}

fn with_records(high_watermark: i64) -> PartitionAnswer {
    PartitionAnswer { has_records: true, ..answer(high_watermark) }
}

fn failed() -> PartitionAnswer {
    PartitionAnswer {
        high_watermark: -1,
        log_start_offset: -1,
        has_records: false,
        must_tell: true,
        is_error: true,
        is_topic_known: false,
    }
}

fn at(seconds: u64) -> Now {
    Now(Duration::from_secs(seconds))
}

fn request(session_id: i32, session_epoch: i32, partitions: &[(FetchTarget, PartitionRequest)]) -> SessionRequest {
    SessionRequest { session_id, session_epoch, uses_topic_ids: false, partitions: partitions.to_vec(), forgotten: Vec::new() }
}

/// One request and its answers; the session id told, and which partitions the answer mentions.
fn exchange(
    sessions: &mut FetchSessions,
    request: SessionRequest,
    answers: &[PartitionAnswer],
    now: Now,
) -> Result<(i32, Vec<FetchTarget>), SessionRefusal> {
    let view = sessions.begin(request, now)?;
    assert_eq!(view.partitions.len(), answers.len(), "{:?}", view.partitions);
    // Later sessions get other ids.
    let mut next = 1_000 * now.0.as_secs();
    let (id, told) = sessions.finish(&view, answers, now, || {
        next += 1;
        next
    })?;
    let told = view.partitions.into_iter().zip(told).filter(|(_, told)| *told);
    Ok((id, told.map(|((target, _), _)| target).collect()))
}

/// A session over so many partitions, opened at that time, with high watermark 5 told of each.
fn open(sessions: &mut FetchSessions, partitions: i32, now: Now) -> i32 {
    let partitions: Vec<_> = (0..partitions).map(|index| (target("t", index), from(0))).collect();
    let answers = vec![answer(5); partitions.len()];
    exchange(sessions, request(0, 0, &partitions), &answers, now).unwrap().0
}

#[test]
fn news_are_records_watermarks_log_starts_and_what_must_be_told() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 4, at(0));
    let start_moved = PartitionAnswer { log_start_offset: 3, ..answer(5) };
    let told = PartitionAnswer { must_tell: true, ..answer(5) };
    let none = exchange(&mut sessions, request(id, 1, &[]), &[answer(5); 4], at(0)).unwrap();
    assert_eq!(none, (id, Vec::new()));
    let answers = [answer(6), start_moved, told, answer(5)];
    let news = exchange(&mut sessions, request(id, 2, &[]), &answers, at(0)).unwrap();
    assert_eq!(news, (id, vec![target("t", 0), target("t", 1), target("t", 2)]));
    let same = [answer(6), start_moved, answer(5), answer(5)];
    assert_eq!(exchange(&mut sessions, request(id, 3, &[]), &same, at(0)).unwrap().1, []);
}

#[test]
fn after_an_error_the_partition_is_told_again_though_nothing_else_changed() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 1, at(0));
    let mut told = Vec::new();
    for (epoch, answer) in
        (1..).zip([failed(), failed(), PartitionAnswer { log_start_offset: -1, ..answer(5) }, answer(5), answer(5)])
    {
        told.push(exchange(&mut sessions, request(id, epoch, &[]), &[answer], at(0)).unwrap().1.len());
    }
    // The last mention is for the log start that the error had hidden.
    assert_eq!(told, [1, 1, 1, 1, 0]);
}

#[test]
fn served_partitions_go_to_the_end_and_new_ones_behind_the_others() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 3, at(0));
    exchange(&mut sessions, request(id, 1, &[]), &[with_records(6), answer(5), with_records(6)], at(0)).unwrap();
    let added = (target("u", 0), from(7));
    let moved = (target("t", 2), from(9));
    let view = sessions.begin(request(id, 2, &[added, moved]), at(0)).unwrap();
    let order: Vec<_> = view.partitions.iter().map(|(target, asked)| (target.clone(), asked.fetch_offset.0)).collect();
    assert_eq!(order, [(target("t", 1), 0), (target("t", 0), 0), (target("t", 2), 9), (target("u", 0), 7)]);
}

#[test]
fn forgetting_ends_with_the_session_when_nothing_is_left() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 2, at(0));
    let forget = |epoch, index| SessionRequest { forgotten: vec![target("t", index)], ..request(id, epoch, &[]) };
    let view = sessions.begin(forget(1, 0), at(0)).unwrap();
    assert_eq!(view.partitions.iter().map(|(target, _)| target.clone()).collect::<Vec<_>>(), [target("t", 1)]);
    assert_eq!(exchange(&mut sessions, forget(2, 1), &[], at(0)).unwrap(), (0, Vec::new()));
    assert!(sessions.is_empty());
}

#[test]
fn epochs_go_up_by_one_and_wrap_to_one() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 1, at(0));
    let refused = |sessions: &mut FetchSessions, epoch| sessions.begin(request(id, epoch, &[]), at(0)).err();
    assert_eq!(refused(&mut sessions, 2), Some(SessionRefusal::InvalidSessionEpoch));
    sessions.begin(request(id, 1, &[]), at(0)).unwrap();
    assert_eq!(refused(&mut sessions, 1), Some(SessionRefusal::InvalidSessionEpoch), "taken once");
    sessions.sessions.get_mut(&id).unwrap().epoch = i32::MAX;
    sessions.begin(request(id, i32::MAX, &[]), at(0)).unwrap();
    sessions.begin(request(id, 1, &[]), at(0)).unwrap();
}

#[test]
fn an_answer_to_a_session_that_went_on_meanwhile_is_refused() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 1, at(0));
    let slow = sessions.begin(request(id, 1, &[]), at(0)).unwrap();
    sessions.begin(request(id, 2, &[]), at(0)).unwrap();
    let finished = sessions.finish(&slow, &[answer(5)], at(0), || 1);
    assert_eq!(finished.err(), Some(SessionRefusal::InvalidSessionEpoch));
}

#[test]
fn ids_and_names_do_not_mix_and_unknown_sessions_are_refused() {
    let mut sessions = FetchSessions::new(1);
    let id = open(&mut sessions, 1, at(0));
    let by_id = SessionRequest { uses_topic_ids: true, ..request(id, 1, &[]) };
    assert_eq!(sessions.begin(by_id, at(0)).err(), Some(SessionRefusal::TopicIdError));
    assert_eq!(sessions.begin(request(id + 1, 1, &[]), at(0)).err(), Some(SessionRefusal::SessionIdNotFound));
    assert_eq!(sessions.begin(request(0, 1, &[]), at(0)).err(), Some(SessionRefusal::SessionIdNotFound));
    assert!(sessions.begin(request(id, 1, &[]), at(0)).is_ok(), "refusals leave the session as it was");
}

#[test]
fn a_full_fetch_closes_the_session_that_it_names() {
    for (epoch, reopened) in [(0, true), (-1, false)] {
        let mut sessions = FetchSessions::new(1);
        let id = open(&mut sessions, 1, at(0));
        let full = request(id, epoch, &[(target("t", 0), from(0))]);
        let (told_id, told) = exchange(&mut sessions, full, &[answer(5)], at(0)).unwrap();
        assert_eq!((told_id != 0, told.len(), sessions.len()), (reopened, 1, usize::from(reopened)));
    }
}

#[test]
fn an_id_is_never_zero_nor_one_that_is_taken() {
    let mut sessions = FetchSessions::new(2);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let view = sessions.begin(request(0, 0, &[(target("t", 0), from(0))]), at(0)).unwrap();
        let mut random = [0x8000_0000, 7, 7, 9].into_iter();
        ids.push(sessions.finish(&view, &[answer(5)], at(0), || random.next().unwrap()).unwrap().0);
    }
    assert_eq!(ids, [7, 9]);
}

/// A full fetch of so many partitions at that time; whether it got a session.
fn gets_one(sessions: &mut FetchSessions, partitions: i32, now: Now) -> bool {
    open(sessions, partitions, now) != 0
}

#[test]
fn a_stale_session_gives_way_to_any() {
    let mut sessions = FetchSessions::new(2);
    let (older, newer) = (open(&mut sessions, 3, at(0)), open(&mut sessions, 3, at(1)));
    assert!(!gets_one(&mut sessions, 9, at(120)));
    assert!(gets_one(&mut sessions, 1, at(121)));
    assert_eq!(sessions.begin(request(older, 1, &[]), at(121)).err(), Some(SessionRefusal::SessionIdNotFound));
    assert!(sessions.begin(request(newer, 1, &[]), at(121)).is_ok(), "the one unused for longest goes");
}

#[test]
fn a_session_that_is_old_gives_way_to_a_larger_one_while_it_is_used() {
    let mut sessions = FetchSessions::new(2);
    let (larger, smaller) = (open(&mut sessions, 3, at(0)), open(&mut sessions, 2, at(0)));
    let mut epoch = 1;
    for second in [60, 120, 180] {
        for id in [larger, smaller] {
            sessions.begin(request(id, epoch, &[]), at(second)).unwrap();
        }
        epoch += 1;
        let is_old = second > 120;
        assert!(!gets_one(&mut sessions, 2, at(second)), "of the same size");
        assert_eq!(gets_one(&mut sessions, 3, at(second)), is_old, "{second}");
    }
    assert_eq!(sessions.begin(request(smaller, epoch, &[]), at(180)).err(), Some(SessionRefusal::SessionIdNotFound));
    assert!(sessions.begin(request(larger, epoch, &[]), at(180)).is_ok(), "the smallest goes");
}

#[test]
fn without_slots_there_are_no_sessions() {
    let mut sessions = FetchSessions::new(0);
    assert!(!gets_one(&mut sessions, 1, at(0)));
    assert!(!gets_one(&mut sessions, 1, at(1_000)));
}

#[test]
fn a_session_remembers_whose_topic_it_has_known() {
    let mut sessions = FetchSessions::new(1);
    let partitions = [(target("t", 0), from(0)), (target("gone", 1), from(0))];
    let id = exchange(&mut sessions, request(0, 0, &partitions), &[answer(5), failed()], at(0)).unwrap().0;
    let view = sessions.begin(request(id, 1, &[]), at(1)).unwrap();
    assert_eq!(view.known.iter().cloned().collect::<Vec<_>>(), [target("t", 0)]);
}
