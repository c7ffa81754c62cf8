//! `proxy_ssl_*` of both faces: TLS to the servers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::tls::{Choice, ClientSpec, ClientTls, Passwords};
use crate::script::Template;

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
    pub(crate) certificate: Option<PathBuf>,
    /// `proxy_ssl_certificate_key`
    pub(crate) key: Option<PathBuf>,
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
        let certificate = match (&self.certificate, &self.key) {
            (None, _) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (Some(certificate), None) => {
                return Err(format!(
                    "no \"proxy_ssl_certificate_key\" is defined for certificate \"{}\"",
                    certificate.display()
                ));
            }
        };
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
}
