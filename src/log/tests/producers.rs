use super::*;
use crate::record::{ControlType, control_batch};

fn out_of_order(expected: i32, got: i32) -> AppendRefusal {
    AppendRefusal::OutOfOrderSequence { producer_id: ProducerId(9), expected: Sequence(expected), got: Sequence(got) }
}

#[test]
fn the_last_five_batches_are_answered_again_with_their_offsets() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    for number in 0..6 {
        append(&mut log, batch(2).by(9, 0, 2 * number).at(NOW.0 + i64::from(number))).unwrap();
    }
    let size = log.size();
    for number in 1..6 {
        let again = append(&mut log, batch(2).by(9, 0, 2 * number)).unwrap();
        assert!(again.duplicate);
        assert_eq!((again.base_offset.0, again.last_offset.0), (i64::from(2 * number), i64::from(2 * number + 1)));
        assert_eq!(again.timestamp, Timestamp(NOW.0 + i64::from(number) + 1));
    }
    assert_eq!(log.size(), size);
    assert_eq!(refusal(append(&mut log, batch(2).by(9, 0, 0))), out_of_order(12, 0), "the sixth is forgotten");
    assert_eq!(refusal(append(&mut log, batch(1).by(9, 0, 10))), out_of_order(12, 10), "part of a batch is no duplicate");
    assert_eq!(refusal(append(&mut log, batch(1).by(9, 0, 13))), out_of_order(12, 13), "a gap");
}

#[test]
fn sequences_wrap() {
    let mut log = Fixture::default().open();
    append(&mut log, batch(2).by(9, 0, i32::MAX - 1)).unwrap();
    assert_eq!(refusal(append(&mut log, batch(1).by(9, 0, 1))), out_of_order(0, 1));
    append(&mut log, batch(2).by(9, 0, 0)).unwrap();
    let mut log = Fixture::default().open();
    append(&mut log, batch(4).by(9, 0, i32::MAX - 1)).unwrap();
    assert!(append(&mut log, batch(4).by(9, 0, i32::MAX - 1)).unwrap().duplicate);
    append(&mut log, batch(1).by(9, 0, 2)).unwrap();
}

#[test]
fn epochs_rise_and_begin_at_zero() {
    let mut log = Fixture::default().open();
    append(&mut log, batch(1).by(9, 3, 500)).unwrap();
    assert_eq!(
        refusal(append(&mut log, batch(1).by(9, 2, 501))),
        AppendRefusal::OldProducerEpoch { producer_id: ProducerId(9), current: ProducerEpoch(3), got: ProducerEpoch(2) }
    );
    assert_eq!(refusal(append(&mut log, batch(1).by(9, 4, 501))), out_of_order(0, 501));
    append(&mut log, batch(1).by(9, 4, 0)).unwrap();
    assert!(!append(&mut log, batch(1).by(9, 5, 0)).unwrap().duplicate, "the same sequence in a new epoch is new");
    append(&mut log, batch(1).by(8, 0, 77)).unwrap();
}

#[test]
fn silent_producers_expire_but_not_those_in_a_transaction() {
    let mut fixture = Fixture::default();
    fixture.config.producer_id_expiration_ms = 1000;
    let mut log = fixture.open();
    let transactional = BatchOptions { transactional: true, ..BatchOptions::default() };
    append(&mut log, batch(1).by(9, 0, 0)).unwrap();
    append(&mut log, Batch { options: transactional, ..batch(1).by(7, 0, 0) }).unwrap();
    log.expire_producers(Timestamp(NOW.0 + 999));
    assert_eq!(refusal(append(&mut log, batch(1).by(9, 0, 5))), out_of_order(1, 5));
    log.expire_producers(Timestamp(NOW.0 + 1000));
    append(&mut log, batch(1).by(9, 0, 5)).unwrap();
    assert!(append(&mut log, Batch { options: transactional, ..batch(1).by(7, 0, 0) }).unwrap().duplicate);
}

