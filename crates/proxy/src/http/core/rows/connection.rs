//! The connection to a client: how long it is kept and how it is closed.

use nginx_conf::{Kind, Param, Presence};

use super::{FLAG, NUMBER, TIME, location, optional, put, seconds, span};
use crate::conf::{Row, flag, number, time, word};
use crate::http::core::Lingering;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    location(
        "send_timeout",
        TIME,
        "60s",
        "How long a client may take nothing of a response; then the connection is closed.",
        |location, directive, _| put(&mut location.core.send_timeout, span(directive)),
    ),
    location(
        "keepalive_timeout",
        &[
            Param::required("time", seconds()),
            optional("header_time", seconds()),
        ],
        "75s",
        "How long an idle connection is kept; 0 closes after each response. The second time is told to clients as `Keep-Alive: timeout=`.",
        |location, directive, _| {
            let header = directive.args.get(1).map(|word| time(&word.text));
            location.core.keepalive_header = header.transpose()?;
            put(&mut location.core.keepalive_timeout, span(directive))
        },
    ),
    location(
        "keepalive_requests",
        NUMBER,
        "1000",
        "How many requests one connection may make.",
        |location, directive, _| {
            put(
                &mut location.core.keepalive_requests,
                number(word(directive, 0)?),
            )
        },
    ),
    location(
        "keepalive_time",
        TIME,
        "1h",
        "How old a connection may become.",
        |location, directive, _| put(&mut location.core.keepalive_time, span(directive)),
    ),
    location(
        "keepalive_disable",
        &[Param {
            name: "browser",
            kind: Kind::Choice(&["none", "msie6", "safari"]),
            presence: Presence::Repeated,
        }],
        "msie6",
        "Clients whose connection is closed after each response.",
        |location, directive, _| {
            let has = |name| directive.args.iter().any(|word| word.text == name);
            location.core.keepalive_disable_msie6 = has("msie6");
            location.core.keepalive_disable_safari = has("safari");
            Ok(())
        },
    ),
    location(
        "lingering_close",
        &[Param::required(
            "mode",
            Kind::Choice(&["off", "on", "always"]),
        )],
        "on",
        "Whether what a client still sends is read before its connection is closed, so that it sees the response.",
        |location, directive, _| {
            location.core.lingering = match word(directive, 0)? {
                "off" => Lingering::Off,
                "always" => Lingering::Always,
                _ => Lingering::On,
            };
            Ok(())
        },
    ),
    location(
        "lingering_time",
        TIME,
        "30s",
        "How long it is read at most.",
        |location, directive, _| put(&mut location.core.lingering_time, span(directive)),
    ),
    location(
        "lingering_timeout",
        TIME,
        "5s",
        "How long the next bytes are waited for meanwhile.",
        |location, directive, _| put(&mut location.core.lingering_timeout, span(directive)),
    ),
    location(
        "reset_timedout_connection",
        FLAG,
        "off",
        "Connections that time out, and those closed by 444, are reset.",
        |location, directive, _| put(&mut location.core.reset_timedout, flag(directive)),
    ),
    location(
        "tcp_nodelay",
        FLAG,
        "on",
        "Whether small writes are sent at once; of a connection, what the default server of its address says counts.",
        |location, directive, _| put(&mut location.core.nodelay, flag(directive)),
    ),
];
