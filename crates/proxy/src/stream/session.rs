//! One session and what becomes of it.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::sync::Arc;

use base::Monotonic;

use super::var::Builtin;
use super::{Config, Server};
use crate::net::{Endpoint, clock};
use crate::script::{Captures, Definition, Slots, UserId};

/// A session from its first byte to its line in the access log.
pub(crate) struct Session {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<Server>,
    /// The connection's number, as error logs show it.
    pub(crate) number: u64,
    /// The client: the other end of the socket, or what a trusted PROXY header says.
    pub(crate) client: Endpoint,
    /// Our end.
    pub(crate) local: Endpoint,
    /// When it was accepted.
    pub(crate) started: Monotonic,
    /// How it ended, in HTTP's numbers as nginx gives them: 200, 400, 403, 500, 502, 503.
    pub(crate) status: Cell<u16>,
    /// Bytes from the client.
    pub(crate) received: Cell<u64>,
    /// Bytes to the client.
    pub(crate) sent: Cell<u64>,
    /// Values of the configuration's variables.
    pub(crate) slots: Slots,
    /// What the last regular expression captured.
    pub(crate) captures: RefCell<Captures>,
}

/// nginx's words for the outcomes of a session.
pub(crate) mod status {
    /// Served to its end.
    pub(crate) const OK: u16 = 200;
    /// The client's first bytes could not be understood.
    pub(crate) const BAD_REQUEST: u16 = 400;
    /// Refused by `allow` and `deny`.
    pub(crate) const FORBIDDEN: u16 = 403;
    /// Our own fault.
    pub(crate) const INTERNAL: u16 = 500;
    /// No upstream could be reached.
    pub(crate) const BAD_GATEWAY: u16 = 502;
    /// Refused by a limit.
    pub(crate) const UNAVAILABLE: u16 = 503;
}

impl Session {
    pub(super) fn append_capture(&self, index: u8, out: &mut Vec<u8>) -> bool {
        let captures = self.captures.borrow();
        let captured = captures.get(usize::from(index));
        out.extend_from_slice(captured.unwrap_or_default());
        captured.is_some()
    }

    pub(super) fn append_user(&self, id: UserId, out: &mut Vec<u8>) -> bool {
        if let Some(known) = self.slots.get(id) {
            out.extend_from_slice(known.as_deref().unwrap_or_default());
            return known.is_some();
        }
        match self.config.definitions.get(usize::from(id.0)) {
            Some(Definition::Computed(_) | Definition::Assigned) | None => false,
        }
    }
}

/// Appends something that prints.
fn show(out: &mut Vec<u8>, what: impl std::fmt::Display) -> bool {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{what}");
    true
}

fn address(endpoint: &Endpoint, out: &mut Vec<u8>) -> bool {
    match endpoint {
        Endpoint::Ip(ip) => show(out, ip.ip()),
        Endpoint::Unix(_) => show(out, "unix:"),
    }
}

fn port(endpoint: &Endpoint, out: &mut Vec<u8>) -> bool {
    match endpoint {
        Endpoint::Ip(ip) => show(out, ip.port()),
        Endpoint::Unix(_) => true,
    }
}

const fn var(name: &'static str, get: super::var::Getter) -> Builtin {
    Builtin { name, get }
}

/// The variables of a session that no module owns.
pub(crate) static VARS: &[Builtin] = &[
    var("binary_remote_addr", |session, out| match &session.client {
        Endpoint::Ip(ip) => {
            match ip.ip() {
                std::net::IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
                std::net::IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
            }
            true
        }
        Endpoint::Unix(_) => show(out, "unix:"),
    }),
    var("bytes_received", |session, out| {
        show(out, session.received.get())
    }),
    var("bytes_sent", |session, out| show(out, session.sent.get())),
    var("connection", |session, out| show(out, session.number)),
    var("msec", |_, out| {
        let now = clock::wall().0;
        show(out, format_args!("{}.{:03}", now / 1000, now % 1000))
    }),
    var("nginx_version", |_, out| show(out, crate::NGINX_VERSION)),
    var("pid", |_, out| show(out, std::process::id())),
    var("protocol", |_, out| show(out, "TCP")),
    var("remote_addr", |session, out| address(&session.client, out)),
    var("remote_port", |session, out| port(&session.client, out)),
    var("server_addr", |session, out| address(&session.local, out)),
    var("server_port", |session, out| port(&session.local, out)),
    var("session_time", |session, out| {
        let took = (clock::now() - session.started).as_millis();
        show(out, format_args!("{}.{:03}", took / 1000, took % 1000))
    }),
    var("status", |session, out| {
        show(out, format_args!("{:03}", session.status.get()))
    }),
    var("time_iso8601", |_, out| {
        clock::text(|text| show(out, text.iso8601()))
    }),
    var("time_local", |_, out| {
        clock::text(|text| show(out, text.local()))
    }),
];
