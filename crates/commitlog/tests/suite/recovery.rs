//! Starting again: from checkpoints, from indexes, from the WAL alone, and after torn writes.

use crate::backend::{Backend, Simulated, check};
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM, Start};
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Cell, Cells, Kind, OpenError};
use store::Disk;

fn start(backend: &dyn Backend, epoch: u32) -> Result<Process, OpenError> {
    let start = Start {
        epoch,
        ..Start::default()
    };
    Process::try_start(backend, start)
}

fn remove_all(disk: &dyn Disk, directory: &str) {
    for entry in disk.list(directory).expect("a listing") {
        disk.remove(&format!("{directory}/{}", entry.name))
            .expect("removed");
    }
}

/// A history with a bit of everything, over several files and three processes.
fn write_history(backend: &dyn Backend) {
    for epoch in 1..4 {
        let mut process = Process::start(backend, epoch);
        process.open(STREAM);
        process.open(StreamId(2));
        for number in 0..12 {
            let sequence = i32::try_from(epoch).expect("small") * 12 + number;
            let batch = Recipe {
                producer: Some((5, 0, sequence)),
                timestamp: i64::from(sequence),
                payload: &[b'p'; 400],
                ..PLAIN
            };
            process.append(batch.build());
            process
                .try_append(StreamId(2), plain(&format!("{epoch}/{number}")))
                .expect("taken");
            let cell = Cell {
                kind: Kind::Group,
                key: Bytes::from(format!("key {}", number % 5)),
                value: (number % 4 != 0).then(|| Bytes::from(format!("{epoch}/{number}"))),
            };
            let shard = process.log.shard(ShardId(0)).clone();
            process.run(async move { shard.write(vec![cell]).await.expect("open") });
            match number {
                3 | 7 => process.look_after(),
                5 => process.trim(StreamId(2), i64::from(epoch) * 5),
                _ => {}
            }
        }
        if epoch == 3 {
            process.open(StreamId(3));
            process
                .try_append(StreamId(3), plain("in a stream that goes"))
                .expect("taken");
            let shard = process.shard();
            process.run(async move { shard.remove(StreamId(3)).await.expect("open") });
        }
        if epoch == 2 {
            process.close();
        }
    }
}

/// Everything that can be seen of a log.
fn see(process: &mut Process) -> String {
    process.cells.retain(|_, cells| *cells != Cells::default());
    let mut seen = format!("{:?}\n", process.cells);
    for stream in process.log.streams() {
        let content = process.content(stream.id());
        seen += &format!(
            "{}: {:?} {:?} {:?}\n{content:?}\n",
            stream.id(),
            stream.bounds(),
            stream.epochs(),
            stream.max_timestamp()
        );
    }
    // What is known of producers shows in the answer to retries of their last five batches.
    for sequence in 42..48 {
        let batch = Recipe {
            producer: Some((5, 0, sequence)),
            timestamp: i64::from(sequence),
            payload: &[b'p'; 400],
            ..PLAIN
        };
        seen += &format!("{:?}\n", process.try_append(STREAM, batch.build()));
    }
    seen
}

#[test]
fn a_checkpoint_and_its_tail_say_what_the_whole_wal_says() {
    check(|backend| {
        write_history(backend);
        let mut process = Process::start(backend, 4);
        let (scanned, files) = (process.report.files_scanned, process.report.files);
        assert!(scanned > 0 && scanned < files / 2, "{scanned} of {files}");
        let with_checkpoint = see(&mut process);
        drop(process);
        let disk = backend.disk().expect("files");
        remove_all(&*disk, "checkpoint");
        remove_all(&*disk, "index");
        drop(disk);
        let mut process = Process::start(backend, 5);
        assert_eq!(process.report.files_scanned, process.report.files);
        assert_eq!(see(&mut process), with_checkpoint);
    });
}

#[test]
fn an_index_that_is_missing_or_damaged_is_made_again() {
    check(|backend| {
        write_history(backend);
        let mut process = Process::start(backend, 4);
        let (expected, scanned) = (see(&mut process), process.report.files_scanned);
        drop(process);
        let disk = backend.disk().expect("files");
        let indexes = disk.list("index").expect("a listing");
        assert!(indexes.len() > 3);
        disk.remove(&format!("index/{}", indexes[0].name))
            .expect("removed");
        // A byte of the directory.
        let damaged = disk.open(&format!("index/{}", indexes[1].name));
        let damaged = damaged.expect("there");
        damaged.write_at(20, b"!").expect("damaged");
        // Cut short.
        let cut = disk.open(&format!("index/{}", indexes[2].name));
        cut.expect("there").truncate(5).expect("cut");
        drop(damaged);
        drop(disk);
        let mut process = Process::start(backend, 5);
        assert_eq!(process.report.files_scanned, scanned + 3);
        assert_eq!(see(&mut process), expected);
        drop(process);
        let mut process = Process::start(backend, 6);
        assert_eq!(process.report.files_scanned, scanned, "they are back");
        assert_eq!(see(&mut process), expected);
    });
}

