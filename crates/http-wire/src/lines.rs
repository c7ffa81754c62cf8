//! Lines of a buffer that grows.

use memchr::memchr;

/// Takes lines off a buffer and remembers how far it has looked, so that each byte is looked at once however often more come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    /// Where the line starts that was not taken yet.
    pub(crate) next: usize,
    /// How far no line feed was found.
    scan: usize,
}

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineAt {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether a line feed alone ended it.
    pub(crate) bare_lf: bool,
}

impl Lines {
    pub(crate) fn take(&mut self, buf: &[u8]) -> Option<LineAt> {
        let from = self.scan.max(self.next);
        let Some(found) = memchr(b'\n', buf.get(from..)?) else {
            self.scan = buf.len();
            return None;
        };
        let (start, lf) = (self.next, from + found);
        self.next = lf + 1;
        let bare_lf = lf == start || buf[lf - 1] != b'\r';
        Some(LineAt {
            start,
            end: if bare_lf { lf } else { lf - 1 },
            bare_lf,
        })
    }

    /// Skips empty lines, as before a request line (RFC 9112 2.2).
    pub(crate) fn skip_blank(&mut self, buf: &[u8]) {
        let rest = buf.get(self.next..).unwrap_or_default();
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        self.next += rest.iter().take_while(is_end).count();
    }
}
