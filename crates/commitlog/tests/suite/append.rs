//! Offsets, order, retries and what readers see.

use crate::backend::check;
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use base::{Epoch, StreamId};
use bytes::Bytes;
use commitlog::{Appended, Bounds, Policy, ReadError, Refusal};
use futures_util::FutureExt;
use kafka_wire::record_batch::BatchHeader;
use std::sync::Arc;
use tokio::sync::Notify;

#[test]
fn batches_get_dense_offsets_and_are_read_back_from_any_offset() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let stream = process.open(STREAM);
        let three = Recipe {
            records: 3,
            payload: b"three",
            ..PLAIN
        };
        assert_eq!(process.append(plain("one")), 0);
        assert_eq!(process.append(three.build()), 1);
        assert_eq!(process.append(plain("last")), 4);
        let bounds = Bounds {
            log_start: 0,
            high_watermark: 5,
        };
        assert_eq!(stream.bounds(), bounds);
        let all = [(0, 1, "one"), (1, 1, "three"), (4, 1, "last")]
            .map(|(offset, epoch, payload)| (offset, epoch, payload.to_owned()));
        assert_eq!(process.content(STREAM), all);
        assert_eq!(process.read(STREAM, 3, usize::MAX), all[1..]);
        assert_eq!(process.read(STREAM, 5, usize::MAX), []);
        assert_eq!(process.read(STREAM, 0, 1), all[..1], "one batch at least");
        let two_batches = plain("one").len() + three.build().len();
        assert_eq!(process.read(STREAM, 0, two_batches), all[..2]);
        assert_eq!(process.read(STREAM, 0, two_batches - 1), all[..1]);
        for offset in [-1, 6] {
            let (log, stream) = (process.log.clone(), stream.clone());
            let outcome = process.run(async move { log.read(&stream, offset, 100).await });
            assert!(
                matches!(
                    outcome,
                    Err(ReadError::OutOfRange {
                        log_start: 0,
                        high_watermark: 5
                    })
                ),
                "{outcome:?}"
            );
        }
    });
}

#[test]
fn one_request_holds_batches_of_several_streams_and_each_has_its_own_outcome() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        process.open(STREAM);
        process.open(StreamId(2));
        let shard = process.shard();
        let batch = |stream, bytes| commitlog::Batch {
            stream: StreamId(stream),
            bytes,
        };
        let request = vec![
            batch(1, plain("a")),
            batch(9, plain("nowhere")),
            batch(2, plain("b")),
            batch(1, Bytes::from_static(b"no batch")),
            batch(1, [plain("x"), plain("y")].concat().into()),
            batch(1, plain("c")),
        ];
        let outcome = process.run(shard.append(request)).expect("open");
        let outcomes = process.run(outcome).expect("an answer").expect("open");
        let outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.map(|appended| appended.base_offset))
            .collect();
        assert_eq!(
            outcomes,
            [
                Ok(0),
                Err(Refusal::NoStream),
                Ok(0),
                Err(Refusal::Malformed),
                Err(Refusal::Malformed),
                Ok(1)
            ]
        );
        assert_eq!(process.payloads(), ["a", "c"]);
        assert_eq!(process.log.figures().wal_blocks, 1, "one sync for all");
    });
}

#[test]
fn nothing_is_shown_before_it_is_durable_and_then_readers_are_told() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let stream = process.open(STREAM);
        let (kept, forgotten) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        stream.notify_next(&kept);
        stream.notify_next(&forgotten);
        stream.forget(&forgotten);
        let shard = process.shard();
        let batch = commitlog::Batch {
            stream: STREAM,
            bytes: plain("one"),
        };
        // The request is in the shard's mailbox, and no task has run since.
        let append = shard.append(vec![batch]).now_or_never();
        let mut outcome = append.expect("there is room").expect("open");
        assert_eq!(stream.bounds().high_watermark, 0);
        outcome.try_recv().expect_err("not durable yet");
        while outcome.try_recv().is_err() {
            assert_eq!(stream.bounds().high_watermark, 0);
            process.turn();
        }
        assert_eq!(stream.bounds().high_watermark, 1);
        process.run(kept.notified());
        assert!(forgotten.notified().now_or_never().is_none());
    });
}

#[test]
fn retries_of_idempotent_producers_are_recognised_across_restarts() {
    check(|backend| {
        let batch = |sequence, records| {
            Recipe {
                producer: Some((7, 0, sequence)),
                records,
                ..PLAIN
            }
            .build()
        };
        let mut process = Process::start(backend, 1);
        process.open(STREAM);
        assert_eq!(process.append(batch(0, 2)), 0);
        assert_eq!(process.append(batch(2, 1)), 2);
        for epoch in 2..5 {
            // After a replay, after a checkpoint, and after both.
            if epoch == 3 {
                process.close();
            } else {
                drop(process);
            }
            process = Process::start(backend, epoch);
            assert_eq!(process.append(batch(0, 2)), 0, "epoch {epoch}");
            assert_eq!(process.append(batch(2, 1)), 2, "epoch {epoch}");
            let outcome = process.try_append(STREAM, batch(9, 1));
            assert_eq!(outcome, Err(Refusal::OutOfOrderSequence));
            let old = Recipe {
                producer: Some((7, -1, 3)),
                ..PLAIN
            };
            let outcome = process.try_append(STREAM, old.build());
            assert_eq!(outcome, Err(Refusal::OldProducerEpoch));
        }
        assert_eq!(process.append(batch(3, 1)), 3);
        assert_eq!(process.content(STREAM).len(), 3);
    });
}

