//! Sessions: what clients do that they should not, and what is bounded.

use crate::rabbit::{FRAME_MAX, Rabbit, short, text};
use crate::world::World;
use amqp::mail::{Notice, Request};
use amqp::session::{Input, OUTPUT_BYTES_MAX, UNANSWERED_BYTES_MAX};
use amqp_wire::{Method, Properties, Value, basic, channel, connection, tx};
use base::Clock;
use bytes::BytesMut;
use std::time::Duration;

/// Sends bytes on a fresh connection with channel 1; returns the code that the connection is closed with.
fn closed_for(bytes: &[u8]) -> u16 {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.bytes(bytes);
        let code = client.expect("connection.close").await.close().0;
        client.send(0, &connection::CloseOk {});
        assert!(client.session.is_over());
        code
    })
}

const PUBLISH: &[u8] = b"\x01\0\x01\0\0\0\x0a\0\x3c\0\x28\0\0\0\x01q\0\xce";

#[test]
fn mistakes_in_frames_close_the_connection_with_their_code() {
    for (bytes, code) in [
        (&b"\x08\0\0\0\0\0\0\0"[..], 501),
        (b"\x07\0\0\0\0\0\0\xce", 501),
        (b"\x01\0\x01\xff\xff\xff\xff", 501),
        (b"\x08\0\x01\0\0\0\0\xce", 505),
        (b"\x08\0\0\0\0\0\x01a\xce", 501),
        // Headers and bodies that no method announced, a method that does not exist, half a method.
        (
            b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\x01\0\0\xce",
            505,
        ),
        (b"\x03\0\x01\0\0\0\x01a\xce", 505),
        (b"\x01\0\x01\0\0\0\x04\0\x3c\0\xf0\xce", 540),
        (b"\x01\0\x01\0\0\0\x05\0\x3c\0\x28\0\xce", 501),
        // basic.ack on channel 0 and on one that is not open, connection.open on a channel.
        (
            b"\x01\0\0\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\0\x01\0\xce",
            504,
        ),
        (
            b"\x01\0\x07\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\0\x01\0\xce",
            504,
        ),
        (b"\x01\0\x01\0\0\0\x07\0\x0a\0\x28\x01/\0\xce", 501),
        (b"\x01\0\x01\0\0\0\x08\0\x0a\0\x28\x01/\0\0\xce", 503),
        (b"\x01\0\x01\0\0\0\x05\0\x14\0\x0a\0\xce", 504),
    ] {
        assert_eq!(closed_for(bytes), code, "{}", bytes.escape_ascii());
    }
    for (after, code) in [
        (PUBLISH, 505),
        (
            &b"\x02\0\x01\0\0\0\x0e\0\x32\0\0\0\0\0\0\0\0\0\x01\0\0\xce"[..],
            505,
        ),
        // A property is announced and missing; a body is longer than announced.
        (
            b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\0\x80\0\xce",
            502,
        ),
        (
            b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\x01\0\0\xce\x03\0\x01\0\0\0\x02ab\xce",
            501,
        ),
    ] {
        assert_eq!(
            closed_for(&[PUBLISH, after].concat()),
            code,
            "{}",
            after.escape_ascii()
        );
    }
}

#[test]
fn a_message_that_is_too_large_closes_the_channel_before_its_body_comes() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.bytes(PUBLISH);
        client.bytes(b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\x01\0\0\x01\0\0\xce");
        let (code, text) = client.expect("channel.close").await.close();
        assert_eq!(
            (code, &*text),
            (406, "PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216")
        );
        client.send(1, &channel::CloseOk {});
        client.channel(1).await;
    });
}

/// A generator of its own, so that a seed means the same for ever (Steele, Lea, Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Frames that make sense.
fn conversation() -> Vec<u8> {
    let mut conversation = BytesMut::new();
    let put = |out: &mut BytesMut, method: Method<'_>| {
        amqp_wire::encode_method(out, 1, &method).unwrap();
    };
    for method in [
        Method::from(amqp_wire::confirm::Select::default()),
        amqp_wire::queue::Declare {
            queue: short("q"),
            ..Default::default()
        }
        .into(),
        basic::Qos {
            prefetch_size: 0,
            prefetch_count: 3,
            global: true,
        }
        .into(),
        basic::Consume {
            queue: short("q"),
            ..Default::default()
        }
        .into(),
        basic::Publish {
            routing_key: short("q"),
            ..Default::default()
        }
        .into(),
    ] {
        put(&mut conversation, method);
    }
    let properties = amqp_wire::RawProperties::EMPTY;
    amqp_wire::encode_content_header(&mut conversation, 1, 3, properties).unwrap();
    amqp_wire::encode_body(&mut conversation, 1, b"abc", FRAME_MAX);
    for method in [
        Method::from(basic::Ack {
            delivery_tag: 1,
            multiple: true,
        }),
        basic::Get {
            queue: short("q"),
            ..Default::default()
        }
        .into(),
        basic::Recover { requeue: true }.into(),
        amqp_wire::queue::Delete {
            queue: short("q"),
            ..Default::default()
        }
        .into(),
    ] {
        put(&mut conversation, method);
    }
    conversation.to_vec()
}

