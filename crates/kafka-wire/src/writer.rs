//! Writes the primitive types of Kafka's protocol into a list of chunks.
//!
//! Small values are written one behind the other into one buffer. Byte fields of
//! [`SHARE_MIN`] bytes or more are not copied: they stay shared and leave between pieces of that
//! buffer by a vectored write, see [`Encoded`].

use bytes::Bytes;

use crate::chunks::Chunks;
use crate::encoded::Encoded;
use crate::error::EncodeError;
use crate::reader::{Format, STRING_MAX};
use crate::uuid::Uuid;

/// From how many bytes on a byte field is shared rather than copied: below it, copying costs less
/// than one more entry in the kernel's list of buffers.
pub const SHARE_MIN: usize = 1024;

/// Room for a small response, so that most messages need one allocation.
const FIRST_CAPACITY: usize = 128;

/// A message in the making.
///
/// Writing cannot fail; what is wrong is remembered and reported by [`Self::finish`].
#[derive(Debug)]
pub struct Writer {
    buffer: Vec<u8>,
    /// Shared bytes, each with the place in the buffer that it goes before.
    shared: Vec<(usize, Bytes)>,
    shared_len: usize,
    /// How many tagged fields are open; inside of one everything is copied, because its size is
    /// written after its value.
    tag_depth: usize,
    format: Format,
    error: Option<EncodeError>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            buffer: Vec::with_capacity(FIRST_CAPACITY),
            shared: Vec::new(),
            shared_len: 0,
            tag_depth: 0,
            format,
            error: None,
        }
    }

    /// The version that is being written.
    #[inline]
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Goes on in another version: a header and the body behind it have versions of their own.
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// The finished message.
    pub fn finish(self) -> Result<Encoded, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Encoded::new(self.buffer, self.shared)),
        }
    }

    /// The finished message behind its length, where [`Self::reserve_length`] made room.
    pub fn finish_frame(mut self) -> Result<Encoded, EncodeError> {
        let len = self.buffer.len() + self.shared_len;
        let body = len.saturating_sub(LENGTH_PREFIX);
        match i32::try_from(body) {
            Ok(body) => self.buffer[..LENGTH_PREFIX].copy_from_slice(&body.to_be_bytes()),
            Err(_) => self.fail(body, i32::MAX as usize),
        }
        self.finish()
    }

    /// Leaves room for the length prefix of a frame, at its start.
    pub fn reserve_length(&mut self) {
        self.put(&[0; LENGTH_PREFIX]);
    }

    /// Bytes as they are.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// An identifier.
    #[inline]
    pub fn uuid(&mut self, uuid: Uuid) {
        self.put(&uuid.0);
    }

    /// An unsigned number of seven bits to the byte.
    #[inline]
    pub fn varint(&mut self, value: u32) {
        let (bytes, len) = varint(value);
        self.put(&bytes[..len]);
    }

    /// A string or null.
    #[inline]
    pub fn string(&mut self, text: Option<&str>) {
        let len = text.map(str::len);
        if self.format.flexible {
            self.compact_len(len, STRING_MAX);
        } else {
            match len.map(i16::try_from) {
                None => self.put(&(-1_i16).to_be_bytes()),
                Some(Ok(len)) => self.put(&len.to_be_bytes()),
                Some(Err(_)) => self.fail(len.unwrap_or_default(), STRING_MAX),
            }
        }
        self.put(text.unwrap_or_default().as_bytes());
    }

    /// Bytes or null.
    #[inline]
    pub fn bytes(&mut self, bytes: Option<&Bytes>) {
        self.len(bytes.map(Bytes::len));
        if let Some(bytes) = bytes {
            self.share(bytes);
        }
    }

    /// Bytes in pieces, as one field, or null.
    pub fn chunks(&mut self, chunks: Option<&Chunks>) {
        self.len(chunks.map(Chunks::len));
        for piece in chunks.into_iter().flat_map(Chunks::iter) {
            self.share(piece);
        }
    }

    /// Bytes as they are, shared where that is worth it.
    #[inline]
    fn share(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARE_MIN || self.tag_depth > 0 {
            self.put(bytes);
        } else {
            self.shared_len += bytes.len();
            self.shared.push((self.buffer.len(), bytes.clone()));
        }
    }

    /// The length of bytes or of an array; null for none.
    #[inline]
    pub fn len(&mut self, len: Option<usize>) {
        const MAX: usize = i32::MAX as usize;
        if self.format.flexible {
            return self.compact_len(len, MAX);
        }
        match len.map(i32::try_from) {
            None => self.put(&(-1_i32).to_be_bytes()),
            Some(Ok(len)) => self.put(&len.to_be_bytes()),
            Some(Err(_)) => self.fail(len.unwrap_or_default(), MAX),
        }
    }

    /// A tagged field: its tag, the size of its value, and the value that `write` writes.
    pub fn tagged(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        self.varint(tag);
        let start = self.buffer.len();
        self.tag_depth += 1;
        write(self);
        self.tag_depth -= 1;
        let size = self.buffer.len() - start;
        let Ok(size) = u32::try_from(size) else {
            return self.fail(size, u32::MAX as usize);
        };
        let (bytes, len) = varint(size);
        self.put(&bytes[..len]);
        self.buffer[start..].rotate_right(len);
    }

    /// One more than the length; zero means null.
    #[inline]
    fn compact_len(&mut self, len: Option<usize>, max: usize) {
        match len {
            None => self.varint(0),
            Some(len) if len > max => self.fail(len, max),
            Some(len) => match u32::try_from(len + 1) {
                Ok(len) => self.varint(len),
                Err(_) => self.fail(len, max),
            },
        }
    }

    #[cold]
    fn fail(&mut self, len: usize, max: usize) {
        self.error.get_or_insert(EncodeError::TooLong { len, max });
    }
}

