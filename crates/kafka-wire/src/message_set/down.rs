//! From record batches to a message set for old consumers.

use bytes::{Bytes, BytesMut};

use super::message::{ATTRIBUTE_LOG_APPEND_TIME, EncodedEntry, Entry, Magic};
use crate::compression::Limits;
use crate::record_batch::BatchHeader;
use crate::records::{OpenBatch, RecordsError};

/// What happens at the byte limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The set is cut at the limit, be it inside a message: Fetch before version 3. A client that gets
    /// nothing but a part of a message grows its buffer and asks again.
    Partial,
    /// Only whole messages, the first of them even where it is larger than the limit: Fetch version 3
    /// (KIP-74).
    FirstWhole,
}

/// What a Fetch asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownConvert {
    /// Magic 0 for Fetch versions 0 and 1, magic 1 for versions 2 and 3.
    pub magic: Magic,
    /// Records below this offset are left out; some versions of librdkafka rely on that.
    pub from_offset: i64,
    /// The byte limit of the partition.
    pub bytes_max: usize,
    /// What happens at the limit.
    pub cut: Cut,
    /// How far batches may be decompressed.
    pub limits: Limits,
}

/// A message set and where to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownConverted {
    /// The message set. Empty where no batch had a record for the client, as after an aborted
    /// transaction: then read on at `next_offset`, because a client that gets nothing asks for the same
    /// offset for ever.
    pub set: Bytes,
    /// The offset after the last record that was written in full or left out.
    pub next_offset: i64,
}

/// Converts batches of magic 2, in the order of their offsets, into a message set.
///
/// Batches are taken from the iterator until the limit is reached. A batch that cannot be read is an
/// error where it is the first with something to write, and otherwise the end of the set.
pub fn down_convert<'a>(
    batches: impl IntoIterator<Item = &'a [u8]>,
    ask: &DownConvert,
) -> Result<DownConverted, RecordsError> {
    let mut writer = Writer {
        ask: *ask,
        set: BytesMut::new(),
        next_offset: ask.from_offset,
    };
    for batch in batches {
        match writer.batch(batch) {
            Ok(Progress::More) => {}
            Ok(Progress::Full) => break,
            Err(error) if writer.set.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(DownConverted {
        set: writer.set.freeze(),
        next_offset: writer.next_offset,
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    More,
    Full,
}

struct Writer {
    ask: DownConvert,
    set: BytesMut,
    next_offset: i64,
}

impl Writer {
    fn batch(&mut self, batch: &[u8]) -> Result<Progress, RecordsError> {
        let header = BatchHeader::parse(batch)?;
        let after = header.last_offset().saturating_add(1);
        if header.is_control() || after <= self.ask.from_offset {
            self.next_offset = self.next_offset.max(after);
            return Ok(Progress::More);
        }
        let log_append_time = header.is_log_append_time() && self.ask.magic == Magic::V1;
        let attributes = if log_append_time {
            ATTRIBUTE_LOG_APPEND_TIME
        } else {
            0
        };
        let open = OpenBatch::new(batch, self.ask.limits)?;
        for (index, record) in (0..).zip(open.records()) {
            let record = record?;
            if record.offset < self.ask.from_offset {
                continue;
            }
            let message = Entry {
                offset: record.offset,
                magic: self.ask.magic,
                attributes,
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
            };
            let message = message.encode().ok_or(RecordsError::Malformed {
                index,
                reason: "it is larger than a message can be",
            })?;
            if self.message(&message) == Progress::Full {
                return Ok(Progress::Full);
            }
            self.next_offset = record.offset.saturating_add(1);
        }
        self.next_offset = self.next_offset.max(after);
        Ok(Progress::More)
    }

    fn message(&mut self, message: &EncodedEntry<'_>) -> Progress {
        let room = self.ask.bytes_max.saturating_sub(self.set.len());
        if message.len() <= room || (self.ask.cut == Cut::FirstWhole && self.set.is_empty()) {
            for part in message.parts() {
                self.set.extend_from_slice(part);
            }
            return Progress::More;
        }
        if self.ask.cut == Cut::Partial {
            let mut room = room;
            for part in message.parts() {
                let part = &part[..part.len().min(room)];
                self.set.extend_from_slice(part);
                room -= part.len();
            }
        }
        Progress::Full
    }
}
