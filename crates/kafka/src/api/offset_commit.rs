//! OffsetCommit: stores how far a group has come.
//!
//! Positions are stored under a topic's id, so that a topic that is made again under its old name starts without any. Version
//! 0, which Kafka wrote to ZooKeeper, stores them like the others.

use super::Context;
use crate::groups::{CommitOffset, CommitOffsets, Reply, Request, Topic, TopicId};
use crate::partitions;
use base::Timestamp;
use kafka_wire::ErrorCode;
use kafka_wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use std::sync::Arc;
use std::time::Duration;

/// From this version on topics are named by id.
const TOPIC_ID_VERSION: i16 = 10;
/// From this version on an unknown group has an error of its own (KIP-848).
const UNKNOWN_GROUP_VERSION: i16 = 9;

pub(super) async fn handle(
    context: &Context<'_>,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let (mut offsets, mut slots) = (Vec::new(), Vec::new());
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let at = topics.len();
        let response = take_topic(context, topic, |partition, offset| {
            slots.push((at, partition));
            offsets.push(offset);
        });
        topics.push(response);
    }
    let commit = CommitOffsets {
        group: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(String::from),
        generation: request.generation_id_or_member_epoch,
        names_unknown_group: context.version >= UNKNOWN_GROUP_VERSION,
        retention: u64::try_from(request.retention_time_ms)
            .ok()
            .map(Duration::from_millis),
        offsets,
    };
    let coordinator = context.broker.coordinator(&commit.group);
    let outcomes = match coordinator.ask(Request::CommitOffsets(commit)).await {
        Some(Reply::CommitOffsets(outcomes)) => outcomes.map_err(ErrorCode::from),
        _ => Err(ErrorCode::CoordinatorNotAvailable),
    };
    for (number, (topic, partition)) in slots.into_iter().enumerate() {
        let error_code = match &outcomes {
            Ok(outcomes) => outcomes
                .get(number)
                .and_then(|outcome| outcome.error)
                .map_or(ErrorCode::None, ErrorCode::from),
            Err(error_code) => *error_code,
        };
        let topic: &mut OffsetCommitResponseTopic = &mut topics[topic];
        topic.partitions[partition].error_code = error_code;
    }
    OffsetCommitResponse {
        topics,
        ..OffsetCommitResponse::default()
    }
}

/// Calls `take` with each partition that exists, and its place in the response.
fn take_topic(
    context: &Context<'_>,
    topic: OffsetCommitRequestTopic,
    mut take: impl FnMut(usize, CommitOffset),
) -> OffsetCommitResponseTopic {
    let topics = context.broker.catalog.topics();
    let by_id = context.version >= TOPIC_ID_VERSION;
    let found = partitions::topic(&topics, &topic.name, topic.topic_id, by_id).map(|found| {
        let name: Arc<str> = found.name.as_str().into();
        (found, name)
    });
    let mut responses = Vec::with_capacity(topic.partitions.len());
    for asked in topic.partitions {
        let mut response = OffsetCommitResponsePartition {
            partition_index: asked.partition_index,
            ..OffsetCommitResponsePartition::default()
        };
        match &found {
            Err(error_code) => response.error_code = *error_code,
            Ok((found, name)) => {
                match partitions::stream(context.broker, found, asked.partition_index) {
                    Err(error_code) => response.error_code = error_code,
                    Ok(_) => {
                        let topic = Topic {
                            id: TopicId(found.id),
                            name: name.clone(),
                        };
                        take(responses.len(), offset(topic, asked));
                    }
                }
            }
        }
        responses.push(response);
    }
    OffsetCommitResponseTopic {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: responses,
    }
}

fn offset(topic: Topic, asked: OffsetCommitRequestPartition) -> CommitOffset {
    CommitOffset {
        topic,
        partition: asked.partition_index,
        offset: asked.committed_offset,
        leader_epoch: Some(asked.committed_leader_epoch).filter(|epoch| *epoch >= 0),
        metadata: asked
            .committed_metadata
            .map(String::from)
            .unwrap_or_default(),
        timestamp: Some(asked.commit_timestamp)
            .filter(|at| *at >= 0)
            .map(Timestamp),
    }
}
