//! Power cuts: whatever was acknowledged is there after the restart, in order, and nothing else but the start of what was
//! in flight.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::testing::{Node, eager, live, splitmix};
use super::{ProposeError, QuorumLeader};
use crate::disk::{Cache, Faults, Reaction, SimulatedDisk};
use crate::seams::Disk;
use crate::types::LeaderEpoch;

const DIRECTORY: &str = "/data";

/// What must be in the log, what may be, and what was seen on the way.
#[derive(Debug, Default)]
struct History {
    acknowledged: Vec<Bytes>,
    /// Proposed together when the power failed.
    in_flight: Vec<Bytes>,
    epoch: LeaderEpoch,
    lives: usize,
    loads: usize,
    survived: usize,
}

impl History {
    /// One life, until power fails or so many rounds have passed. An error says what was lost.
    async fn live(&mut self, disk: &SimulatedDisk, seed: u64, rounds: u64) -> Result<(), String> {
        self.lives += 1;
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let node = match Node::start(shared, Path::new(DIRECTORY), seed, eager()).await {
            Ok(node) => node,
            Err(_) if disk.has_crashed() => return Ok(()),
            Err(fault) => return Err(fault.to_string()),
        };
        let Some(active) = node.active().await else {
            assert!(disk.has_crashed() && node.quorum.failure().borrow().is_some());
            return Ok(());
        };
        self.check(&node, active)?;
        let mut next = active.next_offset;
        for round in 0..rounds {
            let count = splitmix(seed ^ round) % 4 + 1;
            let batch = |number| Bytes::from(format!("seed {seed} round {round} number {number}"));
            self.in_flight = (0..count).map(batch).collect();
            let proposed: Vec<_> = self
                .in_flight
                .iter()
                .map(|record| {
                    let proposed = node.quorum.propose(next, vec![record.clone()]);
                    next = next.next();
                    proposed
                })
                .collect();
            for proposed in proposed {
                match proposed.await {
                    Ok(_) => self.acknowledged.push(self.in_flight.remove(0)),
                    Err(ProposeError::Fault(_) | ProposeError::NotLeader { .. }) if disk.has_crashed() => {
                        assert!(node.quorum.failure().borrow().is_some());
                        return Ok(());
                    }
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        Ok(())
    }

    fn check(&mut self, node: &Node, active: QuorumLeader) -> Result<(), String> {
        if active.epoch <= self.epoch {
            return Err(format!("epoch {} after {}", active.epoch, self.epoch));
        }
        self.epoch = active.epoch;
        let image = node.image.get();
        let known = self.acknowledged.len();
        let behind =
            image.records.get(known..).ok_or_else(|| format!("{known} were acknowledged, {} are there", image.records.len()))?;
        if image.records[..known] != self.acknowledged || !self.in_flight.starts_with(behind) {
            return Err(format!("{known} were acknowledged, and then {:?}; there is {:?}", self.in_flight, image.records));
        }
        self.survived += behind.len();
        self.loads += image.loads;
        self.acknowledged = image.records;
        self.in_flight.clear();
        Ok(())
    }
}

/// Six lives with a power cut at a random call each, then two quiet ones.
fn run(seed: u64, faults: &Faults) -> Result<History, String> {
    let machine = SimulatedDisk::new(seed);
    // The metadata directory is there and durable before the quorum starts: it holds meta.properties.
    machine.create_directory(Path::new(DIRECTORY)).unwrap();
    machine.sync_directory(Path::new("/")).unwrap();
    machine.configure(|standing| *standing = faults.clone());
    let mut history = History::default();
    for life in 0..8 {
        let disk = machine.mount();
        let chance = splitmix(seed * 31 + life);
        // Some cuts fall into the start, most into the work.
        let calls = if chance.is_multiple_of(3) { chance / 3 % 60 + 1 } else { chance / 3 % 2500 + 1 };
        let cut = disk.calls() + calls;
        disk.on_call(Box::new(move |call| if life < 6 && call.number == cut { Reaction::CutPower } else { Reaction::Proceed }));
        live(history.live(&disk, seed * 1000 + life, if life < 6 { 100 } else { 7 - life }))?;
        machine.mount().crash();
    }
    Ok(history)
}

fn honest() -> Faults {
    Faults { cache: Cache::Mixed, ..Faults::default() }
}

#[test]
fn acknowledged_proposals_outlive_power_cuts() {
    let mut seen = History::default();
    for seed in 0..16 {
        let history = run(seed, &honest()).unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
        seen.lives += history.lives;
        seen.loads += history.loads;
        seen.survived += history.survived;
    }
    // The test reaches what it is for.
    assert!(seen.loads > 30, "starts from a snapshot: {}", seen.loads);
    assert!(seen.survived > 5, "unacknowledged proposals that were there all the same: {}", seen.survived);
}

#[test]
fn disks_that_lie_about_syncs_are_found_out() {
    for faults in [Faults { ignore_file_sync: true, ..honest() }, Faults { ignore_directory_sync: true, ..honest() }] {
        assert!((0..40).any(|seed| run(seed, &faults).is_err()), "{faults:?}");
    }
}

#[test]
fn a_failed_sync_fails_the_quorum_for_good() {
    let machine = SimulatedDisk::new(1);
    machine.create_directory(Path::new(DIRECTORY)).unwrap();
    live(async {
        let disk: Arc<dyn Disk> = Arc::new(machine.mount());
        let node = Node::start(disk, Path::new(DIRECTORY), 1, eager()).await.unwrap();
        let next = node.active().await.unwrap().next_offset;
        machine.configure(|faults| faults.fail_sync = Some(1));
        let proposed = [next, next.next()].map(|offset| node.quorum.propose(offset, vec![Bytes::from_static(b"x")]));
        for proposed in proposed {
            assert!(matches!(proposed.await, Err(ProposeError::Fault(_))));
        }
        assert!(node.quorum.failure().borrow().is_some());
        // The disk would work again; what it holds is not known any more.
        let later = node.quorum.propose(next, vec![Bytes::from_static(b"x")]).await;
        assert!(matches!(later, Err(ProposeError::Fault(_))), "{later:?}");
        assert!(node.image.get().records.is_empty());
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let end = |seed| run(seed, &honest()).map(|history| (history.acknowledged, history.epoch, history.survived));
    assert_eq!(end(3), end(3));
    assert_ne!(end(3).unwrap().0, end(4).unwrap().0);
}
