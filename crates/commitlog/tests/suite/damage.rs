//! Bit rot: one flipped bit anywhere is found, costs one batch at most, and is never served.

use crate::backend::{Backend, Simulated, check};
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use std::ops::Range;

const FILE_HEADER: usize = 64;
const BLOCK_HEADER: usize = 64;
const FRAME_HEADER: usize = 40;
/// Each test batch: a header and four bytes, so that three bytes of padding follow.
const PAYLOAD: usize = 61 + 4;
const PADDING: usize = 3 + 4;
const BLOCK: usize = BLOCK_HEADER + FRAME_HEADER + PAYLOAD + PADDING;
const PATH: &str = "wal/00000000000000000001.wal";
const BATCHES: [&str; 4] = ["aaaa", "bbbb", "cccc", "dddd"];

/// What a byte of the WAL belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    FileHeader,
    BlockHeader(usize),
    FrameHeader(usize),
    Payload(usize),
    Padding,
}

fn class(byte: usize) -> Class {
    let Some(byte) = byte.checked_sub(FILE_HEADER) else {
        return Class::FileHeader;
    };
    let (block, byte) = (byte / BLOCK, byte % BLOCK);
    let payload: Range<usize> = BLOCK_HEADER + FRAME_HEADER..BLOCK - PADDING;
    match byte {
        ..BLOCK_HEADER => Class::BlockHeader(block),
        _ if byte < payload.start => Class::FrameHeader(block),
        _ if byte < payload.end => Class::Payload(block),
        _ => Class::Padding,
    }
}

fn flip(backend: &dyn Backend, path: &str, byte: usize) {
    let disk = backend.disk().expect("files");
    let file = disk.open(path).expect("there");
    let old = file.read_at(byte as u64, 1).expect("readable")[0];
    let bit = byte % 8;
    file.write_at(byte as u64, &[old ^ (1 << bit)])
        .expect("flipped");
}

fn write_batches(backend: &dyn Backend) -> Process {
    let mut process = Process::start(backend, 1);
    process.append_all(BATCHES);
    process
}

#[test]
fn any_flipped_bit_of_the_file_being_written_is_found_at_the_next_start() {
    let backend = Simulated::default();
    drop(write_batches(&backend));
    let len = usize::try_from(backend.0.used_bytes()).expect("small");
    assert_eq!(len, FILE_HEADER + BATCHES.len() * BLOCK);
    for byte in 0..len {
        let backend = Simulated(backend.0.process_kill());
        flip(&backend, PATH, byte);
        let mut process = Process::start(&backend, 2);
        let (class, last) = (class(byte), BATCHES.len() - 1);
        // In the last block damage looks like a torn write, and there is nothing behind it to tell.
        let lost = match class {
            Class::Payload(block) | Class::FrameHeader(block) => Some(block),
            Class::BlockHeader(block) if block == last => Some(block),
            _ => None,
        };
        let expected: Vec<_> = (0..BATCHES.len())
            .filter(|block| Some(*block) != lost)
            .map(|block| {
                (
                    i64::try_from(block).expect("small"),
                    1,
                    BATCHES[block].to_owned(),
                )
            })
            .collect();
        assert_eq!(process.content(STREAM), expected, "byte {byte}: {class:?}");
        let report = &process.report;
        let (damaged, torn) = match class {
            Class::Padding => (false, false),
            _ if lost == Some(last) => (false, true),
            _ => (true, false),
        };
        assert_eq!(
            (!report.damaged.is_empty(), report.torn_bytes > 0),
            (damaged, torn),
            "byte {byte}: {class:?}, {report:?}"
        );
        for (file, place) in &report.damaged {
            let byte = u32::try_from(byte).expect("small");
            assert!(
                *file == 1 && place.contains(&byte),
                "byte {byte}: {report:?}"
            );
        }
        let next = process.append(plain("next"));
        let end = if torn { last } else { BATCHES.len() };
        assert_eq!(next, i64::try_from(end).expect("small"));
    }
}

#[test]
fn a_flipped_bit_in_a_file_before_the_last_costs_one_batch_at_most_in_any_place() {
    let backend = Simulated::default();
    drop(write_batches(&backend));
    let mut process = Process::start(&backend, 2);
    process.append(plain("in another file"));
    drop(process);
    for byte in 0..FILE_HEADER + BATCHES.len() * BLOCK {
        let backend = Simulated(backend.0.process_kill());
        flip(&backend, PATH, byte);
        let mut process = Process::start(&backend, 3);
        let class = class(byte);
        let lost = match class {
            Class::Payload(block) | Class::FrameHeader(block) => Some(block),
            _ => None,
        };
        let mut expected = BATCHES.to_vec();
        if let Some(lost) = lost {
            expected.remove(lost);
        }
        expected.push("in another file");
        assert_eq!(process.payloads(), expected, "byte {byte}: {class:?}");
        let report = &process.report;
        assert_eq!(report.torn_bytes, 0);
        assert_eq!(
            report.damaged.is_empty(),
            class == Class::Padding,
            "{report:?}"
        );
    }
}

#[test]
fn damage_under_a_running_or_checkpointed_log_is_found_when_it_is_read() {
    check(|backend| {
        write_batches(backend).close();
        // The payload of the second batch, and the header of the third's frame.
        let frame = |block: usize| FILE_HEADER + block * BLOCK + BLOCK_HEADER;
        flip(backend, PATH, frame(1) + FRAME_HEADER + 63);
        flip(backend, PATH, frame(2) + 33);
        let mut process = Process::start(backend, 2);
        assert_eq!(
            process.report.damaged,
            [],
            "the file is not scanned any more"
        );
        assert_eq!(process.payloads(), ["aaaa", "dddd"]);
        assert_eq!(process.log.figures().damaged_batches, 2);
        assert_eq!(process.read(STREAM, 1, 10)[0].2, "dddd");
    });
}

#[test]
fn lost_files_are_reported() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let large = Recipe {
            payload: &[b'x'; 1500],
            ..PLAIN
        };
        process.open(STREAM);
        for _ in 0..8 {
            process.append(large.build());
        }
        drop(process);
        let disk = backend.disk().expect("files");
        disk.remove("wal/00000000000000000002.wal")
            .expect("removed");
        let shorter = disk.open("wal/00000000000000000003.wal").expect("there");
        shorter
            .truncate(64 + 64 + 40 + 61 + 1500 + 7)
            .expect("cut between blocks");
        drop((shorter, disk));
        let mut process = Process::start(backend, 2);
        assert_eq!(process.report.missing_blocks, 3);
        let offsets: Vec<_> = process
            .content(STREAM)
            .iter()
            .map(|(offset, ..)| *offset)
            .collect();
        assert_eq!(offsets, [0, 1, 4, 6, 7]);
    });
}
