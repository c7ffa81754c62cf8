//! Queues: deposits into streams whose owner chooses the offsets, acknowledgement cursors, and what
//! is kept of both.

use crate::backend::check;
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use base::{Offset, StreamId};
use bytes::Bytes;
use commitlog::{
    Bounds, Cell, CommitError, CommitOutcome, Cursor, Deposit, Entry, Kind, Place, Settle,
};
use std::ops::Range;
use tokio::sync::oneshot;

const OTHER: StreamId = StreamId(2);

pub(crate) fn deposit<const N: usize>(places: [(StreamId, Offset); N], batch: Bytes) -> Entry {
    let place = |(stream, offset)| Place { stream, offset };
    let places = places.map(place).to_vec();
    Entry::Deposit(Deposit { places, batch })
}

pub(crate) fn settle(stream: StreamId, settled: Range<Offset>) -> Entry {
    Entry::Settle(Settle::range(stream, settled))
}

fn records(payload: &str, records: i32) -> Bytes {
    let payload = payload.as_bytes();
    Recipe {
        records,
        payload,
        ..PLAIN
    }
    .build()
}

impl Process {
    pub(crate) fn open_queue(&mut self, stream: StreamId) -> Cursor {
        let shard = self.shard();
        let (opened, cursor) = self
            .run(async move { shard.open_queue(stream).await })
            .expect("open");
        assert_eq!(opened.id(), stream);
        cursor
    }

    /// Hands a commit in without waiting for the outcome.
    pub(crate) fn submit_commit(
        &mut self,
        entries: Vec<Entry>,
    ) -> oneshot::Receiver<CommitOutcome> {
        let shard = self.shard();
        self.run(async move { shard.commit(entries).await })
            .expect("open")
    }

    pub(crate) fn try_commit(&mut self, entries: Vec<Entry>) -> CommitOutcome {
        let outcome = self.submit_commit(entries);
        self.run(outcome).expect("an answer")
    }

    pub(crate) fn commit(&mut self, entries: Vec<Entry>) {
        self.try_commit(entries).expect("taken");
    }

    /// The base offsets and payloads from an offset on.
    pub(crate) fn placed_from(&mut self, stream: StreamId, from: Offset) -> Vec<(Offset, String)> {
        let (log, stream) = (self.log.clone(), self.log.stream(stream).expect("a stream"));
        let read = async move { log.read_placed(&stream, from, usize::MAX).await };
        let batches = self.run(read).expect("readable").into_iter();
        batches
            .map(|(offset, batch)| (offset, crate::batch::describe(&batch).2))
            .collect()
    }

    /// The base offsets and payloads of a stream.
    pub(crate) fn placed(&mut self, stream: StreamId) -> Vec<(Offset, String)> {
        let bounds = self.log.stream(stream).expect("a stream").bounds();
        self.placed_from(stream, bounds.log_start)
    }
}

fn at(offset: Offset, payload: &str) -> (Offset, String) {
    (offset, payload.to_owned())
}

