//! The task beside the engine: reports who leads, opens and shuts the way for proposals, asks for snapshots.

use std::future::pending;
use std::sync::{Arc, Mutex};

use openraft::async_runtime::WatchReceiver;
use openraft::errors::Fatal;
use openraft::metrics::RaftServerMetrics;
use openraft::{Raft, ServerState};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::engine::{Engine, engine_id, epoch_of_term, node_id};
use super::failure::Failure;
use super::state_machine::{Progress, StateMachine};
use super::{QuorumLeader, QuorumSettings};
use crate::types::{LeaderEpoch, NodeId, Offset};

/// Who may propose. Locked while a proposal is handed to the engine, so that offsets and order agree.
#[derive(Debug, Default)]
pub(super) struct Proposer {
    pub(super) active: Option<ActiveEpoch>,
}

/// An epoch that this node leads and has begun.
#[derive(Debug)]
pub(super) struct ActiveEpoch {
    pub(super) term: u64,
    /// The base offset of the next proposal. In its epoch the leader alone appends, so it is known before it is written.
    pub(super) next_offset: Offset,
}

/// Before anything is known.
pub(super) const NO_LEADER: QuorumLeader =
    QuorumLeader { leader: None, epoch: LeaderEpoch(0), is_active: false, next_offset: Offset::ZERO };

pub(super) struct Attendant {
    pub(super) node_id: NodeId,
    pub(super) raft: Raft<Engine, StateMachine>,
    pub(super) progress: Arc<Progress>,
    pub(super) proposer: Arc<Mutex<Proposer>>,
    pub(super) leader: watch::Sender<QuorumLeader>,
    pub(super) failure: Failure,
    pub(super) settings: QuorumSettings,
}

impl Attendant {
    /// Runs until the engine stops.
    pub(super) async fn run(self) {
        let mut server = self.raft.server_metrics();
        let mut interval = self.settings.snapshot_interval.map(|period| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        loop {
            self.publish(&server.borrow_watched());
            let is_time = tokio::select! {
                biased;
                changed = server.changed() => match changed {
                    Ok(()) => false,
                    Err(_) => break,
                },
                () = self.progress.attention.notified() => false,
                () = tick(&mut interval) => true,
            };
            let is_due = self.progress.is_snapshot_due(&self.settings) || (is_time && self.progress.has_news());
            if is_due && self.raft.trigger().snapshot().await.is_err() {
                break;
            }
        }
        self.stop();
    }

    fn publish(&self, server: &RaftServerMetrics<Engine>) {
        let term = server.vote.leader_id.term;
        let leads = server.state == ServerState::Leader
            && server.vote.committed
            && server.vote.leader_id.voted_for == engine_id(self.node_id);
        // The first batch of an epoch is the engine's own; once it is applied, all before it is, and nothing follows it yet.
        let position = self.progress.position();
        let is_active = leads && position.last.is_some_and(|last| *last.leader_id == term);
        let mut proposer = self.proposer.lock().expect("no panic while the lock is held");
        let begins = is_active && proposer.active.as_ref().is_none_or(|active| active.term != term);
        if begins {
            proposer.active = Some(ActiveEpoch { term, next_offset: position.end_offset });
        } else if !is_active {
            proposer.active = None;
        }
        self.leader.send_if_modified(|current| {
            let next_offset = if begins { position.end_offset } else { current.next_offset };
            let leader = server.current_leader.map(node_id);
            let next = QuorumLeader { leader, epoch: epoch_of_term(term), is_active, next_offset };
            let is_news = *current != next;
            *current = next;
            is_news
        });
    }

    fn stop(&self) {
        let ended = self.raft.metrics().borrow_watched().running_state.clone();
        if let Err(fatal) = ended
            && fatal != Fatal::Stopped
        {
            self.failure.set(fatal);
        }
        self.proposer.lock().expect("no panic while the lock is held").active = None;
        self.leader.send_modify(|current| *current = QuorumLeader { epoch: current.epoch, ..NO_LEADER });
    }
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => pending().await,
    }
}
