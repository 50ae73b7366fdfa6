//! `klamm metrics docs`: the table of metrics as Markdown. docs/METRICS.md is this text; a test holds the two together.

use std::fmt::Write as _;

use super::exposition::Kind;
use super::table::{Metric, SUBJECTS};

const INTRODUCTION: &str = "\
# Metrics

This page is printed by `klamm metrics docs`; change the table in `src/ops/metrics/table.rs`, not this file.

`/metrics` of `klamm.admin.listener` answers in OpenMetrics text. Apache Kafka's metrics have the names that the JMX exporter's usual rules
for Kafka give them (all small letters, `PerSec` with `Count` as a counter that ends in `_total`), so that dashboards and alerts made for Kafka go
on. Rates are the reader's: `rate(kafka_server_brokertopicmetrics_bytesin_total[1m])`.

Of topics, partitions and committed offsets so many are told as `klamm.metrics.max.series` says, each, in order of their names;
`klamm_metrics_left_out` says how many more there are. Sums over all topics do not depend on it.

Not told: `RequestMetrics` `ErrorsPerSec` (to count codes, every answer would have to be walked through once more) and the times that Apache
Kafka spends in queues between its threads, which are not here: a request is served by the thread that reads it.
";

/// The whole page.
#[must_use]
pub fn metrics_documentation() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (subject, metrics) in SUBJECTS {
        let heading = "| Metric | Kind | Labels | Meaning | In Apache Kafka |\n|---|---|---|---|---|";
        write!(page, "\n## {subject}\n\n{heading}\n").expect("a string takes all that is written");
        metrics.iter().for_each(|metric| row(&mut page, metric));
    }
    page
}

fn row(page: &mut String, metric: &Metric) {
    let Metric { name, kind, labels, help, bean, .. } = metric;
    let suffix = if *kind == Kind::Counter { "_total" } else { "" };
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    let bean = bean.map_or("–".to_owned(), |bean| format!("`{bean}`"));
    let (kind, labels) = (kind.name(), labels.join(", "));
    writeln!(page, "| `{name}{suffix}` | {kind} | {labels} | {help} | {bean} |").expect("a string takes all that is written");
}
