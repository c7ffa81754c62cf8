//! Frames and blocks: the bytes of the WAL (`docs/formats/wal.md`).
//!
//! A *frame* is one entry. A *block* is what one flush makes durable: a header and the frames that
//! were waiting. A block is atomic: recovery takes the last one whole or not at all.

use base::{Epoch, Incarnation, Offset, ShardId, StreamId};
use bytes::{BufMut, Bytes, BytesMut};

/// Length of a block's header, in bytes.
pub(crate) const BLOCK_HEADER_LEN: usize = 64;
/// Length of a frame's header, in bytes.
pub(crate) const FRAME_HEADER_LEN: usize = 40;
/// Frames and blocks start at multiples of this, so that a damaged place can be searched for the next one.
pub(crate) const ALIGNMENT: usize = 8;

const BLOCK_MAGIC: u32 = u32::from_le_bytes(*b"MSB1");
const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"MSF1");
/// Where a block header's checksum starts to count.
const BLOCK_CRC_START: usize = 8;
/// Where a frame header's checksum starts to count.
const FRAME_CRC_START: usize = 8;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A record batch of a stream.
    Batch = 1,
    /// A cell of a group coordinator: key and value.
    Group = 2,
    /// A cell of the allocation of producer ids.
    Producer = 3,
    /// A cell of the catalog.
    Catalog = 4,
    /// A stream's first offset has moved up to the frame's base offset.
    Trim = 5,
    /// A checkpoint has been written; its number is the base offset.
    Mark = 6,
    /// The shard was given up by its owner in a planned move.
    Release = 7,
    /// A stream is gone; its id is never used again.
    StreamRemoved = 8,
    /// A record batch that lies in several streams, and its places in them.
    Deposit = 9,
    /// Offsets of a stream are settled, others came back.
    Settle = 10,
    /// A cell of a queue.
    Queue = 11,
    /// A record batch of a stream that lay in an older file, which it no longer keeps.
    Moved = 12,
}

impl Kind {
    /// Whether it is a kind of cell.
    #[must_use]
    pub fn is_cell(self) -> bool {
        matches!(
            self,
            Self::Group | Self::Producer | Self::Catalog | Self::Queue
        )
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Batch,
            2 => Self::Group,
            3 => Self::Producer,
            4 => Self::Catalog,
            5 => Self::Trim,
            6 => Self::Mark,
            7 => Self::Release,
            8 => Self::StreamRemoved,
            9 => Self::Deposit,
            10 => Self::Settle,
            11 => Self::Queue,
            12 => Self::Moved,
            _ => return None,
        })
    }
}

/// One entry of the WAL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it holds.
    pub kind: Kind,
    /// The shard that it belongs to.
    pub shard: ShardId,
    /// Under which ownership of the shard it was written.
    pub epoch: Epoch,
    /// The stream of a batch, a trim, a removal or a settlement; 0 otherwise.
    pub stream: StreamId,
    /// The first offset of a batch; the new log start of a trim; the number of a mark.
    pub base_offset: Offset,
    /// A record batch, a batch with its places, settled offsets, or the packed key and value of a cell.
    pub payload: Bytes,
}

/// A frame's header as read back, with where its payload lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: Kind,
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) stream: StreamId,
    pub(crate) base_offset: Offset,
    pub(crate) payload_len: usize,
    pub(crate) payload_crc: u32,
}

/// A block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHeader {
    pub(crate) incarnation: Incarnation,
    /// Ordinal of the block among those of its incarnation, from 0.
    pub(crate) sequence: u64,
    /// Tells one try to write a block from another's.
    pub(crate) nonce: u64,
    /// Length of the frames that follow, in bytes.
    pub(crate) body_len: usize,
    pub(crate) frames_count: u32,
    /// CRC-32C over the checksums of the frames' headers, which cover their payloads' checksums.
    pub(crate) digest: u32,
}

pub(crate) const fn align(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(word(bytes, at))
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(word(bytes, at))
}

