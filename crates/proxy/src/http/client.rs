//! The client's side of a request: what is read from it and what is sent to it.
//!
//! A handler fills [`Response`](super::Response), calls [`Client::send_head`], which costs no system call, then
//! [`Client::send_body`] as often as it likes and [`Client::finish`]. Head and first bytes leave in one vectored write; bytes
//! are written from where they are, never copied. Everything that waits is bounded by the location's time-outs.

mod flow;
mod head;
mod pack;
mod send;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;

pub(crate) use flow::{Abort, Flow};
use send::Sink;

use super::Request;
use crate::net::{Alarm, Buffer, Transport};

/// What is read of the next request while one is under way, so that a client that leaves is noticed.
const AHEAD_MAX: usize = 4 << 10;

/// A client's connection and what is under way on it.
pub(crate) struct Client {
    pub(crate) transport: Transport,
    /// The deadline of whatever is being waited for.
    pub(crate) alarm: Alarm,
    /// Bytes that were read and that nobody has used yet: a body, or the next request.
    pub(crate) ahead: Buffer,
    /// When the client must have sent the next bytes of a body.
    pub(crate) body_alarm: Option<Alarm>,
    sink: Sink,
}

impl Client {
    /// A connection on which nothing is under way.
    pub(crate) fn new(transport: Transport, alarm: Alarm) -> Self {
        Self {
            transport,
            alarm,
            ahead: Buffer::default(),
            body_alarm: None,
            sink: Sink::default(),
        }
    }

    /// Appends bytes to what is sent next.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.sink.out.extend_from_slice(bytes);
    }

    /// Sends nothing of what it is told to send, or sends again; gives back what held before. To be called between responses.
    pub(crate) fn mute(&mut self, muted: bool) -> bool {
        std::mem::replace(&mut self.sink.muted, muted)
    }

    /// Drops so many bytes of the body before any of it is sent. To be called behind [`Client::send_head`].
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.sink.skip = bytes;
    }

    /// Whether bytes of a body would go out, once the head is complete.
    pub(crate) fn wants_body(&self) -> bool {
        self.sink.wants_body()
    }

    /// Gives all memory back, for a connection that is idle.
    pub(crate) fn release(&mut self) {
        self.ahead.release();
        self.body_alarm = None;
        self.sink.release();
    }

    /// Tells the other side that nothing more comes, as far as the socket takes it at once. TLS has words for it, without which
    /// the other side cannot know that it has everything.
    pub(crate) fn farewell(&mut self) {
        if self.transport.tls().is_some() {
            let cx = &mut Context::from_waker(std::task::Waker::noop());
            // Where the socket takes nothing now, it is closed without them.
            let _ = Pin::new(&mut self.transport).poll_shutdown(cx);
        }
    }

    /// Whether bytes of the client wait, here or in the system.
    pub(crate) fn has_more(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        !self.ahead.is_empty() || self.transport.poll_read_ready(cx).is_ready()
    }

    /// Waits to the millisecond, unless the client goes away.
    pub(crate) async fn pause(&mut self, request: &Request, time: Duration) -> Result<(), Abort> {
        let sleep = tokio::time::sleep(time);
        tokio::pin!(sleep);
        poll_fn(|cx| {
            if self.poll_closed(cx, request.body.is_complete).is_ready() {
                return Poll::Ready(Err(Abort::Gone));
            }
            sleep.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    /// Ready when the client has closed or reset the connection. Once it has sent its body (`has_body`), what comes is the next
    /// request; it is read ahead up to a bound, because the end is behind it. Bytes of a body are left to whoever reads that.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>, has_body: bool) -> Poll<()> {
        if !has_body {
            return if self.ahead.is_empty() {
                self.transport.poll_closed(cx)
            } else {
                Poll::Pending
            };
        }
        while self.ahead.len() < AHEAD_MAX {
            if ready!(self.transport.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            self.ahead.grow(AHEAD_MAX);
            match ready!(self.transport.poll_read_spare(cx, &mut self.ahead)) {
                Ok(count) if count > 0 => {}
                _ => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}
