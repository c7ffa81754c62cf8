//! Reading frames takes no memory of its own, and owned tables stay within their budget.

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};

use crate::arbitrary::{Pool, Random};
use crate::content_header::ContentHeader;
use crate::encode::encode_method;
use crate::error::DecodeError;
use crate::frame::{RawFrame, decode_frame};
use crate::method::Method;
use crate::properties::RawProperties;
use crate::table::{RawTable, TABLE_MEMORY_FACTOR, TABLE_MEMORY_FLOOR, Table};

/// What the first share of a buffer's memory costs: the count of its owners.
const OWNERS: u64 = 64;

/// What making a copy of the bytes shareable costs.
const HANDLES: usize = 64;

#[test]
fn methods_are_read_without_memory() {
    let pool = Pool::new(1);
    for method in pool.methods(1) {
        let mut input = BytesMut::new();
        encode_method(&mut input, 1, &method).unwrap();
        let copy = input.clone().freeze();
        let used = measure(|| {
            let frame = RawFrame::parse(&copy, 0).unwrap().unwrap();
            assert_eq!(Method::decode(frame.payload), Ok(method));
        });
        assert_eq!(used.count_total, 0, "{}", method.info());
        let used = measure(|| {
            let frame = decode_frame(&mut input, 0).unwrap().unwrap();
            assert_eq!(Method::decode(&frame.payload), Ok(method));
        });
        assert!(used.bytes_total <= OWNERS, "{}: {used:?}", method.info());
    }
}

#[test]
fn contents_are_read_without_memory() {
    for seed in 0..200 {
        let pool = Pool::new(seed);
        let properties = pool.properties(seed).to_bytes().unwrap();
        let payload = [&b"\0\x3c\0\0\0\0\0\0\0\0\0\x09"[..], &properties].concat();
        let used = measure(|| {
            let header = ContentHeader::decode(&payload).unwrap();
            let properties = header.properties.validate().unwrap();
            if let Some(headers) = properties.headers {
                assert_eq!(headers.get("x-death"), Ok(None));
            }
        });
        assert_eq!(used.count_total, 0);
    }
}

/// Reads a table and checks what that allocated, at its peak and in all.
fn read_within_budget(content: &[u8]) -> Result<(), DecodeError> {
    let mut read = Ok(());
    let used = measure(|| read = Table::decode(RawTable::new(content)).map(drop));
    let limit = TABLE_MEMORY_FACTOR * content.len() + TABLE_MEMORY_FLOOR + HANDLES;
    assert!(
        used.bytes_total <= limit as u64,
        "{used:?} for {} bytes",
        content.len()
    );
    read
}

#[test]
fn dense_tables_are_refused() {
    let (mut read, mut refused) = (0, 0);
    for entry in [
        &b"\0V"[..],
        b"\x01at\x01",
        b"\0A\0\0\0\x02VV",
        b"\0F\0\0\0\x02\0V",
    ] {
        for count in [1, 10, 100, 400, 1000, 10_000, 60_000] {
            match read_within_budget(&entry.repeat(count)) {
                Ok(()) => read += 1,
                Err(DecodeError::Memory { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(read >= 16 && refused >= 8, "{read} {refused}");
}

#[test]
fn real_tables_fit() {
    let mut table = Table::new();
    for number in 0..900 {
        table.insert(&format!("x-header-{number}"), true);
    }
    read_within_budget(&table.to_bytes().unwrap()).unwrap();
    table.insert(
        "x-large",
        Bytes::from(vec![b'x'; 100_000]).escape_ascii().to_string(),
    );
    read_within_budget(&table.to_bytes().unwrap()).unwrap();
}

#[test]
fn declared_lengths_reserve_nothing() {
    const HUGE: [[u8; 4]; 3] = [[0xff; 4], [0x7f, 0xff, 0xff, 0xff], [0, 0x0f, 0x42, 0x40]];
    let mut random = Random::new(4);
    let mut refused = 0;
    for _ in 0..200 {
        let whole = random.table().to_bytes().unwrap();
        for at in 0..whole.len().saturating_sub(4) {
            for huge in HUGE {
                let mut content = whole.to_vec();
                content[at..at + 4].copy_from_slice(&huge);
                refused += usize::from(read_within_budget(&content).is_err());
            }
        }
    }
    assert!(refused > 1000, "only {refused} were refused");
    let used = measure(|| {
        for huge in HUGE {
            let frame = [&[3, 0, 1][..], &huge, b"body"].concat();
            let mut input = BytesMut::from(&frame[..]);
            assert_eq!(decode_frame(&mut input, 0), Ok(None));
        }
        let headers = b"\x20\0\xff\xff\xff\xff";
        assert!(RawProperties::new(headers).validate().is_err());
    });
    assert!(used.bytes_total < 1000, "{used:?}");
}
