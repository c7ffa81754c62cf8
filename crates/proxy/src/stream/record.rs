//! What is known of a session's servers: `$upstream_…`.

use std::cell::RefCell;
use std::io::Write as _;
use std::sync::Arc;

use base::Monotonic;

use super::Session;
use super::var::Builtin;
use crate::net::clock;

/// The servers that a session tried, in their order.
#[derive(Debug, Default)]
pub(crate) struct Record {
    tries: RefCell<Vec<Try>>,
}

/// One server.
#[derive(Debug)]
struct Try {
    name: Arc<str>,
    started: Monotonic,
    connect_ms: Option<u64>,
    first_byte_ms: Option<u64>,
    session_ms: Option<u64>,
    sent: u64,
    received: u64,
}

impl Record {
    /// Another server has its turn.
    pub(super) fn begin(&self, name: impl AsRef<str>) {
        self.tries.borrow_mut().push(Try {
            name: name.as_ref().into(),
            started: clock::now(),
            connect_ms: None,
            first_byte_ms: None,
            session_ms: None,
            sent: 0,
            received: 0,
        });
    }

    /// The last one is connected.
    pub(super) fn connected(&self) {
        if let Some(last) = self.tries.borrow_mut().last_mut() {
            last.connect_ms = Some(last.since());
        }
    }

    /// The last one could not be reached.
    pub(super) fn failed(&self) {
        if let Some(last) = self.tries.borrow_mut().last_mut() {
            last.session_ms = Some(last.since());
        }
    }

    /// The session with the last one is over.
    pub(super) fn ended(&self, sent: u64, received: u64, first: Option<Monotonic>) {
        if let Some(last) = self.tries.borrow_mut().last_mut() {
            last.session_ms = Some(last.since());
            last.sent = sent;
            last.received = received;
            last.first_byte_ms = first.map(|first| first.0.saturating_sub(last.started.0));
        }
    }

    /// Appends what each server has, with commas between; `false` where there was none.
    fn list(&self, out: &mut Vec<u8>, say: fn(&Try, &mut Vec<u8>)) -> bool {
        let tries = self.tries.borrow();
        for (index, one) in tries.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            say(one, out);
        }
        !tries.is_empty()
    }
}

impl Try {
    fn since(&self) -> u64 {
        clock::now().0.saturating_sub(self.started.0)
    }
}

/// Seconds with milliseconds; `-` where it did not come to that.
fn seconds(ms: Option<u64>, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = match ms {
        Some(ms) => write!(out, "{}.{:03}", ms / 1000, ms % 1000),
        None => write!(out, "-"),
    };
}

fn number(count: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "{count}");
}

const fn var(name: &'static str, get: fn(&Session, &mut Vec<u8>) -> bool) -> Builtin {
    Builtin { name, get }
}

/// The variables.
pub(crate) static VARS: &[Builtin] = &[
    var("upstream_addr", |session, out| {
        session
            .upstream
            .list(out, |one, out| out.extend_from_slice(one.name.as_bytes()))
    }),
    var("upstream_bytes_sent", |session, out| {
        session.upstream.list(out, |one, out| number(one.sent, out))
    }),
    var("upstream_bytes_received", |session, out| {
        session
            .upstream
            .list(out, |one, out| number(one.received, out))
    }),
    var("upstream_connect_time", |session, out| {
        session
            .upstream
            .list(out, |one, out| seconds(one.connect_ms, out))
    }),
    var("upstream_first_byte_time", |session, out| {
        session
            .upstream
            .list(out, |one, out| seconds(one.first_byte_ms, out))
    }),
    var("upstream_session_time", |session, out| {
        session
            .upstream
            .list(out, |one, out| seconds(one.session_ms, out))
    }),
];
