//! The variable-length integers of records: Protocol Buffers' zigzag encoding, 7 bits a byte, the lowest
//! bits first.

use bytes::{BufMut, BytesMut};

/// A 32-bit value has at most this many bytes.
const VARINT_BYTES_MAX: usize = 5;
/// A 64-bit value has at most this many bytes.
const VARLONG_BYTES_MAX: usize = 10;

/// Takes a 64-bit value off the front; `None` where the bytes end first or the value has too many.
pub(super) fn read_i64(input: &mut &[u8]) -> Option<i64> {
    let value = read(input, VARLONG_BYTES_MAX)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Takes a 32-bit value off the front; `None` where the bytes end first or the value has too many.
pub(super) fn read_i32(input: &mut &[u8]) -> Option<i32> {
    let value = read(input, VARINT_BYTES_MAX)?;
    let value = u32::try_from(value).ok()?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

fn read(input: &mut &[u8], bytes_max: usize) -> Option<u64> {
    let mut value = 0;
    for (at, byte) in input.iter().take(bytes_max).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *input = &input[at + 1..];
            return Some(value);
        }
    }
    None
}

/// Appends a value; a 32-bit value has the same bytes when it is widened first.
pub(super) fn write(output: &mut BytesMut, value: i64) {
    let mut rest = zigzag(value);
    while rest > 0x7f {
        output.put_u8(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
        rest >>= 7;
    }
    output.put_u8(u8::try_from(rest).unwrap_or_default());
}

/// The number of bytes that [`write`] appends.
pub(super) fn len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::{len, read_i32, read_i64, write};
    use bytes::BytesMut;

    #[test]
    fn values_come_back_and_have_the_length_foretold() {
        let mut values = vec![0, 1, -1, i64::MAX, i64::MIN, i64::from(i32::MAX)];
        values.push(i64::from(i32::MIN));
        values.extend((0..63).flat_map(|shift| [1 << shift, -(1 << shift), (1 << shift) - 1]));
        for value in values {
            let mut bytes = BytesMut::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), len(value), "{value}");
            let mut input = &bytes[..];
            assert_eq!(read_i64(&mut input), Some(value));
            assert!(input.is_empty());
            let mut input = &bytes[..];
            assert_eq!(read_i32(&mut input), i32::try_from(value).ok(), "{value}");
        }
    }

    #[test]
    fn known_bytes() {
        for (bytes, value) in [
            (&[0x00][..], 0),
            (&[0x01], -1),
            (&[0x02], 1),
            (&[0x7e], 63),
            (&[0x80, 0x01], 64),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], i32::MIN),
        ] {
            assert_eq!(read_i32(&mut &bytes[..]), Some(value));
        }
    }

    #[test]
    fn endless_and_cut_values_are_refused() {
        for bytes in [
            &[][..],
            &[0x80],
            &[0x80, 0x80],
            &[0x80; 6],
            &[0xff, 0xff, 0xff, 0xff, 0x1f],
        ] {
            assert_eq!(read_i32(&mut &bytes[..]), None);
        }
        assert_eq!(read_i64(&mut &[0x80; 11][..]), None);
    }
}
