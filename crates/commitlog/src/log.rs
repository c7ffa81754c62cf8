//! The commit log: all shards, streams and files of one incarnation.

mod upkeep;

pub use upkeep::UpkeepError;

use upkeep::Upkeep;

use crate::cell::Cell;
use crate::commit::{CommitOutcome, Entry};
use crate::cursor::Cursor;
use crate::file_index::FileIndexes;
use crate::reader::{ReadError, Reader};
use crate::recovery::{OpenError, Recovery, RecoveryProgress, Report};
use crate::shard::{AppendOutcome, Batch, COMMANDS_MAX, Command, Shard};
use crate::stream::Stream;
use crate::streams::Streams;
use crate::wal::{Wal, WalError};
use crate::writer::{Closed, Progress, SUBMISSIONS_MAX, Writer};
use base::{BoxFuture, Clock, Epoch, Incarnation, Offset, ShardId, StreamId};
use bytes::{Bytes, BytesMut};
use kafka_wire::record_batch::{self, BatchHeader};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::Objects;
use tokio::sync::{mpsc, oneshot, watch};

/// What a log is opened with.
#[derive(Clone)]
pub struct Options {
    /// This start of this process.
    pub incarnation: Incarnation,
    /// The epoch of every shard's ownership.
    pub epoch: Epoch,
    /// Number of shards, fixed when the data was created.
    pub shards: u16,
    /// Idle time after which an idempotent producer is forgotten (`producer.id.expiration.ms`).
    pub producer_expiration: Duration,
}

/// Everything that the log stands on.
#[derive(Clone)]
pub struct Ground {
    /// Where blocks go.
    pub wal: Arc<dyn Wal>,
    /// Where checkpoints and indexes go.
    pub objects: Arc<dyn Objects>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// An opened log.
pub struct Opened {
    /// The log.
    pub log: Arc<Log>,
    /// The newest values of all cells at the start, by shard.
    pub cells: BTreeMap<ShardId, crate::cell::Cells>,
    /// What was found.
    pub report: Report,
    /// The log's own tasks: the driver runs each to its end. They end when `log` is dropped.
    pub tasks: Vec<BoxFuture<'static, ()>>,
}

/// The log. Dropping the last reference ends its tasks once everything submitted is written.
pub struct Log {
    options: Options,
    ground: Ground,
    shards: Vec<ShardHandle>,
    streams: Arc<Streams>,
    reader: Arc<Reader>,
    indexes: Arc<FileIndexes>,
    progress: Arc<Progress>,
    upkeep: tokio::sync::Mutex<Upkeep>,
}

/// Figures for monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Bytes written to the WAL since the start.
    pub wal_bytes: u64,
    /// Blocks, and so syncs, since the start.
    pub wal_blocks: u64,
    /// Whether records are refused for want of space.
    pub full: bool,
    /// Batches that were found damaged when they were read.
    pub damaged_batches: u64,
    /// Batches that were written once more, so that a nearly empty file can go, since the start.
    pub moved_batches: u64,
}

impl Log {
    /// Recovers what is stored and gets ready to append to it.
    pub async fn open(
        options: Options,
        ground: Ground,
        progress: &(dyn Fn(RecoveryProgress) + Sync),
    ) -> Result<Opened, OpenError> {
        let indexes = Arc::new(FileIndexes::new(ground.objects.clone()));
        let recovery = Recovery {
            wal: &*ground.wal,
            objects: &*ground.objects,
            indexes: &indexes,
            now: ground.clock.wall(),
            progress,
        };
        let mut found = recovery.run().await?;
        let streams = Arc::new(Streams::default());
        let reader = Arc::new(Reader::new(ground.wal.clone(), indexes.clone()));
        let progress = Arc::new(Progress::new());
        progress.check_space(&*ground.wal);
        let (writer, submissions) = mpsc::channel(SUBMISSIONS_MAX);
        let mut tasks: Vec<BoxFuture<'static, ()>> = vec![Box::pin(
            Writer {
                wal: ground.wal.clone(),
                incarnation: options.incarnation,
                reader: reader.clone(),
                progress: progress.clone(),
                clock: ground.clock.clone(),
                submissions,
            }
            .run(),
        )];
        let mut shards = Vec::new();
        for id in (0..options.shards).map(ShardId) {
            let (handle, commands) = mpsc::channel(COMMANDS_MAX);
            let (heads, cells) = found.take(id);
            let shard = Shard {
                id,
                epoch: options.epoch,
                heads,
                cells,
                streams: streams.clone(),
                clock: ground.clock.clone(),
                progress: progress.clone(),
                writer: writer.clone(),
                commands,
            };
            let heads = shard.heads.values();
            heads.for_each(|head| streams.insert(head.stream.clone()));
            tasks.push(Box::pin(shard.run()));
            shards.push(ShardHandle(handle));
        }
        let upkeep = Upkeep {
            checkpoint_next: found.checkpoint_next,
            checkpoint_file: 0,
            replay_from: found.replay_from,
            kept_from: 0,
            sealed_before: found.replay_from,
        };
        let log = Self {
            options,
            ground,
            shards,
            streams,
            reader,
            indexes,
            progress,
            upkeep: upkeep.into(),
        };
        Ok(Opened {
            log: Arc::new(log),
            cells: found.cells,
            report: found.report,
            tasks,
        })
    }

    /// The shards, by number.
    #[must_use]
    pub fn shards(&self) -> &[ShardHandle] {
        &self.shards
    }

    /// The shard with this number; numbers wrap, for those who hash to one.
    #[must_use]
    pub fn shard(&self, id: ShardId) -> &ShardHandle {
        &self.shards[usize::from(id.0) % self.shards.len()]
    }

    /// The epoch of this incarnation's ownership.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.options.epoch
    }

    /// A stream, where it exists.
    #[must_use]
    pub fn stream(&self, id: StreamId) -> Option<Arc<Stream>> {
        self.streams.get(id)
    }

    /// All streams, ordered by id.
    #[must_use]
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.all()
    }

    /// The batches from the one that holds `offset` on, up to `bytes_max` bytes of them, but one at
    /// least; none at the high watermark.
    pub async fn read(
        &self,
        stream: &Stream,
        offset: Offset,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, ReadError> {
        let batches = self.reader.read(stream, offset, bytes_max).await?;
        let batches = batches.into_iter();
        Ok(batches
            .map(|(offset, batch)| with_offset(offset, batch))
            .collect())
    }

    /// As [`Log::read`], with each batch's base offset in this stream: a batch that lies in several
    /// streams has 0 in its bytes, and is not copied to say otherwise. Batches that are settled as a
    /// whole may be among them, or missing; where a batch is damaged the next one follows.
    pub async fn read_placed(
        &self,
        stream: &Stream,
        offset: Offset,
        bytes_max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, ReadError> {
        self.reader.read(stream, offset, bytes_max).await
    }

    /// The first batch, at or after `from`, that has a record of `timestamp` (milliseconds since
    /// 1970) or later.
    pub async fn batch_at_timestamp(
        &self,
        stream: &Stream,
        timestamp: i64,
        from: Offset,
    ) -> Result<Option<Bytes>, ReadError> {
        let found = self.reader.at_timestamp(stream, timestamp, from).await?;
        Ok(found.map(|(offset, batch)| with_offset(offset, batch)))
    }

    /// Becomes `Some` when the WAL has failed. Then nothing more is acknowledged.
    #[must_use]
    pub fn failure(&self) -> watch::Receiver<Option<WalError>> {
        self.progress.failure.subscribe()
    }

    /// Figures for monitoring.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            wal_bytes: self.progress.bytes.load(Ordering::Relaxed),
            wal_blocks: self.progress.blocks.load(Ordering::Relaxed),
            full: self.progress.full.load(Ordering::Relaxed),
            damaged_batches: self.reader.damaged_batches(),
            moved_batches: self.progress.moved.load(Ordering::Relaxed),
        }
    }
}

