//! The record batch, version 2 (magic 2), as a producer without compression, transaction or idempotence builds it.

use super::Writer;

/// A batch of `count` records without keys, each with `value_bytes` bytes of value that do not compress away
/// to nothing; its base offset is 0, as in every Produce request.
pub(crate) fn record_batch(count: i32, value_bytes: usize, timestamp_ms: i64) -> Vec<u8> {
    let value: Vec<u8> = (0..value_bytes)
        .map(|at| b"abcdefghijklmnop"[(at * 7 + at / 16) % 16])
        .collect();
    let mut records = Writer::default();
    for delta in 0..count {
        let mut record = Writer::default();
        record
            .i8(0)
            .varint(0)
            .varint(delta.into())
            .varint(-1)
            .varint(length(&value));
        record.bytes.extend_from_slice(&value);
        record.varint(0);
        records.varint(length(&record.bytes));
        records.bytes.extend_from_slice(&record.bytes);
    }
    // From here to the end is what the checksum covers.
    let mut checked = Writer::default();
    checked
        .i16(0)
        .i32(count - 1)
        .i64(timestamp_ms)
        .i64(timestamp_ms);
    checked.i64(-1).i16(-1).i32(-1).i32(count);
    checked.bytes.extend_from_slice(&records.bytes);
    let mut tail = Writer::default();
    tail.i32(-1)
        .i8(2)
        .i32(crc32c::crc32c(&checked.bytes).cast_signed());
    tail.bytes.extend_from_slice(&checked.bytes);
    let mut batch = Writer::default();
    batch.i64(0).blob(&tail.bytes);
    batch.bytes
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).expect("memory is smaller than 2^63 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_magic_2() {
        let batch = record_batch(3, 10, 1_700_000_000_000);
        assert_eq!(batch[16], 2, "magic");
        let declared = i32::from_be_bytes(batch[8..12].try_into().unwrap());
        assert_eq!(usize::try_from(declared).unwrap(), batch.len() - 12);
        let crc = u32::from_be_bytes(batch[17..21].try_into().unwrap());
        assert_eq!(crc, crc32c::crc32c(&batch[21..]));
        // 61 bytes of header, and a record of 10 bytes has 7 bytes around it.
        assert_eq!(batch.len(), 61 + 3 * 17);
    }
}
