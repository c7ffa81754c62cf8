//! What variables and logs say of a certificate.

use std::fmt::Write;

use ring::digest;
use rustls::pki_types::CertificateDer;
use x509_parser::objects::oid2abbrev;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate, X509Name, oid_registry};

/// A certificate's fields as `$ssl_client_…` shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// The subject as RFC 2253 writes it.
    pub(crate) subject: String,
    /// The issuer as RFC 2253 writes it.
    pub(crate) issuer: String,
    /// The subject in the older form with slashes.
    pub(crate) subject_legacy: String,
    /// The issuer in the older form with slashes.
    pub(crate) issuer_legacy: String,
    /// The serial number in upper-case hexadecimal digits.
    pub(crate) serial: String,
    /// Valid from: `Nov  5 06:17:02 2026 GMT`.
    pub(crate) not_before: String,
    /// Valid until.
    pub(crate) not_after: String,
    /// The second since 1970 when it ends.
    pub(crate) ends: i64,
}

/// Reads a certificate; `None` where it is not one.
pub(crate) fn describe(certificate: &CertificateDer<'_>) -> Option<Description> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(Description {
        subject: rfc2253(parsed.subject()),
        issuer: rfc2253(parsed.issuer()),
        subject_legacy: with_slashes(parsed.subject()),
        issuer_legacy: with_slashes(parsed.issuer()),
        serial: serial(parsed.raw_serial()),
        not_before: time(parsed.validity().not_before),
        not_after: time(parsed.validity().not_after),
        ends: parsed.validity().not_after.timestamp(),
    })
}

/// The SHA-1 of the certificate in lower-case hexadecimal digits: a name for it, not a promise.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    hex(hash.as_ref(), "0123456789abcdef")
}

/// The certificate in PEM, 64 characters a line.
pub(crate) fn pem(certificate: &CertificateDer<'_>) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    /// 48 bytes make a line of 64 characters.
    const LINE: usize = 48;
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in certificate.chunks(LINE) {
        for group in line.chunks(3) {
            let bytes = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
            let bits = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
            for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let filled = at <= group.len();
                let digit = ALPHABET[(bits >> shift & 63) as usize];
                text.push(if filled { char::from(digit) } else { '=' });
            }
        }
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

/// The last part first, separated by commas; what is special is escaped (RFC 2253, section 2).
fn rfc2253(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for part in parts.into_iter().rev() {
        for (at, attribute) in part.iter().enumerate() {
            if !text.is_empty() {
                text.push(if at == 0 { ',' } else { '+' });
            }
            let value = attribute.as_str().unwrap_or("");
            text.push_str(&key(attribute.attr_type()));
            text.push('=');
            escape(value, &mut text);
        }
    }
    text
}

fn escape(value: &str, into: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        let edge = (at == 0 && matches!(character, ' ' | '#')) || (at == last && character == ' ');
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => into.extend(['\\', character]),
            _ if edge => into.extend(['\\', character]),
            // Control characters and what is beyond ASCII go by their bytes, so that a log's line stays one.
            ' '..='~' => into.push(character),
            _ => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    // Writing to a string does not fail.
                    let _ = write!(into, "\\{byte:02X}");
                }
            }
        }
    }
}

/// `/C=GB/O=Tests/CN=name`, with bytes that are not printable as `\xNN`.
fn with_slashes(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_attributes() {
        text.push('/');
        text.push_str(&key(attribute.attr_type()));
        text.push('=');
        for byte in attribute.as_slice() {
            match byte {
                b' '..=b'~' => text.push(char::from(*byte)),
                // Writing to a string does not fail.
                _ => drop(write!(text, "\\x{byte:02X}")),
            }
        }
    }
    text
}

/// `CN`, or the numbers of an attribute that has no short name.
fn key(id: &x509_parser::der_parser::Oid<'_>) -> String {
    oid2abbrev(id, oid_registry()).map_or_else(|_| id.to_id_string(), str::to_owned)
}

/// OpenSSL shows no leading zero byte, which DER wants before a high bit.
fn serial(raw: &[u8]) -> String {
    let raw = match raw {
        [0, rest @ ..] if !rest.is_empty() => rest,
        raw => raw,
    };
    hex(raw, "0123456789ABCDEF")
}

fn hex(bytes: &[u8], digits: &str) -> String {
    let digits = digits.as_bytes();
    let pair = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from(digits[usize::from(half)]));
    bytes.iter().flat_map(pair).collect()
}

fn time(time: ASN1Time) -> String {
    let Ok(instant) = jiff::Timestamp::from_second(time.timestamp()) else {
        return String::new();
    };
    instant.strftime("%b %e %H:%M:%S %Y GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Folder, first_certificate};
    use super::*;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn fields() {
        let folder = Folder::new("certificate");
        let (file, _) = Authority::new("Root").issue(&folder, "leaf, one", &["a.test"]);
        let der = CertificateDer::from(first_certificate(&file));
        let found = describe(&der).unwrap();
        assert_eq!(found.subject, "O=Tests\\, Inc.,CN=leaf\\, one");
        assert_eq!(found.subject_legacy, "/CN=leaf, one/O=Tests, Inc.");
        assert_eq!(found.issuer, "CN=Root");
        assert_eq!(found.serial, "0ABC");
        assert_eq!(found.not_before, "Jan  1 00:00:00 1975 GMT");
        assert!(found.not_after.ends_with(" 4096 GMT") && found.ends > 0);
        let print = fingerprint(&der);
        assert!(print.len() == 40 && print.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(
            CertificateDer::from_pem_slice(pem(&der).as_bytes()).unwrap(),
            der
        );
        assert_eq!(describe(&CertificateDer::from(vec![0x30, 1, 2])), None);
    }

    #[test]
    fn escapes() {
        for (value, expected) in [
            ("plain", "plain"),
            (" #x ", "\\ #x\\ "),
            ("#x", "\\#x"),
            ("a+b=c\n", "a\\+b=c\\0A"),
            ("é", "\\C3\\A9"),
            ("", ""),
        ] {
            let mut text = String::new();
            escape(value, &mut text);
            assert_eq!(text, expected, "{value:?}");
        }
        assert_eq!(serial(&[0, 0xff]), "FF");
        assert_eq!(serial(&[0]), "00");
    }

    #[test]
    fn pem_of_every_length() {
        for len in 1..100 {
            let der = CertificateDer::from(vec![0xa5; len]);
            let text = pem(&der);
            assert_eq!(
                CertificateDer::from_pem_slice(text.as_bytes()).unwrap(),
                der
            );
        }
    }
}
