//! Sending: framing, one vectored write, the time-out, the rate.

use std::future::poll_fn;
use std::io::{IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;

use super::super::gzip::Encoder;
use super::super::{Request, headers};
use super::{Abort, Client};
use crate::net::{Alarm, Buffer};

/// How the end of the body that we send is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Framing {
    /// No body goes out, whatever the handler sends: HEAD, 204, 304.
    #[default]
    Nothing,
    /// So many bytes are left.
    Length(u64),
    /// In chunks.
    Chunked,
    /// By closing.
    UntilClose,
}

/// The state of sending.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) framing: Framing,
    /// What goes out before the next bytes of the body: the head, the size of a chunk.
    pub(super) out: Buffer,
    /// How much of `out` is gone already.
    out_sent: usize,
    /// What is left of the chunk that was begun.
    chunk_left: usize,
    /// The last chunk is in `out` or gone.
    ended: bool,
    /// The alarm is set because the client takes nothing.
    waits: bool,
    /// What the transport had taken then: see [`crate::net::Transport::taken`].
    taken: u64,
    /// Nothing is written: a subrequest's response.
    pub(super) muted: bool,
    /// When the rate lets the next bytes go.
    pace: Option<Alarm>,
    /// What of the body is dropped first.
    pub(super) skip: u64,
    /// What compresses the body on its way.
    pub(super) encoder: Option<Box<Encoder>>,
}

/// What ends a chunk and the body.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

impl Sink {
    pub(super) fn begin(&mut self, framing: Framing) {
        self.framing = framing;
        self.chunk_left = 0;
        self.ended = false;
        self.encoder = None;
        self.skip = 0;
    }

    pub(super) fn wants_body(&self) -> bool {
        !self.muted && !matches!(self.framing, Framing::Nothing | Framing::Length(0))
    }

    pub(super) fn release(&mut self) {
        if self.is_flushed() {
            self.out.release();
            self.out_sent = 0;
        }
        self.encoder = None;
        self.pace = None;
    }

    fn is_flushed(&self) -> bool {
        self.out_sent >= self.out.len()
    }

    /// How much of `data` may go out now as far as framing is concerned. Begins a chunk where one is due.
    fn allow(&mut self, data: &[u8]) -> usize {
        match self.framing {
            Framing::Nothing => 0,
            Framing::UntilClose => data.len(),
            Framing::Length(left) => {
                usize::try_from(left).map_or(data.len(), |l| l.min(data.len()))
            }
            Framing::Chunked => {
                if self.chunk_left == 0 && !data.is_empty() {
                    self.chunk_left = data.len();
                    // Writing to a vector does not fail.
                    let _ = write!(self.out, "{:x}\r\n", data.len());
                }
                self.chunk_left.min(data.len())
            }
        }
    }

    /// Takes note of what was written; gives back how much of the body that is.
    fn wrote(&mut self, mut count: usize, taken: usize, tail: &'static [u8]) -> usize {
        let before = (self.out.len() - self.out_sent).min(count);
        self.out_sent += before;
        count -= before;
        if self.is_flushed() {
            self.out.clear();
            self.out_sent = 0;
        }
        let body = count.min(taken);
        match &mut self.framing {
            Framing::Length(left) => *left -= body as u64,
            Framing::Chunked => {
                self.chunk_left -= body;
                if body > 0 && self.chunk_left == 0 {
                    if tail.is_empty() {
                        self.out.extend_from_slice(b"\r\n");
                    } else {
                        self.out.extend_from_slice(&tail[count - body..]);
                        self.ended = true;
                    }
                }
            }
            Framing::Nothing | Framing::UntilClose => {}
        }
        body
    }
}

