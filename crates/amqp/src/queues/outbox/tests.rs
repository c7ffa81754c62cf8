//! Letters on their way, and their cells.

use super::{Outbox, SENT_MAX, raise_used, restore, taken_cell};
use crate::queues::io::{Effect, HostMail};
use crate::run::{Run, RunBuilder};
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::Cell;
use std::collections::BTreeMap;

const HERE: ShardId = ShardId(0);
const THERE: ShardId = ShardId(3);

fn run(body: &str) -> Run {
    let mut run = RunBuilder::new(1_700_000_000_000);
    run.push(b"x", b"k", b"\0\0", body.as_bytes(), 0, None);
    run.seal().unwrap()
}

fn apply(stored: &mut BTreeMap<Bytes, Bytes>, cells: impl IntoIterator<Item = Cell>) {
    for cell in cells {
        match cell.value {
            Some(value) => drop(stored.insert(cell.key, value)),
            None => drop(stored.remove(&cell.key)),
        }
    }
}

/// The ordinals of letters that are sent now.
fn sent(outbox: &mut Outbox) -> Vec<u64> {
    let mut effects = Vec::new();
    outbox.send(HERE, &mut effects);
    let ordinals = effects.iter().filter_map(|effect| match effect {
        Effect::Send(to, HostMail::Letters { ordinal, .. }) => {
            assert_eq!(*to, THERE);
            Some(*ordinal)
        }
        _ => None,
    });
    ordinals.collect()
}

#[test]
fn letters_are_sent_when_they_are_durable_and_a_few_at_a_time() {
    let mut outbox = Outbox::default();
    for _ in 0..SENT_MAX + 10 {
        outbox.push(THERE, vec![StreamId(9)], run("a"));
    }
    assert_eq!(sent(&mut outbox), [] as [u64; 0]);
    outbox.landed(THERE, 2);
    assert_eq!(sent(&mut outbox), [1, 2]);
    outbox.landed(THERE, SENT_MAX as u64 + 10);
    assert_eq!(sent(&mut outbox).len(), SENT_MAX - 2);
    assert_eq!(sent(&mut outbox), [] as [u64; 0]);
    assert_eq!(outbox.arrived(THERE, 5).len(), 5);
    assert_eq!(sent(&mut outbox).len(), 5);
    assert_eq!(outbox.arrived(THERE, 5).len(), 0);
    outbox.rewind(THERE);
    assert_eq!(
        sent(&mut outbox)[..2],
        [6, 7],
        "what was lost is sent again"
    );
}

#[test]
fn an_outbox_comes_back_and_its_ordinals_go_on() {
    let (mut outbox, mut stored) = (Outbox::default(), BTreeMap::new());
    for number in 0..300 {
        let (_, cells) = outbox.push(
            THERE,
            vec![StreamId(9), StreamId(12)],
            run(&number.to_string()),
        );
        apply(&mut stored, cells);
    }
    apply(&mut stored, outbox.arrived(THERE, 298));
    apply(&mut stored, [taken_cell(ShardId(5), 77)]);
    let (mut outbox, inbox) = restore(stored.iter());
    assert_eq!(inbox.get(&ShardId(5)), Some(&77));
    assert_eq!(sent(&mut outbox), [299, 300]);
    apply(&mut stored, outbox.arrived(THERE, 300));
    let (mut outbox, _) = restore(stored.iter());
    assert_eq!(sent(&mut outbox), [] as [u64; 0]);
    assert_eq!(outbox.push(THERE, vec![], run("x")).0, 301);
    assert!(outbox.has_room());
}

#[test]
fn an_ordinal_that_another_shard_has_taken_is_not_used_again() {
    let (mut stored, taken) = (BTreeMap::new(), taken_cell(HERE, 41));
    let none = taken_cell(HERE, 0).value.unwrap().slice(..3);
    let value = taken.value.as_ref();
    raise_used(
        &mut stored,
        HERE,
        [(THERE, value), (HERE, value), (ShardId(5), Some(&none))].into_iter(),
    );
    assert_eq!(stored.len(), 1, "{stored:?}");
    let (mut outbox, _) = restore(stored.iter());
    let (ordinal, cells) = outbox.push(THERE, vec![], run("x"));
    assert_eq!(ordinal, 42);
    apply(&mut stored, cells);
    raise_used(&mut stored, HERE, [(THERE, value)].into_iter());
    let (mut outbox, _) = restore(stored.iter());
    assert_eq!(outbox.push(THERE, vec![], run("y")).0, 43, "it never falls");
}

/// `key value` in hexadecimal, as version 1 wrote them. Lines are added and never changed.
const FIXTURE: &str = include_str!("queue-state.hex");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Bytes {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn cells_of_version_1_are_read_and_written() {
    let (_, written) = Outbox::default().push(THERE, vec![StreamId(9), StreamId(12)], run("body"));
    let written = written.into_iter().chain([taken_cell(ShardId(5), 77)]);
    let line = |cell: Cell| {
        format!(
            "{} {}\n",
            hex(&cell.key),
            hex(&cell.value.unwrap_or_default())
        )
    };
    assert_eq!(written.map(line).collect::<String>(), FIXTURE);
    let cells = FIXTURE.lines().map(|line| {
        let (key, value) = line.split_once(' ').expect("two columns");
        (unhex(key), unhex(value))
    });
    let cells: Vec<_> = cells.collect();
    let (mut outbox, inbox) = restore(cells.iter().map(|(key, value)| (key, value)));
    assert_eq!(inbox.get(&ShardId(5)), Some(&77));
    assert_eq!(sent(&mut outbox), [1]);
    assert_eq!(outbox.push(THERE, vec![], run("x")).0, 2);
}

#[test]
fn cells_that_cannot_be_read_are_left_out() {
    let (_, cells) = Outbox::default().push(THERE, vec![StreamId(9)], run("body"));
    let [letter, _] = cells;
    let value = letter.value.unwrap();
    for len in 0..value.len() {
        let cut = value.slice(..len);
        let (mut outbox, _) = restore([(&letter.key, &cut)].into_iter());
        assert_eq!(sent(&mut outbox), [] as [u64; 0], "{len}");
    }
    for len in 0..letter.key.len() {
        let cut = letter.key.slice(..len);
        let (mut outbox, inbox) = restore([(&cut, &value)].into_iter());
        assert!(sent(&mut outbox).is_empty() && inbox.is_empty(), "{len}");
    }
}
