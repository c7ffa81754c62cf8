//! What is told of queues to people and their tools.

use super::queue::{Queue, Tally};
use crate::mail::{ConsumerId, Counts, QueueId, SessionId};

/// One queue as it is now.
#[derive(Debug, Clone)]
pub struct QueueReport {
    /// Which.
    pub queue: QueueId,
    /// What is in it.
    pub counts: Counts,
    /// Length of the bodies of ready messages, in bytes; an estimate for those that were there at the start.
    pub ready_bytes: u64,
    /// Bytes of messages that it has in memory.
    pub memory_bytes: usize,
    /// What happened since the start.
    pub tally: Tally,
    /// Its consumers in the order of arrival.
    pub consumers: Vec<ConsumerReport>,
}

/// One consumer.
#[derive(Debug, Clone)]
pub struct ConsumerReport {
    /// Whose.
    pub session: SessionId,
    /// Which of it.
    pub consumer: ConsumerId,
    /// Its tag.
    pub tag: String,
    /// Whether deliveries count as settled at once.
    pub no_ack: bool,
    /// Whether it is the only one.
    pub exclusive: bool,
    /// Its priority.
    pub priority: i32,
    /// How many unsettled deliveries it may have.
    pub prefetch: Option<u32>,
    /// Whether it is served, where only one consumer of the queue is.
    pub active: bool,
}

impl Queue {
    pub(crate) fn report(&self) -> QueueReport {
        let consumers = self.consumers.iter().map(|consumer| ConsumerReport {
            session: consumer.session,
            consumer: consumer.id,
            tag: consumer.tag.clone(),
            no_ack: consumer.no_ack,
            exclusive: consumer.exclusive,
            priority: consumer.priority,
            prefetch: consumer.prefetch,
            active: self.consumers.is_active(consumer),
        });
        QueueReport {
            queue: self.declared.id,
            counts: self.counts(),
            ready_bytes: self.ready_bytes(),
            memory_bytes: self.memory(),
            tally: self.tally,
            consumers: consumers.collect(),
        }
    }
}
