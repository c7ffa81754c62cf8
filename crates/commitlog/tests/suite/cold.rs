//! Data that is no longer in memory: through index pages and chunks of files.

use crate::backend::check;
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM, Start};
use bytes::Bytes;

/// Large enough for chunks of a file to matter.
const LARGE_FILE: u32 = 4 << 20;

fn start(backend: &dyn crate::backend::Backend, epoch: u32) -> Process {
    let start = Start {
        epoch,
        file_bytes_max: LARGE_FILE,
        ..Start::default()
    };
    Process::try_start(backend, start).expect("the log opens")
}

#[test]
fn batches_that_lie_across_chunks_are_read_whole() {
    check(|backend| {
        let mut process = start(backend, 1);
        process.open(STREAM);
        // A chunk has 256 KiB: some batches lie in one, in two, or in three.
        let lens = [10_usize, 100_000, 200_000, 600_000, 5, 262_144, 262_143];
        for (number, len) in lens.iter().enumerate() {
            let payload = vec![b'a' + u8::try_from(number).expect("few"); *len];
            let batch = Recipe {
                payload: &payload,
                ..PLAIN
            };
            process.append(batch.build());
        }
        process.close();
        for epoch in 2..4 {
            let mut process = start(backend, epoch);
            for _ in 0..2 {
                let content = process.content(STREAM);
                let found: Vec<_> = content
                    .iter()
                    .map(|(_, _, payload)| (payload.as_bytes()[0], payload.len()))
                    .collect();
                let expected: Vec<_> = (b'a'..).zip(lens).collect();
                assert_eq!(found, expected);
            }
            assert_eq!(process.log.figures().damaged_batches, 0);
        }
    });
}

#[test]
fn a_stream_with_several_pages_in_a_file_is_found_by_every_offset() {
    const BATCHES: i64 = 9000;
    check(|backend| {
        let mut process = start(backend, 1);
        process.open(STREAM);
        for part in 0..9 {
            let batches: Vec<Bytes> = (0..BATCHES / 9)
                .map(|number| plain(&format!("{}", part * (BATCHES / 9) + number)))
                .collect();
            let outcome = process.submit(STREAM, &batches);
            process.run(outcome).expect("an answer").expect("open");
        }
        process.close();
        let mut process = start(backend, 2);
        assert!(process.report.frames <= 1, "nothing is replayed");
        for offset in [0, 1, 4095, 4096, 4097, 8191, 8192, BATCHES - 1] {
            let found = process.read(STREAM, offset, 1);
            assert_eq!(found, [(offset, 1, offset.to_string())]);
        }
        let content = process.content(STREAM);
        let in_order = content
            .iter()
            .enumerate()
            .all(|(at, (offset, _, payload))| at.to_string() == *payload && *offset == at as i64);
        assert!(in_order && content.len() == 9000);
        process.trim(STREAM, 5000);
        assert_eq!(process.content(STREAM)[0].0, 5000);
    });
}

#[test]
fn a_reader_at_old_data_and_a_writer_do_not_disturb_each_other() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let payloads: Vec<String> = (0..40).map(|number| format!("{number:0300}")).collect();
        process.append_all(payloads.iter().map(String::as_str));
        drop(process);
        let mut process = Process::start(backend, 2);
        for (round, payload) in payloads.iter().enumerate() {
            let offset = i64::try_from(round).expect("small");
            assert_eq!(process.read(STREAM, offset, 1)[0].2, *payload);
            process.append(plain("new"));
            if round % 7 == 0 {
                process.look_after();
            }
        }
        assert_eq!(process.payloads()[..40], payloads);
        assert_eq!(process.payloads().len(), 80);
    });
}
