//! What is to be written to a connection: a buffer for small things, and large bodies that leave without a copy.
//!
//! It is a [`Buf`], so that a driver writes it with `writev` (`tokio`'s `write_all_buf` does). It has no limit of
//! its own: whoever fills it looks at [`Output::len`].

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::encode::{
    body_head, encode_body, encode_content_header, encode_heartbeat, encode_method, piece_max,
};
use crate::error::EncodeError;
use crate::frame::FRAME_END;
use crate::method::MethodFields;
use crate::properties::RawProperties;

/// A piece of a body up to this size is copied: that costs less than an entry of its own in the list that
/// `writev` takes, two reference counts, and a buffer in two parts.
pub const COPY_MAX: usize = 4 * 1024;

/// Frames on their way out.
#[derive(Debug, Default)]
pub struct Output {
    /// What goes first; none of them is empty.
    chunks: VecDeque<Bytes>,
    /// How many bytes the chunks have.
    chunks_len: usize,
    /// What goes after the chunks, and grows.
    buffer: BytesMut,
}

impl Output {
    /// With room for `capacity` bytes of small frames.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            buffer: BytesMut::with_capacity(capacity),
            ..Self::default()
        }
    }

    /// How many bytes are to be written.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks_len + self.buffer.len()
    }

    /// Whether nothing is to be written.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer's end, for whole frames that somebody else appends.
    #[inline]
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Adds a method frame, see [`encode_method`].
    ///
    /// # Errors
    /// Where the method is too long for any frame. Nothing is added then.
    #[inline]
    pub fn method<M: MethodFields>(&mut self, channel: u16, method: &M) -> Result<(), EncodeError> {
        encode_method(&mut self.buffer, channel, method)
    }

    /// Adds a heartbeat.
    pub fn heartbeat(&mut self) {
        encode_heartbeat(&mut self.buffer);
    }

    /// Adds a content: a header frame, and the body in frames of at most `frame_max` bytes (0: no limit), none for
    /// an empty body. The header is one frame whatever its size, because it cannot be split.
    ///
    /// # Errors
    /// Where the properties are too long for any frame. Nothing is added then.
    #[inline]
    pub fn content(
        &mut self,
        channel: u16,
        properties: RawProperties<'_>,
        body: &Bytes,
        frame_max: u32,
    ) -> Result<(), EncodeError> {
        encode_content_header(&mut self.buffer, channel, body.len() as u64, properties)?;
        if body.len() <= COPY_MAX {
            encode_body(&mut self.buffer, channel, body, frame_max);
        } else {
            self.large_body(channel, body, frame_max);
        }
        Ok(())
    }

    fn large_body(&mut self, channel: u16, body: &Bytes, frame_max: u32) {
        let piece_max = piece_max(frame_max);
        let mut rest = body.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(piece_max));
            self.buffer.put_slice(&body_head(channel, piece.len()));
            if piece.len() <= COPY_MAX {
                self.buffer.put_slice(&piece);
            } else {
                self.share(piece);
            }
            self.buffer.put_u8(FRAME_END);
        }
    }

    /// Puts a chunk behind what is in the buffer.
    fn share(&mut self, chunk: Bytes) {
        let before = self.buffer.split().freeze();
        self.chunks_len += before.len() + chunk.len();
        self.chunks.push_back(before);
        self.chunks.push_back(chunk);
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]);
        let buffer = Some(&self.buffer[..]).filter(|buffer| !buffer.is_empty());
        chunks.chain(buffer)
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        match self.chunks.front() {
            Some(first) => first,
            None => &self.buffer,
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slot, chunk) in slices.iter_mut().zip(self.chunks()) {
            *slot = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    /// Passes over what was written.
    ///
    /// # Panics
    /// Where `count` is more than remains, as the trait demands.
    fn advance(&mut self, mut count: usize) {
        assert!(
            count <= self.len(),
            "advanced by {count} of {} bytes",
            self.len()
        );
        while let Some(first) = self.chunks.front_mut() {
            if count < first.len() {
                self.chunks_len -= count;
                first.advance(count);
                return;
            }
            count -= first.len();
            self.chunks_len -= first.len();
            self.chunks.pop_front();
        }
        if count == self.buffer.len() {
            // An empty buffer starts at the beginning of its memory again, which advancing would use up.
            self.buffer.clear();
        } else {
            self.buffer.advance(count);
        }
    }
}

#[cfg(test)]
mod tests;