#[test]
fn nothing_panics_on_damaged_conversations() {
    let world = World::new();
    let conversation = conversation();
    for seed in 0..400 {
        let mut random = Random(seed);
        let mut damaged = conversation.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(damaged.len());
            match random.below(3) {
                0 => damaged[at] ^= 1 << random.below(8),
                1 => damaged.truncate(at.max(1)),
                _ => {
                    let piece = damaged[at..].to_vec();
                    let to = random.below(damaged.len());
                    damaged.splice(to..to, piece);
                }
            }
        }
        world.run(async {
            let mut client = Rabbit::open(&world).await;
            let mut rest = &damaged[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.below(rest.len()));
                client.bytes(piece);
                client.pass(Duration::from_millis(5)).await;
                rest = after;
            }
            client.break_off().await;
        });
    }
}

#[test]
fn what_hosts_have_not_answered_is_bounded() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.poll().await;
        client.held = Some(Vec::new());
        let body = vec![7; 100_000];
        for _ in 0..200 {
            client.publish_with(1, "", "q", &Properties::default(), &body);
            client.poll().await;
        }
        assert!(!client.session.wants_input());
        let held = client.held.take().expect("set above");
        let bytes: usize = held
            .iter()
            .map(|(_, request)| match request {
                Request::Publish { run, .. } => run.batch().len(),
                other => panic!("{other:?}"),
            })
            .sum();
        assert!(bytes < UNANSWERED_BYTES_MAX + 2 * body.len(), "{bytes}");
        for (_, request) in held {
            if let Request::Publish { ticket, .. } = request {
                client.tell(Input::Notice(Notice::Published {
                    ticket,
                    rejected: Vec::new(),
                }));
            }
        }
        assert!(client.session.wants_input());
    });
}

#[test]
fn a_silent_client_is_closed_and_a_quiet_one_gets_heartbeats() {
    let world = World::new();
    world.run(async {
        let client = Rabbit::open(&world).await;
        assert_eq!(client.session.deadline(), None, "it wants none");
        let mut client = Rabbit::raw(&world);
        client.handshake_with_heartbeat(b"\0guest\0guest", 2).await;
        for _ in 0..4 {
            assert!(!client.session.is_over());
            client.pass(Duration::from_secs(1)).await;
        }
        assert!(client.heartbeats >= 2, "{}", client.heartbeats);
        for _ in 0..2 {
            client.pass(Duration::from_secs(1)).await;
        }
        assert!(client.session.is_over());
    });
}

#[test]
fn a_client_that_takes_nothing_of_what_it_is_sent_is_closed() {
    let world = World::new();
    world.run(async {
        for takes in [true, false] {
            let mut client = Rabbit::raw(&world);
            client.handshake_with_heartbeat(b"\0guest\0guest", 2).await;
            client.channel(1).await;
            // Returns fill the output, which nobody takes; more is not read then.
            let publish = basic::Publish {
                routing_key: short("nowhere"),
                mandatory: true,
                ..basic::Publish::default()
            };
            let body = vec![7; OUTPUT_BYTES_MAX];
            for _ in 0..2 {
                client.content(1, &publish, &Properties::default(), &body);
            }
            assert!(!client.session.wants_input());
            for _ in 0..6 {
                if takes {
                    client.session.wrote();
                }
                let later = client.session.deadline().expect("it has a heart");
                world.clock.sleep_until(later).await;
                client.tell(Input::Tick);
            }
            assert_eq!(client.session.is_over(), !takes);
        }
    });
}

