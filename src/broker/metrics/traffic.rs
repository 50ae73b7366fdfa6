//! What goes into and out of one partition: the counters behind Kafka's BrokerTopicMetrics, which adds them up by topic.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one partition; 64 bytes, so that they share no more than one cache line with the neighbours.
#[derive(Debug, Default)]
pub struct Traffic {
    records_in: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    bytes_rejected: AtomicU64,
    produce_requests: AtomicU64,
    fetch_requests: AtomicU64,
    failed_produce_requests: AtomicU64,
    failed_fetch_requests: AtomicU64,
}

/// [`Traffic`] as it was seen at a moment, or the sum of several.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TrafficSeen {
    pub records_in: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub bytes_rejected: u64,
    pub produce_requests: u64,
    pub fetch_requests: u64,
    pub failed_produce_requests: u64,
    pub failed_fetch_requests: u64,
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Traffic {
    /// Somebody wants to append: a producer, or a coordinator of this node. Counted whatever becomes of it.
    pub fn produce(&self) {
        add(&self.produce_requests, 1);
    }

    /// A batch was appended, or was found to be there already. `bytes` as the producer sent them.
    pub fn appended(&self, bytes: usize, records: i32) {
        add(&self.bytes_in, bytes as u64);
        add(&self.records_in, u64::try_from(records).unwrap_or(0));
    }

    /// A batch was larger than the topic allows.
    pub fn rejected(&self, bytes: usize) {
        add(&self.bytes_rejected, bytes as u64);
    }

    /// An append failed, and not by one of the errors that are part of a cluster's life (ReplicaManager.appendToLocalLog).
    pub fn produce_failed(&self) {
        add(&self.failed_produce_requests, 1);
    }

    /// Somebody fetches and was sent so many bytes, none in most cases.
    pub fn fetched(&self, bytes: usize) {
        add(&self.fetch_requests, 1);
        if bytes > 0 {
            add(&self.bytes_out, bytes as u64);
        }
    }

    /// As [`Self::produce_failed`] (ReplicaManager.readFromLog).
    pub fn fetch_failed(&self) {
        add(&self.failed_fetch_requests, 1);
    }

    #[must_use]
    pub fn seen(&self) -> TrafficSeen {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TrafficSeen {
            records_in: read(&self.records_in),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            bytes_rejected: read(&self.bytes_rejected),
            produce_requests: read(&self.produce_requests),
            fetch_requests: read(&self.fetch_requests),
            failed_produce_requests: read(&self.failed_produce_requests),
            failed_fetch_requests: read(&self.failed_fetch_requests),
        }
    }

    /// Takes over what another counted whose partition is gone, so that the node's sums never fall.
    pub fn absorb(&self, seen: TrafficSeen) {
        add(&self.records_in, seen.records_in);
        add(&self.bytes_in, seen.bytes_in);
        add(&self.bytes_out, seen.bytes_out);
        add(&self.bytes_rejected, seen.bytes_rejected);
        add(&self.produce_requests, seen.produce_requests);
        add(&self.fetch_requests, seen.fetch_requests);
        add(&self.failed_produce_requests, seen.failed_produce_requests);
        add(&self.failed_fetch_requests, seen.failed_fetch_requests);
    }
}

impl std::ops::AddAssign for TrafficSeen {
    fn add_assign(&mut self, other: Self) {
        self.records_in += other.records_in;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.bytes_rejected += other.bytes_rejected;
        self.produce_requests += other.produce_requests;
        self.fetch_requests += other.fetch_requests;
        self.failed_produce_requests += other.failed_produce_requests;
        self.failed_fetch_requests += other.failed_fetch_requests;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_stays_in_the_sum() {
        let (gone, rest) = (Traffic::default(), Traffic::default());
        for traffic in [&gone, &rest] {
            traffic.produce();
            traffic.appended(100, 3);
            traffic.rejected(7);
            traffic.produce_failed();
            traffic.fetched(50);
            traffic.fetched(0);
            traffic.fetch_failed();
        }
        let mut sum = gone.seen();
        sum += rest.seen();
        rest.absorb(gone.seen());
        assert_eq!(rest.seen(), sum);
        let expected = TrafficSeen {
            records_in: 6,
            bytes_in: 200,
            bytes_out: 100,
            bytes_rejected: 14,
            produce_requests: 2,
            fetch_requests: 4,
            failed_produce_requests: 2,
            failed_fetch_requests: 2,
        };
        assert_eq!(sum, expected);
    }
}
