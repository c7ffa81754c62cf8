//! The mail between sessions and queue hosts: all that they know of each other.
//!
//! Mail is plain data, so that it can cross nodes. From one session to one host it arrives in order,
//! and so does what the host sends back. A host never waits for a session: see [`SESSION_WINDOW_BYTES`].

use crate::message::Message;
use crate::run::Run;
use base::{Offset, StreamId};
use std::num::NonZeroU32;

/// Bytes of deliveries that a host sends to a session before the session reports some of them as
/// written. More would only wait in memory for a slow reader.
pub const SESSION_WINDOW_BYTES: usize = 1 << 20;

/// A queue: the stream of its level 0, or of the partition that a stream queue is. Never used again.
pub type QueueId = StreamId;

/// One connection, unique among all of this start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Names a request in its answer; the session chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A consumer, unique within its session for the session's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(pub u32);

/// Where a message is in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The priority level; 0 for queues without priorities. In a stream queue everybody gets every
    /// message, and this tells the consumers of one session apart.
    pub level: u8,
    /// The offset in the level's stream.
    pub offset: Offset,
}

/// From a session to the host of a queue's shard.
#[derive(Debug, Clone)]
pub enum Request {
    /// Puts the messages of a run into each of these queues. Answered by [`Notice::Published`] when
    /// they are as durable as the queues are.
    Publish {
        /// For the answer.
        ticket: Ticket,
        /// Queues of this host's shard, each once.
        targets: Vec<QueueId>,
        /// The messages.
        run: Run,
    },
    /// Starts a consumer. Answered by [`Answer::Consuming`] before its first delivery.
    Consume(Consume),
    /// Whether deliveries to a consumer need [`Request::Grant`]s from now on, because its channel has a
    /// limit for all of its consumers.
    Share {
        /// The queue.
        queue: QueueId,
        /// The consumer.
        consumer: ConsumerId,
        /// Whether they do.
        shared: bool,
    },
    /// Lets a sharing consumer have `count` messages at once. What is not used at once is given back by
    /// [`Notice::Unused`].
    Grant {
        /// The queue.
        queue: QueueId,
        /// The consumer.
        consumer: ConsumerId,
        /// How many.
        count: u32,
    },
    /// Ends a consumer; what it has not settled stays with it. Answered by [`Answer::Cancelled`].
    Cancel {
        /// For the answer.
        ticket: Ticket,
        /// The queue.
        queue: QueueId,
        /// The consumer.
        consumer: ConsumerId,
    },
    /// Takes one message. Answered by [`Notice::Got`].
    Get {
        /// For the answer.
        ticket: Ticket,
        /// The queue.
        queue: QueueId,
        /// Whether it counts as settled at once.
        no_ack: bool,
    },
    /// Says what became of deliveries of one queue.
    Settle {
        /// The queue.
        queue: QueueId,
        /// Which; positions that the sender does not hold are passed over.
        positions: Vec<Position>,
        /// What became of them.
        outcome: Outcome,
        /// Where given, answered by [`Answer::Settled`] when it is durable.
        ticket: Option<Ticket>,
    },
    /// How many messages and consumers are there? Answered by [`Answer::Counts`].
    Inspect {
        /// For the answer.
        ticket: Ticket,
        /// The queue.
        queue: QueueId,
    },
    /// Removes all ready messages, without dead-lettering them. Answered by [`Answer::Purged`].
    Purge {
        /// For the answer.
        ticket: Ticket,
        /// The queue.
        queue: QueueId,
    },
    /// Removes the queue, from the catalog too. Answered by [`Answer::Deleted`].
    Delete {
        /// For the answer.
        ticket: Ticket,
        /// The queue.
        queue: QueueId,
        /// Refuse where it has consumers.
        if_unused: bool,
        /// Refuse where it has ready messages.
        if_empty: bool,
    },
    /// This many bytes of deliveries (the records' lengths) have been written to the socket.
    Written {
        /// The bytes.
        bytes: usize,
    },
    /// The connection has ended: its consumers go, what it had not settled is ready again.
    Leave,
}

/// What a consumer is started with.
#[derive(Debug, Clone)]
pub struct Consume {
    /// For the answer.
    pub ticket: Ticket,
    /// The queue.
    pub queue: QueueId,
    /// The consumer.
    pub consumer: ConsumerId,
    /// The consumer's tag, for people.
    pub tag: String,
    /// Whether deliveries count as settled at once.
    pub no_ack: bool,
    /// Whether it wants to be the only one.
    pub exclusive: bool,
    /// Consumers of a higher priority are served first (`x-priority`).
    pub priority: i32,
    /// How many unsettled deliveries it may have; `None`: no limit.
    pub prefetch: Option<NonZeroU32>,
    /// As in [`Request::Share`].
    pub shared: bool,
    /// Where in a stream queue to begin (`x-stream-offset`).
    pub start: StreamStart,
}

