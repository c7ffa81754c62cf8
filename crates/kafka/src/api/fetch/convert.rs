//! Records in the form that a version of Fetch knows: a message set of magic 0 below version 2 and of magic 1 below
//! version 4, no zstd below version 10 (KIP-110).

use super::{Context, WHOLE_BATCH_VERSION};
use crate::fetch_sessions::Wanted;
use bytes::Bytes;
use kafka_wire::compression::{Compression, Limits};
use kafka_wire::message_set::{Cut, DownConvert, Magic, down_convert};
use kafka_wire::record_batch::BatchHeader;
use kafka_wire::{Chunks, ErrorCode};

/// The first version that takes record batches of magic 2 (KIP-98).
const BATCH_VERSION: i16 = 4;
/// The first version that takes zstd.
const ZSTD_VERSION: i16 = 10;

/// The records of one partition as this version of Fetch takes them.
pub(super) fn for_version(
    context: &Context<'_>,
    wanted: &Wanted,
    batches: Vec<Bytes>,
) -> Result<Chunks, ErrorCode> {
    let version = context.version;
    if version >= ZSTD_VERSION || batches.is_empty() {
        return Ok(Chunks::from(batches));
    }
    let readable = batches.iter().take_while(|batch| !is_zstd(batch)).count();
    if readable == 0 {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    let mut batches = batches;
    batches.truncate(readable);
    if version >= BATCH_VERSION {
        return Ok(Chunks::from(batches));
    }
    let ask = DownConvert {
        magic: if version < 2 { Magic::V0 } else { Magic::V1 },
        from_offset: wanted.partition.fetch_offset,
        bytes_max: usize::try_from(wanted.partition.partition_max_bytes).unwrap_or(0),
        cut: if version < WHOLE_BATCH_VERSION {
            Cut::Partial
        } else {
            Cut::FirstWhole
        },
        limits: Limits::default(),
    };
    let converted = down_convert(batches.iter().map(|batch| &batch[..]), &ask).map_err(|error| {
        tracing::error!(%error, topic = %wanted.topic, partition = wanted.partition.partition, "records cannot be converted for an old client");
        ErrorCode::CorruptMessage
    })?;
    context.broker.counters().down_converted_fetches.add(1);
    Ok(Chunks::from(vec![converted.set]))
}

fn is_zstd(batch: &Bytes) -> bool {
    BatchHeader::parse(batch)
        .is_ok_and(|header| Compression::from_id(header.compression()) == Some(Compression::Zstd))
}
