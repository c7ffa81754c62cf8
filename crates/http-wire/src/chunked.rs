//! The chunked transfer coding (RFC 9112 7.1): decoded as bytes come, encoded piece by piece.
//!
//! The decoder copies no data: it says which bytes of the buffer are data. It keeps trailers, which are few, and bounds all that
//! is not data. Lines end with CR LF only.

use std::ops::Range;

use thiserror::Error;

use crate::field::{Line, parse_line};

/// What goes before every chunk but empty ones, `out` being appended to: the size and its line end.
pub fn write_chunk_head(len: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = (usize::BITS - len.leading_zeros()).div_ceil(4).max(1);
    out.extend(
        (0..nibbles)
            .rev()
            .map(|nibble| DIGITS[len >> (4 * nibble) & 15]),
    );
    out.extend_from_slice(b"\r\n");
}

/// What goes after the data of every chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// What ends a body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Digits of a chunk's size: 64 bits, and no endless row of zeros.
const SIZE_DIGITS_MAX: u8 = 16;

/// How many bytes of framing a body may have beyond what its data warrants: tiny chunks with long extensions would have the proxy
/// work for data that never comes.
const OVERHEAD_MAX: u64 = 16 << 10;

/// What framing a chunk may have without being counted: digits, line ends and a short extension.
const OVERHEAD_FREE: u64 = 16;

/// Bytes of trailer lines; nginx has its buffer of a page for them.
const TRAILERS_LEN_MAX: usize = 8 << 10;

/// Why a chunked body is refused; it is known where the body ends no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadChunk {
    /// A size is no hexadecimal number.
    #[error("invalid chunk size")]
    Size,
    /// A size does not fit.
    #[error("too large chunk size")]
    SizeTooLarge,
    /// A line end is not exactly CR LF.
    #[error("invalid chunk line end")]
    LineEnd,
    /// The extensions are out of all proportion to the data.
    #[error("too long chunk extensions")]
    Overhead,
    /// A trailer line is no field.
    #[error("invalid trailer line")]
    Trailer,
    /// The trailers are too long.
    #[error("too long trailers")]
    TrailersTooLong,
}

/// One step of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes of the buffer are data; go on after them.
    Data(Range<usize>),
    /// Everything was taken and the body goes on.
    More,
    /// The body is complete; this many bytes of the buffer belong to it, what follows does not.
    End(usize),
}

/// Decodes one body; may be [cleared](Self::clear) and used for another.
#[derive(Clone, Debug, Default)]
pub struct ChunkedDecoder {
    state: State,
    /// Of a size: its value so far; of data: what is left of it.
    size: u64,
    digits: u8,
    overhead: u64,
    trailers: Vec<u8>,
    /// Where the trailer line starts that is being taken.
    trailer_start: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    End,
}

