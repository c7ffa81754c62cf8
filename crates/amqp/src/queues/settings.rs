//! What a queue was declared with, as its host needs it.
//!
//! Arguments were judged when the queue was declared. What cannot be read here counts as not given, so
//! that an odd argument never makes a queue unreachable.

use crate::mail::QueueId;
use base::ShardId;
use std::sync::Arc;

/// Deliveries that may fail before a message of a `quorum` queue counts as poison, as in RabbitMQ 4.
pub const DELIVERY_LIMIT_DEFAULT: u32 = 20;

/// What happens to a message that is too much (`x-overflow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// The oldest goes.
    #[default]
    DropHead,
    /// The new one is refused.
    RejectPublish,
    /// The new one is refused and dead-lettered.
    RejectPublishDeadLetter,
}

/// Where dead messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterTo {
    /// The exchange that they are published to (`x-dead-letter-exchange`).
    pub exchange: Arc<str>,
    /// With this key instead of their own ones (`x-dead-letter-routing-key`).
    pub routing_key: Option<Arc<str>>,
}

/// How a queue treats its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Ready messages that it holds at most (`x-max-length`).
    pub max_length: Option<u64>,
    /// Length of their bodies in bytes at most (`x-max-length-bytes`).
    pub max_length_bytes: Option<u64>,
    /// What happens to what is too much.
    pub overflow: Overflow,
    /// Time that a message lives in it, in milliseconds (`x-message-ttl`).
    pub message_ttl_ms: Option<u64>,
    /// Time without use after which it is deleted, in milliseconds (`x-expires`).
    pub expires_ms: Option<u64>,
    /// Where dead messages go, if anywhere.
    pub dead_letter: Option<DeadLetterTo>,
    /// How often a message may come back (`x-delivery-limit`).
    pub delivery_limit: Option<u32>,
    /// Whether deliveries say how often the message came back (`x-delivery-count`).
    pub counts_deliveries: bool,
    /// Whether only one consumer is served at a time (`x-single-active-consumer`).
    pub single_active: bool,
    /// Number of priority levels, at least 1 (`x-max-priority`, and 1).
    pub levels: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_length: None,
            max_length_bytes: None,
            overflow: Overflow::DropHead,
            message_ttl_ms: None,
            expires_ms: None,
            dead_letter: None,
            delivery_limit: None,
            counts_deliveries: false,
            single_active: false,
            levels: 1,
        }
    }
}

impl Settings {
    /// The level that messages of a priority are on.
    #[must_use]
    pub fn level_of(&self, priority: u8) -> u8 {
        let highest = u8::try_from(self.levels.saturating_sub(1)).unwrap_or(u8::MAX);
        priority.min(highest)
    }

    /// Whether publishes are refused when the queue is full.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.overflow != Overflow::DropHead
    }
}

/// A queue as its host must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its id, the stream of its level 0.
    pub id: QueueId,
    /// The shard that its host serves.
    pub shard: ShardId,
    /// The vhost that it is in.
    pub vhost: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether its messages are in the log.
    pub stored: bool,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// The session that it goes with.
    pub exclusive: Option<u64>,
    /// How it treats its messages.
    pub settings: Settings,
}
