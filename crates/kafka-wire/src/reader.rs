//! Reads the primitive types of Kafka's protocol from one frame, within a budget of memory.
//!
//! Promises: no input panics; every declared length is checked against the bytes that remain before
//! memory is reserved for it; all arrays of one frame together take at most
//! [`BUDGET_FACTOR`] times the frame plus [`BUDGET_FLOOR`] bytes; strings and byte fields share the
//! frame and take none. It does not know messages: those are tables, see [`crate::message`].

use std::sync::Arc;

use bytes::Bytes;

use crate::error::DecodeError;
use crate::str::Str;
use crate::uuid::Uuid;

/// How many bytes of arrays each byte of a frame may turn into. An element in memory is wider than on
/// the wire, because it has the fields of all versions and its strings are references; elements as
/// clients send them (names of six characters or more, batches with records) stay below four times.
pub const BUDGET_FACTOR: usize = 4;

/// How many bytes of arrays any frame may turn into, however short it is. It makes room for a few
/// thousand elements that no real client sends: names of one character, partitions without records.
pub const BUDGET_FLOOR: usize = 128 * 1024;

/// The longest string that Kafka's own clients accept, in either encoding.
pub const STRING_MAX: usize = i16::MAX as usize;

/// The version of a message, and whether it is a flexible one (KIP-482): compact lengths, tagged
/// fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The message's version.
    pub version: i16,
    /// Whether that version is flexible.
    pub flexible: bool,
}

/// A position in a frame.
#[derive(Debug)]
pub struct Reader<'a> {
    frame: &'a Bytes,
    /// The frame again for the strings to share, made when the first string is read.
    owner: Option<Arc<Bytes>>,
    at: usize,
    end: usize,
    budget: usize,
    format: Format,
}

impl<'a> Reader<'a> {
    /// Starts at byte `at` of a frame.
    #[must_use]
    pub fn new(frame: &'a Bytes, at: usize, format: Format) -> Self {
        let budget = frame
            .len()
            .saturating_mul(BUDGET_FACTOR)
            .saturating_add(BUDGET_FLOOR);
        Self {
            frame,
            owner: None,
            at: at.min(frame.len()),
            end: frame.len(),
            budget,
            format,
        }
    }

