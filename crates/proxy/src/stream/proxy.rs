//! `proxy_pass` over TCP.

use std::time::Duration;

use nginx_conf::{Kind, Param, Spec};

use super::config::Handler;
use super::{Server, StreamCx, Template};
use crate::conf::contexts::{STREAM_SERVER, STREAMS};
use crate::conf::{Apply, Done, Row, flag, number, size, time, word};

/// Where a session goes.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    /// The name of a group, or an address; `None` where variables say it for each session.
    pub(crate) target: Template,
}

/// `proxy_*` of one server.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    /// How long a connection to an upstream may take.
    pub(crate) connect_timeout: Duration,
    /// How long a session may be silent in both directions.
    pub(crate) timeout: Duration,
    /// Bytes that are kept for each direction.
    pub(crate) buffer_size: usize,
    /// Whether another server is tried where one cannot be reached.
    pub(crate) next_upstream: bool,
    /// How many servers are tried; 0 for all.
    pub(crate) tries: u32,
    /// For how long servers are tried; zero for no end.
    pub(crate) tries_timeout: Duration,
    /// Whether each direction is closed by itself.
    pub(crate) half_close: bool,
    /// Whether the upstream is told of the client by a PROXY header (version 1).
    pub(crate) proxy_protocol: bool,
    /// Bytes per second from the client; 0 for no limit.
    pub(crate) upload_rate: u64,
    /// Bytes per second to the client; 0 for no limit.
    pub(crate) download_rate: u64,
    /// Whether the system probes idle connections to upstreams.
    pub(crate) keepalive: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(600),
            buffer_size: 16 << 10,
            next_upstream: true,
            tries: 0,
            tries_timeout: Duration::ZERO,
            half_close: false,
            proxy_protocol: false,
            upload_rate: 0,
            download_rate: 0,
            keepalive: false,
        }
    }
}

const TIME: &[Param] = &[Param::required("time", Kind::Text)];
const FLAG: &[Param] = &[Param::required("flag", Kind::Flag)];
const SIZE: &[Param] = &[Param::required("size", Kind::Text)];
const COUNT: &[Param] = &[Param::required("number", Kind::Text)];

/// A directive of `stream` and its servers.
const fn row(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    apply: fn(&mut Server, &nginx_conf::Directive, &mut StreamCx<'_, '_>) -> Done,
) -> Row {
    Row::new(
        Spec::new(name, STREAMS, params, help).default(default),
        Apply::StreamServer(apply),
    )
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "proxy_pass",
            &[STREAM_SERVER],
            &[Param::required("address", Kind::Text)],
            "Relays the session to a server of the group of that name, or to an address: `HOST:PORT` or `unix:PATH`. May hold variables.",
        ),
        Apply::StreamServer(|server, directive, cx| {
            let target = cx.template(&directive.args[0])?;
            server.handler = Some(Handler::Proxy(Pass { target }.into()));
            Ok(())
        }),
    ),
    row(
        "proxy_connect_timeout",
        TIME,
        "60s",
        "How long a connection to an upstream may take.",
        |server, directive, _| {
            server.proxy.connect_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_timeout",
        TIME,
        "10m",
        "After how long a session ends in which nothing is sent either way.",
        |server, directive, _| {
            server.proxy.timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_buffer_size",
        SIZE,
        "16k",
        "Bytes that are kept for each direction of a session.",
        |server, directive, _| {
            server.proxy.buffer_size = usize::try_from(size(word(directive, 0)?)?)
                .ok()
                .filter(|size| *size > 0 && *size <= BUFFER_SIZE_MAX)
                .ok_or_else(|| format!("expected 1 to {BUFFER_SIZE_MAX} bytes"))?;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream",
        FLAG,
        "on",
        "Whether another server is tried where one cannot be reached.",
        |server, directive, _| {
            server.proxy.next_upstream = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream_tries",
        COUNT,
        "0",
        "How many servers are tried; 0 for all.",
        |server, directive, _| {
            server.proxy.tries =
                u32::try_from(number(word(directive, 0)?)?).map_err(|_| "too large".to_owned())?;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream_timeout",
        TIME,
        "0",
        "For how long servers are tried; 0 for no end.",
        |server, directive, _| {
            server.proxy.tries_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_half_close",
        FLAG,
        "off",
        "Whether one direction stays open when the other is closed.",
        |server, directive, _| {
            server.proxy.half_close = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_protocol",
        FLAG,
        "off",
        "Whether the upstream is told of the client by a PROXY header (version 1).",
        |server, directive, _| {
            server.proxy.proxy_protocol = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_upload_rate",
        SIZE,
        "0",
        "Bytes per second that are read from the client; 0 for no limit.",
        |server, directive, _| {
            server.proxy.upload_rate = size(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_download_rate",
        SIZE,
        "0",
        "Bytes per second that are read from the upstream; 0 for no limit.",
        |server, directive, _| {
            server.proxy.download_rate = size(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_socket_keepalive",
        FLAG,
        "off",
        "Whether the system probes idle connections to upstreams.",
        |server, directive, _| {
            server.proxy.keepalive = flag(directive)?;
            Ok(())
        },
    ),
];

/// More than a relay can use, and little enough that one directive cannot take the memory.
const BUFFER_SIZE_MAX: usize = 16 << 20;
