//! `$ssl_…`: what variables say of a client's TLS. They have no value on a plain connection.

use http_wire::escape::{EscapeSet, escape};

use super::Info;
use crate::net::clock;
use crate::net::tls::{Description, Verdict, certificate_pem, describe, fingerprint};

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Variable {
    name: &'static str,
    get: fn(&Info, &mut Vec<u8>) -> bool,
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Variable {}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.name)
    }
}

impl Variable {
    /// Appends the value; `false` where there is none.
    pub(crate) fn append(self, info: Option<&Info>, out: &mut Vec<u8>) -> bool {
        info.is_some_and(|info| (self.get)(info, out))
    }
}

/// The variable of that name.
pub(crate) fn variable(name: &str) -> Option<Variable> {
    let found = VARIABLES.iter().find(|variable| variable.name == name);
    found.copied()
}

const fn var(name: &'static str, get: fn(&Info, &mut Vec<u8>) -> bool) -> Variable {
    Variable { name, get }
}

fn put(out: &mut Vec<u8>, text: &str) -> bool {
    out.extend_from_slice(text.as_bytes());
    true
}

fn some(out: &mut Vec<u8>, text: Option<&[u8]>) -> bool {
    out.extend_from_slice(text.unwrap_or_default());
    text.is_some()
}

/// What a field of the client's certificate says.
fn of_client(info: &Info, out: &mut Vec<u8>, say: fn(&Description) -> String) -> bool {
    match info.certificate.as_ref().and_then(describe) {
        Some(description) => put(out, &say(&description)),
        None => false,
    }
}

fn pem(info: &Info) -> Option<String> {
    info.certificate.as_ref().map(certificate_pem)
}

/// Days until the certificate ends; 0 where it has.
fn days_left(ends: i64) -> String {
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    let now = clock::wall().0 / 1000;
    (ends.saturating_sub(now).max(0) / DAY_SECONDS).to_string()
}

/// The table.
static VARIABLES: &[Variable] = &[
    var("ssl_protocol", |info, out| put(out, info.protocol)),
    var("ssl_cipher", |info, out| put(out, info.cipher)),
    var("ssl_curve", |info, out| put(out, info.curve)),
    var("ssl_server_name", |info, out| {
        some(out, info.server_name.as_deref().map(str::as_bytes))
    }),
    var("ssl_alpn_protocol", |info, out| {
        some(out, info.alpn.as_deref())
    }),
    var("ssl_session_reused", |info, out| {
        put(out, if info.is_resumed { "r" } else { "." })
    }),
    // Requests before the end of the handshake are not taken.
    var("ssl_early_data", |_, _| false),
    var("ssl_client_verify", |info, out| match info.verdict {
        Verdict::Success => put(out, "SUCCESS"),
        Verdict::None => put(out, "NONE"),
        Verdict::Failed(reason) => put(out, "FAILED:") && put(out, reason),
    }),
    var("ssl_client_s_dn", |info, out| {
        of_client(info, out, |certificate| certificate.subject.clone())
    }),
    var("ssl_client_i_dn", |info, out| {
        of_client(info, out, |certificate| certificate.issuer.clone())
    }),
    var("ssl_client_s_dn_legacy", |info, out| {
        of_client(info, out, |certificate| certificate.subject_legacy.clone())
    }),
    var("ssl_client_i_dn_legacy", |info, out| {
        of_client(info, out, |certificate| certificate.issuer_legacy.clone())
    }),
    var("ssl_client_serial", |info, out| {
        of_client(info, out, |certificate| certificate.serial.clone())
    }),
    var("ssl_client_v_start", |info, out| {
        of_client(info, out, |certificate| certificate.not_before.clone())
    }),
    var("ssl_client_v_end", |info, out| {
        of_client(info, out, |certificate| certificate.not_after.clone())
    }),
    var("ssl_client_v_remain", |info, out| {
        of_client(info, out, |certificate| days_left(certificate.ends))
    }),
    var("ssl_client_fingerprint", |info, out| {
        match &info.certificate {
            Some(certificate) => put(out, &fingerprint(certificate)),
            None => false,
        }
    }),
    var("ssl_client_raw_cert", |info, out| {
        pem(info).is_some_and(|pem| put(out, &pem))
    }),
    // One line of a header, as folding once allowed.
    var("ssl_client_cert", |info, out| {
        pem(info).is_some_and(|pem| put(out, &pem.trim_end().replace('\n', "\n\t")))
    }),
    var("ssl_client_escaped_cert", |info, out| {
        pem(info).is_some_and(|pem| {
            escape(pem.as_bytes(), EscapeSet::Component, out);
            true
        })
    }),
];
