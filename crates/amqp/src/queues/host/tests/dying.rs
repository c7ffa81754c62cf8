//! Expiry, limits, rejections and where dead letters go.

use super::world::{Letter, World, dead_letters_to, text};
use crate::mail::{Answer, Notice, Outcome, QueueId, Request};
use crate::queues::io::HostMail;
use crate::queues::settings::{Declared, Overflow, Settings};
use amqp_wire::{RawProperties, RawValue, Table, Value};
use base::ShardId;

fn headers(world: &mut World, queue: QueueId) -> Table {
    let (delivery, _) = world.get(9, queue, true).expect("there is one");
    let parts = delivery.message.parts().unwrap();
    let properties = RawProperties::new(&parts.properties).decode().unwrap();
    assert_eq!(properties.expiration, None);
    Table::decode(properties.headers.unwrap()).unwrap()
}

/// Queue, reason and count of each death, the newest first.
fn deaths(headers: &Table) -> Vec<String> {
    let Some(Value::Array(deaths)) = headers.get("x-death") else {
        return Vec::new();
    };
    let text = |death: &Table, name: &str| match death.get(name) {
        Some(Value::LongStr(text)) => String::from_utf8(text.to_vec()).unwrap(),
        Some(Value::I64(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let shown = deaths.iter().map(|death| match death {
        Value::Table(death) => format!(
            "{} {} {}",
            text(death, "queue"),
            text(death, "reason"),
            text(death, "count")
        ),
        other => format!("{other:?}"),
    });
    shown.collect()
}

fn with_ttl(body: &str, ttl: u64) -> Letter {
    Letter {
        ttl: Some(ttl),
        ..text(body)
    }
}

#[test]
fn messages_expire_at_the_head_by_the_smaller_time_to_live() {
    let mut world = World::new();
    let settings = Settings {
        message_ttl_ms: Some(1000),
        ..Settings::default()
    };
    let queue = world.declare(1, "q", settings);
    world.publish(queue, &[text("a"), with_ttl("b", 100), with_ttl("c", 5000)]);
    world.pass(200);
    assert_eq!(world.counts(queue).0, 3, "one behind the head waits for it");
    world.pass(799);
    assert_eq!(world.counts(queue).0, 3);
    world.pass(1);
    assert_eq!(world.counts(queue).0, 0);
    world.pass(100);
    assert_eq!(world.unsettled(queue), [] as [i64; 0]);
}

#[test]
fn a_time_to_live_of_nothing_means_now_or_never() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish(queue, &[with_ttl("a", 0)]);
    world.pass(2);
    assert_eq!(world.counts(queue).0, 0);
    world.consume(2, queue, 1, 0).expect("it may");
    world.publish(queue, &[with_ttl("b", 0)]);
    assert_eq!(world.bodies(2), ["b"]);
    world.pass(10);
    world.settle(2, queue, &[1], Outcome::Requeued);
    assert_eq!(
        world.bodies(2),
        [] as [&str; 0],
        "requeueing does not begin the time anew"
    );
}

#[test]
fn expired_messages_are_dead_lettered_with_their_history() {
    let mut world = World::new();
    let queue = world.declare(1, "q", dead_letters_to("dead"));
    let dead = world.declare(2, "dead", Settings::default());
    world.publish(queue, &[with_ttl("a", 100)]);
    world.pass(100);
    assert_eq!((world.counts(queue).0, world.counts(dead).0), (0, 1));
    let headers = headers(&mut world, dead);
    assert_eq!(deaths(&headers), ["q expired 1"]);
    let Some(Value::Array(deaths)) = headers.get("x-death") else {
        panic!("{headers:?}");
    };
    let Value::Table(death) = &deaths[0] else {
        panic!("{deaths:?}");
    };
    let expected = Value::LongStr(bytes::Bytes::from_static(b"100"));
    assert_eq!(death.get("original-expiration"), Some(&expected));
    let keys = Value::Array(vec![Value::LongStr(bytes::Bytes::from_static(b"key"))]);
    assert_eq!(death.get("routing-keys"), Some(&keys));
    for name in ["x-first-death-reason", "x-last-death-reason"] {
        let encoded = headers.to_bytes().unwrap();
        let value = amqp_wire::RawTable::new(&encoded).get(name).unwrap();
        assert_eq!(value.and_then(RawValue::as_str), Some("expired"), "{name}");
    }
}

#[test]
fn a_dead_letter_moves_in_one_commit() {
    let mut world = World::new();
    let queue = world.declare(1, "q", dead_letters_to("dead"));
    let dead = world.declare(2, "dead", Settings::default());
    world.publish_texts(queue, &["a"]);
    world.get(2, queue, false).expect("there is one");
    world.settle(2, queue, &[0], Outcome::Rejected);
    assert_eq!(world.counts(dead).0, 0, "not before it is durable");
    let mut lost = World::new();
    std::mem::swap(&mut lost, &mut world);
    lost.restart();
    assert_eq!(
        (lost.empty(queue), lost.empty(dead)),
        (vec!["a!".to_owned()], vec![])
    );

    let mut world = World::new();
    let queue = world.declare(1, "q", dead_letters_to("dead"));
    let dead = world.declare(2, "dead", Settings::default());
    world.publish_texts(queue, &["a"]);
    world.get(2, queue, false).expect("there is one");
    world.settle(2, queue, &[0], Outcome::Rejected);
    assert!(world.land_one());
    world.restart();
    assert_eq!(
        (world.empty(queue), world.empty(dead)),
        (vec![], vec!["a!".to_owned()])
    );
}

#[test]
fn a_rejection_is_answered_when_its_message_has_moved_even_to_a_queue_that_was_not_open() {
    let mut world = World::new();
    let source = world.declare(1, "source", dead_letters_to("target"));
    world.publish_texts(source, &["a"]);
    let (delivery, _) = world.get(2, source, false).expect("there is one");
    let target = world.declare(2, "target", Settings::default());
    let ticket = world.ticket();
    world.send(
        2,
        Request::Settle {
            queue: source,
            positions: vec![delivery.position],
            outcome: Outcome::Rejected,
            ticket: Some(ticket),
        },
    );
    assert!(
        world.notices.is_empty(),
        "{:?} before it is durable",
        world.notices
    );
    world.settle_down();
    assert_eq!(world.answer(ticket), Ok(Answer::Settled));
    assert_eq!(world.counts(target).0, 1);
}

#[test]
fn a_deletion_that_the_catalog_never_heard_of_loses_nothing() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c"]);
    world.get(2, queue, false).expect("there is one");
    let ticket = world.ticket();
    let (if_unused, if_empty) = (false, false);
    world.send(
        2,
        Request::Delete {
            ticket,
            queue,
            if_unused,
            if_empty,
        },
    );
    while world.land_one() {}
    world.restart();
    assert_eq!(world.empty(queue), ["a!", "b!", "c!"]);
}

#[test]
fn a_message_that_goes_round_without_a_rejection_is_dropped() {
    let mut world = World::new();
    let settings = Settings {
        message_ttl_ms: Some(100),
        ..dead_letters_to("b")
    };
    let first = world.declare(1, "a", settings.clone());
    let back = Settings {
        message_ttl_ms: Some(100),
        ..dead_letters_to("a")
    };
    let second = world.declare(2, "b", back);
    world.publish_texts(first, &["x"]);
    world.pass(150);
    assert_eq!((world.counts(first).0, world.counts(second).0), (0, 1));
    world.pass(1000);
    assert_eq!((world.counts(first).0, world.counts(second).0), (0, 0));
    world.publish_texts(first, &["y"]);
    world.pass(150);
    let (delivery, _) = world.get(2, second, false).expect("it died once");
    world.settle(2, second, &[delivery.position.offset], Outcome::Rejected);
    world.settle_down();
    let headers = headers(&mut world, first);
    assert_eq!(deaths(&headers), ["b rejected 1", "a expired 1"]);
}

#[test]
fn deaths_of_one_kind_are_counted() {
    let mut world = World::new();
    let queue = world.declare(1, "q", dead_letters_to("q"));
    world.publish_texts(queue, &["x"]);
    for _ in 0..3 {
        let (delivery, _) = world.get(2, queue, false).expect("it came back");
        world.settle(2, queue, &[delivery.position.offset], Outcome::Rejected);
        world.settle_down();
    }
    assert_eq!(deaths(&headers(&mut world, queue)), ["q rejected 3"]);
}

#[test]
fn a_full_queue_drops_its_head_or_refuses() {
    for (overflow, kept, refused, dead) in [
        (Overflow::DropHead, ["c", "d"], vec![], vec!["a", "b"]),
        (Overflow::RejectPublish, ["a", "b"], vec![2, 3], vec![]),
        (
            Overflow::RejectPublishDeadLetter,
            ["a", "b"],
            vec![2, 3],
            vec!["c", "d"],
        ),
    ] {
        let limits = [
            Settings {
                max_length: Some(2),
                ..dead_letters_to("dead")
            },
            Settings {
                max_length_bytes: Some(2),
                ..dead_letters_to("dead")
            },
        ];
        for limit in limits {
            let mut world = World::new();
            let queue = world.declare(1, "q", Settings { overflow, ..limit });
            let dead_queue = world.declare(2, "dead", Settings::default());
            let letters = ["a", "b", "c", "d"].map(text);
            assert_eq!(world.publish(queue, &letters), refused, "{overflow:?}");
            assert_eq!(world.empty(queue), kept, "{overflow:?}");
            assert_eq!(world.empty(dead_queue), dead, "{overflow:?}");
        }
    }
}

#[test]
fn messages_that_come_back_too_often_are_poison() {
    let settings = |to: Option<&str>| Settings {
        delivery_limit: Some(2),
        counts_deliveries: true,
        ..to.map(dead_letters_to).unwrap_or_default()
    };
    for to in [None, Some("dead")] {
        let mut world = World::new();
        let queue = world.declare(1, "q", settings(to));
        let dead = world.declare(2, "dead", Settings::default());
        world.publish_texts(queue, &["x"]);
        for round in 0..3 {
            let (delivery, _) = world.get(2, queue, false).expect("it came back");
            let count = match delivery.extra {
                crate::mail::Extra::DeliveryCount(count) => count,
                _ => 0,
            };
            assert_eq!(count, round);
            world.send(2, Request::Leave);
            world.pass(50);
            world.restart();
        }
        assert_eq!(world.counts(queue), (0, 0, 0));
        if to.is_some() {
            world.pass(50);
            assert_eq!(world.counts(dead).0, 1);
            assert_eq!(deaths(&headers(&mut world, dead)), ["q delivery_limit 1"]);
        }
    }
}

#[test]
fn priorities_go_first_and_order_is_kept_within_them() {
    let mut world = World::new();
    let settings = Settings {
        levels: 6,
        ..Settings::default()
    };
    let queue = world.declare(1, "q", settings);
    let plain = world.declare(50, "plain", Settings::default());
    let letter = |body: &str, priority| Letter {
        priority,
        ..text(body)
    };
    let letters = [
        letter("a", None),
        letter("b", Some(5)),
        letter("c", Some(9)),
        letter("d", Some(1)),
        letter("e", None),
    ];
    let ticket = world.ticket();
    let run = super::world::run(&letters, world.wall());
    let targets = vec![queue, plain];
    world.send(
        1,
        Request::Publish {
            ticket,
            targets,
            run,
        },
    );
    world.settle_down();
    assert_eq!(world.empty(plain), ["a", "b", "c", "d", "e"]);
    world.restart();
    assert_eq!(world.empty(queue), ["b!", "c!", "d!", "a!", "e!"]);
}

#[test]
fn letters_between_shards_arrive_once() {
    let mut here = World::new();
    let queue = here.declare(1, "q", dead_letters_to("dead"));
    let mut there = World::of_shard(ShardId(1), here.directory.clone());
    let dead = there.directory.declare(Declared {
        shard: ShardId(1),
        ..super::world::stored(8, "dead", Settings::default())
    });
    here.publish_texts(queue, &["a", "b"]);
    for _ in 0..2 {
        here.get(2, queue, false).expect("there is one");
    }
    here.settle(2, queue, &[0, 1], Outcome::Rejected);
    assert!(here.sent.is_empty(), "not before it is in the outbox");
    assert!(here.land_one());
    let (to, letter) = here.sent.pop_front().expect("it is durable");
    assert_eq!(to, ShardId(1));
    here.restart();
    assert_eq!(here.empty(queue), [] as [&str; 0]);
    let again = here.sent.pop_front().expect("the outbox is sent again").1;
    there.mail(letter);
    there.settle_down();
    assert_eq!(there.counts(dead).0, 2);
    there.restart();
    there.mail(again);
    there.settle_down();
    let (to, answer) = there.sent.pop_front().expect("it is answered");
    assert_eq!(to, ShardId(0));
    assert!(matches!(answer, HostMail::Taken { by: ShardId(1), .. }));
    assert_eq!(
        there.empty(dead),
        ["a!", "b!"],
        "the same letter is taken once"
    );
    here.mail(answer);
    here.settle_down();
    here.restart();
    assert!(here.sent.is_empty(), "the outbox is empty");
}

#[test]
fn a_letter_that_was_damaged_stops_no_other() {
    let mut here = World::new();
    let queue = here.declare(1, "q", dead_letters_to("dead"));
    let mut there = World::of_shard(ShardId(1), here.directory.clone());
    let dead = there.directory.declare(Declared {
        shard: ShardId(1),
        ..super::world::stored(8, "dead", Settings::default())
    });
    here.publish_texts(queue, &["a", "b", "c"]);
    for offset in 0..3 {
        here.get(2, queue, false).expect("there is one");
        here.settle(2, queue, &[offset], Outcome::Rejected);
        here.settle_down();
    }
    // Letters come first among the cells. The second one is lost, and so is what the receiver knows.
    let second = here.cells.keys().nth(1).expect("three letters").clone();
    here.cells.remove(&second);
    here.restart();
    for lost in [false, true] {
        if lost {
            there.cells.clear();
            there.restart();
            here.restart();
        }
        // Twice as much as it takes.
        for _ in 0..8 {
            let letters: Vec<_> = here.sent.drain(..).collect();
            letters
                .into_iter()
                .for_each(|(_, letter)| there.mail(letter));
            if !lost {
                // The answers are lost with the first process.
                there.settle_down();
                there.sent.clear();
                continue;
            }
            there.settle_down();
            let answers: Vec<_> = there.sent.drain(..).collect();
            answers
                .into_iter()
                .for_each(|(_, answer)| here.mail(answer));
            here.settle_down();
        }
        assert_eq!(there.empty(dead), ["a", "c"], "{lost}");
        there.pass(50);
    }
    here.restart();
    assert!(here.sent.is_empty() && there.sent.is_empty());
}

#[test]
fn purging_and_deleting_remove_what_is_ready() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c"]);
    world.get(2, queue, false).expect("there is one");
    let ticket = world.ticket();
    world.send(1, Request::Purge { ticket, queue });
    world.settle_down();
    assert_eq!(world.answer(ticket), Ok(crate::mail::Answer::Purged(2)));
    assert_eq!(world.counts(queue), (0, 1, 0));
    world.restart();
    assert_eq!(world.empty(queue), ["a!"]);

    world.publish_texts(queue, &["d"]);
    world.consume(2, queue, 1, 1).expect("it may");
    let refusals = [
        (true, false, Err(crate::mail::Refusal::InUse)),
        (false, true, Ok(crate::mail::Answer::Deleted(0))),
    ];
    for (if_unused, if_empty, expected) in refusals {
        let ticket = world.ticket();
        world.send(
            1,
            Request::Delete {
                ticket,
                queue,
                if_unused,
                if_empty,
            },
        );
        world.settle_down();
        assert_eq!(world.answer(ticket), expected);
    }
    assert!(
        world
            .notices
            .iter()
            .any(|(_, notice)| matches!(notice, Notice::Cancelled { .. }))
    );
    assert!(world.report(queue).is_none());
    world.publish_texts(queue, &["published to nobody"]);
}

