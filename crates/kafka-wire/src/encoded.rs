//! A message on its way out: pieces of one buffer and shared byte fields, in order.
//!
//! It is a [`Buf`], so that a driver writes it with `writev` (`tokio`'s `write_all_buf` does) and
//! records pass from the log to the socket without a copy.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// The chunks of an encoded message that are still to be written.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// The chunk to write next; empty only when nothing is left.
    first: Bytes,
    /// The chunks after it, none of them empty. Messages without shared fields need none.
    rest: VecDeque<Bytes>,
    remaining: usize,
}

impl Encoded {
    /// Interleaves a buffer with shared bytes, each of which goes before its place in the buffer;
    /// the places ascend.
    pub(crate) fn new(buffer: Vec<u8>, shared: Vec<(usize, Bytes)>) -> Self {
        let buffer = Bytes::from(buffer);
        if shared.is_empty() {
            return Self {
                remaining: buffer.len(),
                first: buffer,
                rest: VecDeque::new(),
            };
        }
        let mut rest = VecDeque::with_capacity(2 * shared.len() + 1);
        let mut from = 0;
        for (to, bytes) in shared {
            rest.push_back(buffer.slice(from..to));
            rest.push_back(bytes);
            from = to;
        }
        rest.push_back(buffer.slice(from..));
        rest.retain(|chunk| !chunk.is_empty());
        let remaining = rest.iter().map(Bytes::len).sum();
        let first = rest.pop_front().unwrap_or_default();
        Self {
            first,
            rest,
            remaining,
        }
    }

    /// How many bytes are to be written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.remaining
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first)
            .chain(&self.rest)
            .filter(|chunk| !chunk.is_empty())
    }

    /// All of it in one piece, which copies unless there is one chunk only.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.remaining);
        for chunk in self.chunks() {
            whole.extend_from_slice(chunk);
        }
        whole.freeze()
    }
}

impl Buf for Encoded {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        &self.first
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
            count <= self.remaining,
            "advanced by {count} of {} bytes",
            self.remaining
        );
        self.remaining -= count;
        while count >= self.first.len() {
            count -= self.first.len();
            match self.rest.pop_front() {
                Some(next) => self.first = next,
                None => {
                    self.first = Bytes::new();
                    return;
                }
            }
        }
        self.first.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use bytes::{Buf, Bytes};

    use super::Encoded;

    fn sample() -> Encoded {
        let shared = vec![
            (2, Bytes::from_static(b"XX")),
            (2, Bytes::from_static(b"YYY")),
        ];
        Encoded::new(b"abcd".to_vec(), shared)
    }

    #[test]
    fn shared_bytes_stand_where_they_were_put() {
        let encoded = sample();
        assert_eq!(encoded.len(), 9);
        assert_eq!(encoded.chunks().count(), 4);
        assert_eq!(encoded.into_bytes(), &b"abXXYYYcd"[..]);
        let at_the_ends = vec![(0, Bytes::from_static(b"<")), (1, Bytes::from_static(b">"))];
        assert_eq!(
            Encoded::new(b"-".to_vec(), at_the_ends).into_bytes(),
            &b"<->"[..]
        );
    }

    #[test]
    fn writing_may_stop_anywhere() {
        let whole = sample().into_bytes();
        for written in 0..=whole.len() {
            let mut encoded = sample();
            encoded.advance(written);
            assert_eq!(encoded.remaining(), whole.len() - written);
            assert_eq!(encoded.is_empty(), encoded.chunk().is_empty());
            let mut slices = [IoSlice::new(&[]); 8];
            let filled = encoded.chunks_vectored(&mut slices);
            let seen: Vec<u8> = slices[..filled]
                .iter()
                .flat_map(|slice| slice.to_vec())
                .collect();
            assert_eq!(seen, whole[written..]);
        }
    }
}
