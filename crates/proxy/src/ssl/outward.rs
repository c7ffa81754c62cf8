//! `proxy_ssl_*` of both faces: TLS to the servers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::tls::{Choice, ClientSpec, ClientTls, Passwords};
use crate::script::{Scope, Template};

/// What is written.
#[derive(Debug, Clone)]
pub(crate) struct Outward<V> {
    pub(crate) choice: Choice,
    /// `proxy_ssl_name`
    pub(crate) name: Option<Template<V>>,
    /// `proxy_ssl_server_name`
    pub(crate) sends_name: bool,
    /// `proxy_ssl_verify`
    pub(crate) verifies: bool,
    /// `proxy_ssl_trusted_certificate`
    pub(crate) trusted: Option<PathBuf>,
    /// `proxy_ssl_crl`
    pub(crate) revoked: Option<PathBuf>,
    /// `proxy_ssl_certificate`
    pub(crate) certificate: Option<Template<V>>,
    /// `proxy_ssl_certificate_key`
    pub(crate) key: Option<Template<V>>,
    /// Where relative names of the two start from.
    pub(crate) conf_dir: PathBuf,
    /// `proxy_ssl_password_file`
    pub(crate) passwords: Passwords,
    /// `proxy_ssl_session_reuse off`
    pub(crate) forgets_sessions: bool,
    /// The application protocols that are offered.
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl<V> Default for Outward<V> {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            name: None,
            sends_name: false,
            verifies: false,
            trusted: None,
            revoked: None,
            certificate: None,
            key: None,
            conf_dir: PathBuf::new(),
            passwords: Passwords::default(),
            forgets_sessions: false,
            alpn: Vec::new(),
        }
    }
}

/// TLS that is ready to be used.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) client: Arc<ClientTls>,
    /// No other TLS of this process has it: connections that were made with one serve no other.
    pub(crate) id: u64,
}

impl<V> Outward<V> {
    /// Loads the files.
    pub(crate) fn load(&self) -> Result<Arc<Tls>, String> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let verify = match (self.verifies, &self.trusted) {
            (false, _) => None,
            (true, Some(trusted)) => Some(trusted.clone()),
            (true, None) => {
                return Err("no proxy_ssl_trusted_certificate for proxy_ssl_verify".to_owned());
            }
        };
        let certificate = self.fixed()?;
        let spec = ClientSpec {
            choice: self.choice.clone(),
            verify,
            revoked: self.revoked.clone(),
            send_name: self.sends_name,
            certificate,
            passwords: self.passwords.clone(),
            reuse: !self.forgets_sessions,
            alpn: self.alpn.clone(),
        };
        let client = ClientTls::load(&spec).map_err(|error| error.to_string())?;
        Ok(Arc::new(Tls {
            client: Arc::new(client),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }))
    }

    /// The certificate and its key, where no variables say them.
    fn fixed(&self) -> Result<Option<(PathBuf, PathBuf)>, String> {
        let Some(certificate) = &self.certificate else {
            return Ok(None);
        };
        let key = self.key.as_ref().ok_or_else(|| {
            let name = certificate.as_literal().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            format!("no \"proxy_ssl_certificate_key\" is defined for certificate \"{name}\"")
        })?;
        let pair = certificate.as_literal().zip(key.as_literal());
        let pair = pair.filter(|(certificate, _)| !certificate.is_empty());
        Ok(pair.map(|(certificate, key)| (self.file(certificate), self.file(key))))
    }

    fn file(&self, name: &[u8]) -> PathBuf {
        self.conf_dir.join(OsStr::from_bytes(name))
    }

    /// What is used for one request or session: with the certificate that variables say, where they do, and its name.
    pub(crate) fn client(
        &self,
        tls: &Tls,
        scope: &impl Scope<V>,
    ) -> Result<(Arc<ClientTls>, Vec<u8>), String> {
        let usual = || (tls.client.clone(), Vec::new());
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(usual());
        };
        if certificate.as_literal().is_some() && key.as_literal().is_some() {
            return Ok(usual());
        }
        let (certificate, key) = (certificate.to_bytes(scope), key.to_bytes(scope));
        if certificate.is_empty() {
            return Ok(usual());
        }
        let files = (self.file(&certificate), self.file(&key));
        let client = tls.client.showing(&files.0, &files.1, &self.passwords);
        let client = client.map_err(|error| error.to_string())?;
        Ok((Arc::new(client), certificate))
    }
}