#[test]
fn a_handshake_has_its_time_and_its_passwords() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::raw(&world);
        client.pass(Duration::from_secs(11)).await;
        assert!(client.session.is_over());
        let mut client = Rabbit::raw(&world);
        let refused = client.log_in(b"\0guest\0wrong").await;
        assert_eq!(
            refused.close(),
            (403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.".to_owned())
        );
        let mut client = Rabbit::raw(&world);
        assert_eq!(client.log_in(b"\0nobody\0").await.close().0, 403);
        let mut client = Rabbit::remote(&world);
        assert_eq!(client.log_in(b"\0guest\0guest").await.close().0, 403);
    });
}

#[test]
fn a_transaction_is_seen_when_it_is_committed_and_not_when_it_is_rolled_back() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let mut other = Rabbit::open(&world).await;
        client.declare("q", &[]).await;
        client.declare("in", &[]).await;
        other.publish("", "in", "work");
        other.until_quiet(1, "in").await;
        client.ask(1, &tx::Select {}, "tx.select-ok").await;
        let tag = client.get("in").await.expect("there").delivery().0;
        client.ack(tag, false);
        client.publish("", "q", "result");
        assert!(other.get("q").await.is_none());
        client.ask(1, &tx::Rollback {}, "tx.rollback-ok").await;
        assert!(other.get("q").await.is_none());
        // The acknowledgement was taken back with it.
        client.ack(tag, false);
        client.publish("", "q", "result");
        client.ask(1, &tx::Commit {}, "tx.commit-ok").await;
        assert_eq!(
            other.get("q").await.expect("committed").delivery().2,
            "result"
        );
        client.break_off().await;
        assert!(other.get("in").await.is_none(), "it was settled");
    });
}

#[test]
fn direct_replies_reach_whoever_asked() {
    let world = World::new();
    world.run(async {
        let mut asking = Rabbit::open(&world).await;
        let mut serving = Rabbit::open(&world).await;
        asking.declare("work", &[]).await;
        let consume = basic::Consume {
            queue: short("amq.rabbitmq.reply-to"),
            no_ack: true,
            ..basic::Consume::default()
        };
        asking.ask(1, &consume, "basic.consume-ok").await;
        let request = Properties {
            reply_to: amqp_wire::ShortBytes::new(b"amq.rabbitmq.reply-to").ok(),
            ..Properties::default()
        };
        asking.publish_with(1, "", "work", &request, b"2 + 2");
        asking.until_quiet(1, "work").await;
        let got = serving.get("work").await.expect("there");
        let reply_to = got.properties().reply_to.expect("it was set").to_string();
        assert!(reply_to.starts_with("amq.rabbitmq.reply-to."), "{reply_to}");
        serving.publish("", &reply_to, "4");
        serving.poll().await;
        assert_eq!(asking.delivery().await, (1, false, "4".to_owned()));
        // A name that nobody has is routed nowhere.
        let publish = basic::Publish {
            routing_key: short("amq.rabbitmq.reply-to.00000000000000000000000000000000"),
            mandatory: true,
            ..basic::Publish::default()
        };
        serving.content(1, &publish, &Properties::default(), b"5");
        serving.expect("basic.return").await;
    });
}

#[test]
fn consumers_hear_of_it_when_their_queue_goes() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        let mut other = Rabbit::open(&world).await;
        client
            .declare("q", &[("x-queue-type", text("quorum"))])
            .await;
        client.consume(1, "q", "mine").await;
        let delete = amqp_wire::queue::Delete {
            queue: short("q"),
            ..Default::default()
        };
        other.ask(1, &delete, "queue.delete-ok").await;
        let cancel = client.expect("basic.cancel").await;
        assert!(
            matches!(cancel.method(), Method::BasicCancel(cancel) if cancel.consumer_tag == "mine")
        );
        // The tag is free again.
        client
            .declare("q", &[("x-max-length", Value::I32(3))])
            .await;
        client.consume(1, "q", "mine").await;
    });
}

#[test]
fn a_node_that_stops_answers_what_is_under_way_and_says_so() {
    let world = World::new();
    world.run(async {
        let mut client = Rabbit::open(&world).await;
        client.confirm().await;
        client.declare("q", &[]).await;
        client.publish("", "q", "m");
        client.tell(Input::Drain);
        client.expect("basic.ack").await;
        let (code, text) = client.expect("connection.close").await.close();
        assert_eq!(code, 320);
        assert_eq!(
            text,
            "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
        );
        client.send(0, &connection::CloseOk {});
        assert!(client.session.is_over());
    });
}
