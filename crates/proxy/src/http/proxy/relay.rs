//! The body of an answer on its way to the client: read, unframed and written from one buffer.
//!
//! A client that takes nothing stops the reading once the buffer is full. The server is done with, and its connection free
//! for the next request, as soon as the last byte is read, whatever the client has taken by then.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use balancer::Verdict;
use http_wire::{BodyFraming, FieldName, hop};

use super::super::{Abort, Client, Request, Var};
use super::body::Unframed;
use super::conf::Conf;
use super::run::note;
use super::target::Target;
use crate::conf::Severity;
use crate::net::{Alarm, Buffer, clock};
use crate::upstream::{Link, Turn};

/// How long reading pauses that was faster than `proxy_limit_rate`.
const PACE: Duration = Duration::from_millis(100);

/// A little more than what is left of a body: a read that fills its buffer has to be followed by another one.
const SLACK: usize = 64;

/// An answer that is being passed on.
pub(super) struct Relay<'r> {
    pub(super) conf: &'r Conf,
    pub(super) target: &'r Target,
    /// The connection and the server's turn, until the last byte is read.
    link: Option<(Link, Turn<Var>)>,
    /// The connection may be used again.
    keeps: bool,
    /// What came with the head, in the record's buffer.
    first: Buffer,
    first_at: usize,
    /// What came later.
    rest: Buffer,
    rest_at: usize,
    window: usize,
    body: Unframed,
    rate: u64,
    pace: Option<Alarm>,
    client_is_gone: bool,
}

impl<'r> Relay<'r> {
    /// Of an answer whose head is in the record; `len` is how long that is.
    pub(super) fn new(
        request: &mut Request,
        (conf, target): (&'r Conf, &'r Target),
        link: (Link, Turn<Var>),
        framing: BodyFraming,
        keeps: bool,
        len: usize,
    ) -> Self {
        let window = if super::answer::buffers(request, conf) {
            conf.window()
        } else {
            conf.buffer_size
        };
        let rate = conf.limit_rate.as_ref().and_then(|template| {
            let text = template.to_bytes(request);
            let size = nginx_conf::value::size(std::str::from_utf8(&text).ok()?)?;
            u64::try_from(size).ok()
        });
        let first = std::mem::take(&mut request.upstream.buf);
        Self {
            conf,
            target,
            link: Some(link),
            keeps,
            first_at: len,
            first,
            rest: Buffer::default(),
            rest_at: 0,
            window,
            body: Unframed::new(framing),
            rate: rate.unwrap_or(0),
            pace: None,
            client_is_gone: false,
        }
    }

    /// Passes the body on. Whatever happens, the server's turn is reported, and the record has its buffer back.
    pub(super) async fn run(
        mut self,
        request: &mut Request,
        client: &mut Client,
    ) -> Result<(), Abort> {
        let at = self.first_at;
        let outcome = match self.take(request, at, true) {
            Ok(()) => poll_fn(|cx| self.poll(cx, request, client)).await,
            Err(abort) => Err(abort),
        };
        if let Some((_, turn)) = self.link.take() {
            // The rest of the answer is not read, which says nothing about the server.
            clock::refresh();
            note(request, &turn, self.body.read());
            turn.report(Verdict::Abandoned, &*request.worker.shared.outlet);
        }
        request.upstream.buf = self.first;
        request.upstream.is_busy = false;
        outcome?;
        if self.client_is_gone {
            return Err(Abort::Gone);
        }
        client.finish(request).await
    }

    /// What is to be written next, and whether more is behind it.
    fn data(&self) -> Option<(&[u8], bool)> {
        let first = &self.first[self.first_at..];
        let rest = &self.rest[self.rest_at..];
        match (first.is_empty(), rest.is_empty()) {
            (true, true) => None,
            (true, false) => Some((rest, false)),
            (false, is_last) => Some((first, !is_last)),
        }
    }

