//! The one task that changes the catalog.

use super::draft::Draft;
use super::edits::{Edit, Edited};
use super::ids::Ids;
use super::read::Class;
use super::{
    CATALOG_SHARD, Change, ChangeError, NEXT_PRODUCER, PRODUCER_IDS_RESERVED, STREAMS_MAX, packed,
};
use crate::topic::{Partition, Topic, Topics};
use crate::topology::Topology;
use arc_swap::ArcSwap;
use base::{Clock, Entropy};
use bytes::Bytes;
use commitlog::{Cell, Closed, Kind, Log};
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Edits that share a sync at most, so that none waits long for the others' work.
const EDITS_MAX: usize = 64;

/// The one that changes the catalog.
pub(super) struct Keeper {
    pub(super) ids: Ids,
    /// The producer id that comes next; those below `producer_reserved` are logged as given out.
    pub(super) producer: i64,
    pub(super) producer_reserved: i64,
    pub(super) topics: Arc<ArcSwap<Topics>>,
    pub(super) topology: Arc<ArcSwap<Topology>>,
    /// See [`super::Catalog::version`].
    pub(super) version: Arc<AtomicU64>,
    pub(super) log: Arc<Log>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Makes changes, one at a time, until the catalog is dropped.
    pub(super) async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        let mut next = None;
        while let Some(change) = match next.take() {
            Some(change) => Some(change),
            None => changes.recv().await,
        } {
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
                Change::Edit(first) => next = self.edit(first, &mut changes).await,
            }
        }
    }

    /// Makes an edit and those that wait behind it: one after the other, but with one sync. Returns what
    /// came after them.
    async fn edit(&mut self, first: Edit, changes: &mut mpsc::Receiver<Change>) -> Option<Change> {
        let mut draft = self.draft();
        let (mut waiting, mut edits, mut made) = (Some(Change::Edit(first)), 0, Vec::new());
        while let Some(Change::Edit(edit)) =
            waiting.take_if(|next| edits < EDITS_MAX && matches!(next, Change::Edit(_)))
        {
            let before = draft.mark();
            match edit(&mut draft) {
                Edited::Made(done) => made.push(done),
                Edited::Refused => draft.reset(before),
            }
            edits += 1;
            waiting = changes.try_recv().ok();
        }
        if !made.is_empty() {
            let outcome = self.commit(draft).await;
            made.into_iter().for_each(|done| done(outcome));
        }
        waiting
    }

    fn draft(&self) -> Draft {
        let topology = Topology::clone(&self.topology.load());
        let (topics, ids) = (self.topics.load_full(), self.ids.clone());
        Draft::new(topology, topics, ids, self.clock.wall())
    }

    /// Writes a draft where there is anything to write, shows it, and removes the streams that nobody
    /// has any more.
    async fn commit(&mut self, mut draft: Draft) -> Result<(), Closed> {
        draft.cells.extend(draft.ids.reserve());
        if !draft.cells.is_empty() {
            let cells = std::mem::take(&mut draft.cells);
            self.log.shard(CATALOG_SHARD).write(cells).await?;
        }
        self.ids = draft.ids;
        self.topology.store(Arc::new(draft.topology));
        self.changed();
        // A queue's host opens its streams when it needs them; those that it never opened are not there.
        let mut removed = draft.removed;
        removed.retain(|partition| self.log.stream(partition.stream).is_some());
        remove_streams(&self.log, &removed).await
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
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
        let mut draft = self.draft();
        draft.unbind_topic(&topic);
        draft.cells.push(topic_cell(name, None));
        self.log.shard(CATALOG_SHARD).write(draft.cells).await?;
        let mut topics = Topics::clone(&self.topics.load());
        topics.remove(name);
        self.topics.store(Arc::new(topics));
        self.topology.store(Arc::new(draft.topology));
        self.changed();
        self.ids.release(topic.partitions.len());
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

    fn allocate(&mut self, count: u32) -> Result<Vec<Partition>, ChangeError> {
        let streams = self.ids.spread(count);
        streams.ok_or(ChangeError::TooMany(STREAMS_MAX))
    }

    /// Stores a topic, opens its streams and shows it.
    async fn put(&mut self, topic: Topic) -> Result<Arc<Topic>, ChangeError> {
        let mut draft = self.draft();
        let old = self.topics.load().get(&topic.name).cloned();
        // With a second partition a topic is no longer the stream queue that it was.
        if let Some(old) = old.filter(|old| old.partitions.len() == 1 && topic.partitions.len() > 1)
        {
            draft.unbind_topic(&old);
        }
        let cell = topic_cell(&topic.name, Some(topic.pack()));
        draft.cells.push(cell);
        draft.cells.extend(self.ids.reserve());
        self.log.shard(CATALOG_SHARD).write(draft.cells).await?;
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
        self.topology.store(Arc::new(draft.topology));
        self.changed();
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
        key: Class::Topic.key(name.as_bytes()),
        value,
    }
}
