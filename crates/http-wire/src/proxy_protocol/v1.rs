//! Version 1: one line of text.

use std::net::{IpAddr, SocketAddr};

use super::{BadProxyHeader, Endpoints, ProxyHeader};
use crate::span::Span;

pub(super) const START: &[u8] = b"PROXY ";

/// The longest line with its end: two addresses of IPv6 (section 2.1).
const LINE_LEN_MAX: usize = 107;

pub(super) fn parse(buf: &[u8]) -> Result<Option<ProxyHeader>, BadProxyHeader> {
    let looked_at = &buf[..buf.len().min(LINE_LEN_MAX)];
    let Some(lf) = memchr::memchr(b'\n', looked_at) else {
        return if !may_become_one(looked_at) {
            Err(BadProxyHeader::Broken)
        } else if looked_at.len() == LINE_LEN_MAX {
            Err(BadProxyHeader::TooLarge)
        } else {
            Ok(None)
        };
    };
    let line = buf[..lf].strip_suffix(b"\r");
    let text = line.and_then(|line| line.strip_prefix(START));
    let text = text.ok_or(BadProxyHeader::Broken)?;
    let endpoints = if text == b"UNKNOWN" || text.starts_with(b"UNKNOWN ") {
        None
    } else {
        Some(parse_endpoints(text).ok_or(BadProxyHeader::Broken)?)
    };
    Ok(Some(ProxyHeader {
        len: lf + 1,
        endpoints,
        tlvs: Span::default(),
        is_intact: true,
    }))
}

/// Whether the beginning of a line is one of a header, so that nobody is waited for in vain.
fn may_become_one(start: &[u8]) -> bool {
    const KINDS: [&[u8]; 3] = [b"TCP4 ", b"TCP6 ", b"UNKNOWN"];
    let rest = start.get(START.len()..).unwrap_or_default();
    let fits = |kind: &&[u8]| {
        let len = rest.len().min(kind.len());
        rest[..len] == kind[..len]
    };
    KINDS.iter().any(fits)
}

/// `TCP4 SOURCE DESTINATION PORT PORT`, with one blank between them.
fn parse_endpoints(text: &[u8]) -> Option<Endpoints> {
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let family = words.next()?;
    let source: IpAddr = words.next()?.parse().ok()?;
    let destination: IpAddr = words.next()?.parse().ok()?;
    let source_port = parse_port(words.next()?)?;
    let destination_port = parse_port(words.next()?)?;
    let of_family = |address: &IpAddr| match family {
        "TCP4" => address.is_ipv4(),
        "TCP6" => address.is_ipv6(),
        _ => false,
    };
    let complete = words.next().is_none() && of_family(&source) && of_family(&destination);
    complete.then(|| Endpoints {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// Digits only, which Rust's own parser does not insist on.
fn parse_port(word: &str) -> Option<u16> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok())?
}
