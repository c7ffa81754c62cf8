//! A disk that fills up, and one that fails to sync.

use crate::backend::Simulated;
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use crate::queues::{deposit, settle};
use base::{ShardId, StreamId};
use bytes::Bytes;
use commitlog::{Cell, Closed, CommitError, Cursor, Kind, Refusal, WalError};
use store::SimFaults;

const QUEUE: StreamId = StreamId(5);
/// What records must leave free (the log's own limit), bytes.
const RESERVE: u64 = 64 << 20;

fn set_capacity(backend: &Simulated, capacity: Option<u64>) {
    backend.0.set_faults(SimFaults {
        capacity,
        ..SimFaults::default()
    });
}

#[test]
fn a_nearly_full_disk_refuses_records_and_takes_everything_else() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["one", "two"]);
    set_capacity(&backend, Some(backend.0.used_bytes() + RESERVE));
    let next = process.try_append(STREAM, plain("the last"));
    assert!(next.is_ok(), "nobody has looked yet");
    for _ in 0..3 {
        let refused = process.try_append(STREAM, plain("too much"));
        assert_eq!(refused, Err(Refusal::Full));
    }
    assert!(process.log.figures().full);
    assert_eq!(process.payloads(), ["one", "two", "the last"]);
    let cell = Cell {
        kind: Kind::Group,
        key: Bytes::from("offset"),
        value: Some(Bytes::from("2")),
    };
    let shard = process.log.shard(ShardId(0)).clone();
    process.run(async move { shard.write(vec![cell]).await.expect("taken") });
    process.trim(STREAM, 2);
    process.look_after();
    let first = Recipe {
        producer: Some((7, 0, 0)),
        ..PLAIN
    };
    let second = Recipe {
        producer: Some((7, 0, 1)),
        ..PLAIN
    };
    let refused = process.try_append(STREAM, first.build());
    assert_eq!(refused, Err(Refusal::Full));
    set_capacity(&backend, None);
    process.look_after();
    let early = process.try_append(STREAM, second.build());
    assert_eq!(
        early,
        Err(Refusal::OutOfOrderSequence),
        "the first must come again"
    );
    assert_eq!(process.append(first.build()), 3);
    assert_eq!(process.append(second.build()), 4);
    assert!(!process.log.figures().full);
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_makes_writes_wait_until_there_is_space() {
    for room in [0, 1, 63, 64, 65, 100, 127, 200, 300] {
        let backend = Simulated::default();
        let mut process = Process::start(&backend, 1);
        process.append_all(["one"]);
        set_capacity(&backend, Some(backend.0.used_bytes() + room));
        // Two that fill a file between them, so that a new one is needed while there is no space.
        let large = Recipe {
            payload: &[b'x'; 3000],
            ..PLAIN
        };
        let waiting = [large.build(), large.build(), plain("three")]
            .map(|batch| process.submit(STREAM, &[batch]));
        for _ in 0..2000 {
            process.turn();
        }
        assert!(process.log.failure().borrow().is_none());
        assert_eq!(process.payloads(), ["one"], "reads go on");
        set_capacity(&backend, None);
        for (offset, outcome) in (1..).zip(waiting) {
            let outcomes = process.run(outcome).expect("answered").expect("open");
            let appended = outcomes[0].expect("it was taken before");
            assert_eq!(appended.base_offset, offset, "in order");
        }
        process.append(plain("four"));
        let expected = process.payloads();
        assert_eq!(expected.len(), 5);
        for seed in 0..5 {
            let backend = Simulated(backend.0.power_loss(seed));
            let mut process = Process::start(&backend, 2);
            assert_eq!(process.payloads(), expected);
            assert_eq!(process.report.damaged, []);
        }
    }
}

#[test]
fn a_block_larger_than_a_file_makes_one_file_however_often_it_is_tried() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["one"]);
    set_capacity(&backend, Some(backend.0.used_bytes() + 100));
    let large = Recipe {
        payload: &[b'x'; 9000],
        ..PLAIN
    };
    let waiting = process.submit(STREAM, &[large.build()]);
    for _ in 0..5000 {
        process.turn();
    }
    set_capacity(&backend, None);
    process.run(waiting).expect("answered").expect("open");
    let disk = std::sync::Arc::new(backend.0.clone());
    assert_eq!(
        store::Disk::list(&*disk, "wal").expect("a listing").len(),
        2
    );
    for seed in 0..10 {
        let mut process = Process::start(&Simulated(backend.0.power_loss(seed)), 2);
        assert_eq!(
            (process.payloads().len(), &process.report.damaged),
            (2, &vec![])
        );
    }
}

