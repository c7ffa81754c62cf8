//! What a host asks the log for: what it knows of a queue's levels, and batches of them.

use crate::queues::io::{Batches, Read};
use crate::queues::level::LevelState;
use crate::queues::settings::Declared;
use base::Offset;
use commitlog::{Closed, Log, ReadError, ShardHandle};
use kafka_wire::record_batch::BatchHeader;

/// Bytes that are read of a level at once.
const READ_BYTES: usize = 256 << 10;

/// What the log knows of a queue's levels.
pub(super) async fn levels_of(
    shard: &ShardHandle,
    declared: &Declared,
) -> Result<Vec<LevelState>, Closed> {
    let mut levels = Vec::new();
    if !declared.stored {
        return Ok(levels);
    }
    for level in 0..u64::from(declared.settings.levels.max(1)) {
        let stream = base::StreamId(declared.id.0 + level);
        let (stream, cursor) = shard.open_queue(stream).await?;
        levels.push(LevelState {
            cursor,
            end: stream.bounds().high_watermark,
            bytes: stream.bytes(),
        });
    }
    Ok(levels)
}

/// Reads batches of a level; `None` where it has to be tried again.
pub(super) async fn load(log: &Log, read: Read) -> Option<Batches> {
    let stream = log.stream(read.stream)?;
    let high_watermark = stream.bounds().high_watermark;
    match log.read_placed(&stream, read.offset, READ_BYTES).await {
        Ok(batches) => {
            let end = batches
                .last()
                .map_or(high_watermark, |(base, batch)| end_of(*base, batch));
            Some(Batches { batches, end })
        }
        Err(ReadError::OutOfRange { log_start, .. }) if read.offset < log_start => Some(Batches {
            batches: Vec::new(),
            end: log_start,
        }),
        Err(error) => {
            tracing::warn!(%error, stream = %read.stream, offset = read.offset, "a queue cannot be read and is tried again");
            None
        }
    }
}

/// The offset behind a batch.
fn end_of(base: Offset, batch: &[u8]) -> Offset {
    let header = BatchHeader::parse(batch);
    base + header.map_or(1, |header| Offset::from(header.last_offset_delta) + 1)
}
