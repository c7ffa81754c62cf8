//! Short strings: at most 255 bytes after one octet of length.
//!
//! [`ShortStr`] is text, as the fields of methods are. RabbitMQ refuses others there, too, except in basic.publish. [`ShortBytes`] may
//! be any bytes: message properties and the keys of tables pass through unchanged, since clients put raw
//! identifiers there. Both borrow, and both are short by construction, so that writing them cannot fail.

use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;

use crate::error::EncodeError;

/// What one octet of length can say.
pub const SHORT_STR_MAX: usize = 255;

/// Text of at most 255 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortStr<'a>(&'a str);

impl<'a> ShortStr<'a> {
    /// The empty string.
    pub const EMPTY: ShortStr<'static> = ShortStr("");

    /// The text, if it is short enough.
    #[inline]
    pub fn new(text: &'a str) -> Result<Self, EncodeError> {
        if text.len() > SHORT_STR_MAX {
            return Err(too_long(text.len()));
        }
        Ok(Self(text))
    }

    /// As much of the text as is short enough: for reply texts and reasons, which people read.
    #[must_use]
    pub fn clipped(text: &'a str) -> Self {
        Self(&text[..text.floor_char_boundary(SHORT_STR_MAX)])
    }

    /// A literal.
    ///
    /// # Panics
    /// Where the literal is too long, which a `const` shows when it is compiled.
    #[must_use]
    pub const fn literal(text: &'static str) -> ShortStr<'static> {
        assert!(
            text.len() <= SHORT_STR_MAX,
            "a literal of at most 255 bytes"
        );
        ShortStr(text)
    }

    /// What was read after an octet of length, and is short because of that.
    #[inline]
    pub(crate) fn from_wire(bytes: &'a [u8]) -> Result<Self, Utf8Error> {
        debug_assert!(bytes.len() <= SHORT_STR_MAX, "an octet says the length");
        std::str::from_utf8(bytes).map(Self)
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl Deref for ShortStr<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.0
    }
}

impl PartialEq<str> for ShortStr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for ShortStr<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<'a> TryFrom<&'a str> for ShortStr<'a> {
    type Error = EncodeError;

    fn try_from(text: &'a str) -> Result<Self, EncodeError> {
        Self::new(text)
    }
}

impl fmt::Debug for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// At most 255 bytes, which mostly are text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortBytes<'a>(&'a [u8]);

impl<'a> ShortBytes<'a> {
    /// The bytes, if they are few enough.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Result<Self, EncodeError> {
        if bytes.len() > SHORT_STR_MAX {
            return Err(too_long(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// What was read after an octet of length, and is short because of that.
    #[inline]
    pub(crate) fn from_wire(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() <= SHORT_STR_MAX, "an octet says the length");
        Self(bytes)
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text that the bytes are, unless they are something else.
    #[inline]
    pub fn to_str(self) -> Result<ShortStr<'a>, Utf8Error> {
        ShortStr::from_wire(self.0)
    }
}

impl Deref for ShortBytes<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> From<ShortStr<'a>> for ShortBytes<'a> {
    fn from(text: ShortStr<'a>) -> Self {
        Self(text.0.as_bytes())
    }
}

impl PartialEq<str> for ShortBytes<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ShortBytes<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for ShortBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Bytes that are no text are shown escaped.
impl fmt::Display for ShortBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self.0) {
            Ok(text) => f.write_str(text),
            Err(_) => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}

fn too_long(len: usize) -> EncodeError {
    EncodeError::TooLong {
        len,
        max: SHORT_STR_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::{ShortBytes, ShortStr};

    #[test]
    fn long_text_is_refused_or_clipped_between_characters() {
        let long = "é".repeat(128);
        assert!(ShortStr::new(&long).is_err());
        assert!(ShortBytes::new(long.as_bytes()).is_err());
        assert_eq!(ShortStr::clipped(&long).len(), 254);
        assert_eq!(ShortStr::clipped("short"), "short");
        assert!(ShortStr::new(&long[..254]).is_ok());
    }

    #[test]
    fn bytes_are_shown_as_text_where_they_are() {
        let shown = |bytes| ShortBytes::new(bytes).unwrap().to_string();
        assert_eq!(shown(b"a\xff"), "a\\xff");
        assert_eq!(shown("é".as_bytes()), "é");
    }
}
