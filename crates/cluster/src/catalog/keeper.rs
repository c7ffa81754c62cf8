//! The one task that changes the catalog.

use super::{
    CATALOG_SHARD, Change, ChangeError, NEXT_PRODUCER, NEXT_STREAM, PRODUCER_IDS_RESERVED,
    STREAMS_MAX, TOPIC,
};
use crate::topic::{Partition, Topic, Topics};
use arc_swap::ArcSwap;
use base::{Clock, Entropy, ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Cell, Closed, Kind, Log};
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The one that changes the catalog.
pub(super) struct Keeper {
    /// Number of shards.
    pub(super) shards: u16,
    /// Number of streams that exist.
    pub(super) streams: usize,
    /// The stream that comes next.
    pub(super) stream: u64,
    /// The producer id that comes next; those below `producer_reserved` are logged as given out.
    pub(super) producer: i64,
    pub(super) producer_reserved: i64,
    pub(super) topics: Arc<ArcSwap<Topics>>,
    pub(super) log: Arc<Log>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Makes changes, one at a time, until the catalog is dropped.
    pub(super) async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        while let Some(change) = changes.recv().await {
            // Whoever asked may have gone away; the change is made all the same.
            match change {
                Change::Create(name, partitions, configs, reply) => {
                    drop(reply.send(self.create(name, partitions, configs).await))
                }
                Change::AddPartitions(name, total, reply) => {
                    drop(reply.send(self.add_partitions(&name, total).await))
                }
                Change::SetConfigs(name, configs, reply) => {
                    drop(reply.send(self.set_configs(&name, configs).await))
                }
                Change::Delete(name, reply) => drop(reply.send(self.delete(&name).await)),
                Change::ProducerId(reply) => drop(reply.send(self.producer_id().await)),
            }
        }
    }

    async fn create(
        &mut self,
        name: String,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        if self.topics.load().get(&name).is_some() {
            return Err(ChangeError::Exists);
        }
        let partitions = self.allocate(partitions)?;
        let topic = Topic {
            name,
            id: self.entropy.random(),
            partitions,
            configs,
            created: self.clock.wall(),
        };
        self.put(topic).await
    }

    fn existing(&self, name: &str) -> Result<Topic, ChangeError> {
        self.topics
            .load()
            .get(name)
            .map(|topic| Topic::clone(topic))
            .ok_or(ChangeError::Unknown)
    }

    async fn add_partitions(&mut self, name: &str, total: u32) -> Result<Arc<Topic>, ChangeError> {
        let mut topic = self.existing(name)?;
        let present = topic.partitions.len();
        let more = total
            .checked_sub(u32::try_from(present).unwrap_or(u32::MAX))
            .filter(|more| *more > 0);
        topic
            .partitions
            .extend(self.allocate(more.ok_or(ChangeError::NotMore(present))?)?);
        self.put(topic).await
    }

    async fn set_configs(
        &mut self,
        name: &str,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        let topic = self.existing(name)?;
        self.put(Topic { configs, ..topic }).await
    }

    async fn delete(&mut self, name: &str) -> Result<Arc<Topic>, ChangeError> {
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
        self.streams -= topic.partitions.len();
        remove_streams(&self.log, &topic.partitions).await?;
        Ok(topic)
    }

    async fn producer_id(&mut self) -> Result<i64, Closed> {
        if self.producer == self.producer_reserved {
            let reserved = self.producer + PRODUCER_IDS_RESERVED;
            let cell = Cell {
                kind: Kind::Producer,
                key: Bytes::from_static(NEXT_PRODUCER),
                value: Some(packed(reserved.unsigned_abs())),
            };
            self.log.shard(CATALOG_SHARD).write(vec![cell]).await?;
            self.producer_reserved = reserved;
        }
        self.producer += 1;
        Ok(self.producer - 1)
    }

    /// New streams, round-robin over the shards.
    fn allocate(&mut self, count: u32) -> Result<Vec<Partition>, ChangeError> {
        if self.streams + count as usize > STREAMS_MAX {
            return Err(ChangeError::TooMany(STREAMS_MAX));
        }
        let shards = u64::from(self.shards);
        let partition = |id| Partition {
            stream: StreamId(id),
            shard: ShardId(u16::try_from(id % shards).unwrap_or(0)),
        };
        let partitions = (self.stream..)
            .take(count as usize)
            .map(partition)
            .collect();
        self.stream += u64::from(count);
        self.streams += count as usize;
        Ok(partitions)
    }

    /// Stores a topic, opens its streams and shows it.
    async fn put(&self, topic: Topic) -> Result<Arc<Topic>, ChangeError> {
        let next = Cell {
            kind: Kind::Catalog,
            key: Bytes::from_static(NEXT_STREAM),
            value: Some(packed(self.stream)),
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

/// Removes streams together, so that they share a sync.
pub(super) async fn remove_streams(log: &Log, partitions: &[Partition]) -> Result<(), Closed> {
    let removals = partitions
        .iter()
        .map(|partition| log.shard(partition.shard).remove(partition.stream));
    try_join_all(removals).await.map(drop)
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
