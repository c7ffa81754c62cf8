//! Commits of those who choose the offsets themselves: the owners of queues.
//!
//! A commit is taken whole or refused whole, and it is one submission, so it is in one block.
//! Deposits are not refused when space is short: whoever publishes is stopped before, and what was
//! taken from a publisher has to go somewhere. The writer waits a full disk out.

use super::{Head, Shard, answer};
use crate::commit::{
    COMMIT_BYTES_MAX, CommitError, CommitOutcome, Deposit, Entry, PLACES_MAX, Place, Settle,
};
use crate::cursor::Cursor;
use crate::frame::{Frame, Kind};
use crate::stream::Stream;
use crate::writer::{Closed, Placed, PlacedFrame, Places, Submission};
use base::{Offset, StreamId};
use bytes::Bytes;
use kafka_wire::record_batch::BatchHeader;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A commit that is being put together.
#[derive(Default)]
struct Draft {
    frames: Vec<PlacedFrame>,
    settles: Vec<(Arc<Stream>, Settle)>,
    cells: Vec<crate::cell::Cell>,
    len: usize,
}

impl Shard {
    /// Opens a stream with a cursor, and returns a copy of that.
    pub(super) fn open_queue(&mut self, id: StreamId) -> (Arc<Stream>, Cursor) {
        let stream = self.open(id);
        let head = self.heads.get_mut(&id).expect("it was just opened");
        let cursor = head.cursor.get_or_insert_with(|| {
            let cursor = Cursor::new(stream.bounds().log_start);
            stream.set_cursor(cursor.clone());
            cursor
        });
        (stream, cursor.clone())
    }

    /// Takes a commit; `None` where it was refused, and answered.
    pub(super) fn commit(
        &mut self,
        entries: Vec<Entry>,
        reply: oneshot::Sender<CommitOutcome>,
    ) -> Option<Submission> {
        let mut draft = Draft {
            frames: Vec::with_capacity(entries.len()),
            ..Draft::default()
        };
        let mut entries = entries.into_iter();
        let refused = entries.find_map(|entry| self.take(entry, &mut draft).err());
        if let Some(error) = refused {
            for frame in draft.frames.iter().rev() {
                self.give_back(&frame.placed.places);
            }
            // Whoever asked may have gone away; nothing was done.
            let _ = reply.send(Err(error));
            return None;
        }
        draft
            .cells
            .into_iter()
            .for_each(|cell| self.cells.apply(cell));
        for (stream, settle) in &draft.settles {
            if let Some(Head {
                cursor: Some(cursor),
                ..
            }) = self.heads.get_mut(&stream.id())
            {
                settle.apply(cursor);
            }
        }
        let settles = draft.settles;
        let done = move |outcome: Result<(), Closed>| {
            if outcome.is_ok() {
                settles
                    .iter()
                    .for_each(|(stream, settle)| stream.settle(settle));
            }
            // Whoever asked may have gone away; what was written stays written.
            let _ = reply.send(outcome.map_err(CommitError::from));
        };
        Some(Submission {
            frames: draft.frames,
            done: Box::new(done),
        })
    }

    /// Writes batches once more, at the offsets that they have.
    pub(super) fn move_batches(
        &self,
        batches: Vec<(Place, Bytes)>,
        reply: oneshot::Sender<Result<(), Closed>>,
    ) -> Submission {
        let moved = |(place, batch): (Place, Bytes)| {
            // Streams that were removed meanwhile want nothing any more.
            let head = self.heads.get(&place.stream)?;
            let header = BatchHeader::parse(&batch).ok()?;
            let placed = Placed {
                places: Places::Moved(head.stream.clone(), place.offset),
                last_offset_delta: u32::try_from(header.last_offset_delta).ok()?,
                max_timestamp: header.max_timestamp,
            };
            let frame = Frame {
                base_offset: place.offset,
                ..self.frame(Kind::Moved, place.stream, batch)
            };
            Some(PlacedFrame { frame, placed })
        };
        Submission {
            frames: batches.into_iter().filter_map(moved).collect(),
            done: answer(reply, ()),
        }
    }

