//! The header of a record batch of magic 2 (KIP-98): what a broker must know of a batch that it
//! otherwise treats as opaque bytes.
//!
//! The base offset and the partition leader epoch lie outside the checksum, so that a broker can
//! set them in place without looking at the records.

/// Length of the header that precedes the records, in bytes.
pub const HEADER_LEN: usize = 61;

/// Length of the base offset and the batch length, which the batch length itself does not count.
pub const LOG_OVERHEAD: usize = 12;

const CRC_START: usize = 21;
const ATTRIBUTE_COMPRESSION: i16 = 0b111;
pub(crate) const ATTRIBUTE_LOG_APPEND_TIME: i16 = 1 << 3;
pub(crate) const ATTRIBUTE_TRANSACTIONAL: i16 = 1 << 4;
pub(crate) const ATTRIBUTE_CONTROL: i16 = 1 << 5;
pub(crate) const ATTRIBUTE_DELETE_HORIZON: i16 = 1 << 6;

/// The header of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Length of the whole batch, header included, in bytes.
    pub len: usize,
    /// Epoch of the leader that appended the batch.
    pub partition_leader_epoch: i32,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Compression, timestamp type, transactional and control flags.
    pub attributes: i16,
    /// Offset of the last record less the base offset.
    pub last_offset_delta: i32,
    /// Timestamp of the first record, milliseconds since 1970.
    pub base_timestamp: i64,
    /// Largest timestamp of the batch.
    pub max_timestamp: i64,
    /// The producer's id, -1 where the producer is neither idempotent nor transactional.
    pub producer_id: i64,
    /// The producer's epoch, -1 where there is no id.
    pub producer_epoch: i16,
    /// Sequence number of the first record, -1 where there is no id.
    pub base_sequence: i32,
    /// Number of records.
    pub records_count: i32,
}

/// Why bytes are not a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The input ends before the batch does.
    #[error("the batch is truncated")]
    Truncated,
    /// The magic byte is not 2.
    #[error("the batch has magic {0}, not 2")]
    Magic(i8),
    /// The batch length is smaller than a header.
    #[error("the batch declares a length of {0} bytes")]
    Length(i32),
    /// The checksum does not fit the bytes.
    #[error("the batch's CRC-32C is {declared:#010x}, its bytes give {actual:#010x}")]
    Crc {
        /// What the header says.
        declared: u32,
        /// What the bytes say.
        actual: u32,
    },
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

impl BatchHeader {
    /// Reads the header of the batch that `bytes` starts with; all of the batch must be there.
    /// The checksum is not looked at: see [`Self::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() < HEADER_LEN {
            return Err(BatchError::Truncated);
        }
        let magic = i8::from_be_bytes(array(bytes, 16));
        if magic != 2 {
            return Err(BatchError::Magic(magic));
        }
        let length = i32::from_be_bytes(array(bytes, 8));
        let len = usize::try_from(length).map_err(|_| BatchError::Length(length))? + LOG_OVERHEAD;
        if len < HEADER_LEN {
            return Err(BatchError::Length(length));
        }
        if bytes.len() < len {
            return Err(BatchError::Truncated);
        }
        Ok(Self {
            base_offset: i64::from_be_bytes(array(bytes, 0)),
            len,
            partition_leader_epoch: i32::from_be_bytes(array(bytes, 12)),
            crc: u32::from_be_bytes(array(bytes, 17)),
            attributes: i16::from_be_bytes(array(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)),
            base_timestamp: i64::from_be_bytes(array(bytes, 27)),
            max_timestamp: i64::from_be_bytes(array(bytes, 35)),
            producer_id: i64::from_be_bytes(array(bytes, 43)),
            producer_epoch: i16::from_be_bytes(array(bytes, 51)),
            base_sequence: i32::from_be_bytes(array(bytes, 53)),
            records_count: i32::from_be_bytes(array(bytes, 57)),
        })
    }

    /// Compares the checksum with the bytes of the batch.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), BatchError> {
        let actual = crc32c::crc32c(&bytes[CRC_START..self.len]);
        if actual == self.crc {
            Ok(())
        } else {
            Err(BatchError::Crc {
                declared: self.crc,
                actual,
            })
        }
    }

    /// The header's bytes, as [`Self::parse`] reads them. The checksum is written as it stands here:
    /// see [`renew_crc`].
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let length = i32::try_from(self.len - LOG_OVERHEAD).unwrap_or(i32::MAX);
        let mut out = [0; HEADER_LEN];
        out[0..8].copy_from_slice(&self.base_offset.to_be_bytes());
        out[8..12].copy_from_slice(&length.to_be_bytes());
        out[12..16].copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        out[16] = 2;
        out[17..21].copy_from_slice(&self.crc.to_be_bytes());
        out[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        out[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        out[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        out[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        out[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        out[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        out[57..61].copy_from_slice(&self.records_count.to_be_bytes());
        out
    }

    /// Offset of the last record. Wraps where a header that nobody validated would overflow.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .wrapping_add(i64::from(self.last_offset_delta))
    }

    /// Sequence number of the last record; sequences wrap from 2^31-1 to 0.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return self.base_sequence;
        }
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }

    /// The compression's number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    #[must_use]
    pub fn compression(&self) -> i16 {
        self.attributes & ATTRIBUTE_COMPRESSION
    }

    /// Whether the timestamps are the broker's (LogAppendTime) and not the producer's.
    #[must_use]
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & ATTRIBUTE_LOG_APPEND_TIME != 0
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes & ATTRIBUTE_TRANSACTIONAL != 0
    }

    /// Whether the batch holds a control record (a transaction marker).
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes & ATTRIBUTE_CONTROL != 0
    }

    /// Whether the base timestamp is the time at which compaction may drop the batch's tombstones (KIP-534).
    #[must_use]
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & ATTRIBUTE_DELETE_HORIZON != 0
    }
}

/// Sets what the leader decides: both fields lie outside the checksum.
pub fn assign(batch: &mut [u8], base_offset: i64, partition_leader_epoch: i32) {
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&partition_leader_epoch.to_be_bytes());
}

/// Turns a batch into one of LogAppendTime: sets the flag and the maximum timestamp and renews the checksum.
pub fn set_log_append_time(batch: &mut [u8], now_ms: i64) {
    let attributes = i16::from_be_bytes(array(batch, 21)) | ATTRIBUTE_LOG_APPEND_TIME;
    batch[21..23].copy_from_slice(&attributes.to_be_bytes());
    set_max_timestamp(batch, now_ms);
}

/// Sets the maximum timestamp and renews the checksum.
pub fn set_max_timestamp(batch: &mut [u8], max_timestamp: i64) {
    batch[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
    renew_crc(batch);
}

/// Computes the checksum of a batch, which is all of `batch`, and writes it into the header.
pub fn renew_crc(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[CRC_START..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}
