//! A draft of the next topology: changes that will become durable together and are shown only then.

mod accounts;

use super::error::{Made, TopologyError};
use super::ids::Ids;
use super::limits;
use super::read::Class;
use crate::topic::{Partition, Topic, Topics};
use crate::topology::{
    Binding, Destination, Exchange, NewQueue, Permission, Queue, Topology, Vhost,
};
use base::Timestamp;
use bytes::Bytes;
use commitlog::{Cell, Kind};
use std::sync::Arc;

/// The next topology, and what must be written before it is shown.
pub(super) struct Draft {
    pub(super) topology: Topology,
    pub(super) ids: Ids,
    pub(super) cells: Vec<Cell>,
    /// Streams that are to be removed when the cells are durable.
    pub(super) removed: Vec<Partition>,
    pub(super) now: Timestamp,
    /// The topics at the time, which may be bound as stream queues.
    topics: Arc<Topics>,
}

/// A state of a draft.
pub(super) struct Mark {
    topology: Topology,
    ids: Ids,
    cells: usize,
    removed: usize,
}

impl Draft {
    pub(super) fn new(topology: Topology, topics: Arc<Topics>, ids: Ids, now: Timestamp) -> Self {
        Self {
            topology,
            topics,
            ids,
            cells: Vec::new(),
            removed: Vec::new(),
            now,
        }
    }

