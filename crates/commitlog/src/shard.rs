//! The appending side of one shard: it gives out offsets, recognises retries, and hands frames to
//! the writer in order.
//!
//! A shard's state runs ahead of what is durable; nobody is answered from it before the writer says so.

mod commit;

use crate::cell::{Cell, Cells};
use crate::commit::{CommitOutcome, Entry, Place};
use crate::cursor::Cursor;
use crate::frame::{Frame, Kind};
use crate::producers::{Producers, Verdict};
use crate::stream::Stream;
use crate::streams::Streams;
use crate::writer::{Closed, Done, Placed, PlacedFrame, Places, Progress, Submission};
use base::{Clock, Epoch, Offset, ShardId, StreamId, Timestamp};
use bytes::{Bytes, BytesMut};
use fail::fail_point;
use kafka_wire::record_batch::{self, BatchHeader};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait for a shard. Connections bound the bytes of what is under way.
pub(crate) const COMMANDS_MAX: usize = 1024;

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first record: the original's where the batch is a retry.
    pub base_offset: Offset,
    /// The broker's time that the batch was stamped with, where the stream is stamped so.
    pub log_append_time: Option<Timestamp>,
}

/// Why a batch was not appended. Nothing of it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such stream in this shard, or it was removed.
    #[error("the stream does not exist")]
    NoStream,
    /// The bytes are not a record batch. The client's fault.
    #[error("the batch is malformed")]
    Malformed,
    /// Batches of this producer are missing before this one. The client's fault.
    #[error("the sequence number is out of order")]
    OutOfOrderSequence,
    /// A newer instance of the producer has written.
    #[error("the producer's epoch is old")]
    OldProducerEpoch,
    /// Space is short. May be retried.
    #[error("the disk is nearly full")]
    Full,
}

/// One batch for one stream: a record batch of magic 2 whose checksum was verified.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The stream.
    pub stream: StreamId,
    /// The batch's bytes. Base offset and leader epoch in them do not matter.
    pub bytes: Bytes,
}

/// The outcome of each batch of one request, in its order.
pub type AppendOutcome = Result<Vec<Result<Appended, Refusal>>, Closed>;

pub(crate) enum Command {
    Open(StreamId, oneshot::Sender<Arc<Stream>>),
    OpenQueue(StreamId, oneshot::Sender<(Arc<Stream>, Cursor)>),
    Append(Vec<Batch>, oneshot::Sender<AppendOutcome>),
    Commit(Vec<Entry>, oneshot::Sender<CommitOutcome>),
    /// Batches that are wanted and lie in a file that shall go, with their base offsets.
    Move(Vec<(Place, Bytes)>, oneshot::Sender<Result<(), Closed>>),
    Write(Vec<Cell>, oneshot::Sender<Result<(), Closed>>),
    Trim(StreamId, Offset, oneshot::Sender<Result<(), Closed>>),
    Remove(StreamId, oneshot::Sender<Result<(), Closed>>),
    Mark(u64, oneshot::Sender<Result<(), Closed>>),
    Snapshot(oneshot::Sender<Result<ShardState, Closed>>),
    ExpireProducers(Timestamp),
}

/// What a shard would have to know to go on: part of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardState {
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) streams: Vec<StreamState>,
    pub(crate) cells: Cells,
}

/// One stream's part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamState {
    pub(crate) id: StreamId,
    pub(crate) log_start: Offset,
    pub(crate) next_offset: Offset,
    pub(crate) epochs: Vec<(Epoch, Offset)>,
    pub(crate) producers: Producers,
    pub(crate) cursor: Option<Cursor>,
}

/// The appending side of a stream.
pub(crate) struct Head {
    pub(crate) stream: Arc<Stream>,
    pub(crate) next_offset: Offset,
    pub(crate) producers: Producers,
    /// What is settled of it, where it is a queue's. It runs ahead of what is durable.
    pub(crate) cursor: Option<Cursor>,
}

impl Head {
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            next_offset: 0,
            producers: Producers::default(),
            cursor: None,
        }
    }

    /// The first offset that can be read when everything submitted is durable.
    fn log_start(&self) -> Offset {
        let floor = self.cursor.as_ref().map_or(0, Cursor::floor);
        self.stream.bounds().log_start.max(floor)
    }
}

