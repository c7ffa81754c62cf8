//! What is checked of a partition's records before they are appended, and what becomes of message sets of magic 0
//! and 1.

use crate::topic_config::TopicSettings;
use base::Timestamp;
use bytes::{Bytes, BytesMut};
use kafka_wire::ErrorCode;
use kafka_wire::compression::Limits;
use kafka_wire::message_set::{magic_of, up_convert};
use kafka_wire::record_batch::{self, BatchHeader};
use kafka_wire::records::{self, Accepted, OpenBatch, RecordsError};

/// Records that one refusal blames by position. A batch of tiny records could otherwise get an answer ten times its size.
const BLAMED_MAX: usize = 1000;

/// From this version of Produce on there is exactly one batch of magic 2 for each partition.
const ONE_BATCH_VERSION: i16 = 3;

/// Why records are not appended: the producer's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error_code: ErrorCode,
    pub(super) message: Option<String>,
    /// The positions in the batch of the records that are to blame (KIP-467); none where all are, or nobody knows.
    pub(super) records: Vec<i32>,
}

impl Refusal {
    pub(super) fn plain(error_code: ErrorCode) -> Self {
        Self {
            error_code,
            message: None,
            records: Vec::new(),
        }
    }

    fn new(error_code: ErrorCode, message: impl ToString) -> Self {
        Self {
            message: Some(message.to_string()),
            ..Self::plain(error_code)
        }
    }
}

/// A batch that can be appended.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) batch: Bytes,
    /// Whether it was a message set.
    pub(super) converted: bool,
}

/// What records are measured by.
pub(super) struct Rules<'a> {
    pub(super) version: i16,
    pub(super) settings: &'a TopicSettings,
    pub(super) now: Timestamp,
}

impl Rules<'_> {
    /// One batch of magic 2 with a sound checksum, from all that a request holds for a partition.
    pub(super) fn check(&self, records: Bytes) -> Result<Checked, Refusal> {
        if records.is_empty() && self.version >= ONE_BATCH_VERSION {
            let message = "Produce requests must have exactly one record batch per partition";
            return Err(Refusal::new(ErrorCode::InvalidRecord, message));
        }
        if records.len() > self.settings.append_bytes_max {
            let message = "the records are larger than segment.bytes";
            return Err(Refusal::new(ErrorCode::RecordListTooLarge, message));
        }
        let old = magic_of(&records).is_some_and(|magic| (0..=1).contains(&magic));
        if old && self.version >= ONE_BATCH_VERSION {
            let message = "Produce requests of version 3 and later hold record batches of magic 2";
            return Err(Refusal::new(ErrorCode::InvalidRecord, message));
        }
        let converted = old;
        let batch = if converted {
            up_convert(&records, Limits::default())
                .map_err(|error| Refusal::new(ErrorCode::from_code(error.error_code()), error))?
        } else {
            records
        };
        if batch.len() > self.settings.batch_bytes_max {
            let message = format!(
                "The record batch size is {} bytes which exceeds the maximum configured value of {}.",
                batch.len(),
                self.settings.batch_bytes_max
            );
            return Err(Refusal::new(ErrorCode::MessageTooLarge, message));
        }
        let accepted = records::validate(&batch, self.version_of(converted))
            .map_err(|error| Refusal::new(ErrorCode::from_code(error.error_code()), error))?;
        self.check_header(&accepted.header)?;
        self.check_timestamps(&accepted)?;
        if self.settings.compacts {
            check_keys(&batch)?;
        }
        let batch = self.dated(batch, &accepted);
        Ok(Checked { batch, converted })
    }

    /// The batch with the maximum timestamp that its records have, because retention and searches by time believe it.
    ///
    /// Records without any timestamp (magic 0 has none) get the broker's time: retention would take them for older than
    /// everything else. Kafka goes by the time of the file there.
    fn dated(&self, batch: Bytes, accepted: &Accepted) -> Bytes {
        let newest = accepted
            .max_timestamp
            .unwrap_or(accepted.header.max_timestamp);
        let right = newest >= 0 && newest == accepted.header.max_timestamp;
        if self.settings.log_append_time || right {
            return batch;
        }
        let mut copy = BytesMut::from(&batch[..]);
        if newest < 0 {
            record_batch::set_log_append_time(&mut copy, self.now.0);
        } else {
            record_batch::set_max_timestamp(&mut copy, newest);
        }
        copy.freeze()
    }

    /// What was converted is as the newest producer would have sent it.
    fn version_of(&self, converted: bool) -> i16 {
        if converted { i16::MAX } else { self.version }
    }

    fn check_header(&self, header: &BatchHeader) -> Result<(), Refusal> {
        if header.is_transactional() {
            let message = "transactions are not supported yet";
            return Err(Refusal::new(ErrorCode::InvalidTxnState, message));
        }
        Ok(())
    }

    fn check_timestamps(&self, accepted: &Accepted) -> Result<(), Refusal> {
        if self.settings.log_append_time {
            return Ok(());
        }
        let newest = accepted
            .max_timestamp
            .unwrap_or(accepted.header.max_timestamp);
        let oldest = accepted.header.base_timestamp;
        let ahead = newest.saturating_sub(self.now.0);
        let behind = self.now.0.saturating_sub(oldest);
        // A record of magic 0 has no timestamp, and that is no reason to refuse it.
        let timed = oldest >= 0;
        if ahead > self.settings.timestamp_after_ms_max
            || (timed && behind > self.settings.timestamp_before_ms_max)
        {
            let message = format!(
                "Timestamps from {oldest} to {newest} are out of range. They may be {} ms behind and {} ms ahead of the broker's clock, which shows {}.",
                self.settings.timestamp_before_ms_max,
                self.settings.timestamp_after_ms_max,
                self.now.0
            );
            return Err(Refusal::new(ErrorCode::InvalidTimestamp, message));
        }
        Ok(())
    }
}

/// A compacted topic keeps the newest record of each key, so that every record needs one.
fn check_keys(batch: &[u8]) -> Result<(), Refusal> {
    let invalid = |error: RecordsError| Refusal::new(ErrorCode::InvalidRecord, error);
    let mut blamed = Vec::new();
    for (position, record) in (0..).zip(
        OpenBatch::new(batch, Limits::default())
            .map_err(invalid)?
            .records(),
    ) {
        if record.map_err(invalid)?.key.is_none() && blamed.len() < BLAMED_MAX {
            blamed.push(position);
        }
    }
    if blamed.is_empty() {
        return Ok(());
    }
    Err(Refusal {
        records: blamed,
        ..Refusal::new(
            ErrorCode::InvalidRecord,
            "A compacted topic cannot accept a record without a key.",
        )
    })
}
