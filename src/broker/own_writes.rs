//! A connection reads its own writes.
//!
//! Readers see what is durable, and what a produce with acks=0 or 1 wrote is so only a sync after its answer. In Kafka the high watermark of
//! a lone replica moves with the append, so a client whose producer and consumer share a connection finds what it wrote. Here the reads of
//! such a connection wait for the sync that is under way. Connections that only read wait for nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Partition;

/// A device that takes longer than this has other troubles: the read then shows what may be shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits until all that these partitions hold now lies below their high watermarks, or for [`PATIENCE`].
pub async fn own_writes_are_visible(partitions: &[Arc<Partition>]) {
    let ends = partitions.iter().filter_map(|partition| Some((partition, partition.log_end().ok()?)));
    let visible = join_all(ends.map(|(partition, end)| partition.acknowledged(end)));
    // Whether it is reached or not, the read goes on.
    let _ = tokio::time::timeout(PATIENCE, visible).await;
}
