//! Taking a WAL file apart: its blocks, what is damaged, and where a torn tail begins.

use crate::frame::{ALIGNMENT, BLOCK_HEADER_LEN, BlockHeader, Frame, FrameSeed, parse_body};
use base::{Incarnation, Packer, Unpacker};
use bytes::Bytes;
use std::ops::Range;

/// Length of a file's header, in bytes.
pub(crate) const FILE_HEADER_LEN: u32 = 64;

const MAGIC: &[u8; 8] = b"MNSTYWAL";
const VERSION: u32 = 2;
/// Where the header's checksum lies; it covers everything before and behind it.
const CRC: Range<usize> = 12..16;

/// The first bytes of a file (`docs/formats/wal.md`).
pub(super) fn file_header(incarnation: Incarnation, number: u64, first_sequence: u64) -> Bytes {
    let mut header = Vec::with_capacity(FILE_HEADER_LEN as usize);
    header.extend_from_slice(MAGIC);
    let mut rest = Packer::new();
    rest.u32(VERSION)
        .u32(0)
        .u128(incarnation.0)
        .u64(number)
        .u64(first_sequence)
        .u64(0)
        .u64(0);
    header.extend_from_slice(&rest.finish());
    let crc = header_crc(&header).to_le_bytes();
    header[CRC].copy_from_slice(&crc);
    header.into()
}

fn header_crc(header: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[..CRC.start]), &header[CRC.end..])
}

/// What a sound header says: version, whose blocks follow, and the first one's sequence number.
fn parse_header(file: &Bytes) -> Option<(u32, Incarnation, u64)> {
    let header = file.get(..FILE_HEADER_LEN as usize)?;
    if !header.starts_with(MAGIC) || header[CRC] != header_crc(header).to_le_bytes() {
        return None;
    }
    let mut fields = Unpacker::new(file.slice(MAGIC.len()..FILE_HEADER_LEN as usize));
    let (version, _crc) = (fields.u32().ok()?, fields.u32().ok()?);
    let (incarnation, _number) = (Incarnation(fields.u128().ok()?), fields.u64().ok()?);
    Some((version, incarnation, fields.u64().ok()?))
}

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    /// A later build wrote it.
    #[error("it has format {0}, this build reads up to {VERSION}")]
    NewerFormat(u32),
}

/// Whether a crash may have torn the end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// It is the WAL's last file: what no sound block follows was perhaps never acknowledged.
    MayBeTorn,
    /// Another file follows, so all of it was durable once: whatever is wrong is damage.
    WasWhole,
}

/// Which blocks of a WAL a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) incarnation: Incarnation,
    /// The sequence number of the file's first block, as its header says.
    pub(crate) first: u64,
    /// The one after its last block.
    pub(crate) next: u64,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Sound frames in order, each with the position of its payload in the file.
    pub(crate) frames: Vec<(u32, Frame)>,
    /// Ranges of the file that are damaged, in order.
    pub(crate) damaged: Vec<Range<u32>>,
    /// The last whole block, to be settled where nobody knows whether it was synced.
    pub(crate) last_block: Option<Range<u32>>,
    /// Where sound blocks end. What follows is a torn tail, where there may be one.
    pub(crate) end: u32,
    /// Which blocks these are; `None` where the header is damaged.
    pub(crate) blocks: Option<Blocks>,
}

/// Takes `file` apart. It must be at most 4 GiB long.
pub(crate) fn scan(file: &Bytes, tail: Tail) -> Result<Scan, ScanError> {
    let mut walk = Walk::new(file)?;
    while let Some((start, block)) = walk.next_block() {
        walk.take(start, &block);
    }
    Ok(walk.finish(tail))
}

/// The state of a walk through a file.
struct Walk<'a> {
    file: &'a Bytes,
    found: Scan,
    /// Whose blocks these are: the header says so, or the first block where that is damaged.
    incarnation: Option<Incarnation>,
    /// No block below this can follow: a copy of an old block inside a payload is no block.
    next_sequence: u64,
    at: usize,
    /// Bytes from here to `at` belong to no sound block so far.
    doubtful: usize,
}

