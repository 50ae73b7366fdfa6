//! Partitions that found no space when they were to be opened: they wait, with what was known of their logs, until there is some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::log::checkpoint::{LOG_START_OFFSET, RECOVERY_POINT};
use crate::seams::lock;
use crate::types::{Offset, TopicIdPartition, TopicPartition};

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct KnownLog {
    pub(super) clean_shutdown: bool,
    pub(super) recovery_point: Offset,
    pub(super) log_start_offset: Offset,
}

/// The partitions that wait.
#[derive(Debug, Default)]
pub(super) struct Unopened(Mutex<BTreeMap<TopicIdPartition, Waiting>>);

#[derive(Debug)]
struct Waiting {
    name: TopicPartition,
    /// The log directory.
    directory: PathBuf,
    known: KnownLog,
}

impl Unopened {
    pub(super) fn get(&self, id: TopicIdPartition) -> Option<KnownLog> {
        lock(&self.0).get(&id).map(|waiting| waiting.known)
    }

    pub(super) fn ids(&self) -> Vec<TopicIdPartition> {
        lock(&self.0).keys().copied().collect()
    }

    /// True if it was not there before. Whatever an attempt has left in the directory is next looked at as after a crash.
    pub(super) fn add(&self, id: TopicIdPartition, name: TopicPartition, directory: &Path, known: KnownLog) -> bool {
        let known = KnownLog { clean_shutdown: false, ..known };
        lock(&self.0).insert(id, Waiting { name, directory: directory.to_owned(), known }).is_none()
    }

    /// The name and the log directory of the one removed.
    pub(super) fn remove(&self, id: TopicIdPartition) -> Option<(TopicPartition, PathBuf)> {
        lock(&self.0).remove(&id).map(|waiting| (waiting.name, waiting.directory))
    }

    /// Those of one log directory.
    pub(super) fn names_in(&self, directory: &Path) -> Vec<TopicPartition> {
        let waiting = lock(&self.0);
        waiting.values().filter(|waiting| waiting.directory == directory).map(|waiting| waiting.name.clone()).collect()
    }

    /// What a checkpoint file goes on to say of those in its directory: else a restart would take removed records for live ones.
    pub(super) fn offsets_in(&self, directory: &Path, file: &str) -> Vec<(TopicPartition, Offset)> {
        let offset = |known: &KnownLog| match file {
            LOG_START_OFFSET => Some(known.log_start_offset),
            RECOVERY_POINT => Some(known.recovery_point),
            _ => None,
        };
        let waiting = lock(&self.0);
        let here = waiting.values().filter(|waiting| waiting.directory == directory);
        here.filter_map(|waiting| Some((waiting.name.clone(), offset(&waiting.known)?))).collect()
    }
}
