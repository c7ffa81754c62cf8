use super::{KAFKA_KEY, KAFKA_NULL, messages_of, to_batch};
use crate::message::Parts;
use crate::run::RunBuilder;
use amqp_wire::{Properties, RawProperties, RawTable, ShortBytes, Table, Value};
use bytes::Bytes;
use kafka_wire::compression::{Compression, Limits};
use kafka_wire::records::{BatchBuilder, Headers, Record, Records};

fn properties(table: &Table) -> Bytes {
    let table = table.to_bytes().expect("a short table");
    let properties = Properties {
        content_type: ShortBytes::new(b"text/plain").ok(),
        headers: Some(RawTable::new(&table)),
        priority: Some(3),
        ..Properties::default()
    };
    properties.to_bytes().expect("short properties")
}

fn published(properties: &[u8], body: &[u8]) -> Bytes {
    let mut run = RunBuilder::new(1_700_000_000_123);
    run.push(b"events", b"a.b", properties, body, 3, None);
    to_batch(&run.seal().expect("a message")).expect("a batch")
}

fn read(batch: &Bytes) -> Vec<(i64, Parts)> {
    messages_of("queue", 40, batch, Limits::default())
        .expect("a sound batch")
        .into_iter()
        .map(|(offset, message)| (offset, message.parts().expect("a message")))
        .collect()
}

fn records(batch: &Bytes) -> Vec<Record> {
    Records::new(batch, Limits::default())
        .expect("a batch")
        .collect::<Result<_, _>>()
        .expect("sound records")
}

fn header<'a>(record: &'a Record, name: &str) -> Option<Option<&'a [u8]>> {
    let mut headers = record.headers.view().iter();
    headers.find_map(|(key, value)| (key == name.as_bytes()).then_some(value))
}

#[test]
fn what_amqp_wrote_reads_back_to_the_byte_and_kafka_sees_its_headers() {
    let nested = Table::from_iter([("deep", 1)]);
    let table = Table::from_iter([
        ("text", Value::from("ünï")),
        ("number", Value::I16(-7)),
        ("flag", Value::Bool(true)),
        ("raw", Value::Bytes(Bytes::from_static(b"\xff"))),
        ("nothing", Value::Void),
        ("half", Value::F64(0.5)),
        ("table", Value::Table(nested)),
        ("amqp.exchange", Value::from("a lie")),
    ]);
    let properties = properties(&table);
    let batch = published(&properties, b"body");
    let (offset, parts) = read(&batch).remove(0);
    assert_eq!(offset, 40);
    assert_eq!(parts.properties, properties);
    assert_eq!(
        (&parts.exchange[..], &parts.routing_key[..]),
        (&b"events"[..], &b"a.b"[..])
    );
    let record = records(&batch).remove(0);
    assert_eq!(
        (record.key.as_deref(), record.value.as_deref()),
        (None, Some(&b"body"[..]))
    );
    for (name, value) in [
        ("text", Some(Some("ünï".as_bytes()))),
        ("number", Some(Some(b"-7".as_slice()))),
        ("flag", Some(Some(b"true"))),
        ("raw", Some(Some(b"\xff"))),
        ("nothing", Some(None)),
        ("half", Some(Some(b"0.5"))),
        ("table", None),
        ("amqp.exchange", Some(Some(b"events"))),
        ("amqp.properties", Some(Some(&properties))),
    ] {
        assert_eq!(header(&record, name), value, "{name}");
    }
}

#[test]
fn a_run_without_headers_is_stored_as_it_is() {
    let mut run = RunBuilder::new(5);
    run.push(b"", b"q", b"\0\0", b"one", 0, None);
    let run = run.seal().expect("a message");
    let batch = to_batch(&run).expect("a batch");
    assert_eq!(batch.as_ptr(), run.batch().as_ptr());
}

#[test]
fn what_kafka_wrote_survives_the_way_through_amqp() {
    for (key, value, compression) in [
        (Some(&b"k1"[..]), Some(&b"v"[..]), Compression::None),
        (Some(b"\xff\x00"), Some(b""), Compression::Gzip),
        (None, Some(b"only a value"), Compression::Zstd),
        (Some(b"gone"), None, Compression::None),
    ] {
        let mut builder = BatchBuilder::new(compression);
        let wanted = [
            (&b"trace"[..], Some(&b"abc"[..])),
            (b"trace", Some(b"\xfe")),
            (b"empty", None),
        ];
        let headers: Headers = wanted.into_iter().collect();
        builder
            .push(1_700_000_000_999, key, value, headers.view())
            .expect("short");
        let (offset, parts) = read(&builder.build().expect("a batch")).remove(0);
        assert_eq!((offset, &parts.routing_key[..]), (40, &b"queue"[..]));
        let shown = RawProperties::new(&parts.properties)
            .validate()
            .expect("sound");
        assert_eq!(shown.timestamp.map(|at| at.0), Some(1_700_000_000));
        let table = Table::decode(shown.headers.expect("headers")).expect("sound");
        assert_eq!(table.get(KAFKA_KEY).is_some(), key.is_some());
        assert_eq!(table.get(KAFKA_NULL).is_some(), value.is_none());
        let record = records(&published(&parts.properties, &parts.body)).remove(0);
        assert_eq!(
            (record.key.as_deref(), record.value.as_deref()),
            (key, value)
        );
        let foreign: Vec<_> = record
            .headers
            .view()
            .iter()
            .filter(|(name, _)| !name.starts_with(b"amqp."))
            .collect();
        assert_eq!(foreign, wanted);
    }
}

#[test]
fn control_records_are_not_shown() {
    let mut builder = BatchBuilder::new(Compression::None).control();
    builder
        .push(
            0,
            Some(b"\0\0\0\0"),
            Some(b"\0\0"),
            Headers::default().view(),
        )
        .expect("short");
    assert_eq!(read(&builder.build().expect("a batch")), []);
}
