//! Where a word stands: what every message about a configuration begins with.

use std::fmt;
use std::sync::Arc;

/// A position in a file, or the command-line argument that a word came from.
///
/// Prints as `file:line:column`, or as the argument itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's path as it was given, or the argument as it was typed.
    pub origin: Arc<str>,
    /// Counted from 1; 0 where the origin is not a file.
    pub line: u32,
    /// In characters, counted from 1; 0 where the origin is not a file.
    pub column: u32,
}

impl Place {
    /// A position in a file.
    #[must_use]
    pub fn new(origin: Arc<str>, line: u32, column: u32) -> Self {
        Self {
            origin,
            line,
            column,
        }
    }

    /// A whole argument, or a whole file.
    #[must_use]
    pub fn whole(origin: &str) -> Self {
        Self::new(origin.into(), 0, 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            f.write_str(&self.origin)
        } else {
            write!(f, "{}:{}:{}", self.origin, self.line, self.column)
        }
    }
}
