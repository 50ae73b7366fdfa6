//! OpenMetrics text, read as its specification is strict: whatever is not allowed fails the test.

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// What one look at /metrics told.
#[derive(Debug)]
pub struct Scrape {
    samples: BTreeMap<(String, Labels), f64>,
}

/// The metric whose samples come now.
struct Family {
    name: String,
    kind: String,
}

impl Family {
    /// Whether a sample of this name is one of the metric's.
    fn has(&self, sample: &str) -> bool {
        let suffixes: &[&str] = match &*self.kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "summary" => &["", "_sum", "_count"],
            "histogram" => &["_bucket", "_sum", "_count"],
            kind => panic!("{kind} is no type that we use"),
        };
        sample.strip_prefix(&*self.name).is_some_and(|suffix| suffixes.contains(&suffix))
    }

    fn judge(&self, sample: &str, labels: &Labels, value: f64) {
        let bound = match &*self.kind {
            "summary" if sample == self.name => Some("quantile"),
            "histogram" if sample.ends_with("_bucket") => Some("le"),
            _ => None,
        };
        for label in ["quantile", "le"] {
            assert_eq!(labels.contains_key(label), bound == Some(label), "{sample} {labels:?}");
        }
        assert!(self.kind == "gauge" || value >= 0.0, "{sample} {labels:?} {value}");
    }
}

impl Scrape {
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the text ends with # EOF");
        let (mut samples, mut names) = (BTreeMap::new(), BTreeSet::new());
        let mut family: Option<Family> = None;
        let mut lines = body.split_terminator('\n').peekable();
        while let Some(line) = lines.next() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').unwrap();
                assert!(names.insert(name.to_owned()), "{name} comes twice");
                let help = lines.next().and_then(|line| line.strip_prefix("# HELP ")).unwrap();
                assert!(help.starts_with(&format!("{name} ")), "{help}");
                family = Some(Family { name: name.to_owned(), kind: kind.to_owned() });
                continue;
            }
            let family = family.as_ref().expect("samples come behind a type");
            let (name, labels, value) = sample(line);
            assert!(family.has(&name), "{line} is no sample of {}", family.name);
            family.judge(&name, &labels, value);
            assert!(samples.insert((name, labels), value).is_none(), "{line} comes twice");
        }
        let scrape = Self { samples };
        scrape.check_histograms();
        scrape
    }

    /// Buckets do not fall, and the last one holds all.
    fn check_histograms(&self) {
        let mut groups: BTreeMap<(&str, Labels), Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.samples {
            let Some(name) = name.strip_suffix("_bucket") else { continue };
            let mut labels = labels.clone();
            let bound = labels.remove("le").unwrap().parse().unwrap();
            groups.entry((name, labels)).or_default().push((bound, *value));
        }
        for ((name, labels), mut buckets) in groups {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by_key(|bucket| bucket.1), "{name} {labels:?}");
            let count = self.samples[&(format!("{name}_count"), labels.clone())];
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{name} {labels:?}");
        }
    }

    /// The value of a sample; fails if there is none.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("there is no {name} {labels:?}"))
    }

    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// What a label says in all samples of a name that have it, sorted.
    pub fn labelled(&self, name: &str, label: &str) -> Vec<&str> {
        let of_name = self.samples.keys().filter(|(sample, _)| sample == name);
        let mut values: Vec<_> = of_name.filter_map(|(_, labels)| labels.get(label).map(String::as_str)).collect();
        values.sort_unstable();
        values
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).expect("a name and a value");
    let (name, mut rest) = line.split_at(end);
    assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'), "{line}");
    let mut labels = Labels::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, behind) = inside.split_once("=\"").expect("a label's value");
            let (value, behind) = quoted(behind);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            match behind.strip_prefix(',') {
                Some(more) => inside = more,
                None => {
                    rest = behind.strip_prefix('}').expect("the end of the labels");
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("{line}")))
}

/// Text up to its closing quotation mark, and what is behind it.
fn quoted(text: &str) -> (String, &str) {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match letters.next() {
                Some((_, 'n')) => '\n',
                Some((_, escaped @ ('"' | '\\'))) => escaped,
                other => panic!("{other:?} needs no escape"),
            }),
            letter => value.push(letter),
        }
    }
    panic!("no closing quotation mark in {text}")
}
