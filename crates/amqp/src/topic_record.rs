//! Messages of stream queues: AMQP messages as records of a Kafka topic, and records as messages
//! (`docs/formats/amqp-in-record.md`).
//!
//! Both ways lose nothing: what AMQP wrote, AMQP reads back to the byte; what Kafka wrote, and AMQP
//! read and published again, has the same key, value and headers, and ours besides. It does not
//! choose offsets and checks no limit.

use crate::message::{EXCHANGE, Message, PROPERTIES, ROUTING_KEY};
use crate::run::{Run, RunBuilder};
use amqp_wire::field::Timestamp;
use amqp_wire::{
    EncodeError, Properties, RawProperties, RawTable, RawValue, ShortBytes, Table, Value,
};
use base::Offset;
use bytes::Bytes;
use kafka_wire::compression::{Compression, Limits};
use kafka_wire::records::{BatchBuilder, BuildError, Headers, Record, Records, RecordsError};

/// AMQP header that shows a record's key, and sets it.
pub const KAFKA_KEY: &str = "x-kafka-key";
/// AMQP header that shows that a record is a tombstone, and makes one of an empty body.
pub const KAFKA_NULL: &str = "x-kafka-null";
/// Names of record headers that are not taken from a message's own headers.
const RESERVED: [&[u8]; 2] = [b"amqp.", b"x-kafka-"];
/// Persistent, as RabbitMQ marks what a stream holds.
const PERSISTENT: u8 = 2;

/// A batch of a topic, without base offset, of the messages of a run.
///
/// # Errors
/// Where the records do not fit into one batch.
pub fn to_batch(run: &Run) -> Result<Bytes, BuildError> {
    // Without headers of its own a message is in a topic as it is in a queue.
    let plain = run.messages().all(|(message, _)| !has_headers(&message));
    if plain {
        return Ok(run.batch().clone());
    }
    let mut batch = BatchBuilder::new(Compression::None);
    for (message, mark) in run.messages() {
        let Ok(parts) = message.parts() else { continue };
        let headers = headers_of(&parts.properties);
        let key = headers.get(KAFKA_KEY).ok().flatten().and_then(bytes_of);
        let null = parts.body.is_empty()
            && matches!(headers.get(KAFKA_NULL), Ok(Some(RawValue::Bool(true))));
        let own = [
            (EXCHANGE, &parts.exchange),
            (ROUTING_KEY, &parts.routing_key),
            (PROPERTIES, &parts.properties),
        ];
        let copies: Vec<_> = headers.iter().flatten().filter_map(readable).collect();
        let all: Headers = own
            .iter()
            .map(|(name, value)| (*name, Some(&value[..])))
            .chain(copies.iter().map(|(name, value)| (*name, value.as_deref())))
            .collect();
        let value = (!null).then_some(&parts.body[..]);
        batch.push(mark.published_ms, key, value, all.view())?;
    }
    batch.build()
}

/// The messages of a batch with their offsets; none where it is one of control records. What a Kafka
/// client wrote has the queue's name for its routing key, as if published to the default exchange.
///
/// # Errors
/// Where the batch is damaged, or grows beyond `limits` when it is decompressed.
pub fn messages_of(
    queue: &str,
    base_offset: Offset,
    batch: &Bytes,
    limits: Limits,
) -> Result<Vec<(Offset, Message)>, RecordsError> {
    let records = Records::new(batch, limits)?;
    let header = *records.header();
    if header.is_control() {
        return Ok(Vec::new());
    }
    let mut run = RunBuilder::new(header.max_timestamp);
    let mut offsets = Vec::new();
    for record in records {
        let record = record?;
        offsets.push(base_offset + (record.offset - header.base_offset));
        push(&mut run, queue, &record);
    }
    let Some(run) = run.seal() else {
        return Ok(Vec::new());
    };
    let messages = run.messages().map(|(message, _)| message);
    Ok(offsets.into_iter().zip(messages).collect())
}

/// Whether the record of a message has a key in a topic.
#[must_use]
pub fn has_key(message: &Message) -> bool {
    message.parts().is_ok_and(|parts| {
        let headers = headers_of(&parts.properties);
        let key = headers.get(KAFKA_KEY).ok().flatten();
        key.and_then(bytes_of).is_some()
    })
}

fn has_headers(message: &Message) -> bool {
    message
        .parts()
        .is_ok_and(|parts| !headers_of(&parts.properties).is_empty())
}

fn headers_of(properties: &[u8]) -> RawTable<'_> {
    let decoded = RawProperties::new(properties).decode();
    decoded
        .ok()
        .and_then(|properties| properties.headers)
        .unwrap_or_default()
}

fn bytes_of(value: RawValue<'_>) -> Option<&[u8]> {
    match value {
        RawValue::LongStr(bytes) | RawValue::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// A message's header as Kafka clients read it; `None` where it has no such form or its name is reserved.
fn readable<'a>(
    (name, value): (ShortBytes<'a>, RawValue<'a>),
) -> Option<(&'a [u8], Option<Vec<u8>>)> {
    let name = name.as_bytes();
    if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
        return None;
    }
    let text = match value {
        RawValue::Void => return Some((name, None)),
        RawValue::LongStr(bytes) | RawValue::Bytes(bytes) => bytes.to_vec(),
        RawValue::Bool(value) => value.to_string().into(),
        RawValue::Timestamp(value) => value.to_string().into(),
        RawValue::F32(value) => value.to_string().into(),
        RawValue::F64(value) => value.to_string().into(),
        other => other.as_integer()?.to_string().into(),
    };
    Some((name, Some(text)))
}

fn push(run: &mut RunBuilder, queue: &str, record: &Record) {
    let find = |name: &[u8]| {
        let mut headers = record.headers.view().iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.unwrap_or_default()))
    };
    let body = record.value.as_deref().unwrap_or_default();
    let written_here =
        find(PROPERTIES).filter(|properties| RawProperties::new(properties).validate().is_ok());
    if let Some(properties) = written_here {
        let (exchange, routing_key) = (find(EXCHANGE), find(ROUTING_KEY));
        run.push(
            exchange.unwrap_or_default(),
            routing_key.unwrap_or_default(),
            properties,
            body,
            0,
            None,
        );
        return;
    }
    // A table that is too long for a frame cannot come from a record that a broker took.
    let properties = properties_of(record).unwrap_or_else(|_| Bytes::from_static(&[0, 0]));
    run.push(b"", queue.as_bytes(), &properties, body, 0, None);
}

/// The properties that a record made by a Kafka client is shown with.
fn properties_of(record: &Record) -> Result<Bytes, EncodeError> {
    let mut table = Table::new();
    for header in record.headers.iter() {
        if ShortBytes::new(&header.key).is_ok() {
            table.push(header.key, header.value.map_or(Value::Void, value_of));
        }
    }
    if let Some(key) = &record.key {
        table.push(KAFKA_KEY, value_of(key.clone()));
    }
    if record.value.is_none() {
        table.push(KAFKA_NULL, true);
    }
    let table = table.to_bytes()?;
    let properties = Properties {
        headers: (!table.is_empty()).then(|| RawTable::new(&table)),
        delivery_mode: Some(PERSISTENT),
        timestamp: u64::try_from(record.timestamp / 1000).ok().map(Timestamp),
        ..Properties::default()
    };
    properties.to_bytes()
}

/// Text as a string, anything else as bytes.
fn value_of(bytes: Bytes) -> Value {
    if std::str::from_utf8(&bytes).is_ok() {
        Value::LongStr(bytes)
    } else {
        Value::Bytes(bytes)
    }
}

#[cfg(test)]
mod tests;
