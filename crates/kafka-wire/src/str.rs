//! Strings that share the frame they were read from.
//!
//! A [`Str`] takes 16 bytes, `Option<Str>` too, so that a request with many short names fits the
//! memory budget of its frame (see [`crate::reader`]), and a clone is one reference count.
//! What outlives its request must be [detached](Str::detach): a `Str` keeps its whole frame alive.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::ops::{Deref, Range};
use std::str::Utf8Error;
use std::sync::Arc;

use bytes::Bytes;

/// A piece of UTF-8 text within shared bytes. The default is the empty string, which shares nothing.
#[derive(Clone)]
pub struct Str {
    /// The bytes that hold the text; none for the empty string.
    owner: Option<Arc<Bytes>>,
    start: u32,
    /// One more than the end, because a number that is never zero makes `Option<Str>` as small as
    /// `Str`.
    end_plus_one: NonZeroU32,
}

impl Str {
    /// Checks that `range` of `owner` is UTF-8 and shares it.
    ///
    /// A range that lies outside of `owner` or above 4 GiB is a mistake of the caller's; it gives
    /// the empty string.
    pub(crate) fn share(owner: &Arc<Bytes>, range: Range<usize>) -> Result<Self, Utf8Error> {
        let text = owner.get(range.clone()).unwrap_or_default();
        std::str::from_utf8(text)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self::at(Arc::clone(owner), range))
    }

    fn at(owner: Arc<Bytes>, range: Range<usize>) -> Self {
        let start = u32::try_from(range.start);
        let end = u32::try_from(range.end)
            .ok()
            .and_then(|end| NonZeroU32::MIN.checked_add(end));
        match (start, end) {
            (Ok(start), Some(end_plus_one)) => Self {
                owner: Some(owner),
                start,
                end_plus_one,
            },
            _ => Self::default(),
        }
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("the constructors checked that it is UTF-8")
    }

    /// The text's bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.owner {
            Some(owner) => &owner[self.start as usize..self.end_plus_one.get() as usize - 1],
            None => &[],
        }
    }

    /// A copy with memory of its own, for what is kept after the request is done.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self::from(self.as_str())
    }
}

impl Default for Str {
    #[inline]
    fn default() -> Self {
        Self {
            owner: None,
            start: 0,
            end_plus_one: NonZeroU32::MIN,
        }
    }
}

impl From<String> for Str {
    /// Takes the string over; one of 4 GiB or more, which no frame can hold, becomes empty.
    fn from(text: String) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        let range = 0..text.len();
        Self::at(Arc::new(Bytes::from(text)), range)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

impl From<Str> for String {
    fn from(text: Str) -> Self {
        text.as_str().to_owned()
    }
}

impl Deref for Str {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use bytes::Bytes;

    use super::Str;

    #[test]
    fn an_optional_string_takes_16_bytes() {
        assert_eq!(size_of::<Str>(), 16);
        assert_eq!(size_of::<Option<Str>>(), 16);
    }

    #[test]
    fn a_string_shares_its_frame_until_it_is_detached() {
        let frame = Arc::new(Bytes::from_static("..größe..".as_bytes()));
        let text = Str::share(&frame, 2..frame.len() - 2).unwrap();
        assert_eq!(text, "größe");
        assert_eq!(Arc::strong_count(&frame), 2);
        let detached = text.detach();
        drop(text);
        assert_eq!(Arc::strong_count(&frame), 1);
        assert_eq!(detached.as_str(), "größe");
    }

    #[test]
    fn half_a_character_is_refused() {
        let frame = Arc::new(Bytes::from_static("ö".as_bytes()));
        assert!(Str::share(&frame, 0..1).is_err());
        assert!(Str::share(&frame, 0..2).is_ok());
    }

    #[test]
    fn a_map_keyed_by_strings_is_searched_by_str() {
        let map = HashMap::from([(Str::from("orders"), 7), (Str::default(), 8)]);
        assert_eq!(map.get("orders"), Some(&7));
        assert_eq!(map.get(""), Some(&8));
        let (a, b) = (Str::from("a"), Str::from("b"));
        assert!(a < b);
        assert_eq!(Str::default(), Str::from(""));
    }
}
