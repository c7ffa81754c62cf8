//! Group commit: whatever waits becomes one block, one write and one sync.
//!
//! Shards submit frames in the order of their streams; the writer makes them durable in that order,
//! shows them to readers and only then lets anybody be answered.

use crate::commit::{PLACE_LEN, PLACES_COUNT_LEN, Place, pack_places};
use crate::frame::{BlockBuilder, FRAME_HEADER_LEN, Frame, align};
use crate::index::Entry;
use crate::reader::Reader;
use crate::stream::Stream;
use crate::wal::{Address, Wal, WalError};
use base::{BoxFuture, Clock, Epoch, Incarnation, Offset};
use bytes::Bytes;
use fail::fail_point;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Submissions that may wait for the writer. Connections bound the bytes of what is under way.
pub(crate) const SUBMISSIONS_MAX: usize = 4096;
/// A block is closed when its frames reach this many bytes, so that no flush takes very long.
const BLOCK_BYTES_MAX: usize = 8 << 20;
/// How long to wait before a full disk is tried again.
const FULL_RETRY: Duration = Duration::from_millis(500);
/// Space that produced records must leave free, so that deletions and bookkeeping can still be written.
const FREE_BYTES_MIN: u64 = 64 << 20;

/// The log no longer takes writes: the WAL failed, or the process is stopping. What was not
/// acknowledged may or may not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log takes no more writes")]
pub struct Closed;

/// Frames that become durable together, and who wants to know.
pub(crate) struct Submission {
    pub(crate) frames: Vec<PlacedFrame>,
    pub(crate) done: Done,
}

/// A frame; with what readers must learn of it where it holds a batch.
pub(crate) struct PlacedFrame {
    pub(crate) frame: Frame,
    pub(crate) placed: Placed,
}

/// What readers must learn of a batch when it is durable.
pub(crate) struct Placed {
    pub(crate) places: Places,
    pub(crate) last_offset_delta: u32,
    pub(crate) max_timestamp: i64,
}

/// The streams that a frame's batch lies in, and its base offset in each.
pub(crate) enum Places {
    /// It holds no batch.
    None,
    /// One stream, the frame's own.
    One(Arc<Stream>, Offset),
    /// Several, which the frame lists.
    Several(Vec<(Arc<Stream>, Offset)>),
    /// One stream, in which it lay before.
    Moved(Arc<Stream>, Offset),
}

impl PlacedFrame {
    /// Length of the list of places behind the payload, in bytes.
    fn trailer_len(&self) -> usize {
        match &self.placed.places {
            Places::Several(places) => PLACES_COUNT_LEN + places.len() * PLACE_LEN,
            _ => 0,
        }
    }

    fn trailer(&self) -> Bytes {
        match &self.placed.places {
            Places::Several(places) => pack_places(places.iter().map(|(stream, offset)| Place {
                stream: stream.id(),
                offset: *offset,
            })),
            _ => Bytes::new(),
        }
    }

    /// Length of the frame in a block, in bytes.
    pub(crate) fn len(&self) -> usize {
        align(FRAME_HEADER_LEN + self.frame.payload.len() + self.trailer_len())
    }
}

impl From<Frame> for PlacedFrame {
    /// A frame without a batch.
    fn from(frame: Frame) -> Self {
        let placed = Placed {
            places: Places::None,
            last_offset_delta: 0,
            max_timestamp: 0,
        };
        Self { frame, placed }
    }
}

/// Called once with the outcome.
pub(crate) type Done = Box<dyn FnOnce(Result<(), Closed>) + Send>;

