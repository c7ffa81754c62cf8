//! The table of proxying.

use balancer::retry::Conditions;
use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::super::config::Handler;
use super::super::{Server, StreamCx, Template};
use super::conf::Bind;
use super::target;
use crate::conf::contexts::{STREAM_SERVER, STREAMS};
use crate::conf::{Apply, Done, Row, flag, number, size, time, word};

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
            let pass = target::read(directive, cx)?;
            handle(server, Handler::Proxy(pass.into()))
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
            server.proxy.rules.on = match flag(directive)? {
                true => Conditions::DEFAULT,
                false => Conditions::OFF,
            };
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream_tries",
        COUNT,
        "0",
        "How many servers are tried; 0 for all.",
        |server, directive, _| {
            server.proxy.rules.tries =
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
            let time = time(word(directive, 0)?)?;
            server.proxy.rules.timeout = Some(time).filter(|time| !time.is_zero());
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
        "proxy_requests",
        COUNT,
        "0",
        "Datagrams of a client after which its next one begins a new session; 0 for no end.",
        |server, directive, _| {
            server.proxy.requests = number(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_responses",
        COUNT,
        "",
        "How many datagrams answer one of a client's: the session ends when they are there. Without it, it ends when nothing has passed for `proxy_timeout`.",
        |server, directive, _| {
            server.proxy.responses = Some(number(word(directive, 0)?)?);
            Ok(())
        },
    ),
    row(
        "proxy_upload_rate",
        SIZE,
        "0",
        "Bytes per second that are read from the client; 0 for no limit. May hold variables.",
        |server, directive, cx| {
            server.proxy.upload_rate = rate(directive, cx)?;
            Ok(())
        },
    ),
    row(
        "proxy_download_rate",
        SIZE,
        "0",
        "Bytes per second that are read from the upstream; 0 for no limit. May hold variables.",
        |server, directive, cx| {
            server.proxy.download_rate = rate(directive, cx)?;
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
    row(
        "proxy_socket_rcvbuf",
        SIZE,
        "",
        "The system's receive buffer of connections to upstreams.",
        |server, directive, _| {
            let bytes = usize::try_from(size(word(directive, 0)?)?);
            server.proxy.rcvbuf = Some(bytes.map_err(|_| "the size is too large".to_owned())?);
            Ok(())
        },
    ),
    row(
        "proxy_bind",
        &[
            Param::required("address", Kind::Text),
            Param {
                name: "transparent",
                kind: Kind::Text,
                presence: Presence::Optional,
            },
        ],
        "",
        "Our address on connections to upstreams, which may hold variables, or `off`; with `transparent` it may be a foreign one.",
        bind,
    ),
];

/// More than a relay can use, and little enough that one directive cannot take the memory.
const BUFFER_SIZE_MAX: usize = 16 << 20;

/// A server has one handler.
pub(crate) fn handle(server: &mut Server, handler: Handler) -> Done {
    if server.handler.is_some() {
        return Err("is duplicate: the server has an answer already".to_owned());
    }
    server.handler = Some(handler);
    Ok(())
}

fn rate(directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Result<Template, String> {
    let word = directive.args.first().ok_or("expected a rate")?;
    let template = cx.template(word)?;
    if template.as_literal().is_some() {
        size(&word.text)?;
    }
    Ok(template)
}

fn bind(server: &mut Server, directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Done {
    if word(directive, 0)? == "off" {
        server.proxy.bind = None;
        return Ok(());
    }
    let is_transparent = match directive.args.get(1).map(|word| word.text.as_str()) {
        None => false,
        Some("transparent") => true,
        Some(other) => return Err(format!("invalid parameter \"{other}\"")),
    };
    let address = cx.template(&directive.args[0])?;
    if let Some(text) = address.as_literal()
        && Bind::parse(text).is_none()
    {
        return Err(format!("invalid address \"{}\"", directive.args[0].text));
    }
    server.proxy.bind = Some(Bind {
        address,
        is_transparent,
    });
    Ok(())
}
