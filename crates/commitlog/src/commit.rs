//! What becomes durable together: deposits into streams whose owner chooses the offsets, settlements
//! of what has been dealt with, and cells.
//!
//! It is what queues are made of. A deposit's body is in the WAL once, however many streams it lies in.

use crate::cell::Cell;
use crate::cursor::Cursor;
use crate::writer::Closed;
use base::{Offset, Packer, StreamId, Truncated, Unpacker};
use bytes::Bytes;
use kafka_wire::record_batch::BatchHeader;
use std::iter;
use std::ops::Range;

/// Places of one deposit at most: their list takes 1 MiB then, and every reader of one of the streams
/// reads it. Whoever has more streams makes several deposits of it.
pub const PLACES_MAX: usize = 1 << 16;
/// Bytes of one commit at most. A block holds it whole, and is put together in memory.
pub const COMMIT_BYTES_MAX: usize = 256 << 20;
/// Length of a place in a deposit's list, in bytes.
pub(crate) const PLACE_LEN: usize = 16;
/// Length of the list's count, in bytes.
pub(crate) const PLACES_COUNT_LEN: usize = 4;
/// Length of a settled range, in bytes.
const RANGE_LEN: usize = 16;
/// Length of a delivery count with its offset, in bytes.
const RETURNED_LEN: usize = 12;

/// One change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Records go into streams.
    Deposit(Deposit),
    /// Records of a stream have been dealt with, or came back.
    Settle(Settle),
    /// A cell changes.
    Cell(Cell),
}

/// A record batch that goes into one stream or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// Where it goes; one place at least, [`PLACES_MAX`] at most.
    pub places: Vec<Place>,
    /// One record batch of magic 2 whose checksum fits. Base offset and leader epoch in it do not matter.
    pub batch: Bytes,
}

/// A batch's place in one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The stream.
    pub stream: StreamId,
    /// The offset of the first record: exactly the one that follows the stream's last.
    pub offset: Offset,
}

/// What happened to records of a stream that has an acknowledgement cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The stream.
    pub stream: StreamId,
    /// Offsets that nobody will want again.
    pub settled: Vec<Range<Offset>>,
    /// Offsets that came back, each with how often it did by now.
    pub returned: Vec<(Offset, u32)>,
}

/// Why a commit was not made. But for [`CommitError::Closed`] nothing of it was written, and whoever
/// owns the streams is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The log takes no more writes; the commit may or may not be stored.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// There is no such stream in this shard, or it was removed.
    #[error("stream {0} does not exist")]
    NoStream(StreamId),
    /// Only streams that were opened as queues can be settled.
    #[error("stream {0} has no acknowledgement cursor")]
    NoCursor(StreamId),
    /// A deposit is no record batch or has no place, a settled range is empty, or a cell is none.
    #[error("an entry is malformed")]
    Malformed,
    /// An offset is not the one that follows, or one is settled that does not exist yet.
    #[error("stream {stream}: offset {offset} was given, {next} comes next")]
    OutOfPlace {
        /// The stream.
        stream: StreamId,
        /// The offset that was given.
        offset: Offset,
        /// The stream's next offset.
        next: Offset,
    },
    /// It is larger than [`PLACES_MAX`] or [`COMMIT_BYTES_MAX`] allow.
    #[error("the commit is too large")]
    TooLarge,
}

/// The outcome of a commit, told when it is durable.
pub type CommitOutcome = Result<(), CommitError>;

/// The list of places that follows a batch in a frame of kind deposit.
pub(crate) fn pack_places(places: impl ExactSizeIterator<Item = Place>) -> Bytes {
    let mut packer = Packer::with_capacity(PLACES_COUNT_LEN + places.len() * PLACE_LEN);
    packer.count(places.len());
    for place in places {
        packer.u64(place.stream.0).i64(place.offset);
    }
    packer.finish()
}

