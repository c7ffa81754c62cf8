//! What is to be said about a configuration, each finding with its place and its verdict.

use std::fmt;

use crate::Place;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Known, and without effect here; nothing is lost by leaving it out.
    Ignored,
    /// Known, and not built yet: starting without it would not do what the file says.
    NotSupportedYet,
    /// Not known at all.
    Unknown,
    /// A mistake: syntax, place, number or value of arguments.
    Wrong,
}

impl Verdict {
    /// Whether a configuration with such a finding is refused.
    #[must_use]
    pub fn refuses(self) -> bool {
        self != Self::Ignored
    }
}

/// One thing to say about a configuration. It is the user's to mend; trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// How grave.
    pub verdict: Verdict,
    /// What, and what was expected, in one line.
    pub message: String,
}

impl Finding {
    /// A mistake.
    #[must_use]
    pub fn wrong(place: &Place, message: impl Into<String>) -> Self {
        Self::new(place, Verdict::Wrong, message)
    }

    /// A finding of any verdict.
    #[must_use]
    pub fn new(place: &Place, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            verdict,
            message: message.into(),
        }
    }

    /// Puts findings in the order of the text, file by file, the files in the order in which they first appear.
    pub fn sort(findings: &mut [Self]) {
        let mut origins: Vec<std::sync::Arc<str>> = Vec::new();
        for finding in findings.iter() {
            if !origins.contains(&finding.place.origin) {
                origins.push(finding.place.origin.clone());
            }
        }
        findings.sort_by_key(|finding| {
            let file = origins.iter().position(|o| *o == finding.place.origin);
            (file, finding.place.line, finding.place.column)
        });
    }
}

impl fmt::Display for Finding {
    /// `file:line:column: message`, on one line whatever the input holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        for c in self.message.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// Shortens a word for a message, so that one bad word cannot fill the screen.
pub(crate) fn quote(text: &str) -> String {
    /// Long enough for any real directive or address.
    const SHOWN_MAX: usize = 60;
    if text.chars().count() <= SHOWN_MAX {
        format!("\"{text}\"")
    } else {
        let head: String = text.chars().take(SHOWN_MAX).collect();
        format!("\"{head}…\"")
    }
}
