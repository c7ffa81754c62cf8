//! Which WAL files a queue keeps, what a start reads of them, and what damage in them costs.

use crate::backend::{Backend, Simulated, check};
use crate::batch::{PLAIN, Recipe, plain};
use crate::process::{Process, STREAM};
use crate::queues::{deposit, settle};
use base::{Offset, StreamId};
use bytes::Bytes;
use commitlog::{Cursor, Deposit, Entry, Place};
use store::Disk;

/// Three of these fill a file.
fn large() -> Bytes {
    let payload = &[b'x'; 1000];
    Recipe { payload, ..PLAIN }.build()
}

/// The next offset of each queue; they all get the same messages.
struct Queues {
    ids: Vec<StreamId>,
    next: Offset,
}

impl Queues {
    fn open(process: &mut Process, count: u64, next: Offset) -> Self {
        let ids: Vec<_> = (1..=count).map(StreamId).collect();
        for id in &ids {
            process.open_queue(*id);
        }
        Self { ids, next }
    }

    /// Deposits messages into all queues, one block for each.
    fn fill(&mut self, process: &mut Process, messages: usize) {
        for _ in 0..messages {
            let place = |stream: &StreamId| Place {
                stream: *stream,
                offset: self.next,
            };
            let places = self.ids.iter().map(place).collect();
            let batch = large();
            process.commit(vec![Entry::Deposit(Deposit { places, batch })]);
            self.next += 1;
        }
    }

    /// Writes as much as lets every file before go that nothing refers to.
    fn pass(&mut self, process: &mut Process) {
        for _ in 0..2 {
            self.fill(process, 4);
            process.look_after();
        }
        process.retain(0);
    }
}

fn numbers(disk: &dyn Disk, directory: &str) -> Vec<u64> {
    let entries = disk.list(directory).expect("a listing").into_iter();
    let number = |entry: store::Entry| {
        entry
            .name
            .trim_end_matches(".wal")
            .parse()
            .expect("a number")
    };
    entries.map(number).collect()
}

/// The files that hold these messages: three are in a file.
fn files_of(offsets: &[Offset]) -> Vec<u64> {
    let file = |offset: &Offset| u64::try_from(*offset / 3 + 1).expect("positive");
    offsets.iter().map(file).collect()
}

#[test]
fn a_stuck_message_keeps_its_own_file_only() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    let mut queue = Queues::open(&mut process, 1, 0);
    queue.fill(&mut process, 40);
    // Half of it before the files are complete, and half of it later.
    process.commit(vec![settle(STREAM, 0..7), settle(STREAM, 8..20)]);
    process.look_after();
    process.retain(0);
    process.commit(vec![settle(STREAM, 20..31), settle(STREAM, 32..40)]);
    queue.pass(&mut process);
    process.commit(vec![settle(STREAM, 40..queue.next)]);
    queue.pass(&mut process);
    let kept = |backend: &Simulated, head: usize| numbers(&backend.0, "wal")[..head].to_vec();
    assert_eq!(kept(&backend, 2), files_of(&[7, 31]));
    let files = numbers(&backend.0, "wal").len();
    assert!(files <= 2 + 6, "{files} are left");
    for epoch in 2..4 {
        if epoch == 2 {
            drop(process);
        } else {
            process.close();
        }
        process = Process::start(&backend, epoch);
        let (cursor, next) = (process.open_queue(STREAM), queue.next);
        let stuck: Vec<_> = cursor.unsettled(0..next).take(2).collect();
        assert_eq!((stuck, cursor.floor()), (vec![7, 31], 7));
        for offset in [7, 31] {
            assert_eq!(process.placed_from(STREAM, offset)[0].0, offset);
        }
        process.retain(0);
        assert_eq!(kept(&backend, 2), files_of(&[7, 31]), "epoch {epoch}");
    }
    // A start does not know what the older checkpoint needs; two more, and it goes on.
    queue.pass(&mut process);
    process.commit(vec![settle(STREAM, 31..32)]);
    process.retain(0);
    assert_eq!(kept(&backend, 1), files_of(&[7]));
    assert!(kept(&backend, 2)[1] > files_of(&[40])[0]);
    process.commit(vec![settle(STREAM, 7..8)]);
    process.retain(0);
    let first = kept(&backend, 1)[0];
    assert!(first > files_of(&[40])[0]);
    let indexes = numbers(&backend.0, "index");
    assert!(
        indexes[0] >= first,
        "an index goes with its file: {indexes:?}"
    );
}

