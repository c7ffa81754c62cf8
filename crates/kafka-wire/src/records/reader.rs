//! Reading the records of a batch.

use std::borrow::Cow;

use bytes::Bytes;

use super::record::{Record, RecordView};
use crate::compression::{Compression, DecompressError, Limits};
use crate::record_batch::{BatchError, BatchHeader, HEADER_LEN};

/// Why the records of a batch cannot be read. None of it goes away by trying again; after a successful
/// [`BatchHeader::verify`] it is the fault of the producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// The bytes are not a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The attributes name a compression that does not exist.
    #[error("the batch has the unknown compression {0}")]
    UnknownCompression(i16),
    /// The records do not decompress.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A record's lengths do not fit its bytes.
    #[error("record {index} of the batch is malformed: {reason}")]
    Malformed {
        /// The record's position in the batch, from 0.
        index: i32,
        /// What is wrong.
        reason: &'static str,
    },
    /// There are fewer records than the header declares, or more.
    #[error("the batch declares {declared} records and has {}", if *.found < *.declared { "fewer" } else { "more" })]
    Count {
        /// The header's number.
        declared: i32,
        /// The number of records that were read when the difference was noticed.
        found: i32,
    },
}

/// A batch with its records decompressed: the borrowed way to read them.
#[derive(Debug, Clone)]
pub struct OpenBatch<'a> {
    header: BatchHeader,
    records: Cow<'a, [u8]>,
}

impl<'a> OpenBatch<'a> {
    /// Reads the header of the batch that `batch` starts with and decompresses its records.
    pub fn new(batch: &'a [u8], limits: Limits) -> Result<Self, RecordsError> {
        let header = BatchHeader::parse(batch)?;
        Ok(Self {
            records: compression(&header)?.decompress(&batch[HEADER_LEN..header.len], limits)?,
            header,
        })
    }

    /// The batch's header.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The records, in their order. Ends after the first error.
    #[must_use]
    pub fn records(&self) -> Views<'_> {
        Views {
            rest: &self.records,
            progress: Progress::of(&self.header),
        }
    }
}

/// The records of an [`OpenBatch`].
#[derive(Debug, Clone)]
pub struct Views<'a> {
    rest: &'a [u8],
    progress: Progress,
}

impl<'a> Iterator for Views<'a> {
    type Item = Result<RecordView<'a>, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.progress.next(&mut self.rest)
    }
}

/// The records of a batch, each with its parts as slices of the batch or of its decompressed form.
/// Ends after the first error.
#[derive(Debug, Clone)]
pub struct Records {
    header: BatchHeader,
    buffer: Bytes,
    read: usize,
    progress: Progress,
}

impl Records {
    /// Reads the header of the batch that `batch` starts with and decompresses its records.
    pub fn new(batch: &Bytes, limits: Limits) -> Result<Self, RecordsError> {
        let open = OpenBatch::new(batch, limits)?;
        let buffer = match open.records {
            Cow::Borrowed(records) => batch.slice_ref(records),
            Cow::Owned(records) => Bytes::from(records),
        };
        Ok(Self {
            header: open.header,
            buffer,
            read: 0,
            progress: Progress::of(&open.header),
        })
    }

    /// The batch's header.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }
}

impl Iterator for Records {
    type Item = Result<Record, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = &self.buffer[self.read..];
        let record = self.progress.next(&mut rest)?;
        self.read = self.buffer.len() - rest.len();
        Some(record.map(|view| view.to_owned_in(&self.buffer)))
    }
}

pub(super) fn compression(header: &BatchHeader) -> Result<Compression, RecordsError> {
    Compression::from_id(header.compression())
        .ok_or(RecordsError::UnknownCompression(header.compression()))
}

/// How far a reader has come, and what turns deltas into offsets and timestamps.
#[derive(Debug, Clone)]
struct Progress {
    base_offset: i64,
    base_timestamp: i64,
    log_append_time: Option<i64>,
    declared: i32,
    found: i32,
    ended: bool,
}

impl Progress {
    fn of(header: &BatchHeader) -> Self {
        Self {
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            log_append_time: header.is_log_append_time().then_some(header.max_timestamp),
            declared: header.records_count,
            found: 0,
            ended: false,
        }
    }

    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Result<RecordView<'a>, RecordsError>> {
        if self.ended {
            return None;
        }
        if rest.is_empty() && self.found == self.declared {
            self.ended = true;
            return None;
        }
        let record = self.read(rest);
        self.ended = record.is_err();
        Some(record)
    }

    fn read<'a>(&mut self, rest: &mut &'a [u8]) -> Result<RecordView<'a>, RecordsError> {
        if rest.is_empty() || self.found >= self.declared {
            return Err(RecordsError::Count {
                declared: self.declared,
                found: self.found + i32::from(!rest.is_empty()),
            });
        }
        let mut record = RecordView::read(rest).map_err(|reason| RecordsError::Malformed {
            index: self.found,
            reason,
        })?;
        self.found += 1;
        record.offset = record.offset.wrapping_add(self.base_offset);
        record.timestamp = self
            .log_append_time
            .unwrap_or(record.timestamp.wrapping_add(self.base_timestamp));
        Ok(record)
    }
}
