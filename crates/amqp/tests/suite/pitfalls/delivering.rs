//! Tags, redelivery, places.

use crate::rabbit::{Rabbit, short};
use crate::world::World;
use amqp_wire::{Method, basic};

#[test]
fn pitfall_01_redelivered_after_requeue_channel_or_connection_loss_and_restart() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        client.declare("q", &[]).await;
        client.publish("", "q", "m");
        client.expect("basic.ack").await;
        client.consume(1, "q", "c").await;
        assert_eq!(client.delivery().await, (1, false, "m".to_owned()));
        client.requeue(1);
        assert_eq!(client.delivery().await, (2, true, "m".to_owned()));
        // The channel goes.
        client
            .ask(1, &amqp_wire::channel::Close::default(), "channel.close-ok")
            .await;
        client.channel(1).await;
        client.consume(1, "q", "c").await;
        assert_eq!(client.delivery().await, (1, true, "m".to_owned()));
        // The connection breaks.
        client.break_off().await;
        let mut client = Rabbit::open(&world).await;
        client.declare("fresh", &[]).await;
        client.consume(1, "q", "c").await;
        assert_eq!(client.delivery().await, (1, true, "m".to_owned()));
        client.confirm().await;
        client.publish("", "fresh", "m");
        client.expect("basic.ack").await;
    });
    let world = world.restarted();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        for queue in ["q", "fresh"] {
            let got = client.get(queue).await.expect("it is durable");
            assert!(got.delivery().1, "{queue}");
        }
    });
}

#[test]
fn pitfall_02_a_requeued_message_is_in_its_old_place() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        for body in ["a", "b", "c", "d"] {
            client.publish("", "q", body);
        }
        for _ in 0..3 {
            client.get("q").await.expect("there are four");
        }
        client.requeue(3);
        client.requeue(1);
        let mut bodies = Vec::new();
        while let Some(got) = client.get("q").await {
            bodies.push(got.delivery().2);
        }
        assert_eq!(bodies, ["a", "c", "d"]);
    });
}

#[test]
fn pitfall_03_unknown_or_repeated_tags_close_the_channel_and_tag_0_means_all() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        // All of nothing is no mistake.
        client.ack(0, true);
        for body in ["a", "b", "c", "d"] {
            client.publish("", "q", body);
        }
        for _ in 0..3 {
            client.get("q").await.expect("there are four");
        }
        client.ack(0, true);
        let tag = client.get("q").await.expect("one is left").delivery().0;
        client.ack(tag, false);
        assert_eq!(client.until_quiet(1, "q").await.len(), 0);
        for (tag, multiple) in [(tag, false), (99, false), (99, true), (0, false)] {
            client.ack(tag, multiple);
            let (code, text) = client.expect("channel.close").await.close();
            let expected = format!("PRECONDITION_FAILED - unknown delivery tag {tag}");
            assert_eq!((code, text), (406, expected));
            client.send(1, &amqp_wire::channel::CloseOk {});
            client.channel(1).await;
        }
        assert!(client.get("q").await.is_none(), "all were settled");
    });
}

#[test]
fn pitfall_04_delivery_tags_strictly_increase_on_a_channel() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.declare("r", &[]).await;
        client.consume(1, "q", "one").await;
        client.consume(1, "r", "two").await;
        let mut last = 0;
        for round in 0..50 {
            client.publish("", if round % 3 == 0 { "q" } else { "r" }, "m");
            let (tag, ..) = client.delivery().await;
            assert_eq!(tag, last + 1);
            last = tag;
            if round % 2 == 0 {
                client.ack(tag, false);
            } else if round % 5 == 0 {
                client.requeue(tag);
                last = client.delivery().await.0;
                assert_eq!(last, tag + 1);
            }
        }
        // Another channel begins anew.
        client.channel(2).await;
        client.declare("s", &[]).await;
        client.consume(2, "s", "one").await;
        client.publish("", "s", "m");
        let received = client.expect("basic.deliver").await;
        assert_eq!((received.channel, received.delivery().0), (2, 1));
    });
}

#[test]
fn pitfall_16_a_time_to_live_of_0_is_now_or_never_and_requeueing_does_not_renew_it() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        client
            .declare("now", &[("x-message-ttl", amqp_wire::Value::I32(0))])
            .await;
        client.publish("", "now", "nobody waits");
        client.expect("basic.ack").await;
        client.pass(std::time::Duration::from_millis(2)).await;
        assert!(client.get("now").await.is_none());
        client.consume(1, "now", "c").await;
        client.publish("", "now", "somebody waits");
        let mut names = [client.next().await, client.next().await].map(|received| received.name());
        names.sort();
        assert_eq!(names, ["basic.ack", "basic.deliver"]);

        client.declare("second", &[]).await;
        let expiring = amqp_wire::Properties {
            expiration: amqp_wire::ShortBytes::new(b"1000").ok(),
            ..amqp_wire::Properties::default()
        };
        client.publish_with(1, "", "second", &expiring, b"m");
        client.expect("basic.ack").await;
        let tag = client.get("second").await.expect("in time").delivery().0;
        client.pass(std::time::Duration::from_millis(600)).await;
        client.requeue(tag);
        let tag = client.get("second").await.expect("in time").delivery().0;
        client.pass(std::time::Duration::from_millis(600)).await;
        client.requeue(tag);
        assert!(client.get("second").await.is_none(), "1.2 s have passed");
    });
}

#[test]
fn pitfall_19_after_a_close_by_the_server_everything_is_discarded_until_close_ok() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.ack(7, false);
        // None of this happens, and none of it is a mistake.
        client.publish("", "q", "m");
        client.publish("no such exchange", "q", "m");
        client.ack(8, false);
        let consume = basic::Consume {
            queue: short("q"),
            ..basic::Consume::default()
        };
        client.send(1, &consume);
        client.send(1, &amqp_wire::channel::CloseOk {});
        client.expect("channel.close").await;
        client.channel(1).await;
        assert!(client.get("q").await.is_none());
        let received = client.until_quiet(1, "q").await;
        assert!(received.is_empty(), "{received:?}");
        let passive = amqp_wire::queue::Declare {
            queue: short("q"),
            passive: true,
            ..amqp_wire::queue::Declare::default()
        };
        let counted = client.ask(1, &passive, "queue.declare-ok").await;
        assert!(matches!(counted.method(), Method::QueueDeclareOk(ok) if ok.consumer_count == 0));
    });
}