#[test]
fn a_small_stuck_message_is_moved_and_keeps_no_file_at_all() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    let (first, second) = (STREAM, StreamId(2));
    let mut queue = Queues::open(&mut process, 1, 0);
    process.open_queue(second);
    // Two small messages in the first file; one of them lies in another queue as well.
    process.commit(vec![
        deposit([(first, 0)], plain("stuck")),
        deposit([(first, 1), (second, 0)], plain("shared")),
    ]);
    queue.next = 2;
    queue.fill(&mut process, 9);
    process.commit(vec![deposit([(first, 11)], plain("later"))]);
    queue.next = 12;
    queue.fill(&mut process, 9);
    process.commit(vec![settle(first, 2..11), settle(first, 12..21)]);
    let mut end = queue.next;
    for epoch in 2..8 {
        // The rest is settled, so that only what is stuck is wanted of any file.
        queue.pass(&mut process);
        process.commit(vec![settle(first, end..queue.next)]);
        end = queue.next;
        process.retain(0);
        for (offset, text) in [(0, "stuck"), (1, "shared"), (11, "later")] {
            let found = process.placed_from(first, offset)[0].clone();
            assert_eq!(found, (offset, text.to_owned()), "epoch {epoch}");
        }
        assert_eq!(
            process.placed(second),
            [(0, "shared".to_owned())],
            "epoch {epoch}"
        );
        assert_eq!(
            process.open_queue(second),
            Cursor::default(),
            "epoch {epoch}"
        );
        if epoch % 2 == 0 {
            drop(process);
        } else {
            process.close();
        }
        if epoch == 6 {
            let disk = backend.disk().expect("files");
            for index in numbers(&*disk, "index") {
                disk.remove(&format!("index/{index:020}")).expect("removed");
            }
        }
        process = Process::start(&backend, epoch);
    }
    for _ in 0..3 {
        queue.pass(&mut process);
        process.commit(vec![settle(first, end..queue.next)]);
        end = queue.next;
    }
    for _ in 0..20 {
        process.retain(0);
    }
    // What was moved is together in one file, of which it is too much by now to be moved again.
    let files = numbers(&backend.0, "wal");
    let old = files.iter().filter(|file| **file < 30).count();
    assert!(files[0] > 4 && old <= 1, "{files:?}");
    // What is settled after it was moved is settled.
    process.commit(vec![settle(first, 0..12), settle(second, 0..1)]);
    drop(process);
    let mut process = Process::start(&backend, 9);
    assert_eq!(process.placed(second), []);
    assert!(process.open_queue(first).floor() >= 12);
}

#[test]
fn of_ten_queues_the_one_that_nobody_reads_alone_keeps_files() {
    const UNREAD: usize = 6;
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    let mut queues = Queues::open(&mut process, 10, 0);
    queues.fill(&mut process, 6);
    // From here on nine get what the tenth does not.
    let unread = queues.ids.remove(UNREAD);
    queues.next = 6;
    queues.fill(&mut process, 30);
    let done = |queues: &Queues| {
        queues
            .ids
            .iter()
            .map(|id| settle(*id, 0..queues.next))
            .collect()
    };
    process.commit(done(&queues));
    queues.pass(&mut process);
    process.commit(done(&queues));
    queues.pass(&mut process);
    let check = |process: &mut Process, backend: &Simulated| {
        process.retain(0);
        let files = numbers(&backend.0, "wal");
        let old: Vec<_> = files.iter().filter(|file| **file <= 12).collect();
        assert_eq!(
            old,
            [&1, &2],
            "its six messages are in two files: {files:?}"
        );
        assert_eq!(process.placed(unread).len(), 6);
    };
    check(&mut process, &backend);
    drop(process);
    let mut process = Process::start(&backend, 2);
    check(&mut process, &backend);
    // A queue that is removed keeps nothing.
    let shard = process.shard();
    process.run(async move { shard.remove(unread).await.expect("open") });
    queues.pass(&mut process);
    assert!(numbers(&backend.0, "wal")[0] > 12);
}

