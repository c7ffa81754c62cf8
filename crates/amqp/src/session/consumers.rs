//! The consumers of a connection, on all of its channels.

use crate::mail::{ConsumerId, QueueId, Ticket};
use base::ShardId;

/// A consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) id: ConsumerId,
    pub(super) channel: u16,
    /// The channel's key.
    pub(super) key: u64,
    pub(super) tag: Box<str>,
    pub(super) queue: QueueId,
    pub(super) shard: ShardId,
    pub(super) no_ack: bool,
    /// Its channel is gone, or it has failed: what comes for it goes back. Its host answers this ticket when nothing
    /// more can come.
    leaving: Option<Ticket>,
}

impl Consumer {
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }
}

/// All consumers.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// In the order of their ids, which is the order in which they came.
    all: Vec<Consumer>,
    last: u32,
}

impl Consumers {
    /// Adds a consumer; returns its name.
    pub(super) fn add(
        &mut self,
        (channel, key): (u16, u64),
        tag: &str,
        (shard, queue): (ShardId, QueueId),
        no_ack: bool,
    ) -> ConsumerId {
        self.last += 1;
        let id = ConsumerId(self.last);
        self.all.push(Consumer {
            id,
            channel,
            key,
            tag: tag.into(),
            queue,
            shard,
            no_ack,
            leaving: None,
        });
        id
    }

    pub(super) fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.index(id).map(|index| &self.all[index])
    }

    /// Forgets a consumer that nothing more can come for.
    pub(super) fn remove(&mut self, id: ConsumerId) -> Option<Consumer> {
        self.index(id).map(|index| self.all.remove(index))
    }

    /// The consumer stays until its host has answered.
    pub(super) fn leave(&mut self, id: ConsumerId, ticket: Ticket) {
        if let Some(index) = self.index(id) {
            self.all[index].leaving = Some(ticket);
        }
    }

    /// The host has answered; returns whether it was asked for a consumer that leaves.
    pub(super) fn has_left(&mut self, ticket: Ticket) -> bool {
        let leaving = |consumer: &Consumer| consumer.leaving == Some(ticket);
        let index = self.all.iter().position(leaving);
        index.is_some_and(|index| {
            self.all.remove(index);
            true
        })
    }

    fn index(&self, id: ConsumerId) -> Option<usize> {
        self.all
            .binary_search_by_key(&id, |consumer| consumer.id)
            .ok()
    }
}
