//! Routing: which queues a message goes to, as pure functions over snapshots of the catalog.
//!
//! A queue is found once, however many bindings lead to it; exchanges that lead to each other in a
//! circle are each asked once. Nothing here knows sessions: publishes and dead letters are routed alike.

mod copies;
mod headers;
mod topic;

pub use copies::{BadCopies, is_copies, routing_keys, without_blind_copies};
pub use headers::{BadMatch, check as check_headers_binding};
pub use topic::matches as topic_matches;

use crate::stream_queue::{self, Named};
use amqp_wire::RawTable;
use base::ShardId;
use cluster::{Destination, Exchange, Topics, Topology, Vhost};
use std::collections::BTreeSet;

use crate::mail::QueueId;

/// Argument of an exchange: where messages go that it cannot route.
pub const ALTERNATE_EXCHANGE: &str = "alternate-exchange";

/// What is routed over: everything as it was at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Exchanges, queues, bindings.
    pub topology: &'a Topology,
    /// Topics, which are queues, too.
    pub topics: &'a Topics,
    /// The vhost that the message is in.
    pub vhost: &'a str,
}

/// Where a message goes: queues, each once, in the order of their shards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routed {
    queues: Vec<(ShardId, QueueId)>,
    by_headers: bool,
}

impl Routed {
    /// Whether it goes nowhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many queues it goes to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queues.len()
    }

    /// The queues of each shard.
    pub fn by_shard(&self) -> impl Iterator<Item = (ShardId, Vec<QueueId>)> + '_ {
        self.queues
            .chunk_by(|left, right| left.0 == right.0)
            .map(|chunk| (chunk[0].0, chunk.iter().map(|(_, queue)| *queue).collect()))
    }

    /// The queues with their shards.
    #[must_use]
    pub fn queues(&self) -> &[(ShardId, QueueId)] {
        &self.queues
    }

    /// Whether a headers exchange was asked on the way. Where none was, every message under these keys
    /// goes the same way, as long as the scene is the same.
    #[must_use]
    pub fn is_by_headers(&self) -> bool {
        self.by_headers
    }
}

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeKind {
    /// To bindings whose key is the routing key.
    Direct,
    /// To all bindings.
    Fanout,
    /// To bindings whose pattern matches the words of the routing key.
    Topic,
    /// To bindings whose arguments match the message's headers.
    Headers,
}

impl ExchangeKind {
    /// The kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "fanout" => Some(Self::Fanout),
            "topic" => Some(Self::Topic),
            "headers" => Some(Self::Headers),
            _ => None,
        }
    }
}

/// Where a message goes that is published to `exchange`, which may be missing, under all of these keys.
#[must_use]
pub fn route(scene: &Scene<'_>, exchange: &str, keys: &[&str], headers: RawTable<'_>) -> Routed {
    let Some(vhost) = scene.topology.vhost(scene.vhost) else {
        return Routed::default();
    };
    let mut walk = Walk {
        scene,
        vhost,
        keys,
        headers,
        seen: BTreeSet::new(),
        pending: Vec::new(),
        found: Vec::new(),
        by_headers: false,
    };
    walk.enter(exchange);
    while let Some(exchange) = walk.pending.pop() {
        walk.exchange(exchange);
    }
    let Walk {
        mut found,
        by_headers,
        ..
    } = walk;
    found.sort_unstable();
    found.dedup();
    Routed {
        queues: found,
        by_headers,
    }
}

struct Walk<'a> {
    scene: &'a Scene<'a>,
    vhost: &'a Vhost,
    keys: &'a [&'a str],
    headers: RawTable<'a>,
    seen: BTreeSet<&'a str>,
    pending: Vec<&'a str>,
    found: Vec<(ShardId, QueueId)>,
    by_headers: bool,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, exchange: &'a str) {
        if self.seen.insert(exchange) {
            self.pending.push(exchange);
        }
    }

    fn exchange(&mut self, name: &'a str) {
        if name.is_empty() {
            // Every queue is bound to the default exchange by its own name.
            for key in self.keys {
                self.queue(key);
            }
            return;
        }
        let Some(exchange) = self.vhost.exchange(name) else {
            self.super_stream(name);
            return;
        };
        let mut matched = false;
        let (vhost, keys) = (self.vhost, self.keys);
        match ExchangeKind::of(&exchange.kind) {
            Some(ExchangeKind::Direct) => {
                for binding in keys
                    .iter()
                    .flat_map(|key| vhost.bindings_with_key(name, key))
                {
                    matched = true;
                    self.follow(&binding.destination);
                }
            }
            Some(kind) => {
                self.by_headers |= kind == ExchangeKind::Headers;
                for binding in vhost.bindings_from(name) {
                    let fits = match kind {
                        ExchangeKind::Topic => keys
                            .iter()
                            .any(|key| topic::matches(&binding.routing_key, key)),
                        ExchangeKind::Headers => {
                            headers::matches(RawTable::new(&binding.arguments), self.headers)
                        }
                        ExchangeKind::Fanout | ExchangeKind::Direct => true,
                    };
                    if fits {
                        matched = true;
                        self.follow(&binding.destination);
                    }
                }
            }
            None => {}
        }
        if !matched && let Some(alternate) = alternate(exchange) {
            self.enter(alternate);
        }
    }

    fn follow(&mut self, destination: &'a Destination) {
        match destination {
            Destination::Queue(name) => self.queue(name),
            Destination::Exchange(name) => self.enter(name),
        }
    }

    fn queue(&mut self, name: &str) {
        self.found.extend(
            stream_queue::find(self.scene, name).map(|named| match named {
                Named::Queue(queue) => (queue.shard, queue.id),
                Named::Stream(partition) => (partition.shard, partition.stream),
            }),
        );
    }

    /// A topic of several partitions is an exchange that routes by the partition's number.
    fn super_stream(&mut self, name: &str) {
        let Some(topic) = stream_queue::super_stream(self.scene, name) else {
            return;
        };
        let partitions = self
            .keys
            .iter()
            .filter_map(|key| topic.partitions.get(key.parse::<usize>().ok()?));
        self.found
            .extend(partitions.map(|partition| (partition.shard, partition.stream)));
    }
}

/// Where an exchange sends what it cannot route.
#[must_use]
pub fn alternate(exchange: &Exchange) -> Option<&str> {
    RawTable::new(&exchange.arguments)
        .get(ALTERNATE_EXCHANGE)
        .ok()??
        .as_str()
}