/// The one task that appends to the streams of a shard.
pub(crate) struct Shard {
    pub(crate) id: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) heads: HashMap<StreamId, Head>,
    pub(crate) cells: Cells,
    pub(crate) streams: Arc<Streams>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) writer: mpsc::Sender<Submission>,
    pub(crate) commands: mpsc::Receiver<Command>,
}

fn answer<T: Send + 'static>(reply: oneshot::Sender<Result<T, Closed>>, value: T) -> Done {
    // Whoever asked may have gone away; what was written stays written.
    Box::new(move |outcome| drop(reply.send(outcome.map(|()| value))))
}

impl Shard {
    /// Serves commands until every handle is gone.
    pub(crate) async fn run(mut self) {
        while let Some(command) = self.commands.recv().await {
            let Some(submission) = self.handle(command) else {
                continue;
            };
            if let Err(refused) = self.writer.send(submission).await {
                (refused.0.done)(Err(Closed));
            }
        }
    }

    fn handle(&mut self, command: Command) -> Option<Submission> {
        match command {
            Command::Open(id, reply) => {
                // Whoever asked may have gone away; the stream is open all the same.
                let _ = reply.send(self.open(id));
                None
            }
            Command::OpenQueue(id, reply) => {
                let _ = reply.send(self.open_queue(id));
                None
            }
            Command::Append(batches, reply) => Some(self.append(batches, reply)),
            Command::Commit(entries, reply) => self.commit(entries, reply),
            Command::Move(batches, reply) => Some(self.move_batches(batches, reply)),
            Command::Write(cells, reply) => Some(self.write(cells, reply)),
            Command::Trim(id, offset, reply) => Some(self.trim(id, offset, reply)),
            Command::Remove(id, reply) => Some(self.remove(id, reply)),
            Command::Mark(number, reply) => {
                let mark = Frame {
                    base_offset: Offset::try_from(number).unwrap_or(Offset::MAX),
                    ..self.frame(Kind::Mark, StreamId(0), Bytes::new())
                };
                Some(Submission {
                    frames: vec![mark.into()],
                    done: answer(reply, ()),
                })
            }
            // The state is handed over when everything in it is durable.
            Command::Snapshot(reply) => Some(Submission {
                frames: Vec::new(),
                done: answer(reply, self.state()),
            }),
            Command::ExpireProducers(limit) => {
                self.heads
                    .values_mut()
                    .for_each(|head| head.producers.expire(limit));
                None
            }
        }
    }

    fn frame(&self, kind: Kind, stream: StreamId, payload: Bytes) -> Frame {
        Frame {
            kind,
            shard: self.id,
            epoch: self.epoch,
            stream,
            base_offset: 0,
            payload,
        }
    }

    fn open(&mut self, id: StreamId) -> Arc<Stream> {
        let (streams, shard) = (&self.streams, self.id);
        let head = self.heads.entry(id).or_insert_with(|| {
            let stream = Arc::new(Stream::new(id, shard));
            streams.insert(stream.clone());
            Head::new(stream)
        });
        head.stream.clone()
    }