#[test]
fn a_failed_sync_ends_the_log_and_is_never_tried_again() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["one", "two"]);
    let mut failure = process.log.failure();
    assert!(failure.borrow_and_update().is_none());
    backend.0.set_faults(SimFaults {
        sync_fails: true,
        ..SimFaults::default()
    });
    let waiting: Vec<_> = (0..3)
        .map(|_| process.submit(STREAM, &[plain("lost or not")]))
        .collect();
    for outcome in waiting {
        assert_eq!(process.run(outcome).expect("answered"), Err(Closed));
    }
    assert!(matches!(
        *failure.borrow_and_update(),
        Some(WalError::Failed(_))
    ));
    // The next sync would succeed and prove nothing.
    backend.0.set_faults(SimFaults::default());
    let blocks = process.log.figures().wal_blocks;
    let outcome = process.submit(STREAM, &[plain("too late")]);
    assert_eq!(process.run(outcome).expect("answered"), Err(Closed));
    let shard = process.shard();
    let outcome = process.run(async move { shard.write(Vec::new()).await });
    assert_eq!(outcome, Err(Closed));
    let shard = process.shard();
    let outcome = process.run(async move { shard.trim(STREAM, 1).await });
    assert_eq!(outcome, Err(Closed));
    assert_eq!(process.log.figures().wal_blocks, blocks);
    assert_eq!(process.payloads(), ["one", "two"], "reads go on");
    drop(process);

    for seed in 0..10 {
        let after_loss = Simulated(backend.0.power_loss(seed));
        let mut process = Process::start(&after_loss, 2);
        assert_eq!(process.payloads(), ["one", "two"]);
        assert_eq!(process.append(plain("three")), 2);
    }
    // The page cache still shows the block. It may be taken, but then it must be made durable first.
    let after_kill = Simulated(backend.0.process_kill());
    let mut process = Process::start(&after_kill, 2);
    let shown = process.payloads();
    drop(process);
    for seed in 0..10 {
        let mut process = Process::start(&Simulated(after_kill.0.power_loss(seed)), 3);
        assert_eq!(process.payloads(), shown, "what was shown is there");
    }
}

#[test]
fn a_nearly_full_disk_still_takes_what_a_queue_has_taken_already() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.append_all(["one"]);
    process.open_queue(QUEUE);
    set_capacity(&backend, Some(backend.0.used_bytes() + RESERVE));
    process.look_after();
    let _ = process.try_append(STREAM, plain("too much"));
    let refused = process.try_append(STREAM, plain("too much"));
    assert_eq!(refused, Err(Refusal::Full));
    process.commit(vec![deposit([(QUEUE, 0)], plain("taken"))]);
    // Not a byte is left: the commit waits, and with it whoever comes after.
    set_capacity(&backend, Some(backend.0.used_bytes() + 50));
    let entries = vec![settle(QUEUE, 0..1), deposit([(QUEUE, 1)], plain("waits"))];
    let mut waiting = process.submit_commit(entries);
    for _ in 0..2000 {
        process.turn();
    }
    waiting.try_recv().expect_err("not durable yet");
    let bounds = process.log.stream(QUEUE).expect("there").bounds();
    assert_eq!((bounds.log_start, bounds.high_watermark), (0, 1));
    set_capacity(&backend, None);
    assert_eq!(process.run(waiting).expect("answered"), Ok(()));
    for seed in 0..5 {
        let backend = Simulated(backend.0.power_loss(seed));
        let mut process = Process::start(&backend, 2);
        assert_eq!(process.placed(QUEUE), [(1, "waits".to_owned())]);
        assert_eq!(process.open_queue(QUEUE), Cursor::new(1));
    }
}

#[test]
fn a_commit_whose_sync_fails_is_not_answered_as_made() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.open_queue(QUEUE);
    process.commit(vec![deposit([(QUEUE, 0)], plain("one"))]);
    backend.0.set_faults(SimFaults {
        sync_fails: true,
        ..SimFaults::default()
    });
    let entries = vec![settle(QUEUE, 0..1), deposit([(QUEUE, 1)], plain("two"))];
    let outcome = process.try_commit(entries);
    assert_eq!(outcome, Err(CommitError::Closed(Closed)));
    assert_eq!(
        process.placed(QUEUE),
        [(0, "one".to_owned())],
        "reads go on"
    );
    for seed in 0..10 {
        let backend = Simulated(backend.0.power_loss(seed));
        let mut process = Process::start(&backend, 2);
        assert_eq!(process.placed(QUEUE), [(0, "one".to_owned())]);
        assert_eq!(process.open_queue(QUEUE), Cursor::default());
    }
}
