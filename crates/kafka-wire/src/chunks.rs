//! A byte field in several pieces, which leaves without being put together.
//!
//! The record batches of a partition lie apart in the log's memory, and a response holds them as one field.

use bytes::{Bytes, BytesMut};

/// Bytes in pieces. Two are equal where all their bytes are, however they are cut.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    pieces: Pieces,
    len: usize,
}

/// One piece, which most are, needs no memory of its own.
#[derive(Debug, Clone)]
enum Pieces {
    One(Bytes),
    Many(Vec<Bytes>),
}

impl Default for Pieces {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl Chunks {
    /// How many bytes there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        match &self.pieces {
            Pieces::One(piece) => std::slice::from_ref(piece).iter(),
            Pieces::Many(pieces) => pieces.iter(),
        }
    }

    /// All of it in one piece, which copies unless there is only one.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if let Pieces::One(only) = &self.pieces {
            return only.clone();
        }
        let mut whole = BytesMut::with_capacity(self.len);
        for piece in self.iter() {
            whole.extend_from_slice(piece);
        }
        whole.freeze()
    }
}

impl From<Vec<Bytes>> for Chunks {
    fn from(pieces: Vec<Bytes>) -> Self {
        Self {
            len: pieces.iter().map(Bytes::len).sum(),
            pieces: Pieces::Many(pieces),
        }
    }
}

impl From<Bytes> for Chunks {
    fn from(only: Bytes) -> Self {
        Self {
            len: only.len(),
            pieces: Pieces::One(only),
        }
    }
}

impl PartialEq for Chunks {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().flatten().eq(other.iter().flatten())
    }
}

impl Eq for Chunks {}

#[cfg(test)]
mod tests {
    use super::Chunks;
    use bytes::Bytes;

    #[test]
    fn pieces_are_the_same_bytes_however_they_are_cut() {
        let whole = Chunks::from(Bytes::from_static(b"abcdef"));
        let pieces = ["ab", "", "cdef"].map(|piece| Bytes::from_static(piece.as_bytes()));
        let cut = Chunks::from(pieces.to_vec());
        assert_eq!(whole, cut);
        assert_eq!(
            (cut.len(), cut.to_bytes()),
            (6, Bytes::from_static(b"abcdef"))
        );
        assert_ne!(whole, Chunks::from(Bytes::from_static(b"abcdeg")));
        assert!(Chunks::default().is_empty());
        assert_eq!(Chunks::default().to_bytes(), Bytes::new());
    }
}
