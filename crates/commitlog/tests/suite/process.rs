//! One process that has the log open, and everything that runs in it.

use crate::backend::Backend;
use crate::batch::describe;
use base::{BoxFuture, Clock, Epoch, Incarnation, Monotonic, Offset, ShardId, StreamId, Timestamp};
use bytes::Bytes;
use commitlog::{
    AppendOutcome, Appended, Batch, Cells, Ground, Log, OpenError, Opened, Options, Refusal,
    Report, ShardHandle, Stream,
};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::oneshot;

pub(crate) const STREAM: StreamId = StreamId(1);
/// Small enough for tests to fill several.
pub(crate) const FILE_BYTES_MAX: u32 = 4096;
const WALL_START_MS: i64 = 1_000_000;

/// A clock that passes while a process waits.
#[derive(Debug, Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Monotonic {
        Monotonic(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> Timestamp {
        Timestamp(WALL_START_MS + i64::try_from(self.now().0).expect("early"))
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<'static, ()> {
        let mut polls_left = deadline.0.saturating_sub(self.now().0);
        Box::pin(poll_fn(move |context| {
            polls_left = polls_left.saturating_sub(1);
            if polls_left == 0 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

/// What a process is started with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) epoch: u32,
    pub(crate) shards: u16,
    pub(crate) file_bytes_max: u32,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            epoch: 1,
            shards: 2,
            file_bytes_max: FILE_BYTES_MAX,
        }
    }
}

/// The process.
pub(crate) struct Process {
    pub(crate) log: Arc<Log>,
    pub(crate) report: Report,
    pub(crate) cells: BTreeMap<ShardId, Cells>,
    clock: Arc<TestClock>,
    tasks: Vec<BoxFuture<'static, ()>>,
}

fn poll<T>(future: std::pin::Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

impl Process {
    pub(crate) fn try_start(backend: &dyn Backend, start: Start) -> Result<Self, OpenError> {
        let incarnation = Incarnation(u128::from(start.epoch) << 80 | 0xfeed);
        let (wal, objects) = backend.open(incarnation, start.file_bytes_max);
        let clock = Arc::new(TestClock::default());
        let ground = Ground {
            wal,
            objects,
            clock: clock.clone(),
        };
        let options = Options {
            incarnation,
            epoch: Epoch(start.epoch),
            shards: start.shards,
            producer_expiration: Duration::from_secs(3600),
        };
        let mut opening = pin!(Log::open(options, ground, &|_| {}));
        let Poll::Ready(opened) = poll(opening.as_mut()) else {
            panic!("work in place never waits")
        };
        let Opened {
            log,
            cells,
            report,
            tasks,
        } = opened?;
        Ok(Self {
            log,
            report,
            cells,
            clock,
            tasks,
        })
    }

    /// Starts a process under `epoch`.
    pub(crate) fn start(backend: &dyn Backend, epoch: u32) -> Self {
        let start = Start {
            epoch,
            ..Start::default()
        };
        Self::try_start(backend, start).expect("the log opens")
    }

    /// Runs the log's tasks once; they need no waking.
    pub(crate) fn turn(&mut self) {
        self.clock.0.fetch_add(1, Ordering::Relaxed);
        self.tasks
            .retain_mut(|task| poll(task.as_mut()).is_pending());
    }

    /// Runs a future to its end.
    pub(crate) fn run<T>(&mut self, future: impl Future<Output = T>) -> T {
        const TURNS_MAX: usize = 10_000;
        let mut future = pin!(future);
        for _ in 0..TURNS_MAX {
            if let Poll::Ready(value) = poll(future.as_mut()) {
                return value;
            }
            self.turn();
        }
        panic!("it waits for ever");
    }

    pub(crate) fn shard(&self) -> ShardHandle {
        self.log.shard(ShardId(1)).clone()
    }

    pub(crate) fn open(&mut self, stream: StreamId) -> Arc<Stream> {
        let shard = self.shard();
        self.run(async move { shard.open(stream).await.expect("open") })
    }

    /// Hands batches in without waiting for the outcome.
    pub(crate) fn submit(
        &mut self,
        stream: StreamId,
        batches: &[Bytes],
    ) -> oneshot::Receiver<AppendOutcome> {
        let shard = self.shard();
        let batches = batches.iter().cloned();
        let batches = batches.map(|bytes| Batch { stream, bytes }).collect();
        self.run(shard.append(batches)).expect("open")
    }

    /// Appends a batch and waits for the outcome.
    pub(crate) fn try_append(
        &mut self,
        stream: StreamId,
        batch: Bytes,
    ) -> Result<Appended, Refusal> {
        let outcome = self.submit(stream, &[batch]);
        let outcomes = self.run(outcome).expect("an answer").expect("an open log");
        assert_eq!(outcomes.len(), 1);
        outcomes[0]
    }

    /// Appends a batch to [`STREAM`], which must be taken, and returns its offset.
    pub(crate) fn append(&mut self, batch: Bytes) -> Offset {
        let appended = self.try_append(STREAM, batch).expect("taken");
        appended.base_offset
    }

    /// Appends plain batches to [`STREAM`], one block for each.
    pub(crate) fn append_all<'a>(&mut self, payloads: impl IntoIterator<Item = &'a str>) {
        self.open(STREAM);
        for payload in payloads {
            self.append(crate::batch::plain(payload));
        }
    }

    pub(crate) fn read(
        &mut self,
        stream: StreamId,
        offset: Offset,
        bytes_max: usize,
    ) -> Vec<(Offset, i32, String)> {
        let (log, stream) = (self.log.clone(), self.log.stream(stream).expect("a stream"));
        let batches = self.run(async move { log.read(&stream, offset, bytes_max).await });
        batches.expect("readable").iter().map(describe).collect()
    }

    /// Every batch of a stream as base offset, epoch and payload.
    pub(crate) fn content(&mut self, stream: StreamId) -> Vec<(Offset, i32, String)> {
        let start = self
            .log
            .stream(stream)
            .expect("a stream")
            .bounds()
            .log_start;
        self.read(stream, start, usize::MAX)
    }

    /// The payloads of [`STREAM`].
    pub(crate) fn payloads(&mut self) -> Vec<String> {
        let content = self.content(STREAM).into_iter();
        content.map(|(_, _, payload)| payload).collect()
    }

    pub(crate) fn look_after(&mut self) {
        let log = self.log.clone();
        self.run(async move { log.look_after().await.expect("looked after") });
    }

    pub(crate) fn retain(&mut self, now: i64) {
        let log = self.log.clone();
        self.run(async move { log.retain(Timestamp(now)).await.expect("retained") });
    }

    pub(crate) fn trim(&mut self, stream: StreamId, offset: Offset) {
        let shard = self.shard();
        self.run(async move { shard.trim(stream, offset).await.expect("open") });
    }

    pub(crate) fn wall(&self) -> i64 {
        self.clock.wall().0
    }

    /// Stops in good order: everything is in a checkpoint.
    pub(crate) fn close(mut self) {
        let log = self.log.clone();
        self.run(async move { log.close().await.expect("closed") });
        let Self { log, mut tasks, .. } = self;
        drop(log);
        for _ in 0..10 {
            tasks.retain_mut(|task| poll(task.as_mut()).is_pending());
        }
        assert_eq!(tasks.len(), 0, "the log's tasks end with it");
    }
}
