//! Clients come, go, die, come back and repeat themselves while answers get lost and the coordinator restarts. What must hold at all times is
//! checked at all times, and once the clients behave, the group has to settle.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::*;
use crate::seams::Random;

const PARTITIONS: u8 = 12;

/// With the group's life: in a group that comes after a deleted one they begin anew.
type Generation = (usize, i32);

/// G2: a partition has one owner in a generation. A static member's next process is the same owner.
#[derive(Default)]
struct Owners {
    of: BTreeMap<(Generation, u8), String>,
    evaluated: usize,
}

impl Owners {
    fn receives(&mut self, owner: &str, generation: Generation, partitions: &[u8]) -> Result<(), String> {
        for partition in partitions {
            self.evaluated += 1;
            let first = self.of.entry((generation, *partition)).or_insert_with(|| owner.to_owned());
            if first != owner {
                return Err(format!("{partition} of generation {generation:?} belongs to {first} and to {owner}"));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    /// It is not running.
    Nothing,
    Joining,
    Syncing,
    Working,
}

/// A consumer's process, as clients behave.
struct Client {
    name: usize,
    instance: Option<&'static str>,
    requires_member_id: bool,
    protocols: &'static [&'static str],
    doing: Doing,
    member: MemberId,
    generation: i32,
    /// The group's life in which it sent its SyncGroup.
    life: usize,
    waiting: Option<Waiting>,
}

impl Client {
    fn owner(&self) -> String {
        self.instance.map_or_else(|| self.member.to_string(), str::to_owned)
    }
}

struct World {
    bench: Bench,
    random: Random,
    clients: Vec<Client>,
    owners: Owners,
    /// Counts the group's deletions.
    life: usize,
    /// Requests whose answers got lost.
    lost: Vec<Waiting>,
    g3: usize,
    g5: usize,
    g6: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let max_size = [6, usize::MAX][random.below(2) as usize];
        let config = GroupConfig { max_size, initial_rebalance_delay: seconds(random.below(2) * 3), ..config() };
        let client = |name: usize| Client {
            name,
            // The last two are twins: they fence each other.
            instance: [None, None, None, None, Some("i"), Some("j"), Some("k"), Some("k")][name],
            requires_member_id: name.is_multiple_of(2),
            protocols: &["range"],
            doing: Doing::Nothing,
            member: id(""),
            generation: -1,
            life: 0,
            waiting: None,
        };
        let (bench, clients) = (Bench::new(config), (0..8).map(client).collect());
        Self { bench, random, clients, owners: Owners::default(), life: 0, lost: Vec::new(), g3: 0, g5: 0, g6: 0 }
    }

    fn join(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let mut request = with_protocols(client.protocols, client.member.as_str());
        request.instance = client.instance.map(Into::into);
        request.requires_member_id = client.requires_member_id;
        request.can_skip_assignment = client.name.is_multiple_of(3);
        let waiting = self.bench.join(request);
        let client = &mut self.clients[at];
        client.doing = Doing::Joining;
        self.lost.extend(client.waiting.replace(waiting));
    }

    fn sync(&mut self, at: usize, joined: &JoinReply) {
        let client = &self.clients[at];
        let shares =
            |place: usize| (0..PARTITIONS).filter(move |partition| usize::from(*partition) % joined.members.len() == place);
        let leads = joined.leader == joined.member && !joined.skip_assignment;
        let members = joined.members.iter().enumerate().filter(|_| leads);
        let request = SyncGroup {
            group: g(),
            member: client.member.clone(),
            instance: client.instance.map(Into::into),
            generation: client.generation,
            protocol_type: joined.protocol_type.clone(),
            protocol: joined.protocol.clone(),
            assignments: members.map(|(place, member)| (member.member.clone(), shares(place).collect())).collect(),
        };
        let waiting = self.bench.sync_as(request);
        let client = &mut self.clients[at];
        (client.doing, client.life) = (Doing::Syncing, self.life);
        self.lost.extend(client.waiting.replace(waiting));
    }

    fn stop(&mut self, at: usize) {
        let client = &mut self.clients[at];
        (client.doing, client.member, client.generation) = (Doing::Nothing, id(""), -1);
        self.lost.extend(client.waiting.take());
    }

    /// What a client does about a refusal.
    fn refused(&mut self, at: usize, refusal: Refusal) {
        match refusal {
            Refusal::RebalanceInProgress | Refusal::IllegalGeneration => self.join(at),
            Refusal::UnknownMemberId => {
                self.clients[at].member = id("");
                self.join(at);
            }
            Refusal::FencedInstanceId | Refusal::GroupMaxSizeReached => self.stop(at),
            // After a restart the others' records tell only of the protocol that was chosen, which it does not know.
            Refusal::InconsistentGroupProtocol => {
                self.clients[at].protocols = &["range", "sticky"];
                self.join(at);
            }
            other => panic!("{other:?}"),
        }
    }

    /// A client goes on with what it does.
    fn act(&mut self, at: usize) {
        if self.clients[at].doing == Doing::Working {
            let (member, generation) = (self.clients[at].member.clone(), self.clients[at].generation);
            let instance = self.clients[at].instance.map(Into::into);
            let heartbeat = Heartbeat { group: g(), member, instance, generation };
            if let Err(refusal) = self.bench.decide(|groups, context| groups.heartbeat(context, &heartbeat)) {
                self.refused(at, refusal);
            }
            return;
        }
        let Some(answer) = self.clients[at].waiting.as_mut().and_then(FutureExt::now_or_never) else { return };
        self.clients[at].waiting = None;
        match answer.map(|decided| decided.reply) {
            // The coordinator is gone.
            None => self.join(at),
            Some(Reply::Join(JoinReply { refusal: Some(Refusal::MemberIdRequired), member, .. })) => {
                self.clients[at].member = member;
                self.join(at);
            }
            Some(
                Reply::Join(JoinReply { refusal: Some(refusal), .. }) | Reply::Sync(SyncReply { refusal: Some(refusal), .. }),
            ) => {
                self.refused(at, refusal);
            }
            Some(Reply::Join(reply)) => {
                (self.clients[at].member, self.clients[at].generation) = (reply.member.clone(), reply.generation);
                self.sync(at, &reply);
            }
            Some(Reply::Sync(reply)) => {
                let client = &mut self.clients[at];
                client.doing = Doing::Working;
                self.owners.receives(&client.owner(), (client.life, client.generation), &reply.assignment).unwrap();
            }
        }
    }

    /// Something happens to a client or to the coordinator.
    fn churn(&mut self) {
        let at = self.random.below(self.clients.len() as u64) as usize;
        let is_running = self.clients[at].doing != Doing::Nothing;
        match self.random.below(100) {
            0 => self.bench.restart(),
            1..=4 => self.stop(at),
            5..=8 if is_running => self.leave(at),
            9..=12 if is_running => {
                self.clients[at].protocols =
                    [&["range"][..], &["range", "sticky"], &["sticky", "range"]][self.random.below(3) as usize];
                self.join(at);
            }
            // The answer got lost, and the client asks again.
            13..=20 if self.clients[at].doing == Doing::Joining => self.join(at),
            21..=24 => {
                if self.bench.decide(|groups, context| groups.delete_group(context, &g())) == Ok(()) {
                    self.life += 1;
                }
            }
            25..=40 if !is_running => self.join(at),
            41..=65 => self.bench.pass(Duration::from_millis(self.random.below(4_000))),
            66..=75 => self.check_refusals(at),
            _ => self.act(at),
        }
    }

    fn leave(&mut self, at: usize) {
        let client = &self.clients[at];
        let member = if client.instance.is_some() && self.random.chance(50) { "" } else { client.member.as_str() };
        let (member, instance) = (member.to_owned(), client.instance);
        let _ = self.bench.leave(&[(&member, instance)]);
        self.stop(at);
    }

    /// G3: who says something wrong of itself is refused by the name of what is wrong.
    fn check_refusals(&mut self, at: usize) {
        if self.bench.decide(|groups, _| groups.describe(&g())).is_none() {
            return;
        }
        let (generation, members) = self.bench.in_group(|group| (group.generation, group.value().members));
        let other = self.random.below(self.clients.len() as u64) as usize;
        let member = self.clients[at].member.clone();
        let instance = [None, self.clients[at].instance, self.clients[other].instance][self.random.below(3) as usize];
        let claimed = [generation, generation - 1, generation + 1, -1][self.random.below(4) as usize];
        let holder = members.iter().find(|value| instance.is_some() && value.instance.as_deref() == instance);
        let expected = match (instance, holder) {
            (Some(_), None) => Some(Refusal::UnknownMemberId),
            (Some(_), Some(holder)) if holder.member != member => Some(Refusal::FencedInstanceId),
            _ if !members.iter().any(|value| value.member == member) => Some(Refusal::UnknownMemberId),
            _ => (claimed != generation).then_some(Refusal::IllegalGeneration),
        };
        let Some(expected) = expected else { return };
        self.g3 += 1;
        let heartbeat = Heartbeat { group: g(), member: member.clone(), instance: instance.map(Into::into), generation: claimed };
        assert_eq!(self.bench.decide(|groups, context| groups.heartbeat(context, &heartbeat)), Err(expected));
        let Heartbeat { group, member, instance, generation } = heartbeat;
        let (protocol_type, protocol, assignments) = (None, None, vec![(member.clone(), Bytes::from_static(b"stolen"))]);
        let commit = self.bench.in_group(|group| group.validate_commit(&member, instance.as_deref(), generation));
        let mut sync =
            self.bench.sync_as(SyncGroup { group, member, instance, generation, protocol_type, protocol, assignments });
        assert_eq!(synced(&mut sync).refusal, Some(expected));
        // Without members anybody may commit.
        assert!(
            commit == Err(expected)
                || commit == Ok(()) && members.is_empty() && claimed < 0
                || commit == Err(Refusal::UnknownMemberId)
        );
    }

    /// G5: what a restart would make of the records is what they were written from, and never ahead of it.
    fn check_replay(&mut self) {
        self.g5 += 1;
        let replayed = self.bench.replay();
        let groups = self.bench.shard.read(|groups| {
            assert_eq!(groups.groups.len(), replayed.groups.len());
            for (group, replayed) in groups.groups.values().zip(replayed.groups.values()) {
                let (live, replayed) = (group.value(), replayed.value());
                assert!(
                    replayed == live || !group.is_settled() && replayed.generation <= live.generation,
                    "{live:?} {replayed:?}"
                );
            }
        });
        groups.expect("the shard is there");
    }

    /// G6: once the clients behave, the group settles, and everybody has a part in it.
    fn settle(&mut self) {
        // Of the twins only one can stay.
        self.stop(7);
        let begun = self.bench.now;
        while !self.is_settled() {
            self.g6 += 1;
            (0..self.clients.len()).for_each(|at| self.act(at));
            self.bench.pass(Duration::from_millis(500));
            let waited = self.bench.now.since(begun);
            assert!(waited < seconds(120), "not stable after {waited:?}: {:?}", self.bench.described());
        }
        let mut unanswered = std::mem::take(&mut self.lost).into_iter().map(FutureExt::now_or_never);
        assert!(unanswered.all(|answer| answer.is_some()), "a request was never answered");
    }

    fn is_settled(&mut self) -> bool {
        let running = self.clients.iter().filter(|client| client.doing != Doing::Nothing).count();
        let at_work = self.clients.iter().filter(|client| client.doing == Doing::Working);
        let generations: Vec<i32> = at_work.map(|client| client.generation).collect();
        let Some(described) = self.bench.decide(|groups, _| groups.describe(&g())) else { return running == 0 };
        let expected = if running == 0 { GroupState::Empty } else { GroupState::Stable };
        let generation = self.bench.in_group(|group| group.generation);
        described.state == expected
            && described.members.len() == running
            && generations.len() == running
            && generations.iter().all(|own| *own == generation)
    }
}

// G2, G3, G5, G6.
#[test]
fn a_group_keeps_its_promises_whatever_its_members_do() {
    let (mut g2, mut g3, mut g5, mut g6) = (0, 0, 0, 0);
    for seed in 0..30 {
        let mut world = World::new(seed);
        for step in 1..=2_000 {
            world.churn();
            if step % 50 == 0 {
                world.check_replay();
            }
            if step % 500 == 0 {
                world.settle();
                world.check_replay();
            }
        }
        (g2, g3, g5, g6) = (g2 + world.owners.evaluated, g3 + world.g3, g5 + world.g5, g6 + world.g6);
    }
    println!("evaluated: G2 {g2}, G3 {g3}, G5 {g5}, G6 {g6} times");
    assert!(g2 > 1_000 && g3 > 1_000 && g5 > 400 && g6 > 100, "too little happened: {g2} {g3} {g5} {g6}");
}

#[test]
fn two_owners_of_a_partition_in_a_generation_are_seen() {
    let mut owners = Owners::default();
    assert_eq!(owners.receives("a", (0, 1), &[0, 1]), Ok(()));
    assert_eq!(owners.receives("b", (0, 2), &[0]), Ok(()));
    assert_eq!(owners.receives("b", (1, 1), &[0]), Ok(()));
    assert_eq!(owners.receives("a", (0, 1), &[1]), Ok(()));
    assert!(owners.receives("b", (0, 1), &[1]).is_err());
}