#[test]
fn a_duplicate_is_answered_after_its_original_is_durable() {
    check(|backend| {
        let batch = Recipe {
            producer: Some((7, 0, 0)),
            ..PLAIN
        }
        .build();
        let mut process = Process::start(backend, 1);
        process.open(STREAM);
        let mut first = process.submit(STREAM, std::slice::from_ref(&batch));
        let mut second = process.submit(STREAM, &[batch]);
        loop {
            let (original, duplicate) = (first.try_recv(), second.try_recv());
            if let Ok(outcome) = duplicate {
                let appended = Appended {
                    base_offset: 0,
                    log_append_time: None,
                };
                assert_eq!(original.expect("answered"), Ok(vec![Ok(appended)]));
                assert_eq!(outcome, Ok(vec![Ok(appended)]));
                break;
            }
            if original.is_ok() {
                // Both were answered in this turn, or the original alone: either is in order.
                let outcome = process.run(second).expect("answered");
                assert!(outcome.is_ok());
                break;
            }
            process.turn();
        }
        assert_eq!(process.content(STREAM).len(), 1);
    });
}

#[test]
fn every_start_is_an_epoch_of_its_own() {
    check(|backend| {
        for epoch in [1, 2, 5] {
            let mut process = Process::start(backend, epoch);
            process.append_all([&*format!("under {epoch}"), "again"]);
        }
        let mut process = Process::start(backend, 6);
        let epochs: Vec<_> = process
            .content(STREAM)
            .into_iter()
            .map(|(offset, epoch, _)| (offset, epoch))
            .collect();
        assert_eq!(epochs, [(0, 1), (1, 1), (2, 2), (3, 2), (4, 5), (5, 5)]);
        let stream = process.open(STREAM);
        let starts = [(Epoch(1), 0), (Epoch(2), 2), (Epoch(5), 4)];
        assert_eq!(stream.epochs(), starts);
        assert_eq!(stream.epoch_at(3), Some(Epoch(2)));
        process.trim(STREAM, 3);
        let starts = [(Epoch(2), 3), (Epoch(5), 4)];
        assert_eq!(stream.epochs(), starts, "with the start moved up");
        process.close();
        let mut process = Process::start(backend, 7);
        assert_eq!(process.open(STREAM).epochs(), starts);
    });
}

#[test]
fn log_append_time_stamps_batches_and_keeps_them_sound() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        let stream = process.open(STREAM);
        let policy = Policy {
            log_append_time: true,
            ..Policy::default()
        };
        stream.set_policy(policy);
        assert_eq!(stream.policy(), policy);
        let appended = process.try_append(STREAM, plain("now")).expect("taken");
        let stamp = appended.log_append_time.expect("stamped").0;
        assert!(stamp > PLAIN.timestamp && stamp <= process.wall());
        let log = process.log.clone();
        let batches = process.run(async move { log.read(&stream, 0, 1000).await });
        let batch = batches.expect("readable").remove(0);
        let header = BatchHeader::parse(&batch).expect("a batch");
        header.verify(&batch).expect("with a renewed checksum");
        assert!(header.is_log_append_time());
        assert_eq!(header.max_timestamp, stamp);
        assert_eq!(
            process.log.stream(STREAM).expect("there").max_timestamp(),
            Some(stamp)
        );
    });
}

#[test]
fn batches_are_found_by_their_time() {
    check(|backend| {
        let mut process = Process::start(backend, 1);
        process.open(STREAM);
        // Each in a file of its own nearly, and out of order.
        for timestamp in [10, 30, 20, 40, 15] {
            let payload = [b'x'; 3000];
            let batch = Recipe {
                timestamp,
                payload: &payload,
                ..PLAIN
            };
            process.append(batch.build());
        }
        for sealed in [false, true] {
            if sealed {
                process.look_after();
            }
            for (timestamp, from, expected) in [
                (5, 0, Some(0)),
                (11, 0, Some(1)),
                (30, 0, Some(1)),
                (31, 0, Some(3)),
                (41, 0, None),
                (11, 2, Some(2)),
                (15, 4, Some(4)),
                (16, 4, None),
            ] {
                let (log, stream) = (process.log.clone(), process.open(STREAM));
                let found = async move { log.batch_at_timestamp(&stream, timestamp, from).await };
                let found = process.run(found).expect("readable");
                let offset = found.map(|batch| crate::batch::describe(&batch).0);
                assert_eq!(
                    offset, expected,
                    "time {timestamp} from {from}, sealed {sealed}"
                );
            }
        }
    });
}