    fn append(&mut self, batches: Vec<Batch>, reply: oneshot::Sender<AppendOutcome>) -> Submission {
        let mut frames = Vec::with_capacity(batches.len());
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            outcomes.push(self.append_one(batch).map(|(frame, appended)| {
                frames.extend(frame);
                appended
            }));
        }
        Submission {
            frames,
            done: answer(reply, outcomes),
        }
    }

    /// The frame of a batch and where it goes; a retry has no frame of its own.
    fn append_one(&mut self, batch: Batch) -> Result<(Option<PlacedFrame>, Appended), Refusal> {
        let header = BatchHeader::parse(&batch.bytes).map_err(|_| Refusal::Malformed)?;
        let last_offset_delta =
            u32::try_from(header.last_offset_delta).map_err(|_| Refusal::Malformed)?;
        if header.len != batch.bytes.len() {
            return Err(Refusal::Malformed);
        }
        let (shard, epoch, now) = (self.id, self.epoch, self.clock.wall());
        let head = self.heads.get_mut(&batch.stream).ok_or(Refusal::NoStream)?;
        if self.progress.full.load(Ordering::Relaxed) {
            head.producers.refuse(&header, now);
            return Err(Refusal::Full);
        }
        match judge(&head.producers, &header) {
            Verdict::Append => {}
            Verdict::Duplicate(base_offset) => {
                return Ok((
                    None,
                    Appended {
                        base_offset,
                        log_append_time: None,
                    },
                ));
            }
            Verdict::OutOfOrder => return Err(Refusal::OutOfOrderSequence),
            Verdict::Fenced => return Err(Refusal::OldProducerEpoch),
        }
        let log_append_time = head.stream.policy().log_append_time.then_some(now);
        let (payload, max_timestamp) = match log_append_time {
            Some(now) => (stamped(&batch.bytes, now), now.0),
            None => (batch.bytes, header.max_timestamp),
        };
        let base_offset = head.next_offset;
        head.next_offset += Offset::from(last_offset_delta) + 1;
        head.producers.note(&header, base_offset, now);
        let placed = Placed {
            places: Places::One(head.stream.clone(), base_offset),
            last_offset_delta,
            max_timestamp,
        };
        let frame = Frame {
            kind: Kind::Batch,
            shard,
            epoch,
            stream: batch.stream,
            base_offset,
            payload,
        };
        Ok((
            Some(PlacedFrame { frame, placed }),
            Appended {
                base_offset,
                log_append_time,
            },
        ))
    }

    fn write(
        &mut self,
        cells: Vec<Cell>,
        reply: oneshot::Sender<Result<(), Closed>>,
    ) -> Submission {
        let frames = cells
            .iter()
            .map(|cell| self.frame(cell.kind, StreamId(0), cell.pack()).into())
            .collect();
        cells.into_iter().for_each(|cell| self.cells.apply(cell));
        Submission {
            frames,
            done: answer(reply, ()),
        }
    }

    fn trim(
        &mut self,
        id: StreamId,
        offset: Offset,
        reply: oneshot::Sender<Result<(), Closed>>,
    ) -> Submission {
        let Some(head) = self.heads.get_mut(&id) else {
            return Submission {
                frames: Vec::new(),
                done: answer(reply, ()),
            };
        };
        let offset = offset.min(head.next_offset);
        let stream = head.stream.clone();
        if let Some(cursor) = &mut head.cursor {
            cursor.settle(0..offset);
        }
        let frame = Frame {
            base_offset: offset,
            ..self.frame(Kind::Trim, id, Bytes::new())
        };
        let answer = answer(reply, ());
        let done = move |outcome: Result<(), Closed>| {
            if outcome.is_ok() {
                stream.trim(offset);
            }
            answer(outcome);
        };
        Submission {
            frames: vec![frame.into()],
            done: Box::new(done),
        }
    }

    fn remove(&mut self, id: StreamId, reply: oneshot::Sender<Result<(), Closed>>) -> Submission {
        let answer = answer(reply, ());
        let Some(head) = self.heads.remove(&id) else {
            return Submission {
                frames: Vec::new(),
                done: answer,
            };
        };
        // Until the removal is durable a crash would bring the stream back: readers still have it, and
        // its files stay.
        let streams = self.streams.clone();
        let done = move |outcome: Result<(), Closed>| {
            if outcome.is_ok() {
                streams.remove(id);
                head.stream.remove();
            }
            answer(outcome);
        };
        Submission {
            frames: vec![self.frame(Kind::StreamRemoved, id, Bytes::new()).into()],
            done: Box::new(done),
        }
    }

    fn state(&self) -> ShardState {
        let state = |(id, head): (&StreamId, &Head)| StreamState {
            id: *id,
            log_start: head.log_start(),
            next_offset: head.next_offset,
            epochs: head.stream.epochs(),
            producers: head.producers.clone(),
            cursor: head.cursor.clone(),
        };
        let mut streams: Vec<_> = self.heads.iter().map(state).collect();
        streams.sort_by_key(|stream| stream.id);
        ShardState {
            shard: self.id,
            epoch: self.epoch,
            streams,
            cells: self.cells.clone(),
        }
    }
}

fn judge(producers: &Producers, header: &BatchHeader) -> Verdict {
    fail_point!("deduplication-off", |_| Verdict::Append);
    producers.judge(header)
}

fn stamped(batch: &Bytes, now: Timestamp) -> Bytes {
    let mut copy = BytesMut::from(&batch[..]);
    record_batch::set_log_append_time(&mut copy, now.0);
    copy.freeze()
}
