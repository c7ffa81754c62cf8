//! Bytes that are no method, header or table give an error, not a panic.

use super::frame_of;
use crate::arbitrary::{Pool, Random};
use crate::content_header::ContentHeader;
use crate::error::DecodeError;
use crate::method::Method;
use crate::properties::{Properties, RawProperties};
use crate::table::{RawTable, Table};

#[test]
fn every_prefix_of_a_method_is_an_error() {
    for seed in 0..10 {
        let pool = Pool::new(seed);
        for method in pool.methods(seed) {
            let payload = frame_of(1, &method).payload;
            for len in 0..payload.len() {
                let read = Method::decode(&payload[..len]);
                assert!(
                    matches!(read, Err(DecodeError::Truncated { .. })),
                    "{}: {len} bytes: {read:?}",
                    method.info()
                );
            }
        }
    }
}

#[test]
fn bytes_after_a_method_are_an_error() {
    let pool = Pool::new(1);
    for method in pool.methods(1) {
        let mut payload = frame_of(1, &method).payload.to_vec();
        let at = payload.len();
        payload.push(0);
        let read = Method::decode(&payload);
        assert_eq!(
            read,
            Err(DecodeError::Trailing { at, extra: 1 }),
            "{}",
            method.info()
        );
    }
}

#[test]
fn errors_say_where() {
    let check = |payload: &[u8], expected| assert_eq!(Method::decode(payload), Err(expected));
    check(
        b"\0\x63\0\x0a",
        DecodeError::UnknownMethod {
            class: 99,
            method: 10,
        },
    );
    check(
        b"\0\x3c\0\x0c",
        DecodeError::UnknownMethod {
            class: 60,
            method: 12,
        },
    );
    check(
        b"\0\x3c\0\x28\0\0\x01a\x02\xc3\x28\0",
        DecodeError::Utf8 { at: 9 },
    );
    check(
        b"\0\x3c\0\x28\0\0\x05abc",
        DecodeError::Truncated {
            at: 7,
            needed: 5,
            remaining: 3,
        },
    );
}

#[test]
fn properties_are_whole_and_known() {
    let pool = Pool::new(1);
    for seed in 0..100 {
        let whole = pool.properties(seed).to_bytes().unwrap();
        for len in 0..whole.len() {
            let read = RawProperties::new(&whole[..len]).decode();
            assert!(
                matches!(read, Err(DecodeError::Truncated { .. })),
                "{len} bytes"
            );
        }
        let longer = [&whole[..], b"\0"].concat();
        let read = RawProperties::new(&longer).decode();
        let at = whole.len();
        assert_eq!(read, Err(DecodeError::Trailing { at, extra: 1 }));
    }
    for flags in [1, 2, 3] {
        let bytes = [0, flags];
        let read = RawProperties::new(&bytes).decode();
        let flags = u16::from(flags);
        assert_eq!(read, Err(DecodeError::PropertyFlags { flags }));
    }
}

#[test]
fn an_error_in_the_headers_is_found_by_validate() {
    // An unknown type within a table within the headers, behind a content type.
    let headers = RawTable::new(b"\x01aF\0\0\0\x04\x01bz\0");
    let properties = Properties {
        content_type: Some(crate::ShortBytes::new(b"text/plain").unwrap()),
        headers: Some(headers),
        priority: Some(1),
        ..Properties::default()
    };
    let bytes = properties.to_bytes().unwrap();
    let raw = RawProperties::new(&bytes);
    assert_eq!(raw.decode(), Ok(properties));
    let at = bytes.iter().position(|&octet| octet == b'z').unwrap();
    let error = DecodeError::UnknownFieldType { at, found: b'z' };
    assert_eq!(raw.validate(), Err(error));
}

#[test]
fn garbage_never_panics() {
    let mut random = Random::new(7);
    for _ in 0..20_000 {
        let mut noise = random.bytes(80);
        // Small bytes make plausible lengths, and so reach further.
        if random.one_in(2) {
            noise.iter_mut().for_each(|octet| *octet %= 8);
        }
        let _ = Method::decode(&noise);
        let _ = ContentHeader::decode(&noise).map(|header| header.properties.validate().map(drop));
        let _ = Table::decode(RawTable::new(&noise));
        crate::fuzz::frame(&noise);
    }
}
