//! Snappy, raw and in the block framing of snappy-java (`SnappyOutputStream`).
//!
//! The framing is an 8-byte mark, two 32-bit version numbers, and blocks of a 32-bit length and raw
//! snappy data, all big-endian. The version numbers are not looked at: only 1 exists, and librdkafka
//! does not look at them either. The mark may come again between blocks, where streams were joined.
//! A raw stream cannot start with the mark: it would declare 10,626 bytes and then copy from before
//! their start.

use super::{Refused, take};

const MARK: &[u8] = b"\x82SNAPPY\0";
const VERSIONS: &[u8] = &[0, 0, 0, 1, 0, 0, 0, 1];

/// snappy-java's default block, in bytes of input.
const BLOCK_BYTES: usize = 32 << 10;

/// Snappy's densest element copies 64 bytes and takes 3.
const RATIO_MAX: usize = 22;

pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = snap::raw::Encoder::new();
    let mut output = [MARK, VERSIONS].concat();
    for block in input.chunks(BLOCK_BYTES) {
        let compressed = encoder.compress_vec(block).ok()?;
        output.extend_from_slice(&u32::try_from(compressed.len()).ok()?.to_be_bytes());
        output.extend_from_slice(&compressed);
    }
    Some(output)
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, Refused> {
    let mut output = Vec::new();
    if !input.starts_with(MARK) {
        append_raw(input, &mut output, bytes_max)?;
        return Ok(output);
    }
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(MARK) {
            take(&mut rest, MARK.len() + VERSIONS.len())?;
            continue;
        }
        let mut len = [0; 4];
        len.copy_from_slice(take(&mut rest, 4)?);
        let len = usize::try_from(i32::from_be_bytes(len))
            .map_err(|_| Refused::Corrupt("a block has a negative length"))?;
        append_raw(take(&mut rest, len)?, &mut output, bytes_max)?;
    }
    Ok(output)
}

fn append_raw(block: &[u8], output: &mut Vec<u8>, bytes_max: usize) -> Result<(), Refused> {
    const NOT_SNAPPY: Refused = Refused::Corrupt("a block is not snappy data");
    if block.is_empty() {
        return Err(NOT_SNAPPY);
    }
    let len = snap::raw::decompress_len(block).map_err(|_| NOT_SNAPPY)?;
    if len > block.len().saturating_mul(RATIO_MAX) {
        return Err(Refused::Corrupt(
            "a block declares more than its bytes can hold",
        ));
    }
    let start = output.len();
    if len > bytes_max.saturating_sub(start) {
        return Err(Refused::TooLarge);
    }
    output.resize(start + len, 0);
    snap::raw::Decoder::new()
        .decompress(block, &mut output[start..])
        .map_err(|_| NOT_SNAPPY)?;
    Ok(())
}
