//! Bytes of a session, both ways, through one bounded buffer for each direction.
//!
//! A side that takes nothing stops the reading of the other. The session ends as in nginx: once one side has closed and what it
//! sent is delivered; with `half_close`, once both have. Nothing is copied but from socket to buffer to socket.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base::Monotonic;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::{Alarm, Buffer, Transport, clock};

/// What a relay is told.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// How long both directions may be silent.
    pub(crate) timeout: Duration,
    /// Bytes that are kept for each direction.
    pub(crate) buffer_size: usize,
    /// Each direction is closed by itself.
    pub(crate) half_close: bool,
    /// Bytes per second from the client; 0 for no limit.
    pub(crate) upload_rate: u64,
    /// Bytes per second to the client; 0 for no limit.
    pub(crate) download_rate: u64,
}

/// What has passed, seen by others while the relay runs.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Read from the sending side.
    pub(crate) read: Cell<u64>,
    /// Written to the receiving side.
    pub(crate) written: Cell<u64>,
    /// When the first bytes were read.
    pub(crate) first: Cell<Option<Monotonic>>,
}

/// How a relay ended by itself.
#[derive(Debug)]
pub(crate) enum End {
    /// One side closed, or both.
    Closed,
    /// Nothing passed for the time allowed.
    TimedOut,
    /// The client's connection failed.
    Client(io::Error),
    /// The upstream's connection failed.
    Upstream(io::Error),
}

/// One direction.
struct Pipe<'m> {
    buffer: Buffer,
    size: usize,
    meter: &'m Meter,
    rate: u64,
    started: Monotonic,
    /// The sending side has closed.
    ended: bool,
    /// The receiving side was told so.
    shut: bool,
    /// The receiving side holds nothing back that was written to it.
    is_flushed: bool,
}

/// Which side an error came from.
enum Side {
    Source(io::Error),
    Sink(io::Error),
}

impl<'m> Pipe<'m> {
    fn new(size: usize, rate: u64, meter: &'m Meter) -> Self {
        Self {
            buffer: Buffer::new(0),
            size,
            meter,
            rate,
            started: clock::now(),
            ended: false,
            shut: false,
            is_flushed: true,
        }
    }

    /// Moves what can be moved; whether anything was.
    fn poll(
        &mut self,
        from: &mut Transport,
        to: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Result<bool, Side> {
        let mut moved = false;
        loop {
            let before = (self.buffer.len(), to.taken());
            self.poll_write(to, cx).map_err(Side::Sink)?;
            moved |= to.taken() != before.1;
            let wrote = before.0 - self.buffer.len();
            let read = self.poll_read(from, cx).map_err(Side::Source)?;
            if wrote == 0 && read == 0 {
                return Ok(moved);
            }
            moved = true;
        }
    }

    fn poll_write(&mut self, to: &mut Transport, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.buffer.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, &self.buffer) {
                Poll::Pending => return Ok(()),
                Poll::Ready(written) => {
                    let written = written?;
                    self.buffer.consume(written);
                    add(&self.meter.written, written);
                }
            }
        }
        // TLS may hold records back that the socket did not take.
        let flushed = Pin::new(to).poll_flush(cx);
        self.is_flushed = flushed.is_ready();
        match flushed {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads once where there is room and the rate allows it.
    fn poll_read(&mut self, from: &mut Transport, cx: &mut Context<'_>) -> io::Result<usize> {
        if self.ended || !self.buffer.is_empty() || self.is_too_fast() {
            return Ok(0);
        }
        if self.buffer.capacity() == 0 {
            // An idle direction holds no memory.
            match from.poll_read_ready(cx) {
                Poll::Pending => return Ok(0),
                Poll::Ready(ready) => ready?,
            }
            self.buffer.grow(self.size);
        }
        match self.poll_read_some(from, cx) {
            Poll::Pending => {
                self.buffer.release();
                Ok(0)
            }
            Poll::Ready(read) => {
                let read = read?;
                self.ended |= read == 0;
                add(&self.meter.read, read);
                if read > 0 && self.meter.first.get().is_none() {
                    self.meter.first.set(Some(clock::now()));
                }
                Ok(read)
            }
        }
    }

    /// Reads into the buffer: no more than the rate lets through.
    fn poll_read_some(
        &mut self,
        from: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.rate == 0 {
            return from.poll_read_spare(cx, &mut self.buffer);
        }
        let allowed = usize::try_from(self.allowed()).unwrap_or(usize::MAX);
        self.buffer.resize(allowed.min(self.size), 0);
        let mut into = ReadBuf::new(&mut self.buffer);
        let read = Pin::new(from).poll_read(cx, &mut into);
        let count = into.filled().len();
        self.buffer.truncate(count);
        read.map_ok(|()| count)
    }

    /// nginx's rule: what was read may be at most the rate times the seconds begun.
    fn allowed(&self) -> u64 {
        let seconds = (clock::now() - self.started).as_secs() + 1;
        let granted = self.rate.saturating_mul(seconds);
        granted.saturating_sub(self.meter.read.get())
    }

    fn is_too_fast(&self) -> bool {
        self.rate > 0 && self.allowed() == 0
    }

    /// Nothing is left to be delivered.
    fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.is_flushed
    }
}

