//! RabbitMQ's topology as the catalog knows it: vhosts with exchanges, queues and bindings, users and
//! their permissions. Durable forms: `docs/formats/catalog.md`.
//!
//! A [`Topology`] is a snapshot that never changes. Snapshots share what is equal in them: a change costs
//! a path through a tree, not a copy. What kinds, arguments and patterns mean is the face's business.

mod binding;
mod exchange;
mod queue;
#[cfg(test)]
mod tests;
mod user;
mod vhost;

pub use binding::{Binding, Destination};
pub use exchange::Exchange;
pub use queue::{NewQueue, Queue, QueueKind};
pub use user::{Permission, User};
pub use vhost::Vhost;

use base::StreamId;
use std::sync::Arc;

/// The version of each value in the catalog.
const VERSION: u8 = 1;

type Map<K, V> = rpds::RedBlackTreeMapSync<K, V>;

fn new_map<K: Ord, V>() -> Map<K, V> {
    Map::new_sync()
}

/// Everything that queues are declared, bound and used by, at one moment.
#[derive(Debug, Clone)]
pub struct Topology {
    vhosts: Map<Arc<str>, Vhost>,
    queues: Map<StreamId, Arc<Queue>>,
    users: Map<Arc<str>, Arc<User>>,
    /// By user, then by vhost.
    permissions: Map<Arc<str>, Map<Arc<str>, Arc<Permission>>>,
    /// How many exchanges and bindings there are in all vhosts.
    exchanges: usize,
    bindings: usize,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            vhosts: new_map(),
            queues: new_map(),
            users: new_map(),
            permissions: new_map(),
            exchanges: 0,
            bindings: 0,
        }
    }
}

impl Topology {
    /// The vhost of this name.
    #[must_use]
    pub fn vhost(&self, name: &str) -> Option<&Vhost> {
        self.vhosts.get(name)
    }

    /// All vhosts in the order of their names.
    pub fn vhosts(&self) -> impl ExactSizeIterator<Item = &Vhost> {
        self.vhosts.values()
    }

    /// The exchange of this name in this vhost.
    #[must_use]
    pub fn exchange(&self, vhost: &str, name: &str) -> Option<&Arc<Exchange>> {
        self.vhost(vhost)?.exchange(name)
    }

    /// The queue of this name in this vhost.
    #[must_use]
    pub fn queue(&self, vhost: &str, name: &str) -> Option<&Arc<Queue>> {
        self.vhost(vhost)?.queue(name)
    }

    /// The queue of this id.
    #[must_use]
    pub fn queue_by_id(&self, id: StreamId) -> Option<&Arc<Queue>> {
        self.queues.get(&id)
    }

    /// All queues of all vhosts in the order of their ids.
    pub fn queues(&self) -> impl ExactSizeIterator<Item = &Arc<Queue>> {
        self.queues.values()
    }

    /// The user of this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// All users in the order of their names.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// What a user may do in a vhost.
    #[must_use]
    pub fn permission(&self, user: &str, vhost: &str) -> Option<&Arc<Permission>> {
        self.permissions.get(user)?.get(vhost)
    }

    /// All permissions by user and vhost.
    pub fn permissions(&self) -> impl Iterator<Item = &Arc<Permission>> {
        self.permissions.values().flat_map(Map::values)
    }

    /// The permissions of a user by vhost.
    pub fn permissions_of(&self, user: &str) -> impl Iterator<Item = &Arc<Permission>> {
        self.permissions.get(user).into_iter().flat_map(Map::values)
    }

    /// How many exchanges there are in all vhosts.
    #[must_use]
    pub fn exchange_count(&self) -> usize {
        self.exchanges
    }

    /// How many bindings there are in all vhosts, without those that are understood.
    #[must_use]
    pub fn binding_count(&self) -> usize {
        self.bindings
    }
}

