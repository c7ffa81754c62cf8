//! The variables of the core module.

use std::io::Write;

use http_wire::{FieldName, Version};

use super::super::Request;
use super::super::var::Builtin;
use crate::net::{Endpoint, clock};

const fn var(name: &'static str, get: fn(&Request, &mut Vec<u8>) -> bool) -> Builtin {
    Builtin { name, get }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    out.extend_from_slice(bytes);
    true
}

/// Nothing where there is nothing, which is not the same as empty.
fn some(out: &mut Vec<u8>, bytes: Option<&[u8]>) -> bool {
    out.extend_from_slice(bytes.unwrap_or_default());
    bytes.is_some()
}

fn number(out: &mut Vec<u8>, number: u64) -> bool {
    // Writing to a vector does not fail.
    let _ = write!(out, "{number}");
    true
}

/// Seconds with milliseconds.
fn seconds(out: &mut Vec<u8>, ms: u64) -> bool {
    let _ = write!(out, "{}.{:03}", ms / 1000, ms % 1000);
    true
}

pub(crate) fn address(out: &mut Vec<u8>, endpoint: &Endpoint) -> bool {
    let _ = match endpoint {
        Endpoint::Ip(address) => write!(out, "{}", address.ip()),
        Endpoint::Unix(_) => out.write_all(b"unix:"),
    };
    true
}

/// A port that is not known (of an address in a field) is empty.
pub(crate) fn port(out: &mut Vec<u8>, endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Ip(address) if address.port() == 0 => true,
        Endpoint::Ip(address) => number(out, address.port().into()),
        Endpoint::Unix(_) => true,
    }
}

/// The table.
pub(crate) static VARS: &[Builtin] = &[
    var("host", |r, out| match r.host.is_empty() {
        true => put(out, r.server.name.as_bytes()),
        false => put(out, &r.host),
    }),
    var("hostname", |_, out| {
        put(out, crate::names::hostname().as_bytes())
    }),
    var("request_port", |r, out| match r.host_port {
        0 => true,
        port => number(out, port.into()),
    }),
    var("is_request_port", |r, out| {
        put(out, if r.host_port == 0 { b"" } else { b":" })
    }),
    var("remote_addr", |r, out| address(out, &r.client)),
    var("remote_port", |r, out| port(out, &r.client)),
    var("binary_remote_addr", |r, out| match &r.client {
        Endpoint::Ip(address) => match address.ip() {
            std::net::IpAddr::V4(ip) => put(out, &ip.octets()),
            std::net::IpAddr::V6(ip) => put(out, &ip.octets()),
        },
        Endpoint::Unix(_) => put(out, b"unix:"),
    }),
    var("remote_user", |r, out| {
        let known = super::super::auth_basic::credentials(r);
        known.is_some_and(|(name, _)| put(out, &name) && !name.is_empty())
    }),
    var("server_addr", |r, out| match r.connection.local() {
        local @ Endpoint::Ip(_) => address(out, local),
        local @ Endpoint::Unix(_) => put(out, local.to_string().as_bytes()),
    }),
    var("server_port", |r, out| port(out, r.connection.local())),
    var("server_name", |r, out| put(out, r.server.name.as_bytes())),
    var("server_protocol", |r, out| some(out, r.version_name())),
    var("scheme", |r, out| {
        put(
            out,
            if r.connection.is_tls() {
                b"https"
            } else {
                b"http"
            },
        )
    }),
    var("https", |r, out| {
        put(out, if r.connection.is_tls() { b"on" } else { b"" })
    }),
    var("request", |r, out| {
        some(out, Some(r.line()).filter(|l| !l.is_empty()))
    }),
    var("request_uri", |r, out| {
        some(out, Some(r.raw_target()).filter(|uri| !uri.is_empty()))
    }),
    var("uri", |r, out| put(out, &r.uri)),
    var("document_uri", |r, out| put(out, &r.uri)),
    var("args", |r, out| put(out, &r.args)),
    var("query_string", |r, out| put(out, &r.args)),
    var("is_args", |r, out| {
        put(out, if r.args.is_empty() { b"" } else { b"?" })
    }),
    // Of a subrequest it is what the client asked with.
    var("request_method", |r, out| {
        if r.is_subrequest {
            return put(out, r.head.method_name().of(&r.buf));
        }
        some(out, Some(r.method_name()).filter(|name| !name.is_empty()))
    }),
    var("request_length", |r, out| {
        number(out, r.received + r.body.received_raw)
    }),
    var("request_time", |r, out| seconds(out, r.elapsed_ms())),
    var("request_completion", |r, out| {
        put(out, if r.response.is_complete { b"OK" } else { b"" })
    }),
    var("request_id", |r, out| {
        let _ = write!(out, "{:032x}", r.id());
        true
    }),
    var("request_body", |r, out| {
        let body = &r.body;
        some(
            out,
            ((body.is_kept || !body.memory.is_empty()) && body.file.is_none())
                .then_some(&*body.memory),
        )
    }),
    var("request_body_file", |r, out| {
        let path = r.body.file.as_ref().map(|file| file.path());
        some(out, path.map(|path| path.as_os_str().as_encoded_bytes()))
    }),
    var("content_length", |r, out| match r.body.len() {
        Some(len) if !r.body.is_empty() => number(out, len),
        _ => some(out, r.value(FieldName::ContentLength)),
    }),
    var("content_type", |r, out| {
        super::super::lookup::request_field(r, "content-type", out)
    }),
    var("status", |r, out| match r.status() {
        0 if r.version() == Version::Http09 => put(out, b"009"),
        0 => put(out, b"000"),
        status => number(out, status.into()),
    }),
    var("body_bytes_sent", |r, out| {
        number(out, r.response.body_sent)
    }),
    var("bytes_sent", |r, out| number(out, r.response.sent)),
    var("limit_rate", |r, out| {
        number(out, r.response.rate.map_or(0, |(rate, _)| rate))
    }),
    var("connection", |r, out| number(out, r.connection.number)),
    var("connection_requests", |r, out| {
        number(out, r.connection.requests.get())
    }),
    var("connection_time", |r, out| {
        let since = clock::now() - r.connection.started;
        seconds(out, u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }),
    var("pipe", |r, out| {
        put(out, if r.is_pipelined { b"p" } else { b"." })
    }),
    var("pid", |_, out| number(out, std::process::id().into())),
    var("msec", |_, out| {
        seconds(out, u64::try_from(clock::wall().0).unwrap_or(0))
    }),
    var("time_local", |_, out| {
        clock::text(|text| put(out, text.local().as_bytes()))
    }),
    var("time_iso8601", |_, out| {
        clock::text(|text| put(out, text.iso8601().as_bytes()))
    }),
    var("nginx_version", |_, out| {
        put(out, crate::NGINX_VERSION.as_bytes())
    }),
];
