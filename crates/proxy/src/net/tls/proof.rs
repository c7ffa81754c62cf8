//! Whether the other side of a handshake has the key of the certificate that it shows.
//!
//! rustls leaves that to `webpki`, which reads no certificate of version 1; `openssl req -x509` makes such ones, and nginx takes
//! them. For these the key is read here, and the same algorithms verify.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error};
use x509_parser::prelude::{FromDer, X509Certificate};

type Proved = Result<HandshakeSignatureValid, Error>;

/// The signature of a handshake of TLS 1.2.
pub(super) fn of_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Proved {
    if ParsedCertificate::try_from(certificate).is_ok() {
        return verify_tls12_signature(message, certificate, signature, algorithms);
    }
    by_key(message, certificate, signature, algorithms)
}

/// The signature of a handshake of TLS 1.3.
pub(super) fn of_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Proved {
    if ParsedCertificate::try_from(certificate).is_ok() {
        return verify_tls13_signature(message, certificate, signature, algorithms);
    }
    by_key(message, certificate, signature, algorithms)
}

/// Verifies with the key in the certificate: by the algorithms of the signature's scheme, of which those for another kind of
/// key find the key malformed.
fn by_key(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Proved {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let key = &*parsed.public_key().subject_public_key.data;
    let mut of_scheme = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signature.scheme)
        .flat_map(|(_, algorithms)| algorithms.iter());
    let verifies = of_scheme.any(|algorithm| {
        let outcome = algorithm.verify_signature(key, message, signature.signature());
        outcome.is_ok()
    });
    if verifies {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }
}
