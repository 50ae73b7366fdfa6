//! The running quorum as the rest of the tree holds it.

use std::collections::BTreeSet;
use std::fmt;
use std::future::{IntoFuture, ready};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use openraft::errors::{ClientWriteError, Fatal, LinearizableReadError, RaftError};
use openraft::impls::ProgressResponder;
use openraft::raft::ClientWriteResult;
use openraft::{Raft, ReadPolicy};
use tokio::sync::watch;

use super::attendant::Proposer;
use super::engine::{Engine, Proposal, epoch_of_term, node_id};
use super::entry::MAX_BATCH_BYTES;
use super::failure::Failure;
use super::snapshot::SnapshotDirectory;
use super::state_machine::{Progress, StateMachine};
use super::store::LogStore;
use super::{MetadataQuorum, ProposeError, Proposed, QuorumDescription, QuorumLeader, VoterDescription};
use crate::record::{BatchBuilder, BatchOptions, NewRecord};
use crate::seams::{BoxFuture, Clock};
use crate::types::{NodeId, Offset};

/// Kafka's metadata log with openraft as its engine; made by [`Quorum::start`].
pub struct Quorum {
    pub(super) raft: Raft<Engine, StateMachine>,
    pub(super) store: LogStore,
    pub(super) snapshots: Arc<SnapshotDirectory>,
    pub(super) progress: Arc<Progress>,
    pub(super) proposer: Arc<Mutex<Proposer>>,
    pub(super) leader: watch::Receiver<QuorumLeader>,
    pub(super) failure: Failure,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Quorum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Quorum").field("leader", &*self.leader.borrow()).finish_non_exhaustive()
    }
}

impl Quorum {
    /// Hands a batch to the engine, without waiting: the order of calls is the order in the log. The engine takes it only if
    /// it still leads the epoch that the offset was predicted in, and nobody else proposes in that epoch, so the count holds.
    fn enqueue(
        &self,
        predicted: Offset,
        records: &[Bytes],
    ) -> Result<impl Future<Output = Option<ClientWriteResult<Engine>>> + Send + 'static, ProposeError> {
        let batch = self.batch(predicted, records);
        if batch.len() > MAX_BATCH_BYTES {
            return Err(ProposeError::TooLarge(batch.len()));
        }
        let mut proposer = self.proposer.lock().expect("no panic while the lock is held");
        if let Some(problem) = self.failure.get() {
            return Err(ProposeError::Fault(problem));
        }
        let leader = self.leader.borrow().leader;
        let active = proposer.active.as_mut().ok_or(ProposeError::NotLeader { leader })?;
        if predicted != active.next_offset {
            return Err(ProposeError::OffsetMismatch { predicted, expected: active.next_offset });
        }
        let (responder, receiver) = ProgressResponder::complete_only();
        let write = self.raft.write(Proposal(Bytes::from(batch))).with_leader(active.term).responder(responder);
        // The engine's queue takes it at once or is full; tokio's own pacing must not look like a full queue.
        match tokio::task::unconstrained(write.into_future()).now_or_never() {
            None => return Err(ProposeError::Busy),
            Some(Err(fatal)) => return Err(self.fault(&fatal)),
            Some(Ok(())) => {}
        }
        active.next_offset = predicted.plus(i64::try_from(records.len()).expect("counted within 8 MiB"));
        Ok(receiver.map(Result::ok))
    }

    fn batch(&self, predicted: Offset, records: &[Bytes]) -> Vec<u8> {
        assert!(!records.is_empty(), "a proposal has records");
        let timestamp = self.clock.timestamp();
        let mut builder = BatchBuilder::new(BatchOptions { base_offset: predicted, ..BatchOptions::default() });
        for record in records {
            builder.push(&NewRecord { timestamp, value: Some(record), ..NewRecord::default() });
        }
        builder.finish()
    }

    fn fault(&self, fatal: &Fatal<Engine>) -> ProposeError {
        ProposeError::Fault(self.failure.get().unwrap_or_else(|| fatal.to_string()))
    }
}

/// What became of a proposal that the engine took.
fn outcome(result: Option<ClientWriteResult<Engine>>, failure: &Failure) -> Result<Proposed, ProposeError> {
    match result {
        Some(Ok(response)) => Ok(Proposed {
            base_offset: Offset(response.data.base_offset),
            leader_epoch: epoch_of_term(*response.log_id.leader_id),
        }),
        Some(Err(ClientWriteError::ForwardToLeader(other))) => {
            Err(ProposeError::NotLeader { leader: other.leader_id.map(node_id) })
        }
        Some(Err(ClientWriteError::LogEntryDiscarded(other))) => {
            Err(ProposeError::LeadershipLost { leader: other.leader_id.map(node_id) })
        }
        Some(Err(error @ (ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_)))) => {
            Err(ProposeError::Fault(error.to_string()))
        }
        None => Err(ProposeError::Fault(failure.get().unwrap_or_else(stopped))),
    }
}

