//! A fetch over several partitions: look, wait if there is too little, read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Broker, FetchLook, Partition, PartitionError};
use crate::log::{ReadPlan, ReadResult};
use crate::replica::{PartitionRequest, Slot};

/// What a fetch asks for. Partitions are served in this order.
#[derive(Debug)]
pub struct FetchJob {
    pub partitions: Vec<(Arc<Partition>, PartitionRequest)>,
    pub max_wait: Duration,
    /// Bytes to wait for, within `max_wait`.
    pub min_bytes: u64,
    /// Bytes over all partitions; the first batch of all comes whole even if it is larger.
    pub max_bytes: usize,
}

/// One partition's part of the answer.
#[derive(Debug)]
pub struct Fetched {
    pub look: FetchLook,
    pub records: Bytes,
    /// There is something to read, and its first batch is larger than what may still be sent.
    pub first_batch_too_large: bool,
}

/// What one look over all partitions found.
struct Overview {
    /// Bytes available per partition.
    available: Vec<u64>,
    /// There is enough, or something that has to be told at once.
    answer_now: bool,
}

impl FetchJob {
    /// Serves the fetch; the results stand in the order of the partitions.
    pub async fn serve(self, broker: &Broker) -> Vec<Result<Fetched, PartitionError>> {
        let deadline = broker.clock.now().plus(self.max_wait);
        loop {
            let overview = self.look();
            let remaining = deadline.since(broker.clock.now());
            if overview.answer_now || remaining.is_zero() {
                break;
            }
            let slot = Slot::new(i64::try_from(self.min_bytes).unwrap_or(i64::MAX) - sum(&overview.available));
            // A node that stops says so before it ends the fetches that are registered: whoever registers later sees it here.
            if !self.register(&overview, &slot) || broker.is_stopping() {
                break;
            }
            let _counted = broker.metrics.fetches_waiting.enter();
            let woken = tokio::time::timeout(remaining, std::future::poll_fn(|context| slot.poll(context))).await;
            if woken.is_err() {
                break;
            }
        }
        self.read(broker).await
    }

    fn look(&self) -> Overview {
        let mut overview =
            Overview { available: Vec::with_capacity(self.partitions.len()), answer_now: self.partitions.is_empty() };
        for (partition, request) in &self.partitions {
            match partition.look(request) {
                Ok(look) => {
                    overview.answer_now |= look.diverging.is_some();
                    overview.available.push(look.available);
                }
                Err(_) => {
                    overview.answer_now = true;
                    overview.available.push(0);
                }
            }
        }
        overview.answer_now |= sum(&overview.available) >= i64::try_from(self.min_bytes).unwrap_or(i64::MAX);
        overview
    }

    /// Registers on every partition; false when one of them has an error to tell instead.
    fn register(&self, overview: &Overview, slot: &Arc<Slot>) -> bool {
        self.partitions
            .iter()
            .zip(&overview.available)
            .all(|((partition, request), seen)| partition.wait(request, *seen, slot).is_ok())
    }

    async fn read(&self, broker: &Broker) -> Vec<Result<Fetched, PartitionError>> {
        let mut results = Vec::with_capacity(self.partitions.len());
        let mut budget = self.max_bytes;
        let mut nothing_yet = true;
        for (partition, request) in &self.partitions {
            let limit = usize::try_from(request.max_bytes).unwrap_or(0).min(budget);
            let result = match partition.plan_fetch(request, limit, nothing_yet) {
                Ok((look, None)) => Ok(Fetched { look, records: Bytes::new(), first_batch_too_large: false }),
                Ok((look, Some(plan))) => carry_out(broker, partition, plan).await.map(|records| Fetched {
                    first_batch_too_large: records.is_empty() && look.available > 0 && limit > 0,
                    look,
                    records,
                }),
                Err(error) => Err(error),
            };
            count(partition, &result);
            if let Ok(fetched) = &result {
                budget = budget.saturating_sub(fetched.records.len());
                nothing_yet &= fetched.records.is_empty();
            }
            results.push(result);
        }
        results
    }
}

/// Errors that are part of a cluster's life are no failures (ReplicaManager.readFromLog).
fn count(partition: &Partition, result: &Result<Fetched, PartitionError>) {
    partition.traffic.fetched(result.as_ref().map_or(0, |fetched| fetched.records.len()));
    if let Err(PartitionError::Damaged | PartitionError::NegativeMaxBytes) = result {
        partition.traffic.fetch_failed();
    }
}

fn sum(bytes: &[u64]) -> i64 {
    i64::try_from(bytes.iter().sum::<u64>()).unwrap_or(i64::MAX)
}

/// Reads from the page cache on this thread, from the disk as a blocking job.
async fn carry_out(broker: &Broker, partition: &Arc<Partition>, plan: ReadPlan) -> Result<Bytes, PartitionError> {
    if plan.is_empty() {
        return Ok(Bytes::new());
    }
    let read = match plan.read(true) {
        Ok(ReadResult::NotCached) => broker.disk_reads.run(move || plan.read(false)).await.ok_or(PartitionError::NotLeader)?,
        done => done,
    };
    match read {
        Ok(ReadResult::Records(records)) => Ok(records),
        Ok(ReadResult::NotCached) => unreachable!("only a read from the cache alone may find nothing cached"),
        Err(error) => Err(partition.read_failed(&error)),
    }
}
