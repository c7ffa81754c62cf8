//! Stream queues over the real log on a simulated disk.

mod world;

use super::Lent;
use crate::mail::{
    Answer, ConsumerId, Counts, Delivery, Notice, Outcome, Refusal, Request, StreamStart, Ticket,
};
use crate::run::{Run, RunBuilder};
use amqp_wire::{Properties, RawProperties, RawTable, Table, Value};
use base::ShardId;
use bytes::Bytes;
use kafka_wire::compression::Compression;
use kafka_wire::records::{BatchBuilder, Headers};
use world::{ME, START, run};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn run_of(messages: &[(&[(&str, &str)], &str)]) -> Run {
    let mut run = RunBuilder::new(START);
    for (headers, body) in messages {
        let table = Table::from_iter(
            headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(*value))),
        );
        let table = table.to_bytes().expect("a short table");
        let properties = Properties {
            headers: Some(RawTable::new(&table)),
            ..Properties::default()
        };
        let properties = properties.to_bytes().expect("short properties");
        run.push(b"amq.topic", b"a.b", &properties, body.as_bytes(), 0, None);
    }
    run.seal().expect("messages")
}

fn produced(base_time: i64, compression: Compression, values: &[&str]) -> Bytes {
    let mut batch = BatchBuilder::new(compression);
    for (time, value) in (base_time..).zip(values) {
        let headers: Headers = [(&b"trace"[..], Some(&b"1"[..]))].into_iter().collect();
        let pushed = batch.push(time, Some(b"key"), Some(value.as_bytes()), headers.view());
        pushed.expect("it fits");
    }
    batch.build().expect("a batch")
}

fn bodies(deliveries: &[Delivery]) -> Vec<(i64, String)> {
    let body = |delivery: &Delivery| {
        let parts = delivery.message.parts().expect("a message");
        (delivery.position.offset, text(&parts.body).to_owned())
    };
    deliveries.iter().map(body).collect()
}

fn owned(wanted: &[(i64, &str)]) -> Vec<(i64, String)> {
    let owned = |(offset, body): &(i64, &str)| (*offset, (*body).to_owned());
    wanted.iter().map(owned).collect()
}

#[test]
fn what_amqp_publishes_kafka_fetches_and_amqp_delivers() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        world.consume(queue, 1, StreamStart::Next).await;
        let run = run_of(&[
            (&[("x-kafka-key", "k"), ("colour", "red")], "one"),
            (&[], "two"),
        ]);
        assert_eq!(world.publish(&[queue], &run).await, [0; 0]);
        let records = world.fetch(queue).await;
        let seen: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record.offset,
                    record.timestamp,
                    record.key.as_deref(),
                    record.value.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0, START, Some(&b"k"[..]), Some(&b"one"[..])),
                (1, START, None, Some(b"two"))
            ]
        );
        let names: Vec<_> = records[0].headers.iter().map(|header| header.key).collect();
        assert!(names.contains(&Bytes::from_static(b"colour")));
        assert_eq!(bodies(&world.got(1)), owned(&[(0, "one"), (1, "two")]));
    });
}

#[test]
fn what_kafka_produces_amqp_delivers_whatever_its_compression() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        let mut wanted = Vec::new();
        for (number, compression) in (0..).zip(Compression::ALL) {
            let values = [format!("{compression} a"), format!("{compression} b")];
            let values = [values[0].as_str(), values[1].as_str()];
            world
                .produce(queue, produced(START + number * 10, compression, &values))
                .await;
            wanted.extend((number * 2..).zip(values.map(str::to_owned)));
        }
        world.consume(queue, 1, StreamStart::First).await;
        let got = world.got(1);
        assert_eq!(bodies(&got), wanted);
        let parts = got[3].message.parts().expect("a message");
        assert_eq!(
            (&parts.exchange[..], &parts.routing_key[..]),
            (&b""[..], &b"t"[..])
        );
        let properties = RawProperties::new(&parts.properties)
            .decode()
            .expect("sound");
        let headers = properties.headers.expect("headers");
        let get = |name| {
            headers
                .get(name)
                .expect("sound")
                .map(|value| value.as_str().map(str::to_owned))
        };
        assert_eq!(get("x-kafka-key"), Some(Some("key".to_owned())));
        assert_eq!(get("trace"), Some(Some("1".to_owned())));
        // By time, inside of batches too.
        for (id, time, first) in [
            (2, 0, 0),
            (3, START + 11, 3),
            (4, START + 12, 4),
            (5, START + 99, 10),
        ] {
            world.consume(queue, id, StreamStart::Timestamp(time)).await;
            assert_eq!(bodies(&world.got(id)), wanted[first..], "{time}");
        }
        world.consume(queue, 6, StreamStart::Last).await;
        assert_eq!(bodies(&world.got(6)), wanted[8..]);
    });
}

