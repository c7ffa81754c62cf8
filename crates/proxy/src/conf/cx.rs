//! What the walk over a configuration carries with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use nginx_conf::{Context, Directive, Finding, Place, Verdict, Word};

use super::{Apply, Done, Level, Origin, Row};
use crate::log::{Errors, Logs};

/// Where relative names start from.
#[derive(Debug, Clone)]
pub(crate) struct Paths(Origin);

impl Paths {
    /// A file of the running server: a log, a root.
    pub(crate) fn at_prefix(&self, name: &str) -> PathBuf {
        self.0.prefix.join(name)
    }

    /// A file of the configuration: a certificate, a password file.
    pub(crate) fn at_conf(&self, name: &str) -> PathBuf {
        self.0.conf_dir.join(name)
    }

    /// Whether nginx's default access log holds.
    pub(crate) fn has_logs(&self) -> bool {
        self.0.logs
    }

    /// Whether an access log may go to that topic.
    pub(crate) fn topic(&self, name: &str) -> Result<(), String> {
        let Some(judge) = self.0.topics else {
            return Err(format!(
                "no log keeps the topic \"{name}\": there is no \"storage\""
            ));
        };
        judge(name).map_err(|reason| format!("the topic \"{name}\": {reason}"))
    }

    pub(crate) fn prefix(&self) -> &Path {
        &self.0.prefix
    }
}

/// The state of the walk.
pub(crate) struct Cx<'a> {
    rows: HashMap<&'static str, Vec<&'static Row>>,
    findings: &'a mut Vec<Finding>,
    /// Where relative names start from.
    pub(crate) paths: Paths,
    /// The files of all logs so far.
    pub(crate) logs: Logs,
    /// Where errors go outside of `http`.
    pub(crate) errors: Errors,
    level: Level,
    levels: u32,
}

impl<'a> Cx<'a> {
    pub(super) fn new(
        rows: impl Iterator<Item = &'static Row>,
        origin: &Origin,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            by_name.entry(row.spec.name).or_default().push(row);
        }
        Self {
            rows: by_name,
            findings,
            paths: Paths(origin.clone()),
            logs: Logs::default(),
            errors: Errors::default(),
            level: Level(0),
            levels: 0,
        }
    }

    /// The row of a directive in its block; `None` for what the check has complained about.
    pub(crate) fn row(
        &self,
        directive: &Directive,
        context: Context,
    ) -> Option<(&'static Row, Apply)> {
        let rows = self.rows.get(directive.name.text.as_str())?;
        let row = rows
            .iter()
            .find(|row| row.spec.contexts.contains(&context))?;
        Some((row, row.apply))
    }

    /// Takes note of how a directive was taken in. Where the check already complained about it, that is enough.
    pub(crate) fn settle(&mut self, row: &Row, directive: &Directive, done: Done) {
        if let Err(reason) = done {
            let text = format!("\"{}\": {reason}", row.spec.name);
            self.wrong_once(directive, text);
        }
    }

    fn wrong_once(&mut self, directive: &Directive, text: String) {
        let places: Vec<_> = std::iter::once(&directive.name)
            .chain(&directive.args)
            .map(|word| &word.place)
            .collect();
        let known = self
            .findings
            .iter()
            .any(|finding| finding.verdict.refuses() && places.contains(&&finding.place));
        if !known {
            self.findings
                .push(Finding::wrong(&directive.name.place, text));
        }
    }

    /// A mistake in one word.
    pub(crate) fn wrong(&mut self, word: &Word, text: impl Into<String>) {
        self.findings.push(Finding::wrong(&word.place, text));
    }

    /// A word that has no effect here, and why that does no harm.
    pub(crate) fn ignored(&mut self, word: &Word, text: impl Into<String>) {
        let finding = Finding::new(&word.place, Verdict::Ignored, text);
        self.findings.push(finding);
    }

    /// A mistake at a place.
    pub(crate) fn wrong_at(&mut self, place: &Place, text: impl Into<String>) {
        self.findings.push(Finding::wrong(place, text));
    }

    /// The number of the block that is being read.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Goes into a new block; gives back the number of the one around it.
    pub(crate) fn enter(&mut self) -> Level {
        self.levels += 1;
        std::mem::replace(&mut self.level, Level(self.levels))
    }

    /// Goes back to the block that [`Cx::enter`] left.
    pub(crate) fn leave(&mut self, outer: Level) {
        self.level = outer;
    }
}
