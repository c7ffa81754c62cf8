//! What all sessions of a node share.

use crate::permissions::Patterns;
use crate::replies::Replies;
use crate::topic_keeper::TopicKeeper;
use base::Entropy;
use cluster::{Catalog, Verifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a broker stands on.
pub struct Ground {
    /// Users, vhosts, exchanges, queues, bindings, topics.
    pub catalog: Arc<Catalog>,
    /// Checks passwords.
    pub verifier: Arc<Verifier>,
    /// Keeps the topics that stream queues are.
    pub topics: Arc<dyn TopicKeeper>,
    /// Randomness, for names that nobody can guess.
    pub entropy: Arc<dyn Entropy>,
}

/// The RabbitMQ face of a node: what all sessions share.
pub struct Broker {
    ground: Ground,
    pub(crate) patterns: Patterns,
    pub(crate) replies: Arc<Replies>,
    counters: Counters,
}

/// What has happened so far, for monitoring.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages that clients have published.
    pub published: AtomicU64,
    /// Bytes of their bodies.
    pub published_bytes: AtomicU64,
    /// Messages that were routed nowhere.
    pub unroutable: AtomicU64,
    /// Messages that were sent to clients.
    pub delivered: AtomicU64,
    /// Deliveries that clients have settled.
    pub settled: AtomicU64,
    /// Log-ins that were refused.
    pub refused_logins: AtomicU64,
}

impl Counters {
    /// Adds to one of them.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

impl Broker {
    /// A broker without sessions.
    #[must_use]
    pub fn new(ground: Ground) -> Arc<Self> {
        Arc::new(Self {
            ground,
            patterns: Patterns::default(),
            replies: Arc::default(),
            counters: Counters::default(),
        })
    }

    /// Figures for monitoring.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.ground.catalog
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.ground.verifier
    }

    pub(crate) fn topics(&self) -> &dyn TopicKeeper {
        &*self.ground.topics
    }

    pub(crate) fn random(&self) -> u128 {
        self.ground.entropy.random()
    }
}
