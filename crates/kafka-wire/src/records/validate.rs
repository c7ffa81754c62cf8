//! What a broker checks of a batch that a client produced.
//!
//! The rules are those of Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`
//! and `LogValidator`, with two differences, both made so that a compressed batch is never opened:
//! - Kafka decompresses every batch and counts its records. Here the records of a compressed batch are
//!   covered by the checksum only, so a client that compresses nonsense harms its own readers. The
//!   records of an uncompressed batch are read, without memory and at some 20 ns each: their number,
//!   every length, and their offset deltas, which must be 0, 1, 2 and so on.
//! - Kafka replaces a maximum timestamp that is not the records' own. Here that is done for uncompressed
//!   batches ([`Accepted::max_timestamp`]); that of a compressed batch is believed.
//!
//! | what | error code | in Kafka |
//! | --- | --- | --- |
//! | no bytes, or fewer than the batch declares; a length below a header | `CORRUPT_MESSAGE` | `INVALID_RECORD` where fewer |
//! | magic is not 2 | `INVALID_RECORD` | the same |
//! | bytes after the batch | `INVALID_RECORD` | the same for a second batch |
//! | checksum | `CORRUPT_MESSAGE` | the same |
//! | base offset is not 0 | `INVALID_RECORD` | the same |
//! | no records, or their number is not the last offset delta plus 1 | `INVALID_RECORD` | the same |
//! | compression 5 to 7 | `UNSUPPORTED_COMPRESSION_TYPE` | an unexpected error |
//! | zstd in Produce before version 7 (KIP-110) | `UNSUPPORTED_COMPRESSION_TYPE` | the same |
//! | control batch | `INVALID_RECORD` | the same |
//! | timestamp type LogAppendTime | `INVALID_TIMESTAMP` | the same, or the flag is taken off |
//! | delete horizon flag | `INVALID_RECORD` | accepted |
//! | producer id with a negative epoch or sequence | `INVALID_RECORD` | the same for the sequence |
//! | transactional without a producer id | `INVALID_RECORD` | accepted |
//! | malformed record | `INVALID_RECORD` | the same |
//!
//! Attribute bits 7 to 15 are not defined; they are kept and not looked at, as in Kafka. Epoch and
//! sequence without a producer id are not looked at either: clients differ in what they write there.
//! What depends on the topic is the caller's: size, age of timestamps, keys where it is compacted.

use super::reader::{OpenBatch, RecordsError, compression};
use crate::compression::{Compression, Limits};
use crate::record_batch::{BatchError, BatchHeader};

/// The first version of Produce whose batches may be compressed with zstd (KIP-110).
pub const ZSTD_PRODUCE_VERSION: i16 = 7;

/// A batch that may be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The batch's header, as the client sent it.
    pub header: BatchHeader,
    /// The largest timestamp of the records where it is known; where it is not the header's,
    /// [`set_max_timestamp`](crate::record_batch::set_max_timestamp) is called for, because searches by time and retention believe the
    /// header.
    pub max_timestamp: Option<i64>,
}

impl Accepted {
    /// The maximum timestamp to write into the header, where the client wrote a wrong one.
    #[must_use]
    pub fn max_timestamp_correction(&self) -> Option<i64> {
        self.max_timestamp
            .filter(|&timestamp| timestamp != self.header.max_timestamp)
    }
}

