//! A vhost: a name space of exchanges, queues and bindings.
//!
//! A value of it never changes for whoever holds it; a clone shares everything until it is changed, and
//! a change copies the path to what it changes only.

use super::binding::{Binding, Destination};
use super::exchange::Exchange;
use super::queue::Queue;
use super::{Map, new_map};
use bytes::Bytes;
use std::sync::Arc;

/// The bindings from one exchange by routing key, then by where they lead.
type From = Map<Arc<str>, Map<(Destination, Bytes), Arc<Binding>>>;
/// The bindings to one destination by source, routing key and arguments.
type To = Map<(Arc<str>, Arc<str>, Bytes), Arc<Binding>>;

/// A vhost and everything in it at one moment.
#[derive(Debug, Clone)]
pub struct Vhost {
    name: Arc<str>,
    exchanges: Map<Arc<str>, Arc<Exchange>>,
    queues: Map<Arc<str>, Arc<Queue>>,
    from: Map<Arc<str>, From>,
    to: Map<Destination, To>,
}

impl Vhost {
    /// A vhost with the exchanges that every one has.
    pub(super) fn new(name: Arc<str>) -> Self {
        let mut exchanges = new_map();
        for exchange in Exchange::predeclared(&name) {
            exchanges.insert_mut(exchange.name.clone(), Arc::new(exchange));
        }
        Self {
            name,
            exchanges,
            queues: new_map(),
            from: new_map(),
            to: new_map(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The exchange of this name.
    #[must_use]
    pub fn exchange(&self, name: &str) -> Option<&Arc<Exchange>> {
        self.exchanges.get(name)
    }

    /// All exchanges in the order of their names.
    pub fn exchanges(&self) -> impl ExactSizeIterator<Item = &Arc<Exchange>> {
        self.exchanges.values()
    }

    /// The queue of this name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&Arc<Queue>> {
        self.queues.get(name)
    }

    /// All queues in the order of their names.
    pub fn queues(&self) -> impl ExactSizeIterator<Item = &Arc<Queue>> {
        self.queues.values()
    }

    /// All bindings by source and routing key. Every queue's binding to the default exchange by its own
    /// name is understood and not among them.
    pub fn bindings(&self) -> impl Iterator<Item = &Arc<Binding>> {
        self.from.values().flat_map(all)
    }

    /// The bindings from an exchange by routing key.
    pub fn bindings_from(&self, source: &str) -> impl Iterator<Item = &Arc<Binding>> {
        self.from.get(source).into_iter().flat_map(all)
    }

    /// The bindings from an exchange that have exactly this routing key.
    pub fn bindings_with_key(
        &self,
        source: &str,
        key: &str,
    ) -> impl Iterator<Item = &Arc<Binding>> {
        let with_key = self.from.get(source).and_then(|from| from.get(key));
        with_key.into_iter().flat_map(Map::values)
    }

    /// The bindings to a queue or an exchange.
    pub fn bindings_to(&self, destination: &Destination) -> impl Iterator<Item = &Arc<Binding>> {
        self.to.get(destination).into_iter().flat_map(Map::values)
    }

    /// Whether there is exactly this binding.
    #[must_use]
    pub fn has_binding(&self, binding: &Binding) -> bool {
        self.to
            .get(&binding.destination)
            .is_some_and(|to| to.contains_key(&to_key(binding)))
    }

    /// Whether both ends of a binding survive a restart, so that the binding does. A destination that is no
    /// queue here is a topic, which does.
    pub(crate) fn is_stored(&self, binding: &Binding) -> bool {
        let exchange = |name: &str| self.exchange(name).is_some_and(|end| end.durable);
        exchange(&binding.source)
            && match &binding.destination {
                Destination::Queue(name) => self.queue(name).is_none_or(|end| end.is_stored()),
                Destination::Exchange(name) => exchange(name),
            }
    }

    pub(super) fn put_exchange(&mut self, exchange: Arc<Exchange>) {
        self.exchanges.insert_mut(exchange.name.clone(), exchange);
    }

    pub(super) fn remove_exchange(&mut self, name: &str) {
        self.exchanges.remove_mut(name);
    }

    pub(super) fn put_queue(&mut self, queue: Arc<Queue>) {
        self.queues.insert_mut(queue.name.clone(), queue);
    }

    pub(super) fn remove_queue(&mut self, name: &str) {
        self.queues.remove_mut(name);
    }

    pub(super) fn put_binding(&mut self, binding: Arc<Binding>) {
        let from = entry(&mut self.from, &binding.source);
        let with_key = entry(from, &binding.routing_key);
        let end = (binding.destination.clone(), binding.arguments.clone());
        with_key.insert_mut(end, binding.clone());
        entry(&mut self.to, &binding.destination).insert_mut(to_key(&binding), binding);
    }

    pub(super) fn remove_binding(&mut self, binding: &Binding) {
        if let Some(from) = self.from.get_mut(&binding.source) {
            if let Some(with_key) = from.get_mut(&binding.routing_key) {
                with_key.remove_mut(&(binding.destination.clone(), binding.arguments.clone()));
                if with_key.is_empty() {
                    from.remove_mut(&binding.routing_key);
                }
            }
            if from.is_empty() {
                self.from.remove_mut(&binding.source);
            }
        }
        if let Some(to) = self.to.get_mut(&binding.destination) {
            to.remove_mut(&to_key(binding));
            if to.is_empty() {
                self.to.remove_mut(&binding.destination);
            }
        }
    }
}

fn all(from: &From) -> impl Iterator<Item = &Arc<Binding>> {
    from.values().flat_map(Map::values)
}

fn to_key(binding: &Binding) -> (Arc<str>, Arc<str>, Bytes) {
    (
        binding.source.clone(),
        binding.routing_key.clone(),
        binding.arguments.clone(),
    )
}

/// The map under `key`, made where there is none.
fn entry<'a, K: Ord + Clone, L: Ord, V>(
    map: &'a mut Map<K, Map<L, V>>,
    key: &K,
) -> &'a mut Map<L, V> {
    if !map.contains_key(key) {
        map.insert_mut(key.clone(), new_map());
    }
    map.get_mut(key)
        .expect("it was just made where it was missing")
}
