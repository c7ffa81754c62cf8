//! The catalog: topics, RabbitMQ's topology and the allocation of ids, as cells of shard 0.
//!
//! Everybody reads immutable snapshots. Changes are made one after the other and are visible only once
//! they are durable. What is not durable by its nature is in the snapshots only, and gone after a restart.

mod draft;
mod edits;
mod error;
mod founding;
mod ids;
mod keeper;
mod limits;
mod read;

pub use error::{ChangeError, Made, TopologyError};

use crate::identity::Identity;
use crate::topic::{Partition, Topic, Topics};
use crate::topology::Topology;
use arc_swap::ArcSwap;
use base::{BoxFuture, Clock, Entropy, ShardId};
use bytes::Bytes;
use commitlog::{Cells, Closed, Log};
use edits::Edit;
use ids::Ids;
use keeper::{Keeper, remove_streams};
use read::Read;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{mpsc, oneshot};

/// The shard that holds the catalog.
const CATALOG_SHARD: ShardId = ShardId(0);
const NEXT_STREAM: &[u8] = b"next-stream";
const NEXT_PRODUCER: &[u8] = b"next-producer";
/// Producer ids that are logged as given out at once, so that not every producer costs a sync.
const PRODUCER_IDS_RESERVED: i64 = 1000;

/// Streams that the data may have: each costs memory on every start.
const STREAMS_MAX: usize = 200_000;
/// Changes that may wait for their turn.
const CHANGES_MAX: usize = 256;

/// The catalog: a snapshot for readers, and a mailbox for changes.
pub struct Catalog {
    cluster_id: String,
    topics: Arc<ArcSwap<Topics>>,
    topology: Arc<ArcSwap<Topology>>,
    version: Arc<AtomicU64>,
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
    Edit(Edit),
}

impl Catalog {
    /// Reads the catalog from the cells of shard 0, makes sure that every topic's streams exist, and
    /// removes streams that a crash left without a topic or queue. The first time it makes vhost `/` and
    /// user `guest`.
    pub async fn load(
        identity: Identity,
        cells: &Cells,
        log: Arc<Log>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Loaded, Closed> {
        let Read {
            topics,
            topology,
            founded,
            stream,
            producer,
            sound,
        } = read::read(cells);
        let mut known = HashSet::new();
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            log.shard(partition.shard).open(partition.stream).await?;
            known.insert(partition.stream);
        }
        known.extend(topology.queues().flat_map(|queue| queue.streams()));
        // The streams of a topic or queue that cannot be read are not orphans: they wait for somebody to mend it.
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
                "streams without a topic or queue are removed"
            );
            remove_streams(&log, &orphans).await?;
        }
        let ids = Ids::new(identity.shards, stream, known.len());
        let topology = if founded {
            topology
        } else {
            founding::found(topology, &ids, &log, &*clock, &*entropy).await?
        };
        let (changes, mailbox) = mpsc::channel(CHANGES_MAX);
        let catalog = Self {
            cluster_id: identity.cluster_id,
            topics: Arc::new(ArcSwap::from_pointee(topics)),
            topology: Arc::new(ArcSwap::from_pointee(topology)),
            version: Arc::new(AtomicU64::new(0)),
            changes,
        };
        let keeper = Keeper {
            ids,
            producer,
            producer_reserved: producer,
            topics: catalog.topics.clone(),
            topology: catalog.topology.clone(),
            version: catalog.version.clone(),
            log,
            clock,
            entropy,
        };
        Ok(Loaded {
            catalog,
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

fn packed(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}

#[cfg(test)]
mod tests;
