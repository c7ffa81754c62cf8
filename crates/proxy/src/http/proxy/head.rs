//! The head of the request that a server gets, prepared as far as it can be when the configuration is read.

use std::io::Write;

use http_wire::hop;

use super::super::{Request, Template};
use super::conf::Conf;
use super::names::Names;
use super::pass::Place;
use super::uri;

/// The head of all requests of a location.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// `None` for the target's own host.
    host: Option<Template>,
    fields: Vec<(Box<[u8]>, Value)>,
    /// The client's fields that are not passed on.
    replaced: Names,
    passes_headers: bool,
    is_http11: bool,
}

/// The value of a field.
#[derive(Debug)]
enum Value {
    Text(Template),
    /// The length of the body, where it is known.
    Length,
    /// `chunked`, where it is not.
    Chunked,
}

/// What nginx sets where `proxy_set_header` does not: nothing, which keeps the client's field away, or what frames the body.
const DEFAULTS: [&str; 8] = [
    "Connection",
    "Proxy-Connection",
    "Content-Length",
    "Transfer-Encoding",
    "TE",
    "Keep-Alive",
    "Expect",
    "Upgrade",
];

/// How the body of the request is framed on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none, and nothing said that there is.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

impl Head {
    /// Of a location's values.
    pub(crate) fn new(conf: &Conf) -> Self {
        let mut head = Self {
            passes_headers: conf.passes_headers,
            is_http11: conf.is_http11,
            ..Self::default()
        };
        head.replaced.add(b"Host");
        for (name, value) in conf.set_headers.iter() {
            head.replaced.add(name.as_bytes());
            if name.eq_ignore_ascii_case("Host") {
                head.host = Some(value.clone());
            } else if value.as_literal() != Some(b"") {
                head.push(name, Value::Text(value.clone()));
            }
        }
        for name in DEFAULTS {
            if head.replaced.has(name.as_bytes()) {
                continue;
            }
            head.replaced.add(name.as_bytes());
            match name {
                "Content-Length" => head.push(name, Value::Length),
                "Transfer-Encoding" => head.push(name, Value::Chunked),
                _ => {}
            }
        }
        head
    }

    fn push(&mut self, name: &str, value: Value) {
        self.fields.push((name.as_bytes().into(), value));
    }

    /// Appends the whole head. `method` is that of the server's request; gives back where in `out` the URI is.
    pub(crate) fn write(
        &self,
        request: &Request,
        method: &[u8],
        place: &Place,
        (is_whole, prefix): (bool, &[u8]),
        body: Body,
        out: &mut Vec<u8>,
    ) -> std::ops::Range<usize> {
        out.extend_from_slice(method);
        out.push(b' ');
        let start = out.len();
        uri::append(request, &place.uri, is_whole, prefix, out);
        let line = start..out.len();
        out.extend_from_slice(if self.is_http11 {
            b" HTTP/1.1\r\n"
        } else {
            b" HTTP/1.0\r\n"
        });
        self.write_host(request, place, out);
        for (name, value) in &self.fields {
            field(name, out, |out| match value {
                Value::Text(template) => template.render(request, out),
                Value::Length => {
                    if let Body::Length(len) = body {
                        // Writing to a vector does not fail.
                        let _ = write!(out, "{len}");
                    }
                }
                Value::Chunked => {
                    if body == Body::Chunked {
                        out.extend_from_slice(b"chunked");
                    }
                }
            });
        }
        if self.passes_headers {
            self.pass_headers(request, out);
        }
        out.extend_from_slice(b"\r\n");
        line
    }

    fn write_host(&self, request: &Request, place: &Place, out: &mut Vec<u8>) {
        let before = out.len();
        if let Some(host) = &self.host {
            field(b"Host", out, |out| host.render(request, out));
            // HTTP/1.1 must have one.
            if out.len() > before || !self.is_http11 {
                return;
            }
        }
        field(b"Host", out, |out| out.extend_from_slice(&place.host));
    }

    fn pass_headers(&self, request: &Request, out: &mut Vec<u8>) {
        let (fields, buf) = (request.head.fields(), &request.buf);
        let listed = hop::lists_fields(fields, buf);
        for field in fields.as_slice() {
            if self.replaced.has_field(field, buf)
                || hop::is_hop_by_hop(field.id)
                || (listed && hop::is_listed(fields, buf, field))
            {
                continue;
            }
            out.extend_from_slice(field.name.of(buf));
            out.extend_from_slice(b": ");
            out.extend_from_slice(field.value.of(buf));
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends a field, unless its value turns out empty. Bytes that would end the line become blanks.
fn field(name: &[u8], out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    let before = out.len();
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let start = out.len();
    value(out);
    if out.len() == start {
        return out.truncate(before);
    }
    for byte in &mut out[start..] {
        if matches!(*byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}
