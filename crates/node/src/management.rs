//! What the management API asks of the RabbitMQ face, answered from the catalog alone.
//!
//! It declares and deletes; how much is in a queue is known to nobody until queues are served, other than in
//! a stream queue, which is a topic.

mod judge;

use base::BoxFuture;
use bytes::Bytes;
use cluster::{Catalog, Made, NewQueue, Partition, Topic, TopologyError};
use commitlog::Log;
use console::{Counts, Declaration, Hosts, Refusal};
use std::sync::Arc;

/// The catalog, as the management API wants it.
pub(crate) struct CatalogHosts {
    catalog: Arc<Catalog>,
    log: Arc<Log>,
}

impl CatalogHosts {
    pub(crate) fn new(catalog: Arc<Catalog>, log: Arc<Log>) -> Self {
        Self { catalog, log }
    }

    /// How much is in the partition of a topic.
    fn in_topic(&self, partition: Partition) -> Option<Counts> {
        self.catalog.topics().by_stream(partition.stream)?;
        let bounds = self.log.stream(partition.stream)?.bounds();
        Some(Counts {
            ready: u64::try_from(bounds.high_watermark - bounds.log_start).unwrap_or(0),
            ..Counts::default()
        })
    }
}

impl Hosts for CatalogHosts {
    fn declare_exchange(&self, exchange: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let wanted = judge::exchange(&exchange)?;
            let declared = self.catalog.declare_exchange(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| refusal(&error))?;
            judge::same_exchange(&wanted, &known)?;
            Ok(made)
        })
    }

    fn declare_queue(&self, queue: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let wanted: NewQueue = judge::queue(&queue)?;
            let declared = self.catalog.declare_queue(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| refusal(&error))?;
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
            let is_topic = self.catalog.topics().by_stream(queue.stream).is_some();
            if if_unused || if_empty || is_topic {
                return Err(not_served());
            }
            let deleted = self.catalog.delete_queue(queue.stream).await;
            deleted.map(drop).map_err(|error| refusal(&error))
        })
    }

    fn purge_queue(&self, _: Partition) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Err(not_served()) })
    }

    fn delete_vhost(&self, name: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let deleted = self.catalog.delete_vhost(&name).await;
            deleted.map(drop).map_err(|error| refusal(&error))
        })
    }

    fn counts(&self, queues: Vec<Partition>) -> BoxFuture<'_, Vec<Option<Counts>>> {
        Box::pin(async move { queues.into_iter().map(|of| self.in_topic(of)).collect() })
    }

    fn stream_arguments(&self, topic: &Topic) -> Bytes {
        judge::stream_arguments(topic)
    }
}

fn not_served() -> Refusal {
    Refusal::Unavailable("queues are not served by this node".to_owned())
}

fn refusal(error: &TopologyError) -> Refusal {
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
