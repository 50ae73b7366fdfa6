//! The table of metrics holds together.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::exposition::Kind;
use super::table::SUBJECTS;

#[test]
fn names_are_valid_and_no_two_metrics_share_a_sample() {
    let mut samples = BTreeSet::new();
    for metric in SUBJECTS.iter().flat_map(|(_, metrics)| *metrics) {
        let name = metric.name;
        assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'), "{name}");
        let suffixes: &[&str] = match metric.kind {
            Kind::Counter => &["_total"],
            Kind::Gauge => &[""],
            Kind::Summary => &["", "_sum", "_count"],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
        };
        for suffix in suffixes {
            assert!(samples.insert(format!("{name}{suffix}")), "{name}");
        }
        assert!(!["_total", "_sum", "_bucket", "_created", "_info"].iter().any(|suffix| name.ends_with(suffix)), "{name}");
        assert!(!metric.help.is_empty() && metric.help.ends_with('.'), "{name}");
    }
}

/// The first rule for a bean with a name: kafka_<domain>_<type>_<name>, all small, `PerSec` cut off.
#[test]
fn names_are_those_of_the_exporters_rules() {
    let mut checked = 0;
    for metric in SUBJECTS.iter().flat_map(|(_, metrics)| *metrics) {
        let Some((domain, rest)) = metric.bean.and_then(|bean| bean.split_once(":type=")) else {
            let is_ours = ["klamm_", "kafka_consumergroup_"].iter().any(|prefix| metric.name.starts_with(prefix));
            assert!(is_ours, "{}", metric.name);
            continue;
        };
        let Some((kind, name)) = rest.split_once(",name=") else { continue };
        let name = name.strip_suffix("PerSec").unwrap_or(name);
        assert_eq!(metric.name, format!("{domain}_{kind}_{name}").replace('.', "_").to_lowercase());
        checked += 1;
    }
    assert!(checked >= 20, "{checked} names operators know");
}