    /// A place to go back to.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            topology: self.topology.clone(),
            ids: self.ids.clone(),
            cells: self.cells.len(),
            removed: self.removed.len(),
        }
    }

    /// Goes back to where `mark` was taken.
    pub(super) fn reset(&mut self, mark: Mark) {
        self.topology = mark.topology;
        self.ids = mark.ids;
        self.cells.truncate(mark.cells);
        self.removed.truncate(mark.removed);
    }

    pub(super) fn put_vhost(&mut self, name: &Arc<str>) -> Result<Made, TopologyError> {
        limits::name(name)?;
        if self.topology.vhost(name).is_some() {
            return Ok(Made::Existing);
        }
        limits::count("vhosts", self.topology.vhosts().len(), limits::VHOSTS_MAX)?;
        self.topology.put_vhost(name);
        self.write(Class::Vhost, name.as_bytes(), Some(Class::mark()));
        Ok(Made::New)
    }

    /// Removes a vhost and everything in it; returns the queues that are gone, which nobody stores: a host writes
    /// to a stored one until it is told to stop, so that those have to go first.
    pub(super) fn delete_vhost(&mut self, name: &str) -> Result<Vec<Arc<Queue>>, TopologyError> {
        let vhost = self.topology.vhost(name).cloned();
        let vhost = vhost.ok_or(TopologyError::NoVhost)?;
        if vhost.queues().any(|queue| queue.is_stored()) {
            return Err(TopologyError::InUse);
        }
        for binding in vhost.bindings() {
            self.unwrite_binding(binding);
        }
        for queue in vhost.queues() {
            self.unwrite_queue(queue);
        }
        for exchange in vhost.exchanges() {
            self.unwrite_exchange(exchange);
        }
        let permissions: Vec<_> = self.topology.permissions().cloned().collect();
        for permission in permissions.iter().filter(|of| *of.vhost == *name) {
            self.unwrite_permission(permission);
        }
        self.topology.remove_vhost(name);
        self.write(Class::Vhost, name.as_bytes(), None);
        Ok(vhost.queues().cloned().collect())
    }

    pub(super) fn declare_exchange(
        &mut self,
        exchange: Exchange,
    ) -> Result<(Arc<Exchange>, Made), TopologyError> {
        let vhost = self.topology.vhost(&exchange.vhost);
        let vhost = vhost.ok_or(TopologyError::NoVhost)?;
        if let Some(known) = vhost.exchange(&exchange.name) {
            return Ok((known.clone(), Made::Existing));
        }
        limits::name(&exchange.name)?;
        limits::name(&exchange.kind)?;
        limits::arguments(&exchange.arguments)?;
        let present = self.topology.exchange_count();
        limits::count("exchanges", present, limits::EXCHANGES_MAX)?;
        let exchange = Arc::new(exchange);
        if exchange.durable {
            self.write(Class::Exchange, &exchange.key(), Some(exchange.pack()));
        }
        self.topology.put_exchange(exchange.clone());
        Ok((exchange, Made::New))
    }

    pub(super) fn delete_exchange(
        &mut self,
        vhost: &str,
        name: &str,
        if_unused: bool,
    ) -> Result<Arc<Exchange>, TopologyError> {
        let scope = self.topology.vhost(vhost).ok_or(TopologyError::NoVhost)?;
        let exchange = scope.exchange(name).ok_or(TopologyError::NoExchange)?;
        let exchange = exchange.clone();
        if exchange.is_predeclared() {
            return Err(TopologyError::Predeclared);
        }
        if if_unused && scope.bindings_from(name).next().is_some() {
            return Err(TopologyError::InUse);
        }
        self.remove_exchange(&exchange);
        Ok(exchange)
    }

    pub(super) fn declare_queue(
        &mut self,
        new: NewQueue,
    ) -> Result<(Arc<Queue>, Made), TopologyError> {
        let vhost = self.topology.vhost(&new.vhost);
        let vhost = vhost.ok_or(TopologyError::NoVhost)?;
        if let Some(known) = vhost.queue(&new.name) {
            return Ok((known.clone(), Made::Existing));
        }
        limits::name(&new.name)?;
        limits::arguments(&new.arguments)?;
        limits::count("queues", self.topology.queues().len(), limits::QUEUES_MAX)?;
        let levels = new.levels.max(1);
        limits::len("list of levels", levels.into(), limits::LEVELS_MAX)?;
        let stored = new.durable && new.exclusive.is_none();
        let first = self.ids.together(levels, stored);
        let first = first.ok_or(TopologyError::TooMany("streams", super::STREAMS_MAX))?;
        let queue = Arc::new(Queue {
            id: first.stream,
            shard: first.shard,
            vhost: new.vhost,
            name: new.name,
            kind: new.kind,
            durable: new.durable,
            auto_delete: new.auto_delete,
            exclusive: new.exclusive,
            levels,
            arguments: new.arguments,
            created: self.now,
        });
        if queue.is_stored() {
            self.write(Class::Queue, &queue.key(), Some(queue.pack()));
        }
        self.topology.put_queue(queue.clone());
        Ok((queue, Made::New))
    }

    /// Removes a queue, its bindings, and auto-delete exchanges that have none left.
    pub(super) fn delete_queue(&mut self, id: base::StreamId) -> Result<Arc<Queue>, TopologyError> {
        let queue = self.topology.queue_by_id(id).cloned();
        let queue = queue.ok_or(TopologyError::NoQueue)?;
        let left = self.remove_bindings_to(&queue.vhost, &Destination::Queue(queue.name.clone()));
        self.unwrite_queue(&queue);
        self.topology.remove_queue(&queue);
        self.remove_unused(&queue.vhost, left);
        Ok(queue)
    }

    pub(super) fn bind(&mut self, binding: Binding) -> Result<Made, TopologyError> {
        let vhost = self.topology.vhost(&binding.vhost);
        let vhost = vhost.ok_or(TopologyError::NoVhost)?;
        check_ends(vhost, &self.topics, &binding)?;
        if vhost.has_binding(&binding) {
            return Ok(Made::Existing);
        }
        limits::name(&binding.routing_key)?;
        limits::arguments(&binding.arguments)?;
        let present = self.topology.binding_count();
        limits::count("bindings", present, limits::BINDINGS_MAX)?;
        if vhost.is_stored(&binding) {
            self.write(Class::Binding, &binding.key(), Some(Binding::pack()));
        }
        self.topology.put_binding(Arc::new(binding));
        Ok(Made::New)
    }

    /// Whether there was one to remove.
    pub(super) fn unbind(&mut self, binding: &Binding) -> Result<bool, TopologyError> {
        let vhost = self.topology.vhost(&binding.vhost);
        let vhost = vhost.ok_or(TopologyError::NoVhost)?;
        if !vhost.has_binding(binding) {
            return Ok(false);
        }
        self.remove_binding(binding);
        self.remove_unused(&binding.vhost, vec![binding.source.clone()]);
        Ok(true)
    }
}

/// Topics that are stream queues.
impl Draft {
    /// Removes the bindings to the stream queues that a topic is, which is about to go or to be cut in other parts.
    pub(super) fn unbind_topic(&mut self, topic: &Topic) {
        let vhosts: Vec<_> = self
            .topology
            .vhosts()
            .map(|vhost| vhost.name().clone())
            .collect();
        for vhost in vhosts {
            for name in topic.stream_queues(&vhost) {
                // A queue of the name goes before the topic: the bindings are its.
                if self.topology.queue(&vhost, &name).is_none() {
                    let left = self.remove_bindings_to(&vhost, &Destination::Queue(name.into()));
                    self.remove_unused(&vhost, left);
                }
            }
        }
    }
}

