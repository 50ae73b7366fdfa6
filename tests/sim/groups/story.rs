//! The story of a group: churn under power cuts, then rest, then one more power cut while nothing happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{CreateTopicsRequest, DescribeGroupsRequest, FetchRequest, FindCoordinatorRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use klamm::disk::{Cache, Reaction};
use klamm::record::Batches;
use klamm::seams::Random;

use super::history::Seen;
use super::member::{Member, NONE, Shared, is_passing};
use super::offsets::fetch;
use super::{GROUP, PARTITIONS, TOPIC, group_id};
use crate::invariants::{self, Evaluated};
use crate::node::{self, BROKER, Running};
use crate::peer::{Peer, pause};
use crate::seeds::count;
use crate::world::{Machine, Outcome, world};

const NAMES: [&str; 3] = ["member-0", "member-1", "member-2"];
const CHURN_ROUNDS: usize = 30;
/// Time after the churn within which the group has to come to rest: more than some rebalance timeouts and sessions.
const REST: Duration = Duration::from_secs(8);
const LIMIT: Duration = Duration::from_secs(400);
/// About how many disk calls the churn makes.
const CALLS: u64 = 900;
const SEEDS: u64 = 8;
/// And of a long one, whatever `KLAMM_SIM_SEEDS` says: a run takes about as long as twenty of the other stories.
const SEEDS_MAX: u64 = 200;
const SETTINGS: &str = "group.initial.rebalance.delay.ms=100\ngroup.min.session.timeout.ms=100\noffsets.topic.num.partitions=1\nauto.create.topics.enable=false";

/// What a run showed.
struct Report {
    evaluated: Evaluated,
    trace_hash: u64,
}

fn run(seed: u64) -> Result<Report, String> {
    let history = Shared::default();
    let machine = Machine::new(BROKER.0, seed);
    let mut random = Random::new(seed);
    let cuts: Vec<u64> = (0..random.below(4)).map(|_| 1 + random.below(CALLS)).collect();
    machine.disk().configure(|faults| faults.cache = Cache::Mixed);
    let calls = cuts.clone();
    machine
        .disk()
        .on_call(Box::new(move |call| if calls.contains(&call.number) { Reaction::CutPower } else { Reaction::Proceed }));
    play(seed, &machine, &history, &mut random).map_err(|error| format!("seed {seed}, cuts {cuts:?}: {error}"))?;
    let evaluated = invariants::groups::check(&history.lock().unwrap());
    let evaluated = evaluated.map_err(|violation| format!("seed {seed}, cuts {cuts:?}: {violation}"))?;
    Ok(Report { evaluated, trace_hash: machine.trace.hash() })
}

fn play(seed: u64, machine: &Machine, history: &Shared, random: &mut Random) -> Outcome {
    let mut sim = world(seed, LIMIT);
    let (config, running) = (node::config(SETTINGS), Running::default());
    machine.install(&mut sim, move |seams| node::run(Arc::clone(&config), Arc::clone(&running), seams));
    history.lock().unwrap().settled = vec![None; NAMES.len()];
    history.lock().unwrap().churning = NAMES.len();
    let (resting, rested) = tokio::sync::mpsc::channel::<()>(1);
    for (index, name) in NAMES.into_iter().enumerate() {
        let (history, resting, random) = (Arc::clone(history), resting.clone(), Random::new(random.number()));
        sim.client(name, async move {
            create_topic(name).await?;
            let mut member = Member::new(name, Arc::clone(&history), random);
            member.churn(CHURN_ROUNDS).await?;
            {
                let mut history = history.lock().unwrap();
                history.churning -= 1;
                if history.churning == 0 {
                    history.rest_until = turmoil::sim_elapsed().map(|now| now + REST);
                }
            }
            let settled = member.rest().await?;
            history.lock().unwrap().settled[index] = settled;
            drop(resting);
            Ok(())
        });
    }
    drop(resting);
    sim.client("auditor", audit(machine.clone(), Arc::clone(history), rested));
    machine.run(&mut sim)
}

