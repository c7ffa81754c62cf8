//! The body of a request, as far as it was read.
//!
//! It is read by whoever wants it ([`Client::read_body`](super::Client) as a whole, [`Client::poll_body`](super::Client) in
//! parts); what nobody wanted is thrown away when the request ends. In memory it takes `client_body_buffer_size`, beyond that a
//! file. A whole body can be read again, for the next server or after an internal redirect.

mod read;
mod spool;

use std::io;

use http_wire::{BadChunk, ChunkedDecoder, Step};

pub(crate) use spool::Spool;

/// What was read of a body, and how much is still to come.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// How its end is known.
    pub(crate) framing: Framing,
    /// The bytes in memory; all of them are in the file where there is one.
    pub(crate) memory: Vec<u8>,
    /// Where it is when it did not fit, or was not to be in memory.
    pub(crate) file: Option<Spool>,
    /// Bytes of the body received so far, without chunk framing.
    pub(crate) received: u64,
    /// The same with chunk framing.
    pub(crate) received_raw: u64,
    /// All of it was received.
    pub(crate) is_complete: bool,
    /// All of it is in `memory` or in `file`.
    pub(crate) is_kept: bool,
    chunks: ChunkedDecoder,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Framing {
    /// There is none.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Vectors that grew beyond this with one body are not kept for the next request.
const MEMORY_KEPT_MAX: usize = 64 << 10;

impl Body {
    /// Forgets it.
    pub(crate) fn clear(&mut self) {
        self.begin(Framing::None);
        self.memory.clear();
        if self.memory.capacity() > MEMORY_KEPT_MAX {
            self.memory = Vec::new();
        }
        self.file = None;
        self.is_kept = false;
    }

    /// Says how it is framed; nothing of it was read yet.
    pub(crate) fn begin(&mut self, framing: Framing) {
        self.framing = framing;
        self.received = 0;
        self.received_raw = 0;
        self.is_complete = matches!(framing, Framing::None | Framing::Length(0));
        self.chunks.clear();
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.framing, Framing::None | Framing::Length(0))
    }

    /// The length, where it is known: announced, or counted at the end.
    pub(crate) fn len(&self) -> Option<u64> {
        match self.framing {
            Framing::None => Some(0),
            Framing::Length(len) => Some(len),
            Framing::Chunked => self.is_complete.then_some(self.received),
        }
    }

    /// How many of its bytes are in memory or in the file.
    fn kept(&self) -> u64 {
        self.memory.len() as u64 + self.file.as_ref().map_or(0, Spool::len)
    }

    /// Bytes of it have passed and are nowhere any more, so that it can be sent to nobody else.
    pub(crate) fn is_lost(&self) -> bool {
        self.received > self.kept()
    }

    /// What is left of a body of known length.
    fn left(&self) -> usize {
        match self.framing {
            Framing::Length(len) => usize::try_from(len - self.received).unwrap_or(usize::MAX),
            Framing::None | Framing::Chunked => 0,
        }
    }

    /// How long the body will be at least, as far as it is received: what has come, and what is left of the chunk.
    pub(crate) fn announced(&self) -> u64 {
        self.received.saturating_add(self.chunks.chunk_left())
    }

    /// Takes bytes as they came from the client; appends what is body. Gives back how many bytes it took.
    fn take(&mut self, bytes: &[u8], into: &mut Vec<u8>) -> Result<usize, BadChunk> {
        let taken = match self.framing {
            Framing::None => 0,
            Framing::Length(len) => {
                let count = self.left().min(bytes.len());
                into.extend_from_slice(&bytes[..count]);
                self.received += count as u64;
                self.is_complete = self.received == len;
                count
            }
            Framing::Chunked => self.take_chunks(bytes, into)?,
        };
        self.received_raw += taken as u64;
        Ok(taken)
    }

    fn take_chunks(&mut self, bytes: &[u8], into: &mut Vec<u8>) -> Result<usize, BadChunk> {
        let mut at = 0;
        loop {
            match self.chunks.decode(bytes, at)? {
                Step::Data(range) => {
                    self.received += range.len() as u64;
                    at = range.end;
                    into.extend_from_slice(&bytes[range]);
                }
                Step::More => return Ok(bytes.len()),
                Step::End(end) => {
                    self.is_complete = true;
                    return Ok(end);
                }
            }
        }
    }

    /// Bytes that were read straight to where they are wanted.
    fn took(&mut self, count: usize) {
        self.received += count as u64;
        self.received_raw += count as u64;
        self.is_complete = self.framing == Framing::Length(self.received);
    }

    /// Another one with the same bytes, of a body that was read to its end.
    ///
    /// # Errors
    ///
    /// The system's, of the file.
    pub(crate) fn share(&self) -> io::Result<Self> {
        Ok(Self {
            framing: self.framing,
            memory: self.memory.clone(),
            file: self.file.as_ref().map(Spool::share).transpose()?,
            received: self.received,
            received_raw: self.received_raw,
            is_complete: self.is_complete,
            is_kept: self.is_kept,
            chunks: ChunkedDecoder::default(),
        })
    }

    /// Reads some of a kept body from `offset` on into `into`, up to its capacity. Empty at the end.
    ///
    /// # Errors
    ///
    /// The system's, of the file.
    pub(crate) fn read_at(&self, offset: u64, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        match &self.file {
            Some(file) => file.read_at(offset, into),
            None => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = self.memory.get(start..).unwrap_or_default();
                into.extend_from_slice(&rest[..rest.len().min(into.capacity())]);
                Ok(())
            }
        }
    }
}
