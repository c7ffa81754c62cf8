//! Records that say who sent them and as which: writing batches of them, and taking batches apart.

use anyhow::{Context, Result, ensure};

use crate::client::{Reader, Writer};

/// Bytes of a value: who, which, and a filling that follows from both.
const VALUE_BYTES: usize = 100;

/// From the start of a batch to its first record.
const HEADER_BYTES: usize = 61;

/// Which record of which producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label {
    pub(super) producer: u64,
    pub(super) number: u64,
}

impl Label {
    fn value(self) -> Vec<u8> {
        let mut value = [self.producer.to_be_bytes(), self.number.to_be_bytes()].concat();
        let mut mixed = self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.producer;
        while value.len() < VALUE_BYTES {
            mixed = mixed.rotate_left(9).wrapping_add(1);
            value.push(mixed.to_le_bytes()[0]);
        }
        value
    }

    /// Reads a value; fails unless every byte of it is as it was sent.
    fn read(value: &[u8]) -> Result<Label> {
        let mut reader = Reader::new(value);
        let word = |reader: &mut Reader<'_>| anyhow::Ok(reader.i64()?.cast_unsigned());
        let label = Label {
            producer: word(&mut reader)?,
            number: word(&mut reader)?,
        };
        ensure!(
            label.value() == value,
            "{label:?} is not byte for byte what was sent"
        );
        Ok(label)
    }
}

/// A batch of `count` records from `first` on; with a producer id it has their numbers as sequence.
pub(super) fn batch(
    first: Label,
    count: i32,
    timestamp_ms: i64,
    producer_id: Option<i64>,
) -> Result<Vec<u8>> {
    let mut records = Writer::default();
    for delta in 0..count {
        let number = first.number + u64::try_from(delta)?;
        let value = Label { number, ..first }.value();
        let mut record = Writer::default();
        record.i8(0).varint(0).varint(delta.into()).varint(-1);
        record.varint(i64::try_from(value.len())?);
        record.bytes.extend_from_slice(&value);
        record.varint(0);
        records.varint(i64::try_from(record.bytes.len())?);
        records.bytes.extend_from_slice(&record.bytes);
    }
    let sequence = i32::try_from(first.number & 0x7fff_ffff)?;
    let (id, epoch, sequence) = producer_id.map_or((-1, -1, -1), |id| (id, 0, sequence));
    // From here to the end is what the checksum covers.
    let mut checked = Writer::default();
    checked
        .i16(0)
        .i32(count - 1)
        .i64(timestamp_ms)
        .i64(timestamp_ms);
    checked.i64(id).i16(epoch).i32(sequence).i32(count);
    checked.bytes.extend_from_slice(&records.bytes);
    let mut tail = Writer::default();
    tail.i32(-1)
        .i8(2)
        .i32(crc32c::crc32c(&checked.bytes).cast_signed());
    tail.bytes.extend_from_slice(&checked.bytes);
    let mut batch = Writer::default();
    batch.i64(0).blob(&tail.bytes);
    Ok(batch.bytes)
}

/// Calls `each` with the offset and label of every record of the whole batches in `bytes`, in order.
pub(super) fn for_each(bytes: &[u8], mut each: impl FnMut(i64, Label) -> Result<()>) -> Result<()> {
    let mut rest = bytes;
    while let Some(batch) = whole_batch(rest)? {
        for_each_of(batch, &mut each)?;
        rest = &rest[batch.len()..];
    }
    Ok(())
}

/// The first batch of `bytes`; none where what is left was cut off by the fetch's limit.
fn whole_batch(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let Some(length) = bytes.get(8..12) else {
        return Ok(None);
    };
    let len = 12 + usize::try_from(i32::from_be_bytes(length.try_into()?))?;
    Ok(bytes.get(..len))
}

fn for_each_of(batch: &[u8], each: &mut impl FnMut(i64, Label) -> Result<()>) -> Result<()> {
    ensure!(batch.len() >= HEADER_BYTES && batch[16] == 2, "no batch");
    let crc = crc32c::crc32c(&batch[21..]).to_be_bytes();
    ensure!(batch[17..21] == crc, "a batch with a wrong checksum");
    let base_offset = i64::from_be_bytes(batch[..8].try_into()?);
    let count = i32::from_be_bytes(batch[57..61].try_into()?);
    let mut reader = Reader::new(&batch[HEADER_BYTES..]);
    for delta in 0..i64::from(count) {
        let (_len, _attributes) = (varint(&mut reader)?, reader.bytes(1)?);
        let (_timestamp, offset_delta) = (varint(&mut reader)?, varint(&mut reader)?);
        ensure!(offset_delta == delta, "record {delta} says {offset_delta}");
        let (_no_key, value_len) = (varint(&mut reader)?, varint(&mut reader)?);
        let label = Label::read(reader.bytes(usize::try_from(value_len)?)?)?;
        let _headers = varint(&mut reader)?;
        each(base_offset + delta, label)?;
    }
    Ok(())
}

fn varint(reader: &mut Reader<'_>) -> Result<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *reader.bytes(1)?.first().context("a byte")?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    anyhow::bail!("a number of more than 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(i64, Label)>> {
        let mut found = Vec::new();
        for_each(bytes, |offset, label| {
            found.push((offset, label));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn what_was_written_is_read_and_any_other_byte_is_noticed() {
        let first = Label {
            producer: 3,
            number: 1000,
        };
        let one = batch(first, 3, 1_700_000_000_000, Some(7)).unwrap();
        let labels = [1000, 1001, 1002].map(|number| Label {
            producer: 3,
            number,
        });
        let expected: Vec<_> = (0..).zip(labels).collect();
        assert_eq!(read(&one).unwrap(), expected);
        let cut = [&one[..], &one[..50]].concat();
        assert_eq!(read(&cut).unwrap(), expected, "a batch that is cut off");
        for at in 17..one.len() {
            let mut damaged = one.clone();
            damaged[at] ^= 4;
            read(&damaged).unwrap_err();
        }
    }
}
