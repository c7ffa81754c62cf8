//! The head and the body of the request that a server gets, and which of its fields the client gets.

use nginx_conf::{Kind, Param};

use super::super::conf::Ignore;
use super::{FLAG, NAME, TEXT, list, repeated, row};
use crate::conf::{Row, flag, word};

const FIELD: &[Param] = &[
    Param::required("field", Kind::Text),
    Param::required("value", Kind::Text),
];

/// The table.
pub(super) const ROWS: &[Row] = &[
    row(
        "proxy_http_version",
        TEXT,
        "1.1",
        "The version of HTTP that is spoken with servers: 1.0 or 1.1.",
        |location, directive, _| {
            location.proxy.is_http11 = match word(directive, 0)? {
                "1.0" => false,
                "1.1" => true,
                "2" => return Err("HTTP/2 to servers is not supported yet".to_owned()),
                other => return Err(format!("invalid value \"{other}\"")),
            };
            Ok(())
        },
    ),
    row(
        "proxy_method",
        TEXT,
        "",
        "The method of the server's request, instead of the client's.",
        |location, directive, cx| {
            word(directive, 0)?;
            location.proxy.method = Some(cx.template(&directive.args[0])?);
            Ok(())
        },
    ),
    list(
        "proxy_set_header",
        FIELD,
        "A field of the server's request; an empty value keeps the client's field away. Inherited only where a level has none of its own.",
        |location, directive, cx| {
            let name = word(directive, 0)?.into();
            word(directive, 1)?;
            let value = cx.template(&directive.args[1])?;
            let level = cx.cx.level();
            location.proxy.set_headers.add(level, (name, value));
            Ok(())
        },
    ),
    row(
        "proxy_set_body",
        TEXT,
        "",
        "The body of the server's request, instead of the client's.",
        |location, directive, cx| {
            word(directive, 0)?;
            location.proxy.set_body = Some(cx.template(&directive.args[0])?);
            Ok(())
        },
    ),
    row(
        "proxy_pass_request_headers",
        FLAG,
        "on",
        "Whether the client's fields are passed on.",
        |location, directive, _| {
            location.proxy.passes_headers = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_pass_request_body",
        FLAG,
        "on",
        "Whether the client's body is passed on.",
        |location, directive, _| {
            location.proxy.passes_body = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_pass_trailers",
        FLAG,
        "off",
        "Whether fields behind a chunked body of a server are passed on.",
        |location, directive, _| {
            location.proxy.passes_trailers = flag(directive)?;
            Ok(())
        },
    ),
    list(
        "proxy_hide_header",
        NAME,
        "A field of servers that the client does not get, besides Date, Server, X-Pad and X-Accel-….",
        |location, directive, cx| {
            let name = word(directive, 0)?.into();
            location.proxy.hide.add(cx.cx.level(), name);
            Ok(())
        },
    ),
    list(
        "proxy_pass_header",
        NAME,
        "A field that would be hidden and that the client gets.",
        |location, directive, cx| {
            let name = word(directive, 0)?.into();
            location.proxy.pass.add(cx.cx.level(), name);
            Ok(())
        },
    ),
    row(
        "proxy_ignore_headers",
        &[repeated("field")],
        "",
        "Fields of servers that do nothing here: X-Accel-Redirect, X-Accel-Limit-Rate, X-Accel-Buffering, X-Accel-Charset. Those about caching do nothing anyway.",
        |location, directive, _| {
            let mut ignore = Ignore::default();
            for word in &directive.args {
                let text = word.text.as_str();
                let is = |name: &str| text.eq_ignore_ascii_case(name);
                let caching = [
                    "X-Accel-Expires",
                    "Expires",
                    "Cache-Control",
                    "Set-Cookie",
                    "Vary",
                ];
                match () {
                    () if is("X-Accel-Redirect") => ignore.redirect = true,
                    () if is("X-Accel-Limit-Rate") => ignore.limit_rate = true,
                    () if is("X-Accel-Buffering") => ignore.buffering = true,
                    () if is("X-Accel-Charset") => ignore.charset = true,
                    () if caching.into_iter().any(is) => {}
                    () => return Err(format!("invalid value \"{text}\"")),
                }
            }
            location.proxy.ignore = ignore;
            Ok(())
        },
    ),
    row(
        "proxy_intercept_errors",
        FLAG,
        "off",
        "Whether `error_page` holds for statuses from 300 on that servers answer with.",
        |location, directive, _| {
            location.proxy.intercepts_errors = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_force_ranges",
        FLAG,
        "off",
        "Whether parts of an answer may be asked for though the server does not say so.",
        |location, directive, _| {
            location.proxy.forces_ranges = flag(directive)?;
            Ok(())
        },
    ),
];
