//! The fuzzers' seeds, and seeded changes of them, pass through the fuzzers' functions.
//!
//! `cargo test -p amqp-wire -- --ignored write_seeds` writes the generated ones anew; what a fuzzer finds is
//! added to the same folders by hand.

#[path = "../../../../fuzz/replay.rs"]
mod replay;

use std::fs;
use std::path::PathBuf;

use bytes::{BufMut, BytesMut};
use replay::replay;

use crate::arbitrary::{Pool, Random};
use crate::encode::{encode_body, encode_content_header, encode_heartbeat, encode_method};
use crate::frame::RawFrame;
use crate::method::Method;
use crate::methods::basic;
use crate::properties::{Properties, RawProperties};
use crate::protocol_header::PROTOCOL_HEADER;
use crate::short_str::ShortStr;
use crate::table::{RawTable, Value};

/// Fills every kind of field and keeps a seed small.
const SEED: u64 = 2;

#[test]
fn frames() {
    replay("amqp_frame", 8, crate::fuzz::frame);
}

#[test]
fn methods() {
    replay("amqp_method", Method::ALL.len(), crate::fuzz::method);
}

#[test]
fn tables() {
    replay("amqp_table", 12, crate::fuzz::table);
}

#[test]
fn content_headers() {
    replay("amqp_content_header", 12, crate::fuzz::content_header);
}

fn write(target: &str, name: &str, seed: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    fs::create_dir_all(folder.join(target)).unwrap();
    fs::write(folder.join(target).join(name), seed).unwrap();
}

/// Tables and arrays in each other, `depth` deep, as the content of a table.
fn nested(depth: usize) -> Vec<u8> {
    let mut content = b"\x01xV".to_vec();
    for level in 0..depth {
        let mut outer = match level % 2 {
            0 => b"\x01xF".to_vec(),
            _ => b"F".to_vec(),
        };
        outer.put_u32(u32::try_from(content.len()).unwrap());
        outer.extend_from_slice(&content);
        if level % 2 == 1 {
            let len = u32::try_from(outer.len()).unwrap();
            let mut array = b"\x01xA".to_vec();
            array.put_u32(len);
            array.extend_from_slice(&outer);
            outer = array;
        }
        content = outer;
    }
    content
}

fn nasty_tables() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("name-only", b"\x03foo".to_vec()),
        ("name-too-long", b"\xfffoo".to_vec()),
        ("unknown-type", b"\x01xz\0".to_vec()),
        ("huge-string", b"\x01xS\xff\xff\xff\xffabc".to_vec()),
        ("huge-array", b"\x01xA\x7f\xff\xff\xff".to_vec()),
        ("array-cut-inside", b"\x01xA\0\0\0\x02I\0".to_vec()),
        ("name-twice", b"\x01xt\x01\x01xt\0".to_vec()),
        ("not-utf-8", b"\x02\xff\xfeV".to_vec()),
        (
            "not-a-number",
            b"\x01xd\x7f\xf8\0\0\0\0\0\x01\x01yf\xff\xc0\0\x01".to_vec(),
        ),
        (
            "signed-l",
            b"\x01xL\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        ("bool-of-two", b"\x01xt\x02".to_vec()),
        ("nested", nested(10)),
        ("nested-too-deep", nested(60)),
        ("many-voids", b"\0V".repeat(2000)),
    ]
}

#[test]
#[ignore = "writes the seeds under fuzz/corpus"]
fn write_seeds() {
    let pool = Pool::new(SEED);
    let mut stream = BytesMut::new();
    for method in pool.methods(SEED) {
        let mut out = BytesMut::new();
        encode_method(&mut out, 1, &method).unwrap();
        let frame = RawFrame::parse(&out, 0).unwrap().unwrap();
        write("amqp_method", &method.info().to_string(), frame.payload);
        stream.extend_from_slice(&out);
    }
    write("amqp_method", "nasty-empty", b"");
    write("amqp_method", "nasty-unknown-class", b"\0\x63\0\x0a");
    write(
        "amqp_method",
        "nasty-not-utf-8",
        b"\0\x3c\0\x28\0\0\x01\xff\x01\xff\0",
    );
    write("amqp_frame", "every-method", &stream);

    let mut random = Random::new(SEED);
    for number in 0..6 {
        let table = random.table().to_bytes().unwrap();
        write("amqp_table", &format!("table-{number}"), &table);
        let properties = pool.properties(number).to_bytes().unwrap();
        let mut out = BytesMut::new();
        encode_content_header(&mut out, 1, number, RawProperties::new(&properties)).unwrap();
        let frame = RawFrame::parse(&out, 0).unwrap().unwrap();
        write(
            "amqp_content_header",
            &format!("header-{number}"),
            frame.payload,
        );
    }
    for (name, table) in nasty_tables() {
        write("amqp_table", &format!("nasty-{name}"), &table);
        let headers = Some(RawTable::new(&table));
        let properties = Properties {
            headers,
            ..Properties::default()
        };
        let mut header = b"\0\x3c\0\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend_from_slice(&properties.to_bytes().unwrap());
        write("amqp_content_header", &format!("nasty-{name}"), &header);
    }
    write("amqp_content_header", "nasty-cut", b"\0\x3c\0\0\0\0\0");
    write(
        "amqp_content_header",
        "nasty-flags",
        b"\0\x3c\0\0\0\0\0\0\0\0\0\x09\xff\xff",
    );
    write_streams();
}

fn write_streams() {
    write("amqp_frame", "protocol-header", &PROTOCOL_HEADER);
    write("amqp_frame", "protocol-header-1.0", b"AMQP\x03\x01\0\0");
    let mut stream = BytesMut::new();
    encode_heartbeat(&mut stream);
    let publish = basic::Publish {
        exchange: ShortStr::literal("orders"),
        routing_key: ShortStr::literal("eu.new"),
        ..basic::Publish::default()
    };
    encode_method(&mut stream, 1, &publish).unwrap();
    encode_content_header(&mut stream, 1, 500, RawProperties::EMPTY).unwrap();
    encode_body(&mut stream, 1, &[b'x'; 500], 256);
    write("amqp_frame", "publish", &stream);
    write("amqp_frame", "publish-cut", &stream[..stream.len() - 9]);
    write(
        "amqp_frame",
        "nasty-heartbeat-on-a-channel",
        b"\x08\0\x01\0\0\0\0\xce",
    );
    write("amqp_frame", "nasty-type", b"\x04\0\0\0\0\0\0\xce");
    write("amqp_frame", "nasty-end", b"\x08\0\0\0\0\0\0\xcd");
    write("amqp_frame", "nasty-size", b"\x03\0\x01\xff\xff\xff\xff");
}

#[test]
fn nesting_is_bounded() {
    let check = |depth: usize, sound: bool| {
        let table = nested(depth);
        assert_eq!(RawTable::new(&table).validate().is_ok(), sound, "{depth}");
        let value = crate::Table::decode(RawTable::new(&table)).map(Value::from);
        assert_eq!(value.is_ok(), sound);
    };
    // Every second level is a table in an array, and so is two deep.
    check(0, true);
    check(21, true);
    check(22, false);
    check(2_000, false);
}
