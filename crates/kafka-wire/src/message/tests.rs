use bytes::Bytes;

use self::example::ExampleRequest;
use super::Message;
use crate::error::DecodeError;
use crate::str::Str;

#[allow(unreachable_pub, reason = "the table makes public structs")]
mod example {
    use super::Str;

    messages! {
        /// Every kind of field.
        request ExampleRequest 0..=3, flexible 2.. {
            number: i16 [1..] = -1;
            names: Option<Vec<Str>> [0..] nullable [1..];
            first: Option<Str> [2..] tag 0;
            third: i8 [3..] tag 2 = 7;
        }
    }
}

fn example() -> ExampleRequest {
    ExampleRequest {
        number: 5,
        names: Some(vec![Str::from("a")]),
        first: Some(Str::from("b")),
        third: 9,
    }
}

#[test]
fn the_layout_of_each_version() {
    let check = |message: &ExampleRequest, version, bytes: &[u8]| {
        let written = message.encode(version).unwrap().into_bytes();
        assert_eq!(written, bytes, "version {version}");
    };
    check(&example(), 0, b"\0\0\0\x01\0\x01a");
    check(&example(), 1, b"\0\x05\0\0\0\x01\0\x01a");
    check(&example(), 2, b"\0\x05\x02\x02a\x01\0\x02\x02b");
    check(&example(), 3, b"\0\x05\x02\x02a\x02\0\x02\x02b\x02\x01\x09");
    check(&ExampleRequest::default(), 0, b"\0\0\0\0");
    check(&ExampleRequest::default(), 1, b"\xff\xff\xff\xff\xff\xff");
    check(&ExampleRequest::default(), 3, b"\xff\xff\0\0");
}

#[test]
fn null_is_an_error_in_a_version_that_knows_none() {
    let null = Bytes::from_static(b"\xff\xff\xff\xff");
    assert_eq!(
        ExampleRequest::decode(&null, 0),
        Err(DecodeError::Null { at: 0 })
    );
}

#[test]
fn unknown_tags_are_passed_over() {
    let bytes = Bytes::from_static(b"\0\x05\x02\x02a\x03\0\x02\x02b\x01\x03xyz\x02\x01\x09");
    assert_eq!(ExampleRequest::decode(&bytes, 3), Ok(example()));
    // Version 2 has no tag 2.
    let older = ExampleRequest {
        third: 7,
        ..example()
    };
    assert_eq!(ExampleRequest::decode(&bytes, 2), Ok(older));
}

#[test]
fn a_tagged_value_must_fill_its_size() {
    let bytes = Bytes::from_static(b"\0\x05\x02\x02a\x01\x02\x02\x09\0");
    let error = DecodeError::Tag { at: 10, unread: 1 };
    assert_eq!(ExampleRequest::decode(&bytes, 3), Err(error));
}