/// The batch with its base offset in its bytes: in one that lies in several streams it is 0.
fn with_offset(offset: Offset, batch: Bytes) -> Bytes {
    match BatchHeader::parse(&batch) {
        Ok(header) if header.base_offset != offset => {
            let mut copy = BytesMut::from(&batch[..]);
            record_batch::assign(&mut copy, offset, header.partition_leader_epoch);
            copy.freeze()
        }
        _ => batch,
    }
}

/// The mailbox of one shard.
#[derive(Clone)]
pub struct ShardHandle(mpsc::Sender<Command>);

impl ShardHandle {
    async fn send(&self, command: Command) -> Result<(), Closed> {
        self.0.send(command).await.map_err(|_| Closed)
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| Closed)
    }

    /// Makes sure that a stream exists in this shard.
    pub async fn open(&self, stream: StreamId) -> Result<Arc<Stream>, Closed> {
        self.ask(|reply| Command::Open(stream, reply)).await
    }

    /// Takes batches in; completes as soon as they have their place in the order. The receiver gets
    /// the outcome when they are durable.
    pub async fn append(
        &self,
        batches: Vec<Batch>,
    ) -> Result<oneshot::Receiver<AppendOutcome>, Closed> {
        let (reply, outcome) = oneshot::channel();
        self.send(Command::Append(batches, reply)).await?;
        Ok(outcome)
    }

    /// Makes sure that a stream exists in this shard and has an acknowledgement cursor: that it is a
    /// queue's. Returns what is settled of it, everything taken so far included.
    pub async fn open_queue(&self, stream: StreamId) -> Result<(Arc<Stream>, Cursor), Closed> {
        self.ask(|reply| Command::OpenQueue(stream, reply)).await
    }

    /// Takes entries in that become durable together, or not at all; completes as soon as they have
    /// their place in the order. The receiver gets the outcome when they are durable, or at once where
    /// they are refused.
    ///
    /// Only the one owner of the streams may do it: it chooses the offsets. Deposits are not refused
    /// when space is short ([`Figures::full`] tells), so whoever takes messages in must stop before.
    pub async fn commit(
        &self,
        entries: Vec<Entry>,
    ) -> Result<oneshot::Receiver<CommitOutcome>, Closed> {
        let (reply, outcome) = oneshot::channel();
        self.send(Command::Commit(entries, reply)).await?;
        Ok(outcome)
    }

    /// Changes cells, together and durably.
    pub async fn write(&self, cells: Vec<Cell>) -> Result<(), Closed> {
        self.ask(|reply| Command::Write(cells, reply)).await?
    }

    /// Moves a stream's log start up to `offset`, durably.
    pub async fn trim(&self, stream: StreamId, offset: Offset) -> Result<(), Closed> {
        self.ask(|reply| Command::Trim(stream, offset, reply))
            .await?
    }

    /// Removes a stream for ever, durably.
    pub async fn remove(&self, stream: StreamId) -> Result<(), Closed> {
        self.ask(|reply| Command::Remove(stream, reply)).await?
    }
}
