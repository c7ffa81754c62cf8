//! OffsetFetch: how far groups have come.
//!
//! Where nothing is stored the answer is -1 without an error, in version 0 too. There are no transactions, so that every
//! position is stable.

use super::Context;
use crate::groups::{CommittedOffset, FetchOffsets, Position, Reply, Request, TopicId, Wanted};
use crate::partitions;
use cluster::Topics;
use kafka_wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopics, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_wire::{ErrorCode, Str, Uuid};
use std::collections::HashSet;

/// From this version on there are several groups (KIP-709).
const GROUPS_VERSION: i16 = 8;
/// From this version on topics are named by id.
const TOPIC_ID_VERSION: i16 = 10;
/// From this version on an error of a whole group stands beside its topics.
const GROUP_ERROR_VERSION: i16 = 2;

pub(super) async fn handle(
    context: &Context<'_>,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if context.version < GROUPS_VERSION {
        let topics = request.topics.map(|topics| {
            let wanted = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
                name: topic.name,
                partition_indexes: topic.partition_indexes,
                ..OffsetFetchRequestTopics::default()
            });
            wanted.collect()
        });
        return single(context, group(context, request.group_id, topics).await);
    }
    let mut seen = HashSet::new();
    let mut groups = Vec::with_capacity(request.groups.len());
    for asked in request.groups {
        // Each group once, or a short request could ask for any amount of memory.
        if seen.insert(asked.group_id.clone()) {
            groups.push(group(context, asked.group_id, asked.topics).await);
        }
    }
    OffsetFetchResponse {
        groups,
        ..OffsetFetchResponse::default()
    }
}

/// A response of the versions that know one group.
fn single(context: &Context<'_>, group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let partition = |from: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: from.partition_index,
        committed_offset: from.committed_offset,
        committed_leader_epoch: from.committed_leader_epoch,
        metadata: from.metadata,
        error_code: if context.version < GROUP_ERROR_VERSION && group.error_code.is_error() {
            group.error_code
        } else {
            from.error_code
        },
    };
    let topics = group
        .topics
        .into_iter()
        .map(|topic| OffsetFetchResponseTopic {
            name: topic.name,
            partitions: topic.partitions.into_iter().map(partition).collect(),
        });
    OffsetFetchResponse {
        topics: topics.collect(),
        error_code: group.error_code,
        ..OffsetFetchResponse::default()
    }
}

async fn group(
    context: &Context<'_>,
    group_id: Str,
    asked: Option<Vec<OffsetFetchRequestTopics>>,
) -> OffsetFetchResponseGroup {
    let mut response = OffsetFetchResponseGroup {
        group_id,
        ..OffsetFetchResponseGroup::default()
    };
    let topics = context.broker.catalog.topics();
    let wanted = match &asked {
        None => Wanted::All,
        Some(asked) => Wanted::Partitions(known(context, &topics, asked)),
    };
    let fetch = FetchOffsets {
        group: response.group_id.to_string(),
        wanted,
    };
    let coordinator = context.broker.coordinator(&fetch.group);
    let committed = match coordinator.ask(Request::FetchOffsets(fetch)).await {
        Some(Reply::FetchOffsets(committed)) => committed,
        _ => {
            response.error_code = ErrorCode::CoordinatorNotAvailable;
            Vec::new()
        }
    };
    response.topics = match asked {
        None => everything(&topics, committed),
        Some(asked) => answers(context, &topics, asked, committed),
    };
    response
}

/// The partitions of those topics that exist, in the order of the request.
fn known(
    context: &Context<'_>,
    topics: &Topics,
    asked: &[OffsetFetchRequestTopics],
) -> Vec<(TopicId, i32)> {
    let by_id = context.version >= TOPIC_ID_VERSION;
    let mut wanted = Vec::new();
    for topic in asked {
        if let Ok(found) = partitions::topic(topics, &topic.name, topic.topic_id, by_id) {
            let id = TopicId(found.id);
            wanted.extend(topic.partition_indexes.iter().map(|index| (id, *index)));
        }
    }
    wanted
}

/// What was asked for, in the order of the request.
fn answers(
    context: &Context<'_>,
    topics: &Topics,
    asked: Vec<OffsetFetchRequestTopics>,
    committed: Vec<CommittedOffset>,
) -> Vec<OffsetFetchResponseTopics> {
    let by_id = context.version >= TOPIC_ID_VERSION;
    let mut committed = committed.into_iter();
    let mut responses = Vec::with_capacity(asked.len());
    for topic in asked {
        let found = partitions::topic(topics, &topic.name, topic.topic_id, by_id);
        let answer = |index: &i32| match found {
            Ok(_) => answer(*index, committed.next().and_then(|offset| offset.position)),
            Err(ErrorCode::UnknownTopicId) => OffsetFetchResponsePartitions {
                error_code: ErrorCode::UnknownTopicId,
                ..answer(*index, None)
            },
            Err(_) => answer(*index, None),
        };
        responses.push(OffsetFetchResponseTopics {
            partitions: topic.partition_indexes.iter().map(answer).collect(),
            name: topic.name,
            topic_id: topic.topic_id,
        });
    }
    responses
}

/// All that is stored, in the order of topics' ids.
fn everything(topics: &Topics, committed: Vec<CommittedOffset>) -> Vec<OffsetFetchResponseTopics> {
    let mut responses: Vec<OffsetFetchResponseTopics> = Vec::new();
    for offset in committed {
        // A topic that was just deleted is forgotten by the coordinator in a moment.
        let Some(topic) = topics.by_id(offset.topic.0) else {
            continue;
        };
        let partition = answer(offset.partition, offset.position);
        match responses.last_mut() {
            Some(last) if u128::from(last.topic_id) == topic.id => last.partitions.push(partition),
            _ => responses.push(OffsetFetchResponseTopics {
                name: Str::from(&topic.name),
                topic_id: Uuid::from(topic.id),
                partitions: vec![partition],
            }),
        }
    }
    responses
}

fn answer(partition_index: i32, position: Option<Position>) -> OffsetFetchResponsePartitions {
    let nothing = OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        metadata: Some(Str::default()),
        ..OffsetFetchResponsePartitions::default()
    };
    match position {
        None => nothing,
        Some(position) => OffsetFetchResponsePartitions {
            committed_offset: position.offset,
            committed_leader_epoch: position.leader_epoch.unwrap_or(-1),
            metadata: Some(Str::from(position.metadata)),
            ..nothing
        },
    }
}
