//! Random sequences of operations against a plain list of batches, with the process killed or the power cut at any call to the disk.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Append {
        records: usize,
        value_bytes: usize,
        producer: bool,
    },
    AppendAsIs {
        gaps: Vec<u8>,
    },
    Roll,
    AssignEpoch,
    Sync,
    /// The sync runs and ends only after the next operation.
    SyncAcross,
    Truncate {
        per_mille: i64,
    },
    RestartAt {
        ahead: i64,
    },
    Retain {
        per_mille: i64,
    },
    AdvanceStart {
        per_mille: i64,
    },
    Checkpoint,
    CloseAndOpen,
    Kill,
    /// The power fails after this many changing calls to the disk, within one of the next operations.
    PowerCut {
        calls: u64,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let append = (1..4_usize, prop_oneof![Just(10_usize), Just(600)], any::<bool>())
        .prop_map(|(records, value_bytes, producer)| Operation::Append { records, value_bytes, producer });
    prop_oneof![
        10 => append,
        3 => proptest::collection::vec(0..3_u8, 1..4).prop_map(|gaps| Operation::AppendAsIs { gaps }),
        1 => Just(Operation::Roll),
        1 => Just(Operation::AssignEpoch),
        4 => Just(Operation::Sync),
        2 => Just(Operation::SyncAcross),
        2 => (0..1001_i64).prop_map(|per_mille| Operation::Truncate { per_mille }),
        1 => (0..3_i64).prop_map(|ahead| Operation::RestartAt { ahead }),
        1 => (0..1001_i64).prop_map(|per_mille| Operation::Retain { per_mille }),
        1 => (0..1001_i64).prop_map(|per_mille| Operation::AdvanceStart { per_mille }),
        2 => Just(Operation::Checkpoint),
        1 => Just(Operation::CloseAndOpen),
        2 => Just(Operation::Kill),
        4 => prop_oneof![Just(0_u64), 0..12_u64].prop_map(|calls| Operation::PowerCut { calls }),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Known {
    base: i64,
    last: i64,
    epoch: i32,
    /// Unique, so that one batch is never taken for another.
    timestamp: i64,
}

struct Run {
    fixture: Fixture,
    log: Option<Log>,
    batches: Vec<Known>,
    start: i64,
    end: i64,
    flushed: i64,
    epoch: i32,
    producer_epoch: i16,
    clock: i64,
    pending: Option<SyncWork>,
    seed: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let config = LogConfig {
            segment_bytes: 1000,
            index_interval_bytes: 150,
            retention_ms: Some(0),
            file_delete_delay_ms: 5,
            ..LogConfig::default()
        };
        let fixture = Fixture { config, ..Fixture::default() };
        let log = Some(fixture.open());
        Self {
            fixture,
            log,
            batches: Vec::new(),
            start: 0,
            end: 0,
            flushed: 0,
            epoch: 0,
            producer_epoch: 0,
            clock: NOW.0,
            pending: None,
            seed,
        }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn at(&self, per_mille: i64) -> i64 {
        self.start + (self.end - self.start) * per_mille / 1000
    }

    /// Carries an operation out; true if it came to its end.
    fn step(&mut self, operation: &Operation) -> bool {
        self.clock += 10;
        let now = Timestamp(self.clock);
        match *operation {
            Operation::Append { records, value_bytes, producer } => self.append(records, value_bytes, producer, now),
            Operation::AppendAsIs { ref gaps } => self.append_as_is(gaps, now),
            Operation::Roll => self.log().roll(now).is_ok(),
            Operation::AssignEpoch => {
                self.epoch += 1;
                let epoch = LeaderEpoch(self.epoch);
                self.log().assign_epoch(epoch).is_ok()
            }
            Operation::Sync => {
                let Some(work) = self.log().begin_sync() else { return true };
                self.finish_sync(&work)
            }
            Operation::SyncAcross => {
                self.pending = self.log().begin_sync();
                true
            }
            Operation::Truncate { per_mille } => self.truncate(self.at(per_mille), now),
            Operation::RestartAt { ahead } => self.restart_at(self.end + ahead * 7, now),
            Operation::Retain { per_mille } => {
                let keep_from = Offset(self.at(per_mille));
                let done = self.log().apply_retention(Timestamp(i64::MAX), keep_from).is_ok();
                assert!(self.log().log_start_offset().0 <= keep_from.0);
                self.start = self.log().log_start_offset().0;
                done && self.log().remove_deleted(Timestamp(i64::MAX)).is_ok()
            }
            Operation::AdvanceStart { per_mille } => {
                self.start = self.at(per_mille);
                let start = Offset(self.start);
                self.log().advance_log_start(start, now).is_ok()
            }
            Operation::Checkpoint => {
                self.fixture.recovery_point = self.log().flushed_offset();
                self.fixture.log_start_offset = self.log().log_start_offset();
                true
            }
            Operation::CloseAndOpen => self.log().close(now).is_ok() && self.open_again(true),
            Operation::Kill => self.open_again(false),
            Operation::PowerCut { calls } => {
                self.fixture.disk.cut_power_after(calls);
                true
            }
        }
    }

    /// After a clean stop the power is cut as well: that must do nothing.
    fn open_again(&mut self, after_close: bool) -> bool {
        self.pending = None;
        self.flushed = self.end;
        self.fixture.disk = if after_close { self.crash() } else { self.fixture.disk.killed() };
        self.fixture.clean_shutdown = after_close;
        self.open();
        self.fixture.clean_shutdown = false;
        true
    }

    fn crash(&mut self) -> SimulatedDisk {
        self.seed += 1;
        let disk = &self.fixture.disk;
        if disk.has_crashed() { disk.mount().killed() } else { disk.crashed(self.seed) }
    }

    fn append(&mut self, records: usize, value_bytes: usize, producer: bool, now: Timestamp) -> bool {
        let mut new = batch(records).value_bytes(value_bytes).at(self.clock);
        if producer {
            let known =
                self.log().producers.known().get(&ProducerId(1)).map(|known| (known.epoch, known.batches.back().copied()));
            // One that is forgotten, because its records were deleted, goes on with a new epoch.
            self.producer_epoch += i16::from(known.is_none());
            let next = known.and_then(|(_, last)| last).map_or(0, |last| last.last_sequence.next().0);
            new = new.by(1, known.map_or(self.producer_epoch, |(epoch, _)| epoch.0), next);
        }
        let epoch = self.epoch;
        let known = Known { base: self.end, last: self.end + records as i64 - 1, epoch, timestamp: self.clock };
        self.batches.push(known);
        let appended = append_at(self.log(), new, epoch, now);
        if let Ok(appended) = &appended {
            assert_eq!((appended.base_offset.0, appended.last_offset.0), (known.base, known.last));
            self.end = known.last + 1;
        }
        appended.is_ok()
    }

    fn append_as_is(&mut self, gaps: &[u8], now: Timestamp) -> bool {
        let mut bytes = Vec::new();
        let mut next = self.end;
        for gap in gaps {
            self.clock += 10;
            let base = next + i64::from(*gap);
            bytes.extend(stamped(batch(2).at(self.clock), base, self.epoch));
            self.batches.push(Known { base, last: base + 1, epoch: self.epoch, timestamp: self.clock });
            next = base + 2;
        }
        let done = self.log().append_as_is(&bytes, now).is_ok();
        if done {
            self.end = next;
        }
        done
    }

    fn finish_sync(&mut self, work: &SyncWork) -> bool {
        let done = work.run().is_ok();
        if done {
            self.log().finish_sync(work);
            self.flushed = self.log().flushed_offset().0;
        }
        done
    }

    fn truncate(&mut self, offset: i64, now: Timestamp) -> bool {
        if offset >= self.end {
            return true;
        }
        let below = self.batches.iter().rev().find(|known| known.last < offset).map_or(0, |known| known.last + 1);
        // With nothing left above the log start the log begins anew, and half-way through it may be empty.
        let boundary = if below < self.start { 0 } else { below.min(offset) };
        self.fixture.recovery_point = self.fixture.recovery_point.min(Offset(boundary));
        let done = self.log().truncate(Offset(offset), now).is_ok();
        // From the first step of a cut on, only what it leaves is promised.
        let end = self.log().log_end_offset().0;
        self.flushed = self.flushed.min(boundary);
        if done {
            assert!(end >= boundary && end <= offset, "{end} {boundary} {offset}");
            let is_empty = self.log().size() == 0;
            self.batches.retain(|known| known.last < end && !is_empty);
            (self.start, self.end, self.flushed) = (self.log().log_start_offset().0, end, end);
        }
        done
    }

    fn restart_at(&mut self, offset: i64, now: Timestamp) -> bool {
        self.fixture.recovery_point = Offset(0);
        self.flushed = 0;
        let done = self.log().restart_at(Offset(offset), now).is_ok();
        if done {
            self.batches.clear();
            (self.start, self.end, self.flushed) = (offset, offset, offset);
        }
        done
    }

    fn open(&mut self) {
        self.log = Some(Log::open(self.fixture.options()).unwrap());
        let log = self.log.as_mut().unwrap();
        let (start, end) = (log.log_start_offset().0, log.log_end_offset().0);
        assert!(end >= self.flushed, "the log ends at {end}, flushed were {}", self.flushed);
        assert_eq!(log.flushed_offset().0, end);
        // Deletions that were not synced may be undone, each segment for itself; nothing that was to stay is gone.
        let lost = self.batches.iter().find(|known| known.base >= self.start && known.last < start && known.last < self.flushed);
        assert!(lost.is_none(), "{lost:?} was lost, the log starts at {start}");
        let old_start = self.start;
        self.batches.retain(|known| {
            let is_in_log = known.last < end && known.last >= start;
            let has_come_back = || {
                let header = BatchHeader::parse(&read(log, known.base.max(start), 1));
                header.is_ok_and(|header| header.base_offset.0 == known.base)
            };
            is_in_log && (known.last >= old_start || has_come_back())
        });
        (self.start, self.end, self.flushed) = (start, end, end);
    }

    /// Reads everything and compares.
    fn check(&mut self) {
        let (start, end) = (self.start, self.end);
        let log = self.log.as_ref().unwrap();
        assert_eq!((log.log_start_offset().0, log.log_end_offset().0), (start, end));
        let known: Vec<_> = self.batches.iter().filter(|known| known.last >= start).copied().collect();
        for offset in start..end {
            let records = read(log, offset, 1);
            let expected = known.iter().find(|known| known.last >= offset).copied();
            let found = Batches::new(&records).next().map(|batch| {
                let header = batch.unwrap().0;
                crate::record::check_crc(&records).unwrap();
                (header.base_offset.0, header.last_offset().0, header.leader_epoch.0, header.base_timestamp.0)
            });
            assert_eq!(found, expected.map(|known| (known.base, known.last, known.epoch, known.timestamp)), "offset {offset}");
        }
        for known in &known {
            assert_eq!(log.epoch_at(Offset(known.base.max(start))), Some(LeaderEpoch(known.epoch)), "{known:?}");
            let target = TimestampTarget::AtOrAfter(Timestamp(known.timestamp));
            let found = log.plan_timestamp(target, Offset(end)).search().unwrap();
            assert_eq!(found.map(|(offset, _, _)| offset.0), Some(known.base.max(start)), "{known:?}");
        }
        let largest = log.plan_timestamp(TimestampTarget::Maximum, Offset(end)).search().unwrap();
        assert_eq!(largest.map(|(offset, _, _)| offset.0), known.last().map(|known| known.last));
        assert!(log.bytes_between(Offset(start), Offset(end)) <= log.size());
    }

    fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            let pending = self.pending.take();
            let mut done = self.step(operation);
            if let Some(work) = pending.filter(|_| done && self.log.is_some()) {
                // A log opened anew knows nothing of it.
                if !matches!(operation, Operation::CloseAndOpen | Operation::Kill) {
                    done = self.finish_sync(&work);
                }
            }
            if done {
                self.check();
            } else {
                self.pending = None;
                self.fixture.disk = self.crash();
                self.open();
                self.check();
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_the_log_is_a_beginning_of_what_was_written(
        operations in proptest::collection::vec(operation(), 1..60),
        seed in any::<u64>(),
    ) {
        Run::new(seed).run(&operations);
    }
}