    /// The version that is being read.
    #[inline]
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Goes on in another version: a header and the body behind it have versions of their own.
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// How many bytes of the frame lie before this position.
    #[inline]
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// Checks that nothing is left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            extra => Err(DecodeError::Trailing { at: self.at, extra }),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.frame[self.at..self.end].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// A 16-bit number.
    #[inline]
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// A 32-bit number.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// An identifier.
    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid(self.array()?))
    }

    /// An unsigned number of seven bits to the byte, at most 32 bits in all.
    #[inline]
    pub fn varint(&mut self) -> Result<u32, DecodeError> {
        let start = self.at;
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| DecodeError::Varint { at: start });
            }
        }
        Err(DecodeError::Varint { at: start })
    }

    /// A string or null.
    #[inline]
    pub fn string(&mut self) -> Result<Option<Str>, DecodeError> {
        let start = self.at;
        let len = if self.format.flexible {
            self.compact_len()?
        } else {
            let declared = self.i16()?;
            plain_len(i32::from(declared), start)?
        };
        let Some(len) = len else { return Ok(None) };
        if len > STRING_MAX {
            return Err(self.too_long(len, start));
        }
        self.text(len).map(Some)
    }

    /// Bytes or null.
    #[inline]
    pub fn bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(len) = self.len()? else {
            return Ok(None);
        };
        self.need(len)?;
        let bytes = self.frame.slice(self.at..self.at + len);
        self.at += len;
        Ok(Some(bytes))
    }

    /// The number of elements of an array that follows, or null. Each element takes at least
    /// `wire_min` bytes of the frame and `memory` bytes of the budget, which is charged here: after
    /// this the caller may reserve room for all of them.
    #[inline]
    pub fn count(&mut self, wire_min: usize, memory: usize) -> Result<Option<usize>, DecodeError> {
        let Some(count) = self.len()? else {
            return Ok(None);
        };
        let (at, remaining) = (self.at, self.remaining());
        if count
            .checked_mul(wire_min.max(1))
            .is_none_or(|bytes| bytes > remaining)
        {
            return Err(DecodeError::Count {
                at,
                declared: count,
                remaining,
            });
        }
        let wanted = count.saturating_mul(memory);
        match self.budget.checked_sub(wanted) {
            Some(left) => self.budget = left,
            None => {
                return Err(DecodeError::Memory {
                    at,
                    wanted,
                    left: self.budget,
                });
            }
        }
        Ok(Some(count))
    }

    /// The next tagged field; until [`Self::leave_tag`] nothing behind its value can be read.
    pub fn enter_tag(&mut self) -> Result<Tag, DecodeError> {
        let number = self.varint()?;
        let len = self.varint()? as usize;
        self.need(len)?;
        let outer_end = self.end;
        self.end = self.at + len;
        Ok(Tag { number, outer_end })
    }

    /// Ends a tagged field whose value was read: all of it must have been used.
    pub fn leave_tag(&mut self, tag: Tag) -> Result<(), DecodeError> {
        let unread = self.remaining();
        self.end = tag.outer_end;
        match unread {
            0 => Ok(()),
            unread => Err(DecodeError::Tag {
                at: self.at + unread,
                unread,
            }),
        }
    }

    /// Passes over the value of a tagged field that is not known.
    pub fn skip_tag(&mut self) {
        self.at = self.end;
    }

    /// Passes over all tagged fields of a structure that knows none.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.varint()? {
            let tag = self.enter_tag()?;
            self.skip_tag();
            self.leave_tag(tag)?;
        }
        Ok(())
    }

    /// A length of bytes or an array.
    #[inline]
    fn len(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.format.flexible {
            return self.compact_len();
        }
        let start = self.at;
        plain_len(self.i32()?, start)
    }

    /// One more than the length; zero means null.
    #[inline]
    fn compact_len(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.varint()?.checked_sub(1).map(|len| len as usize))
    }

    fn text(&mut self, len: usize) -> Result<Str, DecodeError> {
        self.need(len)?;
        if len == 0 {
            return Ok(Str::default());
        }
        let start = self.at;
        let owner = self
            .owner
            .get_or_insert_with(|| Arc::new(self.frame.clone()));
        let text = Str::share(owner, start..start + len).map_err(|wrong| DecodeError::Utf8 {
            at: start + wrong.valid_up_to(),
        })?;
        self.at += len;
        Ok(text)
    }

    #[inline]
    fn need(&self, len: usize) -> Result<(), DecodeError> {
        if len <= self.remaining() {
            Ok(())
        } else {
            Err(self.truncated(len))
        }
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            at: self.at,
            needed,
            remaining: self.remaining(),
        }
    }

    #[cold]
    fn too_long(&self, len: usize, at: usize) -> DecodeError {
        if len > self.remaining() {
            return self.truncated(len);
        }
        DecodeError::Length {
            at,
            declared: i32::try_from(len).unwrap_or(i32::MAX),
        }
    }
}

/// A tagged field that is being read.
#[derive(Debug)]
#[must_use]
pub struct Tag {
    /// Which field it is.
    pub number: u32,
    outer_end: usize,
}

/// A length, or null for -1.
#[inline]
fn plain_len(declared: i32, at: usize) -> Result<Option<usize>, DecodeError> {
    match usize::try_from(declared) {
        Ok(len) => Ok(Some(len)),
        Err(_) if declared == -1 => Ok(None),
        Err(_) => Err(DecodeError::Length { at, declared }),
    }
}

#[cfg(test)]
mod tests;
