//! OffsetForLeaderEpoch: where a leader epoch ends, so that a consumer notices when what it has read is gone (KIP-320).

use super::Context;
use crate::partitions;
use commitlog::Stream;
use kafka_wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use kafka_wire::{ErrorCode, Uuid};

pub(super) fn handle(
    context: &Context<'_>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let mut response = EpochEndOffset {
                partition: asked.partition,
                ..EpochEndOffset::default()
            };
            match find(context, &topic.topic, asked) {
                Ok(Some((epoch, end_offset))) => {
                    response.leader_epoch = epoch;
                    response.end_offset = end_offset;
                }
                // An epoch that was never there has no end, which is no error.
                Ok(None) => {}
                Err(error_code) => response.error_code = error_code,
            }
            response
        });
        OffsetForLeaderTopicResult {
            partitions: partitions.collect(),
            topic: topic.topic,
        }
    });
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    }
}

fn find(
    context: &Context<'_>,
    name: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<(i32, i64)>, ErrorCode> {
    let broker = context.broker;
    let topics = broker.catalog.topics();
    let topic = partitions::topic(&topics, name, Uuid::ZERO, false)?;
    let stream = partitions::stream(broker, topic, asked.partition)?;
    partitions::check_leader_epoch(broker, asked.current_leader_epoch)?;
    let current = broker.leader_epoch();
    if !(0..=current).contains(&asked.leader_epoch) {
        return Ok(None);
    }
    Ok(Some(end_of(&stream, asked.leader_epoch, current)))
}

/// The newest epoch that is not newer than `epoch`, and the offset after its last record. The current epoch is known
/// although nothing may have been written under it.
fn end_of(stream: &Stream, epoch: i32, current: i32) -> (i32, i64) {
    let end = stream.bounds().high_watermark;
    if epoch == current {
        return (epoch, end);
    }
    let number = |of: base::Epoch| i32::try_from(of.0).unwrap_or(i32::MAX);
    let epochs = stream.epochs();
    let after = epochs.partition_point(|(start, _)| number(*start) <= epoch);
    let known = after
        .checked_sub(1)
        .map_or(epoch, |last| number(epochs[last].0));
    (known, epochs.get(after).map_or(end, |(_, start)| *start))
}
