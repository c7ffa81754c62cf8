//! What the management API needs of the RabbitMQ face, which it does not know.

use base::BoxFuture;
use bytes::Bytes;
use cluster::{Made, Partition, Topic};

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

/// A queue or an exchange that is to be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The vhost.
    pub vhost: String,
    /// The name.
    pub name: String,
    /// The exchange's kind; of no meaning for a queue.
    pub kind: String,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes when it is no longer used.
    pub auto_delete: bool,
    /// Whether only other exchanges may publish to it; of no meaning for a queue.
    pub internal: bool,
    /// The arguments: an AMQP field table without its length.
    pub arguments: Bytes,
}

/// Why the face does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    NotFound(String),
    /// What was asked does not fit what there is, or makes no sense; AMQP's 406.
    Precondition(String),
    /// Nobody may do that; AMQP's 403 and 405.
    Access(String),
    /// It cannot be done now.
    Unavailable(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(reason)
            | Self::Precondition(reason)
            | Self::Access(reason)
            | Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

/// The queues of a node and the rules by which things are declared. A queue is named by its stream, and the
/// shard that it is in; a stream queue by the partition that it is.
pub trait Hosts: Send + Sync {
    /// Declares an exchange; an existing one must be equivalent.
    fn declare_exchange(&self, exchange: Declaration) -> BoxFuture<'_, Result<Made, Refusal>>;

    /// Declares a queue of any type; an existing one must be equivalent.
    fn declare_queue(&self, queue: Declaration) -> BoxFuture<'_, Result<Made, Refusal>>;

    /// Removes a queue with its messages.
    fn delete_queue(
        &self,
        queue: Partition,
        if_unused: bool,
        if_empty: bool,
    ) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Removes the messages of a queue that can be delivered.
    fn purge_queue(&self, queue: Partition) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Removes a vhost and everything in it.
    fn delete_vhost(&self, name: String) -> BoxFuture<'_, Result<(), Refusal>>;

    /// How much there is in each of these queues; `None` where that is not known.
    fn counts(&self, queues: Vec<Partition>) -> BoxFuture<'_, Vec<Option<Counts>>>;

    /// The arguments that would declare a topic as the stream queue that it is.
    fn stream_arguments(&self, topic: &Topic) -> Bytes;
}
