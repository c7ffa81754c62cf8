//! The PROXY protocol, versions 1 and 2: who is connected to the balancer in front, told before the first byte.
//!
//! A header is strict: a connection that starts otherwise is refused, since its address would be believed. Whether the sender
//! may be believed at all is not decided here.
//! Source: "The PROXY protocol", HAProxy's `doc/proxy-protocol.txt`, revision of 2020/03/05.

mod encode;
mod tlv;
mod v1;
mod v2;

use std::net::SocketAddr;

use thiserror::Error;

pub use encode::{DoesNotFit, encode_ssl_tlv, encode_v1, encode_v2};
pub use tlv::{SslTlv, TlvName, find_tlv, tlvs, types};

use crate::span::Span;

/// Bytes of a header; its addresses need 232 at most, and its TLVs no more in practice than names and one certificate's subject.
pub const HEADER_LEN_MAX: usize = 4096;

/// Who speaks with whom, as the sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The client.
    pub source: SocketAddr,
    /// Whom the client connected to.
    pub destination: SocketAddr,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Bytes of the header; the connection's own begin there.
    pub len: usize,
    /// Nothing where the sender speaks for itself (a health check), or does not know, or the addresses are not of the Internet: the
    /// addresses of the connection stand.
    pub endpoints: Option<Endpoints>,
    /// The TLVs of version 2; empty in version 1. See [`tlvs`].
    pub tlvs: Span,
    /// The checksum is right, or there is none. The protocol wants a header with a wrong one refused; nginx takes it.
    pub is_intact: bool,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadProxyHeader {
    /// It does not start as one does, or does not read as one.
    #[error("broken header")]
    Broken,
    /// The version is none that is known.
    #[error("unknown PROXY protocol version")]
    Version,
    /// The command is none that is known.
    #[error("unknown PROXY protocol command")]
    Command,
    /// It is longer than [`HEADER_LEN_MAX`], or a first version's longer than it can be.
    #[error("header is too large")]
    TooLarge,
    /// The TLVs do not fill their place.
    #[error("broken TLV")]
    Tlv,
}

/// Parses a header at the start of a buffer; nothing where more bytes are needed. Parsed from the start again when they come: it is short.
///
/// # Errors
/// Why it is refused; the first bytes that differ suffice.
pub fn parse(buf: &[u8]) -> Result<Option<ProxyHeader>, BadProxyHeader> {
    let begins = |start: &[u8]| {
        let len = buf.len().min(start.len());
        buf[..len] == start[..len]
    };
    if begins(v2::SIGNATURE) {
        v2::parse(buf)
    } else if begins(v1::START) {
        v1::parse(buf)
    } else {
        Err(BadProxyHeader::Broken)
    }
}
