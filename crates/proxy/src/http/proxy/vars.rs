//! `$upstream_…` and `$proxy_…`.

use std::io::Write;

use http_wire::FieldName;

use super::super::Request;
use super::super::var::Builtin;
use super::record::Try;

const fn var(name: &'static str, get: fn(&Request, &mut Vec<u8>) -> bool) -> Builtin {
    Builtin { name, get }
}

/// A value for each server that was asked, as nginx puts them together: `, ` between servers of a group, ` : ` between groups.
fn each(request: &Request, out: &mut Vec<u8>, show: impl Fn(&Try, &mut Vec<u8>)) -> bool {
    let tries = &request.upstream.tries;
    for (index, one) in tries.iter().enumerate() {
        if index > 0 {
            let between: &[u8] = if one.begins_anew { b" : " } else { b", " };
            out.extend_from_slice(between);
        }
        show(one, out);
    }
    !tries.is_empty()
}

fn time(ms: Option<u64>, out: &mut Vec<u8>) {
    match ms {
        None => out.push(b'-'),
        // Writing to a vector does not fail.
        Some(ms) => drop(write!(out, "{}.{:03}", ms / 1000, ms % 1000)),
    }
}

fn number(number: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "{number}");
}

fn text(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(bytes);
    !bytes.is_empty()
}

/// The table.
pub(crate) static VARS: &[Builtin] = &[
    var("upstream_addr", |r, out| {
        each(r, out, |one, out| {
            out.extend_from_slice(one.address.as_bytes())
        })
    }),
    var("upstream_status", |r, out| {
        each(r, out, |one, out| match one.status {
            0 => out.push(b'-'),
            status => number(status.into(), out),
        })
    }),
    var("upstream_connect_time", |r, out| {
        each(r, out, |one, out| time(one.connect_ms, out))
    }),
    var("upstream_header_time", |r, out| {
        each(r, out, |one, out| time(one.header_ms, out))
    }),
    var("upstream_response_time", |r, out| {
        each(r, out, |one, out| time(one.response_ms, out))
    }),
    var("upstream_response_length", |r, out| {
        each(r, out, |one, out| number(one.body, out))
    }),
    var("upstream_bytes_received", |r, out| {
        each(r, out, |one, out| number(one.received, out))
    }),
    var("upstream_bytes_sent", |r, out| {
        each(r, out, |one, out| number(one.sent, out))
    }),
    var("proxy_host", |r, out| text(&r.upstream.host, out)),
    var("proxy_port", |r, out| text(&r.upstream.port, out)),
    var("proxy_add_x_forwarded_for", |r, out| {
        for (_, value) in r
            .fields()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"X-Forwarded-For"))
        {
            out.extend_from_slice(value);
            out.extend_from_slice(b", ");
        }
        let _ = match &r.client {
            crate::net::Endpoint::Ip(address) => write!(out, "{}", address.ip()),
            crate::net::Endpoint::Unix(_) => out.write_all(b"unix:"),
        };
        true
    }),
];

/// `$upstream_http_NAME`: the fields of the last answer, joined.
pub(crate) fn field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let record = &request.upstream;
    let mut found = false;
    for field in record.head.fields().as_slice() {
        if field
            .name
            .of(&record.buf)
            .eq_ignore_ascii_case(name.as_bytes())
        {
            if std::mem::replace(&mut found, true) {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(field.value.of(&record.buf));
        }
    }
    found
}

/// `$upstream_trailer_NAME`
pub(crate) fn trailer(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let value = request.upstream.trailers.find(name.as_bytes());
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

/// `$upstream_cookie_NAME`: what the last answer sets.
pub(crate) fn cookie(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let record = &request.upstream;
    let name = name.as_bytes();
    let cookies = record.head.fields().find_all(FieldName::SetCookie);
    for cookie in cookies {
        let value = cookie.value.of(&record.buf);
        let pair = value.split(|byte| *byte == b';').next().unwrap_or_default();
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        if trim(&pair[..at]).eq_ignore_ascii_case(name) {
            out.extend_from_slice(trim(&pair[at + 1..]));
            return true;
        }
    }
    false
}

/// Without blanks at either end; a tab belongs to the text, as nginx has it.
fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| *byte != b' ';
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text.iter().rposition(is_text).map_or(start, |at| at + 1);
    &text[start..end]
}
