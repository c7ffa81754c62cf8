//! What is ready, and where it is.

use super::{Level, LevelState, NEVER, Read, Ready};
use crate::message::Message;
use base::StreamId;
use bytes::Bytes;
use commitlog::Cursor;

fn message(len: usize) -> Message {
    Message::from_record(Bytes::from(vec![0; len]))
}

fn ready(offset: i64) -> Ready {
    Ready {
        offset,
        returns: 0,
        body_len: 10,
        expires_ms: NEVER,
        redelivered: false,
        message: Some(message(30)),
    }
}

/// A level of 20 messages of which all but 3, 4, 10 and 15 to 19 are settled; 10 came back twice.
fn recovered() -> Level {
    let mut cursor = Cursor::new(3);
    cursor.settle(5..10);
    cursor.settle(11..15);
    cursor.note_returned(10, 2);
    let state = LevelState {
        cursor,
        end: 20,
        bytes: 17 * 50,
    };
    Level::open(StreamId(1), state)
}

fn load(level: &mut Level, offsets: std::ops::Range<i64>, refill: bool) {
    for offset in offsets {
        let read = Read {
            message: &message(30),
            body_len: 10,
            expires_ms: NEVER,
            refill,
        };
        level.loaded(offset, &read);
    }
}

/// Takes what can be taken: offset, returns, redelivered.
fn pop_all(level: &mut Level) -> Vec<(i64, u32, bool)> {
    let popped = std::iter::from_fn(|| level.pop());
    popped
        .map(|ready| (ready.offset, ready.returns, ready.redelivered))
        .collect()
}

#[test]
fn a_recovered_level_knows_what_is_left_of_it() {
    let mut level = recovered();
    assert_eq!((level.ready(), level.memory()), (8, 0));
    assert_eq!(
        level.ready_bytes(),
        8 * 50,
        "an estimate by what the log keeps"
    );
    assert!(level.head().is_none());
    assert_eq!(level.wants(true, true), Some(3));
    load(&mut level, 0..12, true);
    assert_eq!((level.ready(), level.memory()), (8, 90));
    assert_eq!(level.wants(true, true), Some(15));
    assert_eq!(
        pop_all(&mut level),
        [(3, 0, true), (4, 0, true), (10, 2, true)]
    );
    load(&mut level, 12..20, true);
    assert!(level.is_caught_up());
    level.land(ready(20));
    assert_eq!(level.pop().map(|ready| ready.offset), Some(15));
    assert_eq!((level.ready(), level.ready_bytes()), (5, 50));
}

#[test]
fn what_lands_behind_the_rest_waits_in_the_log() {
    let mut level = Level::new(StreamId(1));
    assert_eq!(level.reserve(3), 0);
    level.land(ready(0));
    level.land_in_rest(1, 70);
    assert!(!level.is_caught_up());
    level.land_in_rest(2, 30);
    assert_eq!((level.ready(), level.ready_bytes()), (3, 110));
    assert_eq!(level.reserve(1), 3);
    assert_eq!(pop_all(&mut level), [(0, 0, false)]);
    load(&mut level, 1..3, true);
    assert_eq!(pop_all(&mut level), [(1, 0, false), (2, 0, false)]);
    assert_eq!(
        (level.ready(), level.ready_bytes(), level.memory()),
        (0, 0, 0)
    );
    level.land(ready(3));
    assert_eq!(pop_all(&mut level), [(3, 0, false)]);
}

#[test]
fn returned_messages_go_first_and_are_read_when_somebody_wants_them() {
    let mut level = Level::new(StreamId(1));
    (0..5).for_each(|offset| level.land(ready(offset)));
    let mut taken: Vec<_> = (0..3).filter_map(|_| level.pop()).collect();
    taken[0].message = None;
    while let Some(back) = taken.pop() {
        level.put_back(Ready {
            redelivered: true,
            returns: 1,
            ..back
        });
    }
    assert_eq!(
        (level.wants(false, true), level.wants(true, true)),
        (None, Some(0))
    );
    load(&mut level, 0..2, false);
    assert_eq!(level.wants(true, true), None);
    assert_eq!(
        pop_all(&mut level),
        [
            (0, 1, true),
            (1, 1, true),
            (2, 1, true),
            (3, 0, false),
            (4, 0, false)
        ]
    );
}

#[test]
fn without_room_only_the_head_is_looked_at() {
    let mut level = recovered();
    load(&mut level, 3..20, false);
    assert_eq!((level.ready(), level.memory()), (8, 0));
    let head = level.head().expect("it was looked at");
    assert_eq!(
        (head.offset, head.message.is_none(), head.redelivered),
        (3, true, true)
    );
    assert_eq!(level.wants(false, false), None);
    load(&mut level, 3..20, true);
    assert_eq!((level.ready(), level.memory()), (8, 8 * 30));
}

#[test]
fn damaged_messages_are_settled() {
    let mut level = recovered();
    assert_eq!(level.give_up(&(3..11), true), 3);
    assert_eq!(level.settled.take(), [3..5, 10..11]);
    assert_eq!(level.give_up(&(11..15), true), 0, "nobody wanted these");
    assert_eq!(level.give_up(&(15..18), false), 0, "these were not read");
    load(&mut level, 15..17, true);
    assert_eq!(level.ready(), 5);
}

#[test]
fn purging_takes_all_three_parts() {
    let mut level = recovered();
    load(&mut level, 3..12, true);
    let first = level.pop().expect("it was loaded");
    level.put_back(first);
    assert_eq!(level.purge(), 8);
    assert_eq!(
        (level.ready(), level.ready_bytes(), level.memory()),
        (0, 0, 0)
    );
    let mut cursor = Cursor::new(3);
    cursor.settle(5..10);
    level
        .settled
        .take()
        .into_iter()
        .for_each(|range| cursor.settle(range));
    assert_eq!(cursor.floor(), 20);
    assert!(level.is_caught_up());
}

#[test]
fn the_head_of_the_rest_can_be_taken_unread() {
    let mut level = recovered();
    let skipped: Vec<_> = std::iter::from_fn(|| level.skip_one()).collect();
    assert_eq!(skipped, [3, 4, 10, 15, 16, 17, 18, 19]);
    assert!(level.is_caught_up());
}
