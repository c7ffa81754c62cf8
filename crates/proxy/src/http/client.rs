//! The client's side of a request: what is read from it and what is sent to it.
//!
//! A handler fills [`Response`](super::Response), calls [`Client::send_head`], which costs no system call, then
//! [`Client::send_body`] as often as it likes and [`Client::finish`]. Head and first bytes leave in one vectored write; bytes
//! are written from where they are, never copied. Everything that waits is bounded by the location's time-outs.

mod flow;
mod head;
mod send;

use std::task::{Context, Poll, ready};

pub(crate) use flow::{Abort, Flow};
use send::Sink;

use crate::net::{Alarm, Buffer, Transport};

/// A client's connection and what is under way on it.
pub(crate) struct Client {
    pub(crate) transport: Transport,
    /// The deadline of whatever is being waited for.
    pub(crate) alarm: Alarm,
    /// Bytes that were read and that nobody has used yet: a body, or the next request.
    pub(crate) ahead: Buffer,
    sink: Sink,
}

impl Client {
    /// A connection on which nothing is under way.
    pub(crate) fn new(transport: Transport, alarm: Alarm) -> Self {
        Self {
            transport,
            alarm,
            ahead: Buffer::default(),
            sink: Sink::default(),
        }
    }

    /// Gives all memory back, for a connection that is idle.
    pub(crate) fn release(&mut self) {
        self.ahead.release();
        self.sink.release();
    }

    /// Ready when the client has closed or reset the connection. Bytes of a next request are no close; they are kept, and
    /// while some wait a close behind them is not seen.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        /// What a client may send ahead of the answer before we stop looking.
        const AHEAD: usize = 1 << 10;
        while self.ahead.is_empty() {
            if ready!(self.transport.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            self.ahead.grow(AHEAD);
            match self.transport.try_read(&mut self.ahead) {
                Ok(0) => return Poll::Ready(()),
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                    return Poll::Ready(());
                }
                Ok(_) | Err(_) => {}
            }
        }
        Poll::Pending
    }
}