    fn advance(&mut self, count: usize) {
        if self.first_at < self.first.len() {
            self.first_at += count;
            return;
        }
        self.rest_at += count;
        if self.rest_at >= self.rest.len() {
            self.rest.clear();
            self.rest_at = 0;
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        client: &mut Client,
    ) -> Poll<Result<(), Abort>> {
        loop {
            let wrote = self.poll_client(cx, request, client)?;
            if self.body.is_ended() && self.data().is_none() {
                return Poll::Ready(Ok(()));
            }
            let read = self.poll_server(cx, request)?;
            if !wrote && !read {
                break;
            }
        }
        if !self.client_is_gone && !self.conf.ignores_client_abort {
            if self.data().is_none() {
                // The head waits for no body.
                ready!(client.poll_flush(cx, request))?;
            }
            if client.poll_closed(cx, request.body.is_complete).is_ready() {
                return Poll::Ready(Err(Abort::Gone));
            }
        }
        let Some((link, _)) = &self.link else {
            return Poll::Pending;
        };
        ready!(link.alarm.poll_elapsed(cx));
        request.error(
            Severity::Error,
            format_args!("upstream timed out (110: Connection timed out) while reading upstream"),
        );
        Poll::Ready(Err(Abort::Cut))
    }

    /// Writes what is there; whether anything was written.
    fn poll_client(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        client: &mut Client,
    ) -> Result<bool, Abort> {
        let mut wrote = false;
        loop {
            let Some((data, has_more)) = self.data() else {
                return Ok(wrote);
            };
            let count = if self.client_is_gone {
                data.len()
            } else {
                let is_last = self.body.is_ended() && !has_more;
                match client.poll_send(cx, request, data, is_last) {
                    Poll::Pending => return Ok(wrote),
                    Poll::Ready(Ok(count)) => count,
                    Poll::Ready(Err(_)) if self.conf.ignores_client_abort => {
                        self.client_is_gone = true;
                        continue;
                    }
                    Poll::Ready(Err(abort)) => return Err(abort),
                }
            };
            wrote = true;
            self.advance(count);
        }
    }

    /// Reads once where there is room; whether anything was read.
    fn poll_server(&mut self, cx: &mut Context<'_>, request: &mut Request) -> Result<bool, Abort> {
        if self.body.is_ended() {
            return Ok(false);
        }
        if self.is_too_fast(request, cx) || !self.make_room() {
            // It is not the server that is waited for.
            if let Some((link, _)) = &self.link {
                link.alarm.clear();
            }
            return Ok(false);
        }
        let Some((link, turn)) = &mut self.link else {
            return Ok(false);
        };
        if link.alarm.due().is_none() {
            link.alarm.set(self.conf.read_timeout);
        }
        let before = self.rest.len();
        let read = link.transport.poll_read_spare(cx, &mut self.rest);
        let count = match read {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => {
                let text = format!("recv() failed ({error}) while reading upstream");
                request.error(Severity::Error, format_args!("{text}"));
                return Err(Abort::Cut);
            }
        };
        turn.received += count as u64;
        if count > 0 {
            link.alarm.set(self.conf.read_timeout);
            self.take(request, before, false)?;
            return Ok(true);
        }
        if self.body.close() {
            self.settle(request);
            return Ok(true);
        }
        request.error(
            Severity::Error,
            format_args!("upstream prematurely closed connection while reading upstream"),
        );
        Err(Abort::Cut)
    }

    /// Room for the next read; none while the client has much to take.
    fn make_room(&mut self) -> bool {
        if self.rest.capacity() == 0 {
            let left = self.body.left().saturating_add(SLACK);
            self.rest.grow(self.window.min(left));
            return true;
        }
        if self.rest.spare() > 0 {
            return true;
        }
        // Moving what is left to the front for each byte that a slow client takes would cost more than it brings.
        if self.rest_at < self.rest.len() / 2 {
            return false;
        }
        let gone = std::mem::take(&mut self.rest_at);
        self.rest.consume(gone);
        gone > 0
    }

    /// Takes what was just read into account.
    fn take(&mut self, request: &mut Request, from: usize, is_first: bool) -> Result<(), Abort> {
        let buffer = if is_first {
            &mut self.first
        } else {
            &mut self.rest
        };
        if let Err(bad) = self.body.take(buffer, from) {
            request.error(
                Severity::Error,
                format_args!("upstream sent invalid chunked response: {bad}"),
            );
            return Err(Abort::Cut);
        }
        if self.body.is_ended() {
            if self.body.has_surplus() {
                request.error(
                    Severity::Warn,
                    format_args!("upstream sent more data than specified in its header"),
                );
            }
            self.settle(request);
        }
        Ok(())
    }

    /// The last byte is read: the server has served.
    fn settle(&mut self, request: &mut Request) {
        let Some((link, turn)) = self.link.take() else {
            return;
        };
        for (name, value) in self.body.trailers() {
            request.upstream.trailers.push(name, value);
            if self.conf.passes_trailers && hop::may_trail(FieldName::from_bytes(name)) {
                request.response.trailers.push(name, value);
            }
        }
        clock::refresh();
        note(request, &turn, self.body.read());
        turn.report(Verdict::Served, &*request.worker.shared.outlet);
        if self.keeps && !self.body.has_surplus() && self.body.is_delimited() {
            let group = &self.target.group;
            request.worker.pool.give(group.id, &group.keepalive, link);
        }
    }

    /// nginx's rule: what was read may be at most the rate times the seconds begun.
    fn is_too_fast(&mut self, request: &Request, cx: &mut Context<'_>) -> bool {
        if self.rate == 0 {
            return false;
        }
        let seconds = request.elapsed_ms() / 1000 + 1;
        if self.body.read() < self.rate.saturating_mul(seconds) {
            return false;
        }
        let pace = self.pace.get_or_insert_default();
        pace.set(PACE);
        // It was just set, so that it only leaves its waker.
        let _ = pace.poll_elapsed(cx);
        true
    }
}
