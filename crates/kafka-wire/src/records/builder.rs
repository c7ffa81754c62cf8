//! Building a batch from records.

use bytes::{BufMut, Bytes, BytesMut};

use super::record::{HeadersView, Record, RecordView};
use crate::compression::{CompressError, Compression};
use crate::record_batch::{
    ATTRIBUTE_CONTROL, ATTRIBUTE_LOG_APPEND_TIME, ATTRIBUTE_TRANSACTIONAL, BatchHeader, HEADER_LEN,
    LOG_OVERHEAD, renew_crc,
};

/// The length of a batch is a signed 32-bit number that does not count its own place.
const BATCH_BYTES_MAX: usize = i32::MAX as usize + LOG_OVERHEAD;

/// Why records do not make a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There is no record: a produced batch has at least one.
    #[error("a batch needs at least one record")]
    Empty,
    /// The batch would be longer than its length field can say, or have too many records.
    #[error("the records do not fit into one batch")]
    TooLarge,
    /// The compressor failed.
    #[error(transparent)]
    Compress(#[from] CompressError),
}

/// Builds one batch of magic 2 with dense offsets.
///
/// Without further settings it is what a client without idempotence produces: base offset 0, no leader
/// epoch, no producer, CreateTime.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    header: BatchHeader,
    /// Room for the header, then the records, not compressed.
    buffer: BytesMut,
    compression: Compression,
}

impl BatchBuilder {
    /// An empty batch.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self {
            header: BatchHeader {
                base_offset: 0,
                len: HEADER_LEN,
                partition_leader_epoch: -1,
                crc: 0,
                attributes: compression.id(),
                last_offset_delta: -1,
                base_timestamp: -1,
                max_timestamp: -1,
                producer_id: -1,
                producer_epoch: -1,
                base_sequence: -1,
                records_count: 0,
            },
            buffer: BytesMut::zeroed(HEADER_LEN),
            compression,
        }
    }

    /// Sets the offset of the first record and the epoch of the leader that appended it, which a
    /// producer leaves to the broker.
    #[must_use]
    pub fn assigned(mut self, base_offset: i64, partition_leader_epoch: i32) -> Self {
        self.header.base_offset = base_offset;
        self.header.partition_leader_epoch = partition_leader_epoch;
        self
    }

    /// Sets the producer and the sequence number of the first record.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes the batch part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.header.attributes |= ATTRIBUTE_TRANSACTIONAL;
        self
    }

    /// Makes the batch one of control records, which only brokers write.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.header.attributes |= ATTRIBUTE_CONTROL;
        self
    }

    /// Gives all records one timestamp, in milliseconds since 1970, that of the broker.
    #[must_use]
    pub fn log_append_time(mut self, now_ms: i64) -> Self {
        self.header.attributes |= ATTRIBUTE_LOG_APPEND_TIME;
        self.header.max_timestamp = now_ms;
        self
    }

    /// Appends a record at the next offset. On an error the batch is as it was before.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: HeadersView<'_>,
    ) -> Result<(), BuildError> {
        let first = self.header.records_count == 0;
        let base_timestamp = if first {
            timestamp
        } else {
            self.header.base_timestamp
        };
        let record = RecordView {
            offset: i64::from(self.header.records_count),
            timestamp: timestamp.wrapping_sub(base_timestamp),
            key,
            value,
            headers,
        };
        let records_count = self.header.records_count.checked_add(1);
        let len = record.encoded_len().saturating_add(self.buffer.len());
        let (Some(records_count), true) = (records_count, len <= BATCH_BYTES_MAX) else {
            return Err(BuildError::TooLarge);
        };
        record.write(&mut self.buffer);
        self.header.records_count = records_count;
        self.header.last_offset_delta = records_count - 1;
        self.header.base_timestamp = base_timestamp;
        if !self.header.is_log_append_time() {
            self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        }
        Ok(())
    }

    /// Appends a record's timestamp, key, value and headers at the next offset, whatever its own
    /// offset is.
    pub fn push_record(&mut self, record: &Record) -> Result<(), BuildError> {
        self.push(
            record.timestamp,
            record.key.as_deref(),
            record.value.as_deref(),
            record.headers.view(),
        )
    }

    /// The number of records so far.
    #[must_use]
    pub fn records_count(&self) -> i32 {
        self.header.records_count
    }

    /// The length that the batch would have without compression, in bytes.
    #[must_use]
    pub fn uncompressed_len(&self) -> usize {
        self.buffer.len()
    }

    /// Compresses the records and seals the batch with its checksum.
    pub fn build(mut self) -> Result<Bytes, BuildError> {
        if self.header.records_count == 0 {
            return Err(BuildError::Empty);
        }
        let mut batch = if self.compression == Compression::None {
            self.buffer
        } else {
            let records = self.compression.compress(&self.buffer[HEADER_LEN..])?;
            let mut batch = BytesMut::with_capacity(HEADER_LEN + records.len());
            batch.put_bytes(0, HEADER_LEN);
            batch.put_slice(&records);
            batch
        };
        if batch.len() > BATCH_BYTES_MAX {
            return Err(BuildError::TooLarge);
        }
        self.header.len = batch.len();
        batch[..HEADER_LEN].copy_from_slice(&self.header.encode());
        renew_crc(&mut batch);
        Ok(batch.freeze())
    }
}
