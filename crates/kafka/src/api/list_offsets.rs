//! ListOffsets: the ends of partitions, and the first record of a time.

use super::Context;
use crate::partitions;
use commitlog::{ReadError, Stream};
use kafka_wire::compression::Limits;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use kafka_wire::records::{self, TimedOffset};
use kafka_wire::{ErrorCode, Uuid};

/// The special timestamps, each with the first version that knows it.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;
const SPECIALS: [(i64, i16); 6] = [
    (LATEST, 0),
    (EARLIEST, 0),
    (MAX_TIMESTAMP, 7),
    (EARLIEST_LOCAL, 8),
    (LATEST_TIERED, 9),
    (EARLIEST_PENDING_UPLOAD, 11),
];

/// Where something is; -1 stands for nothing, as on the wire.
struct Place {
    offset: i64,
    timestamp: i64,
    leader_epoch: i32,
}

const NOWHERE: Place = Place {
    offset: -1,
    timestamp: -1,
    leader_epoch: -1,
};

pub(super) async fn handle(
    context: &Context<'_>,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let mut response = ListOffsetsPartitionResponse {
                partition_index: asked.partition_index,
                ..ListOffsetsPartitionResponse::default()
            };
            if let Err(error_code) = answer(context, &topic.name, asked, &mut response).await {
                response.error_code = error_code;
            }
            partitions.push(response);
        }
        topics.push(ListOffsetsTopicResponse {
            name: topic.name,
            partitions,
        });
    }
    ListOffsetsResponse {
        topics,
        ..ListOffsetsResponse::default()
    }
}

async fn answer(
    context: &Context<'_>,
    name: &str,
    asked: &ListOffsetsPartition,
    response: &mut ListOffsetsPartitionResponse,
) -> Result<(), ErrorCode> {
    let broker = context.broker;
    let stream = {
        let topics = broker.catalog.topics();
        let topic = partitions::topic(&topics, name, Uuid::ZERO, false)?;
        partitions::stream(broker, topic, asked.partition_index)?
    };
    partitions::check_leader_epoch(broker, asked.current_leader_epoch)?;
    let known =
        |&(special, since): &(i64, i16)| special == asked.timestamp && context.version >= since;
    if asked.timestamp < 0 && !SPECIALS.iter().any(known) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    if context.version == 0 {
        response.old_style_offsets = old_style(context, &stream, asked).await?;
        return Ok(());
    }
    let place = find(context, &stream, asked.timestamp).await?;
    response.offset = place.offset;
    response.timestamp = place.timestamp;
    response.leader_epoch = place.leader_epoch;
    Ok(())
}

async fn find(context: &Context<'_>, stream: &Stream, timestamp: i64) -> Result<Place, ErrorCode> {
    let bounds = stream.bounds();
    let end = |offset: i64, nearest_record: i64| Place {
        offset,
        timestamp: -1,
        leader_epoch: epoch(stream, nearest_record),
    };
    Ok(match timestamp {
        LATEST => end(bounds.high_watermark, bounds.high_watermark - 1),
        EARLIEST | EARLIEST_LOCAL => end(bounds.log_start, bounds.log_start),
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => NOWHERE,
        MAX_TIMESTAMP => at(stream, newest(context, stream).await?),
        timestamp => at(stream, first_since(context, stream, timestamp).await?),
    })
}

fn at(stream: &Stream, record: Option<TimedOffset>) -> Place {
    record.map_or(NOWHERE, |record| Place {
        offset: record.offset,
        timestamp: record.timestamp,
        leader_epoch: epoch(stream, record.offset),
    })
}

/// The epoch under which a record was written; -1 where there is no such record.
fn epoch(stream: &Stream, offset: i64) -> i32 {
    let bounds = stream.bounds();
    if offset < bounds.log_start || offset >= bounds.high_watermark {
        return -1;
    }
    stream
        .epoch_at(offset)
        .and_then(|epoch| i32::try_from(epoch.0).ok())
        .unwrap_or(-1)
}

/// The first record, by offset, of this time or later.
async fn first_since(
    context: &Context<'_>,
    stream: &Stream,
    timestamp: i64,
) -> Result<Option<TimedOffset>, ErrorCode> {
    let mut from = stream.bounds().log_start;
    // A batch whose header promises too much is passed over.
    while let Some(batch) = batch_since(context, stream, timestamp, from).await? {
        let found = records::first_at_or_after(&batch, timestamp, from, Limits::default())
            .map_err(|error| unreadable(stream, &error))?;
        if found.is_some() {
            return Ok(found);
        }
        let header = kafka_wire::record_batch::BatchHeader::parse(&batch)
            .map_err(|error| unreadable(stream, &error.into()))?;
        from = header.last_offset() + 1;
    }
    Ok(None)
}

/// The record with the largest timestamp of all.
async fn newest(context: &Context<'_>, stream: &Stream) -> Result<Option<TimedOffset>, ErrorCode> {
    let Some(timestamp) = stream.max_timestamp() else {
        return Ok(None);
    };
    let from = stream.bounds().log_start;
    match batch_since(context, stream, timestamp, from).await? {
        Some(batch) => {
            records::latest(&batch, Limits::default()).map_err(|error| unreadable(stream, &error))
        }
        None => Ok(None),
    }
}

async fn batch_since(
    context: &Context<'_>,
    stream: &Stream,
    timestamp: i64,
    from: i64,
) -> Result<Option<bytes::Bytes>, ErrorCode> {
    let log = &context.broker.log;
    log.batch_at_timestamp(stream, timestamp, from)
        .await
        .map_err(|error| match error {
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Io(error) => {
                tracing::error!(%error, stream = %stream.id(), "a partition cannot be read");
                ErrorCode::KafkaStorageError
            }
        })
}

fn unreadable(stream: &Stream, error: &records::RecordsError) -> ErrorCode {
    tracing::error!(%error, stream = %stream.id(), "a batch cannot be read");
    ErrorCode::CorruptMessage
}

/// Version 0 asks for offsets before a time, the largest first: Kafka answers with the starts of its segments. Here a
/// partition is one segment, so there are its end, its start, and in between the first record that is not before the time.
async fn old_style(
    context: &Context<'_>,
    stream: &Stream,
    asked: &ListOffsetsPartition,
) -> Result<Vec<i64>, ErrorCode> {
    let bounds = stream.bounds();
    let first = match asked.timestamp {
        EARLIEST => bounds.log_start,
        LATEST => bounds.high_watermark,
        timestamp => first_since(context, stream, timestamp)
            .await?
            .map_or(bounds.high_watermark, |record| record.offset),
    };
    let mut offsets = vec![first, bounds.log_start];
    offsets.dedup();
    offsets.truncate(usize::try_from(asked.max_num_offsets).unwrap_or(0));
    Ok(offsets)
}
