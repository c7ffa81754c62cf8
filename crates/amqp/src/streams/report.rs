//! What is told of stream queues to people and their tools.

use super::Streams;
use crate::mail::QueueId;
use crate::queues::{ConsumerReport, QueueReport};
use base::ShardId;

impl Streams {
    /// All stream queues of a shard, in the order of their ids.
    pub(crate) fn reports(&self, shard: ShardId) -> Vec<QueueReport> {
        let topics = self.ground.catalog.topics();
        let partitions = topics.iter().flat_map(|topic| &topic.partitions);
        let here = partitions.filter(|partition| partition.shard == shard);
        let mut queues: Vec<_> = here.map(|partition| partition.stream).collect();
        queues.sort_unstable();
        queues
            .into_iter()
            .filter_map(|queue| self.report(queue))
            .collect()
    }

    /// One stream queue, where there is one.
    pub(crate) fn report(&self, queue: QueueId) -> Option<QueueReport> {
        let stream = self.ground.log.stream(queue)?;
        let counts = self.counts(queue)?;
        let known = self.queues.get(&queue);
        let consumers = known.into_iter().flat_map(|known| known.consumers());
        let consumers = consumers.map(|(session, consumer)| ConsumerReport {
            session,
            consumer: consumer.id,
            tag: consumer.tag.clone(),
            no_ack: false,
            exclusive: false,
            priority: 0,
            prefetch: consumer.prefetch(),
            active: true,
        });
        Some(QueueReport {
            queue,
            counts,
            ready_bytes: stream.bytes(),
            memory_bytes: 0,
            tally: self.tallies.get(&queue).copied().unwrap_or_default(),
            consumers: consumers.collect(),
        })
    }
}
