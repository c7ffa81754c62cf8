//! A request to one server, up to the head of the answer.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use balancer::retry::Failure;
use http_wire::{
    BodyFraming, FieldName, Method, Parsed, ResponseHead, ResponseLimits, response_framing,
};

use super::super::{Abort, Client, Fields, Request};
use super::answer;
use super::conf::Conf;
use super::sender::{SendError, Sender};
use crate::conf::Severity;
use crate::net::Buffer;
use crate::upstream::Link;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server failed.
    Server(Failure),
    /// It answered, but another one is to answer instead.
    Next,
    /// The client did, or left.
    Client(Abort),
}

/// Answers of the 1xx kind before the real one; more are no answer.
const INTERIM_MAX: u32 = 64;

/// The wait for an answer.
struct Wait<'w> {
    conf: &'w Conf,
    link: &'w mut Link,
    sender: &'w mut Sender,
    buf: Buffer,
    head: ResponseHead,
    limits: ResponseLimits,
    /// The request is gone, or the server takes no more of it.
    is_sent: bool,
    send_failed: bool,
    received: u64,
    interim_left: u32,
}

/// Sends the request, which has that method, and reads the head of the answer; then the record has it, with what came of the body behind it.
pub(super) async fn run(
    request: &mut Request,
    client: &mut Client,
    conf: &Conf,
    link: &mut Link,
    (sender, method): (&mut Sender, Method),
) -> Result<BodyFraming, Fault> {
    let mut buf = std::mem::take(&mut request.upstream.buf);
    buf.grow(conf.buffer_size);
    let mut wait = Wait {
        conf,
        buf,
        head: std::mem::take(&mut request.upstream.head),
        limits: ResponseLimits {
            head_len_max: conf.buffer_size,
            ..ResponseLimits::default()
        },
        link,
        sender,
        is_sent: false,
        send_failed: false,
        received: 0,
        interim_left: INTERIM_MAX,
    };
    let outcome = wait.run(request, client).await;
    wait.link.alarm.clear();
    let Wait {
        buf,
        head,
        received,
        ..
    } = wait;
    let framing = outcome.and_then(|()| {
        let framing = response_framing(&head, &buf, method);
        framing.map_err(|bad| {
            invalid(request, &bad);
            Fault::Server(Failure::InvalidHeader)
        })
    });
    request.upstream.buf = buf;
    request.upstream.head = head;
    if let Some(last) = request.upstream.last() {
        last.received += received;
    }
    framing
}

fn invalid(request: &Request, bad: &dyn std::error::Error) {
    request.error(
        Severity::Error,
        format_args!(
            "upstream sent invalid header: {bad} while reading response header from upstream"
        ),
    );
}

/// Whether `early_hints` lets them through.
fn wants_hints(request: &Request) -> bool {
    let location = request.location.clone();
    let mut conditions = location.core.early_hints.iter();
    conditions.any(|template| {
        let text = template.to_bytes(request);
        !text.is_empty() && text != b"0"
    })
}

impl Wait<'_> {
    /// Reads heads until there is one that is no interim answer.
    async fn run(&mut self, request: &mut Request, client: &mut Client) -> Result<(), Fault> {
        loop {
            let len = poll_fn(|cx| self.poll(cx, request, client)).await?;
            let status = self.head.status();
            if status >= 200 || status == 101 {
                return Ok(());
            }
            self.interim_left -= 1;
            if self.interim_left == 0 {
                invalid(request, &io::Error::other("too many interim responses"));
                return Err(Fault::Server(Failure::InvalidHeader));
            }
            if status == 103 && wants_hints(request) {
                self.hints(request, client).await?;
            }
            self.buf.consume(len);
            self.head.clear();
        }
    }

    /// Passes early hints on (RFC 8297).
    async fn hints(&mut self, request: &mut Request, client: &mut Client) -> Result<(), Fault> {
        let Some(ready) = self.conf.ready.as_deref() else {
            return Ok(());
        };
        let mut fields = Fields::default();
        let (head, how) = (&self.head, (self.conf, ready));
        for field in head.fields().as_slice() {
            let passes = answer::passes(head, &self.buf, field, how, true);
            // An interim answer has no body, so it says nothing about one.
            let of_connection = matches!(field.id, FieldName::ContentLength | FieldName::Upgrade);
            if passes && !of_connection {
                fields.push(field.name.of(&self.buf), field.value.of(&self.buf));
            }
        }
        let sent = client.interim(request, 103, &fields).await;
        sent.map_err(Fault::Client)
    }

    /// Ready with the length of a head that is there.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        client: &mut Client,
    ) -> Poll<Result<usize, Fault>> {
        if !self.is_sent {
            self.poll_send(cx, request, client)?;
        }
        if !self.buf.is_empty()
            && let Some(len) = self.parse(request)?
        {
            return Poll::Ready(Ok(len));
        }
        while let Poll::Ready(read) = self.link.transport.poll_read_spare(cx, &mut self.buf) {
            let count = match read {
                Ok(count) if count > 0 => count,
                _ => return Poll::Ready(Err(self.closed(request))),
            };
            self.received += count as u64;
            if let Some(len) = self.parse(request)? {
                return Poll::Ready(Ok(len));
            }
        }
        if self.send_failed {
            return Poll::Ready(Err(self.closed(request)));
        }
        let has_body = request.body.is_complete;
        if !self.conf.ignores_client_abort && client.poll_closed(cx, has_body).is_ready() {
            return Poll::Ready(Err(Fault::Client(Abort::Gone)));
        }
        ready!(self.link.alarm.poll_elapsed(cx));
        let doing = if self.is_sent {
            "reading response header from upstream"
        } else {
            "sending request to upstream"
        };
        request.error(
            Severity::Error,
            format_args!("upstream timed out (110: Connection timed out) while {doing}"),
        );
        Poll::Ready(Err(Fault::Server(Failure::Timeout)))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        client: &mut Client,
    ) -> Result<(), Fault> {
        let before = self.sender.sent;
        let sender = &mut *self.sender;
        match sender.poll(cx, &mut self.link.transport, request, client) {
            Poll::Ready(Ok(())) => {
                self.is_sent = true;
                self.link.alarm.set(self.conf.read_timeout);
            }
            Poll::Ready(Err(SendError::Server)) => {
                // It may have answered before it closed.
                self.is_sent = true;
                self.send_failed = true;
            }
            Poll::Ready(Err(SendError::Client(abort))) => return Err(Fault::Client(abort)),
            Poll::Pending if self.sender.waits_for_client() => self.link.alarm.clear(),
            Poll::Pending => {
                if self.sender.sent > before || self.link.alarm.due().is_none() {
                    self.link.alarm.set(self.conf.send_timeout);
                }
            }
        }
        Ok(())
    }

    fn parse(&mut self, request: &Request) -> Result<Option<usize>, Fault> {
        match self.head.parse(&self.buf, &self.limits) {
            Ok(Parsed::Complete { len }) => Ok(Some(len)),
            Ok(Parsed::Partial) => Ok(None),
            Err(bad) => {
                invalid(request, &bad);
                Err(Fault::Server(Failure::InvalidHeader))
            }
        }
    }

    /// The server closed the connection without an answer.
    fn closed(&self, request: &Request) -> Fault {
        if self.link.requests > 0 && self.received == 0 {
            return Fault::Server(Failure::Stale);
        }
        request.error(
            Severity::Error,
            format_args!(
                "upstream prematurely closed connection while reading response header from upstream"
            ),
        );
        Fault::Server(Failure::Error)
    }
}
