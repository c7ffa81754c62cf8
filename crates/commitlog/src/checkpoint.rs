//! Checkpoints: what all shards know, as an object `checkpoint/<n>` (`docs/formats/checkpoint.md`).
//!
//! A checkpoint says from which WAL file on frames must be replayed over it. Replaying more than
//! that changes nothing.

use crate::cell::{Cell, Cells};
use crate::cursor::Cursor;
use crate::frame::Kind;
use crate::producers::Producers;
use crate::shard::{ShardState, StreamState};
use base::{Epoch, Packer, ShardId, StreamId, Truncated, Unpacker};
use bytes::Bytes;

const MAGIC: u32 = u32::from_le_bytes(*b"MSCP");
const VERSION: u32 = 2;
/// From this format on streams may have acknowledgement cursors.
const VERSION_WITH_CURSORS: u32 = 2;

/// Why an object is not taken for a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// Its bytes are not those that were written.
    #[error("it is damaged")]
    Damaged,
    /// A later build wrote it.
    #[error("it has format {0}, this build reads up to {VERSION}")]
    NewerFormat(u32),
}

impl From<Truncated> for CheckpointError {
    fn from(Truncated: Truncated) -> Self {
        Self::Damaged
    }
}

/// The state of all shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Frames of this WAL file and of later ones may not be in it.
    pub(crate) replay_from: u64,
    pub(crate) shards: Vec<ShardState>,
}

/// The name of the object.
pub(crate) fn name(number: u64) -> String {
    format!("{PREFIX}/{number:010}")
}

/// Where checkpoints are.
pub(crate) const PREFIX: &str = "checkpoint";

impl Checkpoint {
    pub(crate) fn pack(&self) -> Bytes {
        let mut body = Packer::new();
        body.u32(VERSION)
            .u64(self.replay_from)
            .count(self.shards.len());
        for shard in &self.shards {
            body.u16(shard.shard.0)
                .u32(shard.epoch.0)
                .count(shard.streams.len());
            for stream in &shard.streams {
                body.u64(stream.id.0)
                    .i64(stream.log_start)
                    .i64(stream.next_offset)
                    .count(stream.epochs.len());
                for (epoch, start) in &stream.epochs {
                    body.u32(epoch.0).i64(*start);
                }
                stream.producers.pack(&mut body);
                body.u8(u8::from(stream.cursor.is_some()));
                if let Some(cursor) = &stream.cursor {
                    cursor.pack(&mut body);
                }
            }
            body.count(shard.cells.iter().len());
            for ((kind, key), value) in shard.cells.iter() {
                body.u8(*kind as u8).bytes(key).bytes(value);
            }
        }
        let body = body.finish();
        let mut object = Packer::new();
        object.u32(MAGIC).u32(crc32c::crc32c(&body)).bytes(&body);
        object.finish()
    }

    pub(crate) fn unpack(object: Bytes) -> Result<Self, CheckpointError> {
        let mut input = Unpacker::new(object);
        let (magic, crc) = (input.u32()?, input.u32()?);
        let body = input.bytes()?;
        if magic != MAGIC || crc32c::crc32c(&body) != crc {
            return Err(CheckpointError::Damaged);
        }
        let mut input = Unpacker::new(body);
        let version = input.u32()?;
        if version > VERSION {
            return Err(CheckpointError::NewerFormat(version));
        }
        let replay_from = input.u64()?;
        let mut shards = Vec::new();
        for _ in 0..input.count(14)? {
            shards.push(unpack_shard(&mut input, version)?);
        }
        Ok(Self {
            replay_from,
            shards,
        })
    }
}

fn unpack_shard(input: &mut Unpacker, version: u32) -> Result<ShardState, Truncated> {
    let (shard, epoch) = (ShardId(input.u16()?), Epoch(input.u32()?));
    let mut streams = Vec::new();
    for _ in 0..input.count(32)? {
        let (id, log_start, next_offset) = (StreamId(input.u64()?), input.i64()?, input.i64()?);
        let mut epochs = Vec::new();
        for _ in 0..input.count(12)? {
            epochs.push((Epoch(input.u32()?), input.i64()?));
        }
        let producers = Producers::unpack(input)?;
        let has_cursor = version >= VERSION_WITH_CURSORS && input.u8()? != 0;
        let cursor = has_cursor.then(|| Cursor::unpack(input)).transpose()?;
        streams.push(StreamState {
            id,
            log_start,
            next_offset,
            epochs,
            producers,
            cursor,
        });
    }
    let mut cells = Cells::default();
    for _ in 0..input.count(9)? {
        let kind = Kind::from_byte(input.u8()?).ok_or(Truncated)?;
        // Copies: a slice would keep the whole checkpoint in memory.
        let (key, value) = (
            Bytes::copy_from_slice(&input.bytes()?),
            Bytes::copy_from_slice(&input.bytes()?),
        );
        cells.apply(Cell {
            kind,
            key,
            value: Some(value),
        });
    }
    Ok(ShardState {
        shard,
        epoch,
        streams,
        cells,
    })
}

#[cfg(test)]
mod tests {
    use super::Checkpoint;
    use crate::cell::{Cell, Cells};
    use crate::cursor::Cursor;
    use crate::frame::Kind;
    use crate::producers::Producers;
    use crate::shard::{ShardState, StreamState};
    use base::{Epoch, ShardId, StreamId};
    use bytes::Bytes;

    #[test]
    fn a_checkpoint_reads_back_and_every_flipped_bit_is_noticed() {
        let mut cells = Cells::default();
        cells.apply(Cell {
            kind: Kind::Catalog,
            key: Bytes::from("topic"),
            value: Some(Bytes::from("value")),
        });
        let mut cursor = Cursor::new(1);
        cursor.settle(4..6);
        cursor.note_returned(3, 2);
        let stream = StreamState {
            id: StreamId(5),
            log_start: 1,
            next_offset: 9,
            epochs: vec![(Epoch(1), 0), (Epoch(3), 4)],
            producers: Producers::default(),
            cursor: Some(cursor),
        };
        let shard = ShardState {
            shard: ShardId(2),
            epoch: Epoch(3),
            streams: vec![stream],
            cells,
        };
        let checkpoint = Checkpoint {
            replay_from: 17,
            shards: vec![shard],
        };
        let object = checkpoint.pack();
        assert_eq!(Checkpoint::unpack(object.clone()), Ok(checkpoint));
        for bit in 0..object.len() * 8 {
            let mut damaged = object.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::unpack(damaged.into()).is_err(), "bit {bit}");
        }
    }
}
