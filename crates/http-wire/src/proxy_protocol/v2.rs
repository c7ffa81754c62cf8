//! Version 2: binary, with TLVs.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::tlv::{check_tlvs, types};
use super::{BadProxyHeader, Endpoints, HEADER_LEN_MAX, ProxyHeader};
use crate::span::Span;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, version and command, family and transport, and the length of the rest.
pub(super) const FIXED_LEN: usize = 16;

/// The address block of unix sockets: two paths of 108 bytes.
const UNIX_LEN: usize = 216;

pub(super) fn parse(buf: &[u8]) -> Result<Option<ProxyHeader>, BadProxyHeader> {
    let Some(version_command) = buf.get(12) else {
        return Ok(None);
    };
    if version_command >> 4 != 2 {
        return Err(BadProxyHeader::Version);
    }
    let local = match version_command & 15 {
        0 => true,
        1 => false,
        _ => return Err(BadProxyHeader::Command),
    };
    let Some(fixed) = buf.get(..FIXED_LEN) else {
        return Ok(None);
    };
    let len = FIXED_LEN + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if len > HEADER_LEN_MAX {
        return Err(BadProxyHeader::TooLarge);
    }
    let Some(header) = buf.get(..len) else {
        return Ok(None);
    };
    // The sender's own connection says nothing about addresses, and what is beside them is to be skipped (section 2.2).
    if local {
        return Ok(Some(ProxyHeader {
            len,
            endpoints: None,
            tlvs: Span::default(),
            is_intact: true,
        }));
    }
    let rest = &header[FIXED_LEN..];
    let family = fixed[13] >> 4;
    let is_stream = fixed[13] & 15 == 1;
    // With an unknown family it is unknown where its TLVs start, too.
    let (endpoints, addresses_len) = match family {
        0 => (None, 0),
        1 => (Some(ipv4(rest).ok_or(BadProxyHeader::Broken)?), 12),
        2 => (Some(ipv6(rest).ok_or(BadProxyHeader::Broken)?), 36),
        3 if rest.len() >= UNIX_LEN => (None, UNIX_LEN),
        3 => return Err(BadProxyHeader::Broken),
        _ => (None, rest.len()),
    };
    let tlvs = Span::new(FIXED_LEN + addresses_len, len);
    check_tlvs(tlvs.of(header))?;
    let is_intact = is_intact(header, tlvs)?;
    Ok(Some(ProxyHeader {
        len,
        endpoints: endpoints.filter(|_| is_stream),
        tlvs,
        is_intact,
    }))
}

fn ipv4(rest: &[u8]) -> Option<Endpoints> {
    let bytes: &[u8; 12] = rest.first_chunk()?;
    let [a, b, c, d, e, f, g, h, ports @ ..] = *bytes;
    let (source_port, destination_port) = split_ports(ports);
    Some(Endpoints {
        source: SocketAddr::from((Ipv4Addr::new(a, b, c, d), source_port)),
        destination: SocketAddr::from((Ipv4Addr::new(e, f, g, h), destination_port)),
    })
}

fn ipv6(rest: &[u8]) -> Option<Endpoints> {
    let (source, rest) = rest.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let (source_port, destination_port) = split_ports(*rest.first_chunk()?);
    Some(Endpoints {
        source: SocketAddr::from((Ipv6Addr::from(*source), source_port)),
        destination: SocketAddr::from((Ipv6Addr::from(*destination), destination_port)),
    })
}

const fn split_ports([a, b, c, d]: [u8; 4]) -> (u16, u16) {
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// The checksum is that of the whole header with zeros in its own place (section 2.2.4).
fn is_intact(header: &[u8], tlvs: Span) -> Result<bool, BadProxyHeader> {
    let mut at = tlvs.start as usize;
    while let Some([kind, high, low]) = header.get(at..at + 3) {
        let value = at + 3;
        at = value + usize::from(u16::from_be_bytes([*high, *low]));
        if *kind != types::CRC32C {
            continue;
        }
        let sent = header
            .get(value..at)
            .and_then(|value| value.try_into().ok());
        let sent: [u8; 4] = sent.ok_or(BadProxyHeader::Tlv)?;
        let before = crc32c::crc32c(&header[..value]);
        let with_zeros = crc32c::crc32c_append(before, &[0; 4]);
        if crc32c::crc32c_append(with_zeros, &header[at..]) != u32::from_be_bytes(sent) {
            return Ok(false);
        }
    }
    Ok(true)
}
