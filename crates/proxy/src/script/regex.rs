//! Regular expressions of a configuration, and what they captured.
//!
//! PCRE2, as in nginx, because configurations use its look-around and its syntax.

use std::ops::Range;

use super::{Definition, Registry, UserId};

/// How many numbered captures are kept: `$1` to `$9`.
const CAPTURES_MAX: usize = 9;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RegexError(String);

/// A compiled expression. Its named groups are variables of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    code: pcre2::bytes::Regex,
    names: Box<[(usize, UserId)]>,
}

impl Regex {
    /// Compiles; named groups become variables of the registry.
    pub(crate) fn new<V>(
        pattern: &str,
        caseless: bool,
        registry: &mut Registry<V>,
    ) -> Result<Self, RegexError> {
        let code = pcre2::bytes::RegexBuilder::new()
            .caseless(caseless)
            .jit_if_available(true)
            .build(pattern)
            .map_err(|error| RegexError(format!("regular expression \"{pattern}\": {error}")))?;
        let mut names = Vec::new();
        for (index, name) in code.capture_names().iter().enumerate() {
            if let Some(name) = name {
                let id = registry
                    .define(name, Definition::Assigned)
                    .map_err(RegexError)?;
                names.push((index, id));
            }
        }
        Ok(Self {
            code,
            names: names.into_boxed_slice(),
        })
    }

    /// The expression's text.
    pub(crate) fn as_str(&self) -> &str {
        self.code.as_str()
    }

    /// Whether it matches, nothing kept. An expression that runs into PCRE's limits does not match.
    pub(crate) fn is_match(&self, subject: &[u8]) -> bool {
        self.code.is_match(subject).unwrap_or(false)
    }

    /// Whether it matches; then numbered captures are kept in `captures`, and named ones are told to `assign`.
    pub(crate) fn captures(
        &self,
        subject: &[u8],
        captures: &mut Captures,
        mut assign: impl FnMut(UserId, &[u8]),
    ) -> bool {
        let mut locations = self.code.capture_locations();
        let Ok(Some(_)) = self.code.captures_read(&mut locations, subject) else {
            return false;
        };
        captures.keep(subject, |index| {
            locations.get(index).map(|(start, end)| start..end)
        });
        for (index, id) in &self.names {
            let (start, end) = locations.get(*index).unwrap_or((0, 0));
            assign(*id, &subject[start..end]);
        }
        true
    }
}

/// What the last expression that matched captured: `$1` to `$9`, `$0` is the whole.
#[derive(Debug, Default, Clone)]
pub(crate) struct Captures {
    subject: Vec<u8>,
    groups: [Option<(usize, usize)>; CAPTURES_MAX + 1],
}

impl Captures {
    fn keep(&mut self, subject: &[u8], group: impl Fn(usize) -> Option<Range<usize>>) {
        self.subject.clear();
        self.subject.extend_from_slice(subject);
        for (index, kept) in self.groups.iter_mut().enumerate() {
            *kept = group(index).map(|range| (range.start, range.end));
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.groups = [None; CAPTURES_MAX + 1];
    }

    /// The capture of that number.
    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = (*self.groups.get(index)?)?;
        self.subject.get(start..end)
    }
}