#[test]
fn producers_survive_a_clean_stop_a_kill_and_the_loss_of_every_snapshot() {
    let length = batch(1).by(9, 0, 0).bytes().len() as u64;
    let mut fixture = Fixture::default();
    fixture.config.segment_bytes = 3 * length;
    let mut log = fixture.open();
    for number in 0..8 {
        append(&mut log, batch(1).by(9, 0, number)).unwrap();
    }
    sync(&mut log);
    let check = |fixture: &Fixture, remembered: std::ops::Range<i32>| {
        let mut log = fixture.open();
        for sequence in remembered {
            let again = append(&mut log, batch(1).by(9, 0, sequence)).unwrap();
            assert_eq!((again.duplicate, again.base_offset), (true, Offset(i64::from(sequence))));
        }
        assert_eq!(refusal(append(&mut log, batch(1).by(9, 0, 9))), out_of_order(8, 9));
        append(&mut log, batch(1).by(9, 0, 8)).unwrap();
    };
    // A snapshot tells the last batch of a producer only, the batches after it the others.
    check(
        &Fixture { disk: fixture.disk.killed(), recovery_point: Offset(7), config: fixture.config.clone(), ..Fixture::default() },
        5..8,
    );

    let without = fixture.disk.killed();
    for name in without.names(Path::new(DIRECTORY)).iter().filter(|name| name.ends_with(".snapshot")) {
        crate::seams::Disk::remove_file(&without, &path(name)).unwrap();
    }
    check(&Fixture { disk: without, recovery_point: Offset(7), config: fixture.config.clone(), ..Fixture::default() }, 3..8);

    let torn = fixture.disk.killed();
    torn.put(&path("00000000000000000006.snapshot"), &[0; 56]);
    check(&Fixture { disk: torn, recovery_point: Offset(7), config: fixture.config.clone(), ..Fixture::default() }, 3..8);

    log.close(NOW).unwrap();
    let names = fixture.disk.names(Path::new(DIRECTORY));
    assert!(names.contains(&"00000000000000000008.snapshot".to_owned()), "{names:?}");
    let closed =
        Fixture { disk: fixture.disk.killed(), clean_shutdown: true, config: fixture.config.clone(), ..Fixture::default() };
    check(&closed, 7..8);
}

#[test]
fn a_snapshot_is_kafkas_byte_for_byte() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    append(&mut log, batch(3).by(0x0102, 5, 40).at(1000)).unwrap();
    log.roll(NOW).unwrap();
    let bytes = fixture.disk.contents(&path("00000000000000000003.snapshot"));
    let mut body = vec![0, 0, 0, 1];
    body.extend([0, 0, 0, 0, 0, 0, 1, 2, 0, 5, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]);
    body.extend([0, 0, 0, 0, 0, 0, 3, 0xea, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let expected = [&[0, 1][..], &crc32c::crc32c(&body).to_be_bytes(), &body].concat();
    assert_eq!(bytes, expected);
}

#[test]
fn markers_end_transactions_and_aborted_ones_are_indexed() {
    let fixture = Fixture::default();
    let mut log = fixture.open();
    let marker = |kind, id| {
        let producer = Some((ProducerId(id), ProducerEpoch(0), Sequence(-1)));
        let options = BatchOptions { transactional: true, producer, ..BatchOptions::default() };
        // Version 0, coordinator epoch 6.
        control_batch(options, NOW, &[(kind, &[0, 0, 0, 0, 0, 6])])
    };
    let transactional = BatchOptions { transactional: true, ..BatchOptions::default() };
    let data = |id, sequence| Batch { options: transactional, ..batch(1).by(id, 0, sequence) };
    let append_marker = |log: &mut Log, mut bytes: Vec<u8>| {
        let base = log.log_end_offset();
        crate::record::stamp(&mut bytes, base, LeaderEpoch(0));
        log.append_as_is(&bytes, NOW).unwrap();
    };
    append(&mut log, data(9, 0)).unwrap();
    append(&mut log, data(8, 0)).unwrap();
    append_marker(&mut log, marker(ControlType::Abort, 9));
    append_marker(&mut log, marker(ControlType::Commit, 8));
    append(&mut log, data(8, 1)).unwrap();
    append_marker(&mut log, marker(ControlType::Abort, 8));
    let name = path("00000000000000000000.txnindex");
    let number = |value: i64| value.to_be_bytes();
    let entry = |id, first, last, stable| [&[0, 0][..], &number(id), &number(first), &number(last), &number(stable)].concat();
    let expected = [entry(9, 0, 2, 1), entry(8, 4, 5, 6)].concat();
    assert_eq!(fixture.disk.contents(&name), expected);
    append(&mut log, data(9, 1)).unwrap();

    // Lost with the crash and made anew by recovery; a truncation takes the second marker away.
    let killed = fixture.disk.killed();
    crate::seams::Disk::remove_file(&killed, &name).unwrap();
    let again = Fixture { disk: killed.clone(), ..Fixture::default() };
    let mut log = again.open();
    assert_eq!(killed.contents(&name), expected);
    log.truncate(Offset(5), NOW).unwrap();
    assert_eq!(killed.contents(&name), entry(9, 0, 2, 1));
    append_marker(&mut log, marker(ControlType::Abort, 8));
    assert_eq!(killed.contents(&name), expected);
}
