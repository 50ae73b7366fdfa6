#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{ExecutionSizes, ThreadedExecution};
use crate::seams::{Blocking, Execution, Lane, run_blocking};

const SIZES: ExecutionSizes = ExecutionSizes { workers: 2, readers: 3, log_directories: 2, queued_jobs: 4 };
const PATIENCE: Duration = Duration::from_secs(20);

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

fn thread_of_task(execution: &ThreadedExecution, lane: Lane) -> String {
    let (sender, receiver) = sync_channel(1);
    execution.spawn(lane, Box::pin(async move { sender.send(thread_name()).unwrap() }));
    receiver.recv_timeout(PATIENCE).unwrap()
}

fn thread_of_job(execution: &ThreadedExecution, place: Blocking) -> String {
    let (sender, receiver) = sync_channel(1);
    execution.block(place, Box::new(move || sender.send(thread_name()).unwrap()));
    receiver.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn each_lane_and_place_has_its_named_thread() {
    let execution = ThreadedExecution::start(SIZES).unwrap();
    assert_eq!(execution.workers(), 2);
    assert_eq!(thread_of_task(&execution, Lane::Worker(0)), "klamm-worker-0");
    assert_eq!(thread_of_task(&execution, Lane::Worker(1)), "klamm-worker-1");
    assert_eq!(thread_of_task(&execution, Lane::Control), "klamm-control");
    assert_eq!(thread_of_job(&execution, Blocking::Sync(0)), "klamm-sync-0");
    assert_eq!(thread_of_job(&execution, Blocking::Sync(1)), "klamm-sync-1");
    assert_eq!(thread_of_job(&execution, Blocking::MetadataSync), "klamm-sync-meta");
    assert!(thread_of_job(&execution, Blocking::Read).starts_with("klamm-read-"));
    execution.shut_down(PATIENCE).unwrap();
}

#[test]
fn reads_run_side_by_side() {
    let execution = ThreadedExecution::start(SIZES).unwrap();
    let barrier = Arc::new(std::sync::Barrier::new(3));
    let (sender, receiver) = sync_channel(3);
    for _ in 0..3 {
        let (barrier, sender) = (Arc::clone(&barrier), sender.clone());
        execution.block(
            Blocking::Read,
            Box::new(move || {
                barrier.wait();
                sender.send(thread_name()).unwrap();
            }),
        );
    }
    let names: BTreeSet<String> = (0..3).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(names.len(), 3);
    execution.shut_down(PATIENCE).unwrap();
}

#[test]
fn syncs_of_one_directory_run_in_the_order_given_and_all_before_the_end() {
    let execution = ThreadedExecution::start(SIZES).unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    // More than the queue holds: the giver waits for room.
    for number in 0..50 {
        let order = Arc::clone(&order);
        execution.block(Blocking::Sync(0), Box::new(move || order.lock().unwrap().push(number)));
    }
    execution.shut_down(PATIENCE).unwrap();
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[test]
fn shutting_down_drops_tasks_where_they_wait_and_refuses_what_comes_later() {
    let execution = Arc::new(ThreadedExecution::start(SIZES).unwrap());
    let held = Arc::new(());
    for lane in [Lane::Worker(0), Lane::Worker(1), Lane::Control] {
        // The task holds the execution itself, as the broker's tasks do.
        let held = (Arc::clone(&held), Arc::clone(&execution));
        let task = async move {
            std::future::pending::<()>().await;
            drop(held);
        };
        execution.spawn(lane, Box::pin(task));
    }
    execution.shut_down(PATIENCE).unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
    execution.spawn(Lane::Worker(0), Box::pin(async { panic!("runs after the end") }));
    let answer = run_blocking(&*execution, Blocking::Read, || 5);
    assert_eq!(tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer), None);
    execution.shut_down(PATIENCE).unwrap();
}

#[test]
fn a_blocking_job_answers_a_task() {
    let execution = Arc::new(ThreadedExecution::start(SIZES).unwrap());
    let (sender, receiver) = sync_channel(1);
    let inside = Arc::clone(&execution);
    execution.spawn(
        Lane::Worker(1),
        Box::pin(async move {
            let answer = run_blocking(&*inside, Blocking::MetadataSync, thread_name).await;
            sender.send((answer, thread_name())).unwrap();
        }),
    );
    let expected = (Some("klamm-sync-meta".to_owned()), "klamm-worker-1".to_owned());
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), expected);
    execution.shut_down(PATIENCE).unwrap();
}

#[test]
fn a_job_that_does_not_end_is_left_behind_after_the_timeout() {
    let execution = ThreadedExecution::start(SIZES).unwrap();
    let (release, held) = sync_channel::<()>(1);
    execution.block(Blocking::Read, Box::new(move || held.recv().unwrap_or(())));
    let error = execution.shut_down(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    drop(release);
    execution.shut_down(PATIENCE).unwrap();
}