/// Bytes of the length that precedes every frame.
pub const LENGTH_PREFIX: usize = 4;

#[inline]
fn varint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    for (at, slot) in bytes.iter_mut().enumerate() {
        let low = value.to_be_bytes()[3] & 0x7f;
        value >>= 7;
        if value == 0 {
            *slot = low;
            return (bytes, at + 1);
        }
        *slot = low | 0x80;
    }
    (bytes, 5)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{SHARE_MIN, Writer};
    use crate::error::EncodeError;
    use crate::reader::Format;

    const PLAIN: Format = Format {
        version: 0,
        flexible: false,
    };
    const FLEXIBLE: Format = Format {
        version: 1,
        flexible: true,
    };

    #[test]
    fn large_byte_fields_are_shared_and_small_ones_copied() {
        for (len, chunks) in [(SHARE_MIN - 1, 1), (SHARE_MIN, 3)] {
            let records = Bytes::from(vec![7; len]);
            let mut writer = Writer::new(PLAIN);
            writer.reserve_length();
            writer.bytes(Some(&records));
            writer.put(b"end");
            let encoded = writer.finish_frame().unwrap();
            assert_eq!(encoded.chunks().count(), chunks);
            let shared = encoded
                .chunks()
                .any(|chunk| chunk.as_ptr() == records.as_ptr());
            assert_eq!(shared, chunks == 3);
            let whole = encoded.into_bytes();
            let declared = i32::from_be_bytes(*whole.first_chunk().unwrap());
            assert_eq!(usize::try_from(declared), Ok(whole.len() - 4));
            assert_eq!(whole.len(), 4 + 4 + len + 3);
        }
    }

    #[test]
    fn a_tagged_field_stands_behind_its_size() {
        for len in [0, 1, 126, 127, 128, 20_000] {
            let mut writer = Writer::new(FLEXIBLE);
            writer.tagged(5, |writer| writer.bytes(Some(&Bytes::from(vec![7; len]))));
            let encoded = writer.finish().unwrap();
            assert_eq!(encoded.chunks().count(), 1, "nothing within it is shared");
            let whole = encoded.into_bytes();
            let mut reader = crate::reader::Reader::new(&whole, 0, FLEXIBLE);
            let tag = reader.enter_tag().unwrap();
            assert_eq!(tag.number, 5);
            assert_eq!(reader.bytes().unwrap().map(|bytes| bytes.len()), Some(len));
            assert_eq!(reader.leave_tag(tag), Ok(()));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn values_too_long_for_their_field_are_errors() {
        for format in [PLAIN, FLEXIBLE] {
            let mut writer = Writer::new(format);
            writer.string(Some(&"a".repeat(32_767)));
            assert!(writer.finish().is_ok());
            let mut writer = Writer::new(format);
            writer.string(Some(&"a".repeat(32_768)));
            let error = EncodeError::TooLong {
                len: 32_768,
                max: 32_767,
            };
            assert_eq!(writer.finish().unwrap_err(), error);
        }
    }
}
