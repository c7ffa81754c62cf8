//! Permissions: which names a user may configure, write and read.
//!
//! Patterns are regular expressions that match anywhere in a name, as RabbitMQ's do. They are compiled
//! once and matched in time linear in the name. One that cannot be compiled matches nothing.

use cluster::Topology;
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Compiled patterns that are kept; above it all are forgotten and compiled again when they are needed.
const COMPILED_MAX: usize = 1024;
/// Memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The name that permissions know the default exchange by.
const DEFAULT_EXCHANGE: &str = "amq.default";

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Make or remove.
    Configure,
    /// Put something in.
    Write,
    /// Take something out.
    Read,
}

impl Access {
    /// As RabbitMQ says it in its reply texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// A pattern, ready to be matched.
#[derive(Debug, Clone)]
enum Matcher {
    Everything,
    /// Only the empty name.
    Empty,
    Nothing,
    Regex(Arc<Regex>),
}

impl Matcher {
    fn of(pattern: &str) -> Self {
        match pattern {
            ".*" | "^.*$" | "^.*" | ".*$" => return Self::Everything,
            "" => return Self::Empty,
            _ => {}
        }
        let built = RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES_MAX)
            .build();
        match built {
            Ok(regex) => Self::Regex(Arc::new(regex)),
            Err(error) => {
                tracing::warn!(pattern, %error, "a permission's pattern cannot be used; it allows nothing");
                Self::Nothing
            }
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Empty => name.is_empty(),
            Self::Nothing => false,
            Self::Regex(regex) => regex.is_match(name),
        }
    }
}

/// Patterns that were compiled.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Mutex<HashMap<Arc<str>, Matcher>>);

impl Patterns {
    /// Whether the user may do this with the thing of this name.
    pub(crate) fn allow(
        &self,
        topology: &Topology,
        user: &str,
        vhost: &str,
        access: Access,
        name: &str,
    ) -> bool {
        let Some(permission) = topology.permission(user, vhost) else {
            return false;
        };
        let pattern = match access {
            Access::Configure => &permission.configure,
            Access::Write => &permission.write,
            Access::Read => &permission.read,
        };
        let name = if name.is_empty() {
            DEFAULT_EXCHANGE
        } else {
            name
        };
        self.matcher(pattern).matches(name)
    }

    fn matcher(&self, pattern: &Arc<str>) -> Matcher {
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(matcher) = compiled.get(pattern) {
            return matcher.clone();
        }
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        let matcher = Matcher::of(pattern);
        compiled.insert(pattern.clone(), matcher.clone());
        matcher
    }
}

#[cfg(test)]
mod tests {
    use super::Matcher;

    #[test]
    fn patterns_match_as_rabbitmqs_do() {
        let check = |pattern, name, expected| {
            assert_eq!(
                Matcher::of(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        };
        check(".*", "anything", true);
        check("", "anything", false);
        check("", "", true);
        check("^a", "ab", true);
        check("^a", "ba", false);
        check("a", "bab", true);
        check("^(a|b)$", "b", true);
        check("(", "(", false);
        check("(a{1000}){1000}", "a", false);
    }
}