/// Why a produced batch is not appended. Always the fault of the producer or of the way to us; only
/// [`Refusal::is_corruption`] may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not one batch with the right checksum.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// There are bytes after the batch: from Produce version 3 on there is exactly one.
    #[error("{0} bytes follow the batch")]
    Trailing(usize),
    /// The broker assigns offsets, not the producer.
    #[error("the batch has the base offset {0}, not 0")]
    BaseOffset(i64),
    /// The number of records is not positive or does not fit the last offset.
    #[error(
        "the batch declares {records_count} records and the last offset delta {last_offset_delta}"
    )]
    Count {
        /// Declared number of records.
        records_count: i32,
        /// Declared delta of the last offset.
        last_offset_delta: i32,
    },
    /// The compression does not exist, or came before Produce version 7 where it is zstd.
    #[error("the compression {0} is not supported in this version of Produce")]
    Compression(i16),
    /// Only brokers write control batches.
    #[error("clients may not write control batches")]
    Control,
    /// Only brokers set the timestamp type LogAppendTime.
    #[error("clients may not set the timestamp type LogAppendTime")]
    LogAppendTime,
    /// Only compaction sets a delete horizon.
    #[error("clients may not set a delete horizon")]
    DeleteHorizon,
    /// A producer id comes with an epoch and a sequence number.
    #[error("the producer {producer_id} has epoch {producer_epoch} and sequence {base_sequence}")]
    Producer {
        /// The producer's id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
        /// The first sequence number.
        base_sequence: i32,
    },
    /// The records of an uncompressed batch cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A record's offset delta is not its position.
    #[error("record {index} has the offset delta {offset_delta}")]
    OffsetDelta {
        /// The record's position in the batch, from 0.
        index: i64,
        /// The delta that it declares.
        offset_delta: i64,
    },
}

impl Refusal {
    /// Kafka's error code: 2 `CORRUPT_MESSAGE`, 32 `INVALID_TIMESTAMP`, 76
    /// `UNSUPPORTED_COMPRESSION_TYPE` or 87 `INVALID_RECORD`.
    #[must_use]
    pub fn error_code(&self) -> i16 {
        match self {
            _ if self.is_corruption() => 2,
            Self::LogAppendTime => 32,
            Self::Compression(_) => 76,
            _ => 87,
        }
    }

    /// Whether the bytes were damaged, so that sending them again may help.
    #[must_use]
    pub fn is_corruption(&self) -> bool {
        matches!(
            self,
            Self::Batch(BatchError::Truncated | BatchError::Length(_) | BatchError::Crc { .. })
        )
    }
}

/// Checks the one batch of a partition in a Produce request of version 3 or later.
///
/// `batch` is all that the request holds for the partition.
pub fn validate(batch: &[u8], produce_version: i16) -> Result<Accepted, Refusal> {
    let header = BatchHeader::parse(batch)?;
    header.verify(batch)?;
    if batch.len() > header.len {
        return Err(Refusal::Trailing(batch.len() - header.len));
    }
    validate_header(&header, produce_version)?;
    Ok(Accepted {
        header,
        max_timestamp: validate_records(batch, &header)?,
    })
}

fn validate_header(header: &BatchHeader, produce_version: i16) -> Result<(), Refusal> {
    if header.base_offset != 0 {
        return Err(Refusal::BaseOffset(header.base_offset));
    }
    if header.records_count < 1 || header.last_offset_delta != header.records_count - 1 {
        return Err(Refusal::Count {
            records_count: header.records_count,
            last_offset_delta: header.last_offset_delta,
        });
    }
    let known = Compression::from_id(header.compression());
    let early_zstd = known == Some(Compression::Zstd) && produce_version < ZSTD_PRODUCE_VERSION;
    if known.is_none() || early_zstd {
        return Err(Refusal::Compression(header.compression()));
    }
    if header.is_control() {
        return Err(Refusal::Control);
    }
    if header.is_log_append_time() {
        return Err(Refusal::LogAppendTime);
    }
    if header.has_delete_horizon() {
        return Err(Refusal::DeleteHorizon);
    }
    let complete = if header.producer_id < 0 {
        !header.is_transactional()
    } else {
        header.producer_epoch >= 0 && header.base_sequence >= 0
    };
    if !complete {
        return Err(Refusal::Producer {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
        });
    }
    Ok(())
}

/// Reads the records of an uncompressed batch and finds their largest timestamp.
fn validate_records(batch: &[u8], header: &BatchHeader) -> Result<Option<i64>, Refusal> {
    if compression(header)? != Compression::None {
        return Ok(None);
    }
    let open = OpenBatch::new(batch, Limits::default())?;
    let mut max_timestamp = -1;
    for (index, record) in (0..).zip(open.records()) {
        let record = record?;
        if record.offset != index {
            return Err(Refusal::OffsetDelta {
                index,
                offset_delta: record.offset,
            });
        }
        max_timestamp = record.timestamp.max(max_timestamp);
    }
    Ok(Some(max_timestamp))
}