#[test]
fn a_reader_of_what_is_being_settled_is_not_told_that_a_file_is_missing() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    let mut queue = Queues::open(&mut process, 1, 0);
    queue.fill(&mut process, 30);
    process.look_after();
    drop(process);
    let mut process = Process::start(&backend, 2);
    process.open_queue(STREAM);
    process.commit(vec![settle(STREAM, 1..20)]);
    queue.pass(&mut process);
    queue.pass(&mut process);
    let found = process.placed(STREAM);
    let mut offsets = found.iter().map(|(offset, _)| *offset);
    // What lies beside something unsettled in a page of the index is still found.
    assert_eq!(offsets.next(), Some(0));
    let after = offsets.find(|offset| *offset > 2);
    assert_eq!(
        (after, offsets.next_back()),
        (Some(18), Some(queue.next - 1))
    );
    let from_within = process.placed_from(STREAM, 5)[0].0;
    assert_eq!(from_within, 18, "the next that is there");
}

#[test]
fn a_start_reads_a_backlog_of_any_length_from_the_last_checkpoint_on() {
    check(|backend| {
        let mut scanned = Vec::new();
        for epoch in 1..5 {
            let mut process = Process::start(backend, epoch);
            let next = process.open(STREAM).bounds().high_watermark;
            let mut queue = Queues::open(&mut process, 2, next);
            for _ in 0..30 {
                queue.fill(&mut process, 1);
                // One of two is settled, at once or not before the rest; the other queue is never read.
                process.commit(vec![settle(STREAM, queue.next - 1..queue.next)]);
                process.look_after();
            }
            scanned.push((process.report.files_scanned, process.report.frames));
            assert_eq!(process.open_queue(STREAM), Cursor::new(queue.next));
            assert_eq!(process.open_queue(StreamId(2)), Cursor::default());
        }
        let mut process = Process::start(backend, 5);
        scanned.push((process.report.files_scanned, process.report.frames));
        assert!(process.report.files > 40, "{:?}", process.report);
        for (files, frames) in &scanned[1..] {
            assert!(*files <= 2 && *frames <= 12, "{scanned:?}");
        }
        assert_eq!(process.placed(StreamId(2)).len(), 120);
    });
}

#[test]
fn a_commit_that_was_torn_is_gone_with_all_of_its_entries() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.open_queue(STREAM);
    process.open_queue(StreamId(2));
    process.commit(vec![deposit([(STREAM, 0)], plain("kept"))]);
    let path = "wal/00000000000000000001.wal";
    let len = || {
        backend
            .0
            .open(path)
            .expect("there")
            .len()
            .expect("a length")
    };
    let start = len();
    process.commit(vec![
        deposit([(STREAM, 1), (StreamId(2), 0)], plain("torn")),
        settle(STREAM, 0..1),
    ]);
    let end = len();
    drop(process);
    for kept in start..end {
        let torn = Simulated(backend.0.process_kill());
        torn.0
            .open(path)
            .expect("there")
            .truncate(kept)
            .expect("torn");
        let mut process = Process::start(&torn, 2);
        assert_eq!(process.report.damaged, []);
        assert_eq!(
            process.open_queue(STREAM),
            Cursor::default(),
            "cut at {kept}"
        );
        assert_eq!(process.placed(STREAM), [(0, "kept".to_owned())]);
        process.open_queue(StreamId(2));
        process.commit(vec![
            deposit([(STREAM, 1), (StreamId(2), 0)], plain("again")),
            settle(STREAM, 0..1),
        ]);
        assert_eq!(process.placed(StreamId(2)), [(0, "again".to_owned())]);
    }
}

