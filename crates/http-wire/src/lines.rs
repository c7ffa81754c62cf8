//! Lines of a buffer that grows.

use memchr::memchr3;

/// Takes lines off a buffer and remembers how far it has looked, so that each byte is looked at once however often more come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    /// Where the line starts that was not taken yet.
    pub(crate) next: usize,
    /// How far no line feed was found.
    scan: usize,
    /// Whether the line has what none may have, as far as it was looked at.
    is_dirty: bool,
}

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineAt {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether a line feed alone ended it.
    pub(crate) bare_lf: bool,
    /// Whether a zero byte or a carriage return that ends nothing is in it.
    pub(crate) is_dirty: bool,
}

impl Lines {
    pub(crate) fn take(&mut self, buf: &[u8]) -> Option<LineAt> {
        let mut from = self.scan.max(self.next);
        // One search finds the end and what must not be before it.
        while let Some(found) = memchr3(b'\n', b'\r', b'\0', buf.get(from..)?) {
            let at = from + found;
            let lf = match (buf[at], buf.get(at + 1)) {
                (b'\n', _) => at,
                (b'\r', Some(b'\n')) => at + 1,
                (b'\r', None) => {
                    self.scan = at;
                    return None;
                }
                _ => {
                    self.is_dirty = true;
                    from = at + 1;
                    continue;
                }
            };
            let line = LineAt {
                start: self.next,
                end: at,
                bare_lf: lf == at,
                is_dirty: self.is_dirty,
            };
            self.next = lf + 1;
            self.is_dirty = false;
            return Some(line);
        }
        self.scan = buf.len();
        None
    }

    /// Skips empty lines, as before a request line (RFC 9112 2.2).
    pub(crate) fn skip_blank(&mut self, buf: &[u8]) {
        let rest = buf.get(self.next..).unwrap_or_default();
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        self.next += rest.iter().take_while(is_end).count();
    }
}
