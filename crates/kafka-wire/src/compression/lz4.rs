//! The LZ4 frame format, version 1.6.1.
//!
//! The frame is read here and not by a library, because of the header checksum that old Kafka clients
//! compute wrongly and because memory is to be reserved by what a block can hold, not by the block size
//! that a 7-byte header declares. Independent and linked blocks, block and content checksums, a content
//! size, skippable frames and several frames in a row are understood; dictionaries are not.
//!
//! Written are frames as Kafka's `Lz4BlockOutputStream` writes them: independent blocks of 64 KiB, no
//! optional field.

use lz4_flex::block::{compress_into, decompress_into_with_dict, get_maximum_output_size};
use twox_hash::XxHash32;

use super::{Refused, take};

/// Whether the checksum of a frame's header must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderChecksum {
    /// As the format wants it.
    Verify,
    /// Kafka before 0.10 included the frame's magic number (KAFKA-3160).
    Ignore,
}

const MAGIC: u32 = 0x184d_2204;
const MAGIC_SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

const VERSION_MASK: u8 = 0b1100_0000;
const VERSION_1: u8 = 0b0100_0000;
const INDEPENDENT_BLOCKS: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const RESERVED_OR_DICTIONARY: u8 = 0b0000_0011;

/// The block size code of 64 KiB, in its place in the header.
const BLOCK_64_KIB: u8 = 4 << 4;
const BLOCK_BYTES: usize = 64 << 10;

/// The bit of a block's length that says that the block is stored as it is.
const STORED: u32 = 1 << 31;

/// How far back a linked block may refer.
const WINDOW_BYTES: usize = 64 << 10;

/// A match is lengthened by at most 255 bytes for each further byte of a block.
const RATIO_MAX: usize = 255;

pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let descriptor = [VERSION_1 | INDEPENDENT_BLOCKS, BLOCK_64_KIB];
    let mut output = MAGIC.to_le_bytes().to_vec();
    output.extend_from_slice(&descriptor);
    output.push(header_checksum(&descriptor));
    let mut buffer = vec![0; get_maximum_output_size(BLOCK_BYTES.min(input.len()))];
    for block in input.chunks(BLOCK_BYTES) {
        let stored = u32::try_from(block.len()).ok()?;
        let len = compress_into(block, &mut buffer).ok()?;
        if len < block.len() {
            output.extend_from_slice(&u32::try_from(len).ok()?.to_le_bytes());
            output.extend_from_slice(&buffer[..len]);
        } else {
            output.extend_from_slice(&(stored | STORED).to_le_bytes());
            output.extend_from_slice(block);
        }
    }
    output.extend_from_slice(&0_u32.to_le_bytes());
    Some(output)
}

pub(super) fn decompress(
    input: &[u8],
    bytes_max: usize,
    checksum: HeaderChecksum,
) -> Result<Vec<u8>, Refused> {
    let mut rest = input;
    let mut output = Vec::new();
    if rest.is_empty() {
        return Err(Refused::Corrupt("there is no frame"));
    }
    while !rest.is_empty() {
        let magic = u32_le(&mut rest)?;
        if magic == MAGIC {
            let header = Header::read(&mut rest, checksum)?;
            read_frame(&header, &mut rest, &mut output, bytes_max)?;
        } else if MAGIC_SKIPPABLE.contains(&magic) {
            let len = usize::try_from(u32_le(&mut rest)?)
                .map_err(|_| Refused::Corrupt("a frame is too long"))?;
            take(&mut rest, len)?;
        } else {
            return Err(Refused::Corrupt("there are bytes that are not a frame"));
        }
    }
    Ok(output)
}

/// What stands between a frame's magic number and its first block.
struct Header {
    flags: u8,
    block_bytes_max: usize,
    content_bytes: Option<u64>,
}

