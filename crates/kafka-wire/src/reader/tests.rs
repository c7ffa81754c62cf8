use bytes::Bytes;

use super::{Format, Reader};
use crate::error::DecodeError;

fn reader(frame: &Bytes, flexible: bool) -> Reader<'_> {
    Reader::new(
        frame,
        0,
        Format {
            version: 0,
            flexible,
        },
    )
}

type Read = fn(&mut Reader<'_>) -> Result<(), DecodeError>;

const STRING: Read = |reader| reader.string().map(drop);
const BYTES: Read = |reader| reader.bytes().map(drop);
const COUNT: Read = |reader| reader.count(4, 8).map(drop);
const VARINT: Read = |reader| reader.varint().map(drop);

fn truncated(at: usize, needed: usize, remaining: usize) -> DecodeError {
    DecodeError::Truncated {
        at,
        needed,
        remaining,
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    use DecodeError as E;
    const MANY: usize = 0x7fff_ffff;
    let count = E::Count {
        at: 1,
        declared: 2,
        remaining: 7,
    };
    let negative = |declared| E::Length { at: 0, declared };
    let varint = E::Varint { at: 0 };
    let cases: &[(bool, &'static [u8], Read, DecodeError)] = &[
        (false, b"\0", STRING, truncated(0, 2, 1)),
        (false, b"\0\x03ab", STRING, truncated(2, 3, 2)),
        (false, b"\xff\xfeab", STRING, negative(-2)),
        (false, b"\0\x03ab\xff", STRING, E::Utf8 { at: 4 }),
        (true, b"\x04ab", STRING, truncated(1, 3, 2)),
        (false, b"\x7f\xff\xff\xff", BYTES, truncated(4, MANY, 0)),
        (false, b"\x80\0\0\0", BYTES, negative(i32::MIN)),
        (true, b"\x03abcdefg", COUNT, count),
        (true, b"\xff\xff\xff\xff\x10", VARINT, varint),
        (true, b"\xff\xff\xff\xff\xff\0", VARINT, varint),
        (true, b"\xff", VARINT, truncated(1, 1, 0)),
    ];
    for &(flexible, bytes, read, error) in cases {
        let frame = Bytes::from_static(bytes);
        assert_eq!(read(&mut reader(&frame, flexible)), Err(error), "{bytes:?}");
    }
}

#[test]
fn a_string_of_more_than_32767_bytes_is_refused_in_both_encodings() {
    let mut bytes = vec![0x81, 0x80, 0x02];
    bytes.resize(3 + 0x8000, b'a');
    let frame = Bytes::from(bytes);
    let read = reader(&frame, true).string();
    assert_eq!(
        read,
        Err(DecodeError::Length {
            at: 0,
            declared: 0x8000
        })
    );
}

#[test]
fn arrays_share_the_budget_of_their_frame() {
    let frame = Bytes::from_static(&[0, 0, 0, 9, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut reader = reader(&frame, false);
    assert_eq!(reader.count(1, 10_000), Ok(Some(9)));
    let left = 17 * super::BUDGET_FACTOR + super::BUDGET_FLOOR - 90_000;
    let refused = DecodeError::Memory {
        at: 8,
        wanted: 90_000,
        left,
    };
    assert_eq!(reader.count(1, 10_000), Err(refused));
}

#[test]
fn a_tagged_field_cannot_reach_beyond_its_size() {
    let frame = Bytes::from_static(&[7, 2, 0, 0, 0, 1]);
    let mut reader = reader(&frame, true);
    let tag = reader.enter_tag().unwrap();
    assert_eq!((tag.number, reader.remaining()), (7, 2));
    assert!(reader.i32().is_err());
    assert_eq!(
        reader.leave_tag(tag),
        Err(DecodeError::Tag { at: 4, unread: 2 })
    );
}
