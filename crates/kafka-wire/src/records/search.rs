//! Finding records by time, for ListOffsets.

use super::reader::{OpenBatch, RecordsError};
use crate::compression::Limits;

/// Where a record is in a partition and when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOffset {
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp: i64,
}

/// The first record of a batch at or after an offset whose timestamp is not before `timestamp`.
///
/// Timestamps of producers need not ascend, so that a later batch can hold an earlier one: a search
/// goes through the batches in the order of their offsets and skips those whose maximum timestamp is
/// before `timestamp`.
pub fn first_at_or_after(
    batch: &[u8],
    timestamp: i64,
    from_offset: i64,
    limits: Limits,
) -> Result<Option<TimedOffset>, RecordsError> {
    for record in OpenBatch::new(batch, limits)?.records() {
        let record = record?;
        if record.offset >= from_offset && record.timestamp >= timestamp {
            return Ok(Some(TimedOffset {
                offset: record.offset,
                timestamp: record.timestamp,
            }));
        }
    }
    Ok(None)
}

/// The record of a batch with the largest timestamp, the first of them where there are several
/// (ListOffsets' -3, KIP-734); `None` where no record has a timestamp.
pub fn latest(batch: &[u8], limits: Limits) -> Result<Option<TimedOffset>, RecordsError> {
    let mut latest: Option<TimedOffset> = None;
    for record in OpenBatch::new(batch, limits)?.records() {
        let record = record?;
        if record.timestamp > latest.map_or(-1, |latest| latest.timestamp) {
            latest = Some(TimedOffset {
                offset: record.offset,
                timestamp: record.timestamp,
            });
        }
    }
    Ok(latest)
}
