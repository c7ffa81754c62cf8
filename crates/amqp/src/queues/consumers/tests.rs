//! Whose turn it is.

use super::{Consumers, EMPTY_RINGS_MAX, Turn};
use crate::mail::{Consume, ConsumerId, SESSION_WINDOW_BYTES, SessionId};
use crate::queues::host::tests::world::consumer_of;
use crate::queues::sessions::Sessions;
use base::StreamId;

const QUEUE: StreamId = StreamId(1);

struct Ring {
    consumers: Consumers,
    sessions: Sessions,
}

impl Ring {
    fn new(single_active: bool) -> Self {
        Self {
            consumers: Consumers::new(single_active),
            sessions: Sessions::default(),
        }
    }

    /// A consumer of a session of the same number.
    fn add(&mut self, number: u32, priority: i32, prefetch: u32) {
        let consume = consumer_of(QUEUE, number, prefetch);
        let consume = Consume {
            priority,
            ..consume
        };
        let session = SessionId(u64::from(number));
        self.consumers.add(session, consume).expect("it may");
    }

    fn slot(&self, number: u32) -> u32 {
        let session = SessionId(u64::from(number));
        self.consumers
            .slot(session, ConsumerId(number))
            .expect("it is there")
    }

    /// Who gets the next messages.
    fn turns(&mut self, count: usize) -> Vec<u32> {
        let mut turns = Vec::new();
        for _ in 0..count {
            if let Turn::Deliver(slot) = self.consumers.turn(&mut self.sessions, QUEUE) {
                turns.push(self.consumers.get(slot).expect("it is there").id.0);
                self.consumers.delivered(slot);
            }
        }
        turns
    }

    fn settled(&mut self, number: u32) {
        let slot = self.slot(number);
        self.consumers
            .settled(slot, SessionId(u64::from(number)), ConsumerId(number));
    }
}

#[test]
fn it_goes_round_among_those_of_the_highest_priority() {
    let mut ring = Ring::new(false);
    for (number, priority, prefetch) in [(1, 0, 2), (2, 3, 2), (3, 3, 1), (4, -1, 0)] {
        ring.add(number, priority, prefetch);
    }
    assert_eq!(ring.turns(8), [2, 3, 2, 1, 1, 4, 4, 4]);
    ring.settled(1);
    ring.settled(3);
    assert_eq!(ring.turns(3), [3, 1, 4]);
}

#[test]
fn a_full_session_is_passed_over_until_it_wakes() {
    let mut ring = Ring::new(false);
    ring.add(1, 0, 0);
    ring.add(2, 0, 0);
    ring.sessions.sent(SessionId(1), SESSION_WINDOW_BYTES);
    assert_eq!(ring.turns(3), [2, 2, 2]);
    assert_eq!(ring.sessions.written(SessionId(1), 1), [QUEUE]);
    ring.consumers.wake(SessionId(1));
    assert_eq!(ring.turns(2), [2, 1]);
}

#[test]
fn a_slot_that_is_used_again_owes_nothing_to_who_had_it() {
    let mut ring = Ring::new(false);
    ring.add(1, 0, 1);
    assert_eq!(ring.turns(1), [1]);
    let slot = ring.slot(1);
    ring.consumers.remove(slot);
    ring.add(2, 0, 1);
    assert_eq!(ring.slot(2), slot);
    assert_eq!(ring.turns(1), [2]);
    ring.consumers.settled(slot, SessionId(1), ConsumerId(1));
    assert_eq!(ring.turns(1), [] as [u32; 0], "it was not its own");
    ring.settled(2);
    assert_eq!(ring.turns(1), [2]);
}

#[test]
fn the_active_consumer_is_the_first_of_the_highest_priority() {
    let mut ring = Ring::new(true);
    ring.add(1, 0, 0);
    for (number, priority) in [(2, 1), (3, 5), (4, 5)] {
        ring.add(number, priority, 0);
    }
    assert_eq!(ring.turns(2), [1, 1], "nobody is pushed aside");
    for (gone, next) in [(1, 3), (3, 4), (4, 2)] {
        let slot = ring.slot(gone);
        ring.consumers.remove(slot);
        assert_eq!(ring.turns(2), [next, next]);
    }
}

#[test]
fn sharing_consumers_are_asked_once_at_a_time() {
    let mut ring = Ring::new(false);
    ring.add(1, 0, 3);
    let slot = ring.slot(1);
    ring.consumers.share(slot, true);
    let turn = |ring: &mut Ring| ring.consumers.turn(&mut ring.sessions, QUEUE);
    assert_eq!(turn(&mut ring), Turn::Offer(slot));
    assert_eq!(turn(&mut ring), Turn::Nobody);
    assert_eq!(
        ring.consumers.granted(slot, 10),
        3,
        "its own limit holds, too"
    );
    ring.consumers.delivered(slot);
    ring.consumers.grant_done(slot);
    assert_eq!(turn(&mut ring), Turn::Offer(slot));
    assert_eq!(ring.consumers.granted(slot, 10), 2);
}

#[test]
fn priorities_that_nobody_has_any_more_are_forgotten() {
    let mut ring = Ring::new(false);
    for number in 0..100 {
        ring.add(number, i32::try_from(number).unwrap(), 1);
        let slot = ring.slot(number);
        ring.consumers.remove(slot);
    }
    assert_eq!(ring.turns(1), [] as [u32; 0]);
    assert!(ring.consumers.rings.len() <= EMPTY_RINGS_MAX);
}
