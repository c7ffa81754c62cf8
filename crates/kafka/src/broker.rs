//! What all sessions of a node share.

use crate::coordination::{self, Coordination, Mailbox};
use crate::counters::Counters;
use crate::fetch_sessions::FetchSessions;
use crate::groups;
use crate::settings::{Endpoint, Settings};
use crate::topic_config::TopicSettings;
use base::{BoxFuture, Clock, Entropy, ShardId};
use cluster::{Catalog, ChangeError, Topic};
use commitlog::{Cells, Log, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a broker stands on.
pub struct Ground {
    /// The log.
    pub log: Arc<Log>,
    /// The newest values of all cells when the log was opened.
    pub cells: BTreeMap<ShardId, Cells>,
    /// The topics.
    pub catalog: Arc<Catalog>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// This node's number among Kafka's brokers.
    pub node_id: i32,
    /// What the operator set.
    pub settings: Settings,
}

/// A broker that is ready to serve.
pub struct Opened {
    /// The broker.
    pub broker: Arc<Broker>,
    /// One task for each shard's group coordinator: the driver runs each to its end. They end when
    /// the broker and all its sessions are dropped.
    pub tasks: Vec<BoxFuture<'static, ()>>,
}

/// The Kafka face of a node: what all sessions share.
pub struct Broker {
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) node_id: i32,
    pub(crate) settings: Settings,
    pub(crate) fetch_sessions: FetchSessions,
    /// Held by whoever changes a topic's settings from what they were.
    pub(crate) configs_changing: tokio::sync::Mutex<()>,
    topic_defaults: TopicSettings,
    coordinators: Vec<Mailbox>,
    counters: Counters,
}

impl Broker {
    /// Restores the groups, and gives every topic's streams the policy that its settings say.
    #[must_use]
    pub fn open(ground: Ground) -> Opened {
        let topic_ids = |topics: &cluster::Topics| {
            topics
                .iter()
                .map(|topic| groups::TopicId(topic.id))
                .collect::<std::collections::HashSet<_>>()
        };
        let known = topic_ids(&ground.catalog.topics());
        let (mut coordinators, mut tasks) = (Vec::new(), Vec::new());
        for (number, shard) in (0..).zip(ground.log.shards()) {
            let (mailbox, coordination) = Coordination::restore(coordination::Ground {
                shard: shard.clone(),
                cells: ground.cells.get(&ShardId(number)),
                settings: &ground.settings,
                clock: ground.clock.clone(),
                known_topics: &known,
            });
            coordinators.push(mailbox);
            tasks.push(Box::pin(coordination.run()) as BoxFuture<'static, ()>);
        }
        let slots = ground.settings.max_incremental_fetch_session_cache_slots as usize;
        let broker = Self {
            log: ground.log,
            catalog: ground.catalog,
            clock: ground.clock,
            entropy: ground.entropy,
            node_id: ground.node_id,
            fetch_sessions: FetchSessions::new(slots),
            configs_changing: tokio::sync::Mutex::new(()),
            topic_defaults: TopicSettings::defaults(&ground.settings),
            settings: ground.settings,
            coordinators,
            counters: Counters::new(),
        };
        for topic in broker.catalog.topics().iter() {
            broker.apply_settings(topic);
        }
        Opened {
            broker: Arc::new(broker),
            tasks,
        }
    }

    /// Figures for monitoring.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many incremental fetch sessions are kept.
    #[must_use]
    pub fn fetch_session_count(&self) -> usize {
        self.fetch_sessions.len()
    }

    /// The broker settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What clients are told to connect to, if they have reached `reached`.
    pub(crate) fn endpoint<'a>(&'a self, reached: &'a Endpoint) -> &'a Endpoint {
        self.settings.advertised.as_ref().unwrap_or(reached)
    }

    /// The epoch that clients see of every partition's leader.
    pub(crate) fn leader_epoch(&self) -> i32 {
        i32::try_from(self.log.epoch().0).unwrap_or(i32::MAX)
    }

    /// A topic's settings.
    pub(crate) fn topic_settings(&self, topic: &Topic) -> TopicSettings {
        self.topic_defaults.overridden(&topic.configs)
    }

    /// The stream of a partition, if it exists.
    pub(crate) fn stream(&self, topic: &Topic, partition: i32) -> Option<Arc<Stream>> {
        let partition = topic.partitions.get(usize::try_from(partition).ok()?)?;
        self.log.stream(partition.stream)
    }

    /// Makes a topic whose name and settings were checked.
    pub(crate) async fn create_topic(
        &self,
        name: &str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, ChangeError> {
        let topic = self.catalog.create_topic(name, partitions, configs).await?;
        self.apply_settings(&topic);
        tracing::info!(topic = name, partitions, "topic created");
        Ok(topic)
    }

    /// Gives a topic more partitions, `total` in all.
    pub(crate) async fn add_partitions(&self, name: &str, total: u32) -> Result<(), ChangeError> {
        let topic = self.catalog.add_partitions(name, total).await?;
        self.apply_settings(&topic);
        tracing::info!(topic = name, partitions = total, "partitions added");
        Ok(())
    }

    /// Replaces a topic's settings by others that were checked.
    pub(crate) async fn set_configs(
        &self,
        name: &str,
        configs: BTreeMap<String, String>,
    ) -> Result<(), ChangeError> {
        let topic = self.catalog.set_configs(name, configs).await?;
        self.apply_settings(&topic);
        tracing::info!(topic = name, configs = ?topic.configs, "settings changed");
        Ok(())
    }

    /// Removes a topic, and what groups remember of it.
    pub(crate) async fn delete_topic(&self, name: &str) -> Result<Arc<Topic>, ChangeError> {
        let topic = self.catalog.delete_topic(name).await?;
        for coordinator in &self.coordinators {
            coordinator.topic_deleted(groups::TopicId(topic.id)).await;
        }
        tracing::info!(topic = name, "topic deleted");
        Ok(topic)
    }

    /// The coordinator of a group: groups are spread over the shards by a hash of their name, which
    /// must never change, because a group's state lies in its shard.
    pub(crate) fn coordinator(&self, group: &str) -> &Mailbox {
        let shards = u32::try_from(self.coordinators.len()).unwrap_or(u32::MAX);
        &self.coordinators[(fnv1a(group.as_bytes()) % shards.max(1)) as usize]
    }

    /// All coordinators.
    pub(crate) fn coordinators(&self) -> &[Mailbox] {
        &self.coordinators
    }

    fn apply_settings(&self, topic: &Topic) {
        let policy = self.topic_settings(topic).policy();
        for partition in &topic.partitions {
            if let Some(stream) = self.log.stream(partition.stream) {
                stream.set_policy(policy);
            }
        }
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo): short, and the same on every machine and in every version.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn the_hash_of_a_group_never_changes() {
        assert_eq!(fnv1a(b""), 0x811c_9dc5);
        assert_eq!(fnv1a(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
    }
}
