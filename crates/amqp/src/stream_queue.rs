//! Topics seen as queues: a queue of type `stream` *is* a topic.
//!
//! In vhost `/` the topic has the queue's name, in another one `<vhost>.<name>`. A topic of N > 1
//! partitions is a super stream: an exchange of its name, and queues `<name>-0` to `<name>-(N-1)`.

use crate::routing::Scene;
use cluster::{Partition, Queue, Topic, Topics};
use std::borrow::Cow;
use std::sync::Arc;

/// The vhost whose stream queues bear the names of topics.
pub const ROOT_VHOST: &str = "/";

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
    if let Some(topic) = topics.get(&topic_name(vhost, name))
        && let [partition] = topic.partitions[..]
    {
        return Some((topic, partition));
    }
    let (name, number) = name.rsplit_once('-')?;
    let topic = several(topics, vhost, name)?;
    // `t-01` is not the name of a partition.
    let canonical = number == "0" || !number.starts_with(['0', '+']);
    let number = number.parse::<usize>().ok().filter(|_| canonical)?;
    Some((topic, *topic.partitions.get(number)?))
}

/// The topic that is the super stream of this name.
#[must_use]
pub fn super_stream<'a>(scene: &Scene<'a>, name: &str) -> Option<&'a Arc<Topic>> {
    several(scene.topics, scene.vhost, name)
}

/// The name of the topic that a stream queue is.
#[must_use]
pub fn topic_name<'a>(vhost: &str, queue: &'a str) -> Cow<'a, str> {
    if vhost == ROOT_VHOST {
        Cow::Borrowed(queue)
    } else {
        Cow::Owned(format!("{vhost}.{queue}"))
    }
}

fn several<'a>(topics: &'a Topics, vhost: &str, name: &str) -> Option<&'a Arc<Topic>> {
    let topic = topics.get(&topic_name(vhost, name))?;
    (topic.partitions.len() > 1).then_some(topic)
}