/// The parts that changes are made of.
impl Draft {
    fn write(&mut self, class: Class, key: &[u8], value: Option<Bytes>) {
        self.cells.push(Cell {
            kind: Kind::Catalog,
            key: class.key(key),
            value,
        });
    }

    fn unwrite_queue(&mut self, queue: &Queue) {
        if queue.is_stored() {
            self.write(Class::Queue, &queue.key(), None);
            self.ids.release(queue.levels.into());
            let shard = queue.shard;
            let streams = queue.streams();
            self.removed
                .extend(streams.map(|stream| Partition { stream, shard }));
        }
    }

    fn unwrite_exchange(&mut self, exchange: &Exchange) {
        if exchange.durable && !exchange.is_predeclared() {
            self.write(Class::Exchange, &exchange.key(), None);
        }
    }

    fn unwrite_permission(&mut self, permission: &Permission) {
        let key = Permission::key(&permission.user, &permission.vhost);
        self.write(Class::Permission, &key, None);
    }

    /// To be called while both ends are there.
    fn unwrite_binding(&mut self, binding: &Binding) {
        let vhost = self.topology.vhost(&binding.vhost);
        if vhost.is_some_and(|vhost| vhost.is_stored(binding)) {
            self.write(Class::Binding, &binding.key(), None);
        }
    }

    fn remove_binding(&mut self, binding: &Binding) {
        self.unwrite_binding(binding);
        self.topology.remove_binding(binding);
    }

    /// Returns the exchanges that have lost a binding.
    fn remove_bindings_to(&mut self, vhost: &str, destination: &Destination) -> Vec<Arc<str>> {
        let bindings = self.topology.vhost(vhost).map(|vhost| {
            let bindings = vhost.bindings_to(destination);
            bindings.cloned().collect::<Vec<_>>()
        });
        let bindings = bindings.unwrap_or_default();
        let mut sources = Vec::new();
        for binding in bindings {
            self.remove_binding(&binding);
            sources.push(binding.source.clone());
        }
        sources
    }

    fn remove_exchange(&mut self, exchange: &Exchange) {
        let bindings = self.topology.vhost(&exchange.vhost).map(|vhost| {
            let bindings = vhost.bindings_from(&exchange.name);
            bindings.cloned().collect::<Vec<_>>()
        });
        for binding in bindings.unwrap_or_default() {
            self.remove_binding(&binding);
        }
        let destination = Destination::Exchange(exchange.name.clone());
        let left = self.remove_bindings_to(&exchange.vhost, &destination);
        self.unwrite_exchange(exchange);
        self.topology.remove_exchange(exchange);
        self.remove_unused(&exchange.vhost, left);
    }

    /// Removes those of `exchanges` that are auto-delete and have no binding left, as RabbitMQ does when the
    /// last binding *from* an exchange goes. Each removal may leave others without one.
    fn remove_unused(&mut self, vhost: &str, mut exchanges: Vec<Arc<str>>) {
        while let Some(name) = exchanges.pop() {
            let Some(scope) = self.topology.vhost(vhost) else {
                return;
            };
            let unused = scope.exchange(&name).filter(|exchange| {
                exchange.auto_delete && scope.bindings_from(&name).next().is_none()
            });
            let Some(exchange) = unused.cloned() else {
                continue;
            };
            exchanges.extend(self.remove_bindings_to(vhost, &Destination::Exchange(name)));
            self.unwrite_exchange(&exchange);
            self.topology.remove_exchange(&exchange);
        }
    }
}

fn check_ends(vhost: &Vhost, topics: &Topics, binding: &Binding) -> Result<(), TopologyError> {
    let exchange = |name: &str| {
        let known = vhost.exchange(name).map(drop);
        known.ok_or(TopologyError::NoExchange)
    };
    exchange(&binding.source)?;
    match &binding.destination {
        Destination::Exchange(name) => exchange(name),
        Destination::Queue(name) => {
            let known =
                vhost.queue(name).is_some() || topics.stream_queue(vhost.name(), name).is_some();
            known.then_some(()).ok_or(TopologyError::NoQueue)
        }
    }
}

#[cfg(test)]
mod tests;
