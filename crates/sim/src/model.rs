//! What must be true of a log, from what its clients sent, were told and saw.
//!
//! The model outlives the processes of a run. It knows the log only through its public face.

mod cells;
mod counts;
mod queues;
mod stream;

pub(crate) use cells::Pair;
pub use counts::Counts;
pub(crate) use queues::Owner;
pub(crate) use stream::{Removal, StreamModel};

use crate::batch::{Label, Seen};
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Offset, StreamId};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The model, shared by the clients of a run.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Model>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch that was sent.
struct Sent {
    stream: StreamId,
    bytes: Bytes,
    /// It was refused: it must never be found.
    refused: bool,
}

/// An idempotent producer of one stream, across crashes of the log.
#[derive(Debug, Clone)]
pub(crate) struct Idempotent {
    pub(crate) id: u64,
    pub(crate) stream: StreamId,
    pub(crate) next_number: u64,
    pub(crate) next_sequence: i32,
    /// Sent, or about to be, and not acknowledged.
    pub(crate) unacked: VecDeque<Label>,
}

/// Everything that is known.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) streams: BTreeMap<StreamId, StreamModel>,
    pub(crate) idempotent: BTreeMap<u64, Idempotent>,
    pub(crate) pairs: BTreeMap<u64, Pair>,
    /// Those who own queues.
    pub(crate) owners: BTreeMap<u64, Owner>,
    /// Readers at the tail: the stream and the offset that they wait for.
    pub(crate) tailers: BTreeMap<u64, (StreamId, Offset)>,
    pub(crate) counts: Counts,
    pub(crate) next_producer: u64,
    pub(crate) next_stream: u64,
    sent: BTreeMap<Label, Sent>,
}

impl Model {
    /// Streams that were opened and that nobody has asked to remove.
    pub(crate) fn live_streams(&self) -> Vec<StreamId> {
        let live = |stream: &&StreamModel| stream.open && stream.removal == Removal::No;
        self.streams
            .values()
            .filter(live)
            .map(|stream| stream.id)
            .collect()
    }

    pub(crate) fn stream(&mut self, id: StreamId) -> &mut StreamModel {
        let fresh = || StreamModel::new(id);
        self.streams.entry(id).or_insert_with(fresh)
    }

    /// A producer that nobody has heard of, for a stream that exists.
    pub(crate) fn new_idempotent(&mut self, rng: &mut Rng) {
        /// Ids of idempotent producers lie above those of plain ones.
        const FIRST_ID: u64 = 1_000_000;
        let Some(stream) = rng.pick(&self.live_streams()).copied() else {
            return;
        };
        let key = self.idempotent.len() as u64;
        // Sequence numbers wrap; some producers are about to.
        let wraps = rng.one_in(3);
        let producer = Idempotent {
            id: FIRST_ID + key,
            stream,
            next_number: 0,
            next_sequence: if wraps { i32::MAX - 10 } else { 0 },
            unacked: VecDeque::new(),
        };
        self.idempotent.insert(key, producer);
    }

    /// A batch is about to be sent.
    pub(crate) fn sending(
        &mut self,
        stream: StreamId,
        label: Label,
        bytes: Bytes,
        may_be_refused: bool,
    ) {
        self.stream(stream).sent_by(label, may_be_refused);
        let refused = false;
        let sent = Sent {
            stream,
            bytes,
            refused,
        };
        self.sent.insert(label, sent);
    }

    pub(crate) fn bytes_of(&self, label: Label) -> Option<Bytes> {
        self.sent.get(&label).map(|sent| sent.bytes.clone())
    }

    /// A batch was refused and will not be sent again.
    pub(crate) fn refused(&mut self, label: Label) {
        self.counts.refused += 1;
        if let Some(sent) = self.sent.get_mut(&label) {
            sent.refused = true;
            let stream = sent.stream;
            self.stream(stream).forget(label);
        }
    }

    /// A batch was acknowledged at `offset`.
    pub(crate) fn acked(&mut self, label: Label, offset: Offset) -> Result<(), Violation> {
        self.counts.acked += 1;
        let Some(sent) = self.sent.get(&label) else {
            return Err(Violation::new("K1", format!("{label:?} was never sent")));
        };
        let stream = sent.stream;
        let known = self.stream(stream).offset_of(label);
        self.counts.duplicates += u64::from(known.is_some());
        ensure(known.is_none_or(|known| known == offset), "K2", || {
            format!("{label:?} is at {known:?} and was acknowledged at {offset}")
        })?;
        self.stream(stream).know(label, offset)
    }

    /// A reader was given a batch of `stream`.
    pub(crate) fn observed(&mut self, stream: StreamId, batch: &Bytes) -> Result<Seen, Violation> {
        let Some(seen) = Seen::read(batch) else {
            return Err(Violation::new(
                "K1",
                format!("stream {stream}: a reader got what is not a sound batch"),
            ));
        };
        self.counts.read += 1;
        let (label, offset) = (seen.label, seen.header.base_offset);
        let whole = self
            .sent
            .get(&label)
            .is_some_and(|sent| sent.stream == stream && !sent.refused && seen.is(&sent.bytes));
        ensure(whole, "K1", || {
            format!(
                "stream {stream}: what is at {offset} is not the batch that was sent as {label:?}, or that was refused"
            )
        })?;
        let stream = self.stream(stream);
        stream.know(label, offset)?;
        stream.ends_at_least(seen.next_offset());
        Ok(seen)
    }
}
