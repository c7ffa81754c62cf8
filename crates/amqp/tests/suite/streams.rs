//! Stream queues in their hosts, beside other queues.

use crate::client::{body, run};
use crate::world::World;
use amqp::mail::{
    Answer, ConsumerId, Extra, Notice, Outcome, Refusal, Request, SESSION_WINDOW_BYTES, StreamStart,
};
use amqp_wire::Value;
use bytes::Bytes;
use cluster::Partition;
use std::collections::BTreeMap;

fn texts(bodies: &[&str]) -> Vec<String> {
    bodies.iter().map(|body| (*body).to_owned()).collect()
}

/// A topic with a partition in each shard.
fn topic(world: &World, name: &str) -> Vec<Partition> {
    let shards = u32::try_from(world.log.shards().len()).unwrap();
    let made = world.catalog.create_topic(name, shards, BTreeMap::new());
    world.run(made).unwrap().partitions.clone()
}

#[test]
fn one_publish_goes_to_queues_and_streams_and_is_answered_once() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let full = world.declare(
        "full",
        &[
            ("x-max-length", Value::I32(1)),
            ("x-overflow", Value::from("reject-publish")),
        ],
    );
    let partitions = topic(&world, "t");
    let mut client = world.client();
    world.run(async {
        for target in [&queue, &full] {
            let stream = partitions
                .iter()
                .find(|partition| partition.shard == target.shard);
            let stream = stream.unwrap().stream;
            let targets = vec![stream, target.id];
            let rejected = client
                .publish_to(target.shard, targets, run(&texts(&["a", "b"])))
                .await;
            let expected: &[u32] = if target.name == full.name { &[1] } else { &[] };
            assert_eq!(rejected, expected);
            client
                .consume_from(target.shard, stream, 7, 10, StreamStart::First)
                .await;
            for (offset, text) in (0..).zip(["a", "b"]) {
                let delivery = client.delivery().await;
                assert_eq!(
                    (body(&delivery).as_str(), delivery.extra),
                    (text, Extra::StreamOffset(offset))
                );
            }
            let cancel = |ticket| Request::Cancel {
                ticket,
                queue: stream,
                consumer: ConsumerId(7),
            };
            assert_eq!(
                client.ask(target.shard, cancel).await,
                Ok(Answer::Cancelled)
            );
        }
        assert_eq!(client.empty(&queue).await, ["a", "b"]);
        assert_eq!(client.empty(&full).await, ["a"]);
    });
}

#[test]
fn dead_letters_go_to_stream_queues_of_their_own_and_of_other_shards() {
    let world = World::new();
    let partitions = topic(&world, "dead");
    for (number, partition) in partitions.iter().enumerate() {
        let key = Value::LongStr(Bytes::from(format!("dead-{number}")));
        let queue = world.declare(
            &format!("q-{number}"),
            &[
                ("x-dead-letter-exchange", Value::from("")),
                ("x-dead-letter-routing-key", key),
            ],
        );
        let mut client = world.client();
        world.run(async {
            client.publish(&queue, &texts(&["one", "two"])).await;
            client.consume(&queue, 10).await;
            for _ in 0..2 {
                let delivery = client.delivery().await;
                client
                    .settle(&queue, delivery.position, Outcome::Rejected)
                    .await;
            }
            let mut reader = world.client();
            reader
                .consume_from(partition.shard, partition.stream, 1, 10, StreamStart::First)
                .await;
            for text in ["one", "two"] {
                let delivery = reader.delivery().await;
                assert_eq!(body(&delivery), text);
                let properties = delivery.message.parts().unwrap().properties;
                let properties = amqp_wire::RawProperties::new(&properties);
                let headers = properties.decode().unwrap().headers.unwrap();
                assert!(headers.get("x-death").unwrap().is_some());
            }
        });
    }
    world.pass(std::time::Duration::from_millis(100));
    let world = world.restarted();
    world.pass(std::time::Duration::from_millis(100));
    for partition in partitions {
        let stream = world.log.stream(partition.stream).unwrap();
        assert_eq!(stream.bounds().high_watermark, 2, "each once");
    }
}

#[test]
fn streams_and_queues_fill_one_window_of_a_session() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let partitions = topic(&world, "t");
    let mut near = partitions
        .iter()
        .filter(|partition| partition.shard == queue.shard);
    let (stream, shard) = (near.next().unwrap().stream, queue.shard);
    let large = vec!["x".repeat(SESSION_WINDOW_BYTES / 2 + 1)];
    let mut client = world.client();
    world.run(async {
        for _ in 0..3 {
            assert_eq!(
                client.publish_to(shard, vec![stream], run(&large)).await,
                []
            );
        }
        client.publish(&queue, &texts(&["small"])).await;
        client
            .consume_from(shard, stream, 1, 10, StreamStart::First)
            .await;
        let mut got = Vec::new();
        while got.len() < 2 {
            let (from, deliveries) = client.unwritten().await;
            assert_eq!(from, stream);
            got.extend(deliveries);
        }
        client
            .consume_from(shard, queue.id, 2, 10, StreamStart::Next)
            .await;
        // The answer to this comes behind anything that could have been delivered.
        let inspect = |ticket| Request::Inspect {
            ticket,
            queue: queue.id,
        };
        let counts = client.ask(shard, inspect).await.unwrap();
        assert!(matches!(counts, Answer::Counts(counts) if counts.ready == 1));
        let bytes = got[0].message.record().len();
        client.send(shard, Request::Written { bytes }).await;
        let (_, first) = client.unwritten().await;
        let bytes = got[1].message.record().len();
        client.send(shard, Request::Written { bytes }).await;
        let (_, second) = client.unwritten().await;
        let mut lens: Vec<_> = [first, second]
            .concat()
            .iter()
            .map(|d| body(d).len())
            .collect();
        lens.sort_unstable();
        assert_eq!(lens, [5, large[0].len()]);
    });
}

#[test]
fn consumers_of_a_topic_learn_that_kafka_has_deleted_it() {
    let world = World::new();
    let Partition { stream, shard } = topic(&world, "t")[3];
    let mut client = world.client();
    world.run(async {
        client
            .consume_from(shard, stream, 4, 10, StreamStart::Next)
            .await;
        world.catalog.delete_topic("t").await.unwrap();
        let notice = client.notice().await;
        assert!(
            matches!(
                notice,
                Notice::Cancelled {
                    consumer: ConsumerId(4)
                }
            ),
            "{notice:?}"
        );
        let inspect = |ticket| Request::Inspect {
            ticket,
            queue: stream,
        };
        assert_eq!(client.ask(shard, inspect).await, Err(Refusal::NotFound));
        // What is published to it meanwhile goes nowhere, as in RabbitMQ.
        assert_eq!(
            client
                .publish_to(shard, vec![stream], run(&texts(&["x"])))
                .await,
            []
        );
        let reports = world.queues.reports().await;
        assert!(reports.iter().all(|report| report.queue != stream));
    });
}
