//! Zstandard, any number of frames.
//!
//! The output is written in one go into memory reserved for it, so that the decoder needs no window of
//! its own: a header of ten bytes may ask for one of 128 MiB.

use zstd::zstd_safe;

use super::Refused;

/// zstd's default level, which is Kafka's too.
const LEVEL: i32 = 3;

/// `ZSTD_error_dstSize_tooSmall`; the numbers of zstd's errors are stable.
const OUTPUT_TOO_SMALL: usize = 70_usize.wrapping_neg();

pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(zstd_safe::compress_bound(input.len()));
    zstd_safe::compress(&mut output, input, LEVEL).ok()?;
    output.shrink_to_fit();
    Some(output)
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, Refused> {
    const NOT_ZSTD: Refused = Refused::Corrupt("it is not complete zstd frames");
    if input.is_empty() {
        return Err(NOT_ZSTD);
    }
    // The bound is what the frames declare, or 128 KiB for each of their blocks where they do not.
    let bound = zstd_safe::decompress_bound(input).map_err(|_| NOT_ZSTD)?;
    let capacity = usize::try_from(bound).map_or(bytes_max, |bound| bound.min(bytes_max));
    let mut output = Vec::with_capacity(capacity);
    match zstd_safe::decompress(&mut output, input) {
        Ok(_) if output.len() > bytes_max => Err(Refused::TooLarge),
        Ok(_) => {
            output.shrink_to_fit();
            Ok(output)
        }
        Err(OUTPUT_TOO_SMALL) if capacity == bytes_max => Err(Refused::TooLarge),
        Err(_) => Err(NOT_ZSTD),
    }
}
