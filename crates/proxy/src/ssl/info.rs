//! What is known of a client's TLS once the handshake is done.

use rustls::pki_types::CertificateDer;

use super::Verify;
use crate::net::tls::{Session, Verdict};

/// A client's TLS, as variables and checks see it.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) protocol: &'static str,
    pub(crate) cipher: &'static str,
    pub(crate) curve: &'static str,
    /// The name that was asked for.
    pub(crate) server_name: Option<Box<str>>,
    /// Some server has that name.
    pub(crate) is_name_served: bool,
    pub(crate) alpn: Option<Box<[u8]>>,
    pub(crate) is_resumed: bool,
    pub(crate) certificate: Option<CertificateDer<'static>>,
    pub(crate) verdict: Verdict,
}

/// Why a client is not served for its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objection {
    /// What it showed is not believed, for this reason.
    Bad(&'static str),
    /// It showed none.
    None,
}

/// Reasons that `optional_no_ca` overlooks: nobody vouches for the certificate, which is otherwise in order.
const NO_AUTHORITY: [&str; 3] = [
    "unable to verify the first certificate",
    "self-signed certificate",
    "unable to get local issuer certificate",
];

impl Info {
    /// Takes down what the session says.
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            protocol: session.protocol(),
            cipher: session.cipher(),
            curve: session.group(),
            server_name: session.server_name().map(Into::into),
            is_name_served: false,
            alpn: session.alpn().map(Into::into),
            is_resumed: session.is_resumed(),
            certificate: session.certificate().cloned(),
            verdict: session.verdict(),
        }
    }

    /// What a server that wants `verify` has against the client.
    pub(crate) fn objection(&self, verify: Verify) -> Option<Objection> {
        match (verify, self.verdict) {
            (Verify::Off, _) | (_, Verdict::Success) => None,
            (Verify::OptionalNoCa, Verdict::Failed(reason)) if NO_AUTHORITY.contains(&reason) => {
                None
            }
            (_, Verdict::Failed(reason)) => Some(Objection::Bad(reason)),
            (Verify::On, Verdict::None) => Some(Objection::None),
            (Verify::Optional | Verify::OptionalNoCa, Verdict::None) => None,
        }
    }
}
