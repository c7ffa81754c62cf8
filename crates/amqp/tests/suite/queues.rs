//! Queues: what survives what, over the log as it is.

use crate::client::body;
use crate::world::World;
use amqp::mail::{Answer, Outcome, Refusal, Request};
use amqp_wire::Value;
use bytes::Bytes;
use std::time::Duration;
use store::SimFaults;

fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("message {number}"))
        .collect()
}

fn text(text: &'static str) -> Value {
    Value::LongStr(Bytes::from_static(text.as_bytes()))
}

#[test]
fn confirmed_messages_survive_and_settled_ones_stay_settled() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let mut client = world.client();
    world.run(async {
        client.publish(&queue, &numbered(5)).await;
        client.consume(&queue, 3).await;
        for _ in 0..2 {
            let delivery = client.delivery().await;
            client
                .settle(&queue, delivery.position, Outcome::Acknowledged)
                .await;
        }
    });
    world.pass(Duration::from_millis(100));
    let world = world.restarted();
    let found = world.run(async { world.client().empty(&queue).await });
    assert_eq!(found, ["message 2!", "message 3!", "message 4!"]);
}

#[test]
fn an_orderly_stop_redelivers_nothing_that_was_settled() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let mut client = world.client();
    world.run(async {
        client.publish(&queue, &numbered(5)).await;
        client.consume(&queue, 3).await;
        for _ in 0..2 {
            let delivery = client.delivery().await;
            client
                .settle(&queue, delivery.position, Outcome::Acknowledged)
                .await;
        }
    });
    drop(client);
    let world = world.stopped();
    let found = world.run(async { world.client().empty(&queue).await });
    assert_eq!(found, ["message 2!", "message 3!", "message 4!"]);
}

#[test]
fn a_backlog_stays_in_the_log_and_comes_back_in_order() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let messages = numbered(30_000);
    world.run(async { world.client().publish(&queue, &messages).await });
    let world = world.restarted();
    let report = world
        .run(world.queues.report(queue.shard, queue.id))
        .expect("it is open");
    assert_eq!(report.counts.ready, 30_000);
    assert!(report.memory_bytes < 2 << 20, "{}", report.memory_bytes);
    let mut client = world.client();
    world.run(async {
        client.consume(&queue, 500).await;
        for message in &messages {
            let delivery = client.delivery().await;
            assert_eq!(body(&delivery), *message);
            assert!(delivery.redelivered);
            client
                .settle(&queue, delivery.position, Outcome::Acknowledged)
                .await;
        }
    });
    world.pass(Duration::from_millis(100));
    let stream = world.log.stream(queue.id).expect("it is there");
    assert_eq!(
        stream.bounds().log_start,
        30_000,
        "what is settled need not be kept"
    );
}

#[test]
fn what_was_not_loaded_is_read_while_more_comes_in() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let messages = numbered(20_000);
    let (mut publisher, mut consumer) = (world.client(), world.client());
    world.run(async {
        publisher.publish(&queue, &messages[..12_000]).await;
        consumer.consume(&queue, 100).await;
        for (at, message) in messages.iter().enumerate() {
            if at % 100 == 0 && at < 8_000 {
                publisher
                    .publish(&queue, &messages[12_000 + at..12_100 + at])
                    .await;
            }
            let delivery = consumer.delivery().await;
            assert_eq!(body(&delivery), *message);
            assert!(!delivery.redelivered);
            consumer
                .settle(&queue, delivery.position, Outcome::Acknowledged)
                .await;
        }
        assert!(consumer.get(&queue).await.is_none());
    });
}

#[test]
fn requeued_messages_of_a_large_window_are_read_again() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let messages = numbered(5_000);
    let (mut client, mut other) = (world.client(), world.client());
    world.run(async {
        client.publish(&queue, &messages).await;
        client.consume(&queue, 0).await;
        let mut positions = Vec::new();
        for _ in &messages {
            positions.push(client.delivery().await.position);
        }
        client
            .settle(&queue, positions[4_000], Outcome::Acknowledged)
            .await;
        world.queues.leave(client.session).await;
        let mut found = other.empty(&queue).await;
        assert_eq!(found.len(), 4_999);
        let expected = (0..5_000).filter(|number| *number != 4_000);
        let expected: Vec<_> = expected
            .map(|number| format!("message {number}!"))
            .collect();
        found.truncate(expected.len());
        assert_eq!(found, expected);
    });
}

#[test]
fn dead_letters_reach_other_shards_whatever_happens_between() {
    let arguments = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
    ];
    for pause_ms in [0, 1, 2, 5, 1000] {
        let world = World::new();
        let source = world.declare("source", &arguments);
        let dead = world.declare("dead", &[]);
        assert_ne!(source.shard, dead.shard, "otherwise this tests nothing");
        let mut client = world.client();
        world.run(async {
            client.publish(&source, &numbered(100)).await;
            client.consume(&source, 0).await;
            for _ in 0..100 {
                let delivery = client.delivery().await;
                client
                    .settle(&source, delivery.position, Outcome::Rejected)
                    .await;
            }
        });
        world.pass(Duration::from_millis(pause_ms));
        let world = world.restarted();
        world.pass(Duration::from_millis(1000));
        let world = world.restarted();
        world.pass(Duration::from_millis(1000));
        let mut client = world.client();
        let mut found = world.run(async {
            let mut found = client.empty(&source).await;
            found.extend(client.empty(&dead).await);
            found
        });
        found.sort();
        let mut expected: Vec<_> = numbered(100)
            .iter()
            .map(|body| format!("{body}!"))
            .collect();
        expected.sort();
        assert_eq!(
            found, expected,
            "each is in exactly one of them, after {pause_ms} ms"
        );
    }
}

