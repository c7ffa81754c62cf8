//! Whom a side of TLS believes: authorities, lists of what they revoked, and the verdicts.
//!
//! `webpki` decides, with two additions that OpenSSL has and configurations of nginx rely on: a certificate that is itself among
//! the trusted ones is believed while it is valid, even where it is an authority (`openssl req -x509` makes such), and a
//! certificate without alternative names is known by its common name.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DistinguishedName, Error, RootCertStore, crypto::CryptoProvider};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::revocation::{Lists, is_old};
use super::{TlsConfigError, pem};

/// Authorities, and what they revoked.
#[derive(Debug)]
pub(super) struct Trust {
    anchors: Arc<RootCertStore>,
    /// The same as they were given.
    given: Vec<CertificateDer<'static>>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    /// The lists, where `webpki` cannot read all of them.
    old_lists: Lists,
}

impl Trust {
    /// Reads authorities and, where there are some, revocation lists.
    pub(super) fn load(
        files: &[impl AsRef<Path>],
        lists: Option<&Path>,
    ) -> Result<Self, TlsConfigError> {
        let mut given = Vec::new();
        let mut anchors = RootCertStore::empty();
        for file in files {
            let certificates = pem::certificates(file.as_ref())?;
            for certificate in &certificates {
                anchors
                    .add(certificate.clone())
                    .map_err(|error| TlsConfigError::new(file.as_ref(), error))?;
            }
            given.extend(certificates);
        }
        let mut revoked = lists.map_or(Ok(Vec::new()), pem::revocation_lists)?;
        let mut old_lists = Lists::default();
        if revoked.iter().any(is_old) {
            old_lists = Lists::read(&revoked)
                .ok_or_else(|| TlsConfigError::of("a list of revoked certificates is broken"))?;
            revoked.clear();
        }
        Ok(Self {
            anchors: Arc::new(anchors),
            given,
            revoked,
            old_lists,
        })
    }

    /// What judges the certificates of clients.
    pub(super) fn of_clients(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
        let (anchors, provider) = (Arc::clone(&self.anchors), Arc::clone(provider));
        WebPkiClientVerifier::builder_with_provider(anchors, provider)
            .with_crls(self.revoked.iter().cloned())
            .allow_unauthenticated()
            .build()
            .map_err(TlsConfigError::of)
    }

    /// What judges the certificates of servers.
    pub(super) fn of_servers(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, TlsConfigError> {
        let (anchors, provider) = (Arc::clone(&self.anchors), Arc::clone(provider));
        WebPkiServerVerifier::builder_with_provider(anchors, provider)
            .with_crls(self.revoked.iter().cloned())
            .build()
            .map_err(TlsConfigError::of)
    }

    /// What the lists that `webpki` cannot read say of a certificate that is verified otherwise.
    pub(super) fn check_lists(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), CertificateError> {
        self.old_lists.check(leaf, others, &self.given)
    }

    /// The names of the authorities.
    pub(super) fn names(&self) -> Vec<DistinguishedName> {
        self.anchors.subjects()
    }

    /// How many intermediate authorities stand between a certificate and a trusted one, by their names alone: the signatures
    /// have been verified.
    pub(super) fn depth(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> usize {
        let names = |der: &CertificateDer<'_>| {
            let (_, parsed) = X509Certificate::from_der(der).ok()?;
            let (subject, issuer) = (parsed.subject().as_raw(), parsed.issuer().as_raw());
            Some((subject.to_vec(), issuer.to_vec()))
        };
        let trusted: Vec<_> = self.given.iter().filter_map(names).collect();
        let shown: Vec<_> = others.iter().filter_map(names).collect();
        let Some((_, mut issuer)) = names(leaf) else {
            return 0;
        };
        for depth in 0..shown.len() {
            if trusted.iter().any(|(subject, _)| *subject == issuer) {
                return depth;
            }
            match shown.iter().find(|(subject, _)| *subject == issuer) {
                Some((_, next)) => issuer.clone_from(next),
                None => return depth,
            }
        }
        shown.len()
    }

    /// Whether the certificate is itself a trusted one; an error where it is and is not valid at `now`.
    pub(super) fn is_given(
        &self,
        certificate: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<bool, CertificateError> {
        if !self.given.iter().any(|given| given == certificate) {
            return Ok(false);
        }
        let (_, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let validity = parsed.validity();
        if now < validity.not_before.timestamp() {
            Err(CertificateError::NotValidYet)
        } else if now > validity.not_after.timestamp() {
            Err(CertificateError::Expired)
        } else {
            Ok(true)
        }
    }
}

/// Checks that a certificate is for `name`: by its alternative names, or by its common name where it has none.
pub(super) fn check_name(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
) -> Result<(), Error> {
    let by_webpki = ParsedCertificate::try_from(certificate)
        .and_then(|parsed| verify_server_name(&parsed, name));
    by_webpki.or_else(|error| {
        if has_common_name(certificate, name) {
            Ok(())
        } else {
            Err(error)
        }
    })
}

fn has_common_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    if !matches!(parsed.subject_alternative_name(), Ok(None)) {
        return false;
    }
    let name = name.to_str();
    let fits = |common: &str| fits(common, &name);
    let mut names = parsed.subject().iter_common_name();
    names.any(|common| common.as_str().is_ok_and(fits))
}

/// `pattern` may have a `*` in place of its first label (RFC 6125, section 6.4.3).
fn fits(pattern: &str, name: &str) -> bool {
    if let Some(suffix) = pattern.strip_prefix("*.") {
        return suffix.contains('.')
            && name.split_once('.').is_some_and(|(first, rest)| {
                !first.is_empty() && rest.eq_ignore_ascii_case(suffix)
            });
    }
    pattern.eq_ignore_ascii_case(name)
}

/// The certificate says that it was issued by itself.
pub(super) fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.issuer().as_raw() == parsed.subject().as_raw())
}

