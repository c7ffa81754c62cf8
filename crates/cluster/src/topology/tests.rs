//! Look-ups, sharing, and the durable forms.

use super::{Binding, Destination, Exchange, Permission, Queue, QueueKind, Topology, User};
use crate::password::PasswordHash;
use base::{ShardId, StreamId, Timestamp, Truncated};
use bytes::Bytes;
use std::sync::Arc;

fn binding(source: &str, queue: &str, key: &str, arguments: &'static str) -> Arc<Binding> {
    Arc::new(Binding {
        vhost: "/".into(),
        source: source.into(),
        destination: Destination::Queue(queue.into()),
        routing_key: key.into(),
        arguments: Bytes::from(arguments),
    })
}

fn queue(id: u64, name: &str) -> Arc<Queue> {
    Arc::new(Queue {
        id: StreamId(id),
        shard: ShardId(1),
        vhost: "/".into(),
        name: name.into(),
        kind: QueueKind::Quorum,
        durable: true,
        auto_delete: true,
        exclusive: None,
        levels: 3,
        arguments: Bytes::from("arguments"),
        created: Timestamp(5),
    })
}

fn keys<'a>(bindings: impl Iterator<Item = &'a Arc<Binding>>) -> Vec<String> {
    let key = |binding: &Arc<Binding>| {
        let arguments = String::from_utf8_lossy(&binding.arguments);
        format!(
            "{}>{}{arguments}",
            binding.routing_key,
            binding.destination.name()
        )
    };
    bindings.map(key).collect()
}

#[test]
fn bindings_are_found_by_key_source_and_destination() {
    let mut topology = Topology::default();
    topology.put_vhost(&"/".into());
    for binding in [
        binding("e", "q", "b", ""),
        binding("e", "p", "b", ""),
        binding("e", "p", "b", "!"),
        binding("e", "p", "ba", ""),
        binding("e", "q", "a", ""),
        binding("f", "q", "b", ""),
    ] {
        topology.put_binding(binding);
    }
    let vhost = topology.vhost("/").expect("there");
    assert_eq!(
        keys(vhost.bindings_from("e")),
        ["a>q", "b>p", "b>p!", "b>q", "ba>p"]
    );
    assert_eq!(
        keys(vhost.bindings_with_key("e", "b")),
        ["b>p", "b>p!", "b>q"]
    );
    assert_eq!(keys(vhost.bindings_with_key("e", "c")), [""; 0]);
    let destination = Destination::Queue("q".into());
    assert_eq!(keys(vhost.bindings_to(&destination)), ["a>q", "b>q", "b>q"]);
    assert_eq!((topology.binding_count(), vhost.bindings().count()), (6, 6));

    let before = topology.clone();
    topology.remove_binding(&binding("e", "p", "b", "!"));
    topology.remove_binding(&binding("e", "p", "b", "?"));
    let vhost = topology.vhost("/").expect("there");
    assert_eq!(keys(vhost.bindings_with_key("e", "b")), ["b>p", "b>q"]);
    assert_eq!(topology.binding_count(), 5);
    assert_eq!(before.binding_count(), 6, "a snapshot does not change");
    assert_eq!(
        before.vhost("/").expect("there").bindings_from("e").count(),
        5
    );
}

#[test]
fn a_vhost_begins_with_the_exchanges_that_rabbitmq_has() {
    let mut topology = Topology::default();
    topology.put_vhost(&"/".into());
    let vhost = topology.vhost("/").expect("there");
    let exchanges: Vec<_> = vhost
        .exchanges()
        .map(|exchange| (&*exchange.name, &*exchange.kind, exchange.internal))
        .collect();
    assert_eq!(
        exchanges,
        [
            ("", "direct", false),
            ("amq.direct", "direct", false),
            ("amq.fanout", "fanout", false),
            ("amq.headers", "headers", false),
            ("amq.match", "headers", false),
            ("amq.rabbitmq.trace", "topic", true),
            ("amq.topic", "topic", false),
        ]
    );
}

#[test]
fn queues_are_found_by_name_and_id() {
    let mut topology = Topology::default();
    topology.put_vhost(&"/".into());
    topology.put_queue(queue(3, "q"));
    topology.put_queue(queue(1, "r"));
    assert_eq!(topology.queue("/", "q"), topology.queue_by_id(StreamId(3)));
    assert_eq!(topology.queue("x", "q"), None);
    assert_eq!(
        topology
            .queues()
            .map(|queue| queue.id.0)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    topology.remove_queue(&queue(3, "q"));
    assert_eq!(topology.queue("/", "q"), None);
    assert_eq!(topology.queue_by_id(StreamId(3)), None);
}

/// A change of one of many thousands takes the same few steps however many there are.
#[test]
fn thousands_of_queues_come_and_go_without_copies() {
    let mut topology = Topology::default();
    topology.put_vhost(&"/".into());
    let mut snapshots = Vec::new();
    for id in 0..5000 {
        let name = id.to_string();
        topology.put_queue(queue(id, &name));
        topology.put_binding(binding("amq.fanout", &name, "", ""));
        snapshots.push(topology.clone());
    }
    for (id, snapshot) in snapshots.iter().enumerate() {
        assert_eq!(snapshot.queues().len(), id + 1);
        assert_eq!(snapshot.binding_count(), id + 1);
    }
}

fn check<T: PartialEq + std::fmt::Debug>(
    value: T,
    key: Bytes,
    packed: Bytes,
    unpack: impl Fn(Bytes, Bytes) -> Result<T, Truncated>,
) {
    for len in 0..packed.len() {
        assert!(unpack(key.clone(), packed.slice(..len)).is_err(), "{len}");
    }
    let mut newer = packed.to_vec();
    newer[0] += 1;
    assert_eq!(unpack(key.clone(), newer.into()), Err(Truncated));
    assert_eq!(unpack(key, packed), Ok(value));
}

#[test]
fn everything_reads_back_as_it_was_packed() {
    let queue = Queue::clone(&queue(7, "q"));
    check(queue.clone(), queue.key(), queue.pack(), Queue::unpack);
    let exchange = Exchange {
        vhost: "/".into(),
        name: "e".into(),
        kind: "topic".into(),
        durable: true,
        auto_delete: true,
        internal: true,
        arguments: Bytes::from("arguments"),
    };
    check(
        exchange.clone(),
        exchange.key(),
        exchange.pack(),
        Exchange::unpack,
    );
    for destination in [
        Destination::Queue("q".into()),
        Destination::Exchange("f".into()),
    ] {
        let binding = Binding {
            destination,
            ..Binding::clone(&binding("e", "q", "key", "arguments"))
        };
        check(
            binding.clone(),
            binding.key(),
            Binding::pack(),
            Binding::unpack,
        );
    }
    let user = User {
        name: "kim".into(),
        password: PasswordHash::rabbit_sha256(b"x", 1),
        tags: vec!["administrator".to_owned(), "x".to_owned()],
    };
    check(user.clone(), Bytes::from("kim"), user.pack(), User::unpack);
    let permission = Permission {
        user: "kim".into(),
        vhost: "/".into(),
        configure: "^a".into(),
        write: ".*".into(),
        read: "".into(),
    };
    let key = Permission::key("kim", "/");
    check(
        permission.clone(),
        key,
        permission.pack(),
        Permission::unpack,
    );
}