/// Takes the payload of a frame of kind deposit apart: the batch's length, and its places.
pub(crate) fn unpack_deposit(payload: &Bytes) -> Result<(usize, Vec<Place>), Truncated> {
    let header = BatchHeader::parse(payload).map_err(|_| Truncated)?;
    let mut input = Unpacker::new(payload.slice(header.len..));
    let count = input.count(PLACE_LEN)?;
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        let (stream, offset) = (StreamId(input.u64()?), input.i64()?);
        places.push(Place { stream, offset });
    }
    if !input.is_empty() {
        return Err(Truncated);
    }
    Ok((header.len, places))
}

impl Settle {
    /// One range of a stream is settled.
    #[must_use]
    pub fn range(stream: StreamId, settled: Range<Offset>) -> Self {
        Self {
            stream,
            settled: iter::once(settled).collect(),
            returned: Vec::new(),
        }
    }

    /// The payload of the frame: both lists.
    pub(crate) fn pack(&self) -> Bytes {
        let len = 4 + self.settled.len() * RANGE_LEN + 4 + self.returned.len() * RETURNED_LEN;
        let mut packer = Packer::with_capacity(len);
        packer.count(self.settled.len());
        for range in &self.settled {
            packer.i64(range.start).i64(range.end);
        }
        packer.count(self.returned.len());
        for (offset, count) in &self.returned {
            packer.i64(*offset).u32(*count);
        }
        packer.finish()
    }

    /// Reads a frame's payload.
    pub(crate) fn unpack(stream: StreamId, payload: &Bytes) -> Result<Self, Truncated> {
        let mut input = Unpacker::new(payload.clone());
        let mut settle = Self {
            stream,
            settled: Vec::new(),
            returned: Vec::new(),
        };
        for _ in 0..input.count(RANGE_LEN)? {
            settle.settled.push(input.i64()?..input.i64()?);
        }
        for _ in 0..input.count(RETURNED_LEN)? {
            settle.returned.push((input.i64()?, input.u32()?));
        }
        Ok(settle)
    }

    pub(crate) fn apply(&self, cursor: &mut Cursor) {
        for range in &self.settled {
            cursor.settle(range.clone());
        }
        for (offset, count) in &self.returned {
            cursor.note_returned(*offset, *count);
        }
    }

    /// Whether its ranges hold something, and the offset behind the last that it speaks of.
    pub(crate) fn end(&self) -> Option<Offset> {
        let ranges = self.settled.iter();
        let sound = ranges
            .clone()
            .all(|range| range.start >= 0 && range.start < range.end);
        let mut returned = self.returned.iter();
        if !sound || !returned.all(|(offset, _)| (0..Offset::MAX).contains(offset)) {
            return None;
        }
        let returned = self.returned.iter().map(|(offset, _)| offset + 1);
        ranges
            .map(|range| range.end)
            .chain(returned)
            .max()
            .or(Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Settle, pack_places, unpack_deposit};
    use base::StreamId;
    use bytes::Bytes;

    #[test]
    fn a_settlement_reads_back_and_says_where_it_ends() {
        let settle = Settle {
            stream: StreamId(4),
            settled: vec![0..3, 7..8],
            returned: vec![(9, 2)],
        };
        let payload = settle.pack();
        assert_eq!(Settle::unpack(StreamId(4), &payload), Ok(settle.clone()));
        for len in 0..payload.len() {
            Settle::unpack(StreamId(4), &payload.slice(..len)).expect_err("cut short");
        }
        assert_eq!(settle.end(), Some(10));
        let with = |start, end| Settle::range(StreamId(4), start..end);
        assert_eq!(
            (with(2, 2).end(), with(-1, 2).end(), with(3, 2).end()),
            (None, None, None)
        );
    }

    #[test]
    fn the_places_of_a_deposit_follow_its_batch() {
        let mut batch = vec![0; 70];
        batch[11] = 70 - 12;
        batch[16] = 2;
        let places = [(1, 5), (9, 0)].map(|(stream, offset)| Place {
            stream: StreamId(stream),
            offset,
        });
        batch.extend_from_slice(&pack_places(places.into_iter()));
        let payload = Bytes::from(batch);
        assert_eq!(unpack_deposit(&payload), Ok((70, places.to_vec())));
        for len in 0..payload.len() {
            unpack_deposit(&payload.slice(..len)).expect_err("cut short");
        }
    }
}
