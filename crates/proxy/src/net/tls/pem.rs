//! Certificates, keys and revocation lists from PEM files.

use std::fs;
use std::path::Path;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::TlsConfigError;

/// No file of certificates, keys or lists is larger: a bundle of all public authorities has some 200 KB, a revocation list may
/// have some MB.
const FILE_LEN_MAX: u64 = 64 << 20;

/// The certificates of a file, in its order; at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    all(file, "certificate")
}

/// The revocation lists of a file; at least one.
pub(super) fn revocation_lists(
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    all(file, "certificate revocation list")
}

/// The first private key of a file: PKCS #1, PKCS #8 or SEC 1, not encrypted.
pub(super) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    let text = read(file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];
        let is = |mark: &&str| text.windows(mark.len()).any(|part| part == mark.as_bytes());
        if encrypted.iter().any(is) {
            let help =
                "the key is encrypted, which is not supported: decrypt it with `openssl pkey`";
            TlsConfigError::new(file, help)
        } else {
            TlsConfigError::new(file, format!("no private key: {error}"))
        }
    })
}

/// A chain with its key, which must belong together.
pub(super) fn certified(chain: &Path, key_file: &Path) -> Result<CertifiedKey, TlsConfigError> {
    let certificates = certificates(chain)?;
    let key = any_supported_type(&key(key_file)?)
        .map_err(|error| TlsConfigError::new(key_file, error))?;
    let certified = CertifiedKey::new(certificates, key);
    // What else may be wrong with a certificate is the clients' to judge: some are old and still in use.
    if let Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) = certified.keys_match() {
        let what = format!("it is not the key of \"{}\"", chain.display());
        return Err(TlsConfigError::new(key_file, what));
    }
    Ok(certified)
}

fn all<T: PemObject>(file: &Path, what: &str) -> Result<Vec<T>, TlsConfigError> {
    let text = read(file)?;
    let found = T::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsConfigError::new(file, format!("no {what}: {error}")))?;
    if found.is_empty() {
        return Err(TlsConfigError::new(file, format!("no {what} in it")));
    }
    Ok(found)
}

fn read(file: &Path) -> Result<Vec<u8>, TlsConfigError> {
    let fail = |error: std::io::Error| TlsConfigError::new(file, error.to_string());
    if fs::metadata(file).map_err(fail)?.len() > FILE_LEN_MAX {
        return Err(TlsConfigError::new(file, "the file is too long"));
    }
    fs::read(file).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Folder;
    use super::*;

    #[test]
    fn keys() {
        let folder = Folder::new("pem-keys");
        let key = rcgen::KeyPair::generate().unwrap();
        let check = |text: &str, expected: &str| {
            let outcome = super::key(&folder.write("key", text));
            let said = outcome.map_or_else(|error| error.to_string(), |_| "a key".to_owned());
            assert!(said.contains(expected), "{said}");
        };
        check(&key.serialize_pem(), "a key");
        check("", "no private key");
        check(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        );
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "encrypted",
        );
    }

    #[test]
    fn chains() {
        let folder = Folder::new("pem-chains");
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let text = made.cert.pem();
        let two = folder.write("two", &format!("leaf\n{text}\n{text}"));
        assert_eq!(certificates(&two).unwrap().len(), 2);
        let none = folder.write("none", "nothing\n");
        let error = certificates(&none).unwrap_err().to_string();
        assert!(error.ends_with("no certificate in it"), "{error}");
        let error = certificates(Path::new("/nowhere/x.pem")).unwrap_err();
        assert!(error.to_string().starts_with("\"/nowhere/x.pem\": "));
        assert!(revocation_lists(&two).is_err());
    }
}