#[test]
fn a_damaged_page_of_an_index_costs_nothing_but_time() {
    check(|backend| {
        write_history(backend);
        let mut process = Process::start(backend, 4);
        let expected = see(&mut process);
        drop(process);
        let disk = backend.disk().expect("files");
        for entry in disk.list("index").expect("a listing") {
            let index = disk.open(&format!("index/{}", entry.name)).expect("there");
            index.write_at(entry.len - 3, b"!!!").expect("damaged");
        }
        drop(disk);
        let mut process = Process::start(backend, 5);
        assert_eq!(see(&mut process), expected);
        assert_eq!(process.log.figures().damaged_batches, 0);
    });
}

fn damage_checkpoints(backend: &dyn Backend, newest: usize) {
    let disk = backend.disk().expect("files");
    let checkpoints = disk.list("checkpoint").expect("a listing");
    for checkpoint in checkpoints.iter().rev().take(newest) {
        let file = disk.open(&format!("checkpoint/{}", checkpoint.name));
        file.expect("there").write_at(30, b"!").expect("damaged");
    }
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_it_or_to_the_whole_wal() {
    check(|backend| {
        write_history(backend);
        let mut process = Process::start(backend, 4);
        let (expected, frames) = (see(&mut process), process.report.frames);
        drop(process);
        damage_checkpoints(backend, 1);
        let mut process = Process::start(backend, 5);
        assert!(process.report.frames > frames);
        assert_eq!(see(&mut process), expected);
        drop(process);
        damage_checkpoints(backend, 2);
        let mut process = Process::start(backend, 6);
        assert_eq!(process.report.files_scanned, process.report.files);
        assert_eq!(see(&mut process), expected);
    });
}

#[test]
fn without_a_checkpoint_and_without_the_first_files_the_log_is_refused() {
    check(|backend| {
        write_history(backend);
        let mut process = Process::start(backend, 4);
        process.trim(STREAM, 20);
        process.trim(StreamId(2), 20);
        process.look_after();
        process.retain(0);
        drop(process);
        damage_checkpoints(backend, 1);
        drop(Process::start(backend, 5));
        damage_checkpoints(backend, 2);
        let error = start(backend, 6).map(|_| ()).expect_err("refused");
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("checkpoint/"), "{error}");
    });
}

#[test]
fn a_clean_stop_leaves_nothing_to_replay() {
    check(|backend| {
        for epoch in 1..4 {
            let mut process = Process::start(backend, epoch);
            let report = &process.report;
            assert!(report.frames <= 1 && report.torn_bytes == 0, "{report:?}");
            assert!(report.bytes_scanned < 300, "{report:?}");
            process.append_all(["a", "b", "c"]);
            process.close();
        }
        let mut process = Process::start(backend, 4);
        assert_eq!(process.payloads(), ["a", "b", "c"].repeat(3));
    });
}