#[test]
fn a_deleted_queue_is_out_of_the_catalog_and_its_name_is_free() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let mut client = world.client();
    let outcome = world.run(async {
        client.publish(&queue, &numbered(3)).await;
        let delete = |ticket| Request::Delete {
            ticket,
            queue: queue.id,
            if_unused: false,
            if_empty: false,
        };
        client.ask(queue.shard, delete).await
    });
    assert_eq!(outcome, Ok(Answer::Deleted(3)));
    assert!(world.queue("q").is_none());
    assert!(world.log.stream(queue.id).is_none());
    world.run(async { client.publish(&queue, &numbered(1)).await });
    let again = world.declare("q", &[]);
    assert_ne!(again.id, queue.id);
    let world = world.restarted();
    assert_eq!(
        world.run(async { world.client().empty(&again).await }),
        [] as [&str; 0]
    );
}

#[test]
fn a_queue_that_nobody_looks_at_expires_its_messages_after_a_restart() {
    let world = World::new();
    let queue = world.declare("q", &[("x-message-ttl", Value::I32(5_000))]);
    world.run(async { world.client().publish(&queue, &numbered(10)).await });
    let world = world.restarted();
    world.pass(Duration::from_secs(1));
    assert_eq!(
        world
            .run(world.queues.report(queue.shard, queue.id))
            .map(|report| report.counts.ready),
        Some(10)
    );
    world.pass(Duration::from_secs(5));
    assert_eq!(
        world
            .run(world.queues.report(queue.shard, queue.id))
            .map(|report| report.counts.ready),
        Some(0)
    );
}

#[test]
fn thousands_of_empty_queues_open_without_a_read() {
    let world = World::new();
    for number in 0..2_000 {
        world.declare(&format!("q{number}"), &[]);
    }
    let world = world.restarted();
    let reports = world.run(world.queues.reports());
    assert_eq!(reports.len(), 2_000);
}

#[test]
fn more_than_a_commit_holds_is_taken_piece_by_piece() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let mut client = world.client();
    let large = "x".repeat(1 << 20);
    let bodies: Vec<_> = (0..60).map(|number| format!("{number} {large}")).collect();
    world.run(async {
        client.publish_at_once(&queue, &bodies).await;
        for body in &bodies {
            let delivery = client.get(&queue).await.expect("it is there");
            assert!(crate::client::body(&delivery) == *body, "in order");
        }
    });
}

#[test]
fn a_host_whose_queue_was_removed_behind_its_back_starts_over() {
    let world = World::new();
    let (gone, kept) = {
        let gone = world.declare("gone", &[]);
        let others = (0..8).map(|number| world.declare(&format!("kept{number}"), &[]));
        let kept = others.into_iter().find(|queue| queue.shard == gone.shard);
        (gone, kept.expect("there are as many queues as shards"))
    };
    let mut client = world.client();
    world.run(async {
        client.publish(&gone, &numbered(2)).await;
        client.publish(&kept, &numbered(2)).await;
        world
            .catalog
            .delete_queue(gone.id)
            .await
            .expect("it is there");
        client.expect_lost(&gone, &numbered(1)).await;
    });
    let mut client = world.client();
    world.run(async {
        client.publish(&gone, &numbered(1)).await;
        client.publish(&kept, &["more".to_owned()]).await;
        assert_eq!(
            client.empty(&kept).await,
            ["message 0!", "message 1!", "more"]
        );
    });
}

#[test]
fn everybody_is_told_when_the_log_has_failed() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let (mut client, mut other) = (world.client(), world.client());
    world.run(async { client.publish(&queue, &numbered(1)).await });
    world.disk.set_faults(SimFaults {
        sync_fails: true,
        ..SimFaults::default()
    });
    world.run(async {
        client.expect_lost(&queue, &numbered(1)).await;
        other.wait_for_lost().await;
    });
    let asked = world.run(world.queues.purge(queue.shard, queue.id));
    assert_eq!(asked, Err(Refusal::Lost));
    world.disk.set_faults(SimFaults::default());
    let world = world.restarted();
    let found = world.run(async { world.client().empty(&queue).await });
    assert_eq!(found[0], "message 0!");
    assert!(found.len() <= 2, "{found:?}");
}

#[test]
fn a_damaged_message_is_left_out_and_counted() {
    let world = World::new();
    let queue = world.declare("q", &[]);
    let other = world.declare("other", &[]);
    let mut client = world.client();
    let marked: Vec<_> = (0..5)
        .map(|number| format!("{number} {}", "y".repeat(4000)))
        .collect();
    world.run(async {
        client.publish_at_once(&queue, &marked).await;
        // What is damaged is not the last thing that was written, which might not have been finished.
        client.publish(&other, &numbered(1)).await;
    });
    assert!(world.damage("2 yyyy"), "the message is in a file");
    let world = world.restarted();
    let found = world.run(async { world.client().empty(&queue).await });
    let found: Vec<_> = found.iter().map(|body| &body[..1]).collect();
    assert_eq!(found, ["0", "1", "3", "4"]);
    let report = world.run(world.queues.report(queue.shard, queue.id));
    let report = report.expect("it is open");
    assert_eq!((report.tally.damaged, report.counts.ready), (1, 0));
}
