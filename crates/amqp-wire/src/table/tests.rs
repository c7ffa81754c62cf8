use bytes::Bytes;

use super::{NESTING_MAX, RawTable, RawValue, Table, Value};
use crate::error::{DecodeError, EncodeError};
use crate::short_str::ShortBytes;

/// One entry of each type, as RabbitMQ writes them.
const EVERY_TYPE: &[u8] = b"\
    \x01at\x01\
    \x01bb\xff\
    \x01cB\xff\
    \x01ds\xff\xfe\
    \x01eu\xff\xfe\
    \x01fI\xff\xff\xff\xfd\
    \x01gi\xff\xff\xff\xfd\
    \x01hl\xff\xff\xff\xff\xff\xff\xff\xfc\
    \x01if\x3f\xc0\0\0\
    \x01jd\x3f\xf8\0\0\0\0\0\0\
    \x01kD\x02\0\0\x01\x3a\
    \x01lS\0\0\0\x02hi\
    \x01mA\0\0\0\x03V\
t\0\
    \x01nT\0\0\0\0\x65\x00\x00\x00\
    \x01oF\0\0\0\x03\x01xV\
    \x01pV\
    \x01qx\0\0\0\x02\xff\0";

fn every_type() -> Table {
    let values = [
        Value::Bool(true),
        Value::I8(-1),
        Value::U8(255),
        Value::I16(-2),
        Value::U16(65_534),
        Value::I32(-3),
        Value::U32(u32::MAX - 2),
        Value::I64(-4),
        Value::F32(1.5),
        Value::F64(1.5),
        Value::Decimal {
            scale: 2,
            value: 314,
        },
        Value::from("hi"),
        Value::from(vec![Value::Void, Value::Bool(false)]),
        Value::Timestamp(0x6500_0000),
        Value::from(Table::from_iter([("x", Value::Void)])),
        Value::Void,
        Value::Bytes(Bytes::from_static(b"\xff\0")),
    ];
    (b'a'..).map(|name| vec![name]).zip(values).collect()
}

#[test]
fn every_type_in_bytes() {
    assert_eq!(every_type().to_bytes().unwrap(), EVERY_TYPE);
    assert_eq!(Table::decode(RawTable::new(EVERY_TYPE)), Ok(every_type()));
    for len in 0..EVERY_TYPE.len() {
        let cut = RawTable::new(&EVERY_TYPE[..len]);
        let whole_entries = Table::decode(cut).map(|table| table.len());
        // A table may end behind any entry; nowhere else.
        let expected = cut.iter().take_while(Result::is_ok).count();
        assert!(whole_entries.is_err() || whole_entries == Ok(expected));
    }
}

#[test]
fn an_upper_l_is_signed_as_in_rabbitmq() {
    let table = RawTable::new(b"\x01xL\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(table.get("x"), Ok(Some(RawValue::I64(-1))));
}

#[test]
fn a_look_up_reads_no_further() {
    let table = RawTable::new(b"\x01aI\0\0\0\x07\x01b?");
    assert_eq!(table.get("a"), Ok(Some(RawValue::I32(7))));
    let error = DecodeError::UnknownFieldType { at: 9, found: b'?' };
    assert_eq!(table.get("c"), Err(error));
    assert_eq!(table.validate(), Err(error));
    let read: Vec<_> = table.iter().collect();
    let first = (ShortBytes::new(b"a").unwrap(), RawValue::I32(7));
    assert_eq!(read, [Ok(first), Err(error)]);
}

#[test]
fn what_is_inside_is_not_read_until_asked_for() {
    let table = RawTable::new(b"\x01aF\0\0\0\x02\x01b");
    let inner = table.get("a").unwrap().unwrap().as_table().unwrap();
    let error = DecodeError::Truncated {
        at: 2,
        needed: 1,
        remaining: 0,
    };
    assert_eq!(inner.validate(), Err(error));
    assert_eq!(table.validate(), Err(error.offset(7)));
}

#[test]
fn values_are_asked_for_by_what_they_are() {
    let bytes = every_type().to_bytes().unwrap();
    let raw = RawTable::new(&bytes);
    let get = |key| raw.get(key).unwrap().unwrap();
    let integers = ["b", "c", "d", "e", "f", "g", "h"].map(|key| get(key).as_integer());
    let expected = [-1, 255, -2, 65_534, -3, i64::from(u32::MAX) - 2, -4];
    assert_eq!(integers, expected.map(Some));
    assert_eq!(get("a").as_integer(), None);
    assert_eq!(get("n").as_integer(), None);
    assert_eq!(get("a").as_bool(), Some(true));
    assert_eq!(get("l").as_str(), Some("hi"));
    assert_eq!(get("q").as_str(), None);
    let array: Vec<_> = get("m").as_array().unwrap().iter().collect();
    assert_eq!(array, [Ok(RawValue::Void), Ok(RawValue::Bool(false))]);
    for (key, value) in every_type().iter() {
        let raw = get(std::str::from_utf8(key).unwrap());
        assert_eq!(
            (raw.as_integer(), raw.as_str()),
            (value.as_integer(), value.as_str())
        );
        assert_eq!(Value::decode(raw).as_ref(), Ok(value));
    }
}

#[test]
fn entries_change_in_place() {
    let mut table = Table::new();
    table.insert("a", 1);
    table.insert("b", "two");
    table.insert("a", 3_i64);
    assert_eq!(
        table.to_bytes().unwrap(),
        &b"\x01al\0\0\0\0\0\0\0\x03\x01bS\0\0\0\x03two"[..]
    );
    table.push("b", false);
    assert_eq!(table.len(), 3);
    assert_eq!(table.remove("b"), Some(Value::from("two")));
    assert_eq!((table.len(), table.get("b")), (1, None));
    assert_eq!(table.remove("b"), None);
}

#[test]
fn what_nobody_could_read_is_not_written() {
    let mut table = Table::new();
    table.insert(&"x".repeat(256), true);
    let error = EncodeError::TooLong { len: 256, max: 255 };
    assert_eq!(table.to_bytes(), Err(error));
    let mut value = Value::Void;
    for _ in 0..NESTING_MAX {
        value = Value::from(vec![value]);
    }
    let deep = Table::from_iter([("x", value.clone())]);
    let bytes = deep.to_bytes().unwrap();
    assert_eq!(Table::decode(RawTable::new(&bytes)), Ok(deep));
    let deeper = Table::from_iter([("x", vec![value])]);
    let error = EncodeError::Nesting { max: NESTING_MAX };
    assert_eq!(deeper.to_bytes(), Err(error));
}

#[test]
fn tables_are_shown() {
    let table = RawTable::new(b"\x01aF\0\0\0\x03\x01bV\x01cA\0\0\0\x02t\x01");
    assert_eq!(
        format!("{table:?}"),
        r#"{"a": Table({"b": Void}), "c": Array([Bool(true)])}"#
    );
    assert!(format!("{:?}", RawTable::new(b"\x01")).contains("byte 1"));
}