/// What the writer tells the rest of the log.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The file that holds the newest block; 0 before the first.
    pub(crate) active_file: AtomicU64,
    /// Bytes and blocks written since the start.
    pub(crate) bytes: AtomicU64,
    pub(crate) blocks: AtomicU64,
    /// Batches that were moved out of nearly empty files since the start.
    pub(crate) moved: AtomicU64,
    /// Whether produced records are refused for want of space.
    pub(crate) full: AtomicBool,
    /// The error that ended the WAL.
    pub(crate) failure: watch::Sender<Option<WalError>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            active_file: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            blocks: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            full: AtomicBool::new(false),
            failure: watch::Sender::new(None),
        }
    }

    /// Looks at the space that is left and opens or closes the gate for produced records.
    pub(crate) fn check_space(&self, wal: &dyn Wal) {
        let Ok(free) = wal.free_bytes() else { return };
        let full = free < FREE_BYTES_MIN;
        if self.full.swap(full, Ordering::Relaxed) != full {
            if full {
                tracing::error!(
                    free_bytes = free,
                    "the disk is nearly full: records are refused until space is made"
                );
            } else {
                tracing::info!(free_bytes = free, "there is space again: records are taken");
            }
        }
    }
}

/// The one task that appends to the WAL.
pub(crate) struct Writer {
    pub(crate) wal: Arc<dyn Wal>,
    pub(crate) incarnation: Incarnation,
    pub(crate) reader: Arc<Reader>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) submissions: mpsc::Receiver<Submission>,
}

/// A block on its way, with what is to be done when it is durable.
struct Flight {
    block: Bytes,
    entries: Vec<(Arc<Stream>, Epoch, Entry)>,
    /// What has moved, by stream: what was moved together is shown together.
    moved: Vec<(Arc<Stream>, Vec<Entry>)>,
    done: Vec<Done>,
}

impl Writer {
    /// Writes until every shard has gone away, or until the WAL fails.
    pub(crate) async fn run(mut self) {
        let mut in_flight: FuturesOrdered<BoxFuture<'static, (Flight, Result<Address, WalError>)>> =
            FuturesOrdered::new();
        let mut sequence = 0;
        let mut open = true;
        while open || !in_flight.is_empty() {
            tokio::select! {
                biased;
                Some((flight, outcome)) = in_flight.next(), if !in_flight.is_empty() => match outcome {
                    Ok(address) => self.land(flight, address),
                    Err(error) => {
                        tracing::error!(%error, "the WAL takes no more writes");
                        self.progress.failure.send_replace(Some(error));
                        flight.done.into_iter().for_each(|done| done(Err(Closed)));
                        break;
                    }
                },
                submission = self.submissions.recv(), if open && in_flight.len() < self.wal.in_flight_max() => match submission {
                    Some(first) => {
                        if let Some(flight) = self.gather(first, sequence) {
                            sequence += 1;
                            in_flight.push_back(Box::pin(append(self.wal.clone(), self.clock.clone(), self.progress.clone(), flight)));
                        }
                    }
                    None => open = false,
                },
            }
        }
        while let Some((flight, _)) = in_flight.next().await {
            flight.done.into_iter().for_each(|done| done(Err(Closed)));
        }
        self.submissions.close();
        while let Some(submission) = self.submissions.recv().await {
            (submission.done)(Err(Closed));
        }
    }

    /// Makes a block of everything that waits. Where that is no frame and no block is under way,
    /// those who wait are answered at once.
    fn gather(&mut self, first: Submission, sequence: u64) -> Option<Flight> {
        let mut len = submission_len(&first);
        let mut submissions = vec![first];
        while len < BLOCK_BYTES_MAX
            && let Ok(next) = self.submissions.try_recv()
        {
            len += submission_len(&next);
            submissions.push(next);
        }
        let mut done = Vec::with_capacity(submissions.len());
        if len == 0 && self.wal.in_flight_max() == 1 {
            submissions
                .into_iter()
                .for_each(|submission| (submission.done)(Ok(())));
            return None;
        }
        let mut builder = BlockBuilder::new(self.incarnation, len);
        let (mut entries, mut moved) = (Vec::new(), Vec::new());
        for submission in submissions {
            for frame in submission.frames {
                let position = builder.push(&frame.frame, &frame.trailer());
                note_entries(&mut entries, &mut moved, frame, position);
            }
            done.push(submission.done);
        }
        if acks_before_sync() {
            done.drain(..).for_each(|done| done(Ok(())));
        }
        let block = builder.finish(sequence, nonce(self.incarnation, sequence));
        Some(Flight {
            block,
            entries,
            moved,
            done,
        })
    }

