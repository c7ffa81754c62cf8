//! gzip: any number of members, as `java.util.zip.GZIPInputStream` reads them.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Refused;

/// What text compresses to, roughly: the guess that the output's first reservation is made from.
const TYPICAL_RATIO: usize = 4;

pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(input).ok()?;
    encoder.finish().ok()
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, Refused> {
    let mut output = Vec::with_capacity(bytes_max.min(input.len().saturating_mul(TYPICAL_RATIO)));
    // One byte more than allowed tells an output that is too large from one that just fits.
    let readable = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    MultiGzDecoder::new(input)
        .take(readable)
        .read_to_end(&mut output)
        .map_err(|_| Refused::Corrupt("it is not a complete gzip stream with right checksums"))?;
    if output.len() > bytes_max {
        return Err(Refused::TooLarge);
    }
    Ok(output)
}
