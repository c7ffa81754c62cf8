//! Reading a body from the client.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::super::core::InFile;
use super::super::{Abort, Client, Request};
use super::spool::Name;
use super::{Body, Framing, Spool};
use crate::conf::Severity;

/// What is read at once.
const READ: usize = 16 << 10;

/// Why a body ends before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBody {
    /// The client closed the connection.
    #[error("client prematurely closed connection")]
    Closed,
    /// It is not framed as it must be.
    #[error("client sent invalid chunked body: {0}")]
    Chunk(#[from] http_wire::BadChunk),
}

impl Client {
    /// Appends bytes of the body; ready with how many, 0 at its end. No time-out, no limit.
    pub(crate) fn poll_body_raw(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut Body,
        into: &mut Vec<u8>,
    ) -> Poll<Result<usize, BadBody>> {
        let before = into.len();
        while !body.is_complete {
            if !self.ahead.is_empty() {
                let taken = body.take(&self.ahead, into)?;
                self.ahead.consume(taken);
                if self.ahead.is_empty() {
                    self.ahead.release();
                }
                if into.len() > before {
                    break;
                }
                continue;
            }
            if let Framing::Length(_) = body.framing {
                ready!(self.poll_body_direct(cx, body, into))?;
                break;
            }
            self.ahead.grow(READ);
            match ready!(self.transport.poll_read_spare(cx, &mut self.ahead)) {
                Ok(count) if count > 0 => {}
                _ => return Poll::Ready(Err(BadBody::Closed)),
            }
        }
        Poll::Ready(Ok(into.len() - before))
    }

    /// Reads to where the bytes are wanted; what the client sent beyond the body is put aside.
    fn poll_body_direct(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut Body,
        into: &mut Vec<u8>,
    ) -> Poll<Result<(), BadBody>> {
        if into.capacity() == into.len() {
            into.reserve(READ.min(body.left()));
        }
        let before = into.len();
        match ready!(self.transport.poll_read_spare(cx, into)) {
            Ok(count) if count > 0 => {}
            _ => return Poll::Ready(Err(BadBody::Closed)),
        }
        let end = before + body.left().min(into.len() - before);
        if into.len() > end {
            self.ahead.grow(into.len() - end);
            self.ahead.extend_from_slice(&into[end..]);
            into.truncate(end);
        }
        body.took(end - before);
        Poll::Ready(Ok(()))
    }