/// Three blocks: a deposit into two queues between one into the first and one into the second.
fn write_three(backend: &dyn Backend) -> (Process, [u64; 4]) {
    let mut process = Process::start(backend, 1);
    process.open_queue(STREAM);
    process.open_queue(StreamId(2));
    let mut ends = [64; 4];
    for (at, entries) in [
        deposit([(STREAM, 0)], plain("first")),
        deposit([(STREAM, 1), (StreamId(2), 0)], plain("both")),
        deposit([(StreamId(2), 1)], plain("second")),
    ]
    .into_iter()
    .enumerate()
    {
        process.commit(vec![entries]);
        let bytes = process.log.figures().wal_bytes;
        ends[at + 1] = 64 + bytes;
    }
    (process, ends)
}

#[test]
fn a_flipped_bit_of_a_deposit_costs_its_streams_that_deposit_and_nothing_else() {
    for closed in [false, true] {
        let backend = Simulated::default();
        let (process, ends) = write_three(&backend);
        if closed {
            // The file is not scanned any more: what is damaged is found when it is read.
            process.close();
        } else {
            drop(process);
            // Another file follows, so no tail is torn.
            let mut process = Process::start(&backend, 2);
            process.open(StreamId(3));
            process
                .try_append(StreamId(3), plain("other file"))
                .expect("taken");
        }
        let place = |offset, payload: &str| (offset, payload.to_owned());
        // Frame header, batch, and the list of two places; the block's header and padding are not served.
        let frame = ends[1] + 64..ends[1] + 64 + 40 + 65 + 4 + 2 * 16;
        for byte in frame.clone() {
            let damaged = Simulated(backend.0.process_kill());
            let path = "wal/00000000000000000001.wal";
            let at = usize::try_from(byte).expect("small");
            assert!(damaged.0.flip_bit(path, at, byte.to_le_bytes()[0] % 8));
            let mut process = Process::start(&damaged, 3);
            let found = [process.placed(STREAM), process.placed(StreamId(2))];
            // An index says where it lies, so most of its frame's header is not looked at again.
            let whole = closed && byte < frame.start + 40 && found[0].len() == 2;
            let both = |offset| whole.then(|| place(offset, "both"));
            let first: Vec<_> = [place(0, "first")].into_iter().chain(both(1)).collect();
            let second: Vec<_> = both(0).into_iter().chain([place(1, "second")]).collect();
            assert_eq!(found, [first, second], "byte {byte}, closed {closed}");
        }
    }
}

#[test]
fn a_queue_goes_on_behind_a_damaged_deposit_that_was_settled() {
    let backend = Simulated::default();
    let mut process = Process::start(&backend, 1);
    process.open_queue(STREAM);
    process.commit(vec![deposit([(STREAM, 0)], plain("kept"))]);
    let damaged = 64 + process.log.figures().wal_bytes + 64 + 40 + 30;
    process.commit(vec![deposit([(STREAM, 1)], plain("lost"))]);
    process.commit(vec![settle(STREAM, 1..2)]);
    drop(process);
    let backend = Simulated(backend.0.process_kill());
    let at = usize::try_from(damaged).expect("small");
    assert!(backend.0.flip_bit("wal/00000000000000000001.wal", at, 3));
    for epoch in [2, 3] {
        let mut process = Process::start(&backend, epoch);
        process.open_queue(STREAM);
        // Where the queue is told that it ends is where the log takes its next deposit.
        let next = process.log.stream(STREAM).expect("a queue").bounds();
        assert_eq!(next.high_watermark, Offset::from(epoch));
        let more = deposit([(STREAM, next.high_watermark)], plain("more"));
        assert_eq!(process.try_commit(vec![more]), Ok(()));
    }
}