fn stopped() -> String {
    "the metadata quorum is shut down".to_owned()
}

impl MetadataQuorum for Quorum {
    fn propose(&self, predicted: Offset, records: Vec<Bytes>) -> BoxFuture<'static, Result<Proposed, ProposeError>> {
        let failure = self.failure.clone();
        match self.enqueue(predicted, &records) {
            Ok(result) => Box::pin(async move { outcome(result.await, &failure) }),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn read_barrier(&self) -> BoxFuture<'static, Result<(), ProposeError>> {
        let (raft, failure) = (self.raft.clone(), self.failure.clone());
        Box::pin(async move {
            let Err(error) = raft.ensure_linearizable(ReadPolicy::ReadIndex).await else { return Ok(()) };
            Err(match error {
                RaftError::APIError(LinearizableReadError::ForwardToLeader(other)) => {
                    ProposeError::NotLeader { leader: other.leader_id.map(node_id) }
                }
                RaftError::APIError(LinearizableReadError::QuorumNotEnough(_)) => ProposeError::NotLeader { leader: None },
                RaftError::Fatal(fatal) => ProposeError::Fault(failure.get().unwrap_or_else(|| fatal.to_string())),
            })
        })
    }

    fn leader(&self) -> watch::Receiver<QuorumLeader> {
        self.leader.clone()
    }

    fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.watch()
    }

    fn snapshot(&self) -> BoxFuture<'static, Result<(), ProposeError>> {
        let (raft, failure, target) = (self.raft.clone(), self.failure.clone(), self.progress.position().last);
        let (mut newest, mut failed, mut leader) = (self.snapshots.watch(), self.failure.watch(), self.leader.clone());
        Box::pin(async move {
            let fault = move |text: String| ProposeError::Fault(failure.get().unwrap_or(text));
            while newest.borrow_and_update().as_ref().and_then(|newest| newest.meta.last_log_id) < target {
                raft.trigger().snapshot().await.map_err(|fatal| fault(fatal.to_string()))?;
                let is_running = tokio::select! {
                    biased;
                    _ = failed.wait_for(Option::is_some) => false,
                    changed = newest.changed() => changed.is_ok(),
                    // The one that reports leadership ends with the engine.
                    changed = leader.changed() => changed.is_ok(),
                };
                if !is_running {
                    return Err(fault(stopped()));
                }
            }
            Ok(())
        })
    }

    fn describe(&self) -> Option<QuorumDescription> {
        let QuorumLeader { leader, epoch, is_active, .. } = *self.leader.borrow();
        let leader = leader.filter(|_| is_active)?;
        // In this order, so that the high watermark is not above the end of the log.
        let high_watermark = self.progress.position().end_offset;
        let log_end_offset = self.store.log_end_offset();
        let membership = self.store.membership()?;
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let nodes = membership.nodes().filter(|(id, _)| voters.contains(*id));
        let voters = nodes.map(|(id, node)| VoterDescription {
            id: node_id(*id),
            directory_id: node.directory_id,
            endpoints: node.endpoints.clone(),
            log_end_offset: (node_id(*id) == leader).then_some(log_end_offset),
        });
        let mut voters: Vec<_> = voters.collect();
        voters.sort_unstable_by_key(|voter| voter.id);
        Some(QuorumDescription { leader, epoch, high_watermark, voters })
    }

    fn voters(&self) -> Vec<NodeId> {
        let mut voters: Vec<NodeId> = self.raft.voter_ids().map(node_id).collect();
        voters.sort_unstable();
        voters.dedup();
        voters
    }

    fn shut_down(&self) -> BoxFuture<'static, ()> {
        let (raft, store, failure) = (self.raft.clone(), self.store.clone(), self.failure.clone());
        Box::pin(async move {
            if let Err(error) = raft.shutdown().await {
                tracing::warn!(%error, "the metadata quorum's engine did not stop cleanly");
            }
            if failure.get().is_none() && store.close().await.is_err() {
                tracing::warn!("the metadata log was not closed cleanly");
            }
        })
    }
}