impl Header {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn read(rest: &mut &[u8], checksum: HeaderChecksum) -> Result<Self, Refused> {
        let start = *rest;
        let fixed = take(rest, 2)?;
        let (flags, block) = (fixed[0], fixed[1]);
        if flags & VERSION_MASK != VERSION_1 || flags & RESERVED_OR_DICTIONARY != 0 {
            return Err(Refused::Corrupt("the frame has an unknown version or flag"));
        }
        let block_code = block >> 4;
        if !(4..=7).contains(&block_code) || block & 0xf != 0 {
            return Err(Refused::Corrupt("the frame has an unknown block size"));
        }
        let content_bytes = if flags & CONTENT_SIZE == 0 {
            None
        } else {
            let mut size = [0; 8];
            size.copy_from_slice(take(rest, 8)?);
            Some(u64::from_le_bytes(size))
        };
        let descriptor = &start[..start.len() - rest.len()];
        let declared = take(rest, 1)?[0];
        if checksum == HeaderChecksum::Verify && declared != header_checksum(descriptor) {
            return Err(Refused::Corrupt("the frame's header checksum does not fit"));
        }
        Ok(Self {
            flags,
            block_bytes_max: 1 << (2 * block_code + 8),
            content_bytes,
        })
    }
}

fn read_frame(
    header: &Header,
    rest: &mut &[u8],
    output: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), Refused> {
    let start = output.len();
    let room = u64::try_from(bytes_max - start).unwrap_or(u64::MAX);
    if header.content_bytes.is_some_and(|bytes| bytes > room) {
        return Err(Refused::TooLarge);
    }
    loop {
        let declared = u32_le(rest)?;
        if declared == 0 {
            break;
        }
        let len = usize::try_from(declared & !STORED)
            .map_err(|_| Refused::Corrupt("a block is too long"))?;
        if len > header.block_bytes_max {
            return Err(Refused::Corrupt(
                "a block is longer than the frame declares",
            ));
        }
        let block = take(rest, len)?;
        if header.has(BLOCK_CHECKSUMS) && u32_le(rest)? != XxHash32::oneshot(0, block) {
            return Err(Refused::Corrupt("a block's checksum does not fit"));
        }
        if declared & STORED == 0 {
            append_block(header, block, output, start, bytes_max)?;
        } else if len > bytes_max - output.len() {
            return Err(Refused::TooLarge);
        } else {
            output.extend_from_slice(block);
        }
    }
    let content = &output[start..];
    if header.has(CONTENT_CHECKSUM) && u32_le(rest)? != XxHash32::oneshot(0, content) {
        return Err(Refused::Corrupt("the content's checksum does not fit"));
    }
    let content_bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if header
        .content_bytes
        .is_some_and(|bytes| bytes != content_bytes)
    {
        return Err(Refused::Corrupt("the content has not the declared size"));
    }
    Ok(())
}

fn append_block(
    header: &Header,
    block: &[u8],
    output: &mut Vec<u8>,
    frame_start: usize,
    bytes_max: usize,
) -> Result<(), Refused> {
    let start = output.len();
    let possible = header
        .block_bytes_max
        .min(block.len().saturating_mul(RATIO_MAX));
    let room = bytes_max - start;
    output.resize(start + possible.min(room), 0);
    let (done, target) = output.split_at_mut(start);
    let window = if header.has(INDEPENDENT_BLOCKS) {
        &[]
    } else {
        &done[frame_start.max(start.saturating_sub(WINDOW_BYTES))..]
    };
    match decompress_into_with_dict(block, target, window) {
        Ok(len) => {
            output.truncate(start + len);
            Ok(())
        }
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if room < possible => {
            Err(Refused::TooLarge)
        }
        Err(_) => Err(Refused::Corrupt("a block is not lz4 data")),
    }
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    XxHash32::oneshot(0, descriptor).to_le_bytes()[1]
}

fn u32_le(rest: &mut &[u8]) -> Result<u32, Refused> {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(take(rest, 4)?);
    Ok(u32::from_le_bytes(bytes))
}
