//! Record batches of opaque records.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_wire::record_batch::{BatchHeader, HEADER_LEN};

/// What a batch is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe<'a> {
    pub(crate) producer: Option<(i64, i16, i32)>,
    pub(crate) records: i32,
    pub(crate) timestamp: i64,
    pub(crate) payload: &'a [u8],
}

pub(crate) const PLAIN: Recipe<'static> = Recipe {
    producer: None,
    records: 1,
    timestamp: 1_000,
    payload: b"payload",
};

impl Recipe<'_> {
    pub(crate) fn build(&self) -> Bytes {
        let (id, epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let len = HEADER_LEN + self.payload.len();
        let mut batch = BytesMut::with_capacity(len);
        batch.put_i64(77);
        batch.put_i32(i32::try_from(len - 12).expect("small"));
        batch.put_i32(-1);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(0);
        batch.put_i32(self.records - 1);
        batch.put_i64(self.timestamp);
        batch.put_i64(self.timestamp);
        batch.put_i64(id);
        batch.put_i16(epoch);
        batch.put_i32(sequence);
        batch.put_i32(self.records);
        batch.put_slice(self.payload);
        let crc = crc32c::crc32c(&batch[21..]).to_be_bytes();
        batch[17..21].copy_from_slice(&crc);
        batch.freeze()
    }
}

/// A batch with one record that holds `payload`.
pub(crate) fn plain(payload: &str) -> Bytes {
    Recipe {
        payload: payload.as_bytes(),
        ..PLAIN
    }
    .build()
}

/// Base offset, leader epoch and payload of a sound batch.
pub(crate) fn describe(batch: &Bytes) -> (i64, i32, String) {
    let header = BatchHeader::parse(batch).expect("a whole batch");
    header.verify(batch).expect("a sound batch");
    assert_eq!(header.len, batch.len());
    let payload = String::from_utf8_lossy(&batch[HEADER_LEN..]).into_owned();
    (header.base_offset, header.partition_leader_epoch, payload)
}
