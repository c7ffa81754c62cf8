//! The text form of metrics: OpenMetrics 1.0.

use std::fmt::{Display, Write};

/// What a family's samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its samples are named `…_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often values fell into ranges; written by [`Family::histogram`].
    Histogram,
}

/// Metrics being written.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// One family of metrics being written.
pub struct Family<'a> {
    out: &'a mut String,
    name: &'a str,
    suffix: &'static str,
}

impl Exposition {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a family. `name` ends in its unit where it has one (`_bytes`, `_seconds`), and never in `_total`.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let out = &mut self.0;
        let (word, suffix) = match kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
            Kind::Histogram => ("histogram", ""),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# TYPE {name} {word}");
        if let Some(unit) = ["bytes", "seconds"]
            .into_iter()
            .find(|unit| name.ends_with(unit))
        {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(out, "# HELP {name} {help}");
        Family { out, name, suffix }
    }

    /// The whole text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

impl Family<'_> {
    /// Adds one sample.
    pub fn sample(self, labels: &[(&str, &str)], value: impl Display) -> Self {
        let suffix = self.suffix;
        self.line(suffix, labels, value)
    }

    /// Adds one histogram: how many values were at most each bound and above the one before, then how many were above all,
    /// and the sum of all values.
    pub fn histogram(
        mut self,
        labels: &[(&str, &str)],
        buckets: impl IntoIterator<Item = (f64, u64)>,
        above: u64,
        sum: impl Display,
    ) -> Self {
        let mut total = 0;
        for (bound, count) in buckets {
            total += count;
            self = self.bucket(labels, &format!("{bound:?}"), total);
        }
        total += above;
        self.bucket(labels, "+Inf", total)
            .line("_sum", labels, sum)
            .line("_count", labels, total)
    }

    fn bucket(self, labels: &[(&str, &str)], bound: &str, total: u64) -> Self {
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
        self.line("_bucket", &labels, total)
    }

    fn line(self, suffix: &str, labels: &[(&str, &str)], value: impl Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{}{suffix}", self.name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(
                self.out,
                "{}{label}=\"{text}\"",
                if index == 0 { '{' } else { ',' }
            );
        }
        let _ = writeln!(
            self.out,
            "{} {value}",
            if labels.is_empty() { "" } else { "}" }
        );
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposition, Kind};

    #[test]
    fn labels_are_escaped() {
        let mut out = Exposition::new();
        out.family("a", Kind::Gauge, "Help.")
            .sample(&[("x", "1\"2\n"), ("y", "\\")], 1.5)
            .sample(&[], 2);
        assert_eq!(
            out.finish(),
            "# TYPE a gauge\n# HELP a Help.\na{x=\"1\\\"2\\n\",y=\"\\\\\"} 1.5\na 2\n# EOF\n"
        );
    }

    #[test]
    fn buckets_of_a_histogram_add_up() {
        let mut out = Exposition::new();
        out.family("a_seconds", Kind::Histogram, "Help.").histogram(
            &[("x", "y")],
            [(0.5, 1), (1.0, 0), (2.0, 3)],
            1,
            12.5,
        );
        assert_eq!(
            out.finish(),
            "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds Help.\n\
             a_seconds_bucket{x=\"y\",le=\"0.5\"} 1\na_seconds_bucket{x=\"y\",le=\"1.0\"} 1\n\
             a_seconds_bucket{x=\"y\",le=\"2.0\"} 4\na_seconds_bucket{x=\"y\",le=\"+Inf\"} 5\n\
             a_seconds_sum{x=\"y\"} 12.5\na_seconds_count{x=\"y\"} 5\n# EOF\n"
        );
    }
}
