//! Connections to servers: how long things may take, and when another server is tried.

use std::time::Duration;

use balancer::retry::Conditions;

use super::super::conf::Bind;
use super::{COUNT, FLAG, SIZE, TIME, optional, repeated, row};
use crate::conf::{Row, flag, number, size, time, word};
use nginx_conf::{Kind, Param};

/// The table.
pub(super) const ROWS: &[Row] = &[
    row(
        "proxy_connect_timeout",
        TIME,
        "60s",
        "How long a connection to a server may take.",
        |location, directive, _| {
            location.proxy.connect_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_send_timeout",
        TIME,
        "60s",
        "How long a server may take none of the request.",
        |location, directive, _| {
            location.proxy.send_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_read_timeout",
        TIME,
        "60s",
        "How long a server may send nothing of its answer.",
        |location, directive, _| {
            location.proxy.read_timeout = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_ignore_client_abort",
        FLAG,
        "off",
        "Whether a server is left to answer when the client has gone.",
        |location, directive, _| {
            location.proxy.ignores_client_abort = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream",
        &[repeated("condition")],
        "error timeout",
        "What another server is tried after: error, timeout, invalid_header, http_500, http_502, http_503, http_504, http_403, http_404, http_429, non_idempotent (which lets POST, LOCK and PATCH be sent again), off.",
        |location, directive, _| {
            let mut on = Conditions::NONE;
            for word in &directive.args {
                // It is of caches, which there are none of.
                if word.text == "updating" {
                    continue;
                }
                let condition = Conditions::parse(&word.text);
                on = on | condition.ok_or_else(|| format!("invalid value \"{}\"", word.text))?;
            }
            location.proxy.rules.on = on;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream_tries",
        COUNT,
        "0",
        "How many servers are tried at most; 0 for as many as there are.",
        |location, directive, _| {
            let text = word(directive, 0)?;
            let tries = u32::try_from(number(text)?);
            location.proxy.rules.tries = tries.map_err(|_| format!("invalid number \"{text}\""))?;
            Ok(())
        },
    ),
    row(
        "proxy_next_upstream_timeout",
        TIME,
        "0",
        "For how long another server is tried; 0 for no end.",
        |location, directive, _| {
            let limit = time(word(directive, 0)?)?;
            location.proxy.rules.timeout = (limit > Duration::ZERO).then_some(limit);
            Ok(())
        },
    ),
    row(
        "proxy_bind",
        &[
            Param::required("address", Kind::Text),
            optional("transparent"),
        ],
        "",
        "Our address on connections to servers, which may have variables, or `off`; with `transparent` it may be a foreign one.",
        |location, directive, cx| {
            if word(directive, 0)? == "off" {
                location.proxy.bind = None;
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
            location.proxy.bind = Some(Bind {
                address,
                is_transparent,
            });
            Ok(())
        },
    ),
    row(
        "proxy_socket_keepalive",
        FLAG,
        "off",
        "Whether the system probes idle connections to servers.",
        |location, directive, _| {
            location.proxy.socket_keepalive = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_socket_rcvbuf",
        SIZE,
        "",
        "The system's receive buffer of connections to servers.",
        |location, directive, _| {
            let text = word(directive, 0)?;
            let bytes = usize::try_from(size(text)?);
            location.proxy.rcvbuf = Some(bytes.map_err(|_| format!("invalid size \"{text}\""))?);
            Ok(())
        },
    ),
];
