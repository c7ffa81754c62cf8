//! Certificates and files for tests.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A folder that goes with its test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mainstay-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An authority of the tests.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes a certificate for `names` and its key; the files' names begin with `stem`.
    pub(crate) fn issue(&self, folder: &Folder, stem: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, stem);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Tests, Inc.");
        params.serial_number = Some(vec![0x0a, 0xbc].into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let certificate = folder.write(&format!("{stem}.crt"), &certificate.pem());
        let key = folder.write(&format!("{stem}.key"), &key.serialize_pem());
        (certificate, key)
    }

    pub(crate) fn write(&self, folder: &Folder, name: &str) -> PathBuf {
        folder.write(name, &self.pem())
    }

    /// Writes a list that revokes everything [`Self::issue`] made: all have one serial number.
    pub(crate) fn revoke(&self, folder: &Folder, name: &str) -> PathBuf {
        let revoked = rcgen::RevokedCertParams {
            serial_number: vec![0x0a, 0xbc].into(),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(2100, 1, 1),
            crl_number: vec![1].into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.0).unwrap();
        folder.write(name, &list.pem().unwrap())
    }
}

/// A self-signed certificate as `openssl req -x509` makes it: its own authority.
pub(crate) fn self_signed(folder: &Folder, stem: &str, names: &[&str]) -> (PathBuf, PathBuf) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, stem);
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let certificate = folder.write(&format!("{stem}.crt"), &made.pem());
    (
        certificate,
        folder.write(&format!("{stem}.key"), &key.serialize_pem()),
    )
}

/// What tests know of a file.
pub(crate) fn first_certificate(file: &Path) -> Vec<u8> {
    super::pem::certificates(file).unwrap()[0].to_vec()
}