impl<'a> Walk<'a> {
    fn new(file: &'a Bytes) -> Result<Self, ScanError> {
        let mut walk = Self {
            file,
            found: Scan {
                end: FILE_HEADER_LEN,
                ..Scan::default()
            },
            incarnation: None,
            next_sequence: 0,
            at: FILE_HEADER_LEN as usize,
            doubtful: FILE_HEADER_LEN as usize,
        };
        match parse_header(file) {
            Some((version, ..)) if version > VERSION => {
                return Err(ScanError::NewerFormat(version));
            }
            Some((_, incarnation, first)) => {
                walk.incarnation = Some(incarnation);
                walk.next_sequence = first;
                walk.found.blocks = Some(Blocks {
                    incarnation,
                    first,
                    next: first,
                });
            }
            None => walk.found.damaged.push(0..FILE_HEADER_LEN),
        }
        Ok(walk)
    }

    /// The next sound block header of this WAL whose body lies inside the file.
    fn next_block(&self) -> Option<(usize, BlockHeader)> {
        let last = self.file.len().checked_sub(BLOCK_HEADER_LEN)?;
        let ours = |header: &BlockHeader| {
            header.sequence >= self.next_sequence
                && self.incarnation.is_none_or(|it| it == header.incarnation)
        };
        (self.at..=last)
            .step_by(ALIGNMENT)
            .filter_map(|at| BlockHeader::parse(&self.file[at..]).map(|header| (at, header)))
            .find(|(at, header)| {
                at + BLOCK_HEADER_LEN + header.body_len <= self.file.len() && ours(header)
            })
    }

    fn take(&mut self, start: usize, block: &BlockHeader) {
        let incarnation = *self.incarnation.get_or_insert(block.incarnation);
        self.next_sequence = block.sequence.saturating_add(1);
        self.salvage(start);
        let body_start = start + BLOCK_HEADER_LEN;
        let end = body_start + block.body_len;
        let body = parse_body(
            &self.file.slice(body_start..end),
            FrameSeed::of(incarnation),
        );
        let whole = body.damaged.is_empty()
            && body.frames.len() == block.frames_count as usize
            && body.digest == block.digest;
        self.at = end;
        if whole {
            self.doubtful = end;
            self.found.last_block = Some(narrow(start)..narrow(end));
            self.found.end = narrow(end);
            self.keep(body_start, body.frames);
        } else {
            // Whether this is damage or a torn tail shows when a sound block follows, or none.
            self.doubtful = start;
        }
    }

    fn keep(&mut self, start: usize, frames: Vec<(usize, Frame)>) {
        let frames = frames.into_iter();
        self.found
            .frames
            .extend(frames.map(|(position, frame)| (narrow(start + position), frame)));
    }

    /// Keeps the sound frames between what is known to be sound and `end`, and notes what is damaged.
    fn salvage(&mut self, end: usize) {
        let start = self.doubtful.min(end);
        let Some(incarnation) = self.incarnation else {
            if start < end {
                self.found.damaged.push(narrow(start)..narrow(end));
            }
            return;
        };
        let body = parse_body(&self.file.slice(start..end), FrameSeed::of(incarnation));
        self.keep(start, body.frames);
        for damage in body.damaged {
            let place = start + damage.start..start + damage.end;
            // Block headers lie between the frames and are not damage.
            if place.len() != BLOCK_HEADER_LEN
                || BlockHeader::parse(&self.file[place.clone()]).is_none()
            {
                self.found
                    .damaged
                    .push(narrow(place.start)..narrow(place.end));
            }
        }
    }

    fn finish(mut self, tail: Tail) -> Scan {
        match tail {
            Tail::WasWhole => {
                self.salvage(self.file.len());
                self.found.end = narrow(self.file.len());
            }
            // Not even the header was durable.
            Tail::MayBeTorn if self.incarnation.is_none() => {
                self.found.damaged.clear();
                self.found.end = 0;
            }
            Tail::MayBeTorn => {}
        }
        if let Some(blocks) = &mut self.found.blocks {
            blocks.next = self.next_sequence;
        }
        self.found
    }
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("WAL files are far below 4 GiB")
}
