//! What the management API asks of the RabbitMQ face, answered from the catalog alone.
//!
//! It declares and deletes; how much is in a queue is known to nobody until queues are served.

mod judge;

use base::BoxFuture;
use cluster::{Catalog, Made, NewQueue, Queue, TopologyError};
use console::{Counts, Declaration, Hosts, Refusal};
use std::sync::Arc;

/// The catalog, as the management API wants it.
pub(crate) struct CatalogHosts(Arc<Catalog>);

impl CatalogHosts {
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        Self(catalog)
    }
}

impl Hosts for CatalogHosts {
    fn declare_exchange(&self, exchange: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let wanted = judge::exchange(&exchange)?;
            let declared = self.0.declare_exchange(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| refusal(&error))?;
            judge::same_exchange(&wanted, &known)?;
            Ok(made)
        })
    }

    fn declare_queue(&self, queue: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let wanted: NewQueue = judge::queue(&queue)?;
            let declared = self.0.declare_queue(wanted.clone()).await;
            let (known, made) = declared.map_err(|error| refusal(&error))?;
            judge::same_queue(&wanted, &known)?;
            Ok(made)
        })
    }

    fn delete_queue(
        &self,
        queue: Arc<Queue>,
        if_unused: bool,
        if_empty: bool,
    ) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            if if_unused || if_empty {
                return Err(not_served());
            }
            let deleted = self.0.delete_queue(queue.id).await;
            deleted.map(drop).map_err(|error| refusal(&error))
        })
    }

    fn purge_queue(&self, _: Arc<Queue>) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Err(not_served()) })
    }

    fn delete_vhost(&self, name: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let deleted = self.0.delete_vhost(&name).await;
            deleted.map(drop).map_err(|error| refusal(&error))
        })
    }

    fn counts(&self, queues: Vec<Arc<Queue>>) -> BoxFuture<'_, Vec<Option<Counts>>> {
        Box::pin(async move { vec![None; queues.len()] })
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
