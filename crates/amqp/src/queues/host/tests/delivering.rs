//! Deliveries, acknowledgements, requeues, and who gets what.

use super::world::{World, consumer_of, text};
use crate::mail::{
    Answer, Consume, Notice, Outcome, Refusal, Request, SESSION_WINDOW_BYTES, SessionId,
};
use crate::queues::settings::{Declared, Settings};

#[test]
fn nothing_is_shown_or_confirmed_before_it_is_durable() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    assert_eq!(world.consume(2, queue, 1, 0), Ok(Answer::Consuming));
    let ticket = world.ticket();
    let run = super::world::run(&[text("a")], world.wall());
    let targets = vec![queue];
    world.send(
        1,
        Request::Publish {
            ticket,
            targets,
            run,
        },
    );
    assert!(world.notices.is_empty());
    assert!(world.land_one());
    assert!(matches!(
        world.notices[0],
        (SessionId(1), Notice::Published { .. })
    ));
    assert_eq!(world.bodies(2), ["a"]);
}

#[test]
fn a_drain_of_the_mailbox_is_one_commit() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    let mut requests = Vec::new();
    for body in ["a", "b", "c"] {
        let ticket = world.ticket();
        let run = super::world::run(&[text(body)], world.wall());
        let targets = vec![queue];
        requests.push((
            SessionId(1),
            Request::Publish {
                ticket,
                targets,
                run,
            },
        ));
    }
    world.drain(requests);
    assert!(world.land_one() && !world.land_one());
    assert_eq!(world.empty(queue), ["a", "b", "c"]);
}

#[test]
fn prefetch_holds_deliveries_back_until_something_is_settled() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c", "d"]);
    world.consume(2, queue, 1, 2).expect("it may");
    assert_eq!(world.bodies(2), ["a", "b"]);
    world.settle(2, queue, &[0], Outcome::Acknowledged);
    assert_eq!(world.bodies(2), ["c"]);
    world.settle(2, queue, &[0, 7, 1], Outcome::Acknowledged);
    assert_eq!(world.bodies(2), ["d"], "what is not held is passed over");
    assert_eq!(world.counts(queue), (0, 2, 1));
    world.pass(100);
    assert_eq!(world.unsettled(queue), [2, 3]);
}

#[test]
fn requeued_messages_go_to_their_old_place() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c", "d"]);
    for _ in 0..3 {
        world.get(2, queue, false).expect("there is one");
    }
    world.settle(2, queue, &[2, 0], Outcome::Requeued);
    world.settle(2, queue, &[1], Outcome::Requeued);
    assert_eq!(world.empty(queue), ["a!", "b!", "c!", "d"]);
}

#[test]
fn what_a_lost_session_held_is_ready_again() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c"]);
    world.consume(2, queue, 1, 2).expect("it may");
    world.consume(3, queue, 1, 1).expect("it may");
    world.settle(2, queue, &[0], Outcome::Acknowledged);
    world.send(2, Request::Leave);
    assert_eq!(world.counts(queue), (1, 1, 1));
    world.send(3, Request::Leave);
    assert_eq!(world.empty(queue), ["b!", "c!"]);
}

#[test]
fn everything_that_is_recovered_is_redelivered() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a", "b", "c"]);
    world.get(2, queue, true).expect("there is one");
    world.get(2, queue, false).expect("there is one");
    world.pass(100);
    world.restart();
    assert_eq!(world.counts(queue), (2, 0, 0));
    world.publish_texts(queue, &["d"]);
    assert_eq!(world.empty(queue), ["b!", "c!", "d"]);
}

#[test]
fn an_acknowledgement_that_was_not_durable_is_forgotten_by_a_restart() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a"]);
    world.get(2, queue, true).expect("there is one");
    world.restart();
    assert_eq!(world.empty(queue), ["a!"]);
}

#[test]
fn a_settlement_with_a_ticket_is_answered_when_it_is_durable() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.publish_texts(queue, &["a"]);
    let (delivery, left) = world.get(2, queue, false).expect("there is one");
    assert_eq!(left, 0);
    let ticket = world.ticket();
    let request = Request::Settle {
        queue,
        positions: vec![delivery.position],
        outcome: Outcome::Acknowledged,
        ticket: Some(ticket),
    };
    world.send(2, request.clone());
    assert!(world.notices.is_empty());
    assert!(world.land_one());
    assert_eq!(world.answer(ticket), Ok(Answer::Settled));
    assert_eq!(world.unsettled(queue), [] as [i64; 0]);
    world.send(2, request);
    assert_eq!(
        world.answer(ticket),
        Ok(Answer::Settled),
        "nothing has to be written"
    );
}

#[test]
fn consumers_take_turns_and_higher_priorities_go_first() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    let with_priority = |consumer, priority| Consume {
        priority,
        ..consumer_of(queue, consumer, 2)
    };
    for (consumer, priority) in [(1, 0), (2, 5), (3, 5)] {
        world
            .consume_as(2, with_priority(consumer, priority))
            .expect("it may");
    }
    world.publish_texts(queue, &["a", "b", "c", "d", "e", "f", "g"]);
    let got = world.deliveries(2);
    let mut got: Vec<_> = got
        .iter()
        .map(|(id, delivery)| (delivery.position.offset, id.0))
        .collect();
    got.sort_unstable();
    assert_eq!(got, [(0, 2), (1, 3), (2, 2), (3, 3), (4, 1), (5, 1)]);
}