/// Changes. Each takes care of the topology only, not of what refers to what is changed.
impl Topology {
    pub(crate) fn put_vhost(&mut self, name: &Arc<str>) {
        if !self.vhosts.contains_key(name) {
            let vhost = Vhost::new(name.clone());
            self.exchanges += vhost.exchanges().len();
            self.vhosts.insert_mut(name.clone(), vhost);
        }
    }

    /// Removes a vhost with its exchanges, queues, bindings and permissions.
    pub(crate) fn remove_vhost(&mut self, name: &str) {
        let Some(vhost) = self.vhosts.get(name).cloned() else {
            return;
        };
        for queue in vhost.queues() {
            self.queues.remove_mut(&queue.id);
        }
        self.exchanges -= vhost.exchanges().len();
        self.bindings -= vhost.bindings().count();
        self.vhosts.remove_mut(name);
        let users: Vec<_> = self.permissions.keys().cloned().collect();
        for user in users {
            self.remove_permission(&user, name);
        }
    }

    pub(crate) fn put_user(&mut self, user: Arc<User>) {
        self.users.insert_mut(user.name.clone(), user);
    }

    /// Removes a user with its permissions.
    pub(crate) fn remove_user(&mut self, name: &str) {
        self.users.remove_mut(name);
        self.permissions.remove_mut(name);
    }

    pub(crate) fn put_permission(&mut self, permission: Arc<Permission>) {
        let mut of_user = self
            .permissions
            .get(&permission.user)
            .cloned()
            .unwrap_or_else(new_map);
        let user = permission.user.clone();
        of_user.insert_mut(permission.vhost.clone(), permission);
        self.permissions.insert_mut(user, of_user);
    }

    pub(crate) fn remove_permission(&mut self, user: &str, vhost: &str) {
        if let Some(of_user) = self.permissions.get_mut(user) {
            of_user.remove_mut(vhost);
            if of_user.is_empty() {
                self.permissions.remove_mut(user);
            }
        }
    }

    /// Adds an exchange to a vhost that exists.
    pub(crate) fn put_exchange(&mut self, exchange: Arc<Exchange>) {
        if let Some(vhost) = self.vhosts.get_mut(&exchange.vhost) {
            self.exchanges += usize::from(vhost.exchange(&exchange.name).is_none());
            vhost.put_exchange(exchange);
        }
    }

    /// Removes an exchange that exists; its bindings are to be removed, too.
    pub(crate) fn remove_exchange(&mut self, exchange: &Exchange) {
        if let Some(vhost) = self.vhosts.get_mut(&exchange.vhost) {
            self.exchanges -= usize::from(vhost.exchange(&exchange.name).is_some());
            vhost.remove_exchange(&exchange.name);
        }
    }

    /// Adds a queue to a vhost that exists.
    pub(crate) fn put_queue(&mut self, queue: Arc<Queue>) {
        if let Some(vhost) = self.vhosts.get_mut(&queue.vhost) {
            self.queues.insert_mut(queue.id, queue.clone());
            vhost.put_queue(queue);
        }
    }

    /// Removes a queue that exists; its bindings are to be removed, too.
    pub(crate) fn remove_queue(&mut self, queue: &Queue) {
        self.queues.remove_mut(&queue.id);
        if let Some(vhost) = self.vhosts.get_mut(&queue.vhost) {
            vhost.remove_queue(&queue.name);
        }
    }

    /// Adds a binding to a vhost that exists.
    pub(crate) fn put_binding(&mut self, binding: Arc<Binding>) {
        if let Some(vhost) = self.vhosts.get_mut(&binding.vhost) {
            self.bindings += usize::from(!vhost.has_binding(&binding));
            vhost.put_binding(binding);
        }
    }

    pub(crate) fn remove_binding(&mut self, binding: &Binding) {
        if let Some(vhost) = self.vhosts.get_mut(&binding.vhost) {
            self.bindings -= usize::from(vhost.has_binding(binding));
            vhost.remove_binding(binding);
        }
    }
}
