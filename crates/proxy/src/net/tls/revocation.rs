//! Lists of revoked certificates of version 1, as `openssl ca -gencrl` makes them unless it is told otherwise.
//!
//! `webpki` reads version 2 only. Where one list is older, all of them are looked at here, by OpenSSL's rule: every certificate
//! below a trusted one needs a list of its issuer, and must not be in it. The lists are files of ours: their signatures are not
//! verified again.

use std::collections::HashSet;

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate, X509Version};

/// All lists of a file.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<List>);

#[derive(Debug)]
struct List {
    issuer: Vec<u8>,
    serials: HashSet<Vec<u8>>,
}

/// Whether a list is too old for `webpki`.
pub(super) fn is_old(list: &CertificateRevocationListDer<'_>) -> bool {
    CertificateRevocationList::from_der(list)
        .is_ok_and(|(_, list)| list.version() != Some(X509Version::V2))
}

impl Lists {
    /// Reads them; `None` where one is no list.
    pub(super) fn read(lists: &[CertificateRevocationListDer<'_>]) -> Option<Self> {
        let read = |der: &CertificateRevocationListDer<'_>| {
            let (_, list) = CertificateRevocationList::from_der(der).ok()?;
            let revoked = list.iter_revoked_certificates();
            Some(List {
                issuer: list.issuer().as_raw().to_vec(),
                serials: revoked.map(|one| one.raw_serial().to_vec()).collect(),
            })
        };
        lists.iter().map(read).collect::<Option<_>>().map(Self)
    }

    /// What the lists say of a certificate and of those that lead from it to a trusted one, which was verified before.
    pub(super) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        trusted: &[CertificateDer<'_>],
    ) -> Result<(), CertificateError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut next = leaf;
        for _ in 0..=others.len() {
            let (_, parsed) =
                X509Certificate::from_der(next).map_err(|_| CertificateError::BadEncoding)?;
            let issuer = parsed.issuer().as_raw();
            let list = self.0.iter().find(|list| list.issuer == issuer);
            let list = list.ok_or(CertificateError::UnknownRevocationStatus)?;
            if list.serials.contains(parsed.raw_serial()) {
                return Err(CertificateError::Revoked);
            }
            if trusted.iter().any(|one| is_named(one, issuer)) {
                return Ok(());
            }
            match others.iter().find(|one| is_named(one, issuer)) {
                Some(other) => next = other,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

fn is_named(certificate: &CertificateDer<'_>, name: &[u8]) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.subject().as_raw() == name)
}
