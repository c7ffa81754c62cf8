//! A request on its way to a server: its head, and its body from wherever it is.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_wire::{LAST_CHUNK, write_chunk_head};
use tokio::io::AsyncWrite;

use super::super::{Abort, Client, Request};
use crate::net::{Buffer, Transport};

/// What is read of a body at once.
const PIECE: usize = 16 << 10;

/// Room for the framing of a chunk in front of its data.
const CHUNK_HEAD_MAX: usize = 18;

/// Where a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Nowhere: there is none.
    None,
    /// `proxy_set_body`, behind the head.
    Set,
    /// With the request, read to its end.
    Kept,
    /// With the client; it passes as it comes, in chunks where its length is not known.
    Client { chunked: bool },
}

/// A request that is being sent.
pub(super) struct Sender {
    /// The head, and pieces of the body.
    out: Buffer,
    at: usize,
    source: Source,
    /// How much of a kept body is gone.
    offset: u64,
    /// Everything is in `out` or gone.
    is_read: bool,
    /// How long a kept body was said to be.
    announced: u64,
    /// Bytes that the server was given.
    pub(super) sent: u64,
    /// Some of a body that is not kept is gone.
    pub(super) took_from_client: bool,
    /// What came with the client's head goes with ours, which is looked at once.
    is_primed: bool,
}

/// Why a request cannot be sent.
#[derive(Debug)]
pub(super) enum SendError {
    /// The server's connection failed.
    Server,
    /// The client's did, or what it sends is no body.
    Client(Abort),
}

impl Sender {
    /// Of a head.
    pub(super) fn new(head: Buffer, source: Source, announced: u64) -> Self {
        Self {
            out: head,
            at: 0,
            source,
            offset: 0,
            is_read: matches!(source, Source::None | Source::Set),
            announced,
            sent: 0,
            took_from_client: false,
            is_primed: false,
        }
    }

    /// Everything is gone.
    pub(super) fn is_done(&self) -> bool {
        let is_whole = self.source != Source::Kept || self.offset == self.announced;
        self.is_read && self.at >= self.out.len() && is_whole
    }

    /// The client owes the next bytes.
    pub(super) fn waits_for_client(&self) -> bool {
        matches!(self.source, Source::Client { .. }) && self.at >= self.out.len()
    }

    /// Sends what can be sent; ready when all is gone.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        server: &mut Transport,
        request: &mut Request,
        client: &mut Client,
    ) -> Poll<Result<(), SendError>> {
        if let Source::Client { chunked } = self.source
            && !std::mem::replace(&mut self.is_primed, true)
            && !client.ahead.is_empty()
            && let Poll::Ready(Err(abort)) = self.poll_client(cx, request, client, chunked)
        {
            return Poll::Ready(Err(SendError::Client(abort)));
        }
        loop {
            if self.at < self.out.len() || self.has_memory(request) {
                ready!(self.poll_write(cx, server, request)).map_err(|_| SendError::Server)?;
                continue;
            }
            if self.is_read {
                let flushed = ready!(Pin::new(&mut *server).poll_flush(cx));
                return Poll::Ready(flushed.map_err(|_| SendError::Server));
            }
            self.out.clear();
            self.at = 0;
            match self.source {
                Source::Client { chunked } => {
                    ready!(self.poll_client(cx, request, client, chunked))
                        .map_err(SendError::Client)?;
                }
                _ => self.read_file(request).map_err(|_| SendError::Server)?,
            }
        }
    }

    /// The body is in memory and some of it is left.
    fn has_memory(&self, request: &Request) -> bool {
        !self.is_read && self.source == Source::Kept && request.body.file.is_none()
    }

    /// One write of the head and as much of a body in memory as there is.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        server: &mut Transport,
        request: &Request,
    ) -> Poll<io::Result<()>> {
        let head = &self.out[self.at..];
        let body = if self.has_memory(request) {
            let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
            request.body.memory.get(start..).unwrap_or_default()
        } else {
            &[]
        };
        let slices = [IoSlice::new(head), IoSlice::new(body)];
        let slices = match (head.is_empty(), body.is_empty()) {
            (true, false) => &slices[1..],
            (false, true) => &slices[..1],
            (false, false) => &slices[..],
            (true, true) => {
                self.is_read = true;
                return Poll::Ready(Ok(()));
            }
        };
        let (head_len, body_len) = (head.len(), body.len());
        let count = ready!(Pin::new(server).poll_write_vectored(cx, slices))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.sent += count as u64;
        self.at += count.min(head_len);
        let of_body = count.saturating_sub(head_len);
        self.offset += of_body as u64;
        if self.has_memory(request) && of_body == body_len {
            self.is_read = true;
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece of a body in a file.
    fn read_file(&mut self, request: &Request) -> io::Result<()> {
        self.out.grow(PIECE);
        request.body.read_at(self.offset, &mut self.out)?;
        self.offset += self.out.len() as u64;
        self.is_read = self.out.is_empty();
        Ok(())
    }

    /// The next piece from the client.
    fn poll_client(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        client: &mut Client,
        chunked: bool,
    ) -> Poll<Result<(), Abort>> {
        let before = self.out.len();
        self.out.grow(before + PIECE + CHUNK_HEAD_MAX);
        if !chunked {
            let count = ready!(client.poll_body(cx, request, &mut self.out))?;
            self.took_from_client |= count > 0;
            self.is_read = count == 0;
            remember(request, &self.out[before..]);
            return Poll::Ready(Ok(()));
        }
        let mut piece = std::mem::take(&mut request.scratch);
        piece.clear();
        piece.reserve(PIECE);
        let read = client.poll_body(cx, request, &mut piece);
        if let Poll::Ready(Ok(count)) = read {
            self.took_from_client |= count > 0;
            self.is_read = count == 0;
            if count == 0 {
                self.out.extend_from_slice(LAST_CHUNK);
            } else {
                remember(request, &piece);
                write_chunk_head(count, &mut self.out);
                self.out.extend_from_slice(&piece);
                self.out.extend_from_slice(b"\r\n");
            }
        }
        request.scratch = piece;
        read.map_ok(drop)
    }
}

/// Keeps what passes for `$request_body`, as long as it fits into `client_body_buffer_size`.
fn remember(request: &mut Request, piece: &[u8]) {
    let max = request.location.core.body_buffer_size;
    let memory = &mut request.body.memory;
    if request.body.received > max as u64 {
        memory.clear();
    } else {
        memory.extend_from_slice(piece);
    }
    request.body.is_kept = request.body.is_complete && !request.body.is_lost();
}