fn add(counter: &Cell<u64>, count: usize) {
    counter.set(counter.get() + count as u64);
}

/// Relays until the session ends. What was read ahead of it must have been put back into the transports.
pub(crate) async fn run(
    client: &mut Transport,
    upstream: &mut Transport,
    rules: &Rules,
    up: &Meter,
    down: &Meter,
    alarm: &Alarm,
) -> End {
    let mut up = Pipe::new(rules.buffer_size, rules.upload_rate, up);
    let mut down = Pipe::new(rules.buffer_size, rules.download_rate, down);
    // A direction that waits for its rate is looked at again each second begun.
    let pace = Alarm::new();
    alarm.set(rules.timeout);
    let end = poll_fn(|cx| {
        let moved = match step(&mut up, &mut down, client, upstream, cx) {
            Ok(moved) => moved,
            Err(end) => return Poll::Ready(end),
        };
        if moved {
            alarm.set(rules.timeout);
        }
        if rules.half_close {
            shut(&mut up, upstream, cx);
            shut(&mut down, client, cx);
        }
        if is_over(&up, &down, rules.half_close) {
            return Poll::Ready(End::Closed);
        }
        if up.is_too_fast() || down.is_too_fast() {
            pace.set(PACE);
            // The alarm that went off is set again by the next poll.
            let _ = pace.poll_elapsed(cx);
        }
        alarm.poll_elapsed(cx).map(|()| End::TimedOut)
    })
    .await;
    alarm.clear();
    end
}

/// How long a direction waits that was too fast.
const PACE: Duration = Duration::from_millis(100);

fn step(
    up: &mut Pipe<'_>,
    down: &mut Pipe<'_>,
    client: &mut Transport,
    upstream: &mut Transport,
    cx: &mut Context<'_>,
) -> Result<bool, End> {
    let rose = up.poll(client, upstream, cx).map_err(|side| match side {
        Side::Source(error) => End::Client(error),
        Side::Sink(error) => End::Upstream(error),
    })?;
    let fell = down.poll(upstream, client, cx).map_err(|side| match side {
        Side::Source(error) => End::Upstream(error),
        Side::Sink(error) => End::Client(error),
    })?;
    Ok(rose || fell)
}

/// Tells the receiving side that no more comes, once all is delivered.
fn shut(pipe: &mut Pipe<'_>, to: &mut Transport, cx: &mut Context<'_>) {
    if pipe.ended && pipe.is_empty() && !pipe.shut {
        // Where it fails the connection is gone, which its reading side will tell.
        pipe.shut = Pin::new(to).poll_shutdown(cx).is_ready();
    }
}

fn is_over(up: &Pipe<'_>, down: &Pipe<'_>, half_close: bool) -> bool {
    if half_close {
        return up.ended && down.ended && up.is_empty() && down.is_empty();
    }
    let client_is_done = up.ended || (down.ended && down.is_empty());
    client_is_done && (down.ended || up.is_empty())
}

#[cfg(test)]
mod tests;
