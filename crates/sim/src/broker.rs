//! A broker over the log: the real queues, hosts and catalog, sessions that use them, and the book that knows
//! what they were promised.
//!
//! The sessions talk the mail of [`amqp::mail`]; there is no socket and no protocol.

mod book;
mod copy;
mod drain;
mod expected;
mod history;
mod session;
mod slot;
mod text;

pub(crate) use book::Book;
pub(crate) use drain::{check_empty, drain};
pub(crate) use session::{Habits, use_queues};

use crate::clock::SimClock;

use crate::rng::Rng;
use crate::trace::Trace;
use crate::violation::Violation;
use amqp::mail::QueueId;
use amqp::queues::Queues;
use amqp::topic_keeper::{TopicError, TopicKeeper, TopicRules};
use base::{BoxFuture, Entropy, ShardId};
use cluster::{Binding, Catalog, ChangeError, Destination, Exchange, Topic, TopologyError};
use commitlog::Log;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The vhost of everything.
const VHOST: &str = "/";

/// The book, shared by the sessions of a run.
#[derive(Clone)]
pub(crate) struct Books(Arc<Mutex<Book>>);

impl Books {
    pub(crate) fn new(book: Book) -> Self {
        Self(Arc::new(Mutex::new(book)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Randomness that follows from the seed.
pub(crate) struct SimEntropy(pub(crate) Mutex<Rng>);

impl Entropy for SimEntropy {
    fn random(&self) -> u128 {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        u128::from(rng.next()) << 64 | u128::from(rng.next())
    }
}

/// There are no stream queues here: nobody is told of a topic.
pub(crate) struct NoTopics;

impl TopicKeeper for NoTopics {
    fn rules(&self, _: &Topic) -> TopicRules {
        TopicRules {
            batch_bytes_max: 0,
            needs_keys: false,
        }
    }

    fn create<'a>(
        &'a self,
        _: &'a str,
        _: u32,
        _: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async { Err(TopicError::Change(ChangeError::Unknown)) })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async { Err(TopicError::Change(ChangeError::Unknown)) })
    }
}

/// What every session has.
#[derive(Clone)]
pub(crate) struct Broker {
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) clock: SimClock,
    pub(crate) books: Books,
    pub(crate) trace: Trace,
    /// Becomes true when sessions should finish.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Broker {
    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// The shard of a queue.
    fn shard_of(&self, queue: QueueId) -> ShardId {
        let shard = queue.0 % self.log.shards().len() as u64;
        ShardId(u16::try_from(shard).unwrap_or(0))
    }

    /// Declares the queue of a slot; `None` where the log has closed.
    async fn declare(&self, slot: usize) -> Result<Option<QueueId>, Violation> {
        let new = self.books.lock().slots()[slot].new_queue();
        match self.catalog.declare_queue(new).await {
            Ok((queue, _)) => {
                let id = queue.id;
                let expected = self.shard_of(id);
                if queue.shard != expected {
                    let detail = format!("queue {id} is in shard {}", queue.shard);
                    return Err(Violation::new("catalog", detail));
                }
                self.books.lock().declared(slot, id);
                Ok(Some(id))
            }
            Err(TopologyError::Closed(_)) => Ok(None),
            Err(error) => Err(Violation::new("catalog", error.to_string())),
        }
    }

    /// Makes everything that should be there; false where the log has closed.
    pub(crate) async fn prepare(&self) -> Result<bool, Violation> {
        let exchange = Exchange {
            vhost: VHOST.into(),
            name: slot::FAN.into(),
            kind: "fanout".into(),
            durable: true,
            auto_delete: false,
            internal: false,
            arguments: bytes::Bytes::new(),
        };
        if self.catalog.declare_exchange(exchange).await.is_err() {
            return Ok(false);
        }
        let count = self.books.lock().slots().len();
        for slot in 0..count {
            if self.declare(slot).await?.is_none() {
                return Ok(false);
            }
        }
        let leaves: Vec<_> = {
            let book = self.books.lock();
            let leaves = book.slots().iter().filter(|slot| slot.leaf);
            leaves.map(|slot| slot.name.clone()).collect()
        };
        for name in leaves {
            let binding = Binding {
                vhost: VHOST.into(),
                source: slot::FAN.into(),
                destination: Destination::Queue(name),
                routing_key: "".into(),
                arguments: bytes::Bytes::new(),
            };
            if self.catalog.bind(binding).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
