//! A place in the buffer that was parsed.

use std::ops::Range;

/// The bytes from `start` up to, not including, `end` of the buffer that was given to the parser.
///
/// Heads are kept as spans, so that parsing copies nothing. A span is worth something only together with that buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// A span of a buffer, whose parsers refuse lengths that 32 bits do not hold.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: offset(start),
            end: offset(end),
        }
    }

    /// The bytes; none where the buffer is not the one that was parsed and is shorter.
    #[must_use]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.range()).unwrap_or_default()
    }

    /// The same as a range.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(self) -> usize {
        self.range().len()
    }

    /// Whether it has no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}
