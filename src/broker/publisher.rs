//! From committed records to the image that everybody reads.
//!
//! The quorum hands over committed batches on the control lane; they are folded at once. Publishing lags behind: the partitions that an
//! image names are opened first, as a blocking job, so that no client is told of a partition that is not there yet. While one image is being
//! made ready, later ones gather: only the newest is published next.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::Partitions;
use crate::metadata::MetadataImage;
use crate::metadata::records::MetadataRecord;
use crate::quorum::{CommittedBatch, MetadataStateMachine, Snapshot, SnapshotRecords, UnreadableRecord};
use crate::seams::{Blocking, Execution, lock, run_blocking};
use crate::types::Offset;

/// The committed image, and the published one behind it.
#[derive(Debug)]
pub struct Publisher {
    committed: Mutex<MetadataImage>,
    news: Notify,
    published: ArcSwap<MetadataImage>,
    published_end: watch::Sender<Offset>,
}

impl Publisher {
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            committed: Mutex::default(),
            news: Notify::new(),
            published: ArcSwap::default(),
            published_end: watch::Sender::new(Offset::ZERO),
        })
    }

    fn committed(&self) -> std::sync::MutexGuard<'_, MetadataImage> {
        lock(&self.committed)
    }

    /// Everything that is committed, published or not; for the controller.
    #[must_use]
    pub fn committed_image(&self) -> MetadataImage {
        self.committed().clone()
    }

    /// What clients see.
    #[must_use]
    pub fn image(&self) -> Arc<MetadataImage> {
        self.published.load_full()
    }

    /// Resolves once everything below `end` is published here.
    pub async fn wait_for(&self, end: Offset) {
        let mut published = self.published_end.subscribe();
        // The sender lives as long as we do.
        let _ = published.wait_for(|reached| *reached >= end).await;
    }

    /// Tells how far the published image reaches.
    pub(super) fn subscribe(&self) -> watch::Receiver<Offset> {
        self.published_end.subscribe()
    }

    /// Publishes for as long as the node runs.
    pub async fn run(self: Arc<Self>, partitions: Arc<Partitions>, execution: Arc<dyn Execution>) {
        loop {
            let image = self.committed_image();
            if image.end() > *self.published_end.borrow() {
                let image = Arc::new(image);
                let (after, table, helpers) = (Arc::clone(&image), Arc::clone(&partitions), Arc::clone(&execution));
                if run_blocking(&*execution, Blocking::Read, move || table.update(&after, &*helpers)).await.is_none() {
                    return;
                }
                let end = image.end();
                self.published.store(image);
                self.published_end.send_replace(end);
            } else {
                self.news.notified().await;
            }
        }
    }
}

/// Reads the records of a batch, whose first has `base_offset`.
fn decode(records: &[Bytes], base_offset: Offset) -> Result<Vec<MetadataRecord>, UnreadableRecord> {
    let decoded = (0..).zip(records).map(|(index, record)| {
        MetadataRecord::decode(record)
            .map_err(|error| UnreadableRecord { offset: base_offset.plus(index), problem: error.to_string() })
    });
    decoded.collect()
}

impl MetadataStateMachine for Publisher {
    fn apply(&self, batch: CommittedBatch) -> Result<(), UnreadableRecord> {
        let records = decode(&batch.records, batch.base_offset)?;
        let unreadable =
            |error: crate::metadata::FoldError| UnreadableRecord { offset: batch.base_offset, problem: error.to_string() };
        let mut image = self.committed();
        image.apply_batch(&records, batch.base_offset).map_err(unreadable)?;
        image.skip_to(batch.last_offset.next());
        drop(image);
        self.news.notify_one();
        Ok(())
    }

    fn snapshot(&self) -> SnapshotRecords {
        let image = self.committed_image();
        Arc::new(move || image.to_records().iter().map(MetadataRecord::encode).collect())
    }

    fn load(&self, snapshot: Snapshot) -> Result<(), UnreadableRecord> {
        let records = decode(&snapshot.records, Offset::ZERO)?;
        let image = MetadataImage::from_snapshot(&records, snapshot.end.offset)
            .map_err(|error| UnreadableRecord { offset: snapshot.end.offset, problem: error.to_string() })?;
        *self.committed() = image;
        self.news.notify_one();
        Ok(())
    }
}