/// Where a consumer of a stream queue begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamStart {
    /// With the oldest message.
    First,
    /// With the last batch that is there.
    Last,
    /// With what comes from now on.
    #[default]
    Next,
    /// At an offset.
    Offset(Offset),
    /// At the first message of this time, milliseconds since 1970, or later.
    Timestamp(i64),
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Acknowledged,
    /// It is ready again, in its old place.
    Requeued,
    /// It is dead-lettered, or dropped.
    Rejected,
}

/// From a host to a session.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A run is as durable as its queues are.
    Published {
        /// Of the request.
        ticket: Ticket,
        /// Messages, by their place in the run, that a queue refused (`x-overflow: reject-publish`).
        rejected: Vec<u32>,
    },
    /// Messages for a consumer, in order.
    Deliver {
        /// The consumer.
        consumer: ConsumerId,
        /// The queue.
        queue: QueueId,
        /// The messages.
        deliveries: Vec<Delivery>,
    },
    /// What a [`Request::Get`] took.
    Got {
        /// Of the request.
        ticket: Ticket,
        /// The message, and how many are ready behind it; `Ok(None)` where the queue is empty.
        outcome: Result<Option<(Delivery, u64)>, Refusal>,
    },
    /// The answer to a request that asks for one.
    Answer {
        /// Of the request.
        ticket: Ticket,
        /// The answer.
        outcome: Result<Answer, Refusal>,
    },
    /// The queue is gone, or its owner cannot serve it any more: the consumer has ended.
    Cancelled {
        /// The consumer.
        consumer: ConsumerId,
    },
    /// A sharing consumer could have messages; answered by [`Request::Grant`] when the channel has room.
    Offer {
        /// The queue.
        queue: QueueId,
        /// The consumer.
        consumer: ConsumerId,
        /// How many are ready.
        count: u32,
    },
    /// What was granted and not used.
    Unused {
        /// The consumer.
        consumer: ConsumerId,
        /// How many.
        count: u32,
    },
    /// A message for a consumer of `amq.rabbitmq.reply-to`, from another session.
    DirectReply {
        /// The channel that the consumer is on.
        channel: u16,
        /// Tells the channel from an earlier one of the same number.
        key: u64,
        /// The message.
        message: Message,
    },
    /// The log takes no more writes: what is unanswered may or may not be stored.
    Lost,
}

/// One message on its way to a client.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Where it is in its queue; names it in [`Request::Settle`].
    pub position: Position,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// What the message's headers gain on the way out.
    pub extra: Extra,
    /// The message.
    pub message: Message,
}

/// A header that a delivery gains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// None.
    None,
    /// `x-delivery-count`: unsuccessful deliveries so far.
    DeliveryCount(u32),
    /// `x-stream-offset`.
    StreamOffset(Offset),
}

/// What a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The consumer is there.
    Consuming,
    /// The consumer is gone.
    Cancelled,
    /// The settlement is durable.
    Settled,
    /// Of a queue.
    Counts(Counts),
    /// How many messages were removed.
    Purged(u64),
    /// The queue is gone, with this many ready messages.
    Deleted(u64),
}

/// How much there is in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages that can be delivered.
    pub ready: u64,
    /// Messages that were delivered and not settled.
    pub unacknowledged: u64,
    /// Consumers.
    pub consumers: u32,
}

/// Why a host does not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such queue (any more).
    #[error("the queue does not exist")]
    NotFound,
    /// It has consumers, and `if_unused` was asked.
    #[error("the queue is in use")]
    InUse,
    /// It has messages, and `if_empty` was asked.
    #[error("the queue is not empty")]
    NotEmpty,
    /// Another consumer is exclusive, or exclusive use was asked of a queue that has consumers.
    #[error("the queue is in exclusive use")]
    ExclusiveUse,
    /// A stream queue gives nothing to a consumer without a prefetch limit.
    #[error("consumer prefetch count is not set")]
    NoPrefetch,
    /// The operation makes no sense for this type of queue, and why.
    #[error("{0}")]
    NotSupported(&'static str),
    /// The log takes no more writes.
    #[error("the log takes no more writes")]
    Lost,
}
