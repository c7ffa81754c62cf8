//! What the management API asks of the RabbitMQ face: declarations by its rules, and what is in its queues.
//!
//! Where RabbitMQ clients are not served there are no hosts: queues can be declared and deleted, and nobody
//! knows what is in them.

mod judge;

use amqp::mail::{Answer, Counts as Counted, Refusal as Refused};
use amqp::queues::Queues;
use amqp::topic_keeper::{TopicError, TopicKeeper};
use base::BoxFuture;
use bytes::Bytes;
use cluster::{Catalog, ChangeError, Made, Partition, Topic, TopologyError, stream_topic_name};
use commitlog::Log;
use console::{Counts, Declaration, Hosts, Refusal};
use judge::Wanted;
use std::collections::HashMap;
use std::sync::Arc;

/// The node, as the management API wants it.
pub(crate) struct NodeHosts {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) log: Arc<Log>,
    pub(crate) topics: Arc<dyn TopicKeeper>,
    /// Where RabbitMQ clients are served.
    pub(crate) queues: Option<Arc<Queues>>,
}

impl NodeHosts {
    /// How much is in the partition of a topic, where nobody consumes it but Kafka clients.
    fn in_topic(&self, partition: Partition) -> Option<Counts> {
        self.catalog.topics().by_stream(partition.stream)?;
        let bounds = self.log.stream(partition.stream)?.bounds();
        Some(Counts {
            ready: u64::try_from(bounds.high_watermark - bounds.log_start).unwrap_or(0),
            ..Counts::default()
        })
    }

    async fn declare_stream(&self, wanted: &Declaration) -> Result<Made, Refusal> {
        let known = self.catalog.topics();
        if let Some((topic, _)) = known.stream_queue(&wanted.vhost, &wanted.name) {
            judge::same_stream(wanted, topic)?;
            return Ok(Made::Existing);
        }
        if self.catalog.topology().vhost(&wanted.vhost).is_none() {
            return Err(topology(&TopologyError::NoVhost));
        }
        let name = stream_topic_name(&wanted.vhost, &wanted.name);
        let configs = judge::stream_configs(wanted);
        match self.topics.create(&name, 1, configs).await {
            Ok(_) => Ok(Made::New),
            // Somebody else was faster.
            Err(TopicError::Change(ChangeError::Exists)) => Ok(Made::Existing),
            Err(TopicError::Change(error @ ChangeError::Closed(_))) => {
                Err(Refusal::Unavailable(error.to_string()))
            }
            Err(error) => Err(Refusal::Precondition(format!(
                "invalid stream queue '{}' in vhost '{}': {error}",
                wanted.name, wanted.vhost
            ))),
        }
    }

    async fn delete_stream(&self, partition: Partition) -> Result<(), Refusal> {
        let topic = self.catalog.topics().by_stream(partition.stream).cloned();
        let topic = topic.ok_or_else(gone)?;
        if topic.partitions.len() > 1 {
            let reason = format!("the queue is one of several that topic '{}' is", topic.name);
            return Err(Refusal::Precondition(reason));
        }
        let deleted = self.topics.delete(&topic.name).await;
        deleted.map(drop).map_err(|error| match error {
            TopicError::Change(ChangeError::Unknown) => gone(),
            error => Refusal::Unavailable(error.to_string()),
        })
    }
}

