//! What the node counts. `ops/` shows it.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ApiLabel {
    api: &'static str,
}

/// The node's counters; one handle each, so counting is an atomic addition.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<ApiLabel, Counter>,
    bytes_in: Counter,
    records_in: Counter,
    bytes_out: Counter,
    pub fetches_waiting: Gauge,
    partitions: Gauge,
    topics: Gauge,
    offline_log_directories: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("klamm");
        let metrics = Self {
            requests: Family::default(),
            bytes_in: Counter::default(),
            records_in: Counter::default(),
            bytes_out: Counter::default(),
            fetches_waiting: Gauge::default(),
            partitions: Gauge::default(),
            topics: Gauge::default(),
            offline_log_directories: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests received, by API", metrics.requests.clone());
        registry.register_with_unit("produced", "Bytes of record batches accepted", Unit::Bytes, metrics.bytes_in.clone());
        registry.register("produced_records", "Records accepted", metrics.records_in.clone());
        registry.register_with_unit(
            "fetched",
            "Bytes of record batches sent to consumers",
            Unit::Bytes,
            metrics.bytes_out.clone(),
        );
        registry.register("fetches_waiting", "Fetches that wait for data", metrics.fetches_waiting.clone());
        registry.register("partitions", "Partitions with a replica here", metrics.partitions.clone());
        registry.register("topics", "Topics of the cluster", metrics.topics.clone());
        registry.register("offline_log_directories", "Log directories that failed", metrics.offline_log_directories.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub fn request(&self, api: &'static str) {
        self.requests.get_or_create(&ApiLabel { api }).inc();
    }

    /// A batch was accepted.
    pub fn received(&self, bytes: usize, records: i32) {
        self.bytes_in.inc_by(bytes as u64);
        self.records_in.inc_by(u64::try_from(records).unwrap_or(0));
    }

    /// Record bytes go out to a consumer.
    pub fn sent(&self, bytes: usize) {
        self.bytes_out.inc_by(bytes as u64);
    }

    pub(super) fn set_totals(&self, topics: usize, partitions: usize, offline_log_directories: usize) {
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&self.topics, topics);
        set(&self.partitions, partitions);
        set(&self.offline_log_directories, offline_log_directories);
    }

    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}
