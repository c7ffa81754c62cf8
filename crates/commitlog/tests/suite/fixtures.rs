//! Every format that was ever released is still read, byte for byte, and the newest still written.
//!
//! `MAINSTAY_WRITE_FIXTURES=1 cargo test -p commitlog fixtures` writes the files of a new format. The
//! files of an old format are never written again.

use crate::backend::{Backend, Simulated};
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use crate::queues::{deposit, settle};
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Bounds, Cell, Cursor, Entry, Kind, Policy, Settle};
use std::path::PathBuf;
use store::Disk;

const FORMAT: u32 = 2;
/// The first format that has queues.
const FORMAT_WITH_QUEUES: u32 = 2;
const QUEUES: [StreamId; 2] = [StreamId(4), StreamId(5)];
const DIRECTORIES: [&str; 3] = ["wal", "checkpoint", "index"];

fn folder(format: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}"))
}

/// A small log with one of everything in it.
fn write() -> Simulated {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["first", "second"]);
    let other = process.open(StreamId(2));
    other.set_policy(Policy {
        log_append_time: true,
        ..Policy::default()
    });
    process
        .try_append(StreamId(2), plain("stamped"))
        .expect("taken");
    let idempotent = Recipe {
        producer: Some((42, 3, 7)),
        records: 2,
        timestamp: 1234,
        payload: b"two records",
    };
    process.append(idempotent.build());
    let cell = |kind, key, value: Option<&'static str>| Cell {
        kind,
        key: Bytes::from_static(key),
        value: value.map(Bytes::from),
    };
    let cells = vec![
        cell(Kind::Group, b"group", Some("offset")),
        cell(Kind::Producer, b"next id", Some("1000")),
        cell(Kind::Catalog, b"topic", Some("")),
        cell(Kind::Catalog, b"gone", Some("soon")),
    ];
    let shard = process.log.shard(ShardId(0)).clone();
    process.run(async move { shard.write(cells).await.expect("open") });
    let shard = process.log.shard(ShardId(0)).clone();
    let gone = vec![cell(Kind::Catalog, b"gone", None)];
    process.run(async move { shard.write(gone).await.expect("open") });
    process.trim(STREAM, 1);
    process.open(StreamId(3));
    process
        .try_append(StreamId(3), plain("removed"))
        .expect("taken");
    let shard = process.shard();
    process.run(async move { shard.remove(StreamId(3)).await.expect("open") });
    write_queues(&mut process);
    process.close();
    // Behind the checkpoint's mark, so that a file must be replayed.
    let mut process = Process::start(&backend, 2);
    process.append_all(["under another epoch"]);
    let [first, second] = QUEUES;
    process.commit(vec![
        deposit([(first, 3), (second, 2)], plain("for both again")),
        settle(first, 1..2),
    ]);
    drop(process);
    backend
}

/// Two queues with a deposit of one place, one of two, a settlement and a cell.
fn write_queues(process: &mut Process) {
    let [first, second] = QUEUES;
    process.open_queue(first);
    process.open_queue(second);
    let pair = Recipe {
        records: 2,
        payload: b"for both",
        ..PLAIN
    };
    process.commit(vec![
        deposit([(first, 0)], plain("for one")),
        deposit([(first, 1), (second, 0)], pair.build()),
        Entry::Cell(Cell {
            kind: Kind::Queue,
            key: Bytes::from("outbox"),
            value: Some(Bytes::from("message")),
        }),
    ]);
    process.commit(vec![Entry::Settle(Settle {
        stream: first,
        settled: vec![0..1, 2..3],
        returned: vec![(1, 2)],
    })]);
    process.commit(vec![Entry::Settle(Settle {
        returned: vec![(0, 1)],
        ..Settle::range(second, 1..2)
    })]);
}

fn check_queues(process: &mut Process, case: &str) {
    let [first, second] = QUEUES;
    let at = |offset, payload: &str| (offset, payload.to_owned());
    let expected = [at(3, "for both again")];
    assert_eq!(process.placed(first), expected, "{case}");
    let expected = [at(0, "for both"), at(2, "for both again")];
    assert_eq!(process.placed(second), expected, "{case}");
    assert_eq!(process.open_queue(first), Cursor::new(3), "{case}");
    let mut expected = Cursor::default();
    expected.settle(1..2);
    expected.note_returned(0, 1);
    assert_eq!(process.open_queue(second), expected, "{case}");
    let cells = process.cells[&ShardId(1)].of(Kind::Queue);
    let cells: Vec<_> = cells.map(|(key, value)| (&key[..], &value[..])).collect();
    assert_eq!(cells, [(&b"outbox"[..], &b"message"[..])], "{case}");
}

fn files(disk: &dyn Disk) -> Vec<(String, Bytes)> {
    let mut files = Vec::new();
    for directory in DIRECTORIES {
        for entry in disk.list(directory).expect("a listing") {
            let path = format!("{directory}/{}", entry.name);
            let file = disk.open(&path).expect("there");
            files.push((path, file.read_at(0, usize::MAX).expect("readable")));
        }
    }
    files
}

