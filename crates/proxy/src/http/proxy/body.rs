//! The body of an answer without its framing.

use http_wire::{BadChunk, BodyFraming, ChunkedDecoder, Step};

/// How far a body is.
pub(super) struct Unframed {
    left: Left,
    is_ended: bool,
    has_surplus: bool,
    read: u64,
}

enum Left {
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
}

impl Unframed {
    /// Nothing of it was read yet.
    pub(super) fn new(framing: BodyFraming) -> Self {
        let left = match framing {
            BodyFraming::None => Left::Length(0),
            BodyFraming::Length(len) => Left::Length(len),
            BodyFraming::Chunked => Left::Chunked(ChunkedDecoder::default()),
            BodyFraming::UntilClose => Left::UntilClose,
        };
        Self {
            is_ended: matches!(left, Left::Length(0)),
            left,
            has_surplus: false,
            read: 0,
        }
    }

    /// All of it was read.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Bytes came that belong to no answer.
    pub(super) fn has_surplus(&self) -> bool {
        self.has_surplus
    }

    /// Its end is known without closing.
    pub(super) fn is_delimited(&self) -> bool {
        !matches!(self.left, Left::UntilClose)
    }

    /// Bytes of it so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// How much is still to come at most, as far as that is known.
    pub(super) fn left(&self) -> usize {
        match self.left {
            Left::Length(left) => usize::try_from(left).unwrap_or(usize::MAX),
            Left::Chunked(_) | Left::UntilClose => usize::MAX,
        }
    }

    /// Takes what stands in `buffer` from `from` on; afterwards only bytes of the body stand there.
    pub(super) fn take(&mut self, buffer: &mut Vec<u8>, from: usize) -> Result<(), BadChunk> {
        let came = buffer.len() - from;
        let kept = match &mut self.left {
            Left::UntilClose => came,
            Left::Length(left) => {
                let kept = usize::try_from(*left).map_or(came, |left| left.min(came));
                *left -= kept as u64;
                self.is_ended = *left == 0;
                self.has_surplus = kept < came;
                kept
            }
            Left::Chunked(decoder) => {
                let (kept, end) = unchunk(decoder, buffer, from)?;
                if let Some(end) = end {
                    self.is_ended = true;
                    self.has_surplus = end < from + came;
                }
                kept
            }
        };
        buffer.truncate(from + kept);
        self.read += kept as u64;
        Ok(())
    }

    /// The server closed the connection; whether that is the body's end.
    pub(super) fn close(&mut self) -> bool {
        self.is_ended |= matches!(self.left, Left::UntilClose);
        self.is_ended
    }

    /// What followed the last chunk.
    pub(super) fn trailers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let decoder = match &self.left {
            Left::Chunked(decoder) => Some(decoder),
            Left::Length(_) | Left::UntilClose => None,
        };
        decoder.into_iter().flat_map(ChunkedDecoder::trailer_fields)
    }
}

/// Moves the data of chunks together, from `from` on. Gives back how much that is, and where the body ends if it does.
fn unchunk(
    decoder: &mut ChunkedDecoder,
    buffer: &mut [u8],
    from: usize,
) -> Result<(usize, Option<usize>), BadChunk> {
    let (mut at, mut to) = (from, from);
    loop {
        match decoder.decode(buffer, at)? {
            Step::Data(range) => {
                at = range.end;
                let len = range.len();
                if range.start != to {
                    buffer.copy_within(range, to);
                }
                to += len;
            }
            Step::More => return Ok((to - from, None)),
            Step::End(end) => return Ok((to - from, Some(end))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_lose_their_framing() {
        let check = |framing, pieces: &[&str], expected: &str, ended, surplus| {
            let mut body = Unframed::new(framing);
            let mut buffer = b"head".to_vec();
            for piece in pieces {
                let from = buffer.len();
                buffer.extend_from_slice(piece.as_bytes());
                body.take(&mut buffer, from).unwrap();
            }
            assert_eq!(buffer[4..], *expected.as_bytes(), "{framing:?} {pieces:?}");
            assert_eq!((body.is_ended(), body.has_surplus()), (ended, surplus));
            assert_eq!(body.read(), expected.len() as u64);
        };
        check(BodyFraming::None, &["x"], "", true, true);
        check(BodyFraming::Length(5), &["ab", "cde"], "abcde", true, false);
        check(BodyFraming::Length(2), &["abc"], "ab", true, true);
        check(BodyFraming::Length(9), &["abc"], "abc", false, false);
        check(BodyFraming::UntilClose, &["abc", "d"], "abcd", false, false);
        let whole = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        check(BodyFraming::Chunked, &[whole], "abcde", true, false);
        check(BodyFraming::Chunked, &[whole, "x"], "abcde", true, true);
        for at in 1..whole.len() - 1 {
            let (one, two) = whole.split_at(at);
            check(BodyFraming::Chunked, &[one, two], "abcde", true, false);
        }
    }

    #[test]
    fn only_a_body_without_length_ends_by_closing() {
        assert!(Unframed::new(BodyFraming::UntilClose).close());
        assert!(!Unframed::new(BodyFraming::Length(1)).close());
        assert!(!Unframed::new(BodyFraming::Chunked).close());
    }
}
