//! What `/metrics` tells: Kafka's own metrics under the names that the usual rules of the JMX exporter give them, and ours under `klamm_`.

mod docs;
mod exposition;
mod table;
#[cfg(test)]
mod tests;

use crate::broker::{Broker, Observation};
use exposition::Exposition;

pub use docs::metrics_documentation;

/// All metrics as OpenMetrics text.
#[must_use]
pub fn metrics_text(broker: &Broker) -> String {
    text(&broker.observe())
}

fn text(seen: &Observation) -> String {
    let mut exposition = Exposition::default();
    for (_, metrics) in table::SUBJECTS {
        for metric in *metrics {
            (metric.samples)(seen, &mut exposition.metric(metric.name, metric.kind, metric.help));
        }
    }
    exposition.finish()
}
