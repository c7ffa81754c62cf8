//! The record batch in a frame of the WAL, and where it lies in which streams.

use crate::commit::{Place, unpack_deposit};
use crate::frame::{Frame, Kind};
use crate::index::Entry;
use base::{Offset, StreamId};
use kafka_wire::record_batch::BatchHeader;

/// The record batch of a frame, and where it lies in which streams.
pub(crate) struct PlacedBatch {
    pub(crate) header: BatchHeader,
    places: Vec<Place>,
    /// Its entry, but for the base offset.
    entry: Entry,
}

impl PlacedBatch {
    /// The index entries, one for each place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (StreamId, Entry)> {
        self.places.iter().map(|place| {
            let base_offset = place.offset;
            (
                place.stream,
                Entry {
                    base_offset,
                    ..self.entry
                },
            )
        })
    }
}

/// The batch of a frame that holds one.
pub(crate) fn batch_of(file: u64, position: u32, frame: &Frame) -> Option<PlacedBatch> {
    let (len, places) = match frame.kind {
        Kind::Batch | Kind::Moved => {
            let (stream, offset) = (frame.stream, frame.base_offset);
            (frame.payload.len(), vec![Place { stream, offset }])
        }
        Kind::Deposit => unpack_deposit(&frame.payload).unwrap_or_default(),
        _ => return None,
    };
    let header = BatchHeader::parse(&frame.payload).ok();
    let last_offset_delta = header
        .and_then(|header| u32::try_from(header.last_offset_delta).ok())
        .filter(|delta| places.iter().all(|place| has_next(place.offset, *delta)));
    let (Some(header), Some(last_offset_delta), false) =
        (header, last_offset_delta, places.is_empty())
    else {
        tracing::error!(
            file,
            position,
            "a record batch is malformed and is left out"
        );
        return None;
    };
    let entry = Entry {
        base_offset: 0,
        max_timestamp: header.max_timestamp,
        position,
        len: u32::try_from(len).ok()?,
        last_offset_delta,
    };
    Some(PlacedBatch {
        header,
        places,
        entry,
    })
}

/// Whether there is an offset behind the batch's last one, so that nobody has to ask again.
pub(crate) fn has_next(base_offset: Offset, last_offset_delta: u32) -> bool {
    base_offset
        .checked_add(Offset::from(last_offset_delta) + 1)
        .is_some()
}
