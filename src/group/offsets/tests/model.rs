//! Groups commit, delete, come and go, topics are deleted and made again, time passes, appends fail and the coordinator restarts, while a
//! model that knows nothing of records keeps one register for each group and partition.

use std::collections::BTreeMap;

use super::*;
use crate::coordinator::{Context, Decided, Unavailable};
use crate::seams::Random;

const GROUPS: [&str; 5] = ["a", "b", "c", "d", "e"];
const TOPICS: [&str; 4] = ["t", "ta", "s", "r"];
const PARTITIONS: u64 = 12;

type Register = (&'static str, i32);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    offset: i64,
    committed: Duration,
    /// When it goes, if its commit said how long it is to be kept.
    expires: Option<Duration>,
    /// Which life of its topic is meant.
    life: Option<u128>,
}

/// What is known of a group from the answers that it gave.
#[derive(Default)]
struct Known {
    exists: bool,
    /// It had members, the last of which left then.
    empty_since: Option<Duration>,
    member: Option<(Membership, Vec<&'static str>)>,
    registers: BTreeMap<Register, Kept>,
}

impl Known {
    /// Whether retention has run out at a look.
    fn is_over(&self, (topic, _): &Register, kept: &Kept, now: Duration, retention: Duration) -> bool {
        if self.member.as_ref().is_some_and(|(_, topics)| topics.contains(topic)) {
            return false;
        }
        let since = self.empty_since.filter(|_| self.member.is_none()).unwrap_or(kept.committed);
        kept.expires.map_or(now >= since + retention, |expires| now >= expires)
    }

    /// G4: each register holds what was committed last, unless it was deleted or has expired.
    fn check(&self, told: &[(String, i32, i64)]) -> Result<(), String> {
        let expected: BTreeMap<_, _> =
            self.registers.iter().map(|((topic, partition), kept)| ((*topic, *partition), kept.offset)).collect();
        let told: BTreeMap<_, _> =
            told.iter().map(|(topic, partition, offset)| ((topic.as_str(), *partition), *offset)).collect();
        if told == expected { Ok(()) } else { Err(format!("told {told:?}, committed {expected:?}")) }
    }
}

struct World {
    bench: Bench,
    random: Random,
    groups: BTreeMap<&'static str, Known>,
    /// The present life of each topic.
    lives: BTreeMap<&'static str, u128>,
    next_check: Duration,
    next_offset: i64,
    /// How often each invariant was evaluated.
    g4: usize,
    g5: usize,
    expired: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut bench = Bench::new(GroupConfig { offsets_retention: 3 * HOUR, ..config() });
        bench.decide(GroupCoordinator::loaded);
        // Small batches: what expires, or goes with a topic, takes several.
        *lock(&bench.journal.max_batch_bytes) = [1_000, 1 << 20][usize::try_from(random.below(2)).unwrap()];
        let next_check = bench.now.0 + CHECK;
        let groups = GROUPS.map(|group| (group, Known::default())).into();
        let lives = TOPICS.map(|topic| (topic, 1)).into();
        Self { bench, random, groups, lives, next_check, next_offset: 0, g4: 0, g5: 0, expired: 0 }
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let at = self.random.below(choices.len() as u64);
        choices[usize::try_from(at).unwrap()]
    }

    fn partition(&mut self) -> i32 {
        i32::try_from(self.random.below(PARTITIONS)).unwrap()
    }