impl Client {
    /// Sends some of `data`; ready with how much. What is not taken must be given again, with more behind it if there is more.
    /// `is_last` says that nothing follows, which saves a write. Bytes that the head does not announce are dropped.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        data: &[u8],
        is_last: bool,
    ) -> Poll<Result<usize, Abort>> {
        if self.sink.muted || self.sink.framing == Framing::Nothing {
            return Poll::Ready(Ok(data.len()));
        }
        if self.sink.skip > 0 {
            let skipped = usize::try_from(self.sink.skip).unwrap_or(usize::MAX);
            let skipped = skipped.min(data.len());
            self.sink.skip -= skipped as u64;
            return Poll::Ready(Ok(skipped));
        }
        if self.sink.encoder.is_some() {
            return self.poll_pack(cx, request, data);
        }
        self.poll_send_plain(cx, request, data, is_last)
    }

    /// The same for bytes that go out as they are.
    pub(super) fn poll_send_plain(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        data: &[u8],
        is_last: bool,
    ) -> Poll<Result<usize, Abort>> {
        loop {
            let allowed = self.sink.allow(data);
            if allowed == 0 {
                return Poll::Ready(Ok(data.len()));
            }
            let taken = ready!(self.poll_pace(cx, request, allowed))?;
            let response = &request.response;
            let has_trailers = response.owes_trailers || !response.trailers.is_empty();
            let ends = is_last && taken == data.len() && !has_trailers;
            let tail = if ends && self.sink.framing == Framing::Chunked {
                LAST
            } else {
                b""
            };
            let count = ready!(self.poll_write(cx, request, &data[..taken], tail))?;
            let body = self.sink.wrote(count, taken, tail);
            request.response.sent += count as u64;
            request.response.body_sent += body as u64;
            if body > 0 {
                return Poll::Ready(Ok(body));
            }
        }
    }

    /// Sends `data`, and waits until the client has taken it.
    pub(crate) async fn send_body(
        &mut self,
        request: &mut Request,
        mut data: &[u8],
        is_last: bool,
    ) -> Result<(), Abort> {
        while !data.is_empty() {
            let count = poll_fn(|cx| self.poll_send(cx, request, data, is_last)).await?;
            data = &data[count..];
        }
        Ok(())
    }

    /// Sends what waits: the head, the end of a chunk.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
    ) -> Poll<Result<(), Abort>> {
        if self.sink.encoder.is_some() {
            ready!(self.poll_let_out(cx, request))?;
        }
        while !self.sink.is_flushed() {
            let count = ready!(self.poll_write(cx, request, b"", b""))?;
            self.sink.wrote(count, 0, b"");
            request.response.sent += count as u64;
        }
        match Pin::new(&mut self.transport).poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.took();
                Poll::Ready(flushed.map_err(|_| Abort::Gone))
            }
            Poll::Pending => self.poll_patience(cx, request),
        }
    }

    /// The client has taken something.
    fn took(&mut self) {
        if std::mem::take(&mut self.sink.waits) {
            self.alarm.clear();
        }
    }

    /// Waits for a client that takes nothing, for `send_timeout`.
    fn poll_patience<T>(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request,
    ) -> Poll<Result<T, Abort>> {
        let taken = self.transport.taken();
        if !self.sink.waits || self.sink.taken != taken {
            self.sink.waits = true;
            self.sink.taken = taken;
            self.alarm.set(request.location.core.send_timeout);
        }
        ready!(self.alarm.poll_elapsed(cx));
        self.took();
        Poll::Ready(Err(Abort::TimedOut))
    }

    /// [`Self::poll_flush`], waiting.
    pub(crate) async fn flush(&mut self, request: &mut Request) -> Result<(), Abort> {
        poll_fn(|cx| self.poll_flush(cx, request)).await
    }

    /// Ends the response. A body that is shorter than the head said is an error: the connection is closed.
    pub(crate) async fn finish(&mut self, request: &mut Request) -> Result<(), Abort> {
        if self.sink.muted {
            request.response.is_complete = true;
            return Ok(());
        }
        if self.sink.encoder.is_some() {
            poll_fn(|cx| self.poll_pack_end(cx, request)).await?;
        }
        match self.sink.framing {
            Framing::Length(left) if left > 0 => {
                self.flush(request).await?;
                return Err(Abort::Cut);
            }
            Framing::Chunked if !self.sink.ended => {
                if request.response.owes_trailers {
                    headers::add_trailers(request);
                }
                self.sink.out.extend_from_slice(b"0\r\n");
                request.response.trailers.render(&mut self.sink.out);
                self.sink.out.extend_from_slice(b"\r\n");
                self.sink.ended = true;
            }
            _ => {}
        }
        self.flush(request).await?;
        request.response.is_complete = true;
        Ok(())
    }

    /// Writes `out`, `data` and `tail` with one call; the alarm rings where the client takes nothing for `send_timeout`.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request,
        data: &[u8],
        tail: &[u8],
    ) -> Poll<Result<usize, Abort>> {
        let out = &self.sink.out[self.sink.out_sent..];
        let slices = [IoSlice::new(out), IoSlice::new(data), IoSlice::new(tail)];
        // Empty slices at either end would only cost the system time.
        let first = usize::from(out.is_empty());
        let last = if !tail.is_empty() {
            3
        } else if !data.is_empty() {
            2
        } else {
            1
        };
        let outcome =
            Pin::new(&mut self.transport).poll_write_vectored(cx, &slices[first..last.max(first)]);
        match outcome {
            Poll::Ready(outcome) => {
                self.took();
                match outcome {
                    Ok(0) | Err(_) => Poll::Ready(Err(Abort::Gone)),
                    Ok(count) => Poll::Ready(Ok(count)),
                }
            }
            Poll::Pending => self.poll_patience(cx, request),
        }
    }

    /// How much of `wanted` the rate lets go now; waits until it is something, or the client is gone.
    fn poll_pace(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request,
        wanted: usize,
    ) -> Poll<Result<usize, Abort>> {
        let Some((rate, after)) = request.response.rate.filter(|(rate, _)| *rate > 0) else {
            return Poll::Ready(Ok(wanted));
        };
        if self
            .sink
            .pace
            .as_ref()
            .is_some_and(|pace| pace.due().is_some())
        {
            ready!(self.poll_pause(cx, request.body.is_complete))?;
        }
        let seconds = request.elapsed_ms() / 1000 + 1;
        let granted = rate.saturating_mul(seconds).saturating_add(after);
        let sent = request.response.sent;
        if granted > sent {
            let granted = usize::try_from(granted - sent).unwrap_or(usize::MAX);
            return Poll::Ready(Ok(wanted.min(granted)));
        }
        let wait_ms = (sent - granted).saturating_mul(1000) / rate + 1;
        let pace = self.sink.pace.get_or_insert_default();
        pace.set(Duration::from_millis(wait_ms));
        ready!(self.poll_pause(cx, request.body.is_complete))?;
        Poll::Ready(Ok(1))
    }

    /// Waits for the alarm of the rate.
    fn poll_pause(&mut self, cx: &mut Context<'_>, has_body: bool) -> Poll<Result<(), Abort>> {
        if let Some(pace) = &self.sink.pace
            && pace.poll_elapsed(cx).is_pending()
        {
            // Nothing is written meanwhile, so no write tells that the client left.
            let closed = self.poll_closed(cx, has_body);
            return closed.map(|()| Err(Abort::Gone));
        }
        if let Some(pace) = &self.sink.pace {
            pace.clear();
        }
        Poll::Ready(Ok(()))
    }
}