impl Hosts for NodeHosts {
    fn declare_exchange(&self, exchange: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let wanted = judge::exchange(&exchange)?;
            let declared = self.catalog.declare_exchange(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| topology(&error))?;
            judge::same_exchange(&wanted, &known)?;
            Ok(made)
        })
    }

    fn declare_queue(&self, queue: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let topics = self.catalog.topics();
            let stream = topics.stream_queue(&queue.vhost, &queue.name);
            let wanted = match judge::queue(&queue)? {
                Wanted::Stream => return self.declare_stream(&queue).await,
                Wanted::Queue(wanted) => wanted,
            };
            let known = self.catalog.topology();
            if known.queue(&queue.vhost, &queue.name).is_none()
                && let Some((topic, _)) = stream
            {
                judge::same_stream(&queue, topic)?;
                return Ok(Made::Existing);
            }
            let declared = self.catalog.declare_queue(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| topology(&error))?;
            judge::same_queue(&wanted, &known)?;
            Ok(made)
        })
    }

    fn delete_queue(
        &self,
        queue: Partition,
        if_unused: bool,
        if_empty: bool,
    ) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            if let Some(queues) = &self.queues {
                let deleted = queues.delete(queue.shard, queue.stream, if_unused, if_empty);
                return answer(deleted.await);
            }
            if if_unused || if_empty {
                return Err(not_served());
            }
            if self.catalog.topics().by_stream(queue.stream).is_some() {
                return self.delete_stream(queue).await;
            }
            let deleted = self.catalog.delete_queue(queue.stream).await;
            deleted.map(drop).map_err(|error| topology(&error))
        })
    }

    fn purge_queue(&self, queue: Partition) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let queues = self.queues.as_ref().ok_or_else(not_served)?;
            answer(queues.purge(queue.shard, queue.stream).await)
        })
    }

    fn delete_vhost(&self, name: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let deleted = match &self.queues {
                Some(queues) => queues.delete_vhost(&name).await,
                None => delete_vhost_without_hosts(&self.catalog, &name).await,
            };
            deleted.map_err(|error| topology(&error))
        })
    }

    fn counts(&self, partitions: Vec<Partition>) -> BoxFuture<'_, Vec<Option<Counts>>> {
        Box::pin(async move {
            let mut known = HashMap::new();
            if let (Some(queues), [_, _, ..]) = (&self.queues, &partitions[..]) {
                let reports = queues.reports().await.into_iter();
                known.extend(reports.map(|report| (report.queue, counts(report.counts))));
            }
            let mut all = Vec::with_capacity(partitions.len());
            for partition in partitions {
                all.push(match (known.get(&partition.stream), &self.queues) {
                    (Some(counts), _) => Some(*counts),
                    (None, Some(queues)) => {
                        let counted = queues.counts(partition.shard, partition.stream);
                        counted.await.map(counts)
                    }
                    (None, None) => self.in_topic(partition),
                });
            }
            all
        })
    }

    fn stream_arguments(&self, topic: &Topic) -> Bytes {
        amqp::stream_settings::arguments_of(topic)
    }
}

fn counts(counted: Counted) -> Counts {
    Counts {
        ready: counted.ready,
        unacknowledged: counted.unacknowledged,
        consumers: counted.consumers,
    }
}

fn not_served() -> Refusal {
    Refusal::Unavailable("queues are not served by this node".to_owned())
}

fn gone() -> Refusal {
    Refusal::NotFound(Refused::NotFound.to_string())
}

fn answer(outcome: Result<Answer, Refused>) -> Result<(), Refusal> {
    match outcome {
        Ok(_) => Ok(()),
        Err(Refused::NotFound) => Err(gone()),
        Err(refused @ Refused::Lost) => Err(Refusal::Unavailable(refused.to_string())),
        Err(refused) => Err(Refusal::Precondition(refused.to_string())),
    }
}

/// Where no queues are served nobody writes to them, and the catalog alone removes them.
async fn delete_vhost_without_hosts(catalog: &Catalog, name: &str) -> Result<(), TopologyError> {
    let topology = catalog.topology();
    let vhost = topology.vhost(name).ok_or(TopologyError::NoVhost)?;
    for queue in vhost.queues() {
        match catalog.delete_queue(queue.id).await {
            Ok(_) | Err(TopologyError::NoQueue) => {}
            Err(error) => return Err(error),
        }
    }
    catalog.delete_vhost(name).await.map(drop)
}

fn topology(error: &TopologyError) -> Refusal {
    let reason = error.to_string();
    match error {
        TopologyError::NoVhost
        | TopologyError::NoUser
        | TopologyError::NoExchange
        | TopologyError::NoQueue => Refusal::NotFound(reason),
        TopologyError::InUse | TopologyError::TooLong(..) | TopologyError::TooMany(..) => {
            Refusal::Precondition(reason)
        }
        TopologyError::Predeclared => Refusal::Access(reason),
        TopologyError::Closed(_) => Refusal::Unavailable(reason),
    }
}