/// What the checksums of an incarnation's frame headers start from. A frame that lies in the payload
/// of another, because somebody sends WAL files as messages, is not taken for a frame of this WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameSeed(u32);

impl FrameSeed {
    pub(crate) fn of(incarnation: Incarnation) -> Self {
        Self(crc32c::crc32c(&incarnation.0.to_le_bytes()))
    }
}

/// Puts a block together in memory.
pub(crate) struct BlockBuilder {
    incarnation: Incarnation,
    seed: FrameSeed,
    bytes: BytesMut,
    frames_count: u32,
    digest: u32,
}

impl BlockBuilder {
    pub(crate) fn new(incarnation: Incarnation, body_len: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(BLOCK_HEADER_LEN + body_len);
        bytes.put_bytes(0, BLOCK_HEADER_LEN);
        Self {
            incarnation,
            seed: FrameSeed::of(incarnation),
            bytes,
            frames_count: 0,
            digest: 0,
        }
    }

    /// Appends a frame and returns the position of its payload inside the block. A batch gets the
    /// frame's base offset and epoch, which lie outside its checksum. `trailer` follows the payload and
    /// is a part of it from then on.
    pub(crate) fn push(&mut self, frame: &Frame, trailer: &[u8]) -> usize {
        let header_at = self.bytes.len();
        let payload_at = header_at + FRAME_HEADER_LEN;
        let payload_len = u32::try_from(frame.payload.len() + trailer.len())
            .expect("limits keep payloads far below 4 GiB");
        self.bytes.put_bytes(0, FRAME_HEADER_LEN);
        self.bytes.put_slice(&frame.payload);
        if matches!(frame.kind, Kind::Batch | Kind::Deposit | Kind::Moved) {
            let epoch = i32::try_from(frame.epoch.0).expect("epochs count process starts");
            kafka_wire::record_batch::assign(
                &mut self.bytes[payload_at..],
                frame.base_offset,
                epoch,
            );
        }
        self.bytes.put_slice(trailer);
        let payload_crc = crc32c::crc32c(&self.bytes[payload_at..]);
        let mut header = &mut self.bytes[header_at..payload_at];
        header.put_u32_le(FRAME_MAGIC);
        header.put_u32_le(0);
        header.put_u32_le(payload_crc);
        header.put_u32_le(payload_len);
        header.put_u8(frame.kind as u8);
        header.put_u8(0);
        header.put_u16_le(frame.shard.0);
        header.put_u32_le(frame.epoch.0);
        header.put_u64_le(frame.stream.0);
        header.put_i64_le(frame.base_offset);
        let covered = &self.bytes[header_at + FRAME_CRC_START..payload_at];
        let header_crc = crc32c::crc32c_append(self.seed.0, covered).to_le_bytes();
        self.bytes[header_at + 4..header_at + 8].copy_from_slice(&header_crc);
        self.digest = crc32c::crc32c_append(self.digest, &header_crc);
        self.bytes
            .put_bytes(0, align(self.bytes.len()) - self.bytes.len());
        self.frames_count += 1;
        payload_at
    }

    pub(crate) fn finish(mut self, sequence: u64, nonce: u64) -> Bytes {
        let body_len = u32::try_from(self.bytes.len() - BLOCK_HEADER_LEN)
            .expect("limits keep blocks far below 4 GiB");
        let mut header = &mut self.bytes[..BLOCK_HEADER_LEN];
        header.put_u32_le(BLOCK_MAGIC);
        header.put_u32_le(0);
        header.put_u128_le(self.incarnation.0);
        header.put_u64_le(sequence);
        header.put_u64_le(nonce);
        header.put_u32_le(body_len);
        header.put_u32_le(self.frames_count);
        header.put_u32_le(self.digest);
        let crc = crc32c::crc32c(&self.bytes[BLOCK_CRC_START..BLOCK_HEADER_LEN]);
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        self.bytes.freeze()
    }
}

