//! Reading the messages of a set, in and out of wrappers.

use std::borrow::Cow;

use bytes::Bytes;

use super::message::{Entry, Magic, Message, MessageSetError, TimestampType, take_message};
use crate::compression::{Compression, Limits};

/// The place of the magic byte, which is the same in messages and in record batches.
const MAGIC_AT: usize = 16;

/// The magic byte of the first message or batch; `None` where the bytes end before it.
#[must_use]
pub fn magic_of(records: &[u8]) -> Option<i8> {
    records.get(MAGIC_AT).map(|magic| magic.cast_signed())
}

/// The messages of a set, those in wrappers included, in their order. Ends after the first error.
///
/// All wrappers of one set together may decompress to what the [`Limits`] allow for its whole length.
#[derive(Debug, Clone)]
pub struct Messages {
    outer: Level,
    inner: Option<Wrapper>,
    limits: Limits,
    bytes_left: usize,
    ended: bool,
}

/// One level of nesting: a message set and how far it is read.
#[derive(Debug, Clone)]
struct Level {
    set: Bytes,
    read: usize,
}

/// A wrapper whose messages are being read.
#[derive(Debug, Clone)]
struct Wrapper {
    messages: Level,
    /// What makes an inner offset absolute.
    base_offset: i64,
    /// The wrapper's timestamp where it counts for all of its messages.
    log_append_time: Option<i64>,
}

impl Messages {
    /// The messages of `set`, which may be slices of it.
    #[must_use]
    pub fn new(set: &Bytes, limits: Limits) -> Self {
        Self {
            bytes_left: limits.output_max(set.len()),
            outer: Level {
                set: set.clone(),
                read: 0,
            },
            inner: None,
            limits,
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<Message>, MessageSetError> {
        if let Some(wrapper) = &mut self.inner {
            if let Some(message) = wrapper.next()? {
                return Ok(Some(message));
            }
            self.inner = None;
        }
        let Some((entry, rest_len)) = self.outer.peek()? else {
            return Ok(None);
        };
        let compression = entry.compression()?;
        let message = if compression == Compression::None {
            Some(to_message(&entry, &self.outer.set))
        } else {
            let mut wrapper = self.unwrap(&entry, compression)?;
            let first = wrapper.next()?;
            self.bytes_left -= wrapper.messages.set.len();
            self.inner = Some(wrapper);
            first
        };
        self.outer.read = self.outer.set.len() - rest_len;
        message.map(Some).ok_or(MessageSetError::EmptyWrapper)
    }

    fn unwrap(
        &self,
        entry: &Entry<'_>,
        compression: Compression,
    ) -> Result<Wrapper, MessageSetError> {
        let value = entry.value.ok_or(MessageSetError::EmptyWrapper)?;
        let bytes_max = self.bytes_left.min(self.limits.output_max(value.len()));
        let set = match compression.decompress_message(value, bytes_max)? {
            Cow::Borrowed(set) => self.outer.set.slice_ref(set),
            Cow::Owned(set) => Bytes::from(set),
        };
        let base_offset = match entry.magic {
            Magic::V0 => 0,
            Magic::V1 => base_offset(entry.offset, &set)?,
        };
        Ok(Wrapper {
            messages: Level { set, read: 0 },
            base_offset,
            log_append_time: (entry.timestamp_type() == TimestampType::LogAppendTime)
                .then_some(entry.timestamp),
        })
    }
}

impl Iterator for Messages {
    type Item = Result<Message, MessageSetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let message = self.read().transpose();
        self.ended = !matches!(message, Some(Ok(_)));
        message
    }
}

impl Level {
    /// The next message and the number of bytes after it.
    fn peek(&self) -> Result<Option<(Entry<'_>, usize)>, MessageSetError> {
        let mut rest = &self.set[self.read..];
        if rest.is_empty() {
            return Ok(None);
        }
        let entry = Entry::read(&mut rest)?;
        Ok(Some((entry, rest.len())))
    }
}

impl Wrapper {
    fn next(&mut self) -> Result<Option<Message>, MessageSetError> {
        let Some((entry, rest_len)) = self.messages.peek()? else {
            return Ok(None);
        };
        if entry.compression()? != Compression::None {
            return Err(MessageSetError::Nested);
        }
        let mut message = to_message(&entry, &self.messages.set);
        message.offset = message.offset.wrapping_add(self.base_offset);
        if let (Magic::V1, Some(timestamp)) = (message.magic, self.log_append_time) {
            message.timestamp = timestamp;
            message.timestamp_type = TimestampType::LogAppendTime;
        }
        self.messages.read = self.messages.set.len() - rest_len;
        Ok(Some(message))
    }
}

/// The offset of the first message of a wrapper of magic 1. The wrapper has the offset of its last
/// message, or 0 in sets that some versions of librdkafka produce.
fn base_offset(wrapper: i64, set: &[u8]) -> Result<i64, MessageSetError> {
    let mut rest = set;
    let mut last = 0;
    while !rest.is_empty() {
        last = take_message(&mut rest)?.0;
    }
    match wrapper {
        0 => Ok(0),
        _ if wrapper < last => Err(MessageSetError::WrapperOffset { wrapper, last }),
        _ => Ok(wrapper.wrapping_sub(last)),
    }
}

fn to_message(entry: &Entry<'_>, buffer: &Bytes) -> Message {
    Message {
        offset: entry.offset,
        magic: entry.magic,
        timestamp: entry.timestamp,
        timestamp_type: entry.timestamp_type(),
        key: entry.key.map(|key| buffer.slice_ref(key)),
        value: entry.value.map(|value| buffer.slice_ref(value)),
    }
}
