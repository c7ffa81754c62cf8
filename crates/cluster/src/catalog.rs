//! The catalog: topics and the allocation of ids, as cells of shard 0.
//!
//! Everybody reads an immutable snapshot. Changes are made one at a time and are visible only once
//! they are durable.

use crate::identity::Identity;
use crate::topic::{Partition, Topic, Topics};
use arc_swap::ArcSwap;
use base::{Clock, Entropy, ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Cell, Cells, Closed, Kind, Log};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::Mutex;

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
    /// The log takes no more writes.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// The catalog.
pub struct Catalog {
    identity: Identity,
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    topics: ArcSwap<Topics>,
    allocator: Mutex<Allocator>,
}

/// The ids that come next. Whoever holds it is the one that changes the catalog.
struct Allocator {
    stream: u64,
    producer: i64,
    /// Producer ids below this are logged as given out.
    producer_reserved: i64,
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
    ) -> Result<Self, Closed> {
        let mut topics = Topics::default();
        let (mut stream, mut sound) = (0, true);
        for (key, value) in cells.of(Kind::Catalog) {
            if let Some(name) = key.strip_prefix(TOPIC) {
                match std::str::from_utf8(name)
                    .ok()
                    .and_then(|name| Topic::unpack(name.to_owned(), value).ok())
                {
                    Some(topic) => topics.insert(Arc::new(topic)),
                    None => {
                        sound = false;
                        tracing::error!(name = %String::from_utf8_lossy(name), "the catalog's entry of a topic is malformed; the topic is left out");
                    }
                }
            } else if &key[..] == NEXT_STREAM {
                stream = number(value);
            }
        }
        let producer = cells
            .of(Kind::Producer)
            .find(|(key, _)| &key[..] == NEXT_PRODUCER)
            .map_or(0, |(_, value)| number(value));
        let producer = i64::try_from(producer).unwrap_or(i64::MAX);
        let mut known = HashSet::new();
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            log.shard(partition.shard).open(partition.stream).await?;
            known.insert(partition.stream);
        }
        // The streams of a topic that cannot be read are not orphans: they wait for somebody to mend it.
        for orphan in log
            .streams()
            .iter()
            .filter(|stream| sound && !known.contains(&stream.id()))
        {
            tracing::info!(stream = %orphan.id(), "a stream without a topic is removed");
            log.shard(orphan.shard()).remove(orphan.id()).await?;
        }
        let allocator = Mutex::new(Allocator {
            stream,
            producer,
            producer_reserved: producer,
        });
        Ok(Self {
            identity,
            log,
            clock,
            entropy,
            topics: ArcSwap::from_pointee(topics),
            allocator,
        })
    }

    /// The name of the data.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        &self.identity.cluster_id
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
        let mut allocator = self.allocator.lock().await;
        if self.topics.load().get(name).is_some() {
            return Err(ChangeError::Exists);
        }
        let partitions = self.allocate(&mut allocator, partitions);
        let topic = Topic {
            name: name.to_owned(),
            id: self.entropy.random(),
            partitions,
            configs,
            created: self.clock.wall(),
        };
        self.put(&allocator, topic).await
    }

    /// Gives a topic more partitions, `total` in all.
    pub async fn add_partitions(&self, name: &str, total: u32) -> Result<Arc<Topic>, ChangeError> {
        let mut allocator = self.allocator.lock().await;
        let mut topic = Topic::clone(self.topics.load().get(name).ok_or(ChangeError::Unknown)?);
        let present = topic.partitions.len();
        let more = total
            .checked_sub(u32::try_from(present).unwrap_or(u32::MAX))
            .filter(|more| *more > 0);
        topic
            .partitions
            .extend(self.allocate(&mut allocator, more.ok_or(ChangeError::NotMore(present))?));
        self.put(&allocator, topic).await
    }

    /// Replaces a topic's settings.
    pub async fn set_configs(
        &self,
        name: &str,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        let allocator = self.allocator.lock().await;
        let topic = Topic::clone(self.topics.load().get(name).ok_or(ChangeError::Unknown)?);
        self.put(&allocator, Topic { configs, ..topic }).await
    }

    /// Removes a topic and everything in it; returns what it was.
    pub async fn delete_topic(&self, name: &str) -> Result<Arc<Topic>, ChangeError> {
        let _allocator = self.allocator.lock().await;
        let topic = self
            .topics
            .load()
            .get(name)
            .cloned()
            .ok_or(ChangeError::Unknown)?;
        self.log
            .shard(CATALOG_SHARD)
            .write(vec![topic_cell(name, None)])
            .await?;
        let mut topics = Topics::clone(&self.topics.load());
        topics.remove(name);
        self.topics.store(Arc::new(topics));
        for partition in &topic.partitions {
            self.log
                .shard(partition.shard)
                .remove(partition.stream)
                .await?;
        }
        Ok(topic)
    }

    /// An id that no producer had before.
    pub async fn producer_id(&self) -> Result<i64, Closed> {
        let mut allocator = self.allocator.lock().await;
        if allocator.producer == allocator.producer_reserved {
            let reserved = allocator.producer + PRODUCER_IDS_RESERVED;
            let cell = Cell {
                kind: Kind::Producer,
                key: Bytes::from_static(NEXT_PRODUCER),
                value: Some(packed(reserved.unsigned_abs())),
            };
            self.log.shard(CATALOG_SHARD).write(vec![cell]).await?;
            allocator.producer_reserved = reserved;
        }
        allocator.producer += 1;
        Ok(allocator.producer - 1)
    }

    /// New streams, round-robin over the shards.
    fn allocate(&self, allocator: &mut Allocator, count: u32) -> Vec<Partition> {
        let shards = u64::from(self.identity.shards);
        let partitions = (allocator.stream..).take(count as usize).map(|id| {
            let shard = u16::try_from(id % shards).unwrap_or(0);
            Partition {
                stream: StreamId(id),
                shard: ShardId(shard),
            }
        });
        let partitions: Vec<_> = partitions.collect();
        allocator.stream += u64::from(count);
        partitions
    }

    /// Stores a topic, opens its streams and shows it.
    async fn put(&self, allocator: &Allocator, topic: Topic) -> Result<Arc<Topic>, ChangeError> {
        let next = Cell {
            kind: Kind::Catalog,
            key: Bytes::from_static(NEXT_STREAM),
            value: Some(packed(allocator.stream)),
        };
        let cell = topic_cell(&topic.name, Some(topic.pack()));
        self.log
            .shard(CATALOG_SHARD)
            .write(vec![next, cell])
            .await?;
        for partition in &topic.partitions {
            self.log
                .shard(partition.shard)
                .open(partition.stream)
                .await?;
        }
        let topic = Arc::new(topic);
        let mut topics = Topics::clone(&self.topics.load());
        topics.insert(topic.clone());
        self.topics.store(Arc::new(topics));
        Ok(topic)
    }
}

fn topic_cell(name: &str, value: Option<Bytes>) -> Cell {
    Cell {
        kind: Kind::Catalog,
        key: [TOPIC, name.as_bytes()].concat().into(),
        value,
    }
}

fn packed(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}

fn number(value: &Bytes) -> u64 {
    value[..].try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
