//! What a host reads of the log.

use crate::queues::io::{Batches, Read};
use base::Offset;
use commitlog::{Log, ReadError};
use kafka_wire::record_batch::BatchHeader;

/// Bytes that are read of a level at once.
const READ_BYTES: usize = 256 << 10;

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
