//! Queues of all types: those of the catalog, and topics, which are stream queues.

use super::error::ApiError;
use super::{Call, arguments};
use cluster::{Partition, Queue, Topic, Vhost};
use serde_json::{Value, json};
use std::sync::Arc;

/// A queue.
#[derive(Debug, Clone)]
pub(super) enum AnyQueue {
    /// Classic or quorum.
    Queue(Arc<Queue>),
    /// A partition of a topic.
    Stream {
        vhost: Arc<str>,
        name: Arc<str>,
        topic: Arc<Topic>,
        partition: Partition,
    },
}

impl AnyQueue {
    /// The queue of this name, which the caller may look at.
    pub(super) fn find(call: &Call<'_>, vhost: &str, name: &str) -> Result<Self, ApiError> {
        let vhost = call.vhost(vhost)?;
        if let Some(queue) = vhost.queue(name) {
            return Ok(Self::Queue(queue.clone()));
        }
        let stream = call.topics.stream_queue(vhost.name(), name);
        let (topic, partition) = stream.ok_or(ApiError::NotFound)?;
        Ok(Self::Stream {
            vhost: vhost.name().clone(),
            name: name.into(),
            topic: topic.clone(),
            partition,
        })
    }

    /// All queues of a vhost, stream queues last.
    pub(super) fn all(call: &Call<'_>, vhost: &Vhost) -> Vec<Self> {
        let queues = vhost.queues().cloned().map(Self::Queue);
        let streams = call.topics.iter().flat_map(|topic| {
            let names = topic.stream_queues(vhost.name()).into_iter();
            let parts = names.zip(&topic.partitions);
            // A queue goes before a topic that has come by its name.
            let parts = parts.filter(|(name, _)| vhost.queue(name).is_none());
            parts.map(|(name, partition)| Self::Stream {
                vhost: vhost.name().clone(),
                name: name.into(),
                topic: topic.clone(),
                partition: *partition,
            })
        });
        queues.chain(streams).collect()
    }

    pub(super) fn vhost(&self) -> &Arc<str> {
        match self {
            Self::Queue(queue) => &queue.vhost,
            Self::Stream { vhost, .. } => vhost,
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        match self {
            Self::Queue(queue) => &queue.name,
            Self::Stream { name, .. } => name,
        }
    }

    pub(super) fn partition(&self) -> Partition {
        match self {
            Self::Queue(queue) => Partition {
                stream: queue.id,
                shard: queue.shard,
            },
            Self::Stream { partition, .. } => *partition,
        }
    }

    /// `x-queue-type`
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Queue(queue) => queue.kind.name(),
            Self::Stream { .. } => "stream",
        }
    }

    pub(super) fn is_exclusive(&self) -> bool {
        matches!(self, Self::Queue(queue) if queue.exclusive.is_some())
    }

    /// Whether it is one of several that a topic is; it was not declared by itself, then.
    pub(super) fn is_part(&self) -> bool {
        matches!(self, Self::Stream { topic, .. } if topic.partitions.len() > 1)
    }

    /// What it was declared with, as definitions tell it.
    pub(super) fn declaration(&self, call: &Call<'_>) -> Value {
        let (durable, auto_delete, table) = match self {
            Self::Queue(queue) => (queue.durable, queue.auto_delete, queue.arguments.clone()),
            Self::Stream { topic, .. } => (true, false, call.api.hosts.stream_arguments(topic)),
        };
        json!({
            "name": &**self.name(),
            "durable": durable,
            "auto_delete": auto_delete,
            "arguments": arguments::to_json(&table),
        })
    }
}
