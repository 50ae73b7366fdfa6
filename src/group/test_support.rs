//! A group coordinator on a journal in memory, with a clock that tests move.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;

use super::{GroupConfig, GroupCoordinator, GroupEvent, Reply};
use crate::coordinator::test_support::MemoryJournal;
use crate::coordinator::{Context, Coordinator, Decided, Moment, Origin, Shard, Ticket, Token};
use crate::seams::{Random, lock};
use crate::types::{Now, Offset, Timestamp};

/// One shard. Time stands still but for [`Bench::pass`]. That no request is answered twice, which a shard would not show, is asserted.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) shard: Shard<GroupCoordinator, MemoryJournal>,
    pub(super) journal: MemoryJournal,
    pub(super) config: Arc<GroupConfig>,
    pub(super) now: Now,
    events: Arc<Mutex<Vec<GroupEvent>>>,
    random: Random,
    answered: BTreeSet<Token>,
}

/// A parked request of a test.
pub(super) type Waiting = Ticket<Decided<Reply>>;

/// Kafka's defaults, without the initial delay.
pub(super) fn config() -> GroupConfig {
    GroupConfig {
        min_session_timeout_ms: 6_000,
        max_session_timeout_ms: 1_800_000,
        max_size: usize::MAX,
        initial_rebalance_delay: Duration::ZERO,
        max_offset_metadata: 4_096,
        offsets_retention: Duration::from_secs(7 * 24 * 3_600),
        offsets_retention_check_interval: Duration::from_secs(600),
    }
}

impl Bench {
    pub(super) fn new(config: GroupConfig) -> Self {
        let (journal, config) = (MemoryJournal::default(), Arc::new(config));
        let events = Arc::<Mutex<Vec<_>>>::default();
        let heard = Arc::clone(&events);
        let shard = Shard::new(GroupCoordinator::new(Arc::clone(&config)), Offset::ZERO, journal.clone(), Box::new(|_| {}));
        let shard = shard.telling(Box::new(move |events| lock(&heard).extend(events)));
        let now = Now(Duration::from_secs(1));
        Self { shard, journal, config, now, events, random: Random::new(7), answered: BTreeSet::new() }
    }

    /// What people were told since the last call.
    pub(super) fn take_events(&mut self) -> Vec<GroupEvent> {
        std::mem::take(&mut lock(&self.events))
    }

    /// Record time runs with the timers' time.
    pub(super) fn moment(&self) -> Moment {
        let passed = i64::try_from(self.now.0.as_millis()).expect("tests are short");
        Moment { now: self.now, timestamp: Timestamp(1_800_000_000_000 + passed) }
    }

    pub(super) fn decide<T>(&mut self, decide: impl FnOnce(&mut GroupCoordinator, &mut Context<'_, GroupCoordinator>) -> T) -> T {
        let (moment, random, answered) = (self.moment(), &mut self.random, &mut self.answered);
        let decide = |groups: &mut GroupCoordinator, context: &mut Context<'_, GroupCoordinator>| {
            let reply = decide(groups, context);
            answer_once(answered, context);
            reply
        };
        self.shard.decide(moment, &mut || random.number(), decide).expect("the shard is there").reply
    }

    pub(super) fn park(
        &mut self,
        decide: impl FnOnce(&mut GroupCoordinator, &mut Context<'_, GroupCoordinator>, Token),
    ) -> Waiting {
        let (moment, random, answered) = (self.moment(), &mut self.random, &mut self.answered);
        let decide = |groups: &mut GroupCoordinator, context: &mut Context<'_, GroupCoordinator>, token| {
            decide(groups, context, token);
            answer_once(answered, context);
        };
        self.shard.decide_later(moment, &mut || random.number(), decide).expect("the shard is there")
    }

    /// Lets time pass; everything that falls due is done when it is due.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while let Some(due) =
            self.shard.read(Coordinator::next_deadline).expect("the shard is there").reply.filter(|due| *due <= end)
        {
            self.now = self.now.max(due);
            self.decide(GroupCoordinator::expire);
        }
        self.now = end;
    }

    /// The coordinator that a restart would make of the journal.
    pub(super) fn replay(&mut self) -> GroupCoordinator {
        let mut coordinator = GroupCoordinator::new(Arc::clone(&self.config));
        for (offset, record) in (0..).zip(lock(&self.journal.records).iter()) {
            let decoded = GroupCoordinator::decode(&record.key, record.value.as_deref()).expect("our own record");
            coordinator.apply(decoded.expect("a kind we know"), Offset(offset), Origin::Replay { now: self.now });
        }
        coordinator
    }

    /// Goes on as after a restart: only what stands in the journal is left.
    pub(super) fn restart(&mut self) {
        let coordinator = self.replay();
        let end = Offset(i64::try_from(lock(&self.journal.records).len()).expect("tests are short"));
        self.shard = Shard::new(coordinator, end, self.journal.clone(), Box::new(|_| {}));
        self.answered.clear();
        self.decide(GroupCoordinator::loaded);
    }
}

fn answer_once(answered: &mut BTreeSet<Token>, context: &Context<'_, GroupCoordinator>) {
    for (token, reply) in &context.replies {
        assert!(answered.insert(*token), "{token:?} is answered again: {reply:?}");
    }
}

/// The answer, if it has come.
pub(super) fn answer(waiting: &mut Waiting) -> Option<Reply> {
    waiting.now_or_never().map(|decided| decided.expect("the shard is there").reply)
}
