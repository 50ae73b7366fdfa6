//! OpenMetrics 1.0 text: the one form in which metrics leave the node.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

/// What a metric's samples mean, and which of them it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Only rises; its samples end in `_total`.
    Counter,
    Gauge,
    /// Quantiles, `_sum` and `_count`.
    Summary,
    /// `_bucket`, `_sum` and `_count`.
    Histogram,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
            Self::Histogram => "histogram",
        }
    }
}

/// Names and values; a metric's samples all have the same names, but that a sum over all has none.
pub(super) type Labels<'a> = &'a [(&'a str, &'a dyn Display)];

/// The text as it grows.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a metric; whoever adds its samples gets what is returned.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str) -> Samples<'_> {
        self.line(format_args!("# TYPE {name} {}\n", kind.name()));
        self.line(format_args!("# HELP {name} {}\n", Escaped(&help)));
        Samples { exposition: self, name, kind }
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("a string takes all that is written");
    }
}

/// Takes the samples of one metric.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    exposition: &'a mut Exposition,
    name: &'static str,
    kind: Kind,
}

impl Samples<'_> {
    /// The sample of a counter or gauge.
    pub(super) fn value(&mut self, labels: Labels<'_>, value: impl Display) {
        let suffix = if self.kind == Kind::Counter { "_total" } else { "" };
        self.sample(suffix, labels, None, &value);
    }

    /// A summary's quantiles (share and value), sum and count.
    pub(super) fn summary(&mut self, labels: Labels<'_>, quantiles: impl Iterator<Item = (f64, f64)>, sum: f64, count: u64) {
        for (share, value) in quantiles {
            self.sample("", labels, Some(("quantile", &share)), &value);
        }
        self.sample("_sum", labels, None, &sum);
        self.sample("_count", labels, None, &count);
    }

    /// A histogram of durations, in seconds. The buckets come in rising order, each with all below its bound.
    pub(super) fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: impl Iterator<Item = (Duration, u64)>,
        sum: Duration,
        count: u64,
    ) {
        for (bound, below) in buckets {
            self.sample("_bucket", labels, Some(("le", &bound.as_secs_f64())), &below);
        }
        self.sample("_bucket", labels, Some(("le", &"+Inf")), &count);
        self.sample("_sum", labels, None, &sum.as_secs_f64());
        self.sample("_count", labels, None, &count);
    }

    fn sample(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<(&str, &dyn Display)>, value: &dyn Display) {
        let name = self.name;
        self.exposition.line(format_args!("{name}{suffix}"));
        let mut open = '{';
        for (label, value) in labels.iter().copied().chain(bound) {
            self.exposition.line(format_args!("{open}{label}=\"{}\"", Escaped(value)));
            open = ',';
        }
        let close = if open == ',' { "}" } else { "" };
        self.exposition.line(format_args!("{close} {value}\n"));
    }
}

/// Text between quotation marks, or in a help line.
struct Escaped<'a>(&'a dyn Display);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Escaping<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars().try_for_each(|letter| match letter {
                    '\\' => self.0.write_str("\\\\"),
                    '"' => self.0.write_str("\\\""),
                    '\n' => self.0.write_str("\\n"),
                    letter => self.0.write_char(letter),
                })
            }
        }
        write!(Escaping(formatter), "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_samples() {
        let mut exposition = Exposition::default();
        exposition.metric("a", Kind::Counter, "Help.").value(&[("x", &1)], 7);
        exposition.metric("b", Kind::Gauge, "Two\nlines.").value(&[], -1);
        exposition.metric("c_ms", Kind::Summary, "C.").summary(&[("x", &"y")], [(0.5, 1.5)].into_iter(), 3.0, 2);
        let buckets = [(Duration::from_micros(16), 1), (Duration::from_secs(1), 2)];
        exposition.metric("d_seconds", Kind::Histogram, "D.").histogram(&[], buckets.into_iter(), Duration::from_millis(1500), 3);
        let expected = "\
            # TYPE a counter\n# HELP a Help.\na_total{x=\"1\"} 7\n\
            # TYPE b gauge\n# HELP b Two\\nlines.\nb -1\n\
            # TYPE c_ms summary\n# HELP c_ms C.\nc_ms{x=\"y\",quantile=\"0.5\"} 1.5\nc_ms_sum{x=\"y\"} 3\nc_ms_count{x=\"y\"} 2\n\
            # TYPE d_seconds histogram\n# HELP d_seconds D.\nd_seconds_bucket{le=\"0.000016\"} 1\nd_seconds_bucket{le=\"1\"} 2\n\
            d_seconds_bucket{le=\"+Inf\"} 3\nd_seconds_sum 1.5\nd_seconds_count 3\n# EOF\n";
        assert_eq!(exposition.finish(), expected);
    }

    #[test]
    fn what_a_client_named_cannot_break_out_of_its_quotation_marks() {
        let mut exposition = Exposition::default();
        exposition.metric("a", Kind::Gauge, "A.").value(&[("group", &"x\"} 1\n\\")], 0);
        assert!(exposition.finish().contains("a{group=\"x\\\"} 1\\n\\\\\"} 0\n"));
    }
}
