//! DeleteRecords: partitions start later than before.

use super::Context;
use crate::partitions;
use kafka_wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use kafka_wire::{ErrorCode, Uuid};

/// Means everything that there is.
const TO_THE_END: i64 = -1;

pub(super) async fn handle(
    context: &Context<'_>,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let outcome = delete(context, &topic.name, asked).await;
            partitions.push(DeleteRecordsPartitionResult {
                partition_index: asked.partition_index,
                low_watermark: outcome.unwrap_or(-1),
                error_code: outcome.err().unwrap_or_default(),
            });
        }
        topics.push(DeleteRecordsTopicResult {
            name: topic.name,
            partitions,
        });
    }
    DeleteRecordsResponse {
        topics,
        ..DeleteRecordsResponse::default()
    }
}

/// The offset that the partition starts at afterwards.
async fn delete(
    context: &Context<'_>,
    name: &str,
    asked: &DeleteRecordsPartition,
) -> Result<i64, ErrorCode> {
    let broker = context.broker;
    let (stream, deletes) = {
        let topics = broker.catalog.topics();
        let topic = partitions::topic(&topics, name, Uuid::ZERO, false)?;
        let stream = partitions::stream(broker, topic, asked.partition_index)?;
        (stream, broker.topic_settings(topic).deletes)
    };
    if !deletes {
        return Err(ErrorCode::PolicyViolation);
    }
    let bounds = stream.bounds();
    let offset = match asked.offset {
        TO_THE_END => bounds.high_watermark,
        offset => offset,
    };
    if !(0..=bounds.high_watermark).contains(&offset) {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    if offset > bounds.log_start {
        broker
            .log
            .shard(stream.shard())
            .trim(stream.id(), offset)
            .await
            .map_err(|_| ErrorCode::KafkaStorageError)?;
    }
    Ok(stream.bounds().log_start)
}
