//! What a connection waits for before it handles its next frame.

use super::Session;
use super::bind::BoundTo;
use super::declare::Declaration;
use super::failure::{Failure, Outcome};
use crate::mail::{Answer, ConsumerId, QueueId, Refusal, Request, Ticket};
use crate::task::Task;
use base::ShardId;
use cluster::Exchange;
use std::sync::Arc;

/// An operation that was begun and not answered. There is one at a time.
pub(super) struct Waiting {
    pub(super) channel: u16,
    /// Class and method, for the close that a refusal leads to.
    pub(super) method: (u16, u16),
    /// The tickets of its requests.
    first: Ticket,
    last: Ticket,
    left: usize,
    /// What is sent when the connection's own publishes have been answered: whoever asks for messages
    /// shall see what it has published itself.
    held: Option<(ShardId, Request)>,
    pub(super) purpose: Purpose,
}

/// What is to be done with the answer.
pub(super) enum Purpose {
    Login {
        user: Arc<str>,
    },
    Exchange {
        wanted: Box<Exchange>,
        nowait: bool,
    },
    ExchangeDeleted {
        name: Arc<str>,
        nowait: bool,
    },
    Queue {
        wanted: Box<Declaration>,
        nowait: bool,
    },
    Stream {
        name: Arc<str>,
        nowait: bool,
    },
    /// How much is in a queue that was declared?
    Declared {
        name: Arc<str>,
    },
    Bound {
        to: BoundTo,
        nowait: bool,
    },
    Consuming {
        consumer: ConsumerId,
        name: Arc<str>,
        nowait: bool,
    },
    Cancelling {
        consumer: ConsumerId,
        tag: Arc<str>,
        nowait: bool,
    },
    Getting {
        queue: QueueId,
        shard: ShardId,
        no_ack: bool,
        name: Arc<str>,
    },
    Purging {
        name: Arc<str>,
        nowait: bool,
    },
    Deleting {
        queue: QueueId,
        name: Arc<str>,
        nowait: bool,
        /// This connection's consumers that the deletion has ended.
        ended: Vec<ConsumerId>,
    },
    Committing,
    /// Exclusive queues go before the connection does.
    Goodbye,
}

impl Session {
    /// Waits for a task of the driver's.
    pub(super) fn wait_for_task(&mut self, at: (u16, (u16, u16)), task: Task, purpose: Purpose) {
        // Whatever was published and settled before happens before.
        self.seal();
        self.outbox.flush_settling();
        self.outbox.task = Some(task);
        self.wait(at, (Ticket(0), Ticket(0)), 0, None, purpose);
    }

    /// Waits for the answer to a request.
    pub(super) fn wait_for_host(
        &mut self,
        at: (u16, (u16, u16)),
        shard: ShardId,
        request: impl FnOnce(Ticket) -> Request,
        purpose: Purpose,
    ) {
        self.seal();
        let ticket = self.outbox.ticket();
        self.outbox.request(shard, request(ticket));
        self.wait(at, (ticket, ticket), 1, None, purpose);
    }

    /// Waits for the answer to a request that is sent when the connection's publishes are answered.
    pub(super) fn wait_for_host_after_publishes(
        &mut self,
        at: (u16, (u16, u16)),
        shard: ShardId,
        request: impl FnOnce(Ticket) -> Request,
        purpose: Purpose,
    ) {
        self.seal();
        let ticket = self.outbox.ticket();
        let held = Some((shard, request(ticket)));
        self.wait(at, (ticket, ticket), 1, held, purpose);
        self.release_held();
    }

    /// Waits for `left` answers to requests with tickets of this range.
    pub(super) fn wait_for_hosts(
        &mut self,
        at: (u16, (u16, u16)),
        tickets: (Ticket, Ticket),
        left: usize,
        purpose: Purpose,
    ) {
        self.wait(at, tickets, left, None, purpose);
    }

    fn wait(
        &mut self,
        (channel, method): (u16, (u16, u16)),
        (first, last): (Ticket, Ticket),
        left: usize,
        held: Option<(ShardId, Request)>,
        purpose: Purpose,
    ) {
        self.waiting = Some(Box::new(Waiting {
            channel,
            method,
            first,
            last,
            left,
            held,
            purpose,
        }));
    }

    /// Sends what waits for publishes, where they are answered.
    pub(super) fn release_held(&mut self) {
        if !self.publisher.is_idle() {
            return;
        }
        let held = self
            .waiting
            .as_mut()
            .and_then(|waiting| waiting.held.take());
        if let Some((shard, request)) = held {
            self.outbox.request(shard, request);
        }
    }

    /// One answer of those that the operation waits for has come; returns the operation when it was
    /// the last one.
    pub(super) fn finish_waiting(&mut self, ticket: Ticket) -> Option<Box<Waiting>> {
        let waiting = self.waiting.as_mut()?;
        if !(waiting.first..=waiting.last).contains(&ticket) {
            return None;
        }
        waiting.left = waiting.left.saturating_sub(1);
        if waiting.left == 0 {
            self.waiting.take()
        } else {
            None
        }
    }

    /// An answer of a host's.
    pub(super) fn answered(&mut self, ticket: Ticket, outcome: Result<Answer, Refusal>) {
        if self.consumers.has_left(ticket) {
            return;
        }
        let Some(waiting) = self.finish_waiting(ticket) else {
            return;
        };
        let (channel, method) = (waiting.channel, waiting.method);
        let handled = self.complete(*waiting, outcome);
        self.settle_outcome(channel, method, handled);
    }

    fn complete(&mut self, waiting: Waiting, outcome: Result<Answer, Refusal>) -> Outcome {
        let channel = waiting.channel;
        match waiting.purpose {
            Purpose::Declared { name } => self.counted(channel, &name, outcome),
            Purpose::Consuming {
                consumer,
                name,
                nowait,
            } => self.consuming(channel, (consumer, &name), nowait, outcome),
            Purpose::Cancelling {
                consumer,
                tag,
                nowait,
            } => {
                self.cancelled(channel, consumer, &tag, nowait);
                Ok(())
            }
            Purpose::Purging { name, nowait } => self.purged(channel, &name, nowait, outcome),
            Purpose::Deleting {
                queue,
                name,
                nowait,
                ended,
            } => {
                let handled = self.deleted(channel, (queue, &name), nowait, outcome);
                for consumer in ended {
                    self.consumer_ended(consumer);
                }
                handled
            }
            Purpose::Committing => {
                self.committed(channel);
                Ok(())
            }
            Purpose::Goodbye => {
                self.goodbye();
                Ok(())
            }
            // Their answers come by other ways.
            Purpose::Getting { .. }
            | Purpose::Login { .. }
            | Purpose::Exchange { .. }
            | Purpose::ExchangeDeleted { .. }
            | Purpose::Queue { .. }
            | Purpose::Stream { .. }
            | Purpose::Bound { .. } => Err(Failure::internal("an answer of the wrong kind")),
        }
    }
}
