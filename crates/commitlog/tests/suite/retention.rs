//! What goes: trims, retention by time and by size, removed streams, and the files of all of them.

use crate::backend::{Backend, check};
use crate::batch::{PLAIN, Recipe};
use crate::process::{Process, STREAM};
use base::StreamId;
use commitlog::{Bounds, Policy, Refusal};

const OTHER: StreamId = StreamId(2);

/// Appends batches of about 1 KiB with these timestamps, so that few of them fill a file.
fn fill(process: &mut Process, stream: StreamId, timestamps: impl IntoIterator<Item = i64>) {
    process.open(stream);
    for timestamp in timestamps {
        let batch = Recipe {
            timestamp,
            payload: &[b'x'; 1000],
            ..PLAIN
        };
        process.try_append(stream, batch.build()).expect("taken");
    }
}

fn wal_files(backend: &dyn Backend, process: Process) -> Vec<String> {
    drop(process);
    let disk = backend.disk().expect("files");
    let files = disk.list("wal").expect("a listing");
    files.into_iter().map(|entry| entry.name).collect()
}

fn log_start(process: &mut Process, stream: StreamId) -> i64 {
    process.open(stream).bounds().log_start
}

#[test]
fn a_trim_is_there_after_a_restart_and_never_goes_back() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        fill(&mut process, STREAM, 0..5);
        process.trim(STREAM, 2);
        process.trim(STREAM, 1);
        assert_eq!(log_start(&mut process, STREAM), 2);
        drop(process);
        let mut process = Process::start(backend, 2);
        let bounds = Bounds {
            log_start: 2,
            high_watermark: 5,
        };
        assert_eq!(process.open(STREAM).bounds(), bounds);
        process.trim(STREAM, 99);
        let bounds = Bounds {
            log_start: 5,
            high_watermark: 5,
        };
        assert_eq!(process.open(STREAM).bounds(), bounds, "up to the end");
        process.close();
        let mut process = Process::start(backend, 3);
        assert_eq!(process.open(STREAM).bounds(), bounds);
        fill(&mut process, STREAM, [9]);
        assert_eq!(process.content(STREAM)[0].0, 5, "offsets go on");
    });
}

#[test]
fn batches_go_by_age_and_by_size() {
    for (policy, expected) in [
        (Policy::default(), 0),
        (
            Policy {
                retention_ms: Some(50),
                ..Policy::default()
            },
            // At 153 whatever is older than 103.
            3,
        ),
        (
            Policy {
                retention_bytes: Some(4 * 1061),
                ..Policy::default()
            },
            6,
        ),
        (
            Policy {
                retention_bytes: Some(4 * 1061 + 1),
                ..Policy::default()
            },
            5,
        ),
        (
            Policy {
                retention_bytes: Some(0),
                ..Policy::default()
            },
            10,
        ),
    ] {
        check(|backend| {
            let mut process = Process::start(backend, 1);
            fill(&mut process, STREAM, 100..110);
            process.open(STREAM).set_policy(policy);
            process.retain(153);
            assert_eq!(log_start(&mut process, STREAM), expected, "{policy:?}");
            drop(process);
            let mut process = Process::start(backend, 2);
            assert_eq!(log_start(&mut process, STREAM), expected, "{policy:?}");
        });
    }
}

#[test]
fn files_go_when_nothing_in_them_is_kept_and_a_checkpoint_no_longer_needs_them() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        fill(&mut process, STREAM, 0..10);
        fill(&mut process, OTHER, [0]);
        fill(&mut process, STREAM, 10..20);
        process.look_after();
        process.trim(STREAM, 20);
        process.retain(0);
        fill(&mut process, STREAM, 20..30);
        process.look_after();
        process.retain(0);
        process.trim(STREAM, 30);
        let files = wal_files(backend, process);
        // Three batches fit in a file. The other stream's batch keeps its file, number 4.
        assert_eq!(files[0], "00000000000000000004.wal", "{files:?}");
        assert!(*files[1] > *"00000000000000000006.wal", "{files:?}");

        let mut process = Process::start(backend, 2);
        assert_eq!(process.content(OTHER).len(), 1);
        let shard = process.shard();
        process.run(async move { shard.remove(OTHER).await.expect("open") });
        for _ in 0..2 {
            fill(&mut process, STREAM, 30..36);
            process.look_after();
        }
        process.trim(STREAM, 99);
        process.retain(0);
        let files = wal_files(backend, process);
        assert!(*files[0] > *"00000000000000000007.wal", "{files:?}");
        let disk = backend.disk().expect("files");
        let indexes = disk.list("index").expect("a listing");
        assert!(
            indexes
                .iter()
                .all(|index| files.iter().any(|file| file.starts_with(&index.name))),
            "an index goes with its file: {indexes:?} {files:?}"
        );
        drop(disk);
        let mut process = Process::start(backend, 3);
        fill(&mut process, STREAM, [1]);
        assert_eq!(process.content(STREAM)[0].0, 42);
    });
}

#[test]
fn a_removed_stream_is_gone_for_ever() {
    for close in [false, true] {
        check(|backend| {
            let mut process = Process::start(backend, 1);
            fill(&mut process, STREAM, 0..5);
            fill(&mut process, OTHER, 0..5);
            let stream = process.open(STREAM);
            let shard = process.shard();
            process.run(async move { shard.remove(STREAM).await.expect("open") });
            assert!(stream.is_removed());
            assert!(process.log.stream(STREAM).is_none());
            let outcome = process.try_append(STREAM, PLAIN.build());
            assert_eq!(outcome, Err(Refusal::NoStream));
            let shard = process.shard();
            process.run(async move { shard.remove(STREAM).await.expect("twice is once") });
            if close {
                process.close();
            } else {
                drop(process);
            }
            let mut process = Process::start(backend, 2);
            assert!(process.log.stream(STREAM).is_none());
            assert_eq!(process.content(OTHER).len(), 5);
        });
    }
}
