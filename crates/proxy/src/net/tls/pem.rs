//! Certificates, keys and revocation lists from PEM files.

use std::path::Path;
use std::{fmt, fs};

use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer,
};
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

/// Passwords of encrypted keys; they are tried one after the other.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Passwords(Vec<Vec<u8>>);

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

impl Passwords {
    /// Reads a file with a password a line.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub(crate) fn load(file: &Path) -> Result<Self, TlsConfigError> {
        let text = read(file)?;
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let filled = lines.filter(|line| !line.is_empty());
        Ok(Self(filled.map(<[u8]>::to_vec).collect()))
    }
}

/// The first private key of a file: PKCS #1, PKCS #8 or SEC 1; only PKCS #8 may be encrypted.
pub(super) fn key(
    file: &Path,
    passwords: &Passwords,
) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    const OLD: &[u8] = b"Proc-Type: 4,ENCRYPTED";
    let text = read(file)?;
    if let Some(encrypted) = encrypted(&text) {
        return decrypt(encrypted, passwords).map_err(|what| TlsConfigError::new(file, what));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        if text.windows(OLD.len()).any(|part| part == OLD) {
            let help = "the key is encrypted in the old way, which is not supported: write it anew with `openssl pkey`";
            TlsConfigError::new(file, help)
        } else {
            TlsConfigError::new(file, format!("no private key: {error}"))
        }
    })
}

/// The encrypted key in a text, its first and last line included.
fn encrypted(text: &[u8]) -> Option<&str> {
    const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let text = std::str::from_utf8(text).ok()?;
    let start = text.find(BEGIN)?;
    let end = start + text[start..].find(END)? + END.len();
    Some(&text[start..end])
}

fn decrypt(pem: &str, passwords: &Passwords) -> Result<PrivateKeyDer<'static>, String> {
    let (_, document) = SecretDocument::from_pem(pem).map_err(|error| error.to_string())?;
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let info = info.map_err(|error| error.to_string())?;
    if passwords.0.is_empty() {
        return Err("the key is encrypted, and there is no password for it".to_owned());
    }
    let mut tried = passwords.0.iter();
    let key = tried.find_map(|password| info.decrypt(password).ok());
    let key = key.ok_or("no password fits the encrypted key")?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// A chain with its key, which must belong together.
pub(super) fn certified(
    chain: &Path,
    key_file: &Path,
    passwords: &Passwords,
) -> Result<CertifiedKey, TlsConfigError> {
    let certificates = certificates(chain)?;
    let key = any_supported_type(&key(key_file, passwords)?)
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
            let outcome = super::key(&folder.write("key", text), &Passwords::default());
            let said = outcome.map_or_else(|error| error.to_string(), |_| "a key".to_owned());
            assert!(said.contains(expected), "{said}");
        };
        check(&key.serialize_pem(), "a key");
        check("", "no private key");
        check(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "ASN.1",
        );
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "encrypted",
        );
    }

    /// Made by `openssl pkcs8 -topk8 -v2 aes-128-cbc -iter 1000 -passout pass:secret`, for this test only.
    const ENCRYPTED: &str = "some words before it
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhm8F5/JoDIOAICA+gw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEELf3tOrrgvvXmhG0U9EEypEEgZBT
3eR4G+MvErWBp5bzYaKoxwpgfZnzi0P9CQxpvd4TJkU2KQ74HPSFTkTXzx0xzzp9
YdX8BRcHlL4JcHzLgl5yIy3zmxGH2nonsy+Vho90Y/4h68wI9/c7kbNoJzFsEQV/
+/DyrR+ziiWMN4XyyNseB7sLFwxBoMkdqHP4kpqBTF7V4B/W2hA3Qc71MjrTJTg=
-----END ENCRYPTED PRIVATE KEY-----
";

    #[test]
    fn encrypted_keys() {
        let folder = Folder::new("pem-encrypted");
        let file = folder.write("key", ENCRYPTED);
        let check = |passwords: &str, expected: &str| {
            let passwords = Passwords::load(&folder.write("passwords", passwords)).unwrap();
            let outcome = super::key(&file, &passwords).map(|key| any_supported_type(&key));
            let said = match outcome {
                Err(error) => error.to_string(),
                Ok(key) => key.map_or("nonsense", |_| "a key").to_owned(),
            };
            assert!(said.contains(expected), "{said}");
        };
        check("secret", "a key");
        check("wrong\r\n\nsecret\r\n", "a key");
        check("wrong\n", "no password fits");
        check("\n", "there is no password");
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