#[test]
fn queues_go_when_they_are_not_used() {
    let mut world = World::new();
    let auto_delete = Declared {
        auto_delete: true,
        stored: false,
        ..super::world::stored(1, "auto", Settings::default())
    };
    let queue = world.directory.declare(auto_delete);
    world.publish_texts(queue, &["a"]);
    world.pass(1000);
    assert_eq!(world.counts(queue).0, 1, "it had no consumer");
    world.consume(2, queue, 1, 1).expect("it may");
    world.send(2, Request::Leave);
    world.settle_down();
    assert!(world.report(queue).is_none());

    let expires = Settings {
        expires_ms: Some(500),
        ..Settings::default()
    };
    let queue = world.declare(4, "expires", expires);
    world.publish_texts(queue, &["a"]);
    world.pass(400);
    world.get(2, queue, true).expect("there is one");
    world.pass(400);
    assert_eq!(world.counts(queue).0, 0);
    world.consume(2, queue, 1, 1).expect("it may");
    world.pass(5000);
    world.send(2, Request::Leave);
    world.pass(499);
    assert!(world.report(queue).is_some());
    world.pass(1);
    assert!(world.report(queue).is_none());
}

#[test]
fn what_was_within_a_limit_of_bytes_still_is_after_a_restart() {
    for overflow in [Overflow::DropHead, Overflow::RejectPublish] {
        let mut world = World::new();
        let settings = Settings {
            max_length_bytes: Some(4),
            overflow,
            ..Settings::default()
        };
        let queue = world.declare(1, "q", settings);
        world.publish_texts(queue, &["a", "b", "c"]);
        world.restart();
        world.settle_down();
        // In the log a message takes far more than its body does.
        assert_eq!(world.counts(queue).0, 3, "{overflow:?}");
        world.publish_texts(queue, &["d"]);
        let refused = world.publish(queue, &[text("e")]);
        let (left, rejected) = match overflow {
            Overflow::DropHead => (["b!", "c!", "d", "e"].as_slice(), vec![]),
            _ => (["a!", "b!", "c!", "d"].as_slice(), vec![0]),
        };
        assert_eq!(
            (refused, world.empty(queue)),
            (rejected, left.iter().map(|s| (*s).to_owned()).collect())
        );
    }
}