#[test]
fn a_deposit_lies_in_all_of_its_streams_wherever_it_is_read_from() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        for stream in [1, 2, 3] {
            assert_eq!(process.open_queue(StreamId(stream)), Cursor::default());
        }
        process.commit(vec![
            deposit([(STREAM, 0)], records("alone", 2)),
            deposit(
                [(STREAM, 2), (OTHER, 0), (StreamId(3), 0)],
                records("shared", 3),
            ),
            deposit([(OTHER, 3), (STREAM, 5)], plain("twice")),
        ]);
        assert_eq!(process.log.figures().wal_blocks, 1, "one block for all");
        let bytes = process.log.figures().wal_bytes;
        assert!(bytes < 700, "each body is written once: {bytes}");
        let expected = [
            vec![at(0, "alone"), at(2, "shared"), at(5, "twice")],
            vec![at(0, "shared"), at(3, "twice")],
            vec![at(0, "shared")],
        ];
        // From the tail, from the scan of a file, from a file behind its index, and with that made again.
        for epoch in 2..7 {
            let found = [1, 2, 3].map(|stream| process.placed(StreamId(stream)));
            assert_eq!(found, expected, "before epoch {epoch}");
            let content = process.content(OTHER);
            let offsets: Vec<_> = content
                .iter()
                .map(|(offset, epoch, _)| (*offset, *epoch))
                .collect();
            assert_eq!(
                offsets,
                [(0, 1), (3, 1)],
                "a plain read puts the offset into the bytes"
            );
            assert_eq!(
                process.placed_from(OTHER, 2),
                expected[1],
                "from within a batch"
            );
            assert_eq!(process.log.figures().damaged_batches, 0);
            match epoch {
                3 => process.close(),
                4 => {
                    drop(process);
                    let disk = backend.disk().expect("files");
                    for entry in disk.list("index").expect("a listing") {
                        disk.remove(&format!("index/{}", entry.name))
                            .expect("removed");
                    }
                }
                5 => {
                    drop(process);
                    let disk = backend.disk().expect("files");
                    for entry in disk.list("index").expect("a listing") {
                        let path = format!("index/{}", entry.name);
                        let index = disk.open(&path).expect("there");
                        index.write_at(entry.len - 3, b"!!!").expect("damaged");
                    }
                }
                _ => drop(process),
            }
            process = Process::start(backend, epoch);
        }
        process.commit(vec![deposit([(OTHER, 4)], plain("goes on"))]);
    });
}

/// Commits that break a rule, each with what is said of it. Streams 1 and 2 are queues, 3 is none; 2 and
/// 0 are their next offsets.
fn broken_commits() -> Vec<(Vec<Entry>, CommitError)> {
    let out_of_place = |stream, offset, next| CommitError::OutOfPlace {
        stream,
        offset,
        next,
    };
    let one = |stream, offset| deposit([(stream, offset)], plain("x"));
    let two_batches = Bytes::from([plain("x"), plain("y")].concat());
    let no_batch = Bytes::from_static(b"no batch");
    let cell = Entry::Cell(Cell {
        kind: Kind::Batch,
        key: Bytes::new(),
        value: None,
    });
    let short = deposit([(STREAM, 5), (OTHER, 2)], plain("x"));
    let (gone, none) = (StreamId(9), StreamId(3));
    use CommitError::{Malformed, NoCursor, NoStream};
    vec![
        (vec![fine(), fine()], out_of_place(STREAM, 2, 5)),
        (vec![fine(), short], out_of_place(OTHER, 2, 3)),
        (vec![one(STREAM, 3)], out_of_place(STREAM, 3, 2)),
        (vec![fine(), one(gone, 0)], NoStream(gone)),
        (vec![fine(), deposit([], plain("x"))], Malformed),
        (vec![fine(), deposit([(STREAM, 5)], no_batch)], Malformed),
        (vec![deposit([(STREAM, 2)], two_batches)], Malformed),
        (vec![settle(none, 0..1)], NoCursor(none)),
        (vec![settle(gone, 0..1)], NoStream(gone)),
        (
            vec![fine(), settle(STREAM, 0..6)],
            out_of_place(STREAM, 5, 5),
        ),
        (vec![settle(STREAM, 0..1), settle(STREAM, 1..1)], Malformed),
        (vec![fine(), cell], Malformed),
    ]
}

fn fine() -> Entry {
    deposit([(STREAM, 2), (OTHER, 0)], records("fine", 3))
}

#[test]
fn a_commit_that_breaks_the_rules_is_refused_whole() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        process.open_queue(STREAM);
        process.open_queue(OTHER);
        process.open(StreamId(3));
        process.commit(vec![deposit([(STREAM, 0)], records("first", 2))]);
        for (entries, expected) in broken_commits() {
            assert_eq!(process.try_commit(entries), Err(expected));
        }
        let blocks = process.log.figures().wal_blocks;
        assert_eq!(blocks, 1, "nothing of it was written");
        // Nothing of it is remembered either.
        process.commit(vec![fine(), settle(STREAM, 0..5)]);
        assert_eq!(process.placed(OTHER), [at(0, "fine")]);
        assert_eq!(process.open_queue(STREAM), Cursor::new(5));
        assert_eq!(process.open_queue(OTHER), Cursor::default());
    });
}

