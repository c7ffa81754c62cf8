//! The request line (RFC 9112 3).

use memchr::memchr;

use crate::error::BadRequest;
use crate::lines::LineAt;
use crate::method::{Method, Version};
use crate::span::Span;

/// The parts of a request line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLine {
    pub(crate) whole: Span,
    pub(crate) method: Method,
    pub(crate) method_name: Span,
    pub(crate) target: Span,
    pub(crate) scheme: Option<Span>,
    pub(crate) host: Option<Span>,
    pub(crate) path: Span,
    pub(crate) protocol: Span,
    pub(crate) version: Version,
}

/// Whether the start of a line that is not complete can become a request line: a client that speaks another protocol
/// is told so at once, not when its time is up.
pub(crate) fn check_start(start: &[u8]) -> Result<(), BadRequest> {
    let method = &start[..memchr(b' ', start).unwrap_or(start.len())];
    if method.iter().all(|byte| is_method_byte(*byte)) && start.first() != Some(&b' ') {
        Ok(())
    } else {
        Err(BadRequest::Method)
    }
}

/// Parses a line whose start [`check_start`] has passed.
pub(crate) fn parse(buf: &[u8], line: LineAt) -> Result<RequestLine, BadRequest> {
    let bytes = &buf[..line.end];
    let method_end = until_space(bytes, line.start);
    if method_end == bytes.len() {
        return Err(BadRequest::Method);
    }
    let name = &bytes[line.start..method_end];
    let target_start = skip_spaces(bytes, method_end);
    let target_end = until_space(bytes, target_start);
    let target = &bytes[target_start..target_end];
    if target.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Err(BadRequest::Line);
    }
    let mut out = RequestLine {
        whole: Span::new(line.start, line.end),
        method: Method::from_bytes(name),
        method_name: Span::new(line.start, method_end),
        target: Span::new(target_start, target_end),
        ..RequestLine::default()
    };
    let protocol_start = skip_spaces(bytes, target_end);
    out.protocol = Span::new(protocol_start, until_space(bytes, protocol_start));
    out.version = parse_version(&bytes[protocol_start..])?;
    if out.version == Version::Http09 && out.method != Method::Get {
        return Err(BadRequest::Http09Method);
    }
    if out.method == Method::Connect {
        // The path that nginx shows for a tunnel is `/`; the one of `HTTP/` is at hand.
        let slash = protocol_start + b"HTTP".len();
        out.path = Span::new(slash, slash + 1);
        let (host, rest) = split_host(target).ok_or(BadRequest::Line)?;
        let has_port = target[..host].last() != Some(&b':') && has_port(&target[..host]);
        if rest < target.len() || !has_port {
            return Err(BadRequest::Line);
        }
        out.host = Some(Span::new(target_start, target_start + host));
    } else if target.first() == Some(&b'/') {
        out.path = out.target;
    } else {
        parse_absolute(bytes, target_start, target_end, &mut out)?;
    }
    Ok(out)
}

/// `scheme://host[:port][/path][?query]`.
fn parse_absolute(
    bytes: &[u8],
    start: usize,
    end: usize,
    out: &mut RequestLine,
) -> Result<(), BadRequest> {
    let target = &bytes[start..end];
    let colon = memchr(b':', target).ok_or(BadRequest::Line)?;
    let scheme = &target[..colon];
    let is_scheme_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let starts_well = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    let after = target.get(colon..colon + 3);
    if !starts_well || !scheme.iter().all(is_scheme_byte) || after != Some(b"://") {
        return Err(BadRequest::Line);
    }
    let authority = colon + 3;
    let (host_len, _) = split_host(&target[authority..]).ok_or(BadRequest::Line)?;
    let path = authority + host_len;
    out.scheme = Some(Span::new(start, start + colon));
    out.host = Some(Span::new(start + authority, start + path));
    out.path = match target.get(path) {
        // No path is the path `/`; the first one after the scheme is at hand.
        None => Span::new(start + colon + 1, start + colon + 2),
        Some(b'/' | b'?') => Span::new(start + path, end),
        Some(_) => return Err(BadRequest::Line),
    };
    Ok(())
}

/// How long a `host[:port]` at the start is, and again where what follows it starts; nothing where a literal does not end.
fn split_host(bytes: &[u8]) -> Option<(usize, usize)> {
    let literal = if bytes.first() == Some(&b'[') {
        memchr(b']', bytes)? + 1
    } else {
        0
    };
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let name = if literal > 0 {
        literal
    } else {
        bytes.iter().take_while(|byte| is_host(byte)).count()
    };
    let port = match bytes.get(name) {
        Some(b':') => {
            let digits = bytes[name + 1..].iter();
            1 + digits.take_while(|byte| byte.is_ascii_digit()).count()
        }
        _ => 0,
    };
    Some((name + port, name + port))
}

fn has_port(host: &[u8]) -> bool {
    let digits = host.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    digits > 0 && host.len() > digits && host[host.len() - digits - 1] == b':'
}

/// The version, which a request of HTTP/0.9 has not.
fn parse_version(rest: &[u8]) -> Result<Version, BadRequest> {
    let spaces = rest.iter().rev().take_while(|byte| **byte == b' ');
    let rest = &rest[..rest.len() - spaces.count()];
    if rest.is_empty() {
        return Ok(Version::Http09);
    }
    let digits = rest.strip_prefix(b"HTTP/").ok_or(BadRequest::Line)?;
    match digits.first() {
        Some(b'1') => {}
        Some(b'2'..=b'9') => return Err(BadRequest::Version),
        _ => return Err(BadRequest::Line),
    }
    match digits[1..].split_first() {
        Some((b'.', minor)) => minor_version(minor).ok_or(BadRequest::Line),
        Some((b'0'..=b'9', _)) => Err(BadRequest::Version),
        _ => Err(BadRequest::Line),
    }
}

/// The version 1.x of that x; nothing where it is no number or has more than three digits.
pub(crate) fn minor_version(minor: &[u8]) -> Option<Version> {
    let valid = (1..=3).contains(&minor.len()) && minor.iter().all(u8::is_ascii_digit);
    let zero = minor.iter().all(|digit| *digit == b'0');
    valid.then_some(if zero {
        Version::Http10
    } else {
        Version::Http11
    })
}

const fn is_method_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'_' | b'-')
}

fn until_space(bytes: &[u8], from: usize) -> usize {
    memchr(b' ', &bytes[from..]).map_or(bytes.len(), |at| from + at)
}

fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..]
        .iter()
        .take_while(|byte| **byte == b' ')
        .count()
}
