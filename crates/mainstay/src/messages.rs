//! Messages of a topic's first partition, sent and read by the commands' own client.
//!
//! For few and small messages: each call sends one batch or holds all that it reads. It commits no offsets.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kafka_wire::compression::{Compression, Limits};
use kafka_wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_wire::record_batch::BatchHeader;
use kafka_wire::records::{BatchBuilder, HeadersView, OpenBatch};
use kafka_wire::{Chunks, ErrorCode};

use crate::client::{Connection, check};

/// How often a topic is asked for that is being made.
const ASKS_MAX: usize = 50;
const ASK_PAUSE: Duration = Duration::from_millis(100);
/// The log answers within milliseconds; this is for a machine that is very busy.
const TIMEOUT_MS: i32 = 30_000;
/// The most that one fetch brings.
const FETCH_BYTES: i32 = 1 << 20;

/// Has a topic made by asking for it, as consumers and producers do.
///
/// # Errors
/// Where it is not made, or not in time.
pub fn ensure_topic(connection: &mut Connection, topic: &str) -> Result<()> {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(topic.into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    for _ in 0..ASKS_MAX {
        let answer = connection.call(4..=9, &request)?;
        let found = answer.topics.first().context("no answer for the topic")?;
        let ready = found.error_code == ErrorCode::None && !found.partitions.is_empty();
        if ready {
            return Ok(());
        }
        std::thread::sleep(ASK_PAUSE);
    }
    bail!("{topic} was not made")
}

/// Appends messages and returns the offset of the first, when the log has them on disk.
///
/// # Errors
/// Where there are none, or the log does not take them.
pub fn send(connection: &mut Connection, topic: &str, messages: &[String]) -> Result<i64> {
    let mut batch = BatchBuilder::new(Compression::None);
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for message in messages {
        batch.push(
            now_ms,
            None,
            Some(message.as_bytes()),
            HeadersView::default(),
        )?;
    }
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: TIMEOUT_MS,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch.build()?),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let answer = connection.call(3..=8, &request)?;
    let mut partitions = answer.responses.iter().flat_map(|t| &t.partition_responses);
    let partition = partitions.next().context("no answer for the partition")?;
    check(topic, partition.error_code, None)?;
    Ok(partition.base_offset)
}

/// Reads everything from an offset on.
///
/// # Errors
/// Where there is no such topic or offset, or what is there cannot be read.
pub fn read(connection: &mut Connection, topic: &str, from: i64) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    let mut offset = from;
    loop {
        let request = FetchRequest {
            max_wait_ms: 0,
            min_bytes: 0,
            topics: vec![FetchTopic {
                topic: topic.into(),
                partitions: vec![FetchPartition {
                    fetch_offset: offset,
                    partition_max_bytes: FETCH_BYTES,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let answer = connection.call(4..=11, &request)?;
        let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let partition = partitions.next().context("no answer for the partition")?;
        check(topic, partition.error_code, None)?;
        let records = partition
            .records
            .as_ref()
            .map(Chunks::to_bytes)
            .unwrap_or_default();
        if records.is_empty() {
            return Ok(messages);
        }
        offset = batches(&records, offset, &mut messages)?;
    }
}

/// Takes the messages from an offset on out of batches; gives the offset behind them.
fn batches(mut rest: &[u8], from: i64, messages: &mut Vec<String>) -> Result<i64> {
    let mut next = from;
    while let Ok(header) = BatchHeader::parse(rest) {
        let batch = OpenBatch::new(rest, Limits::default())?;
        for (index, record) in (header.base_offset..).zip(batch.records()) {
            if index >= from {
                messages.push(String::from_utf8_lossy(record?.value.unwrap_or_default()).into());
            }
        }
        next = header.last_offset() + 1;
        rest = rest.get(header.len..).unwrap_or_default();
    }
    Ok(next)
}
