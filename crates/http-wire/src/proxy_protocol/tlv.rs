//! What a header of version 2 says beyond addresses: types, lengths and values.

use super::BadProxyHeader;
use crate::escape::hex_digit;

/// The types that are registered (section 2.2).
pub mod types {
    /// The protocol that TLS agreed upon.
    pub const ALPN: u8 = 0x01;
    /// The host name that the client asked for (SNI).
    pub const AUTHORITY: u8 = 0x02;
    /// The checksum of the header.
    pub const CRC32C: u8 = 0x03;
    /// Padding.
    pub const NOOP: u8 = 0x04;
    /// A name for the connection.
    pub const UNIQUE_ID: u8 = 0x05;
    /// What TLS the client spoke: see [`super::SslTlv`].
    pub const SSL: u8 = 0x20;
    /// Within [`SSL`]: the version.
    pub const SSL_VERSION: u8 = 0x21;
    /// Within [`SSL`]: the common name of the client's certificate.
    pub const SSL_CN: u8 = 0x22;
    /// Within [`SSL`]: the cipher.
    pub const SSL_CIPHER: u8 = 0x23;
    /// Within [`SSL`]: what the certificate is signed with.
    pub const SSL_SIG_ALG: u8 = 0x24;
    /// Within [`SSL`]: what key the certificate has.
    pub const SSL_KEY_ALG: u8 = 0x25;
    /// The name of the network namespace.
    pub const NETNS: u8 = 0x30;
}

/// The types and values, one after the other; what follows a broken one is left out.
pub fn tlvs(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (kind, value, after) = split(rest)?;
        rest = after;
        Some((kind, value))
    })
}

/// The value of the first of that type.
#[must_use]
pub fn find_tlv(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let mut all = tlvs(bytes);
    all.find(|(found, _)| *found == kind)
        .map(|(_, value)| value)
}

fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<3>()?;
    let len = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let (value, rest) = rest.split_at_checked(len)?;
    Some((head[0], value, rest))
}

/// Whether they are all whole.
pub(super) fn check_tlvs(bytes: &[u8]) -> Result<(), BadProxyHeader> {
    let taken: usize = tlvs(bytes).map(|(_, value)| 3 + value.len()).sum();
    if taken == bytes.len() {
        Ok(())
    } else {
        Err(BadProxyHeader::Tlv)
    }
}

/// The value of [`types::SSL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslTlv<'a> {
    /// Bits: 1 for TLS, 2 and 4 for a certificate of this connection or of the session.
    pub client: u8,
    /// 0 where the client's certificate was verified.
    pub verify: u32,
    /// The TLVs within.
    pub tlvs: &'a [u8],
}

impl<'a> SslTlv<'a> {
    /// Takes the value apart; nothing where it is too short.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (head, tlvs) = value.split_first_chunk::<5>()?;
        let [client, verify @ ..] = *head;
        Some(Self {
            client,
            verify: u32::from_be_bytes(verify),
            tlvs,
        })
    }
}

/// What a variable `$proxy_protocol_tlv_NAME` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvName {
    /// The value of this type.
    Plain(u8),
    /// The value of this type within [`types::SSL`].
    Ssl(u8),
    /// [`SslTlv::verify`], as a number.
    SslVerify,
}

impl TlvName {
    /// The name: `alpn`, `ssl_cn`, `0x1f` and the like; nothing where it names none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "ssl_verify" {
            return Some(Self::SslVerify);
        }
        if let Some(within) = name.strip_prefix("ssl_") {
            let kind = match within {
                "version" => types::SSL_VERSION,
                "cn" => types::SSL_CN,
                "cipher" => types::SSL_CIPHER,
                "sig_alg" => types::SSL_SIG_ALG,
                "key_alg" => types::SSL_KEY_ALG,
                number => parse_number(number)?,
            };
            return Some(Self::Ssl(kind));
        }
        Some(Self::Plain(match name {
            "alpn" => types::ALPN,
            "authority" => types::AUTHORITY,
            "unique_id" => types::UNIQUE_ID,
            "ssl" => types::SSL,
            "netns" => types::NETNS,
            number => parse_number(number)?,
        }))
    }

    /// Appends what the TLVs say to it; false where they say nothing.
    #[must_use]
    pub fn write(self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let ssl = || find_tlv(bytes, types::SSL).and_then(SslTlv::parse);
        let value = match self {
            Self::Plain(kind) => find_tlv(bytes, kind),
            Self::Ssl(kind) => ssl().and_then(|ssl| find_tlv(ssl.tlvs, kind)),
            Self::SslVerify => {
                let verify = ssl().map(|ssl| ssl.verify.to_string());
                out.extend_from_slice(verify.as_deref().unwrap_or_default().as_bytes());
                return verify.is_some();
            }
        };
        out.extend_from_slice(value.unwrap_or_default());
        value.is_some()
    }
}

/// A type as `0x` and digits, leading zeros included.
fn parse_number(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("0x")?;
    let significant = digits.trim_start_matches('0');
    match significant.as_bytes() {
        [] if !digits.is_empty() => Some(0),
        [low] => hex_digit(*low),
        [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}
