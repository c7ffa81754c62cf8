//! The arguments of stream queues and the settings of the topics that they are.

use crate::arguments::{self, MAX_AGE, MAX_LENGTH_BYTES, QUEUE_TYPE, SEGMENT_BYTES};
use crate::session::{FRAME_MAX, MESSAGE_BYTES_MAX};
use amqp_wire::{RawTable, Table};
use bytes::Bytes;
use cluster::Topic;
use std::collections::BTreeMap;

/// `max.message.bytes` of topics that are made here: AMQP's largest message with the largest header.
const BATCH_BYTES_MAX: u64 = MESSAGE_BYTES_MAX + FRAME_MAX as u64 + 1024;

const RETENTION_MS: &str = "retention.ms";
const RETENTION_BYTES: &str = "retention.bytes";
const SEGMENT: &str = "segment.bytes";

/// The settings that a topic is made with. Without a limit in its arguments a stream queue keeps
/// everything, which is not Kafka's default.
#[must_use]
pub fn of_new(arguments: RawTable<'_>) -> BTreeMap<String, String> {
    let mut configs = BTreeMap::from([
        ("max.message.bytes", BATCH_BYTES_MAX.to_string()),
        (RETENTION_MS, "-1".to_owned()),
    ]);
    configs.extend(wanted(arguments));
    configs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The settings that the arguments of a declaration stand for.
#[must_use]
pub fn wanted(table: RawTable<'_>) -> BTreeMap<&'static str, String> {
    let number = |name| {
        let value = table.get(name).ok().flatten()?;
        value.as_integer()
    };
    let mut configs = BTreeMap::new();
    if let Ok(Some(value)) = table.get(MAX_AGE)
        && let Some(ms) = value.as_str().and_then(arguments::interval_ms)
    {
        configs.insert(RETENTION_MS, ms.to_string());
    }
    if let Some(bytes) = number(MAX_LENGTH_BYTES) {
        configs.insert(RETENTION_BYTES, bytes.to_string());
    }
    if let Some(bytes) = number(SEGMENT_BYTES) {
        // A segment holds one message at least, and Kafka counts its bytes with 31 bits.
        let least = i64::try_from(BATCH_BYTES_MAX).unwrap_or(i64::MAX);
        let bytes = bytes.clamp(least, i32::MAX.into());
        configs.insert(SEGMENT, bytes.to_string());
    }
    configs
}

/// The first setting of a topic that is not as the arguments of a declaration want it: its name, what is
/// wanted and what is.
#[must_use]
pub fn difference(
    arguments: RawTable<'_>,
    topic: &Topic,
) -> Option<(&'static str, String, String)> {
    wanted(arguments).into_iter().find_map(|(name, value)| {
        let current = topic.configs.get(name);
        let differs = current != Some(&value);
        differs.then(|| {
            let current = current.map_or("none", String::as_str);
            (name, value, current.to_owned())
        })
    })
}

/// The arguments that would declare a topic as the stream queue that it is, without their table's length.
#[must_use]
pub fn arguments_of(topic: &Topic) -> Bytes {
    const SECOND_MS: i64 = 1000;
    let number = |config: &str| topic.configs.get(config)?.parse::<i64>().ok();
    let mut table = Table::from_iter([(QUEUE_TYPE, "stream")]);
    // RabbitMQ counts a queue's age in seconds.
    if let Some(ms) = number(RETENTION_MS).filter(|ms| *ms >= SECOND_MS) {
        table.insert(MAX_AGE, format!("{}s", ms / SECOND_MS));
    }
    if let Some(bytes) = number(RETENTION_BYTES).filter(|bytes| *bytes >= 0) {
        table.insert(MAX_LENGTH_BYTES, bytes);
    }
    if let Some(bytes) = number(SEGMENT) {
        table.insert(SEGMENT_BYTES, bytes);
    }
    // Names and values are short.
    table.to_bytes().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{arguments_of, difference, of_new};
    use amqp_wire::{RawTable, Table, Value};
    use base::Timestamp;
    use cluster::Topic;

    #[test]
    fn a_topic_declares_itself_again() {
        let arguments = Table::from_iter([
            ("x-queue-type", Value::from("stream")),
            ("x-max-age", Value::from("2h")),
            ("x-max-length-bytes", Value::I32(1_000_000)),
            ("x-stream-max-segment-size-bytes", Value::I64(1)),
        ]);
        let arguments = arguments.to_bytes().expect("short");
        let topic = Topic {
            name: "orders".to_owned(),
            id: 1,
            partitions: Vec::new(),
            configs: of_new(RawTable::new(&arguments)),
            created: Timestamp(0),
        };
        assert_eq!(difference(RawTable::new(&arguments), &topic), None);
        let again = arguments_of(&topic);
        assert_eq!(difference(RawTable::new(&again), &topic), None);
        assert_eq!(of_new(RawTable::new(&again)), topic.configs);

        let other = Table::from_iter([("x-max-age", Value::from("1h"))]);
        let other = other.to_bytes().expect("short");
        let expected = ("retention.ms", "3600000".to_owned(), "7200000".to_owned());
        assert_eq!(difference(RawTable::new(&other), &topic), Some(expected));
    }
}
