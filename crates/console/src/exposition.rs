//! The text form of metrics: OpenMetrics 1.0.

use std::fmt::Write;

/// What a family's samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its samples are named `…_total`.
    Counter,
    /// Goes up and down.
    Gauge,
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
    pub fn sample(self, labels: &[(&str, &str)], value: impl std::fmt::Display) -> Self {
        let _ = write!(self.out, "{}{}", self.name, self.suffix);
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
}