    /// Decides, or loses the coordinator with the decision: then nothing of it has happened.
    fn decide<T>(&mut self, decide: impl FnOnce(&mut GroupCoordinator, &mut Context<'_, GroupCoordinator>) -> T) -> Option<T> {
        let fails = self.random.chance(3);
        *lock(&self.bench.journal.fails) = fails;
        let mut wrote = false;
        let decided = self.bench.shard.decide(self.bench.moment(), &mut || 4, |groups, context| {
            let reply = decide(groups, context);
            wrote = !context.records.is_empty();
            reply
        });
        *lock(&self.bench.journal.fails) = false;
        match decided {
            Ok(Decided { reply, .. }) => {
                assert!(!(fails && wrote), "an append failed and was not noticed");
                Some(reply)
            }
            Err(Unavailable) => {
                assert!(fails && wrote);
                self.restart();
                None
            }
        }
    }

    fn restart(&mut self) {
        let replayed = self.bench.replay().durable_records();
        self.bench.restart();
        assert_eq!(self.bench.decide(|groups, _| groups.durable_records()), replayed);
        self.next_check = self.bench.now.0 + CHECK;
    }

    fn commit(&mut self, group: &'static str) {
        let known = &self.groups[group];
        let by = known.member.as_ref().map(|(membership, _)| membership.clone());
        let (exists, has_members) = (known.exists, by.is_some());
        let stale = |(member, generation): Membership| (member, generation - 1);
        let (mut request, expected) = match (by, self.random.below(4)) {
            (Some(membership), 1..) => (by_member(group, &membership, Vec::new()), Ok(())),
            (Some(membership), 0) => (by_member(group, &stale(membership), Vec::new()), Err(Refusal::IllegalGeneration)),
            (None, 1..) => (simple(group, Vec::new()), Ok(())),
            (None, 0) if exists => (by_member(group, &(MemberId::new("m"), 1), Vec::new()), Err(Refusal::UnknownMemberId)),
            (None, 0) => (by_member(group, &(MemberId::new("m"), 1), Vec::new()), Err(Refusal::GroupIdNotFound)),
        };
        let retention = self.random.chance(20).then(|| Duration::from_secs(self.random.below(10_000)));
        request.retention_ms = retention.map(|time| i64::try_from(time.as_millis()).unwrap());
        let mut written = Vec::new();
        for _ in 0..=self.random.below(6) {
            let (topic, partition) = (self.one_of(&TOPICS), self.partition());
            self.next_offset += 1;
            let life = Some(self.lives[topic]).filter(|_| self.random.chance(80));
            request.offsets.push(NewOffset { topic_id: life.map(topic_id), ..new_offset(topic, partition, self.next_offset) });
            let (committed, expires) = (self.bench.now.0, retention.map(|time| self.bench.now.0 + time));
            let life = life.filter(|_| retention.is_none());
            written.push(((topic, partition), Kept { offset: self.next_offset, committed, expires, life }));
        }
        let Some(reply) = self.decide(|groups, context| groups.commit_offsets(context, &request)) else { return };
        assert_eq!(reply, expected.map(|()| vec![None; written.len()]), "{group} with members: {has_members}");
        if expected.is_ok() {
            let known = self.groups.get_mut(group).unwrap();
            known.exists = true;
            known.registers.extend(written);
        }
    }

    fn delete(&mut self, group: &'static str) {
        let partitions: Vec<_> = (0..=self.random.below(4)).map(|_| (self.one_of(&TOPICS), self.partition())).collect();
        let asked = partitions.iter().map(|(topic, partition)| (TopicName::new(topic), PartitionIndex(*partition))).collect();
        let request = DeleteOffsets { group: group_id(group), partitions: asked };
        let Some(reply) = self.decide(|groups, context| groups.delete_offsets(context, &request)) else { return };
        let known = self.groups.get_mut(group).unwrap();
        if !known.exists {
            return assert_eq!(reply, Err(Refusal::GroupIdNotFound));
        }
        for (register, refusal) in partitions.into_iter().zip(reply.unwrap()) {
            let is_read = known.member.as_ref().is_some_and(|(_, topics)| topics.contains(&register.0));
            assert_eq!(refusal, is_read.then_some(Refusal::GroupSubscribedToTopic));
            if !is_read {
                known.registers.remove(&register);
            }
        }
    }

    /// A member comes, or goes.
    fn change_members(&mut self, group: &'static str) {
        let now = self.bench.now.0;
        let known = self.groups.get_mut(group).unwrap();
        known.exists = true;
        if let Some((membership, _)) = known.member.take() {
            known.empty_since = Some(now);
            leave(&mut self.bench, group, &membership);
        } else {
            let topics: Vec<_> = TOPICS.into_iter().filter(|_| self.random.chance(40)).collect();
            known.member = Some((consume(&mut self.bench, group, &topics), topics));
            // Joining looked at the clock, and so did the coordinator.
            self.pass(Duration::ZERO);
        }
    }

    fn delete_group(&mut self, group: &'static str) {
        let id = group_id(group);
        let fits = *lock(&self.bench.journal.max_batch_bytes) > 1_000 || self.groups[group].registers.len() < 12;
        if !fits {
            return;
        }
        let Some(reply) = self.decide(|groups, context| groups.delete_group(context, &id)) else { return };
        let known = self.groups.get_mut(group).unwrap();
        match reply {
            Ok(()) => {
                assert!(known.exists && known.member.is_none());
                *known = Known::default();
            }
            Err(Refusal::NonEmptyGroup) => assert!(known.member.is_some()),
            Err(refusal) => assert_eq!((refusal, known.exists), (Refusal::GroupIdNotFound, false)),
        }
    }

    /// A topic is deleted and made again, and groups may commit to its next life before the coordinator learns that the last one is over.
    fn renew(&mut self, topic: &'static str) {
        let life = self.lives[topic];
        let deleted = [(TopicName::new(topic), topic_id(life))];
        self.lives.insert(topic, life + 1);
        for _ in 0..self.random.below(4) {
            let group = self.one_of(&GROUPS);
            self.commit(group);
        }
        if self.decide(|groups, context| groups.forget_topics(context, &deleted)).is_none() {
            // A coordinator that is loaded is told once more by whoever loads it.
            self.bench.decide(|groups, context| groups.forget_topics(context, &deleted));
        }
        self.pass(Duration::ZERO);
        for known in self.groups.values_mut() {
            known.registers.retain(|(of, _), kept| *of != topic || kept.life.is_some_and(|other| other != life));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.bench.pass(time);
        while self.next_check <= self.bench.now.0 {
            let (now, retention) = (self.next_check, self.bench.config.offsets_retention);
            for known in self.groups.values_mut().filter(|known| known.exists) {
                let mut registers = std::mem::take(&mut known.registers);
                let before = registers.len();
                registers.retain(|register, kept| !known.is_over(register, kept, now, retention));
                self.expired += before - registers.len();
                known.registers = registers;
                if known.registers.is_empty() && known.member.is_none() {
                    *known = Known::default();
                }
            }
            self.next_check += CHECK;
        }
        let members = self.groups.iter().filter_map(|(group, known)| Some((*group, known.member.as_ref()?.0.clone())));
        for (group, membership) in members.collect::<Vec<_>>() {
            heartbeat(&mut self.bench, group, &membership).unwrap();
        }
    }

    fn step(&mut self) {
        let group = self.one_of(&GROUPS);
        match self.random.below(100) {
            0..=44 => self.commit(group),
            45..=59 => self.delete(group),
            60..=69 => self.change_members(group),
            70..=72 => self.delete_group(group),
            73..=76 => {
                let topic = self.one_of(&TOPICS);
                self.renew(topic);
            }
            77..=97 => {
                let time = Duration::from_millis(self.random.below(20 * 60_000));
                self.pass(time);
            }
            _ => self.restart(),
        }
    }

    fn check(&mut self) {
        for (group, known) in &self.groups {
            known.check(&numbers(&mut self.bench, group)).unwrap();
            assert_eq!(state(&mut self.bench, group).is_some(), known.exists, "{group}");
            self.g4 += 1;
        }
    }

    /// G5: the state is what the records say.
    fn check_replay(&mut self) {
        assert_eq!(self.bench.replay().durable_records(), self.bench.decide(|groups, _| groups.durable_records()));
        self.g5 += 1;
    }
}

#[test]
fn every_register_holds_what_was_committed_last_and_the_state_is_what_the_records_say() {
    let (mut g4, mut g5, mut expired) = (0, 0, 0);
    for seed in 0..6 {
        let mut world = World::new(seed);
        for step in 0..1_000 {
            world.step();
            world.check();
            if step % 25 == 0 {
                world.check_replay();
            }
        }
        (g4, g5, expired) = (g4 + world.g4, g5 + world.g5, expired + world.expired);
    }
    println!("G4 was evaluated {g4} times, G5 {g5} times; {expired} offsets expired");
    assert!(g4 > 0 && g5 > 0 && expired > 500);
}

#[test]
fn the_model_sees_an_offset_that_is_lost_one_that_is_old_and_one_that_came_back() {
    let kept = Kept { offset: 5, committed: Duration::ZERO, expires: None, life: None };
    let known = Known { registers: [(("t", 0), kept)].into(), ..Known::default() };
    assert_eq!(known.check(&[("t".into(), 0, 5)]), Ok(()));
    assert!(known.check(&[]).is_err());
    assert!(known.check(&[("t".into(), 0, 4)]).is_err());
    assert!(known.check(&[("t".into(), 0, 5), ("s".into(), 1, 1)]).is_err());
}