impl BlockHeader {
    /// Reads the header that `bytes` start with; `None` where they do not start with a sound one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BLOCK_HEADER_LEN)?;
        let sound = read_u32(header, 0) == BLOCK_MAGIC
            && read_u32(header, 4) == crc32c::crc32c(&header[BLOCK_CRC_START..]);
        sound.then(|| Self {
            incarnation: Incarnation(u128::from_le_bytes(word(header, 8))),
            sequence: read_u64(header, 24),
            nonce: read_u64(header, 32),
            body_len: read_u32(header, 40) as usize,
            frames_count: read_u32(header, 44),
            digest: read_u32(header, 48),
        })
    }
}

impl FrameHeader {
    /// Reads the header that `bytes` start with; `None` where they do not start with a sound one of
    /// the incarnation that `seed` stands for.
    pub(crate) fn parse(bytes: &[u8], seed: FrameSeed) -> Option<Self> {
        let header = bytes.get(..FRAME_HEADER_LEN)?;
        let crc = crc32c::crc32c_append(seed.0, &header[FRAME_CRC_START..]);
        (read_u32(header, 4) == crc).then(|| Self::parse_unverified(header))?
    }

    /// Reads a header whose place is known from elsewhere and whose checksum is not looked at.
    pub(crate) fn parse_unverified(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..FRAME_HEADER_LEN)?;
        if read_u32(header, 0) != FRAME_MAGIC {
            return None;
        }
        Some(Self {
            payload_crc: read_u32(header, 8),
            payload_len: read_u32(header, 12) as usize,
            kind: Kind::from_byte(header[16])?,
            shard: ShardId(u16::from_le_bytes(word(header, 18))),
            epoch: Epoch(read_u32(header, 20)),
            stream: StreamId(read_u64(header, 24)),
            base_offset: i64::from_le_bytes(word(header, 32)),
        })
    }

    /// Length of the whole frame with its padding.
    pub(crate) fn frame_len(&self) -> usize {
        align(FRAME_HEADER_LEN + self.payload_len)
    }

    /// The frame's payload, where its checksum fits; `frame` starts with the header.
    pub(crate) fn payload(&self, frame: &Bytes) -> Option<Bytes> {
        let end = FRAME_HEADER_LEN.checked_add(self.payload_len)?;
        if frame.len() < end {
            return None;
        }
        let payload = frame.slice(FRAME_HEADER_LEN..end);
        (crc32c::crc32c(&payload) == self.payload_crc).then_some(payload)
    }

    pub(crate) fn with_payload(&self, payload: Bytes) -> Frame {
        Frame {
            kind: self.kind,
            shard: self.shard,
            epoch: self.epoch,
            stream: self.stream,
            base_offset: self.base_offset,
            payload,
        }
    }
}

/// The frames of one block's body and the places where it is damaged.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Sound frames, each with the position of its payload relative to the body's start.
    pub(crate) frames: Vec<(usize, Frame)>,
    /// Ranges of bytes that belong to no sound frame, relative to the body's start.
    pub(crate) damaged: Vec<std::ops::Range<usize>>,
    /// The digest that the block's header should have.
    pub(crate) digest: u32,
}

/// Takes a body apart; what is damaged is skipped up to the next sound frame.
pub(crate) fn parse_body(body: &Bytes, seed: FrameSeed) -> Body {
    let mut found = Body::default();
    let mut at = 0;
    let mut damage_start = None;
    while at < body.len() {
        let sound = FrameHeader::parse(&body[at..], seed).and_then(|header| {
            header
                .payload(&body.slice(at..))
                .map(|payload| (header.frame_len(), header.with_payload(payload)))
        });
        match sound {
            Some((len, frame)) => {
                if let Some(start) = damage_start.take() {
                    found.damaged.push(start..at);
                }
                found.digest = crc32c::crc32c_append(found.digest, &body[at + 4..at + 8]);
                found.frames.push((at + FRAME_HEADER_LEN, frame));
                at += len;
            }
            None => {
                damage_start.get_or_insert(at);
                at += ALIGNMENT;
            }
        }
    }
    if let Some(start) = damage_start {
        found.damaged.push(start..body.len());
    }
    found
}

#[cfg(test)]
mod tests;
