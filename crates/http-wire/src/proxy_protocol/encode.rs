//! Headers that are sent to upstreams.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use thiserror::Error;

use super::tlv::types;
use super::v2::{FIXED_LEN, SIGNATURE};
use super::{Endpoints, HEADER_LEN_MAX};

/// The TLVs make the header longer than [`HEADER_LEN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too long for a PROXY protocol header")]
pub struct DoesNotFit;

/// Appends a header of version 1; without endpoints it says that they are unknown, as for clients on unix sockets.
pub fn encode_v1(endpoints: Option<Endpoints>, out: &mut Vec<u8>) {
    let Some(endpoints) = endpoints.map(of_one_family) else {
        out.extend_from_slice(b"PROXY UNKNOWN\r\n");
        return;
    };
    let Endpoints {
        source,
        destination,
    } = endpoints;
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.ip(), destination.ip());
    let (port, to_port) = (source.port(), destination.port());
    write!(out, "PROXY {family} {from} {to} {port} {to_port}\r\n")
        .expect("a vector takes whatever is written");
}

/// Appends a header of version 2 with these TLVs and, if wanted, the checksum. Without endpoints it is one of an unknown family.
///
/// # Errors
/// Where it gets longer than receivers take; nothing is appended then.
pub fn encode_v2(
    endpoints: Option<Endpoints>,
    tlvs: &[(u8, &[u8])],
    checksum: bool,
    out: &mut Vec<u8>,
) -> Result<(), DoesNotFit> {
    let start = out.len();
    out.extend_from_slice(SIGNATURE);
    // Version 2, the command PROXY.
    out.push(0x21);
    match endpoints.map(of_one_family) {
        None => out.extend_from_slice(&[0, 0, 0]),
        Some(Endpoints {
            source,
            destination,
        }) => {
            out.extend_from_slice(&[if source.is_ipv4() { 0x11 } else { 0x21 }, 0, 0]);
            for address in [source.ip(), destination.ip()] {
                match address {
                    IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
                    IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
                }
            }
            out.extend_from_slice(&source.port().to_be_bytes());
            out.extend_from_slice(&destination.port().to_be_bytes());
        }
    }
    let complete = tlvs.iter().all(|(kind, value)| push_tlv(*kind, value, out));
    let complete = complete && (!checksum || push_tlv(types::CRC32C, &[0; 4], out));
    let len = u16::try_from(out.len() - start - FIXED_LEN).map_err(|_| DoesNotFit);
    match len {
        Ok(len) if complete && out.len() - start <= HEADER_LEN_MAX => {
            out[start + 14..start + FIXED_LEN].copy_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.truncate(start);
            return Err(DoesNotFit);
        }
    }
    if checksum {
        let sum = crc32c::crc32c(&out[start..]);
        let place = out.len() - 4;
        out[place..].copy_from_slice(&sum.to_be_bytes());
    }
    Ok(())
}

/// Appends the value of a TLV of [`types::SSL`] to `out`.
///
/// # Errors
/// Where a value is too long for a TLV; what was appended is of no use then.
pub fn encode_ssl_tlv(
    client: u8,
    verify: u32,
    tlvs: &[(u8, &[u8])],
    out: &mut Vec<u8>,
) -> Result<(), DoesNotFit> {
    out.push(client);
    out.extend_from_slice(&verify.to_be_bytes());
    let complete = tlvs.iter().all(|(kind, value)| push_tlv(*kind, value, out));
    complete.then_some(()).ok_or(DoesNotFit)
}

/// Appends a TLV; false where its value is too long for one.
fn push_tlv(kind: u8, value: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(len) = u16::try_from(value.len()) else {
        return false;
    };
    out.push(kind);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
    true
}

/// A header has one family: where only one address is of IPv4, it is written as one of IPv6.
fn of_one_family(endpoints: Endpoints) -> Endpoints {
    let Endpoints {
        source,
        destination,
    } = endpoints;
    if source.is_ipv4() == destination.is_ipv4() {
        return endpoints;
    }
    let widened = |address: SocketAddr| -> SocketAddr {
        let ip: Ipv6Addr = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        SocketAddr::from((ip, address.port()))
    };
    Endpoints {
        source: widened(source),
        destination: widened(destination),
    }
}
