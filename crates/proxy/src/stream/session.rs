//! One session and what becomes of it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use base::Monotonic;

use super::record::Record;
use super::var::Builtin;
use super::{Config, Server, Worker};
use crate::conf::Severity;
use crate::net::tls::Hello;
use crate::net::{Endpoint, Host, Said, clock};
use crate::script::{Captures, Definition, Regex, Slots, UserId};
use crate::ssl;

/// A session from its first byte to its line in the access log.
pub(crate) struct Session {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<Server>,
    pub(crate) worker: Rc<Worker>,
    /// The connection's number, as error logs show it.
    pub(crate) number: u64,
    /// The client: the other end of the socket, or what a trusted PROXY header says.
    pub(crate) client: Endpoint,
    /// The other end of the socket.
    pub(crate) peer: Endpoint,
    /// It is one of datagrams.
    pub(crate) is_udp: bool,
    /// Our end.
    pub(crate) local: Endpoint,
    /// Its TLS, where we end it.
    pub(crate) tls: Option<Box<ssl::Info>>,
    /// What its PROXY header said, where one is expected.
    pub(crate) said: Option<Box<Said>>,
    /// What its first bytes ask for, where they are looked at.
    pub(crate) hello: Option<Box<Hello>>,
    /// The servers that it was passed on to.
    pub(crate) upstream: Record,
    /// When it was accepted.
    pub(crate) started: Monotonic,
    /// How it ended, in HTTP's numbers as nginx gives them: 200, 400, 403, 500, 502, 503.
    pub(crate) status: Cell<u16>,
    /// What `limit_conn` said.
    pub(crate) limit_status: Cell<Option<&'static str>>,
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
            Some(Definition::Computed(number)) => self.append_computed(id, *number, out),
            Some(Definition::Assigned) | None => false,
        }
    }

    /// Computes a variable; all but volatile ones keep their value for the rest of the session.
    fn append_computed(&self, id: UserId, number: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        // One that is made of itself has no value, rather than no end.
        self.slots.set_not_found(id);
        let Some(rule) = self.config.computed.get(number) else {
            return false;
        };
        let matches = |regex: &Regex, subject: &[u8]| {
            let mut captures = self.captures.borrow_mut();
            regex.captures(subject, &mut captures, |id, value| {
                self.slots.set(id, value);
            })
        };
        rule.append(self, &matches, out);
        if rule.is_volatile() {
            self.slots.forget(id);
        } else {
            self.slots.set(id, &out[start..]);
        }
        true
    }

    /// Writes a line into the server's error log, with whose session it is behind it.
    pub(crate) fn error(&self, level: Severity, text: fmt::Arguments<'_>) {
        let log = &self.server.errors;
        if log.wants(level) {
            let (client, server) = (Host(&self.client), &self.local);
            log.line(
                level,
                self.number,
                format_args!("{text}, client: {client}, server: {server}"),
            );
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

fn of_hello(session: &Session, out: &mut Vec<u8>, say: fn(&Hello) -> &[u8]) -> bool {
    let said = session.hello.as_deref().map(say);
    out.extend_from_slice(said.unwrap_or_default());
    said.is_some()
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
    var("hostname", |_, out| show(out, crate::names::hostname())),
    var("limit_conn_status", |session, out| {
        session
            .limit_status
            .get()
            .is_some_and(|status| show(out, status))
    }),
    var("msec", |_, out| {
        let now = clock::wall().0;
        show(out, format_args!("{}.{:03}", now / 1000, now % 1000))
    }),
    var("nginx_version", |_, out| show(out, crate::NGINX_VERSION)),
    var("pid", |_, out| show(out, std::process::id())),
    var("protocol", |session, out| {
        show(out, if session.is_udp { "UDP" } else { "TCP" })
    }),
    var("remote_addr", |session, out| address(&session.client, out)),
    var("remote_port", |session, out| port(&session.client, out)),
    var("realip_remote_addr", |session, out| {
        address(&session.peer, out)
    }),
    var("realip_remote_port", |session, out| {
        port(&session.peer, out)
    }),
    var("server_addr", |session, out| match &session.local {
        local @ Endpoint::Ip(_) => address(local, out),
        local @ Endpoint::Unix(_) => show(out, local),
    }),
    var("server_name", |session, out| {
        show(out, &session.server.name)
    }),
    var("server_port", |session, out| port(&session.local, out)),
    var("session_time", |session, out| {
        let took = (clock::now() - session.started).as_millis();
        show(out, format_args!("{}.{:03}", took / 1000, took % 1000))
    }),
    var("status", |session, out| {
        show(out, format_args!("{:03}", session.status.get()))
    }),
    var("ssl_preread_alpn_protocols", |session, out| {
        of_hello(session, out, |hello| &hello.alpn)
    }),
    var("ssl_preread_protocol", |session, out| {
        of_hello(session, out, |hello| hello.protocol.as_bytes())
    }),
    var("ssl_preread_server_name", |session, out| {
        of_hello(session, out, |hello| hello.server_name.as_bytes())
    }),
    var("time_iso8601", |_, out| {
        clock::text(|text| show(out, text.iso8601()))
    }),
    var("time_local", |_, out| {
        clock::text(|text| show(out, text.local()))
    }),
];
