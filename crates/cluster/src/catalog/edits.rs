//! Changes of the topology, as whoever asks for them sees them.
//!
//! They are made one after the other by the keeper. Each is whole or not made at all, and is shown and
//! answered when it is durable; changes of what is not durable wait for no disk.

use super::draft::Draft;
use super::error::{Made, TopologyError};
use super::{Catalog, Change, Closed};
use crate::topology::{Binding, Exchange, NewQueue, Permission, Queue, Topology, User};
use base::StreamId;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// A change: tries itself on a draft, which it leaves as it was where it is refused.
pub(super) type Edit = Box<dyn FnOnce(&mut Draft) -> Edited + Send>;

/// What became of an edit.
pub(super) enum Edited {
    /// It was not made, and whoever asked has been told.
    Refused,
    /// It is in the draft; to be called with whether that became durable.
    Made(Box<dyn FnOnce(Result<(), Closed>) + Send>),
}

impl Catalog {
    /// Vhosts, exchanges, queues, bindings, users and permissions as they are now.
    #[must_use]
    pub fn topology(&self) -> Arc<Topology> {
        self.topology.load_full()
    }

    /// Grows with every change of topology or topics. Whatever is derived from snapshots that were taken after
    /// this was asked for holds until it grows.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Makes a vhost with the exchanges that every one has.
    pub async fn put_vhost(&self, name: &str) -> Result<Made, TopologyError> {
        let name: Arc<str> = name.into();
        self.edit(move |draft| draft.put_vhost(&name)).await
    }

    /// Removes a vhost and everything in it; returns the queues that are gone.
    ///
    /// It is refused while there are stored queues in it: their hosts remove them first.
    pub async fn delete_vhost(&self, name: &str) -> Result<Vec<Arc<Queue>>, TopologyError> {
        let name = name.to_owned();
        self.edit(move |draft| draft.delete_vhost(&name)).await
    }

    /// Makes or replaces a user.
    pub async fn put_user(&self, user: User) -> Result<Made, TopologyError> {
        self.edit(move |draft| draft.put_user(Arc::new(user))).await
    }

    /// Removes a user and its permissions.
    pub async fn delete_user(&self, name: &str) -> Result<(), TopologyError> {
        let name = name.to_owned();
        self.edit(move |draft| draft.delete_user(&name)).await
    }

    /// Sets what a user may do in a vhost.
    pub async fn set_permission(&self, permission: Permission) -> Result<Made, TopologyError> {
        self.edit(move |draft| draft.set_permission(Arc::new(permission)))
            .await
    }

    /// Removes what a user may do in a vhost; returns whether there was anything.
    pub async fn clear_permission(&self, user: &str, vhost: &str) -> Result<bool, TopologyError> {
        let (user, vhost) = (user.to_owned(), vhost.to_owned());
        self.edit(move |draft| Ok(draft.clear_permission(&user, &vhost)))
            .await
    }

    /// Makes an exchange, or returns the one of that name as it is.
    pub async fn declare_exchange(
        &self,
        exchange: Exchange,
    ) -> Result<(Arc<Exchange>, Made), TopologyError> {
        // Declaring what is there is the common case, and waits for nothing.
        if let Some(known) = self.topology().exchange(&exchange.vhost, &exchange.name) {
            return Ok((known.clone(), Made::Existing));
        }
        self.edit(move |draft| draft.declare_exchange(exchange))
            .await
    }

    /// Removes an exchange and its bindings, and auto-delete exchanges that have none left.
    pub async fn delete_exchange(
        &self,
        vhost: &str,
        name: &str,
        if_unused: bool,
    ) -> Result<Arc<Exchange>, TopologyError> {
        let (vhost, name) = (vhost.to_owned(), name.to_owned());
        self.edit(move |draft| draft.delete_exchange(&vhost, &name, if_unused))
            .await
    }

    /// Makes a queue, or returns the one of that name as it is. Its streams are not opened.
    pub async fn declare_queue(
        &self,
        queue: NewQueue,
    ) -> Result<(Arc<Queue>, Made), TopologyError> {
        if let Some(known) = self.topology().queue(&queue.vhost, &queue.name) {
            return Ok((known.clone(), Made::Existing));
        }
        self.edit(move |draft| draft.declare_queue(queue)).await
    }

    /// Removes a queue, its bindings, its messages, and auto-delete exchanges that have no binding left.
    ///
    /// For the queue's host, which has stopped it.
    pub async fn delete_queue(&self, id: StreamId) -> Result<Arc<Queue>, TopologyError> {
        self.edit(move |draft| draft.delete_queue(id)).await
    }

    /// Binds a queue or an exchange to an exchange.
    pub async fn bind(&self, binding: Binding) -> Result<Made, TopologyError> {
        let known = self.topology();
        if known
            .vhost(&binding.vhost)
            .is_some_and(|vhost| vhost.has_binding(&binding))
        {
            return Ok(Made::Existing);
        }
        self.edit(move |draft| draft.bind(binding)).await
    }

    /// Removes a binding; returns whether there was one.
    pub async fn unbind(&self, binding: Binding) -> Result<bool, TopologyError> {
        self.edit(move |draft| draft.unbind(&binding)).await
    }

    /// A change goes through to its end whether or not whoever asked still waits for it.
    async fn edit<T: Send + 'static>(
        &self,
        edit: impl FnOnce(&mut Draft) -> Result<T, TopologyError> + Send + 'static,
    ) -> Result<T, TopologyError> {
        let (reply, answer) = oneshot::channel();
        let edit: Edit = Box::new(move |draft| match edit(draft) {
            Ok(value) => Edited::Made(Box::new(move |outcome| {
                let outcome = outcome.map(|()| value).map_err(TopologyError::Closed);
                drop(reply.send(outcome));
            })),
            Err(error) => {
                drop(reply.send(Err(error)));
                Edited::Refused
            }
        });
        let sent = self.changes.send(Change::Edit(edit)).await;
        sent.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)?
    }
}
