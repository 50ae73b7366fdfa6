//! A log directory: its identity, whether it works, its sync queue.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::{Partition, SyncQueue};
use crate::types::DirectoryId;

/// One entry of `log.dirs`. Once failed it stays offline until the process is started anew.
#[derive(Debug)]
pub struct LogDirectory {
    pub path: PathBuf,
    pub id: DirectoryId,
    pub syncs: Arc<SyncQueue<Partition>>,
    /// The node cannot go on without it: it holds the metadata.
    is_essential: bool,
    failure: OnceLock<String>,
    /// Directories of the node that still work.
    alive: Arc<AtomicUsize>,
    fatal: watch::Sender<Option<String>>,
}

impl LogDirectory {
    #[must_use]
    pub fn new(
        path: PathBuf,
        id: DirectoryId,
        syncs: Arc<SyncQueue<Partition>>,
        is_essential: bool,
        alive: Arc<AtomicUsize>,
        fatal: watch::Sender<Option<String>>,
    ) -> Arc<Self> {
        Arc::new(Self { path, id, syncs, is_essential, failure: OnceLock::new(), alive, fatal })
    }

    /// Takes the directory offline for good; the first reason is logged and kept. Ends the node when it was the metadata's or the last.
    pub fn fail(&self, reason: &str) {
        if self.failure.set(reason.to_owned()).is_err() {
            return;
        }
        tracing::error!(
            directory = %self.path.display(),
            reason,
            "a log directory goes offline; its partitions answer KAFKA_STORAGE_ERROR until a restart"
        );
        let was_last = self.alive.fetch_sub(1, Ordering::Relaxed) == 1;
        if self.is_essential || was_last {
            self.fatal.send_replace(Some(format!("log directory {} failed: {reason}", self.path.display())));
        }
    }

    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.failure.get().is_some()
    }
}
