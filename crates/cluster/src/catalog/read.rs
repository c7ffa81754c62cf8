//! Reading the catalog from its cells.

use super::{NEXT_PRODUCER, NEXT_STREAM};
use crate::topic::{Topic, Topics};
use crate::topology::{Binding, Destination, Exchange, Permission, Queue, Topology, User};
use base::Truncated;
use bytes::Bytes;
use commitlog::{Cells, Kind};
use std::sync::Arc;

/// What a cell of the catalog is about: the first part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// That the first start has made what it makes.
    Founded,
    Topic,
    Vhost,
    User,
    Permission,
    Exchange,
    Queue,
    Binding,
}

/// In an order in which what a cell refers to comes before it.
const CLASSES: [(Class, &[u8]); 8] = [
    (Class::Founded, b"founded"),
    (Class::Topic, b"topic/"),
    (Class::Vhost, b"vhost/"),
    (Class::User, b"user/"),
    (Class::Permission, b"permission/"),
    (Class::Exchange, b"exchange/"),
    (Class::Queue, b"queue/"),
    (Class::Binding, b"binding/"),
];

impl Class {
    /// The key of a cell of this class.
    pub(super) fn key(self, rest: &[u8]) -> Bytes {
        let prefix = CLASSES.iter().find(|(class, _)| *class == self);
        [prefix.map_or(&b""[..], |(_, prefix)| prefix), rest]
            .concat()
            .into()
    }

    /// The value of a cell that says only that it is there.
    pub(super) fn mark() -> Bytes {
        /// The version of such a value.
        const VERSION: u8 = 1;
        Bytes::from_static(&[VERSION])
    }

    pub(super) fn of(key: &Bytes) -> Option<(Self, Bytes)> {
        let found = CLASSES.iter().find(|(_, prefix)| key.starts_with(prefix));
        found.map(|(class, prefix)| (*class, key.slice(prefix.len()..)))
    }
}

/// What the cells say.
pub(super) struct Read {
    pub(super) topics: Topics,
    pub(super) topology: Topology,
    /// Whether the first start has made what it makes.
    pub(super) founded: bool,
    pub(super) stream: u64,
    pub(super) producer: i64,
    /// Whether everything that has streams could be read.
    pub(super) sound: bool,
}

/// Reads all cells. What is malformed is left out and said.
pub(super) fn read(cells: &Cells) -> Read {
    let mut found = Read {
        topics: Topics::default(),
        topology: Topology::default(),
        founded: false,
        stream: 0,
        producer: 0,
        sound: true,
    };
    let mut entries = Vec::new();
    for (key, value) in cells.of(Kind::Catalog) {
        if &key[..] == NEXT_STREAM {
            found.stream = number(value);
        } else if let Some((class, rest)) = Class::of(key) {
            entries.push((class, rest, value.clone()));
        }
    }
    entries.sort_by_key(|(class, ..)| *class);
    for (class, key, value) in entries {
        if found.take(class, key.clone(), value).is_err() {
            found.sound &= !matches!(class, Class::Topic | Class::Vhost | Class::Queue);
            let key = String::from_utf8_lossy(&key);
            tracing::error!(?class, %key, "an entry of the catalog is malformed; it is left out");
        }
    }
    let producer = cells
        .of(Kind::Producer)
        .find(|(key, _)| &key[..] == NEXT_PRODUCER);
    found.producer = producer.map_or(0, |(_, value)| {
        i64::try_from(number(value)).unwrap_or(i64::MAX)
    });
    found
}

impl Read {
    /// Takes an entry in; one that refers to what is not there counts as malformed.
    fn take(&mut self, class: Class, key: Bytes, value: Bytes) -> Result<(), Truncated> {
        let topology = &mut self.topology;
        match class {
            Class::Founded => self.founded = true,
            Class::Topic => {
                let topic = Topic::unpack(text(key)?, &value)?;
                self.topics.insert(Arc::new(topic));
            }
            Class::Vhost if value == Class::mark() => topology.put_vhost(&text(key)?.into()),
            Class::Vhost => return Err(Truncated),
            Class::User => topology.put_user(Arc::new(User::unpack(key, value)?)),
            Class::Permission => {
                let permission = Permission::unpack(key, value)?;
                there(topology.user(&permission.user))?;
                there(topology.vhost(&permission.vhost))?;
                topology.put_permission(Arc::new(permission));
            }
            Class::Exchange => {
                let exchange = Exchange::unpack(key, value)?;
                there(topology.vhost(&exchange.vhost))?;
                topology.put_exchange(Arc::new(exchange));
            }
            Class::Queue => {
                let queue = Queue::unpack(key, value)?;
                there(topology.vhost(&queue.vhost))?;
                topology.put_queue(Arc::new(queue));
            }
            Class::Binding => {
                let binding = Binding::unpack(key, value)?;
                let vhost = there(topology.vhost(&binding.vhost))?;
                there(vhost.exchange(&binding.source))?;
                match &binding.destination {
                    Destination::Queue(name) => {
                        let topic = self.topics.stream_queue(&binding.vhost, name);
                        there(vhost.queue(name).map(drop).or(topic.map(drop)))?;
                    }
                    Destination::Exchange(name) => there(vhost.exchange(name)).map(drop)?,
                }
                topology.put_binding(Arc::new(binding));
            }
        }
        Ok(())
    }
}

fn there<T>(found: Option<T>) -> Result<T, Truncated> {
    found.ok_or(Truncated)
}

fn text(key: Bytes) -> Result<String, Truncated> {
    String::from_utf8(key.into()).map_err(|_| Truncated)
}

fn number(value: &Bytes) -> u64 {
    value[..].try_into().map_or(0, u64::from_le_bytes)
}