    /// Shows a durable block to readers and answers those who waited for it.
    fn land(&self, flight: Flight, address: Address) {
        let progress = &self.progress;
        progress.active_file.store(address.file, Ordering::Relaxed);
        progress
            .bytes
            .fetch_add(flight.block.len() as u64, Ordering::Relaxed);
        progress.blocks.fetch_add(1, Ordering::Relaxed);
        self.reader.remember(address, flight.block);
        let mut entries = flight.entries.into_iter().peekable();
        while let Some((stream, epoch, first)) = entries.next() {
            let place = |entry: Entry| Entry {
                position: entry.position + address.position,
                ..entry
            };
            let more = std::iter::from_fn(|| {
                entries.next_if(|(next, e, _)| Arc::ptr_eq(next, &stream) && *e == epoch)
            });
            stream.publish(
                address.file,
                epoch,
                std::iter::once(first)
                    .chain(more.map(|(_, _, entry)| entry))
                    .map(place),
            );
        }
        for (stream, entries) in flight.moved {
            let place = |entry: Entry| Entry {
                position: entry.position + address.position,
                ..entry
            };
            progress
                .moved
                .fetch_add(entries.len() as u64, Ordering::Relaxed);
            stream.publish_moved(address.file, entries.into_iter().map(place));
        }
        flight.done.into_iter().for_each(|done| done(Ok(())));
    }
}

fn submission_len(submission: &Submission) -> usize {
    submission.frames.iter().map(PlacedFrame::len).sum()
}

/// Adds what the streams must learn of a frame whose payload is at `position` of its block.
fn note_entries(
    entries: &mut Vec<(Arc<Stream>, Epoch, Entry)>,
    moved: &mut Vec<(Arc<Stream>, Vec<Entry>)>,
    PlacedFrame { frame, placed }: PlacedFrame,
    position: usize,
) {
    let narrow = |value: usize| u32::try_from(value).expect("blocks are far below 4 GiB");
    let entry = |base_offset| Entry {
        base_offset,
        max_timestamp: placed.max_timestamp,
        position: narrow(position),
        len: narrow(frame.payload.len()),
        last_offset_delta: placed.last_offset_delta,
    };
    match placed.places {
        Places::None => {}
        Places::One(stream, offset) => entries.push((stream, frame.epoch, entry(offset))),
        Places::Moved(stream, offset) => match moved.last_mut() {
            Some((last, entries)) if Arc::ptr_eq(last, &stream) => entries.push(entry(offset)),
            _ => moved.push((stream, vec![entry(offset)])),
        },
        Places::Several(places) => {
            let places = places.into_iter();
            entries.extend(places.map(|(stream, offset)| (stream, frame.epoch, entry(offset))));
        }
    }
}

/// A planted bug, for the simulation to find.
fn acks_before_sync() -> bool {
    fail_point!("ack-before-sync", |_| true);
    false
}

/// Differs between any two blocks of any two incarnations.
fn nonce(incarnation: Incarnation, sequence: u64) -> u64 {
    let mixed = incarnation.0 ^ (incarnation.0 >> 64);
    u64::try_from(mixed & u128::from(u64::MAX)).unwrap_or(0)
        ^ sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Appends a block; a full disk is waited out, for what is in the pipe was promised an answer in order.
async fn append(
    wal: Arc<dyn Wal>,
    clock: Arc<dyn Clock>,
    progress: Arc<Progress>,
    flight: Flight,
) -> (Flight, Result<Address, WalError>) {
    loop {
        match wal.append(flight.block.clone()).await {
            Err(WalError::Full(error)) => {
                if !progress.full.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the disk is full: writes wait until space is made");
                }
                clock.sleep_until(clock.now() + FULL_RETRY).await;
            }
            outcome => {
                progress.check_space(&*wal);
                return (flight, outcome);
            }
        }
    }
}
