//! Percent-encoding: the sets of bytes that nginx escapes in each place, and the way back.

/// Which bytes are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeSet {
    /// For a path: what RFC 3986 has nowhere, and blanks, `#`, `%`, `?`.
    Uri,
    /// For a piece of a query: those and `&`, `+`, `;`.
    Args,
    /// For a value that stands alone: all but unreserved characters.
    Component,
    /// For a link in a page: as for a path, and `'`, but `?` stays.
    Html,
    /// For the URL of a Refresh field or an immediate redirect, which is escaped already: only what could end it.
    Refresh,
}

impl EscapeSet {
    /// Whether the byte is escaped.
    #[must_use]
    pub const fn has(self, byte: u8) -> bool {
        if byte.is_ascii_alphanumeric() {
            return false;
        }
        if byte <= b' ' || byte >= 0x7f {
            return true;
        }
        let nowhere = matches!(
            byte,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        match self {
            Self::Uri => nowhere || matches!(byte, b'#' | b'%' | b'?'),
            Self::Args => nowhere || matches!(byte, b'#' | b'%' | b'?' | b'&' | b'+' | b';'),
            Self::Component => !matches!(byte, b'-' | b'.' | b'_' | b'~'),
            Self::Html => nowhere || matches!(byte, b'#' | b'%' | b'\''),
            // nginx has `~` here where `}` is meant; a redirect looks the same to its users this way.
            Self::Refresh => (nowhere && byte != b'}') || matches!(byte, b'\'' | b'~'),
        }
    }

    /// Whether any of the bytes is.
    #[must_use]
    pub fn has_any(self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.has(*byte))
    }
}

/// Appends the bytes, those of the set as `%` and two upper-case digits.
pub fn escape(bytes: &[u8], set: EscapeSet, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if set.has(*byte) {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        } else {
            out.push(*byte);
        }
    }
}

/// Appends the bytes with `%` and two digits made one byte; a `%` without two digits stays as it is.
pub fn unescape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(percent) = memchr::memchr(b'%', rest) {
        out.extend_from_slice(&rest[..percent]);
        rest = &rest[percent..];
        let taken = match escaped_byte(rest) {
            Some(byte) => {
                out.push(byte);
                3
            }
            None => {
                out.push(b'%');
                1
            }
        };
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
}

/// The byte that the escape at the start stands for; nothing where there is no complete one.
pub(crate) fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'%', high, low, ..] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}

/// The value of a hexadecimal digit.
#[must_use]
pub const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
