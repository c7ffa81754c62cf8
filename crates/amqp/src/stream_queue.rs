//! Topics seen as queues: a queue of type `stream` *is* a topic.
//!
//! In vhost `/` the topic has the queue's name, in another one `<vhost>.<name>`. A topic of N > 1
//! partitions is a super stream: an exchange of its name, and queues `<name>-0` to `<name>-(N-1)`.

use crate::routing::Scene;
pub use cluster::stream_topic_name as topic_name;
use cluster::{Partition, Queue, Topic, Topics};
use std::sync::Arc;

/// What a queue's name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// A classic or quorum queue.
    Queue(&'a Arc<Queue>),
    /// A stream queue: a partition of a topic.
    Stream(Partition),
}

/// The queue of this name in the scene's vhost. A queue goes before a topic that has come by its name.
#[must_use]
pub fn find<'a>(scene: &Scene<'a>, name: &str) -> Option<Named<'a>> {
    if let Some(queue) = scene.topology.queue(scene.vhost, name) {
        return Some(Named::Queue(queue));
    }
    stream(scene.topics, scene.vhost, name).map(|(_, partition)| Named::Stream(partition))
}

/// The topic and the partition that the stream queue of this name is.
#[must_use]
pub fn stream<'a>(
    topics: &'a Topics,
    vhost: &str,
    name: &str,
) -> Option<(&'a Arc<Topic>, Partition)> {
    topics.stream_queue(vhost, name)
}

/// The topic that is the super stream of this name.
#[must_use]
pub fn super_stream<'a>(scene: &Scene<'a>, name: &str) -> Option<&'a Arc<Topic>> {
    several(scene.topics, scene.vhost, name)
}

fn several<'a>(topics: &'a Topics, vhost: &str, name: &str) -> Option<&'a Arc<Topic>> {
    let topic = topics.get(&topic_name(vhost, name))?;
    (topic.partitions.len() > 1).then_some(topic)
}