/// Writes three batches, lets `tear` do something to the last block's file and place, and looks at
/// what is left.
fn check_torn(tear: impl Fn(&dyn Disk, &str, u64, u64)) {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["one", "two"]);
    let disk = backend.disk().expect("files");
    let path = "wal/00000000000000000001.wal";
    let end = || disk.open(path).expect("there").len().expect("a length");
    let before = end();
    process.append_all(["three"]);
    drop(process);
    tear(&*disk, path, before, end());
    let torn_len = end() - before;
    for epoch in 2..4 {
        let mut process = Process::start(&backend, epoch);
        if epoch == 2 {
            assert_eq!(process.report.torn_bytes, torn_len);
        }
        assert_eq!(process.report.damaged, []);
        let payloads = process.payloads();
        assert_eq!(payloads[..2], ["one", "two"]);
        assert_eq!(payloads.len(), usize::try_from(epoch).expect("small"));
        let next = process.append(plain("after"));
        assert_eq!(next, i64::from(epoch), "its offset was never given out");
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off() {
    // Header of the block 64, of the frame 40, batch 61 + 5, padding 6.
    const BLOCK_LEN: u64 = 64 + 40 + 66 + 6;
    for kept in 0..BLOCK_LEN {
        check_torn(|disk, path, start, end| {
            assert_eq!(end - start, BLOCK_LEN);
            let file = disk.open(path).expect("there");
            file.truncate(start + kept).expect("torn");
        });
    }
    // The length was written, and of the bytes only some.
    for kept in (0..BLOCK_LEN - 6).step_by(3) {
        check_torn(|disk, path, start, end| {
            let file = disk.open(path).expect("there");
            file.truncate(start + kept).expect("torn");
            file.truncate(end).expect("with zeros behind");
        });
    }
    for missing in (0..BLOCK_LEN - 6).step_by(3) {
        check_torn(|disk, path, start, _| {
            let file = disk.open(path).expect("there");
            file.write_at(start + missing, &[0xee; 3]).expect("torn");
        });
    }
}

#[test]
fn a_copy_of_a_wal_inside_a_torn_batch_is_no_wal() {
    check(|backend| {
        let disk = || backend.disk().expect("files");
        let path = "wal/00000000000000000001.wal";
        let mut process = Process::start(backend, 1);
        process.append_all(["one", "two"]);
        drop(process);
        let file = disk().open(path).expect("there");
        let copy = file.read_at(0, usize::MAX).expect("readable");
        drop(file);
        // Somebody sends the WAL's bytes through the log, at every alignment, and the machine stops.
        let mut payload = Vec::new();
        for shift in 0..8 {
            payload.extend_from_slice(&copy);
            payload.resize(payload.len() + shift, 0);
        }
        let mut process = Process::start(backend, 2);
        let batch = Recipe {
            payload: &payload,
            ..PLAIN
        };
        process.append(batch.build());
        process.append(plain("kept"));
        drop(process);
        let path = "wal/00000000000000000002.wal";
        let (header_of_block, header_of_frame) = (64, 64 + 64);
        for (damage, torn) in [
            (header_of_block, false),
            (header_of_frame, false),
            (header_of_block, true),
        ] {
            let damaged = disk();
            let file = damaged.open(path).expect("there");
            let sound = file.read_at(0, usize::MAX).expect("readable");
            let first_block = 64 + 64 + 40 + 61 + payload.len();
            file.write_at(damage + 8, b"!").expect("damaged");
            if torn {
                file.truncate(first_block as u64).expect("torn");
            }
            drop((file, damaged));
            let mut process = Process::start(backend, 3);
            let all = process.payloads();
            assert_eq!(all[..2], ["one", "two"], "{damage} {torn}");
            assert_eq!(all[2..].iter().any(|payload| payload == "kept"), !torn);
            assert!(all.len() <= 4, "{damage} {torn}");
            assert_eq!(process.report.damaged.is_empty(), torn);
            drop(process);
            let restored = disk();
            remove_all(&*restored, "wal/none");
            let file = match restored.open(path) {
                Ok(file) => file,
                Err(_) => restored.create(path).expect("created"),
            };
            file.write_at(0, &sound).expect("restored");
        }
    });
}

#[test]
fn a_machine_that_stops_while_it_makes_its_first_file_starts_again() {
    for changes in 0..40 {
        let backend = Simulated::default();
        backend.0.set_faults(store::SimFaults {
            stops_after: Some(changes),
            ..store::SimFaults::default()
        });
        // What opens at all is used until the machine stops.
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut process = Process::start(&backend, 1);
            process.append_all(["one"]);
        }));
        let _ = stopped;
        for seed in 0..4 {
            let mut backend = Simulated(backend.0.power_loss(seed));
            for epoch in 2..6 {
                let mut process = Process::start(&backend, epoch);
                process.append_all(["more"]);
                drop(process);
                backend = Simulated(backend.0.power_loss(seed));
            }
            let mut process = Process::start(&backend, 9);
            assert_eq!(process.report.damaged, []);
            assert!(
                process
                    .payloads()
                    .ends_with(&["more", "more", "more", "more"].map(str::to_owned))
            );
        }
    }
}

#[test]
fn data_of_a_newer_format_is_refused_and_left_alone() {
    check(|backend| {
        write_history(backend);
        let disk = backend.disk().expect("files");
        let last = disk.list("wal").expect("a listing").pop().expect("files");
        let path = format!("wal/{}", last.name);
        let file = disk.open(&path).expect("there");
        let mut header = file.read_at(0, 64).expect("readable").to_vec();
        header[8] = 3;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..]);
        header[12..16].copy_from_slice(&crc.to_le_bytes());
        file.write_at(0, &header).expect("written");
        drop((file, disk));
        check_refused(backend, &path);
    });
    check(|backend| {
        write_history(backend);
        let disk = backend.disk().expect("files");
        let last = disk.list("checkpoint").expect("a listing").pop();
        let path = format!("checkpoint/{}", last.expect("checkpoints").name);
        let file = disk.open(&path).expect("there");
        let mut object = file.read_at(0, usize::MAX).expect("readable").to_vec();
        object[12] = 3;
        let crc = crc32c::crc32c(&object[12..]);
        object[4..8].copy_from_slice(&crc.to_le_bytes());
        file.write_at(0, &object).expect("written");
        drop((file, disk));
        check_refused(backend, &path);
    });
}

fn check_refused(backend: &dyn Backend, path: &str) {
    let content = || {
        let disk = backend.disk().expect("files");
        let file = disk.open(path).expect("there");
        file.read_at(0, usize::MAX).expect("readable")
    };
    let before = content();
    let error = start(backend, 9).map(|_| ()).expect_err("newer");
    assert!(matches!(error, OpenError::NewerFormat { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("newer version") && text.contains("format 3"),
        "{text}"
    );
    assert_eq!(content(), before);
}
