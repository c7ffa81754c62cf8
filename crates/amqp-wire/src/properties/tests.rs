use super::{Properties, RawProperties};
use crate::field::Timestamp;
use crate::short_str::ShortBytes;
use crate::table::{RawTable, Table, Value};

fn short(text: &str) -> Option<ShortBytes<'_>> {
    Some(ShortBytes::new(text.as_bytes()).unwrap())
}

/// Every property, in bytes.
const EVERY: &[u8] = b"\
    \xff\xfc\
    \x01a\
    \x01b\
    \0\0\0\x03\x01hV\
    \x02\
    \x09\
    \x01c\
    \x01d\
    \x0260\
    \x01e\
    \0\0\0\0\0\0\0\x07\
    \x01f\
    \x05guest\
    \x01g\
    \x01i";

fn every() -> Properties<'static> {
    Properties {
        content_type: short("a"),
        content_encoding: short("b"),
        headers: Some(RawTable::new(b"\x01hV")),
        delivery_mode: Some(2),
        priority: Some(9),
        correlation_id: short("c"),
        reply_to: short("d"),
        expiration: short("60"),
        message_id: short("e"),
        timestamp: Some(Timestamp(7)),
        kind: short("f"),
        user_id: short("guest"),
        app_id: short("g"),
        cluster_id: short("i"),
    }
}

#[test]
fn every_property_in_bytes() {
    assert_eq!(every().to_bytes().unwrap(), EVERY);
    assert_eq!(RawProperties::new(EVERY).validate(), Ok(every()));
    assert_eq!(
        RawProperties::new(b"\0\0").decode(),
        Ok(Properties::default())
    );
    assert_eq!(RawProperties::default(), RawProperties::EMPTY);
}

/// What a dead-lettering queue does: an entry goes into the headers, the expiration goes, the rest stays.
#[test]
fn a_changed_message_keeps_the_rest() {
    let mut properties = RawProperties::new(EVERY).decode().unwrap();
    let mut headers = Table::decode(properties.headers.unwrap()).unwrap();
    let death = Table::from_iter([
        ("count", Value::from(1_i64)),
        ("original-expiration", Value::from("60")),
    ]);
    headers.insert("x-death", vec![Value::from(death)]);
    let headers = headers.to_bytes().unwrap();
    properties.headers = Some(RawTable::new(&headers));
    properties.expiration = None;
    let bytes = properties.to_bytes().unwrap();

    let read = RawProperties::new(&bytes).validate().unwrap();
    let expected = Properties {
        headers: Some(RawTable::new(&headers)),
        expiration: None,
        ..every()
    };
    assert_eq!(read, expected);
    let deaths = read.headers.unwrap().get("x-death").unwrap().unwrap();
    let first = deaths.as_array().unwrap().iter().next().unwrap().unwrap();
    let count = first.as_table().unwrap().get("count").unwrap().unwrap();
    assert_eq!(count.as_integer(), Some(1));
}

/// Identifiers that are no text pass through.
#[test]
fn identifiers_may_be_any_bytes() {
    let id = [0xff, 0, 0xfe];
    let properties = Properties {
        correlation_id: Some(ShortBytes::new(&id).unwrap()),
        ..Properties::default()
    };
    let bytes = properties.to_bytes().unwrap();
    let read = RawProperties::new(&bytes).validate().unwrap();
    assert_eq!(read, properties);
    assert!(read.correlation_id.unwrap().to_str().is_err());
}