#[test]
fn nothing_of_a_commit_is_shown_before_it_is_durable() {
    let backend = crate::backend::Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.open_queue(STREAM);
    process.commit(vec![deposit([(STREAM, 0)], records("a", 4))]);
    let stream = process.open(STREAM);
    let mut outcome = process.submit_commit(vec![
        settle(STREAM, 0..2),
        deposit([(STREAM, 4)], plain("b")),
    ]);
    loop {
        let bounds = stream.bounds();
        if outcome.try_recv().is_ok() {
            assert_eq!((bounds.log_start, bounds.high_watermark), (2, 5));
            break;
        }
        assert_eq!((bounds.log_start, bounds.high_watermark), (0, 4));
        process.turn();
    }
}

#[test]
fn what_is_settled_stays_settled() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        process.open_queue(STREAM);
        process.open_queue(OTHER);
        process.commit(vec![deposit([(STREAM, 0), (OTHER, 0)], records("a", 100))]);
        let returned = Settle {
            stream: STREAM,
            settled: vec![0..10, 20..30, 99..100],
            returned: vec![(12, 1), (13, 3), (25, 9)],
        };
        let cell = Cell {
            kind: Kind::Queue,
            key: Bytes::from("key"),
            value: Some(Bytes::from("value")),
        };
        process.commit(vec![Entry::Settle(returned), Entry::Cell(cell.clone())]);
        let mut expected = Cursor::new(10);
        expected.settle(20..30);
        expected.settle(99..100);
        expected.note_returned(12, 1);
        expected.note_returned(13, 3);
        for epoch in 2..8 {
            // After a replay, after a checkpoint, after a replay over a checkpoint, and so on.
            if epoch % 2 == 1 {
                process.close();
            } else {
                drop(process);
            }
            process = Process::start(backend, epoch);
            assert_eq!(process.open_queue(STREAM), expected, "epoch {epoch}");
            assert_eq!(
                process.open_queue(OTHER),
                Cursor::default(),
                "epoch {epoch}"
            );
            let cells = process
                .cells
                .values()
                .flat_map(|cells| cells.of(Kind::Queue));
            assert_eq!(
                cells.collect::<Vec<_>>(),
                [(&cell.key, &Bytes::from("value"))]
            );
            let bounds = Bounds {
                log_start: expected.floor(),
                high_watermark: 100,
            };
            assert_eq!(process.open(STREAM).bounds(), bounds);
            let more = Offset::from(epoch) * 10 + 1;
            process.commit(vec![settle(STREAM, more..more + 5)]);
            expected.settle(more..more + 5);
        }
        // A trim settles what it cuts off, and a stream that is settled whole has no batch.
        process.trim(STREAM, 50);
        expected.settle(0..50);
        assert_eq!(process.open_queue(STREAM), expected);
        process.commit(vec![settle(STREAM, 0..100)]);
        assert_eq!(process.placed(STREAM), []);
        drop(process);
        let mut process = Process::start(backend, 9);
        assert_eq!(process.open_queue(STREAM), Cursor::new(100));
        process.commit(vec![deposit([(STREAM, 100)], plain("next"))]);
        assert_eq!(process.placed(STREAM), [at(100, "next")]);
    });
}

#[test]
fn a_removed_queue_is_gone_and_the_others_of_its_deposits_are_not() {
    for close in [false, true] {
        check(|backend| {
            let mut process = Process::start(backend, 1);
            process.open_queue(STREAM);
            process.open_queue(OTHER);
            process.commit(vec![deposit([(STREAM, 0), (OTHER, 0)], plain("a"))]);
            process.commit(vec![
                settle(STREAM, 0..1),
                deposit([(STREAM, 1)], plain("b")),
            ]);
            let shard = process.shard();
            process.run(async move { shard.remove(STREAM).await.expect("open") });
            let outcome = process.try_commit(vec![settle(STREAM, 1..2)]);
            assert_eq!(outcome, Err(CommitError::NoStream(STREAM)));
            if close {
                process.close();
            } else {
                drop(process);
            }
            let mut process = Process::start(backend, 2);
            assert!(process.log.stream(STREAM).is_none());
            assert_eq!(process.placed(OTHER), [at(0, "a")]);
        });
    }
}
