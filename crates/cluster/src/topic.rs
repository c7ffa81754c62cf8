//! Topics as the catalog knows them, and their durable form (`docs/formats/catalog.md`).

use base::{Packer, ShardId, StreamId, Timestamp, Truncated, Unpacker};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const VERSION: u8 = 1;

/// One partition: a stream and the shard that it lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The stream.
    pub stream: StreamId,
    /// Its shard.
    pub shard: ShardId,
}

/// A named group of streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Tells it from any earlier topic of the same name.
    pub id: u128,
    /// Its partitions in order.
    pub partitions: Vec<Partition>,
    /// Settings that differ from the defaults.
    pub configs: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
}

impl Topic {
    pub(crate) fn pack(&self) -> Bytes {
        let mut packer = Packer::new();
        packer
            .u8(VERSION)
            .u128(self.id)
            .i64(self.created.0)
            .count(self.partitions.len());
        for partition in &self.partitions {
            packer.u64(partition.stream.0).u16(partition.shard.0);
        }
        packer.count(self.configs.len());
        for (key, value) in &self.configs {
            packer.str(key).str(value);
        }
        packer.finish()
    }

    pub(crate) fn unpack(name: String, value: &Bytes) -> Result<Self, Truncated> {
        let mut input = Unpacker::new(value.clone());
        if input.u8()? != VERSION {
            return Err(Truncated);
        }
        let (id, created) = (input.u128()?, Timestamp(input.i64()?));
        let mut partitions = Vec::new();
        for _ in 0..input.count(10)? {
            partitions.push(Partition {
                stream: StreamId(input.u64()?),
                shard: ShardId(input.u16()?),
            });
        }
        let mut configs = BTreeMap::new();
        for _ in 0..input.count(8)? {
            configs.insert(input.str()?, input.str()?);
        }
        Ok(Self {
            name,
            id,
            partitions,
            configs,
            created,
        })
    }
}

/// All topics at one moment; it never changes.
#[derive(Debug, Clone, Default)]
pub struct Topics {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<u128, Arc<Topic>>,
    by_stream: HashMap<StreamId, Arc<Topic>>,
}

impl Topics {
    /// The topic of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// The topic of this id.
    #[must_use]
    pub fn by_id(&self, id: u128) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// The topic that a stream is a partition of.
    #[must_use]
    pub fn by_stream(&self, stream: StreamId) -> Option<&Arc<Topic>> {
        self.by_stream.get(&stream)
    }

    /// All topics in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    pub(crate) fn insert(&mut self, topic: Arc<Topic>) {
        self.remove(&topic.name);
        for partition in &topic.partitions {
            self.by_stream.insert(partition.stream, topic.clone());
        }
        self.by_id.insert(topic.id, topic.clone());
        self.by_name.insert(topic.name.clone(), topic);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(topic) = self.by_name.remove(name) {
            self.by_id.remove(&topic.id);
            for partition in &topic.partitions {
                self.by_stream.remove(&partition.stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Partition, Topic, Topics};
    use base::{ShardId, StreamId, Timestamp};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn orders() -> Topic {
        Topic {
            name: "orders".to_owned(),
            id: 7,
            partitions: vec![Partition {
                stream: StreamId(3),
                shard: ShardId(1),
            }],
            configs: BTreeMap::from([("retention.ms".to_owned(), "1000".to_owned())]),
            created: Timestamp(5),
        }
    }

    #[test]
    fn a_topic_is_found_by_name_id_and_stream_until_it_is_removed() {
        let mut topics = Topics::default();
        topics.insert(Arc::new(orders()));
        // Its settings change, and it gets a partition.
        let mut topic = orders();
        topic.partitions.push(Partition {
            stream: StreamId(9),
            shard: ShardId(2),
        });
        let topic = Arc::new(topic);
        topics.insert(topic.clone());
        for found in [
            topics.get("orders"),
            topics.by_id(7),
            topics.by_stream(StreamId(3)),
            topics.by_stream(StreamId(9)),
        ] {
            assert_eq!(found, Some(&topic));
        }
        topics.remove("orders");
        assert!(topics.by_id(7).is_none() && topics.by_stream(StreamId(9)).is_none());
    }

    #[test]
    fn a_topic_reads_back_as_it_was_packed() {
        let topic = orders();
        let packed = topic.pack();
        assert_eq!(Topic::unpack("orders".to_owned(), &packed), Ok(topic));
        assert!(
            (0..packed.len())
                .all(|len| Topic::unpack(String::new(), &packed.slice(..len)).is_err())
        );
    }
}
