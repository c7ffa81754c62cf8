//! Frames: type, channel, size, payload and the end octet (specification section 2.3.5).
//!
//! [`RawFrame::parse`] borrows from what was read and costs nothing; [`decode_frame`] cuts the frame off the
//! caller's buffer and shares its memory. Neither looks into the payload. The quickest way through a buffer is
//!
//! ```text
//! while let Some(frame) = RawFrame::parse(&buffer, frame_max)? {
//!     let len = frame.len();
//!     session.handle(frame);
//!     buffer.advance(len);
//! }
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::error::FrameError;

/// The octet that ends each frame.
pub const FRAME_END: u8 = 0xce;

/// Octets before the payload: type, channel, size.
pub const FRAME_HEAD_LEN: usize = 7;

/// What a frame takes beyond its payload.
pub const FRAME_OVERHEAD: usize = FRAME_HEAD_LEN + 1;

/// A peer may not ask for a smaller frame-max (specification, constant `frame-min-size`).
pub const FRAME_MIN_SIZE: u32 = 4096;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A method.
    Method = 1,
    /// The header of a content.
    Header = 2,
    /// A piece of the body of a content.
    Body = 3,
    /// A sign of life; on channel 0, without payload.
    Heartbeat = 8,
}

impl FrameKind {
    /// The kind with this number.
    #[inline]
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Method),
            2 => Some(Self::Header),
            3 => Some(Self::Body),
            8 => Some(Self::Heartbeat),
            _ => None,
        }
    }
}

/// A frame that owns a share of the buffer it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it carries.
    pub kind: FrameKind,
    /// The channel; 0 is the connection itself.
    pub channel: u16,
    /// The payload.
    pub payload: Bytes,
}

/// A frame within what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// What it carries.
    pub kind: FrameKind,
    /// The channel; 0 is the connection itself.
    pub channel: u16,
    /// The payload. It is kept beyond the buffer's use with `Bytes::slice_ref`.
    pub payload: &'a [u8],
}

impl<'a> RawFrame<'a> {
    /// The frame that `input` starts with; `None` where more must be read.
    ///
    /// A frame of more than `frame_max` bytes, all eight octets of framing included, is refused as soon as
    /// its size is known; a `frame_max` of 0 means no limit, as in connection.tune.
    #[inline]
    pub fn parse(input: &'a [u8], frame_max: u32) -> Result<Option<Self>, FrameError> {
        let Some((head, rest)) = input.split_first_chunk::<FRAME_HEAD_LEN>() else {
            return match input.first() {
                Some(&code) => kind(code).map(|_| None),
                None => Ok(None),
            };
        };
        let [code, channel_high, channel_low, size @ ..] = *head;
        let kind = kind(code)?;
        let size = u32::from_be_bytes(size);
        let total = u64::from(size) + FRAME_OVERHEAD as u64;
        if total > u64::from(frame_max) && frame_max != 0 {
            return Err(FrameError::TooLarge {
                size: total,
                frame_max,
            });
        }
        let Some((payload, after)) = rest.split_at_checked(size as usize) else {
            return Ok(None);
        };
        match after.first() {
            Some(&FRAME_END) => Ok(Some(Self {
                kind,
                channel: u16::from_be_bytes([channel_high, channel_low]),
                payload,
            })),
            Some(&found) => Err(FrameError::End { found }),
            None => Ok(None),
        }
    }

    /// How many bytes of the input the frame takes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload.len() + FRAME_OVERHEAD
    }

    /// Never: a frame has its framing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Cuts the first frame off `input`, which is left as it was where the frame is not complete or wrong.
///
/// The frame shares the buffer's memory. No memory is reserved for what has not been read yet.
pub fn decode_frame(input: &mut BytesMut, frame_max: u32) -> Result<Option<Frame>, FrameError> {
    let Some(RawFrame {
        kind,
        channel,
        payload,
    }) = RawFrame::parse(input, frame_max)?
    else {
        return Ok(None);
    };
    let size = payload.len();
    let mut whole = input.split_to(size + FRAME_OVERHEAD).freeze();
    whole.advance(FRAME_HEAD_LEN);
    whole.truncate(size);
    Ok(Some(Frame {
        kind,
        channel,
        payload: whole,
    }))
}

#[inline]
fn kind(code: u8) -> Result<FrameKind, FrameError> {
    FrameKind::from_code(code).ok_or(FrameError::UnknownType { found: code })
}

#[cfg(test)]
mod tests;
