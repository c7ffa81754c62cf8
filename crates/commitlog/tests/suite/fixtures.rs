//! Every format that was ever released is still read, byte for byte, and the newest still written.
//!
//! `MAINSTAY_WRITE_FIXTURES=1 cargo test -p commitlog fixtures` writes the files of a new format. The
//! files of an old format are never written again.

use crate::backend::{Backend, Simulated};
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Bounds, Cell, Kind, Policy};
use std::path::PathBuf;
use store::Disk;

const FORMAT: u32 = 1;
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
    process.close();
    // Behind the checkpoint's mark, so that a file must be replayed.
    let mut process = Process::start(&backend, 2);
    process.append_all(["under another epoch"]);
    drop(process);
    backend
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
}
