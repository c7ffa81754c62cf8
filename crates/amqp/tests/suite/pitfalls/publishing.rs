//! Confirms, returns, transactions, contents.

use crate::rabbit::{FRAME_MAX, Rabbit, short, table, text};
use crate::world::World;
use amqp::session::Input;
use amqp_wire::{Method, Properties, RawTable, Value, basic, tx};

#[test]
fn pitfall_06_a_return_comes_before_its_confirm_and_the_unroutable_is_confirmed() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        let publish = basic::Publish {
            routing_key: short("nowhere"),
            mandatory: true,
            ..basic::Publish::default()
        };
        client.content(1, &publish, &Properties::default(), b"lost");
        let returned = client.expect("basic.return").await;
        assert_eq!(&returned.body[..], b"lost");
        assert!(
            matches!(returned.method(), Method::BasicReturn(back) if back.reply_code == 312 && back.routing_key == "nowhere")
        );
        let ack = client.expect("basic.ack").await;
        assert!(matches!(ack.method(), Method::BasicAck(ack) if ack.delivery_tag == 1));
        // Not mandatory: confirmed only.
        client.publish("", "nowhere", "lost");
        let ack = client.expect("basic.ack").await;
        assert!(matches!(ack.method(), Method::BasicAck(ack) if ack.delivery_tag == 2));
    });
}

#[test]
fn pitfall_07_a_confirm_waits_for_all_queues_and_a_refusal_is_a_nack() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        client.declare("free", &[]).await;
        client
            .declare(
                "full",
                &[
                    ("x-max-length", Value::I32(1)),
                    ("x-overflow", text("reject-publish")),
                ],
            )
            .await;
        client.bind("free", "amq.fanout", "", &[]).await;
        client.bind("full", "amq.fanout", "", &[]).await;
        client.publish("amq.fanout", "", "first");
        // Nothing is confirmed before the hosts have it on disk.
        assert!(client.poll().await.is_empty());
        client.expect("basic.ack").await;
        client.publish("amq.fanout", "", "second");
        let nack = client.expect("basic.nack").await;
        assert!(matches!(nack.method(), Method::BasicNack(nack) if nack.delivery_tag == 2));
        client.publish("", "free", "third");
        let ack = client.expect("basic.ack").await;
        assert!(matches!(ack.method(), Method::BasicAck(ack) if ack.delivery_tag == 3));
    });
    let world = world.restarted();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        assert_eq!(
            client.get("full").await.expect("confirmed").delivery().2,
            "first"
        );
        assert!(client.get("full").await.is_none());
        assert_eq!(
            client.get("free").await.expect("confirmed").delivery().2,
            "first"
        );
    });
}

#[test]
fn pitfall_08_transactions_and_confirms_exclude_each_other() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.ask(1, &tx::Select {}, "tx.select-ok").await;
        client.send(1, &amqp_wire::confirm::Select::default());
        let closed = client.expect("channel.close").await.close();
        assert_eq!(
            closed,
            (
                406,
                "PRECONDITION_FAILED - cannot switch from tx to confirm mode".to_owned()
            )
        );
        client.channel(2).await;
        let select = amqp_wire::confirm::Select::default();
        client.ask(2, &select, "confirm.select-ok").await;
        client.send(2, &tx::Select {});
        let closed = client.expect("channel.close").await.close();
        assert_eq!(
            closed,
            (
                406,
                "PRECONDITION_FAILED - cannot switch from confirm to tx mode".to_owned()
            )
        );
    });
}

#[test]
fn pitfall_15_dead_letters_go_round_once_and_expiration_and_bcc_are_taken_out() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        // It expires into itself: the second time round nobody has rejected it, and it is dropped.
        client
            .declare(
                "circle",
                &[
                    ("x-message-ttl", Value::I32(100)),
                    ("x-dead-letter-exchange", text("")),
                ],
            )
            .await;
        client.publish("", "circle", "m");
        client.expect("basic.ack").await;
        client.pass(std::time::Duration::from_secs(1)).await;
        assert!(client.get("circle").await.is_none());

        client
            .declare(
                "source",
                &[
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text("target")),
                ],
            )
            .await;
        client.declare("target", &[]).await;
        client.declare("blind", &[]).await;
        let headers = table(&[("BCC", Value::Array(vec![text("blind")]))]);
        let properties = Properties {
            headers: Some(RawTable::new(&headers)),
            expiration: amqp_wire::ShortBytes::new(b"100").ok(),
            ..Properties::default()
        };
        client.publish_with(1, "", "source", &properties, b"m");
        client.expect("basic.ack").await;
        let blind = client.get("blind").await.expect("it was copied");
        assert!(blind.headers().get("BCC").is_none());
        client.pass(std::time::Duration::from_secs(1)).await;
        let dead = client.get("target").await.expect("it expired");
        assert!(dead.properties().expiration.is_none() && dead.headers().get("BCC").is_none());
        let headers = dead.headers();
        let Some(Value::Array(deaths)) = headers.get("x-death") else {
            panic!("{headers:?}");
        };
        let Some(Value::Table(death)) = deaths.first() else {
            panic!("{deaths:?}");
        };
        assert_eq!(
            death.get("original-expiration").and_then(Value::as_str),
            Some("100")
        );
        assert_eq!(death.get("reason").and_then(Value::as_str), Some("expired"));
    });
}