    /// Appends bytes of the body; ready with how many, 0 at its end. Asks a client that waits for that to send it, and minds
    /// `client_body_timeout` and `client_max_body_size`. Nothing is lost where it is not polled to its end.
    pub(crate) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        into: &mut Vec<u8>,
    ) -> Poll<Result<usize, Abort>> {
        if request.body.is_complete {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_continue(cx, request))?;
        let polled = self.poll_body_raw(cx, &mut request.body, into);
        // Also before a chunk that is announced has come.
        too_large(request)?;
        match polled {
            Poll::Ready(outcome) => {
                if let Some(alarm) = &self.body_alarm {
                    alarm.clear();
                }
                Poll::Ready(check(request, outcome))
            }
            Poll::Pending => {
                let alarm = self.body_alarm.get_or_insert_default();
                if alarm.due().is_none() {
                    alarm.set(request.location.core.body_timeout);
                }
                ready!(alarm.poll_elapsed(cx));
                alarm.clear();
                request.error(Severity::Info, format_args!("client timed out"));
                Poll::Ready(Err(Abort::Respond(408)))
            }
        }
    }

    /// Tells a client that waits for it to go on. One that has sent bytes already does not wait.
    fn poll_continue(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
    ) -> Poll<Result<(), Abort>> {
        if request.expects_continue.replace(false)
            && self.ahead.is_empty()
            && request.body.received_raw == 0
            && !request.response.is_head_sent
        {
            self.put(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if request.response.is_head_sent {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx, request)
    }

    /// Tells a client that waits for it to go on, although there is no body.
    pub(crate) async fn proceed(&mut self, request: &mut Request) -> Result<(), Abort> {
        if !request.expects_continue.get() {
            return Ok(());
        }
        poll_fn(|cx| self.poll_continue(cx, request)).await
    }

    /// Throws away what is there already of a body that nobody wants; `false` where it is not framed as it must be.
    pub(crate) fn discard_ahead(&mut self, request: &mut Request) -> bool {
        if request.body.is_complete || self.ahead.is_empty() {
            return true;
        }
        let mut unwanted = std::mem::take(&mut request.scratch);
        unwanted.clear();
        let taken = request.body.take(&self.ahead, &mut unwanted);
        unwanted.clear();
        request.scratch = unwanted;
        if let Ok(count) = taken {
            self.ahead.consume(count);
        } else {
            request.keeps_alive = false;
        }
        taken.is_ok()
    }

    /// Reads the whole body, into memory or a file.
    pub(crate) async fn read_body(&mut self, request: &mut Request) -> Result<(), Abort> {
        if request.body.is_kept {
            return Ok(());
        }
        if request.body.is_lost() {
            request.error(
                Severity::Error,
                format_args!("a body that has passed to a server cannot be sent to another one"),
            );
            return Err(Abort::Respond(502));
        }
        let core = request.location.clone();
        let core = &core.core;
        let mut memory = std::mem::take(&mut request.body.memory);
        if let Some(len) = request.body.len() {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            memory.reserve(len.min(core.body_buffer_size));
        }
        let outcome = loop {
            match poll_fn(|cx| self.poll_body(cx, request, &mut memory)).await {
                Ok(0) => break Ok(()),
                Ok(_) if memory.len() > core.body_buffer_size => {
                    if let Err(abort) = spill(request, &mut memory) {
                        break Err(abort);
                    }
                }
                Ok(_) => {}
                Err(abort) => break Err(abort),
            }
        };
        let is_filed = request.body.file.is_some() || core.body_in_file != InFile::Off;
        let outcome = match outcome {
            Ok(()) if is_filed && request.body.received > 0 => spill(request, &mut memory),
            other => other,
        };
        request.body.memory = memory;
        request.body.is_kept = outcome.is_ok();
        outcome
    }
}

fn too_large(request: &mut Request) -> Result<(), Abort> {
    let (max, announced) = (request.location.core.body_len_max, request.body.announced());
    if max == 0 || announced <= max {
        return Ok(());
    }
    request.error(
        Severity::Error,
        format_args!("client intended to send too large chunked body: {announced} bytes"),
    );
    Err(Abort::Respond(413))
}

fn check(request: &mut Request, outcome: Result<usize, BadBody>) -> Result<usize, Abort> {
    match outcome {
        Ok(count) => Ok(count),
        Err(bad) => {
            request.error(Severity::Info, format_args!("{bad}"));
            request.keeps_alive = false;
            Err(match bad {
                BadBody::Closed => Abort::Gone,
                BadBody::Chunk(_) => Abort::Respond(400),
            })
        }
    }
}

/// Moves what is in memory to the body's file.
fn spill(request: &mut Request, memory: &mut Vec<u8>) -> Result<(), Abort> {
    let core = &request.location.core;
    let directory = request.config.prefix.join(&core.body_temp_path);
    let name = match core.body_in_file {
        InFile::Off => Name::Hidden,
        InFile::Clean => Name::WhileNeeded,
        InFile::Keep => Name::Forever,
    };
    let file = match &mut request.body.file {
        Some(file) => Ok(file),
        none => Spool::new(&directory, name).map(|file| none.insert(file)),
    };
    let written = file.and_then(|file| file.write(memory));
    if let Err(error) = written {
        request.error(
            Severity::Crit,
            format_args!(
                "a request body cannot be written to \"{}\": {error}",
                directory.display()
            ),
        );
        return Err(Abort::Respond(500));
    }
    memory.clear();
    Ok(())
}