/// The certificate is for another name.
pub(super) const fn is_about_name(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

/// What is wrong with a certificate, in the words that OpenSSL uses and people search for.
pub(super) fn reason(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not yet valid"
        }
        CertificateError::Revoked => "certificate revoked",
        CertificateError::UnknownIssuer => "unable to verify the first certificate",
        CertificateError::UnknownRevocationStatus => "unable to get certificate CRL",
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => "CRL has expired",
        CertificateError::BadSignature => "certificate signature failure",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "hostname mismatch"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "unsupported certificate purpose"
        }
        _ => "certificate rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Folder, first_certificate, self_signed};
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("a.test", "A.TEST", true),
            ("*.a.test", "b.a.test", true),
            ("*.a.test", "c.b.a.test", false),
            ("*.a.test", ".a.test", false),
            ("*.test", "a.test", false),
            ("*", "a", false),
            ("a.test", "b.test", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_common_name_counts_where_nothing_else_is_said() {
        let folder = Folder::new("trust-names");
        let check = |file: &Path, name: &str, expected: bool| {
            let der = CertificateDer::from(first_certificate(file));
            let name = ServerName::try_from(name).unwrap();
            assert_eq!(check_name(&der, &name).is_ok(), expected, "{name:?}");
        };
        let authority = Authority::new("Root");
        let (bare, _) = authority.issue(&folder, "bare.test", &[]);
        check(&bare, "bare.test", true);
        check(&bare, "other.test", false);
        let (named, _) = authority.issue(&folder, "named.test", &["san.test", "127.0.0.1"]);
        check(&named, "named.test", false);
        check(&named, "san.test", true);
        check(&named, "127.0.0.1", true);
    }

    #[test]
    fn a_trusted_certificate_is_believed_while_it_is_valid() {
        let folder = Folder::new("trust-given");
        let (file, _) = self_signed(&folder, "own", &["own.test"]);
        let trust = Trust::load(&[&file], None).unwrap();
        let der = CertificateDer::from(first_certificate(&file));
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        assert_eq!(trust.is_given(&der, UnixTime::now()), Ok(true));
        assert_eq!(
            trust.is_given(&der, at(0)),
            Err(CertificateError::NotValidYet)
        );
        assert_eq!(
            trust.is_given(&der, at(1 << 40)),
            Err(CertificateError::Expired)
        );
        let other = CertificateDer::from(first_certificate(&self_signed(&folder, "two", &[]).0));
        assert_eq!(trust.is_given(&other, at(0)), Ok(false));
    }
}
