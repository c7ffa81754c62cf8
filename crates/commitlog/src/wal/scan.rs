//! Taking a WAL file apart: its blocks, what is damaged, and where a torn tail begins.

use crate::frame::{ALIGNMENT, BLOCK_HEADER_LEN, BlockHeader, Frame, parse_body};
use base::{Incarnation, Packer};
use bytes::Bytes;
use std::ops::Range;

/// Length of a file's header, in bytes.
pub(crate) const FILE_HEADER_LEN: u32 = 64;

const MAGIC: &[u8; 8] = b"MNSTYWAL";
const VERSION: u32 = 1;
/// Where the header's checksum starts to count.
const CRC_START: usize = 16;

/// The first bytes of a file (`docs/formats/wal.md`).
pub(super) fn file_header(incarnation: Incarnation, number: u64, first_sequence: u64) -> Bytes {
    let mut body = Packer::new();
    body.u128(incarnation.0)
        .u64(number)
        .u64(first_sequence)
        .u64(0)
        .u64(0);
    let body = body.finish();
    let mut header = Vec::with_capacity(FILE_HEADER_LEN as usize);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    header.extend_from_slice(&body);
    header.into()
}

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    /// A later build wrote it.
    #[error("it has format {0}, this build reads up to {VERSION}")]
    NewerFormat(u32),
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Sound frames in order, each with the position of its payload in the file.
    pub(crate) frames: Vec<(u32, Frame)>,
    /// Ranges of the file that are damaged and followed by sound blocks.
    pub(crate) damaged: Vec<Range<u32>>,
    /// The last whole block, to be settled where nobody knows whether it was synced.
    pub(crate) last_block: Option<Range<u32>>,
    /// Where sound blocks end. What follows is a torn tail, if this is the WAL's last file.
    pub(crate) end: u32,
}

/// Takes `file` apart. It must be at most 4 GiB long.
pub(crate) fn scan(file: &Bytes) -> Result<Scan, ScanError> {
    let mut found = Scan {
        end: FILE_HEADER_LEN,
        ..Scan::default()
    };
    let header = file.get(..FILE_HEADER_LEN as usize);
    let sound_header = header.filter(|header| {
        header.starts_with(MAGIC)
            && header[12..16] == crc32c::crc32c(&header[CRC_START..]).to_le_bytes()
    });
    match sound_header
        .map(|header| u32::from_le_bytes([header[8], header[9], header[10], header[11]]))
    {
        Some(version) if version > VERSION => return Err(ScanError::NewerFormat(version)),
        Some(_) => {}
        None => found.damaged.push(0..FILE_HEADER_LEN),
    }
    let mut at = FILE_HEADER_LEN as usize;
    // Bytes from here to `at` belong to no sound block so far.
    let mut doubtful = at;
    while let Some((start, block)) = next_block(file, at) {
        salvage(file, doubtful..start, &mut found);
        let body_start = start + BLOCK_HEADER_LEN;
        let end = body_start + block.body_len;
        let body = parse_body(&file.slice(body_start..end));
        let whole = body.damaged.is_empty()
            && body.frames.len() == block.frames_count as usize
            && body.digest == block.digest;
        at = end;
        if whole {
            doubtful = end;
            found.last_block = Some(narrow(start)..narrow(end));
            found.end = narrow(end);
            found.frames.extend(
                body.frames
                    .into_iter()
                    .map(|(position, frame)| (narrow(body_start + position), frame)),
            );
        } else {
            // Whether this is damage or a torn tail shows when a sound block follows, or none.
            doubtful = start;
        }
    }
    if found.last_block.is_none() && sound_header.is_none() {
        found.damaged.clear();
        found.end = 0;
    }
    Ok(found)
}

/// The first sound block header at or after `from` whose body lies inside the file.
fn next_block(file: &Bytes, from: usize) -> Option<(usize, BlockHeader)> {
    (from..file.len().saturating_sub(BLOCK_HEADER_LEN - 1))
        .step_by(ALIGNMENT)
        .filter_map(|at| BlockHeader::parse(&file[at..]).map(|header| (at, header)))
        .find(|(at, header)| at + BLOCK_HEADER_LEN + header.body_len <= file.len())
}

/// Keeps the sound frames of a range that a sound block follows, and notes what is damaged in it.
fn salvage(file: &Bytes, range: Range<usize>, found: &mut Scan) {
    let body = parse_body(&file.slice(range.clone()));
    found.frames.extend(
        body.frames
            .into_iter()
            .map(|(position, frame)| (narrow(range.start + position), frame)),
    );
    for damage in body.damaged {
        let place = range.start + damage.start..range.start + damage.end;
        // Block headers lie between the frames and are not damage.
        if place.len() != BLOCK_HEADER_LEN || BlockHeader::parse(&file[place.clone()]).is_none() {
            found.damaged.push(narrow(place.start)..narrow(place.end));
        }
    }
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("WAL files are far below 4 GiB")
}