fn load(format: u32) -> Simulated {
    let backend = Simulated::default();
    for directory in DIRECTORIES {
        let folder = folder(format).join(directory);
        for entry in std::fs::read_dir(folder).expect("fixtures") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let file = backend
                .0
                .create(&format!("{directory}/{name}"))
                .expect("new");
            let content = std::fs::read(&path).expect("readable");
            file.write_at(0, &content).expect("written");
        }
    }
    backend
}

#[test]
fn fixtures_of_the_newest_format_are_still_written_byte_for_byte() {
    let written = files(&write().0);
    if std::env::var_os("MAINSTAY_WRITE_FIXTURES").is_some() {
        for (path, content) in &written {
            let path = folder(FORMAT).join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(path, content).expect("written");
        }
    }
    let expected = files(&load(FORMAT).0);
    let names = |files: &[(String, Bytes)]| -> Vec<String> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(names(&written), names(&expected));
    for ((path, written), (_, expected)) in written.iter().zip(&expected) {
        let first = written.iter().zip(expected).position(|(a, b)| a != b);
        assert_eq!(
            (first, written.len()),
            (None, expected.len()),
            "{path} differs"
        );
    }
}

#[test]
fn fixtures_of_every_format_are_still_read() {
    for format in 1..=FORMAT {
        let backend = load(format);
        // From the checkpoint, from the WAL with damaged indexes, and from the WAL alone.
        for without in [&[][..], &["index"], &["index", "checkpoint"]] {
            let backend = Simulated(backend.0.process_kill());
            for directory in without {
                for entry in backend.0.list(directory).expect("a listing") {
                    let path = format!("{directory}/{}", entry.name);
                    backend.0.remove(&path).expect("removed");
                }
            }
            check_content(&backend, format, without);
        }
    }
}

fn check_content(backend: &dyn Backend, format: u32, without: &[&str]) {
    let mut process = Process::start(backend, 9);
    let case = format!("format {format} without {without:?}");
    assert_eq!(process.report.damaged, [], "{case}");
    let batch = |offset, epoch, payload: &str| (offset, epoch, payload.to_owned());
    assert_eq!(
        process.content(STREAM),
        [
            batch(1, 1, "second"),
            batch(2, 1, "two records"),
            batch(4, 2, "under another epoch")
        ],
        "{case}"
    );
    let bounds = Bounds {
        log_start: 1,
        high_watermark: 5,
    };
    assert_eq!(process.open(STREAM).bounds(), bounds, "{case}");
    assert_eq!(
        process.content(StreamId(2)),
        [batch(0, 1, "stamped")],
        "{case}"
    );
    assert!(process.log.stream(StreamId(3)).is_none(), "{case}");
    if format >= FORMAT_WITH_QUEUES {
        check_queues(&mut process, &case);
    }
    let cells = &process.cells[&ShardId(0)];
    let text = |kind| -> Vec<(&[u8], &[u8])> {
        cells
            .of(kind)
            .map(|(key, value)| (&key[..], &value[..]))
            .collect()
    };
    assert_eq!(
        text(Kind::Group),
        [(&b"group"[..], &b"offset"[..])],
        "{case}"
    );
    assert_eq!(
        text(Kind::Producer),
        [(&b"next id"[..], &b"1000"[..])],
        "{case}"
    );
    assert_eq!(text(Kind::Catalog), [(&b"topic"[..], &b""[..])], "{case}");
    let retry = Recipe {
        producer: Some((42, 3, 7)),
        records: 2,
        timestamp: 1234,
        payload: b"two records",
    };
    assert_eq!(process.append(retry.build()), 2, "{case}: a retry");
    let next = Recipe {
        producer: Some((42, 3, 9)),
        ..PLAIN
    };
    assert_eq!(process.append(next.build()), 5, "{case}: what comes next");
    check_goes_on(process, backend, &case);
}

/// A log of any format takes what only the newest has, and is found again with it.
fn check_goes_on(mut process: Process, backend: &dyn Backend, case: &str) {
    let [queue, other] = [StreamId(8), StreamId(9)];
    process.open_queue(queue);
    process.open_queue(other);
    process.commit(vec![deposit([(queue, 0), (other, 0)], plain("new"))]);
    process.commit(vec![settle(queue, 0..1)]);
    for epoch in [10, 11] {
        let expected = process.content(STREAM);
        if epoch == 10 {
            drop(process);
        } else {
            process.close();
        }
        process = Process::start(backend, epoch);
        assert_eq!(process.content(STREAM), expected, "{case}");
        assert_eq!(process.open_queue(queue), Cursor::new(1), "{case}");
        assert_eq!(process.placed(other), [(0, "new".to_owned())], "{case}");
    }
}
