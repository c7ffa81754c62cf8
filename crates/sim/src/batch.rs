//! Record batches that say who made them.
//!
//! The log does not look at records, so their place holds a label and bytes that follow from it.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_wire::record_batch::{BatchHeader, HEADER_LEN};

/// Where the checksum starts to count.
const CRC_START: usize = 21;
/// The part of the header that the leader sets, and the checksum over what LogAppendTime changes.
const RECORDS_START: usize = HEADER_LEN;

/// Which batch of which producer: no two batches of a run share a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Label {
    pub(crate) producer: u64,
    pub(crate) number: u64,
}

/// What a batch is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) label: Label,
    /// Producer id, producer epoch and the sequence number of the first record.
    pub(crate) idempotent: Option<(i64, i16, i32)>,
    pub(crate) records: u16,
    pub(crate) timestamp: i64,
    /// Bytes behind the label.
    pub(crate) filler_len: u16,
}

pub(crate) fn build(recipe: &Recipe) -> Bytes {
    let (producer_id, producer_epoch, sequence) = recipe.idempotent.unwrap_or((-1, -1, -1));
    let len = HEADER_LEN + 16 + usize::from(recipe.filler_len);
    let mut batch = BytesMut::with_capacity(len);
    batch.put_i64(0);
    batch.put_i32(i32::try_from(len - 12).unwrap_or(i32::MAX));
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(0);
    batch.put_i16(0);
    batch.put_i32(i32::from(recipe.records) - 1);
    batch.put_i64(recipe.timestamp);
    batch.put_i64(recipe.timestamp);
    batch.put_i64(producer_id);
    batch.put_i16(producer_epoch);
    batch.put_i32(sequence);
    batch.put_i32(i32::from(recipe.records));
    batch.put_u64(recipe.label.producer);
    batch.put_u64(recipe.label.number);
    for at in 0..recipe.filler_len {
        let mixed = recipe.label.number.wrapping_mul(31) ^ u64::from(at);
        batch.put_u8(mixed.to_le_bytes()[0]);
    }
    let crc = crc32c::crc32c(&batch[CRC_START..]).to_be_bytes();
    batch[17..21].copy_from_slice(&crc);
    batch.freeze()
}

/// A batch as a reader got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) header: BatchHeader,
    pub(crate) label: Label,
    bytes: Bytes,
}

impl Seen {
    /// `None` where the bytes are not exactly one sound batch of ours.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        let header = BatchHeader::parse(bytes).ok()?;
        header.verify(bytes).ok()?;
        let word = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let label = Label {
            producer: word(RECORDS_START)?,
            number: word(RECORDS_START + 8)?,
        };
        (header.len == bytes.len()).then(|| Self {
            header,
            label,
            bytes: bytes.clone(),
        })
    }

    pub(crate) fn next_offset(&self) -> i64 {
        self.header.last_offset() + 1
    }

    /// Whether this is the batch that was sent, but for what the broker sets.
    pub(crate) fn is(&self, sent: &Bytes) -> bool {
        let (ours, sent) = (&self.bytes, sent);
        let stamped = self.header.is_log_append_time();
        ours.len() == sent.len()
            && ours[8..12] == sent[8..12]
            && (stamped || ours[16..HEADER_LEN] == sent[16..HEADER_LEN])
            && ours[43..] == sent[43..]
    }
}