    fn take(&mut self, entry: Entry, draft: &mut Draft) -> Result<(), CommitError> {
        let frame = match entry {
            Entry::Deposit(deposit) => self.deposit(deposit)?,
            Entry::Settle(settle) => {
                let stream = self.check_settle(&settle)?;
                let frame = self.frame(Kind::Settle, settle.stream, settle.pack());
                draft.settles.push((stream, settle));
                frame.into()
            }
            Entry::Cell(cell) if cell.kind.is_cell() => {
                let frame = self.frame(cell.kind, StreamId(0), cell.pack());
                draft.cells.push(cell);
                frame.into()
            }
            Entry::Cell(_) => return Err(CommitError::Malformed),
        };
        draft.len += frame.len();
        draft.frames.push(frame);
        if draft.len > COMMIT_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        Ok(())
    }

    fn deposit(&mut self, deposit: Deposit) -> Result<PlacedFrame, CommitError> {
        let header = BatchHeader::parse(&deposit.batch).map_err(|_| CommitError::Malformed)?;
        let last_offset_delta =
            u32::try_from(header.last_offset_delta).map_err(|_| CommitError::Malformed)?;
        if header.len != deposit.batch.len() {
            return Err(CommitError::Malformed);
        }
        let records = Offset::from(last_offset_delta) + 1;
        let (frame, places) = match deposit.places.as_slice() {
            [] => return Err(CommitError::Malformed),
            [place] => {
                let (stream, base_offset) = self.place(*place, records)?;
                let frame = Frame {
                    base_offset,
                    ..self.frame(Kind::Batch, place.stream, deposit.batch)
                };
                (frame, Places::One(stream, base_offset))
            }
            several if several.len() > PLACES_MAX => return Err(CommitError::TooLarge),
            several => {
                let places = self.place_all(several, records)?;
                let frame = self.frame(Kind::Deposit, StreamId(0), deposit.batch);
                (frame, Places::Several(places))
            }
        };
        let placed = Placed {
            places,
            last_offset_delta,
            max_timestamp: header.max_timestamp,
        };
        Ok(PlacedFrame { frame, placed })
    }

    /// Gives a batch its place where that is the next one.
    fn place(
        &mut self,
        place: Place,
        records: Offset,
    ) -> Result<(Arc<Stream>, Offset), CommitError> {
        let Place { stream, offset } = place;
        let head = self
            .heads
            .get_mut(&stream)
            .ok_or(CommitError::NoStream(stream))?;
        let next = head.next_offset;
        let end = next.checked_add(records).filter(|_| offset == next);
        head.next_offset = end.ok_or(CommitError::OutOfPlace {
            stream,
            offset,
            next,
        })?;
        Ok((head.stream.clone(), offset))
    }

    fn place_all(
        &mut self,
        places: &[Place],
        records: Offset,
    ) -> Result<Vec<(Arc<Stream>, Offset)>, CommitError> {
        let mut placed = Vec::with_capacity(places.len());
        for place in places {
            match self.place(*place, records) {
                Ok(at) => placed.push(at),
                Err(error) => {
                    self.give_back(&Places::Several(placed));
                    return Err(error);
                }
            }
        }
        Ok(placed)
    }

    /// Takes places back that were given last.
    fn give_back(&mut self, places: &Places) {
        let mut give_back = |stream: &Arc<Stream>, offset: Offset| {
            if let Some(head) = self.heads.get_mut(&stream.id()) {
                head.next_offset = offset;
            }
        };
        match places {
            Places::None => {}
            Places::One(stream, offset) | Places::Moved(stream, offset) => {
                give_back(stream, *offset)
            }
            Places::Several(places) => {
                let places = places.iter().rev();
                places.for_each(|(stream, offset)| give_back(stream, *offset));
            }
        }
    }

    fn check_settle(&self, settle: &Settle) -> Result<Arc<Stream>, CommitError> {
        let stream = settle.stream;
        let head = self
            .heads
            .get(&stream)
            .ok_or(CommitError::NoStream(stream))?;
        if head.cursor.is_none() {
            return Err(CommitError::NoCursor(stream));
        }
        let (end, next) = (
            settle.end().ok_or(CommitError::Malformed)?,
            head.next_offset,
        );
        if end > next {
            let offset = end - 1;
            return Err(CommitError::OutOfPlace {
                stream,
                offset,
                next,
            });
        }
        Ok(head.stream.clone())
    }
}
