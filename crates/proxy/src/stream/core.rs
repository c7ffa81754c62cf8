//! What holds for every session: access, addresses of trusted proxies, time-outs, errors, the look at the first bytes.

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{Server, StreamCx};
use crate::access::{PARAMS, Rule};
use crate::conf::contexts::STREAMS;
use crate::conf::{Apply, Done, Row, error_log, flag, size, time, word};
use crate::trusted::Source;
use crate::upstream::rows;

const TIME: &[Param] = &[Param::required("time", Kind::Text)];
const SIZE: &[Param] = &[Param::required("size", Kind::Text)];
const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const LOG: &[Param] = &[
    Param::required("file", Kind::Text),
    Param {
        name: "level",
        kind: Kind::Text,
        presence: Presence::Optional,
    },
];
const PROTOCOLS: &[Param] = &[Param {
    name: "protocol",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];

type Set = fn(&mut Server, &Directive, &mut StreamCx<'_, '_>) -> Done;

const fn row(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    apply: Set,
) -> Row {
    let spec = Spec::new(name, STREAMS, params, help).default(default);
    Row::new(spec, Apply::StreamServer(apply))
}

const fn list(name: &'static str, params: &'static [Param], help: &'static str, apply: Set) -> Row {
    let spec = Spec::new(name, STREAMS, params, help).repeatable();
    Row::new(spec, Apply::StreamServer(apply))
}

/// More than the longest hello, and little enough that one directive cannot take the memory.
const PREREAD_SIZE_MAX: usize = 1 << 20;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    list(
        "allow",
        PARAMS,
        "Lets an address or network in. The first of `allow` and `deny` that fits decides.",
        |server, directive, cx| rule(server, directive, cx, true),
    ),
    list(
        "deny",
        PARAMS,
        "Keeps an address or network out: its sessions are closed.",
        |server, directive, cx| rule(server, directive, cx, false),
    ),
    list(
        "set_real_ip_from",
        &[Param::required("address|network|unix:", Kind::Text)],
        "Whose PROXY header is believed: from there, `$remote_addr` is the address that the header says.",
        real_ip,
    ),
    list(
        "error_log",
        LOG,
        "Where errors of sessions go: a file or `stderr`, and the slightest that are written.",
        errors,
    ),
    row(
        "resolver",
        rows::ADDRESSES,
        "",
        "The name servers that are asked for names in `proxy_pass` with variables; `valid=` replaces their times, `ipv4=off` and `ipv6=off` leave a kind of address out.",
        |server, directive, _| server.resolver.set(directive),
    ),
    row(
        "resolver_timeout",
        TIME,
        "30s",
        "How long a name may take.",
        |server, directive, _| server.resolver.set_timeout(directive),
    ),
    row(
        "proxy_protocol_timeout",
        TIME,
        "30s",
        "How long a client may take to send a PROXY header.",
        |server, directive, _| {
            server.header_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "ssl_handshake_timeout",
        TIME,
        "60s",
        "How long a handshake of TLS may take.",
        |server, directive, _| {
            server.handshake_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "ssl_alpn",
        PROTOCOLS,
        "",
        "The application protocols that clients may choose from, the best one first; a client that names others only is refused.",
        |server, directive, _| {
            server.ssl.alpn = super::proxy::protocols(directive)?;
            Ok(())
        },
    ),
    row(
        "tcp_nodelay",
        FLAG,
        "on",
        "Whether small pieces are sent at once.",
        |server, directive, _| {
            server.nodelay = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "ssl_preread",
        FLAG,
        "off",
        "Whether the first bytes of a client are looked at for the name and the protocols that it asks for in TLS, without ending TLS. They choose the server, too.",
        |server, directive, _| {
            server.preread = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "preread_buffer_size",
        SIZE,
        "16k",
        "How many first bytes are looked at.",
        |server, directive, _| {
            server.preread_size = usize::try_from(size(word(directive, 0)?)?)
                .ok()
                .filter(|size| *size > 0 && *size <= PREREAD_SIZE_MAX)
                .ok_or_else(|| format!("expected 1 to {PREREAD_SIZE_MAX} bytes"))?;
            Ok(())
        },
    ),
    row(
        "preread_timeout",
        TIME,
        "30s",
        "How long a client may take to send them.",
        |server, directive, _| {
            server.preread_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
];

fn rule(
    server: &mut Server,
    directive: &Directive,
    cx: &mut StreamCx<'_, '_>,
    allows: bool,
) -> Done {
    let rule = Rule::read(directive, allows)?;
    server.access.add(cx.cx.level(), rule);
    Ok(())
}

fn real_ip(server: &mut Server, directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    for source in Source::read(word(directive, 0)?)? {
        server.real_ip_from.add(level, source);
    }
    Ok(())
}

fn errors(server: &mut Server, directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Done {
    let log = error_log::read(directive, cx.cx)?;
    let level = cx.cx.level();
    let before = if server.errors_level == level {
        std::mem::take(&mut server.errors)
    } else {
        crate::log::Errors::default()
    };
    server.errors_level = level;
    server.errors = before.with(log.level, cx.cx.logs.file(log.target));
    Ok(())
}
