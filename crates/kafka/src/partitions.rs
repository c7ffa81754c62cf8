//! How partitions are asked for, whatever the API.

use crate::broker::Broker;
use cluster::{Topic, Topics};
use commitlog::Stream;
use kafka_wire::{ErrorCode, Uuid};
use std::sync::Arc;

/// Partitions of one topic. Each costs memory and a place in the checkpoint; Kafka's own advice is far lower.
pub(crate) const PARTITIONS_MAX: u32 = 10_000;

/// The topic that a request means: by its id from the version on that knows ids, by name before.
pub(crate) fn topic<'a>(
    topics: &'a Topics,
    name: &str,
    id: Uuid,
    by_id: bool,
) -> Result<&'a Arc<Topic>, ErrorCode> {
    if by_id {
        topics.by_id(id.into()).ok_or(ErrorCode::UnknownTopicId)
    } else {
        topics.get(name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// The stream of a partition.
pub(crate) fn stream(
    broker: &Broker,
    topic: &Topic,
    partition: i32,
) -> Result<Arc<Stream>, ErrorCode> {
    broker
        .stream(topic, partition)
        .ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Compares the leader's epoch that the client knows, -1 for none, with ours (KIP-320).
pub(crate) fn check_leader_epoch(broker: &Broker, known: i32) -> Result<(), ErrorCode> {
    let ours = broker.leader_epoch();
    match known {
        -1 => Ok(()),
        known if known < ours => Err(ErrorCode::FencedLeaderEpoch),
        known if known > ours => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}
