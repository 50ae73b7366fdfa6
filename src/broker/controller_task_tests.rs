#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::*;
use crate::broker::clock::SystemClock;
use crate::controller::{DeleteTopics, NoOperation};
use crate::disk::SimulatedDisk;
use crate::quorum::{ProposeError, Proposed, QuorumDescription, QuorumLeader};
use crate::seams::{Blocking, Lane};
use crate::types::{LeaderEpoch, NodeId};

fn poll<T>(answer: &mut BoxFuture<'static, T>) -> Poll<T> {
    answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_request_that_finds_the_queue_full_is_refused_and_takes_no_place() {
    let (calls, mut queue) = mpsc::channel(2);
    let handle = ControllerHandle { calls };
    let ask = || handle.ask(DeleteTopics { topics: Vec::new() });
    let mut answers = [ask(), ask(), ask()];
    let is_busy = |polled: &Poll<Result<_, ControllerError>>| matches!(polled, Poll::Ready(Err(ControllerError::Busy)));
    assert_eq!(answers.each_mut().map(|answer| is_busy(&poll(answer))), [false, false, true]);
    // A place that is free again is not the refused one's.
    drop(queue.try_recv());
    assert_eq!(queue.len(), 1);
    assert!(poll(&mut ask()).is_pending() && queue.len() == 2);
    drop(queue);
    assert!(matches!(poll(&mut ask()), Poll::Ready(Err(ControllerError::NotActive))));
}

/// Runs every task on the test's own runtime.
#[derive(Debug)]
struct Here;

impl Execution for Here {
    fn workers(&self) -> usize {
        1
    }

    #[expect(clippy::disallowed_methods, reason = "the Execution seam itself")]
    fn spawn(&self, _: Lane, task: BoxFuture<'static, ()>) {
        drop(tokio::spawn(task));
    }

    fn block(&self, _: Blocking, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// A quorum that takes proposals and commits none.
#[derive(Debug)]
struct Undecided {
    proposed: Mutex<Vec<oneshot::Sender<Result<Proposed, ProposeError>>>>,
    leader: watch::Sender<QuorumLeader>,
}

impl MetadataQuorum for Undecided {
    fn propose(&self, _: Offset, _: Vec<Bytes>) -> BoxFuture<'static, Result<Proposed, ProposeError>> {
        let (sender, receiver) = oneshot::channel();
        self.proposed.lock().unwrap().push(sender);
        Box::pin(async move { receiver.await.unwrap() })
    }

    fn read_barrier(&self) -> BoxFuture<'static, Result<(), ProposeError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn leader(&self) -> watch::Receiver<QuorumLeader> {
        self.leader.subscribe()
    }

    fn failure(&self) -> watch::Receiver<Option<String>> {
        watch::Sender::new(None).subscribe()
    }

    fn snapshot(&self) -> BoxFuture<'static, Result<(), ProposeError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn describe(&self) -> Option<QuorumDescription> {
        None
    }

    fn voters(&self) -> Vec<NodeId> {
        vec![NodeId(1)]
    }

    fn shut_down(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_more_proposals_are_on_their_way_than_the_quorum_takes() {
    let leader = QuorumLeader { leader: Some(NodeId(1)), epoch: LeaderEpoch(1), is_active: true, next_offset: Offset::ZERO };
    let quorum = Arc::new(Undecided { proposed: Mutex::default(), leader: watch::Sender::new(leader) });
    let fatal = watch::Sender::new(None);
    let controller = start(ControllerOptions {
        quorum: Arc::clone(&quorum) as _,
        publisher: Publisher::new(),
        clock: Arc::new(SystemClock::new()),
        execution: Arc::new(Here),
        defaults: TopicDefaults { partitions: 1, replication_factor: 1 },
        queue: 100,
        disk: Arc::new(SimulatedDisk::new(1)),
        metadata_directory: "/".into(),
        proposals: 3,
        fatal,
    });
    let waiting: Vec<_> = (0..10).map(|_| controller.ask(NoOperation)).collect();
    let settled = || async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        quorum.proposed.lock().unwrap().len()
    };
    assert_eq!(settled().await, 3);
    let first = quorum.proposed.lock().unwrap().remove(0);
    first.send(Ok(Proposed { base_offset: Offset::ZERO, leader_epoch: LeaderEpoch(1) })).unwrap();
    assert_eq!(settled().await, 3, "one came free, one took its place");
    drop(waiting);
}
