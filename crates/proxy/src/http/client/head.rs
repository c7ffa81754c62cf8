//! The head of a response: decided once, rendered once.

use std::io::Write;

use http_wire::{Method, Version};

use super::super::core::Tokens;
use super::super::response::reason;
use super::super::{Request, Template, gzip, headers};
use super::send::Framing;
use super::{Abort, Client};
use crate::net::{Endpoint, clock};

/// What a head takes at the least; most fit into it.
const HEAD_CAPACITY: usize = 1 << 10;

impl Client {
    /// Completes the response's head and keeps it ready to be sent with the first bytes of the body, or by
    /// [`Client::flush`] and [`Client::finish`].
    pub(crate) fn send_head(&mut self, request: &mut Request) {
        if request.response.is_head_sent {
            return;
        }
        request.response.is_head_sent = true;
        if request.error_status != 0 && request.response.status != 101 {
            request.response.status = request.error_status;
            request.response.reason.clear();
        }
        headers::run_once(request);
        if self.sink.muted {
            self.sink.begin(Framing::Nothing);
            return;
        }
        if request.expects_continue.get() || crate::net::quitting() {
            // Nobody knows whether the body comes now, or there will be nobody for the next request.
            request.keeps_alive = false;
        }
        request.response.owes_trailers = headers::owes_trailers(request);
        let framing = framing(request);
        self.sink.begin(framing);
        let level = request.response.gzip_level;
        if level > 0 && framing != Framing::Nothing {
            self.sink.encoder = Some(gzip::encoder(&request.worker, level));
        }
        request.response.is_chunked = framing == Framing::Chunked;
        if request.response.rate.is_none() {
            request.response.rate = rate(request);
        }
        if request.version() == Version::Http09 {
            return;
        }
        absolute_location(request);
        self.sink.out.grow(HEAD_CAPACITY);
        render(request, framing, &mut self.sink.out);
    }

    /// Sends a head of the 1xx kind at once, to clients that know them.
    pub(crate) async fn interim(
        &mut self,
        request: &mut Request,
        status: u16,
        fields: &super::super::Fields,
    ) -> Result<(), Abort> {
        if request.version() < Version::Http11 || self.sink.muted {
            return Ok(());
        }
        let out = &mut self.sink.out;
        out.grow(HEAD_CAPACITY);
        // Writing to a vector does not fail.
        let _ = write!(**out, "HTTP/1.1 {status} {}\r\n", reason(status));
        fields.render(out);
        out.extend_from_slice(b"\r\n");
        self.flush(request).await
    }
}

/// How the body's end will be known; also whether the connection may go on.
fn framing(request: &mut Request) -> Framing {
    let response = &mut request.response;
    let bodiless = match response.status {
        204 | 304 => {
            response.content_type.clear();
            if response.status == 204 {
                response.content_length = None;
            }
            true
        }
        101 => return Framing::UntilClose,
        _ => request.head.method() == Method::Head,
    };
    if bodiless {
        return Framing::Nothing;
    }
    let chunks = request.head.version() == Version::Http11 && request.location.core.chunked;
    if response.owes_trailers && chunks {
        response.content_length = None;
    }
    if let Some(len) = response.content_length {
        return Framing::Length(len);
    }
    if chunks {
        return Framing::Chunked;
    }
    request.keeps_alive = false;
    Framing::UntilClose
}

fn rate(request: &Request) -> Option<(u64, u64)> {
    let value = |template: &Option<Template>| {
        let text = template.as_ref()?.to_bytes(request);
        let size = nginx_conf::value::size(std::str::from_utf8(&text).ok()?)?;
        u64::try_from(size).ok()
    };
    let core = &request.location.core;
    let rate = value(&core.limit_rate)?;
    Some((rate, value(&core.limit_rate_after).unwrap_or(0)))
}

fn render(request: &Request, framing: Framing, out: &mut Vec<u8>) {
    let response = &request.response;
    status_line(response.status, &response.reason, out);
    if !response.fields.has(b"server") {
        out.extend_from_slice(match request.location.core.tokens {
            Tokens::On => {
                concat!("Server: mainstay/", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes()
            }
            Tokens::Off => b"Server: mainstay\r\n",
        });
    }
    if !response.fields.has(b"date") {
        field(out, b"Date", |out| {
            clock::text(|text| out.extend_from_slice(text.http_date().as_bytes()));
        });
    }
    if !response.content_type.is_empty() {
        field(out, b"Content-Type", |out| {
            out.extend_from_slice(&response.content_type);
        });
    }
    if let Some(len) = response.content_length {
        field(out, b"Content-Length", |out| {
            let _ = write!(out, "{len}");
        });
    }
    if let Some(time) = response.last_modified {
        field(out, b"Last-Modified", |out| {
            http_wire::date::write_date(u64::try_from(time).unwrap_or(0), out);
        });
    }
    if !response.location.is_empty() {
        field(out, b"Location", |out| {
            location(&response.location, out);
        });
    }
    if framing == Framing::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    connection(request, out);
    response.fields.render(out);
    out.extend_from_slice(b"\r\n");
}

fn connection(request: &Request, out: &mut Vec<u8>) {
    if request.response.status == 101 {
        out.extend_from_slice(b"Connection: upgrade\r\n");
    } else if request.keeps_alive {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
        if let Some(time) = request.location.core.keepalive_header {
            let _ = write!(out, "Keep-Alive: timeout={}\r\n", time.as_secs());
        }
    } else {
        out.extend_from_slice(b"Connection: close\r\n");
    }
}

fn status_line(status: u16, given: &[u8], out: &mut Vec<u8>) {
    if status == 200 && given.is_empty() {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    let _ = write!(out, "HTTP/1.1 {status}");
    let usual = reason(status).as_bytes();
    out.push(b' ');
    out.extend_from_slice(if given.is_empty() { usual } else { given });
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    value(out);
    out.extend_from_slice(b"\r\n");
}

/// Appends a URI that variables may have gone into as the client sent them, decoded: what would end the field is escaped.
fn location(uri: &[u8], out: &mut Vec<u8>) {
    for byte in uri {
        match byte {
            b'\r' => out.extend_from_slice(b"%0D"),
            b'\n' => out.extend_from_slice(b"%0A"),
            0 => out.extend_from_slice(b"%00"),
            _ => out.push(*byte),
        }
    }
}

/// Puts scheme and host in front of a path in `Location`, where the configuration wants that.
fn absolute_location(request: &mut Request) {
    let core = &request.location.core;
    if request.response.location.first() != Some(&b'/') || !core.absolute_redirect {
        return;
    }
    let is_tls = request.connection.is_tls();
    let mut location: Vec<u8> = if is_tls { &b"https://"[..] } else { b"http://" }.to_vec();
    let local = request.connection.local();
    if core.server_name_in_redirect && !request.server.name.is_empty() {
        location.extend_from_slice(request.server.name.as_bytes());
    } else if !request.host.is_empty() {
        location.extend_from_slice(&request.host);
    } else if let Endpoint::Ip(address) = local {
        // An IPv6 address stands in brackets, as it does with a port.
        match address.ip() {
            std::net::IpAddr::V4(ip) => drop(write!(location, "{ip}")),
            std::net::IpAddr::V6(ip) => drop(write!(location, "[{ip}]")),
        }
    }
    let usual = if is_tls { 443 } else { 80 };
    if core.port_in_redirect
        && let Endpoint::Ip(address) = local
        && address.port() != usual
    {
        let _ = write!(location, ":{}", address.port());
    }
    location.extend_from_slice(&request.response.location);
    request.response.location = location;
}
