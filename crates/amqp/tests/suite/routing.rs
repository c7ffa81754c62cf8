//! Where messages go: topologies as clients declare them.

use crate::rabbit::{Rabbit, short, table, text};
use crate::world::World;
use amqp_wire::{Properties, RawTable, Value, exchange};
use std::collections::BTreeMap;

async fn declare(client: &mut Rabbit, name: &str, kind: &str, alternate: Option<&'static str>) {
    let arguments = alternate.map(|name| ("alternate-exchange", text(name)));
    let arguments = table(arguments.as_slice());
    let declare = exchange::Declare {
        exchange: short(name),
        kind: short(kind),
        arguments: RawTable::new(&arguments),
        ..exchange::Declare::default()
    };
    client.ask(1, &declare, "exchange.declare-ok").await;
}

async fn bind(client: &mut Rabbit, destination: &str, source: &str, key: &str) {
    let bind = exchange::Bind {
        destination: short(destination),
        source: short(source),
        routing_key: short(key),
        ..exchange::Bind::default()
    };
    client.ask(1, &bind, "exchange.bind-ok").await;
}

/// How often a message that was published just now is in each of these queues.
async fn found(client: &mut Rabbit, queues: &[&str]) -> Vec<usize> {
    let mut counts = Vec::new();
    for queue in queues {
        let mut count = 0;
        while client.get(queue).await.is_some() {
            count += 1;
        }
        counts.push(count);
    }
    counts
}

#[test]
fn exchanges_that_lead_in_a_circle_find_each_queue_once() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        for queue in ["a", "b"] {
            client.declare(queue, &[]).await;
        }
        declare(&mut client, "x", "fanout", None).await;
        declare(&mut client, "y", "topic", None).await;
        bind(&mut client, "y", "x", "").await;
        bind(&mut client, "x", "y", "#").await;
        bind(&mut client, "x", "x", "").await;
        client.bind("a", "x", "one", &[]).await;
        client.bind("a", "x", "two", &[]).await;
        client.bind("a", "y", "k.*", &[]).await;
        client.bind("b", "y", "k.*", &[]).await;
        for (exchange, key, expected) in [
            ("x", "k.1", [1, 1]),
            ("x", "other", [1, 0]),
            ("y", "k.1", [1, 1]),
            ("y", "other", [1, 0]),
        ] {
            client.publish(exchange, key, "m");
            assert_eq!(
                found(&mut client, &["a", "b"]).await,
                expected,
                "{exchange} {key}"
            );
        }
    });
}

#[test]
fn an_alternate_exchange_gets_what_cannot_be_routed_and_nothing_else() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        for queue in ["good", "rest"] {
            client.declare(queue, &[]).await;
        }
        declare(&mut client, "last", "fanout", None).await;
        declare(&mut client, "second", "direct", Some("last")).await;
        declare(&mut client, "first", "direct", Some("second")).await;
        client.bind("good", "first", "k", &[]).await;
        client.bind("rest", "last", "", &[]).await;
        for (key, expected) in [("k", [1, 0]), ("other", [0, 1])] {
            client.publish("first", key, "m");
            assert_eq!(
                found(&mut client, &["good", "rest"]).await,
                expected,
                "{key}"
            );
        }
        // A route that is remembered does not outlive what it was found in.
        client.bind("good", "first", "other", &[]).await;
        client.publish("first", "other", "m");
        assert_eq!(found(&mut client, &["good", "rest"]).await, [1, 0]);
        let delete = exchange::Delete {
            exchange: short("second"),
            ..exchange::Delete::default()
        };
        client.ask(1, &delete, "exchange.delete-ok").await;
        client.publish("first", "neither", "m");
        assert_eq!(found(&mut client, &["good", "rest"]).await, [0, 0]);
    });
}

#[test]
fn copies_go_by_keys_of_their_own() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        for queue in ["a", "b", "c"] {
            client.declare(queue, &[]).await;
        }
        let headers = table(&[
            ("CC", Value::Array(vec![text("b"), text("a")])),
            ("BCC", Value::Array(vec![text("c"), text("missing")])),
        ]);
        let properties = Properties {
            headers: Some(RawTable::new(&headers)),
            ..Properties::default()
        };
        // Without copies before, so that a route of its key is known.
        client.publish("", "a", "m");
        client.publish_with(1, "", "a", &properties, b"m");
        assert_eq!(found(&mut client, &["a", "b", "c"]).await, [2, 1, 1]);
    });
}

#[test]
fn partitions_of_a_topic_are_queues_behind_an_exchange_of_its_name() {
    let world = World::new();
    world
        .run(world.catalog.create_topic("t", 3, BTreeMap::new()))
        .expect("created");
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        for (exchange, key) in [("t", "1"), ("", "t-1"), ("t", "2"), ("t", "3"), ("", "t")] {
            client.publish(exchange, key, "m");
            client.expect("basic.ack").await;
        }
        let topic = world.catalog.topics().get("t").cloned().expect("there");
        let ends: Vec<_> = topic
            .partitions
            .iter()
            .map(|partition| {
                let stream = world.log.stream(partition.stream).expect("open");
                stream.bounds().high_watermark
            })
            .collect();
        assert_eq!(ends, [0, 2, 1]);
    });
}
