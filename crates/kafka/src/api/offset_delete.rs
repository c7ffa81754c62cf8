//! OffsetDelete: a group forgets how far it has come (KIP-496).

use super::Context;
use crate::groups::{DeleteOffset, DeleteOffsets, Reply, Request, Topic, TopicId};
use kafka_wire::ErrorCode;
use kafka_wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

pub(super) async fn handle(
    context: &Context<'_>,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let catalog = context.broker.catalog.topics();
    let (mut offsets, mut slots) = (Vec::new(), Vec::new());
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let found = catalog.get(&topic.name).map(|found| Topic {
            id: TopicId(found.id),
            name: found.name.as_str().into(),
        });
        let partitions = topic
            .partitions
            .iter()
            .map(|asked| OffsetDeleteResponsePartition {
                partition_index: asked.partition_index,
                error_code: match &found {
                    Some(_) => ErrorCode::None,
                    None => ErrorCode::UnknownTopicOrPartition,
                },
            });
        let partitions: Vec<_> = partitions.collect();
        if let Some(found) = found {
            for (at, partition) in partitions.iter().enumerate() {
                slots.push((topics.len(), at));
                offsets.push(DeleteOffset {
                    topic: found.clone(),
                    partition: partition.partition_index,
                });
            }
        }
        topics.push(OffsetDeleteResponseTopic {
            name: topic.name,
            partitions,
        });
    }
    let deletion = DeleteOffsets {
        group: request.group_id.to_string(),
        offsets,
    };
    let coordinator = context.broker.coordinator(&deletion.group);
    let failed = |error_code| OffsetDeleteResponse {
        error_code,
        ..OffsetDeleteResponse::default()
    };
    let outcomes = match coordinator.ask(Request::DeleteOffsets(deletion)).await {
        Some(Reply::DeleteOffsets(Ok(outcomes))) => outcomes,
        Some(Reply::DeleteOffsets(Err(error))) => return failed(error.into()),
        _ => return failed(ErrorCode::CoordinatorNotAvailable),
    };
    for ((topic, partition), outcome) in slots.into_iter().zip(outcomes) {
        let error_code = outcome.error.map_or(ErrorCode::None, ErrorCode::from);
        topics[topic].partitions[partition].error_code = error_code;
    }
    OffsetDeleteResponse {
        topics,
        ..OffsetDeleteResponse::default()
    }
}
