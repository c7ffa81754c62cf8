//! Topics as stream queues need them: made, removed and limited by whoever gives their settings a meaning.
//!
//! Topics belong to the Kafka face: what their names may be, what their settings mean, and who has to
//! know that one is gone. This is all that the RabbitMQ face asks of it.

use base::BoxFuture;
use cluster::{ChangeError, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a topic's settings say of what may be written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRules {
    /// The largest record batch in bytes (`max.message.bytes`).
    pub batch_bytes_max: usize,
    /// Whether every record needs a key, because the topic is compacted.
    pub needs_keys: bool,
}

/// Why a topic was not made or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// A topic cannot have such a name, and why.
    #[error("the name is not legal for a topic: {0}")]
    Name(&'static str),
    /// A topic cannot have such settings, and why.
    #[error("{0}")]
    Settings(String),
    /// The catalog did not change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Whoever keeps the topics.
pub trait TopicKeeper: Send + Sync {
    /// What may be written into a topic.
    fn rules(&self, topic: &Topic) -> TopicRules;

    /// Makes a topic. When this completes it can be written to, and its settings are in force.
    fn create<'a>(
        &'a self,
        name: &'a str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>>;

    /// Removes a topic with everything in it, and tells everybody who remembers something of it.
    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>>;
}
