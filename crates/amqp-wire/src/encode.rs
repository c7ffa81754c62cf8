//! Frames appended to a buffer.
//!
//! Nothing here looks at the negotiated frame-max except [`encode_body`]: methods and content headers cannot be
//! split, and what is too large for a peer is found by whoever knows it.

use bytes::{BufMut, BytesMut};

use crate::content_header::CLASS_BASIC;
use crate::error::EncodeError;
use crate::frame::{FRAME_END, FRAME_HEAD_LEN, FRAME_OVERHEAD, FrameKind};
use crate::method::MethodFields;
use crate::properties::{RawProperties, check_size};

/// What a content header takes before the properties: class, weight, body size.
const CONTENT_HEAD_LEN: usize = 12;

/// Appends a method frame; `method` is a method's struct (`&basic::Deliver { .. }`, the quickest) or a
/// [`Method`](crate::Method).
///
/// # Errors
/// Where the method is too long for any frame. The buffer is as it was then.
#[inline]
pub fn encode_method<M: MethodFields>(
    out: &mut BytesMut,
    channel: u16,
    method: &M,
) -> Result<(), EncodeError> {
    let len = 4 + method.size();
    let size = check_size(len)?;
    out.reserve(len + FRAME_OVERHEAD);
    let (class, id) = method.ids();
    let mut head = [0; FRAME_HEAD_LEN + 4];
    head[..FRAME_HEAD_LEN].copy_from_slice(&frame_head(FrameKind::Method, channel, size));
    head[FRAME_HEAD_LEN..FRAME_HEAD_LEN + 2].copy_from_slice(&class.to_be_bytes());
    head[FRAME_HEAD_LEN + 2..].copy_from_slice(&id.to_be_bytes());
    out.put_slice(&head);
    method.write(out);
    out.put_u8(FRAME_END);
    Ok(())
}

/// Appends the header frame of a content of class basic.
///
/// # Errors
/// Where the properties are too long for any frame. The buffer is as it was then.
#[inline]
pub fn encode_content_header(
    out: &mut BytesMut,
    channel: u16,
    body_size: u64,
    properties: RawProperties<'_>,
) -> Result<(), EncodeError> {
    let properties = properties.as_bytes();
    let len = CONTENT_HEAD_LEN + properties.len();
    let size = check_size(len)?;
    out.reserve(len + FRAME_OVERHEAD);
    let mut head = [0; FRAME_HEAD_LEN + CONTENT_HEAD_LEN];
    head[..FRAME_HEAD_LEN].copy_from_slice(&frame_head(FrameKind::Header, channel, size));
    head[FRAME_HEAD_LEN..FRAME_HEAD_LEN + 2].copy_from_slice(&CLASS_BASIC.to_be_bytes());
    head[FRAME_HEAD_LEN + 4..].copy_from_slice(&body_size.to_be_bytes());
    out.put_slice(&head);
    out.put_slice(properties);
    out.put_u8(FRAME_END);
    Ok(())
}

/// Appends a body as frames of at most `frame_max` bytes (0: no limit); none for an empty body. All of it is
/// copied: [`Output::content`](crate::Output::content) spares that for large ones.
pub fn encode_body(out: &mut BytesMut, channel: u16, body: &[u8], frame_max: u32) {
    let piece_max = piece_max(frame_max);
    out.reserve(body.len() + body.len().div_ceil(piece_max) * FRAME_OVERHEAD);
    for piece in body.chunks(piece_max) {
        out.put_slice(&body_head(channel, piece.len()));
        out.put_slice(piece);
        out.put_u8(FRAME_END);
    }
}

/// Appends a heartbeat.
pub fn encode_heartbeat(out: &mut BytesMut) {
    out.put_slice(&frame_head(FrameKind::Heartbeat, 0, 0));
    out.put_u8(FRAME_END);
}

/// How much of a body goes into a frame; at least one byte, whatever was negotiated.
pub(crate) fn piece_max(frame_max: u32) -> usize {
    let frame_max = if frame_max == 0 { u32::MAX } else { frame_max };
    (frame_max as usize).saturating_sub(FRAME_OVERHEAD).max(1)
}

/// What stands before a piece of a body, which [`piece_max`] has cut.
pub(crate) fn body_head(channel: u16, len: usize) -> [u8; FRAME_HEAD_LEN] {
    let size = u32::try_from(len).expect("pieces are shorter than frame-max, which has 32 bits");
    frame_head(FrameKind::Body, channel, size)
}

#[inline]
fn frame_head(kind: FrameKind, channel: u16, size: u32) -> [u8; FRAME_HEAD_LEN] {
    let [a, b] = channel.to_be_bytes();
    let [c, d, e, f] = size.to_be_bytes();
    [kind as u8, a, b, c, d, e, f]
}