async fn create_topic(name: &'static str) -> Outcome {
    let topic =
        CreatableTopic::default().with_name(super::topic_name()).with_num_partitions(PARTITIONS).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000);
    let code = Peer::new(name).ask(7, &request).await.topics[0].error_code;
    // Another member may have been first.
    if [NONE, 36].contains(&code) { Ok(()) } else { Err(format!("creating {TOPIC}: error {code}").into()) }
}

/// Looks at the group when it is at rest, cuts the power, and looks again.
async fn audit(machine: Machine, history: Shared, mut rested: tokio::sync::mpsc::Receiver<()>) -> Outcome {
    while rested.recv().await.is_some() {}
    let mut peer = Peer::new("auditor");
    let before = look(&mut peer, &history).await?;
    machine.disk().crash();
    pause().await;
    let after = look(&mut peer, &history).await?;
    let leader_epochs = leader_epochs(&mut peer).await?;
    let mut history = history.lock().unwrap();
    history.partitions = (0..PARTITIONS).collect();
    history.before_restart = Some(before);
    history.after_restart = Some(after);
    history.leader_epochs = leader_epochs;
    Ok(())
}

async fn look(peer: &mut Peer, history: &Shared) -> Result<Seen, String> {
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![StrBytes::from_static_str(GROUP)]);
    while peer.ask(4, &find).await.coordinators[0].error_code != NONE {
        pause().await;
    }
    let describe = DescribeGroupsRequest::default().with_groups(vec![group_id()]);
    let group = loop {
        let group = peer.ask(5, &describe).await.groups.remove(0);
        match group.error_code {
            NONE => break group,
            code if is_passing(code) => pause().await,
            code => return Err(format!("describing the group: error {code}")),
        }
    };
    let mut offsets = BTreeMap::new();
    for partition in 0..PARTITIONS {
        loop {
            if let Some(offset) = fetch(peer, history, partition).await? {
                offsets.insert(partition, offset);
                break;
            }
            pause().await;
        }
    }
    let members = group.members.iter().map(|member| (member.member_id.to_string(), member.member_assignment.to_vec()));
    Ok(Seen {
        state: group.group_state.to_string(),
        protocol: group.protocol_data.to_string(),
        members: members.collect(),
        offsets,
    })
}

/// Leader epochs of all batches of the group's log.
async fn leader_epochs(peer: &mut Peer) -> Result<Vec<i32>, String> {
    let name: TopicName = StrBytes::from_static_str("__consumer_offsets").into();
    let (mut epochs, mut next) = (Vec::new(), 0);
    loop {
        let asked = FetchPartition::default().with_partition(0).with_fetch_offset(next).with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default().with_topic(name.clone()).with_partitions(vec![asked]);
        let request = FetchRequest::default()
            .with_replica_id((-1).into())
            .with_max_bytes(1 << 20)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        let answer = peer.ask(12, &request).await.responses.remove(0).partitions.remove(0);
        if answer.error_code != NONE {
            return Err(format!("reading the group's log: error {}", answer.error_code));
        }
        let records = answer.records.unwrap_or_default();
        if records.is_empty() {
            return Ok(epochs);
        }
        for batch in Batches::new(&records) {
            let (header, _) = batch.map_err(|error| error.to_string())?;
            epochs.push(header.leader_epoch.0);
            next = header.last_offset().0 + 1;
        }
    }
}

#[test]
fn members_come_and_go_and_the_power_is_cut() {
    let runs = (0..count(SEEDS).min(SEEDS_MAX)).map(|seed| run(seed).unwrap().evaluated);
    let evaluated = invariants::add_up(runs.collect::<Vec<_>>());
    assert_eq!(evaluated.len(), 6);
}

#[test]
fn a_run_of_a_group_is_repeated_by_its_seed() {
    let hashes = [3, 3, 4].map(|seed| run(seed).unwrap().trace_hash);
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}