impl ChunkedDecoder {
    /// Takes bytes of `buf` from `from` on, and stops at data and at the end.
    ///
    /// # Errors
    /// Where the body is not framed as it must be.
    pub fn decode(&mut self, buf: &[u8], from: usize) -> Result<Step, BadChunk> {
        let mut at = from;
        while at < buf.len() {
            match self.state {
                State::Data => {
                    let left = usize::try_from(self.size).unwrap_or(usize::MAX);
                    let len = left.min(buf.len() - at);
                    self.size -= len as u64;
                    if self.size == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Step::Data(at..at + len));
                }
                State::End => return Ok(Step::End(at)),
                _ => self.take(buf[at])?,
            }
            at += 1;
        }
        Ok(match self.state {
            State::End => Step::End(at),
            _ => Step::More,
        })
    }

    /// Whether the whole body was decoded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    /// What is left of the chunk that has begun.
    #[must_use]
    pub fn chunk_left(&self) -> u64 {
        match self.state {
            State::Data => self.size,
            _ => 0,
        }
    }

    /// How many bytes are still to come at least: what is left of the chunk, and the end.
    #[must_use]
    pub fn pending_min(&self) -> u64 {
        match self.state {
            State::End => 0,
            State::Data => self.size.saturating_add(7),
            _ => 1,
        }
    }

    /// The trailer section as it was sent, every line with its end; empty until the body is complete.
    #[must_use]
    pub fn trailers(&self) -> &[u8] {
        if self.is_complete() {
            &self.trailers
        } else {
            &[]
        }
    }

    /// The names and values of the trailers; fields with odd names are left out.
    pub fn trailer_fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let section = self.trailers();
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', section);
        ends.filter_map(move |lf| {
            let line = parse_line(section, start, lf.saturating_sub(1), true);
            start = lf + 1;
            match line {
                Line::Field(field) => Some((field.name.of(section), field.value.of(section))),
                Line::OddName(_) | Line::Invalid => None,
            }
        })
    }

    /// Makes it ready for the next body.
    pub fn clear(&mut self) {
        self.trailers.clear();
        *self = Self {
            trailers: std::mem::take(&mut self.trailers),
            ..Self::default()
        };
    }

    /// A byte that is not data.
    fn take(&mut self, byte: u8) -> Result<(), BadChunk> {
        match self.state {
            State::Size => self.take_size(byte)?,
            State::Extension => {
                self.count_overhead()?;
                match byte {
                    b'\r' => self.state = State::SizeLf,
                    b'\n' | b'\0' => return Err(BadChunk::LineEnd),
                    _ => {}
                }
            }
            State::SizeLf => self.take_size_end(byte)?,
            State::DataCr => self.expect(byte, b'\r', State::DataLf)?,
            State::DataLf => {
                self.expect(byte, b'\n', State::Size)?;
                self.digits = 0;
            }
            State::Trailer | State::TrailerLf => self.take_trailer(byte)?,
            State::Data | State::End => {}
        }
        Ok(())
    }

    fn take_size(&mut self, byte: u8) -> Result<(), BadChunk> {
        self.count_overhead()?;
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ if self.digits == 0 => return Err(BadChunk::Size),
            b'\r' => {
                self.state = State::SizeLf;
                return Ok(());
            }
            b';' | b' ' | b'\t' => {
                self.state = State::Extension;
                return Ok(());
            }
            _ => return Err(BadChunk::Size),
        };
        self.digits += 1;
        self.size = self.size << 4 | u64::from(digit);
        if self.digits > SIZE_DIGITS_MAX || i64::try_from(self.size).is_err() {
            return Err(BadChunk::SizeTooLarge);
        }
        Ok(())
    }

    fn take_size_end(&mut self, byte: u8) -> Result<(), BadChunk> {
        let next = if self.size == 0 {
            State::Trailer
        } else {
            State::Data
        };
        self.expect(byte, b'\n', next)?;
        let warranted = self.size.saturating_mul(2).saturating_add(OVERHEAD_FREE);
        self.overhead = self.overhead.saturating_sub(warranted);
        Ok(())
    }

    fn take_trailer(&mut self, byte: u8) -> Result<(), BadChunk> {
        if self.trailers.len() >= TRAILERS_LEN_MAX {
            return Err(BadChunk::TrailersTooLong);
        }
        if self.state == State::TrailerLf {
            return self.take_trailer_end(byte);
        }
        match byte {
            b'\r' => self.state = State::TrailerLf,
            b'\n' | b'\0' => return Err(BadChunk::LineEnd),
            _ => self.trailers.push(byte),
        }
        Ok(())
    }

    fn take_trailer_end(&mut self, byte: u8) -> Result<(), BadChunk> {
        let (start, end) = (self.trailer_start, self.trailers.len());
        if start == end {
            return self.expect(byte, b'\n', State::End);
        }
        self.expect(byte, b'\n', State::Trailer)?;
        if parse_line(&self.trailers, start, end, true) == Line::Invalid {
            return Err(BadChunk::Trailer);
        }
        self.trailers.extend_from_slice(b"\r\n");
        self.trailer_start = self.trailers.len();
        Ok(())
    }

    fn expect(&mut self, byte: u8, wanted: u8, next: State) -> Result<(), BadChunk> {
        if byte != wanted {
            return Err(BadChunk::LineEnd);
        }
        self.state = next;
        Ok(())
    }

    fn count_overhead(&mut self) -> Result<(), BadChunk> {
        self.overhead += 1;
        if self.overhead > OVERHEAD_MAX {
            return Err(BadChunk::Overhead);
        }
        Ok(())
    }
}