#[test]
fn pitfall_17_headers_exchanges_pass_over_names_with_x_and_a_hash_matches_no_word() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        for (queue, rule) in [
            ("all", "all"),
            ("all-x", "all-with-x"),
            ("any-x", "any-with-x"),
        ] {
            client.declare(queue, &[]).await;
            let arguments = [
                ("x-match", text(rule)),
                ("a", text("1")),
                ("x-b", text("2")),
            ];
            client.bind(queue, "amq.headers", "", &arguments).await;
        }
        let headers = table(&[("a", text("1"))]);
        let properties = Properties {
            headers: Some(RawTable::new(&headers)),
            ..Properties::default()
        };
        client.publish_with(1, "amq.headers", "", &properties, b"m");
        client.expect("basic.ack").await;
        for (queue, expected) in [("all", true), ("all-x", false), ("any-x", true)] {
            assert_eq!(client.get(queue).await.is_some(), expected, "{queue}");
        }
        client.declare("t", &[]).await;
        client.bind("t", "amq.topic", "a.#", &[]).await;
        for (key, expected) in [("a", true), ("a.b.c", true), ("b", false), ("", false)] {
            client.publish("amq.topic", key, "m");
            client.expect("basic.ack").await;
            assert_eq!(client.get("t").await.is_some(), expected, "{key}");
        }
    });
}

#[test]
fn pitfall_20_a_body_may_come_in_many_frames_and_an_empty_one_has_none() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        let body = "0123456789".repeat(FRAME_MAX as usize / 3);
        client.publish("", "q", &body);
        client.publish("", "q", "");
        assert_eq!(
            client.get("q").await.expect("the large one").delivery().2,
            body
        );
        assert_eq!(
            client.get("q").await.expect("the empty one").delivery().2,
            ""
        );
        // The parts of a message come in pieces of any length, and between those of another channel's.
        client.channel(2).await;
        let mut frames = bytes::BytesMut::new();
        let publish = basic::Publish {
            routing_key: short("q"),
            ..basic::Publish::default()
        };
        for channel in [1, 2] {
            amqp_wire::encode_method(&mut frames, channel, &publish).expect("short");
        }
        for channel in [2, 1] {
            let properties = amqp_wire::RawProperties::EMPTY;
            amqp_wire::encode_content_header(&mut frames, channel, 6, properties).expect("short");
        }
        for piece in ["on", "e", "two"] {
            for (channel, body) in [(1, piece), (2, &"abc"[..piece.len()])] {
                amqp_wire::encode_body(&mut frames, channel, body.as_bytes(), FRAME_MAX);
            }
        }
        for byte in &frames {
            client.bytes(&[*byte]);
        }
        let mut bodies = [client.get("q").await, client.get("q").await]
            .map(|got| got.expect("both are there").delivery().2);
        bodies.sort();
        assert_eq!(bodies, ["abaabc", "onetwo"]);
    });
}

#[test]
fn pitfall_21_an_alarm_stops_publishers_only() {
    let world = World::new();
    world.run(async {
        let mut publisher = Rabbit::open(&world).await;
        let mut consumer = Rabbit::open(&world).await;
        publisher.confirm().await;
        publisher.declare("q", &[]).await;
        publisher.publish("", "q", "before");
        publisher.expect("basic.ack").await;
        for client in [&mut publisher, &mut consumer] {
            client.tell(Input::Alarm(Some("low on disk")));
        }
        let blocked = publisher.expect("connection.blocked").await;
        assert!(
            matches!(blocked.method(), Method::ConnectionBlocked(blocked) if blocked.reason == "low on disk")
        );
        publisher.publish("", "q", "during");
        assert!(publisher.poll().await.is_empty());
        assert!(!publisher.session.wants_input());
        // The consumer goes on, until it publishes.
        assert_eq!(consumer.get("q").await.expect("there").delivery().2, "before");
        assert!(consumer.get("q").await.is_none());
        consumer.publish("", "q", "also during");
        consumer.expect("connection.blocked").await;
        assert!(!consumer.session.wants_input());
        for client in [&mut publisher, &mut consumer] {
            client.tell(Input::Alarm(None));
            client.expect("connection.unblocked").await;
        }
        publisher.expect("basic.ack").await;
        let mut bodies = [consumer.get("q").await, consumer.get("q").await]
            .map(|got| got.expect("both are there").delivery().2);
        bodies.sort();
        assert_eq!(bodies, ["also during", "during"]);
    });
}