#[test]
fn exclusive_consumers_are_alone() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    let exclusive = |consumer| Consume {
        exclusive: true,
        ..consumer_of(queue, consumer, 1)
    };
    assert_eq!(world.consume(2, queue, 1, 0), Ok(Answer::Consuming));
    assert_eq!(
        world.consume_as(3, exclusive(1)),
        Err(Refusal::ExclusiveUse)
    );
    world.send(2, Request::Leave);
    assert_eq!(world.consume_as(3, exclusive(1)), Ok(Answer::Consuming));
    assert_eq!(world.consume(2, queue, 1, 0), Err(Refusal::ExclusiveUse));
}

#[test]
fn a_single_active_consumer_is_followed_by_the_next() {
    let mut world = World::new();
    let settings = Settings {
        single_active: true,
        ..Settings::default()
    };
    let queue = world.declare(1, "q", settings);
    world.consume(2, queue, 1, 1).expect("it may");
    world.consume(3, queue, 1, 1).expect("it may");
    world.publish_texts(queue, &["a", "b"]);
    assert_eq!(
        (world.bodies(2), world.bodies(3)),
        (vec!["a".to_owned()], vec![])
    );
    world.send(2, Request::Leave);
    assert_eq!(world.bodies(3), ["a!"]);
}

#[test]
fn a_session_that_does_not_write_stops_nobody_else() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    world.consume(2, queue, 1, 0).expect("it may");
    world.consume(3, queue, 1, 0).expect("it may");
    let large = text(&"x".repeat(SESSION_WINDOW_BYTES / 4));
    let mut bytes = 0;
    for _ in 0..16 {
        world.publish(queue, std::slice::from_ref(&large));
        for (_, delivery) in world.deliveries(3) {
            let written = delivery.message.record().len();
            bytes += written;
            world.send(3, Request::Written { bytes: written });
        }
    }
    assert_eq!(world.deliveries(2).len(), 4, "its window is full");
    assert_eq!(world.deliveries(3).len() + bytes / large.body.len(), 12);
    world.publish(queue, std::slice::from_ref(&large));
    world.send(3, Request::Leave);
    world.send(
        2,
        Request::Written {
            bytes: SESSION_WINDOW_BYTES,
        },
    );
    assert!(!world.deliveries(2).is_empty());
}

#[test]
fn shared_credit_is_offered_granted_and_given_back() {
    let mut world = World::new();
    let queue = world.declare(1, "q", Settings::default());
    let shared = Consume {
        shared: true,
        ..consumer_of(queue, 1, 0)
    };
    let consumer = shared.consumer;
    world.consume_as(2, shared).expect("it may");
    world.publish_texts(queue, &["a", "b", "c"]);
    assert!(matches!(
        world.notices.pop_front(),
        Some((_, Notice::Offer { count: 3, .. }))
    ));
    world.send(
        2,
        Request::Grant {
            queue,
            consumer,
            count: 2,
        },
    );
    assert_eq!(world.bodies(2), ["a", "b"]);
    assert!(matches!(
        world.notices.pop_front(),
        Some((_, Notice::Offer { count: 1, .. }))
    ));
    world.send(
        2,
        Request::Grant {
            queue,
            consumer,
            count: 5,
        },
    );
    assert_eq!(world.bodies(2), ["c"]);
    assert!(matches!(
        world.notices.pop_front(),
        Some((_, Notice::Unused { count: 4, .. }))
    ));
    assert!(world.notices.is_empty());
    world.publish_texts(queue, &["d"]);
    assert!(matches!(
        world.notices.pop_front(),
        Some((_, Notice::Offer { count: 1, .. }))
    ));
    world.send(
        2,
        Request::Share {
            queue,
            consumer,
            shared: false,
        },
    );
    assert_eq!(world.bodies(2), ["d"]);
}

#[test]
fn a_message_in_several_queues_is_one_deposit_and_settled_in_each() {
    let mut world = World::new();
    let queues = [
        world.declare(1, "q", Settings::default()),
        world.declare(5, "r", Settings::default()),
    ];
    let ticket = world.ticket();
    let run = super::world::run(&[text("a"), text("b")], world.wall());
    let targets = [&queues[..], &[base::StreamId(77)]].concat();
    world.send(
        1,
        Request::Publish {
            ticket,
            targets,
            run,
        },
    );
    world.settle_down();
    assert_eq!(world.empty(queues[0]), ["a", "b"]);
    world.pass(100);
    world.restart();
    assert_eq!(world.empty(queues[0]), [] as [&str; 0]);
    assert_eq!(world.empty(queues[1]), ["a!", "b!"]);
}

#[test]
fn what_is_in_memory_only_is_counted_until_it_is_settled() {
    let mut world = World::new();
    let transient = Declared {
        stored: false,
        ..super::world::stored(1, "q", Settings::default())
    };
    let queue = world.directory.declare(transient);
    world.publish_texts(queue, &["a", "b"]);
    assert_eq!(world.empty(queue), ["a", "b"]);
    assert_eq!(world.transient_bytes(), 0);
    world.publish_texts(queue, &["c", "d"]);
    let full = world.transient_bytes();
    assert!(full > 0);
    let (delivery, _) = world.get(2, queue, false).expect("there is one");
    assert_eq!(world.transient_bytes(), full, "a session holds it");
    let offset = delivery.position.offset;
    world.settle(2, queue, &[offset], Outcome::Requeued);
    assert_eq!(world.transient_bytes(), full);
    let (delivery, _) = world.get(2, queue, false).expect("there is one");
    world.settle(2, queue, &[delivery.position.offset], Outcome::Acknowledged);
    assert_eq!(world.transient_bytes(), full / 2);
    world.get(2, queue, false).expect("there is one");
    let ticket = world.ticket();
    let request = Request::Delete {
        ticket,
        queue,
        if_unused: false,
        if_empty: false,
    };
    world.send(2, request);
    assert_eq!(world.transient_bytes(), 0);
}