#[test]
fn a_run_goes_to_several_streams_and_is_answered_once() {
    run(async |world| {
        let queues = world.topic("t", 3, &[]).await;
        let small = world
            .topic("small", 1, &[("max.message.bytes", "400")])
            .await[0];
        let keyed = world
            .topic("keyed", 1, &[("cleanup.policy", "compact")])
            .await[0];
        let long = "x".repeat(1000);
        let run = run_of(&[(&[], "a"), (&[("x-kafka-key", "k")], &long), (&[], "c")]);
        let targets = [queues[0], queues[2], small, keyed, base::StreamId(999)];
        assert_eq!(world.publish(&targets, &run).await, [0, 1, 2]);
        for (queue, count) in [
            (queues[0], 3),
            (queues[1], 0),
            (queues[2], 3),
            (small, 2),
            (keyed, 1),
        ] {
            assert_eq!(world.fetch(queue).await.len(), count);
        }
        assert_eq!(world.publish(&queues, &run).await, [0; 0]);
        // Nobody is read from while too much is on its way to the disk.
        let large = run_of(&[(&[], &"x".repeat(16 << 20))]);
        for (ticket, busy) in [(600, false), (601, true)] {
            let ticket = Ticket(ticket);
            let streams = &mut world.streams;
            streams.publish(ME, ticket, &queues[..1], &large, false);
            assert_eq!(streams.is_busy(), busy);
        }
        world.settle_down().await;
        assert!(!world.streams.is_busy());
        // Other queues' part of an answer is waited for.
        world.notices.clear();
        world
            .streams
            .publish(ME, Ticket(500), &queues[..1], &run, true);
        world.settle_down().await;
        assert!(world.notices.is_empty());
        let answer = world.streams.join(ME, Ticket(500), vec![1]);
        assert!(matches!(answer, Some(Notice::Published { rejected, .. }) if rejected == [1]));
    });
}

#[test]
fn a_consumer_survives_retention_and_learns_of_the_end_of_its_topic() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        for number in 0..5 {
            world
                .produce(
                    queue,
                    produced(START + number, Compression::None, &["x", "y"]),
                )
                .await;
        }
        let trimmed = world.log.shard(ShardId(0)).trim(queue, 3);
        trimmed.await.expect("trimmed");
        assert_eq!(
            world.ask(|ticket| Request::Inspect { ticket, queue }).await,
            Ok(Answer::Counts(Counts {
                ready: 7,
                ..Counts::default()
            }))
        );
        world.consume(queue, 1, StreamStart::Offset(1)).await;
        let got = world.got(1);
        assert_eq!(
            got.iter()
                .map(|delivery| delivery.position.offset)
                .collect::<Vec<_>>(),
            (3..10).collect::<Vec<_>>()
        );
        // Kafka's DeleteTopics.
        world.catalog.delete_topic("t").await.expect("deleted");
        world.notices.clear();
        world.settle_down().await;
        assert!(matches!(
            world.notices[..],
            [(
                ME,
                Notice::Cancelled {
                    consumer: ConsumerId(1)
                }
            )]
        ));
        assert!(!world.streams.has(queue) && !world.streams.is_waiting());
        assert_eq!(
            world.ask(|ticket| Request::Inspect { ticket, queue }).await,
            Err(Refusal::NotFound)
        );
    });
}

#[test]
fn a_stream_queue_is_deleted_with_its_topic() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        let partition = world.topic("many", 2, &[]).await[1];
        world
            .produce(queue, produced(START, Compression::None, &["x"]))
            .await;
        let delete = |queue, if_unused, if_empty| {
            move |ticket| Request::Delete {
                ticket,
                queue,
                if_unused,
                if_empty,
            }
        };
        let refused = world.ask(delete(partition, false, false)).await;
        assert!(matches!(refused, Err(Refusal::NotSupported(_))));
        assert_eq!(
            world.ask(delete(queue, false, true)).await,
            Err(Refusal::NotEmpty)
        );
        world.consume(queue, 1, StreamStart::Next).await;
        assert_eq!(
            world.ask(delete(queue, true, false)).await,
            Err(Refusal::InUse)
        );
        assert_eq!(
            world.ask(delete(queue, false, false)).await,
            Ok(Answer::Deleted(1))
        );
        assert!(matches!(
            world.notices[..],
            [(ME, Notice::Cancelled { .. })]
        ));
        assert!(world.catalog.topics().get("t").is_none());
        assert_eq!(
            world.ask(delete(queue, false, false)).await,
            Err(Refusal::NotFound)
        );
    });
}

#[test]
fn nothing_is_kept_of_streams_that_nobody_consumes_from() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        for session in [1, 2] {
            world.consume(queue, session, StreamStart::Next).await;
        }
        assert!(world.streams.is_waiting());
        let cancelled = world.ask(|ticket| Request::Cancel {
            ticket,
            queue,
            consumer: ConsumerId(1),
        });
        assert_eq!(cancelled.await, Ok(Answer::Cancelled));
        assert!(world.streams.is_waiting());
        let mut lent = Lent {
            sessions: &mut world.sessions,
            notices: &mut world.notices,
        };
        world.streams.leave(ME, &mut lent);
        world.settle_down().await;
        assert!(!world.streams.is_waiting() && world.streams.queues.is_empty());
        assert!(world.streams.watches.is_empty() && world.streams.used_by.is_empty());
    });
}

#[test]
fn what_makes_no_sense_on_a_stream_is_refused_in_rabbitmqs_words() {
    run(async |world| {
        let queue = world.topic("t", 1, &[]).await[0];
        let purged = world.ask(|ticket| Request::Purge { ticket, queue }).await;
        let words = "queue.purge not supported by stream queues";
        assert_eq!(purged, Err(Refusal::NotSupported(words)));
        world
            .request(
                ME,
                Request::Get {
                    ticket: Ticket(70),
                    queue,
                    no_ack: false,
                },
            )
            .await;
        let words = "basic.get not supported by stream queues";
        assert!(matches!(
            world.notices.pop(),
            Some((ME, Notice::Got { ticket: Ticket(70), outcome: Err(Refusal::NotSupported(said)) })) if said == words
        ));
        let settled = world.ask(|ticket| Request::Settle {
            queue,
            positions: Vec::new(),
            outcome: Outcome::Requeued,
            ticket: Some(ticket),
        });
        assert_eq!(settled.await, Ok(Answer::Settled));
    });
}
