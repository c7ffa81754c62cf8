//! The catalog: topics and the allocation of ids, as cells of shard 0.
//!
//! Everybody reads an immutable snapshot. Changes are made one at a time and are visible only once
//! they are durable.

mod keeper;

use crate::identity::Identity;
use crate::topic::{Partition, Topic, Topics};
use arc_swap::ArcSwap;
use base::{BoxFuture, Clock, Entropy, ShardId};
use bytes::Bytes;
use commitlog::{Cells, Closed, Kind, Log};
use keeper::{Keeper, remove_streams};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// The shard that holds the catalog.
const CATALOG_SHARD: ShardId = ShardId(0);
/// Key prefix of a topic's cell; the name follows.
const TOPIC: &[u8] = b"topic/";
const NEXT_STREAM: &[u8] = b"next-stream";
const NEXT_PRODUCER: &[u8] = b"next-producer";
/// Producer ids that are logged as given out at once, so that not every producer costs a sync.
const PRODUCER_IDS_RESERVED: i64 = 1000;

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is a topic of that name.
    #[error("the topic exists")]
    Exists,
    /// There is no topic of that name.
    #[error("the topic does not exist")]
    Unknown,
    /// Partitions can only be added.
    #[error("the topic has {0} partitions")]
    NotMore(usize),
    /// There would be more streams than this.
    #[error("there can be at most {0} partitions in all")]
    TooMany(usize),
    /// The log takes no more writes.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Streams that the data may have: each costs memory on every start.
const STREAMS_MAX: usize = 200_000;
/// Changes that may wait for their turn.
const CHANGES_MAX: usize = 256;

/// The catalog: a snapshot for readers, and a mailbox for changes.
pub struct Catalog {
    cluster_id: String,
    topics: Arc<ArcSwap<Topics>>,
    changes: mpsc::Sender<Change>,
}

/// A catalog that is ready.
pub struct Loaded {
    /// The catalog.
    pub catalog: Catalog,
    /// The one task that changes it: the driver runs it to its end. It ends when the catalog is dropped.
    pub task: BoxFuture<'static, ()>,
}

type TopicReply = oneshot::Sender<Result<Arc<Topic>, ChangeError>>;

enum Change {
    Create(String, u32, BTreeMap<String, String>, TopicReply),
    AddPartitions(String, u32, TopicReply),
    SetConfigs(String, BTreeMap<String, String>, TopicReply),
    Delete(String, TopicReply),
    ProducerId(oneshot::Sender<Result<i64, Closed>>),
}

impl Catalog {
    /// Reads the catalog from the cells of shard 0, makes sure that every topic's streams exist, and
    /// removes streams that a crash left without a topic.
    pub async fn load(
        identity: Identity,
        cells: &Cells,
        log: Arc<Log>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Loaded, Closed> {
        let Read {
            topics,
            stream,
            producer,
            sound,
        } = read(cells);
        let mut known = HashSet::new();
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            log.shard(partition.shard).open(partition.stream).await?;
            known.insert(partition.stream);
        }
        // The streams of a topic that cannot be read are not orphans: they wait for somebody to mend it.
        let orphans = log
            .streams()
            .into_iter()
            .filter(|stream| sound && !known.contains(&stream.id()));
        let orphans: Vec<_> = orphans
            .map(|stream| Partition {
                stream: stream.id(),
                shard: stream.shard(),
            })
            .collect();
        if !orphans.is_empty() {
            tracing::info!(
                streams = orphans.len(),
                "streams without a topic are removed"
            );
            remove_streams(&log, &orphans).await?;
        }
        let topics = Arc::new(ArcSwap::from_pointee(topics));
        let (changes, mailbox) = mpsc::channel(CHANGES_MAX);
        let cluster_id = identity.cluster_id;
        let (shards, streams) = (identity.shards, known.len());
        let keeper = Keeper {
            shards,
            streams,
            stream,
            producer,
            producer_reserved: producer,
            topics: topics.clone(),
            log,
            clock,
            entropy,
        };
        Ok(Loaded {
            catalog: Self {
                cluster_id,
                topics,
                changes,
            },
            task: Box::pin(keeper.run(mailbox)),
        })
    }

    /// The name of the data.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// All topics as they are now.
    #[must_use]
    pub fn topics(&self) -> Arc<Topics> {
        self.topics.load_full()
    }

    /// Makes a topic.
    pub async fn create_topic(
        &self,
        name: &str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        self.ask(|reply| Change::Create(name.to_owned(), partitions, configs, reply))
            .await?
    }

    /// Gives a topic more partitions, `total` in all.
    pub async fn add_partitions(&self, name: &str, total: u32) -> Result<Arc<Topic>, ChangeError> {
        self.ask(|reply| Change::AddPartitions(name.to_owned(), total, reply))
            .await?
    }

    /// Replaces a topic's settings.
    pub async fn set_configs(
        &self,
        name: &str,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        self.ask(|reply| Change::SetConfigs(name.to_owned(), configs, reply))
            .await?
    }

    /// Removes a topic and everything in it; returns what it was.
    pub async fn delete_topic(&self, name: &str) -> Result<Arc<Topic>, ChangeError> {
        self.ask(|reply| Change::Delete(name.to_owned(), reply))
            .await?
    }

    /// An id that no producer had before.
    pub async fn producer_id(&self) -> Result<i64, Closed> {
        self.ask(Change::ProducerId).await?
    }

    /// A change goes through to its end whether or not whoever asked still waits for it.
    async fn ask<T>(&self, change: impl FnOnce(oneshot::Sender<T>) -> Change) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        self.changes.send(change(reply)).await.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }
}

/// What the cells say.
struct Read {
    topics: Topics,
    stream: u64,
    producer: i64,
    /// Whether every topic could be read.
    sound: bool,
}

fn read(cells: &Cells) -> Read {
    let mut found = Read {
        topics: Topics::default(),
        stream: 0,
        producer: 0,
        sound: true,
    };
    for (key, value) in cells.of(Kind::Catalog) {
        if let Some(name) = key.strip_prefix(TOPIC) {
            match std::str::from_utf8(name)
                .ok()
                .and_then(|name| Topic::unpack(name.to_owned(), value).ok())
            {
                Some(topic) => found.topics.insert(Arc::new(topic)),
                None => {
                    found.sound = false;
                    tracing::error!(name = %String::from_utf8_lossy(name), "the catalog's entry of a topic is malformed; the topic is left out");
                }
            }
        } else if &key[..] == NEXT_STREAM {
            found.stream = number(value);
        }
    }
    let producer = cells
        .of(Kind::Producer)
        .find(|(key, _)| &key[..] == NEXT_PRODUCER);
    found.producer = producer.map_or(0, |(_, value)| {
        i64::try_from(number(value)).unwrap_or(i64::MAX)
    });
    found
}

fn number(value: &Bytes) -> u64 {
    value[..].try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
