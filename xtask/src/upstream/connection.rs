//! One connection of the small server: reads requests, and writes an answer for each, at once or at its own pace.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::request::{Parsed, Request, parse};

/// Requests are far smaller; one read takes what a balancer has sent.
const READ_BYTES: usize = 16 * 1024;

/// The time between two pieces of a slow answer.
const PACE_INTERVAL: Duration = Duration::from_millis(20);

pub(super) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// The head of the answer that is being sent.
    head: Vec<u8>,
    answer: Option<Answer>,
}

struct Answer {
    request: Request,
    /// Bytes of head and body that are out.
    sent: usize,
    /// No byte goes out before.
    due: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It waits for the client.
    Open,
    /// It waits for a time to come.
    Late,
    Closed,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            input: Vec::new(),
            head: Vec::new(),
            answer: None,
        }
    }

    /// Does what can be done now.
    pub(super) fn serve(&mut self, name: &str, now: Instant) -> State {
        let is_open = self.read();
        loop {
            if self.answer.is_none() {
                match parse(&self.input) {
                    Parsed::Partial if is_open => return State::Open,
                    Parsed::Partial | Parsed::Bad => return State::Closed,
                    Parsed::Complete(request) => self.begin(request, name, now),
                }
            }
            match self.write(now) {
                Some(state) => return state,
                None => self.answer = None,
            }
        }
    }

    /// Takes what has arrived; false at the end of the stream.
    fn read(&mut self) -> bool {
        let mut buffer = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    // A short read empties the socket; what comes later is another event.
                    if count < buffer.len() {
                        return true;
                    }
                }
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn begin(&mut self, request: Request, name: &str, now: Instant) {
        self.input.drain(..request.length);
        self.head.clear();
        let connection = if request.keep_alive {
            ""
        } else {
            "Connection: close\r\n"
        };
        // Writing to memory does not fail.
        let _ = write!(
            self.head,
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nX-Upstream: {name}\r\n{connection}\r\n",
            request.body.len()
        );
        self.answer = Some(Answer {
            request,
            sent: 0,
            due: now + request.delay,
        });
    }

    /// Writes; none once the whole answer is out and the connection goes on.
    fn write(&mut self, now: Instant) -> Option<State> {
        let answer = self.answer.as_mut()?;
        let body = answer.request.body;
        let total = self.head.len() + body.len();
        while answer.sent < total {
            if answer.due > now {
                return Some(State::Late);
            }
            let head = self.head.get(answer.sent..).unwrap_or_default();
            let rest = &body[answer.sent.saturating_sub(self.head.len())..];
            let rest = &rest[..answer.request.pace.unwrap_or(rest.len()).min(rest.len())];
            let parts = [std::io::IoSlice::new(head), std::io::IoSlice::new(rest)];
            match self.stream.write_vectored(&parts) {
                Ok(count) => answer.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(State::Open),
                Err(_) => return Some(State::Closed),
            }
            if answer.request.pace.is_some() {
                answer.due = now + PACE_INTERVAL;
            }
        }
        (!answer.request.keep_alive).then_some(State::Closed)
    }
}
