//! Partitions opened side by side.
//!
//! To make or to recover a log is to wait for the disk, several times. One job opens all partitions that are new, and readers' threads that
//! have nothing else to do help it: a file system syncs two logs at a time for little more than the price of one.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Partition, Partitions};
use crate::metadata::MetadataImage;
use crate::seams::{Blocking, Execution, lock};
use crate::types::TopicIdPartition;

type Opened = Vec<(TopicIdPartition, Arc<Partition>)>;

/// The list that all who open take from.
struct Opening {
    image: MetadataImage,
    state: Mutex<State>,
    /// All of `state` are opened.
    done: Condvar,
}

struct State {
    /// Nobody has taken them yet.
    left: BTreeSet<TopicIdPartition>,
    /// Taken and not opened yet.
    in_work: usize,
    opened: Opened,
}

impl Opening {
    fn take(&self) -> Option<TopicIdPartition> {
        let mut state = lock(&self.state);
        let id = state.left.pop_first()?;
        state.in_work += 1;
        Some(id)
    }

    fn work(&self, partitions: &Partitions) {
        while let Some(id) = self.take() {
            let topic = self.image.topics().by_id(id.topic_id);
            let opened = topic.and_then(|topic| partitions.open(topic, id.partition, &self.image));
            let mut state = lock(&self.state);
            state.opened.extend(opened.map(|partition| (id, partition)));
            state.in_work -= 1;
            if state.in_work == 0 {
                self.done.notify_all();
            }
        }
    }

    /// Waits for what others have taken. Nothing is left when this is called.
    fn finish(&self) -> Opened {
        let state = lock(&self.state);
        let mut state = self.done.wait_while(state, |state| state.in_work > 0).unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.opened)
    }
}

/// Opens those that can be opened. For a job of the readers' threads; up to half of them (`threads`) work, so that clients' reads find one.
pub(super) fn open_all(
    partitions: &Arc<Partitions>,
    left: BTreeSet<TopicIdPartition>,
    image: &MetadataImage,
    execution: &dyn Execution,
    threads: usize,
) -> Opened {
    let helpers = left.len().min(threads / 2).saturating_sub(1);
    let state = Mutex::new(State { left, in_work: 0, opened: Vec::new() });
    let opening = Arc::new(Opening { image: image.clone(), state, done: Condvar::new() });
    for _ in 0..helpers {
        let (opening, partitions) = (Arc::clone(&opening), Arc::clone(partitions));
        execution.block(Blocking::Read, Box::new(move || opening.work(&partitions)));
    }
    opening.work(partitions);
    opening.finish()
}
